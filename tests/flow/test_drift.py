"""Drift: what disagrees is named, nothing else is, and what is printed mends it."""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.simulator.devices.device import Device
from bridge.store.devices import declared_apps, devices
from bridge.store.devices.declared_apps import Told
from bridge.store.installs import installs
from bridge.wire import mdm_command
from tests.flow.cli_kit import CONFIG, Shell
from tests.flow.scene import API_KEY, DAY, PUBLIC_URL, WEBHOOK_KEY, MakeScene, Scene, rarely
from tests.flow.test_moving import Move

Named = tuple[str, str, str | None]
"""A kind, a serial number and an adam id."""

OTHERS = "0B0E5B0E-0000-4000-8000-00000000D1FF"
WISHES = {"on_unwanted": "keep"}


@dataclass
class Fleet:
    """A scene with two MDM servers and a command line, and what was planted in it."""

    scene: Scene
    move: Move
    seed: int
    shell: Shell = field(init=False)
    planted: set[Named] = field(default_factory=set)
    foreign: set[Named] = field(default_factory=set)
    takes_over: set[str] = field(default_factory=set)
    without: dict[str, set[str]] = field(default_factory=dict)
    mistyped: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shell = Shell(self.scene)
        chosen = list(self.scene.world.devices)
        random.Random(self.seed).shuffle(chosen)
        self._free: Iterator[Device] = iter(chosen)

    @property
    def plain(self) -> bool:
        return self.scene.plain

    def device(self) -> Device:
        """One of which nothing is planted yet."""
        return next(self._free)

    def write(self) -> None:
        """The file: the first two apps on every device but those that are `without` one."""
        text = CONFIG.format(
            public_url=PUBLIC_URL,
            api_key=API_KEY,
            mdm_key=self.scene.world.mdm.settings.api_key,
            webhook_key=WEBHOOK_KEY,
        )
        kind = self.scene.config.servers["main"].kind
        key = self.move.next.settings.api_key
        further = f'url: "http://127.0.0.1:9997", api_key: {key}, webhook_key: {WEBHOOK_KEY}'
        text = text.replace("  main: {", f"  main: {{kind: {kind}, ")
        text = text.replace("locations:", f"  next: {{kind: micromdm, {further}}}\nlocations:")
        groups: dict[str, Any] = {"all": {"serials": self.scene.serials + self.mistyped}}
        apps = []
        for adam_id in self.scene.adam_ids[:2]:
            out = sorted(self.without.get(adam_id, ()))
            app = {"adam_id": adam_id, "groups": ["all"]}
            bundle_id, app["name"] = self.scene.world.catalogue[adam_id]
            app |= {"bundle_id": bundle_id, "take_over": adam_id in self.takes_over}
            if out:
                groups[f"not-{adam_id}"] = {"serials": out}
                app["exclude"] = [f"not-{adam_id}"]
            apps.append(app)
        desired = {"groups": groups, "apps": apps}
        self.shell.write(text + "".join(f"{k}: {json.dumps(v)}\n" for k, v in desired.items()))

    def apply(self) -> None:
        self.write()
        result = self.shell.run("apply", "--yes", "--allow-removals", "50")
        assert result.exit_code == 0, result.output

    def drift(self, *words: str, code: int = 1) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.shell.json("drift", "--all", *words, code=code)["drift"]
        return found

    def mend(self, mend: str) -> None:
        """Run what is printed, as an admin would."""
        first, _, then = mend.partition(", then ")
        if first.startswith("take_over: true at app "):
            self.takes_over.add(first.split()[4])
            self.write()
        elif first.startswith("at "):
            name, _, command = first.removeprefix("at ").partition(": ")
            server = {"main": self.scene.world.mdm, "next": self.move.next}[name]
            words = shlex.split(command)
            assert words[:4] == ["mdmctl", "remove", "devices", "-udids"]
            server.records[:] = [r for r in server.records if r.udid != words[4]]
        elif first.startswith("curl "):
            words = shlex.split(first)
            assert words[:5] == ["curl", "-X", "DELETE", "-u", "micromdm"]
            self.scene.world.mdm.clear(words[5].rpartition("/")[2])
        else:
            then = first
        for command in then.split(" && "):
            words = shlex.split(command)
            assert words[0] == "vpp-bridge", mend
            words += ["--yes"] if words[1] == "apply" else []
            for _ in range(2 if words[1:] == ["sync", "devices"] else 1):
                result = self.shell.run(*words[1:])
                assert result.exit_code == 0, (mend, result.output)
                self.scene.pass_time(60)


def named(found: list[dict[str, Any]]) -> set[Named]:
    return {(each["kind"], each["serial_number"], each["adam_id"]) for each in found}


@pytest.fixture
def fleet(make_scene: MakeScene, request: pytest.FixtureRequest) -> Fleet:
    """200 devices (12 on a database server, which takes longer), and nothing is planted yet."""
    seed = getattr(request, "param", 1)
    number = 12 if request.config.getoption("database") == "postgresql" else 200
    scene = make_scene(devices=number, apps=3, macs=0, policy=rarely(), seats=300)
    return Fleet(scene, Move(scene, "micromdm"), seed)


def plant_before(fleet: Fleet) -> Device:
    """What is there before the first apply; returns a device that is off."""
    scene, (app, *_) = fleet.scene, fleet.scene.adam_ids
    copy = fleet.device()
    copy.user_installs(app)
    fleet.planted.add(("app_unmanaged", copy.serial_number, app))
    fleet.mistyped.append("SIM9999999")
    fleet.planted |= {("serial_unknown", "SIM9999999", adam_id) for adam_id in scene.adam_ids[:2]}
    off = fleet.device()
    off.go_offline()
    if not fleet.plain:
        payload = mdm_command.install_application(OTHERS, scene.adam_ids[2])
        scene.world.mdm.accept(off.key, payload)
        fleet.planted.add(("queue_unknown", off.serial_number, scene.adam_ids[2]))
    return off


def declare(scene: Scene, device: Device, adam_id: str) -> None:
    """A declaration takes an app over, and the device tells of it; MicroMDM passes that on from
    the version on that knows declarations."""
    device.declare(adam_id)
    bundle_id = scene.world.catalogue[adam_id][0]
    told = Told(bundle_id, False, "managed", None, None, f"app-{adam_id}", None)
    with scene.bridge.database.write() as db:
        known = devices.find(db, "main", device.udid)
        assert known is not None
        devices.update(db, known.id, declared_at=scene.now())
        declared_apps.store(db, known.id, [told], stamp=scene.now(), now=scene.now())
        installs.touch_serials(db, [device.serial_number], scene.now())


def plant_after(fleet: Fleet) -> None:
    """What happens to a fleet that has its apps."""
    scene, (first, second, third) = fleet.scene, fleet.scene.adam_ids
    apple, location = scene.world.apple, scene.world.location
    unwanted, unlicensed, missing = fleet.device(), fleet.device(), fleet.device()
    fleet.without[second] = {unwanted.serial_number, unlicensed.serial_number}
    fleet.apply()
    scene.pass_time(60)
    apple.portal(location, "DISASSOCIATE", second, [unlicensed.serial_number])
    apple.portal(location, "DISASSOCIATE", first, [missing.serial_number])
    fleet.planted |= {
        ("license_unwanted", unwanted.serial_number, second),
        ("app_unlicensed", unlicensed.serial_number, second),
        ("license_missing", missing.serial_number, first),
    }
    theirs = fleet.device()
    apple.portal(location, "ASSOCIATE", third, [theirs.serial_number, "SOLD0000001"])
    fleet.foreign |= {
        ("license_unwanted", theirs.serial_number, third),
        ("serial_unknown", "SOLD0000001", third),
    }
    declared = fleet.device()
    declare(scene, declared, first)
    fleet.planted.add(("declaration", declared.serial_number, first))
    if not fleet.plain:
        twice = fleet.device()
        record = fleet.move.next._new_record(twice.udid, twice.serial_number)
        record.enrolled = True
        fleet.planted.add(("two_servers", twice.serial_number, None))
        sold = fleet.device()
        sold.go_offline()
        records = scene.world.mdm.records
        records[:] = [each for each in records if each.udid != sold.udid]
        fleet.planted |= {
            ("serial_unknown", sold.serial_number, adam_id) for adam_id in (first, second)
        }
    for _ in range(2):
        assert fleet.shell.run("sync", "all").exit_code == 0
        scene.pass_time(120)


@pytest.mark.slow
@pytest.mark.parametrize("fleet", [1, 2], indirect=True)
def test_each_kind_is_named_and_what_is_printed_mends_it(fleet: Fleet) -> None:
    scene = fleet.scene
    off = plant_before(fleet)
    fleet.apply()
    at_rest = 2 * len(scene.serials) - 1 - 2
    scene.run(lambda: scene.states().get("installed INSTALLED", 0) >= at_rest)
    scene.pass_time(600)
    plant_after(fleet)
    found = fleet.drift()
    assert named(found) == fleet.planted
    assert len(found) == len(fleet.planted)
    assert named(fleet.drift("--foreign")) == fleet.planted | fleet.foreign
    for each in found:
        assert each["cause"], each
        assert each["since"] or each["kind"] == "two_servers", each
        fleet.mend(each["mend"])
    off.go_online()
    scene.pass_time(600)
    fleet.shell.run("sync", "all")
    assert fleet.drift(code=0) == []
    assert named(fleet.drift("--foreign", code=0)) == fleet.foreign
    scene.pass_time(2 * DAY)
    assert fleet.drift(code=0) == []
