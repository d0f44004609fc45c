"""A device that moves from one MDM server to another keeps what it has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import urlsplit

import pytest
from requests import PreparedRequest, Response
from requests.adapters import BaseAdapter

from bridge.config import ServerConfig
from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault
from bridge.simulator.mdm.http import mdm_app
from bridge.simulator.mdm.mdm import Mdm, MdmSettings
from bridge.simulator.mdm.nano import NanoMdm
from bridge.simulator.world import MdmTransport
from bridge.simulator.wsgi import ConnectionDropped
from tests.flow.cli_kit import Shell
from tests.flow.scene import DAY, WEBHOOK_KEY, MakeScene, Scene, rarely
from tests.wsgi_adapter import WsgiAdapter

Kind = Literal["micromdm", "nanomdm", "nanohub"]
INSTALL = "InstallApplication"
HOUR = 3600.0


class Servers(BaseAdapter):
    """Sends each request to the server whose address it names; one that is `away` answers none."""

    def __init__(self, by_port: dict[int, WsgiAdapter]) -> None:
        super().__init__()
        self._by_port = by_port
        self.away: set[int] = set()

    def send(self, request: PreparedRequest, *args: Any, **named: Any) -> Response:
        port = urlsplit(request.url or "").port or 0
        if port in self.away:
            raise ConnectionError("no server there")
        return self._by_port[port].send(request, *args, **named)

    def close(self) -> None:
        """Nothing is open."""


class Move:
    """A scene with the server `main`, beside which a second one, `next`, is configured."""

    def __init__(self, scene: Scene, kind: Kind) -> None:
        self.scene, world = scene, scene.world
        settings = MdmSettings(kind=kind, plain=kind != "micromdm")
        server = Mdm if kind == "micromdm" else NanoMdm
        shared = world.kernel, world.outgoing, world.faults, world.ledger
        self.next = server(*shared, settings)
        self.next.licensed = world.apple.assigned
        self.next.webhook.url = f"http://mdm:{WEBHOOK_KEY}@bridge.example.org/hooks/mdm/next"
        adapter = WsgiAdapter(mdm_app(replace(world, mdm=self.next)), dropped=(ConnectionDropped,))
        self.servers = Servers({9999: scene.mdm_adapter, 9997: adapter})
        url, keys = "http://127.0.0.1:9997", (WEBHOOK_KEY,)
        config = ServerConfig("next", kind, url, settings.api_key, keys)
        scene.config = replace(scene.config, servers=scene.config.servers | {"next": config})
        scene.mdm_adapter = self.servers  # type: ignore[assignment]
        scene.transports = replace(scene.transports, mdm=self.servers)
        scene.restart()

    def move(self, *devices: Device, check_out: bool = False) -> None:
        """Let these devices enrol with the second server, their apps staying as they are."""
        for device in devices:
            if check_out:
                apps = dict(device.apps._apps)
                statuses = {name: (app.managed, app.status) for name, app in apps.items()}
                device.check_out()
                for name, app in apps.items():
                    app.managed, app.status = statuses[name]
                    device.apps.put(app)
            device.transport = MdmTransport(self.next, self.scene.world.lock)
            self.next.reach(device.key, device.wake)
            device.enrol()

    def installs_of(self, device: Device) -> int:
        return sum(each.request_type == INSTALL for each in device.received)


def moving(make_scene: MakeScene, kind: Kind = "nanomdm", **world: Any) -> Move:
    settings = {"devices": 1, "apps": 1, "macs": 0, "policy": rarely()}
    return Move(make_scene(**settings | world), kind)


def rows(scene: Scene) -> Sequence[Any]:
    return scene.bridge.list_devices().items


@pytest.mark.parametrize("kind", ["nanomdm", "nanohub", "micromdm"])
@pytest.mark.parametrize("check_out", [True, False])
def test_what_is_installed_stays_and_nothing_is_asked_or_sent(
    make_scene: MakeScene, kind: Kind, check_out: bool
) -> None:
    move = moving(make_scene, kind, devices=3, apps=2)
    scene = move.scene
    scene.apply()
    scene.run(scene.all_installed)
    trail = scene.install()["trail"]
    asked = scene.world.ledger.requests["apple.associate"]
    move.move(*scene.world.devices, check_out=check_out)
    scene.run(lambda: all(each["server"] == "next" for each in scene.installs()))
    scene.run(scene.all_installed)
    scene.pass_time(2 * DAY)
    assert scene.states() == {"installed INSTALLED": 6}
    assert [move.installs_of(device) for device in scene.world.devices] == [2, 2, 2]
    assert scene.world.ledger.requests["apple.associate"] == asked
    assert len(scene.installs()) == 6
    steps = [each["step"] for each in scene.install()["trail"]]
    assert [each["step"] for each in trail if each["step"] not in steps] == []
    assert "the device moved from main to next" in steps
    assert [each["moved_to"] for each in rows(scene)] == ["next"] * 3 + [None] * 3
    assert scene.world.ledger.violations() == []
    assert scene.counters()["device.moved"] == 3


@pytest.mark.parametrize("state", ["sending", "sent", "acknowledged"])
def test_an_install_on_its_way_goes_on_at_the_second_server(
    make_scene: MakeScene, state: str
) -> None:
    move = moving(make_scene)
    scene = move.scene
    (device,) = scene.world.devices
    scene.apply()
    if state in ("sending", "sent"):
        scene.run(lambda: bool(scene.installs(state="sending")))
        device.go_offline()
    scene.run(lambda: bool(scene.installs(state=state)))
    move.move(device)
    device.go_online()
    scene.run(scene.all_installed)
    scene.pass_time(DAY)
    assert scene.states() == {"installed INSTALLED": 1}
    assert len(device.installs) == 1, "the app was really installed once"
    assert scene.world.ledger.requests["apple.associate"] == 1
    with scene.bridge.database.read() as db:
        old = [r["state"] for r in db.execute("SELECT state FROM commands WHERE server = 'main'")]
    assert set(old) <= {"acknowledged", "error", "dropped"}, "nothing is open or in doubt there"


def test_a_command_in_doubt_is_left_behind(make_scene: MakeScene) -> None:
    move = moving(make_scene)
    scene = move.scene
    (device,) = scene.world.devices
    scene.apply()
    scene.run(lambda: bool(scene.installs(state="sending")))
    device.go_offline()
    scene.world.faults.add(Fault("mdm.command", "lose", match=INSTALL))
    scene.run(lambda: in_doubt(scene) == 1, DAY)
    move.move(device)
    device.go_online()
    scene.pass_time(2)
    assert in_doubt(scene) == 0
    scene.run(scene.all_installed)
    assert len(device.installs) == 1


def in_doubt(scene: Scene) -> int:
    with scene.bridge.database.read() as db:
        found = db.execute("SELECT count(*) FROM commands WHERE state = 'in_doubt'").fetchone()
    return int(found[0])


def test_nothing_that_comes_from_the_old_server_counts_any_more(make_scene: MakeScene) -> None:
    """Its list, its silence, a late CheckOut, a webhook that was under way."""
    move = moving(make_scene, policy=rarely(devices_every=HOUR))
    scene = move.scene
    (device,) = scene.world.devices
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.mdm.webhook.lag = 300.0
    with scene.world.lock:
        device.connect()
    scene.pass_time(1)
    move.move(device)
    scene.run(lambda: scene.installs()[0]["server"] == "next")
    scene.run(scene.all_installed)
    before = scene.install()["updated_at"]
    with scene.world.lock:
        scene.world.mdm.checkin(templates.check_out(device))
    scene.pass_time(3 * HOUR)
    assert scene.installs()[0]["server"] == "next"
    assert scene.states() == {"installed INSTALLED": 1}
    assert scene.install()["updated_at"] == before
    move.servers.away.add(9999)
    scene.pass_time(20 * DAY)
    device.connect()
    assert scene.states() == {"installed INSTALLED": 1}
    assert move.installs_of(device) == 1


def test_a_device_that_moves_back_is_there_again(make_scene: MakeScene) -> None:
    move = moving(make_scene)
    scene = move.scene
    (device,) = scene.world.devices
    scene.apply()
    scene.run(scene.all_installed)
    old = device.transport
    move.move(device)
    scene.run(lambda: scene.installs()[0]["server"] == "next")
    scene.pass_time(HOUR)
    device.transport = old
    device.enrol()
    scene.run(lambda: scene.installs()[0]["server"] == "main")
    scene.run(scene.all_installed)
    scene.pass_time(DAY)
    assert move.installs_of(device) == 1
    assert [each["moved_to"] for each in rows(scene)] == [None, "main"]


@pytest.mark.parametrize("lost", ["mdm.Authenticate", "mdm.TokenUpdate"])
def test_a_check_in_that_is_lost_does_not_hold_the_move_up(
    make_scene: MakeScene, lost: str
) -> None:
    """What the old server's record says of the device is known at the second one."""
    move = moving(make_scene)
    scene = move.scene
    (device,) = scene.world.devices
    scene.apply()
    scene.run(scene.all_installed)
    scene.world.faults.add(Fault("mdm.webhook", "drop", match=lost))
    move.move(device)
    scene.pass_time(2)
    device.connect()
    scene.run(lambda: scene.installs()[0]["server"] == "next")
    scene.run(scene.all_installed)
    scene.pass_time(DAY)
    assert move.installs_of(device) == 1
    assert len(scene.installs()) == 1


def test_doctor_does_not_take_both_records_for_two_devices(make_scene: MakeScene) -> None:
    move = moving(make_scene)
    scene = move.scene
    scene.apply()
    scene.run(scene.all_installed)
    move.move(*scene.world.devices)
    scene.run(lambda: scene.installs()[0]["server"] == "next")
    scene.run(scene.all_installed)
    assert "is the serial number of" not in Shell(scene).run("doctor").stdout
    assert "another enrolled device" not in str(scene.install())


def test_the_list_of_devices_says_where_each_is(make_scene: MakeScene) -> None:
    move = moving(make_scene)
    scene = move.scene
    scene.apply()
    scene.run(scene.all_installed)
    move.move(*scene.world.devices)
    scene.run(lambda: scene.installs()[0]["server"] == "next")
    lines = Shell(scene).run("devices", "--serial", scene.serials[0]).stdout.splitlines()
    assert [line for line in lines if " main " in line and "moved to next" in line]
    assert [line for line in lines if " next " in line and " yes " in line]
