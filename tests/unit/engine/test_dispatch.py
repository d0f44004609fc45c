"""From outbox rows to calls: a few at once, each settled, whatever else goes wrong."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from bridge.engine.context import Context
from bridge.errors import StoreAway, StoreError
from bridge.store import meta
from bridge.store.database import Connection, Database
from bridge.store.file.database import FileDatabase
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from tests.unit.engine_kit import NOT_SENT, POLICY, UNKNOWN, Bench, refused_by_apple
from tests.unit.store_kit import NOW, intend


@pytest.fixture
def bench(database: Database) -> Bench:
    return Bench(database)


def rows(bench: Bench, *keys: str, **changes: object) -> None:
    with bench.database.write() as db:
        for key in keys:
            intend(db, key=key, **changes)


def counters(bench: Bench) -> dict[str, int]:
    with bench.database.read() as db:
        return dict(meta.counters(db))


def test_a_call_is_begun_made_and_settled(bench: Bench) -> None:
    rows(bench, "a")
    bench.call.outcomes = ["answer"]
    assert bench.start() == 1
    assert bench.rows() == [("a", "claimed", 0)]
    assert bench.dispatcher.under_way() == 1
    assert not bench.dispatcher.finished.is_set()
    bench.later.run()
    assert bench.call.log == ["begin a", "perform a", "settle a answer"]
    assert bench.rows() == [("a", "done", 0)]
    assert bench.dispatcher.under_way() == 0
    assert bench.dispatcher.finished.is_set()
    assert bench.start() == 0


def test_only_what_is_due_is_begun(bench: Bench) -> None:
    rows(bench, "a", due_at=NOW + 5)
    assert bench.start() == 0
    assert bench.dispatcher.next_due(NOW) == NOW + 5
    bench.clock.now += 5
    assert bench.turn() == 1
    assert bench.dispatcher.next_due(NOW) is None


def test_a_few_at_once_for_each_scope(bench: Bench) -> None:
    rows(bench, *"abcdefg")
    rows(bench, *"hij", scope="branch")
    rows(bench, *"klmnop", service="mdm", scope="main", kind="push")
    assert bench.start() == 5 + 3 + 4
    assert bench.start() == 0
    assert bench.dispatcher.next_due(NOW) is None, "nothing to wait for but their ends"
    bench.later.run(4)  # three of the branch's, one of hq's
    assert bench.dispatcher.next_due(NOW) == NOW
    assert bench.start() == 1
    bench.later.run(9)
    assert bench.start() == 1 + 2
    bench.later.run(3)
    assert {state for _, state, _ in bench.rows()} == {"done"}


def test_a_scope_that_asks_for_rest_gets_it(bench: Bench) -> None:
    rows(bench, "a", "b")
    rows(bench, "c", scope="branch")
    bench.call.outcomes = [NOT_SENT, None]
    bench.call.rest = NOW + 30
    assert bench.turn() == 3
    rows(bench, "d")
    rows(bench, "e", scope="branch")
    assert bench.turn() == 1, "only the other location"
    assert bench.dispatcher.next_due(NOW) == NOW + 30
    bench.clock.now = NOW + 30
    assert bench.turn() == 2


@pytest.mark.parametrize("error", [NOT_SENT, UNKNOWN, refused_by_apple(9603)])
def test_a_call_that_fails_says_how(bench: Bench, error: Exception) -> None:
    rows(bench, "a")
    bench.call.outcomes = [error]
    bench.turn()
    assert bench.call.log[-1] == f"fail a {type(error).__name__}"
    ((_, state, due),) = bench.rows()
    assert state == "ready"
    assert 5 <= due <= 6, "the first wait, and a little"
    assert bench.dispatcher.under_way() == 0


def test_a_mistake_of_ours_does_not_stop_the_others(bench: Bench) -> None:
    rows(bench, "a", "b")
    bench.call.outcomes = [KeyError("oops"), None]
    assert bench.turn() == 2
    assert bench.call.log[2:] == ["perform a", "lost a", "perform b", "settle b None"]
    (a, b) = bench.rows()
    assert a[1] == "ready"
    assert a[2] >= POLICY.call.retry[0], "it is not tried again at once"
    assert b == ("b", "done", 0)
    assert counters(bench) == {"outbox.broken": 1}
    with bench.database.read() as db:
        assert outbox.trouble(db, "apple", "hq") == "KeyError: 'oops'"


def test_a_database_that_is_away_during_a_call_is_no_mistake_of_the_call(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    rows(bench, "a", "b")
    bench.call.outcomes = [StoreAway("vpp: connection refused"), None]
    bench.turn()
    assert [each for each in bench.call.log if each.startswith(("lost", "settle"))] == [
        "lost a",
        "settle b None",
    ]
    assert counters(bench) == {}
    assert "the database could not be used during a call: vpp: connection refused" in caplog.text
    assert "Traceback" not in caplog.text
    (a, _) = bench.rows()
    assert a[1] == "ready"
    assert a[2] >= POLICY.call.retry[0]


def test_an_answer_that_cannot_be_kept_counts_as_unknown(bench: Bench) -> None:
    def fail(context: Context, row: OutboxRow) -> None:
        meta.keep(context.db, "half", "done")
        raise ZeroDivisionError

    rows(bench, "a")
    bench.call.settles = fail
    bench.turn()
    assert bench.call.log[-1] == "lost a"
    assert counters(bench) == {"outbox.broken": 1}
    with bench.database.read() as db:
        assert meta.recall(db, "half") is None
    assert bench.dispatcher.under_way() == 0


def test_even_losing_may_fail(bench: Bench) -> None:
    tries = 0

    def fail(context: Context, row: OutboxRow) -> None:
        nonlocal tries
        tries += 1
        if tries > 20:
            raise SystemExit("it goes round in circles")
        raise ZeroDivisionError

    rows(bench, "a", "b")
    bench.call.outcomes = [KeyError("oops"), None]
    bench.call.loses = fail
    bench.turn()
    assert bench.call.log[-1] == "settle b None"
    assert bench.dispatcher.under_way() == 0


@contextmanager
def unwritable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A full disk: no transaction can be committed."""
    original = FileDatabase.write

    @contextmanager
    def write(self: Database) -> Iterator[Connection]:
        with original(self) as db:
            yield db
            raise StoreError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(FileDatabase, "write", write)
        yield


def test_an_answer_outlasts_a_full_disk(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    rows(bench, "a")
    bench.start()
    with unwritable(monkeypatch):
        bench.later.run()
        bench.dispatcher.settle_again()
        assert bench.rows() == [("a", "claimed", 0)]
    assert bench.dispatcher.settle_again() == 1
    assert bench.rows() == [("a", "done", 0)]
    assert bench.dispatcher.settle_again() == 0
    assert bench.call.log.count("perform a") == 1, "the call itself was made once"


@pytest.mark.parametrize("how", ["full disk", "begin"])
def test_a_claim_that_fails_leaves_room_for_the_next(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    rows(bench, *"abcde")

    def full() -> None:
        with unwritable(monkeypatch):
            bench.start()

    def begin() -> None:
        bench.call.outcomes = [KeyError("begin"), None]
        bench.start()

    attempt: Callable[[], None] = full if how == "full disk" else begin
    for _ in range(3):
        with pytest.raises((StoreError, KeyError)):
            attempt()
    assert bench.later.jobs == []
    assert {state for _, state, _ in bench.rows()} == {"ready"}
    assert bench.turn() == 5


def test_waits_grow_and_differ_and_obey(bench: Bench) -> None:
    rows(bench, *"abc")
    bench.call.outcomes = [UNKNOWN]
    waits: list[list[float]] = []
    for _ in range(6):
        bench.turn()
        waits.append([due - (bench.clock.now - NOW) for _, _, due in bench.rows()])
        bench.clock.now += max(waits[-1])
    for wait, expected in zip(waits, [5, 30, 120, 600, 600, 600], strict=True):
        assert all(expected <= each <= expected * 1.2 for each in wait)
        assert len(set(wait)) == 3
    bench.call.outcomes = [refused_by_apple(9646, retry_after=7200.0)]
    bench.turn()
    assert {due - (bench.clock.now - NOW) for _, _, due in bench.rows()} == {7200.0}
