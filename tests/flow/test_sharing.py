"""Engines that share the calls of one database on a server: each call is made by one of them.

Each engine here is a dispatcher of its own, with a database object of its own, as in a process.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from bridge.engine import recovery
from bridge.engine.context import Context
from bridge.engine.dispatch import Dispatcher
from bridge.engine.timers import Outside
from bridge.engine.upkeep.lost_engines import EVERY, LONGER, LostEngines
from bridge.errors import EngineReplaced
from bridge.store import pauses
from bridge.store.database import Connection
from bridge.store.outbox import outbox
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.engines import HEARD, LEASE, ServerEngines
from tests import postgresql
from tests.unit.engine_kit import POLICY, SERVERS, UNKNOWN, Clock, FakeCall, Later, context
from tests.unit.store_kit import NOW, intend

OUTSIDE = Outside((), SERVERS)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if why := postgresql.why_missing():
        pytest.skip(why)
    with postgresql.server() as where:
        yield where


class One:
    """One engine, as a process has it."""

    def __init__(self, where: str, name: str, calls: dict[str, FakeCall]) -> None:
        self.calls = calls
        self.database = PostgresqlDatabase(where)
        self.database.open()
        self.lock = self.database.engine_lock()
        self.lock.holder = name
        self.seconds = 0.0
        self.engines = ServerEngines(
            "d", self.database._connect, self.lock, self.database.read, lambda: self.seconds
        )
        self.engines.join()
        self.clock, self.later = Clock(), Later()
        self.dispatcher = Dispatcher(
            *(self.database, POLICY, calls, self.clock, self.later, SERVERS),
            monotonic=lambda: self.seconds,
            engines=self.engines,
        )
        assert self.dispatcher.share is not None
        self.share = self.dispatcher.share
        self.share.helping = True
        self.watch = LostEngines(
            *(self.database, self.engines, self.context, calls), monotonic=lambda: self.seconds
        )

    def context(self, db: Connection) -> Context:
        return context(db, self.clock.now)

    def lead(self) -> None:
        assert self.engines.lead()
        self.share.helping = False
        with self.database.write() as db:
            recovery.recover(self.context(db), self.calls, OUTSIDE, self.engines)

    def start(self) -> int:
        with self.database.write() as db:
            claimed = self.dispatcher.claim(self.context(db), pauses.load(db))
        return self.dispatcher.begin(claimed)

    def end_all(self) -> None:
        self.later.run(len(self.later.jobs))

    def look_again(self) -> None:
        """For as long as somebody's silence has to last."""
        for _ in range(round(LONGER / EVERY) + 1):
            self.watch.look(self.clock.now)
            self.seconds += EVERY
            self.engines.beat()

    def die(self) -> None:
        """As a process does: its connections end, and nothing is said."""
        self.lock.release()
        self.engines.close()
        self.database.close()


Make = Callable[..., One]


@pytest.fixture
def make(server: str) -> Iterator[Make]:
    with ExitStack() as stack:
        where = stack.enter_context(postgresql.database(server))
        stack.callback(lambda: [each.die() for each in made])
        made: list[One] = []

        def one(name: str, **calls: FakeCall) -> One:
            kinds = {"push": FakeCall(in_series=True), "devices": FakeCall()} | calls
            made.append(One(where, name, kinds))
            return made[-1]

        yield one


def intend_pushes(one: One, *keys: str, kind: str = "push", **more: str) -> None:
    with one.database.write() as db:
        for key in keys:
            intend(db, key=key, **({"service": "mdm", "scope": "main", "kind": kind} | more))


def rows(one: One) -> dict[str, tuple[str, int]]:
    """State of each call, and the number of who has or had it."""
    with one.database.read() as db:
        found = db.execute("SELECT key, state, claimed_by FROM outbox ORDER BY id")
        return {row[0]: (row[1], row[2]) for row in found}


def fall_silent(one: One, seconds: float, other: One) -> None:
    with other.database.write() as db:
        db.execute(
            "UPDATE engines SET heard = heard - ? WHERE id = ?", (seconds, one.engines.number)
        )


def test_each_call_is_one_engines(make: Make) -> None:
    one, two = make("one"), make("two")
    one.lead()
    intend_pushes(one, *"abcdefgh")
    assert one.start() == 4 and two.start() == 4, "four at once, of each engine"
    assert one.start() == 0 and two.start() == 0
    numbers = (one.engines.number, two.engines.number)
    assert [rows(one)[key] for key in "ah"] == [("claimed", each) for each in numbers]
    one.end_all()
    two.end_all()
    assert {state for state, _ in rows(one).values()} == {"done"}
    performed = [log for each in (one, two) for log in each.calls["push"].log if "perform" in log]
    assert sorted(performed) == [f"perform {key}" for key in "abcdefgh"]


def test_who_helps_takes_what_is_many_and_known(make: Make) -> None:
    """Apple counts a location's requests, whoever makes them; and what another version intended,
    or another configuration names, is left to who knows it."""
    one, two = make("one"), make("two", read_assets=FakeCall())
    intend_pushes(one, "assets", kind="read_assets", service="apple", scope="hq")
    intend_pushes(one, "devices", kind="devices")
    intend_pushes(one, "new", kind="of a newer version")
    intend_pushes(one, "elsewhere", scope="other")
    intend_pushes(one, "push")
    assert two.start() == 1
    found = rows(one)
    assert found.pop("push")[0] == "claimed"
    assert {state for state, _ in found.values()} == {"ready"}


def test_what_a_dead_helper_had_begun_is_looked_up(make: Make) -> None:
    one, two = make("one"), make("two")
    one.lead()
    intend_pushes(one, "a", "b")
    assert two.start() == 2
    two.die()
    one.look_again()
    assert rows(one)["a"] == ("claimed", two.engines.number), "it may live yet"
    fall_silent(two, LEASE + 1, one)
    one.watch.look(NOW)
    assert rows(one)["a"][0] == "claimed", "nobody could say anything, perhaps"
    one.look_again()
    assert [row for row in one.calls["push"].log if row[:4] == "lost"] == ["lost a", "lost b"]
    assert {state for state, _ in rows(one).values()} == {"ready"}
    assert one.start() == 2


def test_a_silence_while_the_database_was_away_is_none(make: Make) -> None:
    one, two = make("one"), make("two")
    one.lead()
    intend_pushes(one, "a")
    two.start()
    fall_silent(two, LEASE + 20, one)
    one.watch.look(NOW)
    one.seconds += 1.0
    two.engines.beat()
    one.engines.beat()
    one.look_again()
    assert rows(one)["a"] == ("claimed", two.engines.number)
    two.end_all()
    assert rows(one)["a"][0] == "done"


def test_an_answer_that_comes_after_that_changes_nothing(make: Make) -> None:
    one, two = make("one"), make("two")
    one.lead()
    intend_pushes(one, "a")
    two.start()
    fall_silent(two, LEASE + 1, one)
    one.look_again()
    assert one.start() == 1, "made again"
    two.end_all()
    assert rows(one)["a"] == ("claimed", one.engines.number)
    assert "settle a None" not in two.calls["push"].log
    with pytest.raises(EngineReplaced):
        two.start()
    with pytest.raises(EngineReplaced):
        two.engines.beat()
    one.end_all()
    assert rows(one)["a"][0] == "done"


def test_what_a_leader_had_begun_is_looked_up_by_the_next_at_once(make: Make) -> None:
    one, two, three = make("one"), make("two"), make("three")
    one.lead()
    intend_pushes(one, *"abcdef")
    assert one.start() == 4 and three.start() == 2
    assert not two.engines.lead()
    one.die()
    two.lead()
    found = rows(two)
    assert [found[key][0] for key in "abcd"] == ["ready"] * 4
    assert [found[key] for key in "ef"] == [("claimed", three.engines.number)] * 2
    three.end_all()
    assert rows(two)["e"][0] == "done"


def test_its_own_calls_are_no_orphans_of_who_takes_over(make: Make) -> None:
    one, two = make("one"), make("two")
    one.lead()
    intend_pushes(one, "a")
    assert two.start() == 1
    one.die()
    two.lead()
    assert rows(two)["a"] == ("claimed", two.engines.number)
    two.end_all()
    assert rows(two)["a"][0] == "done"


def test_who_is_not_heard_begins_nothing_and_gives_back(make: Make) -> None:
    one = make("one")
    intend_pushes(one, "a")
    assert one.start() == 1
    one.seconds += HEARD + 1
    one.end_all()
    assert rows(one)["a"][0] == "ready"
    assert not one.calls["push"].log[1:], "it was not made"


def test_a_call_of_unknown_end_is_in_doubt_as_ever(make: Make) -> None:
    one = make("one", push=FakeCall([UNKNOWN], in_series=True))
    intend_pushes(one, "a")
    one.start()
    one.end_all()
    assert "fail a OutcomeUnknown" in one.calls["push"].log


def test_what_is_paused_is_not_taken_by_a_helper_either(make: Make) -> None:
    one = make("one")
    intend_pushes(one, "a", "b")
    with one.database.write() as db:
        outbox.pause(db, 1)
    assert one.start() == 1
    assert rows(one)["a"][0] == "held"
