"""Apps and devices by what people call them, in every command that takes one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner

from bridge.cli.completion import VARIABLE
from bridge.cli.root import cli
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    scene = make_scene(devices=3, apps=2, macs=0)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    with scene.bridge.database.write() as db:
        for number, name in enumerate(("Front Desk", "front-desk", "Lager")):
            db.execute(
                "UPDATE devices SET name = ? WHERE serial_number = ?", (name, scene.serials[number])
            )
    return shell


def test_an_app_and_a_device_are_taken_by_name(shell: Shell) -> None:
    (first, second, _), (pages, _) = shell.scene.serials, shell.scene.adam_ids
    told = shell.json("why", "front desk", "pages")
    assert (told["serial_number"], told["adam_id"]) == (first, pages)
    assert told["sentence"].startswith(f"Pages is installed on Front Desk ({first})")
    assert shell.json("why", "front-desk", "Pages")["serial_number"] == second
    assert shell.json("why", first.lower(), pages)["serial_number"] == first
    bundle_id = told["bundle_id"]
    assert shell.json("why", first, bundle_id.upper())["adam_id"] == pages
    for command in ("installs", "status", "assignments"):
        listed = shell.json(command, "--app", "Pages", "--serial", "Lager")
        (one,) = listed.get("installs") or listed["assignments"]
        assert (one["app_name"], one["device_name"]) == ("Pages", "Lager")
    assert len(shell.json("devices", "--serial", "Front Desk")["devices"]) == 1
    assert shell.run("pause", "--app", "Pages").exit_code == 0
    (pause,) = shell.json("status")["pauses"]
    assert (pause["scope"], pause["name"]) == ("app", pages)


def test_near_ones_are_suggested(shell: Shell) -> None:
    first, pages = shell.scene.serials[0], shell.scene.adam_ids[0]
    app = shell.run("why", first, "Pagse")
    assert (app.exit_code, app.stdout) == (2, "")
    assert f"'Pagse' is not known by name; did you mean Pages ({pages})" in app.stderr
    device = shell.run("why", "Front Dsk", pages)
    assert device.exit_code == 2
    assert "'Front Dsk' is not known by name; did you mean Front Desk" in device.stderr
    assert len(device.stderr.splitlines()) == 1


def test_a_name_of_several_is_not_taken_for_one_of_them(shell: Shell) -> None:
    first, second, _ = shell.scene.serials
    with shell.scene.bridge.database.write() as db:
        db.execute("UPDATE devices SET name = 'iPad' WHERE serial_number <> ?", (second,))
        db.execute("UPDATE devices SET name = 'ipad' WHERE serial_number = ?", (second,))
        db.execute("UPDATE apps SET name = 'Twins'")
    device = shell.run("why", "iPad", "1")
    assert device.exit_code == 2
    named = ", ".join(shell.scene.serials)
    assert f"'iPad' is the name of several: write one of {named}" in device.stderr
    app = shell.run("installs", "--app", "twins")
    assert app.exit_code == 2
    named = ", ".join(sorted(shell.scene.adam_ids))
    assert f"'twins' is the name of several: write one of {named}" in app.stderr
    assert shell.run("why", first, shell.scene.adam_ids[0]).exit_code == 0


def test_what_is_known_as_a_serial_number_is_no_name(shell: Shell) -> None:
    first, second, _ = shell.scene.serials
    with shell.scene.bridge.database.write() as db:
        db.execute("UPDATE devices SET name = ? WHERE serial_number = ?", (first, second))
    assert shell.json("why", first, "Pages")["serial_number"] == first


def test_a_serial_number_that_nobody_showed_is_one(shell: Shell) -> None:
    assert shell.run("assign", "neverseen1", "--app", "Pages").exit_code == 0
    assert shell.run("why", "NEVERSEEN1", "Pages").exit_code == 1


def test_without_a_database_there_are_ids_only(shell: Shell) -> None:
    shell.write("database: none.db\n")
    result = shell.run("why", "S1", "Pages")
    assert result.exit_code == 2
    assert "'Pages' is not an adam id; write 1 to 19 digits" in result.stderr


def completed(shell: Shell, *words: str) -> list[str]:
    command = ("vpp-bridge", "--config", str(shell.config), *words)
    environment = {
        VARIABLE: "bash_complete",
        "COMP_WORDS": " ".join(command),
        "COMP_CWORD": str(len(command) - 1),
    }
    result = CliRunner().invoke(cli, [], env=environment, prog_name="vpp-bridge")
    assert result.exit_code == 0, result.output
    return [line.partition(",")[2] for line in result.stdout.splitlines()]


def test_shells_complete_them(shell: Shell) -> None:
    (first, second, third), (pages, numbers) = shell.scene.serials, shell.scene.adam_ids
    assert completed(shell, "why", "sim") == [first, second, third]
    assert completed(shell, "why", "fron") == [first, second]
    assert completed(shell, "why", first, "pa") == [pages]
    assert completed(shell, "installs", "--app", "36") == sorted([pages, numbers])
    assert completed(shell, "installs", "--reason", "no_s") == ["NO_SEAT"]
    shell.config.unlink()
    assert completed(shell, "why", "sim") == [""]


def test_shells_complete_locations_servers_and_groups(shell: Shell) -> None:
    for command in ("assets", "assignments", "assign", "pause", "resume"):
        assert completed(shell, command, "--location", "h") == ["hq"], command
    assert completed(shell, "claim", "h") == ["hq"]
    assert completed(shell, "devices", "--server", "m") == ["main"]
    assert completed(shell, "outbox", "--scope", "") == ["hq", "main"]
    shell.run("apply", "--yes")
    for command in ("installs", "status"):
        assert completed(shell, command, "--group", "th") == ["them"], command
        assert completed(shell, command, "--group", "x") == [""]
    shell.config.unlink()
    assert completed(shell, "assets", "--location", "h") == [""]


def test_pauses_are_told_with_names_and_ids(shell: Shell) -> None:
    first, pages = shell.scene.serials[0], shell.scene.adam_ids[0]
    with shell.scene.bridge.database.write() as db:
        db.execute("UPDATE devices SET name = 'Reading room' WHERE serial_number = ?", (first,))
    told = shell.run("pause", "--app", "Pages").stdout
    assert told.startswith(f"App Pages ({pages}) is paused since ")
    assert f"vpp-bridge resume --app {pages} ends it" in told
    told = shell.run("pause", "--serial", first).stdout
    assert f"Device Reading room ({first}) is paused since " in told
    device, app = (each["sentence"] for each in shell.json("status")["pauses"])
    assert device.startswith(f"Device Reading room ({first}) is paused since ")
    assert app.startswith(f"App Pages ({pages}) is paused since ")
    told = shell.run("resume", "--serial", first).stdout
    assert told.startswith(f"Device Reading room ({first}) is resumed.\n")
    told = shell.run("resume", "--serial", "NEVERSEEN1").stdout
    assert told.startswith("Device NEVERSEEN1 was not paused.\n")


def test_a_retry_is_told_with_names_and_ids(shell: Shell) -> None:
    first, pages = shell.scene.serials[0], shell.scene.adam_ids[0]
    with shell.scene.bridge.database.write() as db:
        db.execute("UPDATE devices SET name = 'Reading room' WHERE serial_number = ?", (first,))
    what = f"of app Pages ({pages}) on device Reading room ({first})"
    told = shell.run("retry", "--serial", first, "--app", "Pages").stdout
    assert told == f"Nothing to retry: no install {what} is failed, needs_user or conflict.\n"
    with shell.scene.bridge.database.write() as db:
        db.execute("UPDATE installs SET state = 'failed', reason = 'ATTEMPTS_USED_UP'")
    told = shell.run("retry", "--serial", first, "--app", "Pages").stdout
    assert told.splitlines()[-1] == f"1 install {what} got another round."
