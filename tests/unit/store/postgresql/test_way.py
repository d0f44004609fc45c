"""Connections to a server that is away, and the few that read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreLocked
from bridge.store.postgresql import way
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.kept import Kept
from bridge.store.postgresql.pool import Pool
from bridge.store.postgresql.way import Way
from tests import postgresql

URL = DatabaseUrl("", "postgresql://db/vpp", pool_size=2, conn_max_idle_time=60.0)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Connection:
    def __init__(self) -> None:
        self.is_lost = False

    def close(self) -> None:
        self.is_lost = True

    def begin(self, _statements: str) -> "Connection":
        return self


class Server:
    """What happens to the next connections: made, refused, or not answered before `answer`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.tries = 0
        self.refuses = False
        self.silent: threading.Event | None = None

    def connect(self) -> Connection:
        self.tries += 1
        if self.silent is not None:
            assert self.silent.wait(20)
            self.clock.now += 5
        if self.refuses:
            raise psycopg.OperationalError("connection refused")
        return Connection()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def server(clock: Clock) -> Server:
    return Server(clock)


@pytest.fixture
def ours(server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Way:
    """A way on which the server was there once."""
    monkeypatch.setattr(way, "PATIENCE", 0.05)
    monkeypatch.setattr(way, "IMPATIENCE", 0.05)
    made = Way(server.connect, clock)
    made.connection()
    return made


def test_without_a_thread_it_is_away_once_and_tries_again(
    ours: Way, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(psycopg.OperationalError, match="could be tried: can't start"):
            ours.connection()
    server.refuses = True
    with pytest.raises(psycopg.OperationalError, match="refused"):
        ours.connection()
    server.refuses = False
    assert not ours.connection().is_lost


def why(ours: Way) -> str:
    with pytest.raises(psycopg.OperationalError) as raised:
        ours.connection()
    return str(raised.value)


def until(holds: Callable[[], object]) -> None:
    for _ in range(2000):
        if holds():
            return
        threading.Event().wait(0.005)
    raise AssertionError


def test_a_server_that_does_not_answer_is_waited_for_by_one_alone(
    ours: Way, server: Server
) -> None:
    server.silent = threading.Event()
    assert why(ours) == "no connection to the server within 0.05 s"
    assert [why(ours) for _ in range(5)] == ["no connection to the server within 0.05 s"] * 5
    assert server.tries == 2, "one at the begin, one that is not answered yet"
    server.silent.set()
    until(lambda: ours._late)
    assert not ours.connection().is_lost
    assert server.tries == 2, "the late one is of use"


def test_after_a_long_try_in_vain_there_is_a_moment_without_one(
    ours: Way, server: Server, clock: Clock
) -> None:
    server.silent, server.refuses = threading.Event(), True
    why(ours)
    server.silent.set()
    until(lambda: ours._away == "connection refused")
    assert why(ours) == "connection refused"
    assert server.tries == 2
    server.silent, server.refuses = None, False
    clock.now += way.AGAIN
    assert not ours.connection().is_lost


def test_a_server_that_refuses_is_asked_each_time(ours: Way, server: Server) -> None:
    server.refuses = True
    assert {why(ours), why(ours)} == {"connection refused"}
    server.refuses = False
    assert not ours.connection().is_lost


@pytest.fixture
def pool(clock: Clock) -> Pool:
    return Pool(lambda: Kept(Connection, 3600.0, clock), URL, clock)


def test_there_are_as_many_as_the_configuration_says(pool: Pool) -> None:
    with pool.one() as first, pool.one() as second:
        assert first is not second
        with (
            pytest.raises(StoreLocked, match=r"postgresql://db/vpp: all 2 .* raise pool_size"),
            pool.one(0.01),
        ):
            pass
    with pool.one() as again:
        assert again is first, "the one that rested last"


def test_one_is_waited_for(pool: Pool) -> None:
    got: list[Kept] = []

    def read() -> None:
        with pool.one() as kept:
            got.append(kept)

    with ExitStack() as stack:
        first = stack.enter_context(pool.one())
        with pool.one():
            thread = threading.Thread(target=read)
            thread.start()
            assert not got
        thread.join(20)
        assert got and got[0] is not first


def test_what_rests_for_too_long_is_closed(pool: Pool, clock: Clock) -> None:
    with pool.one() as first, pool.one() as second:
        connections = [first.connection(), second.connection()]
    clock.now += 61.0
    with pool.one() as used:
        pass
    assert used is first
    assert [each.is_lost for each in connections] == [False, True]


def test_none_is_kept_for_longer_than_its_life(pool: Pool, clock: Clock) -> None:
    with pool.one() as kept:
        first = kept.begun("BEGIN")
        clock.now += 3599.0
        assert kept.begun("BEGIN") is first
        clock.now += 2.0
        assert kept.begun("BEGIN") is not first
    assert first.is_lost


@pytest.fixture
def url(postgresql_where: str) -> Iterator[DatabaseUrl]:
    server = psycopg.conninfo.make_conninfo(postgresql_where, dbname="postgres")
    with postgresql.database(server) as made:
        yield DatabaseUrl(postgresql.url(made), "the test's")


def test_many_threads_share_few_connections(url: DatabaseUrl) -> None:
    database = PostgresqlDatabase(replace(url, pool_size=3))
    database.open()
    seen: set[int] = set()
    barrier = threading.Barrier(9)

    def read() -> None:
        barrier.wait(20)
        for _ in range(5):
            with database.read() as db, database.read() as within:
                assert within is db
                seen.add(db.execute("SELECT pg_backend_pid()").fetchone()[0])

    threads = [threading.Thread(target=read) for _ in range(9)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    database.close()
    assert 1 <= len(seen) <= 3
