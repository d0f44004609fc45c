"""Calls in series: one thread makes many, and they are kept together; each is a row of its own."""

from collections.abc import Callable

import pytest

from bridge.domain.pauses import Pause
from bridge.engine.context import Context
from bridge.engine.pace import LONGEST_SERIES, QUICK, QUICK_AT_ONCE, SERIES_FOR
from bridge.store import pauses
from bridge.store.database import Database
from bridge.store.file.database import FileDatabase
from bridge.store.outbox.outbox import OutboxRow
from tests.unit.engine.test_dispatch import unwritable
from tests.unit.engine_kit import UNKNOWN, Bench
from tests.unit.store_kit import NOW, intend


def push(bench: Bench, count: int, first: int = 0) -> None:
    with bench.database.write() as db:
        for number in range(first, first + count):
            intend(db, "push", f"{number:03}", service="mdm", scope="main", due_at=NOW)


@pytest.fixture
def bench(database: Database) -> Bench:
    """A server that answers at once, and is known to."""
    bench = Bench(database)
    bench.call.in_series = True
    push(bench, 1, first=900)
    bench.turn()
    bench.call.log.clear()
    return bench


def states(bench: Bench) -> list[str]:
    return [state for key, state, _ in bench.rows() if key < "900"]


def tries(bench: Bench) -> list[int]:
    with bench.database.read() as db:
        return [row[0] for row in db.execute("SELECT tries FROM outbox WHERE key < '900'")]


def test_a_series_is_kept_in_one_transaction(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    push(bench, 20)
    assert bench.start() == 20
    assert len(bench.later.jobs) == 1
    commits = 0
    write = FileDatabase.write

    def counted(self: Database) -> object:
        nonlocal commits
        commits += 1
        return write(self)

    monkeypatch.setattr(FileDatabase, "write", counted)
    bench.later.run()
    assert commits == 1
    assert states(bench) == ["done"] * 20
    assert bench.dispatcher.under_way() == 0


def test_no_series_is_longer_than_what_may_wait(bench: Bench) -> None:
    push(bench, 3 * LONGEST_SERIES)
    assert bench.start() == QUICK_AT_ONCE * LONGEST_SERIES
    assert len(bench.later.jobs) == QUICK_AT_ONCE
    assert bench.start() == 0, "there is no room"


def test_a_slow_server_is_called_by_several_threads(bench: Bench) -> None:
    def slow(row: OutboxRow) -> None:
        bench.seconds += 2 * SERIES_FOR

    bench.call.meanwhile = slow
    for number in range(9):
        push(bench, 1, first=number)
        bench.turn()
    push(bench, 20, first=100)
    assert bench.start() == 4
    assert len(bench.later.jobs) == 4


def test_one_slow_call_does_not_make_a_server_slow(bench: Bench) -> None:
    push(bench, 3)
    bench.start()
    bench.later.run()
    bench.call.meanwhile = lambda row: setattr(bench, "seconds", bench.seconds + QUICK * 9)
    push(bench, 1, first=10)
    bench.turn()
    push(bench, 20, first=100)
    bench.start()
    assert len(bench.later.jobs) == 1


def test_a_server_that_becomes_slow_gets_no_more_of_a_series(bench: Bench) -> None:
    def slow(row: OutboxRow) -> None:
        bench.seconds += 4 * SERIES_FOR

    push(bench, 5)
    bench.call.meanwhile = slow
    bench.start()
    bench.later.run()
    assert states(bench) == ["done", *["ready"] * 4]
    assert tries(bench) == [1, 0, 0, 0, 0], "what was not made was not tried"


def test_what_is_paused_meanwhile_does_not_leave(bench: Bench) -> None:
    def pause(row: OutboxRow) -> None:
        if row.key == "001":
            with bench.database.write() as db:
                pauses.begin(db, Pause("all", "", NOW, "person", "", None, None, None, 0))

    push(bench, 5)
    bench.call.meanwhile = pause
    bench.start()
    bench.later.run()
    assert states(bench) == ["done", "done", "ready", "ready", "ready"]


def test_nothing_is_begun_once_the_engine_stops(bench: Bench) -> None:
    push(bench, 5)
    bench.call.meanwhile = lambda row: bench.dispatcher.stop()
    bench.start()
    bench.later.run()
    assert states(bench) == ["done", *["ready"] * 4]
    assert bench.start() == 4
    bench.later.run()
    assert states(bench) == ["done", *["ready"] * 4]


def test_a_failure_ends_a_series(bench: Bench) -> None:
    push(bench, 4)
    bench.call.outcomes = [None, UNKNOWN, None]
    bench.start()
    bench.later.run()
    assert [entry for entry in bench.call.log if entry.startswith("perform")] == [
        "perform 000",
        "perform 001",
    ]
    assert states(bench) == ["done", "ready", "ready", "ready"]
    assert tries(bench) == [1, 1, 0, 0]


def test_who_dies_in_a_series_has_begun_all_of_it(bench: Bench) -> None:
    class Killed(BaseException):
        pass

    def kill(row: OutboxRow) -> None:
        if row.key == "002":
            raise Killed

    push(bench, 4)
    bench.call.meanwhile = kill
    bench.start()
    with pytest.raises(Killed):
        bench.later.run()
    assert states(bench) == ["claimed"] * 4, "so that each is looked up at the next start"


def broken(key: str) -> Callable[[Context, OutboxRow], None]:
    def settle(context: Context, row: OutboxRow) -> None:
        if row.key == key:
            raise ZeroDivisionError

    return settle


def test_one_that_cannot_be_kept_takes_no_other_with_it(bench: Bench) -> None:
    push(bench, 3)
    bench.call.settles = broken("001")
    bench.start()
    bench.later.run()
    assert states(bench) == ["done", "ready", "done"]
    assert bench.call.log.count("perform 001") == 1
    assert bench.call.log.count("lost 001") == 1


def test_a_series_outlasts_a_full_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    push(bench, 3)
    bench.start()
    with unwritable(monkeypatch):
        bench.later.run()
    assert states(bench) == ["claimed"] * 3
    assert bench.dispatcher.settle_again() == 3
    assert states(bench) == ["done"] * 3


def test_kinds_that_are_not_made_in_series_stay_alone(bench: Bench) -> None:
    bench.call.in_series = False
    push(bench, 2)
    bench.start()
    assert len(bench.later.jobs) == 2
