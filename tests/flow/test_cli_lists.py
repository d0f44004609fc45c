"""`devices`, `assets`, `outbox`: lists for people and programs; a failed call made again."""

from collections.abc import Callable

import pytest

from bridge.domain.reasons import REASONS
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    scene = make_scene(devices=3, apps=2, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    return Shell(scene)


@pytest.mark.parametrize("name", ["devices", "assets", "assignments", "outbox"])
def test_json_is_as_the_api_has_it(shell: Shell, name: str) -> None:
    page = getattr(shell.scene.bridge, f"list_{name}")(limit=1000)
    assert shell.json(name, "--all") == {name: list(page.items), "next_cursor": None}
    first = shell.json(name, "--limit", "1")
    assert first[name] == list(page.items[:1])
    assert first["next_cursor"] is not None


@pytest.mark.parametrize("name", ["devices", "assets", "assignments", "outbox"])
def test_a_table_has_a_line_for_each(shell: Shell, name: str) -> None:
    number = len(shell.json(name, "--all")[name])
    result = shell.run(name, "--all")
    assert (result.exit_code, result.stderr) == (0, "")
    assert len(result.stdout.splitlines()) == 1 + number


def test_devices_are_filtered(shell: Shell) -> None:
    serials = shell.scene.serials
    assert [d["serial_number"] for d in shell.json("devices")["devices"]] == serials
    (one,) = shell.json("devices", "--serial", serials[1].lower())["devices"]
    assert one["serial_number"] == serials[1]
    assert shell.run("devices", "--server", "elsewhere").exit_code == 2
    assert len(shell.json("devices", "--enrolled")["devices"]) == 3
    assert shell.run("devices", "--not-enrolled").stdout == "No devices.\n"
    assert serials[0] in shell.run("devices").stdout


def test_assets_are_filtered(shell: Shell) -> None:
    pages = shell.scene.adam_ids[0]
    (one,) = shell.json("assets", "--app", pages, "--location", "hq")["assets"]
    assert one["adam_id"] == pages
    assert shell.run("assets", "--location", "elsewhere").exit_code == 2
    assert f" {one['total']} " in shell.run("assets", "--app", pages).stdout


def test_outbox_is_filtered(shell: Shell) -> None:
    found = shell.json("outbox", "--service", "apple", "--kind", "associate")["outbox"]
    assert {(c["service"], c["kind"], c["state"]) for c in found} == {
        ("apple", "associate", "done")
    }
    assert shell.json("outbox", "--scope", "hq", "--state", "failed")["outbox"] == []
    ids = [c["id"] for c in shell.json("outbox", "--all")["outbox"]]
    assert ids == sorted(ids, reverse=True)


def failed(shell: Shell, kind: str) -> str:
    """The id of the newest failed call of a kind."""
    return str(shell.json("outbox", "--kind", kind, "--state", "failed")["outbox"][0]["id"])


def test_a_failed_read_is_made_again(make_scene: MakeScene) -> None:
    fault = Fault("mdm.push", "error")
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.world.devices[0].go_offline()
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: bool(shell.json("outbox", "--state", "failed")["outbox"]), limit=2 * 86400)
    row = failed(shell, "push")
    result = shell.run("outbox", "retry", row)
    assert (result.exit_code, result.stderr) == (0, "")
    scene.settle()
    states = {str(c["id"]): c["state"] for c in shell.json("outbox", "--all")["outbox"]}
    assert states[row] == "done"


LOST = {
    "associate": ("apple.associate", "Apple may have got it: its assignments are read"),
    "command": ("mdm.command", "the MDM server may have got it: its queue is looked at"),
}


@pytest.mark.parametrize("kind", LOST)
def test_what_is_in_doubt_is_looked_up_instead(make_scene: MakeScene, kind: str) -> None:
    where, why = LOST[kind]
    scene = make_scene(devices=1, apps=1, faults=[Fault(where, "reply_lost")])
    shell = Shell(scene)
    scene.apply()

    def is_lost() -> bool:
        return bool(shell.json("outbox", "--kind", kind, "--state", "failed")["outbox"])

    scene.run(is_lost)
    result = shell.run("outbox", "retry", failed(shell, kind))
    assert (result.exit_code, result.stdout) == (1, "")
    assert f"is not made again: {why}" in result.stderr
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []


def test_a_request_that_was_refused_is_not_repeated(make_scene: MakeScene) -> None:
    fault = Fault("apple.associate", "error", number=9712)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: bool(shell.json("outbox", "--state", "failed")["outbox"]))
    result = shell.run("outbox", "retry", failed(shell, "associate"))
    assert result.exit_code == 1
    assert "vpp-bridge retry gives installs that stopped another round" in result.stderr


def test_what_is_done_or_unknown_or_waits_is_left_alone(make_scene: MakeScene) -> None:
    fault = Fault("apple.assets", "gateway", times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    shell = Shell(scene)
    scene.apply()
    scene.settle()
    done = shell.json("outbox", "--state", "done")["outbox"][0]["id"]
    told = shell.json("outbox", "retry", str(done), code=1)
    assert told == {"outbox": done, "ok": False, "why_not": "it was made, and its answer is kept"}
    (waits,) = shell.json("outbox", "--kind", "read_assets")["outbox"]
    result = shell.run("outbox", "retry", str(waits["id"]))
    assert result.exit_code == 1
    assert "is not made again: it is made by itself, not before 20" in result.stderr
    assert shell.run("outbox", "retry", "99999").exit_code == 2


def test_a_call_that_is_paused_is_made_when_it_is_resumed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    assert shell.run("pause", "--all").exit_code == 0
    scene.settle()
    (held, *_) = shell.json("outbox", "--state", "held")["outbox"]
    result = shell.run("outbox", "retry", str(held["id"]))
    assert result.exit_code == 1
    assert "is not made again: it is paused, and made when that ends" in result.stderr


def test_assignments_tell_who_asked_and_whether_it_is_wanted(make_scene: MakeScene) -> None:
    """Of four licences others gave two; of each giver one is wanted, and one is not any more."""
    scene = make_scene(devices=4, apps=1)
    (pages,), (first, second, third, fourth) = scene.adam_ids, scene.serials
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", pages, [first, second])
    shell = Shell(scene)
    shell.want([first, third, fourth])
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    shell.want([first, third])
    assert shell.run("apply", "--yes").exit_code == 0
    scene.settle()
    found = shell.json("assignments", "--app", pages, "--location", "hq")["assignments"]
    assert [(a["serial_number"], a["by_us"], a["wanted"]) for a in found] == [
        (first, False, True),
        (second, False, False),
        (third, True, True),
        (fourth, True, False),
    ]
    assert {(a["app_name"], a["device_name"]) for a in found} >= {("Pages", "Device 1")}
    (licence,) = [e for e in shell.json("status")["licences"] if e["adam_id"] == pages]
    assert (licence["held"], licence["held_by_us"], licence["wanted"]) == (4, 2, 2)
    unwanted = shell.run("assignments", "--unwanted").stdout.splitlines()
    assert [line.split()[4] for line in unwanted[1:]] == [second, fourth]
    assert [line.split()[-4:-2] for line in unwanted[1:]] == [["others", "no"], ["us", "no"]]
    header, *lines = shell.run("assignments", "--unwanted", "--csv").stdout.splitlines()
    assert header.startswith("location,adam_id,app_name,pricing_param,serial_number,device_name,")
    assert [line.split(",")[4] for line in lines] == [second, fourth]


def test_reasons_are_told_without_a_configuration(shell: Shell) -> None:
    shell.config.unlink()
    result = shell.run("reasons", "no-seat")
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert "What is so  No licence for the app is free at the location." in lines
    assert "Must act    the admin" in lines
    assert any(line.startswith("Next        Buy more or free some;") for line in lines)
    listed = shell.run("reasons").stdout.splitlines()
    assert [line.split()[0] for line in listed[1:]] == sorted(REASONS)
    assert len(shell.json("reasons")["reasons"]) == len(REASONS)
    unknown = shell.run("reasons", "NO_SEATS")
    assert (unknown.exit_code, unknown.stdout) == (2, "")
    assert "'NO_SEATS' is unknown; did you mean NO_SEAT" in unknown.stderr
