"""Scenes that are closed when their test ends, and which MDM server they have."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import postgresql
from tests.flow import on_postgresql, plain_mdm
from tests.flow.of_a_file import FILES, TESTS
from tests.flow.scene import MakeScene, scenes
from tests.flow.second_mode import BY_CHANCE, OTHERWISE

HERE = Path(__file__).parent


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    yield from scenes(tmp_path)


@pytest.fixture(scope="session", autouse=True)
def mdm_server(request: pytest.FixtureRequest) -> Iterator[None]:
    """With --mdm=plain every scene has a server without a queue view and a list of devices."""
    with pytest.MonkeyPatch.context() as patch:
        if request.config.getoption("mdm") == "plain":
            plain_mdm.use(patch)
        yield


@pytest.fixture(scope="session")
def server_databases() -> Iterator[on_postgresql.Databases]:
    """Databases of a PostgreSQL."""
    if why := postgresql.why_missing():
        pytest.skip(why)
    yield from on_postgresql.databases()


@pytest.fixture
def on_a_server(
    server_databases: on_postgresql.Databases, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """The scenes of one test keep what they store on a PostgreSQL."""
    on_postgresql.use(monkeypatch, server_databases)
    yield
    server_databases.remove()


@pytest.fixture(autouse=True)
def kind_of_database(request: pytest.FixtureRequest) -> None:
    """With --database=postgresql all scenes do."""
    if request.config.getoption("database") == "postgresql":
        request.getfixturevalue("on_a_server")


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """The scenes of one test have such a server."""
    plain_mdm.use(monkeypatch)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With --mdm=plain the sample of it would be the same once more."""
    is_sample = collection_path == HERE / "plain"
    return True if is_sample and config.getoption("mdm") == "plain" else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What holds otherwise on such a server, or such a database, is expected to fail there."""
    for item in items:
        if HERE not in item.path.parents:
            continue
        name = item.nodeid.partition("::")[2]
        tests = [f"{item.path.stem}::{key}" for key in (name, name.partition("[")[0])]
        if config.getoption("mdm") == "plain" or item.path.parent == HERE / "plain":
            for test in tests:
                if why := OTHERWISE.get(test):
                    item.add_marker(pytest.mark.xfail(reason=why, strict=test not in BY_CHANCE))
        if config.getoption("database") == "postgresql":
            if why := FILES.get(item.path.stem):
                item.add_marker(pytest.mark.xfail(reason=why, run=False))
            for test in tests:
                if why := TESTS.get(test):
                    item.add_marker(pytest.mark.xfail(reason=why, run=False))
