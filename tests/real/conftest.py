from collections.abc import Iterator

import pytest

from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real.bridge_kit import Stand
from tests.real.databases import Databases, running, schema_of
from tests.real.lab import API_KEY, Webhook, enrol


@pytest.fixture(scope="session")
def webhook() -> Iterator[Webhook]:
    webhook = Webhook()
    yield webhook
    webhook.server.shutdown()
    webhook.server.server_close()


@pytest.fixture(scope="session")
def mdm(webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMicroMdm]:
    with RealMicroMdm(tmp_path_factory.mktemp("micromdm"), webhook.url, API_KEY) as server:
        yield server


@pytest.fixture(scope="session")
def inmem(webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RealMicroMdm]:
    workdir = tmp_path_factory.mktemp("inmem")
    with RealMicroMdm(workdir, webhook.url, API_KEY, queue="inmem") as server:
        yield server


@pytest.fixture
def device(mdm: RealMicroMdm, webhook: Webhook) -> Device:
    return enrol(mdm, webhook)


STANDS: dict[str, Stand] = {
    "nanomdm": {"kind": "nanomdm"},
    "nanomdm on PostgreSQL": {"kind": "nanomdm"},
    "nanohub": {"kind": "nanohub"},
}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[Databases]:
    with running("pgsql") as server:
        yield server


@pytest.fixture(params=STANDS)
def stand(request: pytest.FixtureRequest) -> Stand:
    """File storage, and a database of its own for each test."""
    if request.param != "nanomdm on PostgreSQL":
        return STANDS[request.param]
    dsn = request.getfixturevalue("postgresql").make(schema_of("pgsql"))
    return {"kind": "nanomdm", "storage": ("-storage", "pgsql", "-storage-dsn", dsn)}
