"""What arrives is there at once, while nobody works on it, and is handled once, whoever dies."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from bridge.app.inbox_upkeep import InboxUpkeep, remove_taken
from bridge.engine.intake import inbox
from bridge.store.file.database import FileDatabase
from tests.flow.cli_kit import Shell
from tests.flow.kit import stored_bytes, waiting
from tests.flow.scene import Killed, MakeScene, Scene
from tests.flow.test_messages import BASIC, connect, idle, settled

AUTHORIZED = {"Authorization": BASIC}


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    return Shell(settled(make_scene))


def post(scene: Scene, name: str) -> None:
    device = scene.world.devices[0]
    body = connect(device.udid, idle(device.udid)) | {"event_id": name}
    answer = scene.client.post("/hooks/mdm/main", data=json.dumps(body), headers=AUTHORIZED)
    assert answer.status_code == 200


def shown(shell: Shell, *arguments: str) -> list[dict[str, Any]]:
    return list(shell.json("events", *arguments)["events"])


def test_what_waits_is_a_message_as_any_other(shell: Shell) -> None:
    scene = shell.scene
    known = len(shown(shell, "--all"))
    post(scene, "a")
    post(scene, "b")
    waiting = shown(shell, "--status", "new")
    assert [each["message_id"] for each in waiting] == ["b", "a"]
    assert {(each["status"], each["tries"], each["outcome"]) for each in waiting} == {
        ("new", 0, None)
    }
    pages, cursor = [], None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = scene.bridge.list_events(limit=1, **more)
        pages += [each["message_id"] for each in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
    assert pages[:2] == ["b", "a"] and len(pages) == known + 2
    assert shown(shell, "--status", "done", "--all") == [
        each for each in shown(shell, "--all") if each["status"] == "done"
    ]
    assert shell.json("status")["queues"]["inbox"]["waiting"] == 2
    scene.settle()
    after = shown(shell, "--all")[:2]
    assert [(e["id"], e["status"]) for e in after] == [(e["id"], "done") for e in waiting]


def test_one_that_waits_is_handled_by_hand_in_place_of_the_engine(shell: Shell) -> None:
    scene = shell.scene
    for name in "abc":
        post(scene, name)
    number = str(shown(shell, "--status", "new")[1]["id"])
    dry = shell.json("events", "replay", number, "--dry-run")
    assert (dry["ok"], dry["outcome"]) == (True, "idle")
    assert len(shown(shell, "--status", "new")) == 3, "nothing was kept of it"
    assert shell.json("events", "replay", number)["ok"]
    assert [each["message_id"] for each in shown(shell, "--status", "new")] == ["c", "a"]
    scene.settle()
    assert shown(shell, "--status", "new") == []
    assert "mdm.duplicate" not in scene.counters()


@pytest.mark.parametrize("after", ["handled", "committed", "removed"])
def test_a_kill_neither_repeats_nor_loses_one(
    shell: Shell, after: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, handled, dies = shell.scene, list[str](), after == "handled"
    real = inbox.HANDLERS["mdm"]

    def handle(context: Any, event: Any) -> str:
        handled.append(event.message_id)
        if dies and event.message_id == "b":
            raise Killed
        return real(context, event)

    monkeypatch.setitem(inbox.HANDLERS, "mdm", handle)
    for name in "abc":
        post(scene, name)
    if after == "handled":
        with pytest.raises(Killed):
            scene.settle()
        assert len(shown(shell, "--status", "new")) == 3
        assert handled == ["a", "b"], "and all of it was undone"
    else:
        scene.settle()
    if after == "removed":
        remove_taken(scene.bridge.database)
    handled.clear()
    dies = False
    scene.restart()
    scene.settle()
    assert handled == (["a", "b", "c"] if after == "handled" else [])
    assert [e["message_id"] for e in shown(shell, "--topic", "mdm.Connect")[:3]] == ["c", "b", "a"]
    assert "mdm.duplicate" not in scene.counters()


def test_what_was_taken_goes_and_nothing_else(shell: Shell) -> None:
    scene = shell.scene
    database = scene.bridge.database
    post(scene, "a")
    scene.settle()
    post(scene, "b")
    assert remove_taken(database) > 0
    assert remove_taken(database) == 0
    assert [each.message_id for each in waiting(scene)] == ["b"]
    scene.settle()
    upkeep = InboxUpkeep(database)
    upkeep.begin()
    upkeep.stop()
    with database.inbox.read() as inbox:
        (row,) = inbox.db.execute("SELECT count(*), count(body) FROM inbox")
        assert tuple(row) == (1, 0)
    post(scene, "c")
    scene.settle()
    ids = [each["id"] for each in shown(shell, "--topic", "mdm.Connect")[:3]]
    assert ids == sorted(ids, reverse=True)


def test_a_second_delivery_is_counted_and_changes_nothing(shell: Shell) -> None:
    scene = shell.scene
    post(scene, "a")
    post(scene, "a")
    scene.settle()
    post(scene, "a")
    scene.settle()
    assert scene.counters()["mdm.duplicate"] == 2
    assert [e["message_id"] for e in shown(shell, "--topic", "mdm.Connect")].count("a") == 1


def test_no_secret_waits_in_the_inbox(shell: Shell) -> None:
    scene = shell.scene
    device = scene.world.devices[0]
    payload = idle(device.udid).replace(
        b"<key>Status", b"<key>UnlockToken</key><string>never-kept</string><key>Status"
    )
    assert b"never-kept" in payload
    body = connect(device.udid, payload)
    scene.client.post("/hooks/mdm/main", data=json.dumps(body), headers=AUTHORIZED)
    (one,) = waiting(scene)
    assert b"never-kept" not in one.body
    scene.settle()
    for name, stored in stored_bytes(scene).items():
        assert b"never-kept" not in stored, name


def test_the_clock_is_set_while_something_waits(shell: Shell) -> None:
    scene = shell.scene
    post(scene, "a")
    scene.set_clock(3600.0)
    scene.settle()
    (event,) = shown(shell, "--limit", "1")
    assert event["status"] == "done"
    assert event["received_at"] == event["processed_at"], "it came just now, as before"


def test_a_damaged_inbox_is_told_and_mended(shell: Shell, make_scene: Callable[..., Scene]) -> None:
    scene = shell.scene
    post(scene, "a")
    scene.bridge.close()
    path = FileDatabase(scene.config.database).inbox.file.path
    path.write_bytes(b"no database " * 1000)
    path.with_name(path.name + "-wal").unlink(missing_ok=True)
    scene.start()
    device = scene.world.devices[0]
    body = json.dumps(connect(device.udid, idle(device.udid)))
    answer = scene.client.post("/hooks/mdm/main", data=body, headers=AUTHORIZED)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    ready = scene.client.get("/readyz")
    assert ready.status_code == 503
    assert "aside with its -wal" in ready.get_json()["parts"][0]["detail"]
    said = shell.run("doctor", "--json").stdout
    assert "has an inbox that is damaged" in said and "aside with its -wal" in said
    scene.bridge.close()
    path.unlink()
    scene.start()
    assert scene.client.post("/hooks/mdm/main", data=body, headers=AUTHORIZED).status_code == 200
