"""What a real NanoMDM 0.9.0 and NanoHUB 0.2.0 do that a good guess gets wrong: their webhooks, and
devices that they refuse. Their API and queue are in `tests/contract/test_mdm_servers.py`.
"""

from __future__ import annotations

import base64
import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator import templates
from bridge.simulator.devices import script
from bridge.simulator.devices.device import Device
from bridge.simulator.devices.script import Planned
from bridge.simulator.mdm.real_nano import RealNano
from bridge.wire.declarative_status import managed_apps
from bridge.wire.mdm_webhook import load_stored, parse_webhook, storable
from tests.real.bridge_evidence import INSTALL
from tests.real.bridge_kit import Rig, until
from tests.real.lab import (
    API_KEY,
    Webhook,
    a_device,
    detail_of,
    idle,
    offered,
)

pytestmark = pytest.mark.real

KINDS = ("nanomdm", "nanohub")
Servers = Callable[[str], RealNano]


@pytest.fixture(scope="module")
def servers(webhook: Webhook, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    """The servers by kind, each started once."""
    started: dict[str, RealNano] = {}
    with ExitStack() as stack:

        def get(kind: str) -> RealNano:
            if kind not in started:
                server = RealNano(tmp_path_factory.mktemp(kind), webhook.url, API_KEY, kind)  # type: ignore[arg-type]
                started[kind] = stack.enter_context(server)
            return started[kind]

        yield get


@pytest.fixture(params=KINDS)
def server(request: pytest.FixtureRequest, servers: Servers) -> RealNano:
    return servers(request.param)


@pytest.fixture
def device(server: RealNano, webhook: Webhook) -> Device:
    device = a_device(server)  # type: ignore[arg-type]
    device.enrol()
    webhook.next(device.key, "mdm.TokenUpdate")
    return device


def said_nothing(server: RealNano, webhook: Webhook, device: Device) -> bool:
    """Whether no webhook told that the device came for a command, up to those of another that
    enrolled after it."""
    other = a_device(server)  # type: ignore[arg-type]
    other.enrol()
    told: list[tuple[str, str]] = []
    while (other.key, "mdm.TokenUpdate") not in told:
        event = webhook.events.get(timeout=20)
        told.append((detail_of(event)["ids"]["id"], event["topic"]))
    return (device.key, "mdm.Connect") not in told


def test_an_identity_that_was_renewed_is_refused_and_no_webhook_tells(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    """The device looks silent; only the server's log says why."""
    server.transport._identities[device.udid] = server.identity(device.udid)
    status, _ = device.transport.connect(device, templates.idle(device))
    assert status == 500
    assert said_nothing(server, webhook, device)
    assert re.search("not associated with cert|cert.*not associated", server.log.read_text())
    device.enrol()
    webhook.next(device.key, "mdm.TokenUpdate")
    assert idle(device) == "", "enrolled anew, it is believed again"


@pytest.mark.parametrize("days", [-3, 3])
def test_a_clock_outside_the_certificate_is_refused_and_no_webhook_tells(
    server: RealNano, device: Device, webhook: Webhook, days: int
) -> None:
    """The device looks silent; only the server's log says why."""
    known = server.transport._identities[device.udid]
    wrong = server.authority.issue(device.udid, moved=timedelta(days=days))
    server.transport._identities[device.udid] = wrong
    began = len(server.log.read_text())
    status, _ = device.transport.connect(device, templates.idle(device))
    assert status == 400
    assert said_nothing(server, webhook, device)
    assert "outside of certificate validity" in server.log.read_text()[began:]
    server.transport._identities[device.udid] = known
    assert idle(device) == "", "with its clock set right it is believed again"


def test_a_declarative_status_comes_whole_though_the_server_may_fail(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    """Without its option for declarations NanoMDM answers 500, and tells of it all the same."""
    entry = {"identifier": "com.apple.Pages", "state": "managed"}
    status = device.report_status({"app": {"managed": {"list": [entry]}}})
    assert (status == 500) is (server.program == "nanomdm")
    event = webhook.next(device.key, "mdm.DeclarativeManagement")
    (app,) = managed_apps(kept(event)["Status"])
    assert (app.bundle_id, app.state, app.removed) == ("com.apple.Pages", "managed", False)


def kept(event: dict[str, Any]) -> Any:
    """What the bridge keeps of a webhook."""
    return load_stored(storable(parse_webhook(json.dumps(event).encode()), False)).message


def test_an_answer_to_an_unknown_command_is_told(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    """A webhook is no proof that the server has the command."""
    offered(device, templates.answer(device, "NOBODYS", "Acknowledged"))
    told = detail_of(webhook.next(device.key, "mdm.Connect"))
    assert (told["command_uuid"], told["status"]) == ("NOBODYS", "Acknowledged")


def test_an_event_has_an_id_with_one_of_them_alone(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    idle(device)
    event = webhook.next(device.key, "mdm.Connect")
    if server.program == "nanohub":
        assert "event_id" not in event
    else:
        assert re.fullmatch("[0-9a-f]{16}", event["event_id"])
    assert detail_of(event)["ids"] == {"id": device.udid, "type": "Device"}


def test_token_updates_are_counted_from_each_enrolment(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    device.token_update()
    assert detail_of(webhook.next(device.key, "mdm.TokenUpdate"))["token_update_tally"] == 2
    device.reenrol(erased=False)
    assert detail_of(webhook.next(device.key, "mdm.TokenUpdate"))["token_update_tally"] == 1


def test_a_user_s_channel_has_the_device_s_udid(
    server: RealNano, device: Device, webhook: Webhook
) -> None:
    device.token_update("A-USER")
    told = detail_of(webhook.next(device.key, "mdm.TokenUpdate"))
    assert told["udid"] == device.udid
    assert told["ids"]["type"] == "User"
    assert told["ids"]["id"] == f"{device.udid}:A-USER"
    assert told["ids"]["parent_id"] == device.udid


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_comes_back_installs_nothing_twice(tmp_path: Path, kind: Any) -> None:
    """Somebody else's command is put off until ours behind it is answered, which then is handed out
    once more."""

    def puts_off(_device: Device, request_type: str, _adam_id: str) -> Planned | None:
        seen.append(request_type)
        first = request_type == "DeviceInformation" and INSTALL not in seen
        return script.not_now(request_type=request_type) if first else None

    seen: list[str] = []
    with Rig(tmp_path, apps=2, kind=kind, named=True) as rig:
        assert isinstance(rig.mdm, RealNano)
        whole = json.loads(rig.place.config.read_text())
        rig.place.config.write_text(json.dumps(whole | {"apps": whole["apps"][:1]}))
        rig.start()
        until(lambda: rig.states() == {"installed INSTALLED": 1}, "the first app is there")
        rig.go_offline()
        rig.device.misbehave = puts_off
        put(rig.mdm, rig.device, templates.command("FOREIGN", "DeviceInformation"))
        rig.place.config.write_text(json.dumps(whole))
        rig.apply()
        until(lambda: len(rig.posted()) == 2, "the second app is sent")
        rig.go_online()
        rig.ends_well()
        uuid = rig.posted()[1]
        came = [each for _, each in rig.evidence.delivered if each == uuid]
        assert len(came) == 2, "the server handed it out twice"
        assert len(rig.posted()) == 2
        assert rig.executed(rig.device) == sorted(rig.world.catalogue)
        assert any("answered again" in each for each in rig.outcomes(uuid))
        rig.tell_figures()


def put(server: RealNano, device: Device, command: bytes) -> None:
    """Queue somebody else's command."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    basic = base64.b64encode(f"{server.user}:{API_KEY}".encode()).decode()
    try:
        path = f"{server.api}/enqueue/{device.udid}?nopush=1"
        connection.request("PUT", path, command, {"Authorization": f"Basic {basic}"})
        assert connection.getresponse().status == 200
    finally:
        connection.close()
