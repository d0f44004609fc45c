"""`events`: what came in, and handling one of them again."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.engine.intake import inbox
from tests.flow import kit
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """A road that came to its end."""
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    return Shell(scene)


def newest(shell: Shell, topic: str) -> int:
    return int(shell.json("events", "--topic", topic, "--limit", "1")["events"][0]["id"])


def dump(scene: Scene) -> list[str]:
    """All that the database holds, but for when a message was handled last."""
    with scene.bridge.database.read() as db:
        found = [line for line in kit.dump(db) if not line.startswith('INSERT INTO "events"')]
        return [*found, *(str(tuple(row)) for row in db.execute("SELECT status FROM events"))]


def test_the_newest_first_and_as_the_api_has_them(shell: Shell) -> None:
    shown = shell.json("events", "--all")
    assert shown["next_cursor"] is None
    page = shell.scene.bridge.list_events(limit=1000)
    assert shown["events"] == list(page.items)
    ids = [event["id"] for event in shown["events"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) > 5


def test_filters_and_limit(shell: Shell) -> None:
    found = shell.json("events", "--source", "apple", "--status", "done", "--all")["events"]
    assert {(e["source"], e["status"]) for e in found} == {("apple", "done")}
    result = shell.run("events", "--limit", "2")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 3
    assert result.stderr == "There are more than these 2: --all shows them, --limit N more.\n"
    assert "mdm main" in result.stdout
    assert shell.run("events", "--status", "set_aside").stdout == "No events.\n"
    assert shell.run("events", "--status", "odd").exit_code == 2


def test_a_dry_run_says_what_would_change_and_changes_nothing(make_scene: MakeScene) -> None:
    shell, event = set_aside(make_scene)
    before = dump(shell.scene)
    told = shell.json("events", "replay", str(event), "--dry-run")
    assert (told["ok"], told["dry_run"]) == (True, True)
    assert told["outcome"] == "InstallApplication: Acknowledged"
    (command,) = [c for c in told["changes"] if c["table"] == "commands"]
    assert command["row"].startswith("InstallApplication ")
    assert "a mistake of ours" in command["columns"]["unread"][0], "its envelope settled it"
    assert command["columns"]["unread"][1] is None
    assert command["columns"]["app_state"][1] is not None
    assert all(each["after"].startswith("acknowledged") for each in told["decisions"])
    assert dump(shell.scene) == before
    result = shell.run("events", "replay", str(event), "--dry-run")
    assert result.stdout.startswith(f"Event {event} would be handled: InstallApplication:")
    assert "acknowledged" in result.stdout


def set_aside(make_scene: MakeScene) -> tuple[Shell, int]:
    """The device's answer to the install could not be handled in three tries."""
    scene = make_scene(devices=1, apps=1, macs=0)
    real = inbox.HANDLERS["mdm"]

    def breaks(context: Any, event: Any) -> str:
        if b"Acknowledged" in event.body and event.command_uuid in posted(scene):
            raise RuntimeError("a mistake of ours")
        return real(context, event)

    inbox.HANDLERS["mdm"] = breaks
    try:
        scene.apply()
        scene.run(lambda: aside(scene) != [])
    finally:
        inbox.HANDLERS["mdm"] = real
    (event,) = aside(scene)
    return Shell(scene), int(event["id"])


def posted(scene: Scene) -> set[str]:
    found = scene.world.ledger.installs_posted.values()
    return {each.command_uuid for some in found for each in some}


def aside(scene: Scene) -> list[Mapping[str, Any]]:
    return list(scene.bridge.list_events(status="set_aside").items)


def test_what_was_set_aside_is_handled_again(make_scene: MakeScene) -> None:
    shell, event = set_aside(make_scene)
    scene = shell.scene
    result = shell.run("events", "replay", str(event))
    assert result.exit_code == 0, result.output
    assert result.stdout.startswith(f"Event {event} was handled: InstallApplication: Acknowledged")
    assert aside(scene) == []
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []
    assert len(posted(scene)) == 1


def test_what_cannot_be_handled_changes_nothing(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell, event = set_aside(make_scene)

    def breaks(context: Any, event: Any) -> str:
        context.db.execute("DELETE FROM installs")
        raise RuntimeError("still a mistake")

    monkeypatch.setitem(inbox.HANDLERS, "mdm", breaks)
    before = dump(shell.scene)
    for options in ((), ("--dry-run",)):
        result = shell.run("events", "replay", str(event), *options)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr == (
            f"event {event} could not be handled, and changed nothing: "
            "RuntimeError: still a mistake\n"
        )
    assert dump(shell.scene) == before
    assert [e["tries"] for e in aside(shell.scene)] == [3]


def test_an_old_message_does_not_turn_the_clock_back(shell: Shell) -> None:
    scene = shell.scene
    first = shell.json("events", "--all")["events"]
    seen = scene.bridge.list_devices().items[0]["last_seen_at"]
    scene.pass_time(60)
    for event in first:
        if event["source"] == "mdm":
            assert shell.run("events", "replay", str(event["id"])).exit_code == 0
    device = scene.bridge.list_devices().items[0]
    assert device["last_seen_at"] >= seen
    assert device["enrolled"] is True
    scene.pass_time(3600)
    assert scene.all_installed()
    assert len(posted(scene)) == 1
    assert scene.world.ledger.violations() == []


def test_seats_are_not_counted_twice(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    shell = Shell(scene)
    scene.world.apple.buy(scene.world.location, scene.adam_ids[0], 5)
    scene.pass_time(60)
    event = newest(shell, "ASSET_COUNT")

    def total() -> int:
        with scene.bridge.database.read() as db:
            return int(db.execute("SELECT total FROM assets").fetchone()[0])

    before = total()
    told = shell.json("events", "replay", str(event))
    assert told["outcome"] == "counts are read again"
    assert total() == before
    scene.settle()
    assert total() == before


def test_an_unknown_message(shell: Shell) -> None:
    result = shell.run("events", "replay", "99999")
    assert result.exit_code == 2
    assert result.stderr.startswith("event 99999 is unknown")
    assert shell.run("events", "replay", "x").exit_code == 2
