"""`sync`: full reads, made by the command or by the engine that runs, and nothing else."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bridge.engine.sync import PATIENCE, WALKS
from bridge.simulator.apple.library import SERIAL, Pair, Target
from bridge.store.database import Connection, EngineLock
from bridge.store.outbox import full_reads, outbox
from tests.flow import with_all
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

READ_ONLY = {
    "GET /mdm/v2/assets",
    "GET /mdm/v2/assignments",
    "POST /v1/devices",
}


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=3, apps=2))


@pytest.fixture
def engine_lock(shell: Shell) -> Iterator[EngineLock]:
    """Held, as by an engine in another process; `Shell.paused` lets that engine work."""
    lock = shell.scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    yield lock
    lock.release()


def calls(scene: Scene) -> set[str]:
    return {*scene.apple_adapter.calls, *scene.mdm_adapter.calls}


def test_alone_it_reads_all_and_writes_nothing_outside(shell: Shell) -> None:
    scene = shell.scene
    result = shell.run("sync")
    assert (result.exit_code, result.stderr) == (0, "")
    assert calls(scene) == READ_ONLY
    assert result.stdout.splitlines()[-3:] == [
        "assets of hq: 2, done",
        "assignments of hq: 0, done",
        "devices of main: 3, done",
    ]
    report = shell.json("status")
    assert len(report["licences"]) == 2
    assert report["servers"][0]["enrolled"] == 3
    assert not scene.bridge.database.engine_lock().held()


def test_alone_it_sends_nothing_that_is_due(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(lambda: bool(scene.states().get("associating ASSOCIATE_COLLECTING")))
    scene.world.advance(60)
    del scene.apple_adapter.calls[:], scene.mdm_adapter.calls[:]
    assert shell.run("sync").exit_code == 0
    assert calls(scene) == READ_ONLY


@pytest.mark.parametrize(
    ("what", "called"),
    [
        ("assets", {"GET /mdm/v2/assets"}),
        ("assignments", {"GET /mdm/v2/assignments"}),
        ("devices", {"POST /v1/devices"}),
        ("all", READ_ONLY),
    ],
)
def test_only_what_was_asked_for_is_read(shell: Shell, what: str, called: set[str]) -> None:
    del shell.scene.apple_adapter.calls[:], shell.scene.mdm_adapter.calls[:]
    assert shell.run("sync", what).exit_code == 0
    assert calls(shell.scene) == called


def test_as_json(shell: Shell) -> None:
    assert shell.json("sync", "assets") == {
        "reads": [{"what": "assets", "of": "hq", "ok": True, "count": 2, "error": None}]
    }


def test_what_fails_is_one_line_each_and_the_others_go_on(shell: Shell) -> None:
    shell.scene.mdm_adapter.fail("refused", times=10)
    result = shell.run("sync")
    assert result.exit_code == 1
    assert "assets of hq: 2, done" in result.stdout
    (line,) = result.stderr.splitlines()
    assert line.startswith("devices of main: 127.0.0.1:9999 cannot be reached")


def test_a_token_that_is_not_there_is_one_line_each(shell: Shell) -> None:
    (shell.scene.tmp_path / "hq.vpptoken").unlink()
    result = shell.run("sync")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 2
    assert "the content token of hq cannot be used" in result.stderr
    assert not shell.json("sync", "assets", code=1)["reads"][0]["ok"]


def test_what_apple_refuses_is_told(shell: Shell) -> None:
    shell.scene.world.location.tokens[-1].revoked = True
    result = shell.run("sync", "assets")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("assets of hq: ")


def test_a_call_that_a_dead_process_left_is_made_here(shell: Shell) -> None:
    scene = shell.scene
    scene.settle()
    with scene.bridge.database.write() as db:
        full_reads.claim(db, intend(scene, db), scene.world.now - 5)
    assert shell.run("sync", "assets").exit_code == 0


def intend(scene: Scene, db: Connection) -> int:
    """The outbox row of a read of assets, as the sweep makes it."""
    now = scene.world.now
    return outbox.add(
        db,
        service="apple",
        scope="hq",
        kind="read_assets",
        key="",
        subject="",
        due_at=now,
        now=now,
    )


@pytest.mark.parametrize("changes", [0, 1, 2, 99])
def test_assignments_are_walked_again_when_they_change_under_the_walk(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, changes: int
) -> None:
    scene = shell.scene
    scene.world.apple.settings.page_size = 1
    library = scene.world.location.library
    for serial in scene.serials:
        pair = Pair(scene.adam_ids[0], "STDQ", Target(SERIAL, serial))
        library.assign(pair, scene.world.now)
    left, send = [changes], scene.apple_adapter.send

    def send_and_write(*arguments: Any, **options: Any) -> Any:
        reply = send(*arguments, **options)
        if left[0] and "pageIndex=0" in arguments[0].url:
            left[0] -= 1
            library.touch()
        return reply

    monkeypatch.setattr(scene.apple_adapter, "send", send_and_write)
    (read,) = shell.json("sync", "assignments")["reads"]
    assert (read["ok"], read["count"]) == (True, 3)
    walks = min(changes + 1, WALKS)
    assert scene.apple_adapter.calls == ["GET /mdm/v2/assignments"] * 3 * walks


def test_with_an_engine_the_engine_reads(shell: Shell, engine_lock: EngineLock) -> None:
    scene = shell.scene
    scene.settle()
    result = shell.run("sync")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[:1] == ["assets of hq: waiting"]
    assert "assets of hq: 2, done" in result.stdout
    assert "devices of main: 3, done" in result.stdout
    assert not {c for c in calls(scene) if "associate" in c}


def test_a_read_under_way_is_waited_for_and_another_is_made(
    shell: Shell, engine_lock: EngineLock
) -> None:
    scene = shell.scene
    scene.settle()
    with scene.bridge.database.write() as db:
        row = full_reads.claim(db, intend(scene, db), scene.world.now)
    call = scene.engine.calls["read_assets"]
    result = call.perform(row)

    def finish_the_earlier() -> None:
        with scene.bridge.database.write() as db:
            call.settle(scene.bridge.context(db), row, result)

    shell.first_pause = finish_the_earlier
    assert shell.run("sync", "assets").exit_code == 0
    assert scene.apple_adapter.calls.count("GET /mdm/v2/assets") == 2


def test_an_engine_that_fails_is_told_in_its_words(shell: Shell, engine_lock: EngineLock) -> None:
    shell.scene.settle()
    shell.scene.mdm_adapter.fail("refused", times=10)
    result = shell.run("sync", "devices")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("devices of main: 127.0.0.1:9999 cannot be reached")


def test_a_read_that_failed_before_is_waited_for(shell: Shell, engine_lock: EngineLock) -> None:
    shell.scene.settle()
    shell.scene.mdm_adapter.fail("refused", times=3)
    assert shell.run("sync", "devices").exit_code == 1
    result = shell.run("sync", "devices")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == ["devices of main: waiting", "devices of main: 3, done"]


def test_an_engine_that_does_not_begin_is_not_waited_for_for_ever(
    shell: Shell, engine_lock: EngineLock
) -> None:
    shell.engine_works = False
    began = shell.scene.world.now
    result = shell.run("sync", "assets")
    assert result.exit_code == 1
    assert "the engine has not begun within 60 s and does it later" in result.stderr
    assert PATIENCE < shell.scene.world.now - began < PATIENCE + 2


def test_an_engine_that_goes_away_is_noticed(shell: Shell, engine_lock: EngineLock) -> None:
    shell.engine_works = False
    shell.first_pause = engine_lock.release
    result = shell.run("sync", "assets")
    assert result.exit_code == 1
    assert result.stderr == "vpp-bridge: the engine has stopped meanwhile; run it again\n"


@pytest.mark.parametrize(
    ("what", "missing"),
    [("all", ["locations", "servers"]), ("devices", ["servers"]), ("assets", ["locations"])],
)
def test_with_nothing_to_read_the_file_is_named(
    shell: Shell, what: str, missing: list[str]
) -> None:
    shell.write("database: bridge.db\n")
    result = shell.run("sync", what)
    assert result.exit_code == 2
    lines = result.stderr.splitlines()
    assert [line.split(": ")[1] for line in lines] == missing


def test_users_and_subscriptions_are_read_where_the_file_names_some(shell: Shell) -> None:
    scene = shell.scene
    with_all.work(scene)
    shell.config.write_text(shell.config.read_text() + "subscriptions: [hq]\n")
    scene.world.location.users.add("client-200")
    scene.world.location.subscriptions.buy(99999, 3)
    scene.apple_adapter.calls.clear()
    reads = {each["what"]: each for each in shell.json("sync")["reads"]}
    assert list(reads) == ["assets", "assignments", "users", "subscriptions", "devices"]
    assert all(each["ok"] for each in reads.values())
    assert (reads["users"]["count"], reads["subscriptions"]["count"]) == (2, 2)
    assert "client-200" in {user["client_user_id"] for user in shell.json("users")["users"]}
    assert {"GET /mdm/v2/users", "GET /mdm/v2/subscriptions"} <= {*scene.apple_adapter.calls}
    assert not [each for each in scene.apple_adapter.calls if each.startswith("POST")]


@pytest.mark.parametrize("what", ["users", "subscriptions"])
def test_without_any_in_the_file_nothing_is_asked_of_them(shell: Shell, what: str) -> None:
    said = shell.run("sync", what)
    assert said.exit_code == 2
    assert said.stderr.startswith("vpp-bridge: nothing is read: no ")
    assert not calls(shell.scene)
