"""A PostgreSQL that is lost between a COMMIT and its answer, at each commit of the road in turn.

Whether it was done, nobody knows: nothing may be lost, and nothing be done twice outside.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import psycopg
import pytest

from bridge.errors import StoreAway, StoreConflict, StoreInDoubt
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.failing import CommitUnknown
from tests.flow.scene import Scene
from tests.flow.test_inbox import AUTHORIZED, connect, idle
from tests.flow.test_kills import nothing_was_done_twice

MakeScene = Callable[..., Scene]
Done = Literal["committed", "undone"]

pytestmark = pytest.mark.usefixtures("on_a_server")


@contextmanager
def lost_at_commit(nth: int, done: Done, times: int = 1) -> Iterator[list[int]]:
    """From the n-th commit of a write on, so many of them end without an answer."""
    original, at_once, seen = Connection.commit, Connection.execute_at_once, [0]

    def is_lost() -> bool:
        seen[0] += 1
        return nth <= seen[0] < nth + times

    def commit(self: Connection, before: str = "") -> None:
        lost = is_lost()
        if not lost or done == "committed":
            original(self, before)
        if lost:
            self.close()
            raise CommitUnknown("server closed the connection unexpectedly")

    def commit_at_once(self: Connection, statements: Any) -> Any:
        lost = is_lost()
        found = at_once(self, statements) if not lost or done == "committed" else []
        if lost:
            self.close()
            raise psycopg.OperationalError("server closed the connection unexpectedly")
        return found

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Connection, "commit", commit)
        patch.setattr(Connection, "execute_at_once", commit_at_once)
        yield seen


def run_through(scene: Scene) -> int:
    """Run to the end, as the engine's loop does; how often it had to rest."""
    rests = 0
    while True:
        try:
            scene.run(scene.all_installed)
        except (StoreAway, StoreConflict):
            rests += 1
        else:
            return rests


@pytest.mark.sweep
@pytest.mark.parametrize("done", ["committed", "undone"])
@pytest.mark.parametrize("nth", range(1, 46, 4))
def test_at_any_commit_nothing_is_lost_and_nothing_done_twice(
    make_scene: MakeScene, nth: int, done: Done
) -> None:
    scene = make_scene(devices=2, apps=2, seed=nth)
    scene.apply()
    with lost_at_commit(nth, done) as seen:
        run_through(scene)
    assert seen[0] >= nth
    nothing_was_done_twice(scene)
    assert (scene.engine.dispatcher.unsettled, scene.engine.dispatcher.unknown) == ([], [])
    with scene.bridge.database.read() as db:
        assert db.execute("SELECT count(*) FROM outbox WHERE state = 'claimed'").fetchone()[0] == 0


@pytest.mark.sweep
@pytest.mark.parametrize("done", ["committed", "undone"])
@pytest.mark.parametrize("nth", range(3, 34, 10))
def test_at_several_commits_in_a_row_neither(make_scene: MakeScene, nth: int, done: Done) -> None:
    scene = make_scene(devices=2, apps=2, seed=nth)
    scene.apply()
    with lost_at_commit(nth, done, times=3):
        run_through(scene)
    nothing_was_done_twice(scene)


@pytest.mark.parametrize("done", ["committed", "undone"])
def test_a_hook_answers_200_and_its_message_is_taken_once(
    make_scene: MakeScene, done: Done
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.settle()
    before = scene.counters().get("mdm.duplicate", 0)
    with lost_at_commit(1, done):
        _checkin(scene)
    assert scene.counters().get("mdm.duplicate", 0) == before
    scene.settle()
    twice = done == "committed"
    assert scene.counters().get("mdm.duplicate", 0) - before == twice


def _checkin(scene: Scene) -> None:
    udid = scene.world.devices[0].udid
    body = json.dumps(connect(udid, idle(udid)))
    answer = scene.client.post("/hooks/mdm/main", data=body, headers=AUTHORIZED)
    assert answer.status_code == 200


def test_who_asks_for_something_is_told_that_it_is_not_known(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    with lost_at_commit(1, "committed"), pytest.raises(StoreInDoubt) as told:
        scene.apply()
    assert "see what is stored" in told.value.mend
    scene.apply()
    run_through(scene)
    nothing_was_done_twice(scene)


def test_a_pass_that_met_a_deadlock_is_undone_as_a_whole_and_blames_no_install(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = make_scene(devices=2, apps=2)
    scene.apply()
    record, met = installs.record, []

    def deadlock(db: Any, *arguments: Any) -> None:
        record(db, *arguments)
        if len(met) < 2:
            met.append(1)
            db.execute("DO $$ BEGIN RAISE deadlock_detected; END $$")

    monkeypatch.setattr(installs, "record", deadlock)
    rests = run_through(scene)
    assert (len(met), rests) == (2, 2)
    assert "could not be decided" not in caplog.text
    with scene.bridge.database.read() as db:
        assert "install.undecided" not in meta.counters(db)
    nothing_was_done_twice(scene)
