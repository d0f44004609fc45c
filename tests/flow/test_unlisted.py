"""Servers that cannot list their devices: what a file tells of them, and who shows up later."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bridge.clients.mdm.nano import NanoMdm
from bridge.clients.mdm.port import MdmDevice
from bridge.domain.policy import ApplyPolicy, Policy
from bridge.errors import OutcomeUnknown
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.store.devices import devices
from tests.flow.cli_kit import Shell
from tests.flow.kit import installs_sent, kinds
from tests.flow.scene import API_KEY, DAY, MakeScene, Scene

INFORMATION, LIST, INSTALL = "DeviceInformation", "ManagedApplicationList", "InstallApplication"
RULE = "groups: {{everyone: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [everyone]}}]\n"


def found_fleet(make_scene: MakeScene, count: int, **options: Any) -> Scene:
    """Devices that enrolled while there was no bridge; none of them says anything by itself."""
    options = {"apps": 1, "macs": 0, "mdm": MdmSettings(kind="nanomdm")} | options
    scene = make_scene(devices=count, enrol=False, **options)
    scene.reachable = False
    scene.world.enrol_all()
    scene.world.advance(60.0)
    for device in scene.world.devices:
        device.received.clear()
    scene.reachable = True
    return scene


def write_file(scene: Scene, lines: Iterable[str], head: str = "serial,udid") -> Path:
    """Write a devices_file, and start the bridge with it."""
    path = scene.tmp_path / "devices.csv"
    path.write_text("\n".join([head, *lines, ""]))
    main = replace(scene.config.servers["main"], devices_file=path)
    scene.config = replace(scene.config, servers={"main": main})
    scene.restart()
    return path


def lines_of(scene: Scene) -> list[str]:
    return [f"{device.serial_number},{device.udid}" for device in scene.world.devices]


def shell_of(scene: Scene, path: Path | None) -> Shell:
    shell = Shell(scene)
    shell.write(desired=RULE.format(app=scene.adam_ids[0]))
    if path is not None:
        name = f"main: {{devices_file: {path.name}, "
        shell.config.write_text(shell.config.read_text().replace("main: {", name))
    return shell


def test_a_device_of_the_file_is_asked_who_it_is_before_anything_else(
    make_scene: MakeScene,
) -> None:
    scene = found_fleet(make_scene, 2)
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(60)
    assert scene.received(INFORMATION) == 0 and installs_sent(scene) == 0
    write_file(scene, lines_of(scene))
    scene.run(scene.all_installed)
    for device in scene.world.devices:
        got = [command.request_type for command in device.received]
        assert got[0] == INFORMATION and got.count(INSTALL) == 1
    assert scene.world.ledger.violations() == []


def test_nothing_is_sent_to_a_device_that_does_not_answer(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 1)
    scene.world.devices[0].go_offline()
    write_file(scene, lines_of(scene))
    scene.apply(scene.wanted_for(scene.serials))
    scene.pass_time(3 * DAY)
    assert scene.world.ledger.requests["apple.associate"] == 0
    (install,) = scene.installs()
    assert install["state"] == "waiting"
    why = scene.install()["explanation"]["sentence"]
    assert "devices_file" in why and scene.world.devices[0].udid in why
    scene.world.devices[0].go_online()
    scene.run(scene.all_installed, DAY)
    assert scene.received(INFORMATION) <= 2


def test_the_word_of_the_device_wins_and_the_line_is_a_finding(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 2)
    first, second = scene.world.devices
    path = write_file(scene, [f"WRONG1,{first.udid}", f"{second.serial_number},{second.udid}"])
    scene.apply(scene.wanted_for(["WRONG1", first.serial_number]))
    scene.run(lambda: scene.states().get("installed INSTALLED") == 1)
    assert [kind for kind in kinds(scene) if kind == INSTALL] == [INSTALL]
    assert scene.install("WRONG1")["state"] == "waiting"
    result = shell_of(scene, path).run("doctor")
    (said,) = [line for line in result.stdout.splitlines() if "line 2" in line]
    assert first.serial_number in said and "WRONG1" in said and "correct the line" in said
    assert "line 3" not in result.stdout


def test_what_cannot_be_read_costs_no_other_line(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 1)
    (good,) = lines_of(scene)
    bad = ["no serial,UDID-1", "S1", "S2,a/b", "", "# of the old office", good, f"S9,{good[-36:]}"]
    path = write_file(scene, bad, head="\ufeffUDID-old,Serial,udid".replace("UDID-old,", ""))
    scene.apply(scene.wanted_for(scene.serials))
    scene.run(scene.all_installed)
    told = shell_of(scene, path).run("doctor").stdout
    for number in (2, 3, 4, 8):
        assert f"line {number}: " in told
    assert "line 7: " not in told and "names 1 device" in told


def test_a_file_that_is_missing_holds_nothing_up(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, mdm=MdmSettings(kind="nanomdm"))
    path = write_file(scene, [])
    path.unlink()
    scene.apply()
    scene.run(scene.all_installed)
    shell = shell_of(scene, path)
    told = shell.run("doctor")
    assert "cannot be read (No such file or directory)" in told.stdout and told.exit_code == 1
    asked = shell.run("sync", "devices")
    assert asked.exit_code == 1 and str(path) in asked.stderr
    path.write_text("serial,udid\n")
    assert shell.run("sync", "devices").exit_code == 0


def test_the_file_is_read_again(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 2)
    lines = lines_of(scene)
    path = write_file(scene, lines[:1])
    scene.apply(scene.wanted_for(scene.serials))
    scene.run(lambda: scene.states().get("installed INSTALLED") == 1)
    path.write_text("\n".join(["serial,udid", *lines]))
    scene.run(scene.all_installed, 2 * 3600.0)


def test_a_plan_says_in_one_line_whom_it_cannot_know(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 3)
    for device in scene.world.devices:
        device.go_offline()
    path = write_file(scene, lines_of(scene)[:2])
    scene.settle()
    shell = shell_of(scene, path)
    planned = shell.run("plan")
    assert planned.exit_code == 0, "such a server is not blind"
    (line,) = [each for each in planned.stdout.splitlines() if "cannot be known" in each]
    assert "main (0 known by what they sent, 2 of its devices_file not heard of yet)" in line
    assert "the first 50 devices are served" in line
    assert line in shell.json("plan")["notes"]
    assert shell.run("apply", "--yes").exit_code == 0
    shell.want(scene.serials)
    assert "cannot be known" not in shell.run("plan").stdout
    plain = shell_of(scene, None)
    told = plain.run("sync", "devices").stdout
    assert "no list of them to read" in told and "devices_file" in told
    said = plain.run("doctor").stdout
    assert "cannot list its devices" in said and "enrollments_dsn" in said


def show_up(scene: Scene) -> None:
    """Every device comes by for the first time, as one that has been enrolled for long."""
    for device in scene.world.devices:
        device.connect()


def test_those_that_show_up_later_are_served_up_to_the_limit(make_scene: MakeScene) -> None:
    policy = replace(Policy(), apply=ApplyPolicy(unseen_limit=2))
    scene = found_fleet(make_scene, 5, policy=policy)
    scene.apply()
    show_up(scene)
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    scene.pass_time(3600)
    assert scene.states() == {"installed INSTALLED": 2, "waiting NOT_PLANNED": 3}
    assert scene.install(_held(scene))["reason"] == "NOT_PLANNED"
    scene.apply()
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []


def test_who_enrols_after_the_apply_is_no_stranger(make_scene: MakeScene) -> None:
    policy = replace(Policy(), apply=ApplyPolicy(unseen_limit=0))
    settings = MdmSettings(kind="nanomdm")
    scene = make_scene(devices=3, apps=1, enrol=False, mdm=settings, policy=policy)
    scene.apply()
    scene.world.enrol_all()
    scene.run(scene.all_installed)


def test_who_is_named_is_served_beyond_the_limit(make_scene: MakeScene) -> None:
    policy = replace(Policy(), apply=ApplyPolicy(unseen_limit=0))
    scene = found_fleet(make_scene, 2, policy=policy)
    scene.apply(scene.wanted_for(scene.serials))
    show_up(scene)
    scene.run(scene.all_installed)


def test_a_limit_is_counted_anew_after_each_apply(make_scene: MakeScene) -> None:
    policy = replace(Policy(), apply=ApplyPolicy(unseen_limit=1))
    scene = found_fleet(make_scene, 4, policy=policy)
    scene.apply()
    for device in scene.world.devices[:2]:
        device.connect()
    scene.pass_time(3600)
    assert scene.states() == {"installed INSTALLED": 1, "waiting NOT_PLANNED": 1}
    scene.apply()
    show_up(scene)
    scene.pass_time(3600)
    assert scene.states() == {"installed INSTALLED": 3, "waiting NOT_PLANNED": 1}


def _held(scene: Scene) -> str:
    (first, *_) = [each for each in scene.installs() if each["reason"] == "NOT_PLANNED"]
    return str(first["serial_number"])


def test_a_match_means_who_shows_up_later_too(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 2)
    rule = "groups: {{pads: {{match: {{product_name: '*'}}}}}}\n"
    rule += "apps: [{{adam_id: '{app}', groups: [pads]}}]\n"
    shell = Shell(scene)
    shell.write(desired=rule.format(app=scene.adam_ids[0]))
    assert shell.run("apply", "--yes").exit_code == 0
    show_up(scene)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 2})


def test_the_api_reads_the_file_too(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 1)
    write_file(scene, lines_of(scene))
    scene.settle()
    answer = scene.client.post("/v1/sync", json={"what": "devices"}, auth=("bridge", API_KEY))
    assert answer.status_code == 202
    assert answer.json["reads"] == [{"what": "devices", "of": "main", "asked": True}]
    with scene.bridge.database.read() as db:
        assert devices.nameless(db, "main", scene.now(), 10) == []


def records(scene: Scene) -> tuple[MdmDevice, ...]:
    return tuple(
        MdmDevice(
            device.udid,
            device.serial_number,
            enrolled=True,
            last_seen_at=None,
            dep_profile_status="",
        )
        for device in scene.world.devices
    )


def test_enrolments_that_a_server_tells_of_are_served(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = found_fleet(make_scene, 3)
    monkeypatch.setattr(NanoMdm, "enrolments", lambda _server: records(scene))
    scene.restart()
    scene.settle()
    planned = scene.bridge.plan(scene.desired())
    assert len(planned.change.added) == 3
    assert not any("cannot be known" in line for line in planned.not_seen())
    scene.apply()
    scene.run(scene.all_installed)
    monkeypatch.setattr(NanoMdm, "enrolments", lambda _server: ())
    scene.pass_time(3 * 3600)
    assert scene.states() == {"installed INSTALLED": 3}, "not in a list never means left"


def test_an_endpoint_that_is_not_there_is_asked_for_once(make_scene: MakeScene) -> None:
    scene = found_fleet(make_scene, 1)
    scene.pass_time(DAY)
    reads = scene.bridge.list_outbox(kind="read_enrolments").items
    assert len(reads) == 1
    scene.restart()
    scene.pass_time(DAY)
    reads = scene.bridge.list_outbox(kind="read_enrolments").items
    assert len(reads) == 2, "a start may find a newer server"


def test_an_endpoint_that_fails_is_tried_again(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = found_fleet(make_scene, 1)
    monkeypatch.setattr(NanoMdm, "enrolments", _fails)
    scene.restart()
    scene.settle()
    (row,) = [
        each
        for each in scene.bridge.list_outbox().items
        if each["kind"] == "read_enrolments" and each["error"]
    ]
    assert row["error"] == "it is ill"
    monkeypatch.setattr(NanoMdm, "enrolments", lambda _server: records(scene))
    scene.apply()
    scene.run(scene.all_installed)


def _fails(_server: NanoMdm) -> tuple[MdmDevice, ...]:
    raise OutcomeUnknown("it is ill", service="mdm", call="POST /v1/enrollments/query")
