"""What may happen to a server, to its connections and to a transaction: what is told, what is done
again, and that nothing is lost or done twice."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest
from psycopg import conninfo

from bridge.errors import StoreAway, StoreConflict, StoreError, StoreFull, StoreInDoubt, StoreLocked
from bridge.store import meta
from bridge.store.inbox.message import NewMessage
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.repeating import TIMES, repeated
from tests import cut_proxy, postgresql

NOW = 1_800_000_000.0
MESSAGE = NewMessage("mdm", "main", "mdm.Connect", "connect", "m", b"body", udid="U1")


@pytest.fixture
def where(postgresql_where: str) -> Iterator[str]:
    """An empty database for one test."""
    server = conninfo.make_conninfo(postgresql_where, dbname="postgres")
    with postgresql.database(server) as made:
        yield made


@contextmanager
def opened(where: str) -> Iterator[PostgresqlDatabase]:
    made = PostgresqlDatabase(where)
    made.open()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def ours(where: str) -> Iterator[PostgresqlDatabase]:
    with opened(where) as made:
        yield made


def recalled(database: PostgresqlDatabase, key: str = "a") -> str | None:
    with database.read() as db:
        return meta.recall(db, key)


def keep(database: PostgresqlDatabase, key: str, value: str) -> None:
    with database.write() as db:
        meta.keep(db, key, value)


def inbox(database: PostgresqlDatabase) -> list[str]:
    with database.inbox.read() as waiting:
        return [each.message_id for each in waiting.all()]


def end_all(where: str) -> None:
    """The server ends every connection of a bridge to this database."""
    with psycopg.connect(where, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = "
            "current_database() AND application_name = 'vpp-bridge'"
        )


def test_connections_that_were_ended_while_they_rested_are_replaced(
    ours: PostgresqlDatabase, where: str
) -> None:
    keep(ours, "a", "1")
    ours.inbox.put(MESSAGE, NOW)
    assert recalled(ours) == "1"
    heard = ours.data_version()
    end_all(where)
    assert ours.inbox.put(MESSAGE, NOW) == 2
    end_all(where)
    assert recalled(ours) == "1"
    keep(ours, "a", "2")
    ours.data_version()  # what the server said last is taken in first
    assert ours.data_version() != heard, "what was stored while nobody listened is not known"
    assert (recalled(ours), ours.failed, ours.inbox.failed) == ("2", None, None)


def test_who_is_ended_in_a_transaction_is_told_and_nothing_of_it_stays(
    ours: PostgresqlDatabase, where: str
) -> None:
    def cut_off() -> None:
        with ours.write() as db:
            meta.keep(db, "a", "lost")
            end_all(where)
            meta.keep(db, "b", "lost, too")

    with pytest.raises(StoreAway, match="terminating connection") as told:
        cut_off()
    assert type(told.value) is StoreAway
    assert recalled(ours) is None
    keep(ours, "a", "1")
    assert recalled(ours) == "1"


def test_a_reader_that_is_ended_in_a_transaction_is_told_and_comes_again(
    ours: PostgresqlDatabase, where: str
) -> None:
    def cut_off() -> None:
        with ours.read() as db:
            end_all(where)
            meta.recall(db, "a")

    with pytest.raises(StoreAway):
        cut_off()
    assert recalled(ours) is None


def test_a_message_whose_transaction_was_ended_comes_in_all_the_same(
    ours: PostgresqlDatabase, where: str
) -> None:
    ends = [True]

    def step(db: object) -> int:
        if ends.pop() if ends else False:
            end_all(where)
        return ours.inbox._insert(db, MESSAGE, NOW)

    assert ours.inbox._commit([step]) == [1]
    assert inbox(ours) == ["m"]
    assert ours.inbox.failed is None


@pytest.fixture
def cutting(
    where: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[cut_proxy.CutProxy, str]]:
    if not str(conninfo.conninfo_to_dict(where)["host"]).startswith("/"):
        pytest.skip("the server that is named has no socket to put something before")
    with cut_proxy.between(where, Path(tmp_path_factory.mktemp("p"))) as made:
        yield made


@pytest.mark.parametrize(("cut", "stored"), [("before", None), ("after", "1")])
def test_a_commit_that_was_not_answered_is_told_as_unknown(
    cutting: tuple[cut_proxy.CutProxy, str], cut: cut_proxy.Cut, stored: str | None
) -> None:
    proxy, where = cutting
    with opened(where) as ours:
        proxy.cut = cut
        with pytest.raises(StoreInDoubt, match="lost while it committed") as told:
            keep(ours, "a", "1")
        assert ours.failed is told.value
        assert "do it again" in told.value.mend
        assert recalled(ours) == stored
        keep(ours, "a", "2")
        assert (recalled(ours), ours.failed) == ("2", None)


@pytest.mark.parametrize(("cut", "stored"), [("before", ["m"]), ("after", ["m", "m"])])
def test_a_message_whose_commit_was_not_answered_is_there_once_or_twice_and_never_lost(
    cutting: tuple[cut_proxy.CutProxy, str], cut: cut_proxy.Cut, stored: list[str]
) -> None:
    """Taken, it is one: tests/flow/test_database_away.py."""
    proxy, where = cutting
    with opened(where) as ours:
        ours.inbox.open()
        proxy.cut = cut
        assert ours.inbox.put(MESSAGE, NOW) == len(stored)
        assert inbox(ours) == stored
        assert proxy.cuts == 1


def test_what_fails_at_its_commit_is_not_unknown(ours: PostgresqlDatabase) -> None:
    with ours.write() as db:
        db.execute(
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "'BEGIN RAISE disk_full; END'"
        )
        db.execute(
            "CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON meta DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION refuse()"
        )
    with pytest.raises(StoreFull, match="disk_full"):
        keep(ours, "a", "1")
    assert isinstance(ours.failed, StoreFull)
    assert recalled(ours) is None


def test_a_deadlock_with_somebody_else_is_done_again(ours: PostgresqlDatabase, where: str) -> None:
    keep(ours, "a", "0")
    keep(ours, "b", "0")
    told = []
    with psycopg.connect(where) as person:
        person.execute("SET deadlock_timeout = '1min'")  # so that the bridge finds it first
        person.execute("UPDATE meta SET value = 'person' WHERE key = 'b'")
        goes_on = _beside(person, "UPDATE meta SET value = 'person' WHERE key = 'a'", where)

        @repeated
        def act() -> None:
            try:
                with ours.write() as db:
                    meta.keep(db, "a", "1")
                    goes_on()
                    meta.keep(db, "b", "1")
            except StoreConflict as error:
                told.append(str(error))
                goes_on()
                raise

        act()
    assert len(told) == 1
    assert "another transaction stood in the way (deadlock detected" in told[0]
    assert (recalled(ours), recalled(ours, "b")) == ("1", "1")


def _beside(person: psycopg.Connection, statement: str, where: str) -> Callable[[], None]:
    """A function that has somebody else run this, and returns once that waits for us; called again,
    it returns when that was committed."""
    threads: list[threading.Thread] = []

    def run() -> None:
        person.execute(statement.encode())
        person.commit()

    def start() -> None:
        if not threads:
            threads.append(threading.Thread(target=run, daemon=True))
            threads[0].start()
            _until_waited_for(where)
        else:
            threads[0].join(30)

    return start


def test_what_always_stands_in_the_way_is_told_after_a_few_times(ours: PostgresqlDatabase) -> None:
    times = []

    @repeated
    def act() -> None:
        times.append(1)
        with ours.write() as db:
            db.execute("DO $$ BEGIN RAISE serialization_failure; END $$")

    with pytest.raises(StoreConflict) as told:
        act()
    assert len(times) == TIMES
    assert told.value.may_retry
    keep(ours, "a", "1")


def test_a_message_that_met_a_serialisation_failure_comes_in(ours: PostgresqlDatabase) -> None:
    times = []

    def step(db: psycopg.Connection) -> int:
        times.append(1)
        if len(times) < TIMES:
            db.execute("DO $$ BEGIN RAISE serialization_failure; END $$")
        return ours.inbox._insert(db, MESSAGE, NOW)

    assert ours.inbox._commit([step]) == [1]
    assert inbox(ours) == ["m"]


def test_a_server_whose_transactions_are_serialisable_changes_nothing(where: str) -> None:
    """With one snapshot for a whole transaction a writer would see what was there before it had
    its turn."""
    with psycopg.connect(where, autocommit=True) as admin:
        name = postgresql.name_of(where)
        admin.execute(
            f'ALTER DATABASE "{name}" SET default_transaction_isolation TO serializable'.encode()
        )
    with opened(where) as one, opened(where) as other:
        keep(one, "a", "0")
        begun, threads = threading.Event(), []
        with one.write() as db:

            def add() -> None:
                begun.set()
                with other.write() as db:
                    meta.keep(db, "a", f"{meta.recall(db, 'a')}, then 2")

            threads.append(threading.Thread(target=add, daemon=True))
            threads[0].start()
            begun.wait(5)
            _until_waited_for(where)
            meta.keep(db, "a", "1")
        threads[0].join(10)
        assert recalled(one) == "1, then 2"


def _until_waited_for(where: str) -> None:
    with psycopg.connect(where, autocommit=True) as admin:
        found = None
        while not found:
            found = admin.execute(
                "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
                "AND wait_event_type = 'Lock'"
            ).fetchone()


def test_who_swallows_what_a_statement_refused_has_not_stored_the_rest(
    ours: PostgresqlDatabase,
) -> None:
    """PostgreSQL answers the COMMIT of a transaction that failed with ROLLBACK, and no error."""

    def swallow() -> None:
        with ours.write() as db:
            meta.keep(db, "a", "1")
            with suppress(psycopg.IntegrityError):
                db.execute("INSERT INTO meta (key, value) VALUES ('a', 'again')")

    with pytest.raises(psycopg.errors.InFailedSqlTransaction):
        swallow()
    assert recalled(ours) is None


def test_who_meets_a_table_that_somebody_locked_does_not_wait_for_ever(
    where: str, ours: PostgresqlDatabase
) -> None:
    with (
        opened(conninfo.make_conninfo(where, options="-c lock_timeout=20")) as short,
        psycopg.connect(where) as person,
    ):
        person.execute("LOCK TABLE meta")
        with pytest.raises(StoreLocked, match="lock timeout"):
            recalled(short)
        with pytest.raises(StoreLocked, match="lock timeout"), short.write(0.02) as db:
            meta.keep(db, "a", "1")
        person.rollback()
        keep(short, "a", "1")
    assert recalled(ours) == "1"


@pytest.mark.parametrize(
    ("name", "is_said"),
    [
        ("statement_timeout", "5min"),
        ("idle_in_transaction_session_timeout", "5min"),
        ("lock_timeout", "5s"),
        ("default_transaction_read_only", "on"),
    ],
)
def test_nothing_hangs(ours: PostgresqlDatabase, name: str, is_said: str) -> None:
    with ours.read() as db:
        assert db.execute(f"SHOW {name}").fetchone()[0] == is_said


def test_who_set_a_limit_has_it(where: str) -> None:
    options = conninfo.make_conninfo(where, options="-c statement_timeout=7s", application_name="x")
    with opened(options) as ours, ours.read() as db:
        assert db.execute("SHOW statement_timeout").fetchone()[0] == "7s"
        assert db.execute("SHOW application_name").fetchone()[0] == "x"


def test_a_database_that_takes_no_writes_is_named_with_what_to_do(where: str) -> None:
    name = postgresql.name_of(where)
    with opened(where) as ours, psycopg.connect(where, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{name}" SET default_transaction_read_only TO on'.encode())
        keep(ours, "a", "1")
        end_all(where)
        with pytest.raises(StoreAway, match="read-only") as told:
            keep(ours, "a", "2")
        assert told.value.mend == (
            "name the server that takes writes, or have this one take them; "
            "the bridge goes on by itself"
        )
        admin.execute(f'ALTER DATABASE "{name}" RESET default_transaction_read_only'.encode())
        keep(ours, "a", "2")
        assert recalled(ours) == "2"


def test_a_server_that_becomes_a_standby_is_left(ours: PostgresqlDatabase) -> None:
    with ours.write() as db:
        pid = db.execute("SELECT pg_backend_pid()").fetchone()[0]

    def refused() -> None:
        with ours.write() as db:
            db.execute("SET TRANSACTION READ ONLY")
            meta.keep(db, "a", "1")

    with pytest.raises(StoreAway, match="read-only transaction"):
        refused()
    with ours.write() as db:
        assert db.execute("SELECT pg_backend_pid()").fetchone()[0] != pid


def test_a_server_that_has_no_connection_left_says_so(where: str) -> None:
    with psycopg.connect(where, autocommit=True) as admin:
        role = postgresql.name_of(where)
        admin.execute(f'CREATE ROLE "{role}" LOGIN CONNECTION LIMIT 1'.encode())
        admin.execute(f'GRANT ALL ON SCHEMA public TO "{role}"'.encode())
        try:
            with opened(conninfo.make_conninfo(where, user=role)) as ours:
                with pytest.raises(StoreAway, match="too many connections") as told:
                    recalled(ours)
                assert "max_connections" in told.value.mend
                keep(ours, "a", "1")
        finally:
            end_all(where)
            admin.execute(f'DROP OWNED BY "{role}" CASCADE'.encode())
            admin.execute(f'DROP ROLE "{role}"'.encode())


def test_a_disk_that_is_full_is_told_as_such(ours: PostgresqlDatabase) -> None:
    with pytest.raises(StoreFull, match="disk_full"), ours.write() as db:
        db.execute("DO $$ BEGIN RAISE disk_full; END $$")
    keep(ours, "a", "1")


def test_a_view_within_a_view_is_the_same_one(ours: PostgresqlDatabase) -> None:
    with ours.read() as before:
        keep(ours, "a", "1")
        with ours.read() as within:
            assert meta.recall(within, "a") is None
        assert meta.recall(before, "a") is None
    assert recalled(ours) == "1"


@pytest.mark.parametrize("mode", ["immediate", "fast"])
def test_a_server_that_is_stopped_and_started_is_gone_on_with(mode: str) -> None:
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    with postgresql.own_server() as server, opened(server.where) as ours:
        keep(ours, "a", "1")
        ours.inbox.put(MESSAGE, NOW)
        ours.data_version()
        server.stop(mode)
        for act in (
            lambda: keep(ours, "a", "2"),
            lambda: recalled(ours),
            lambda: ours.inbox.put(MESSAGE, NOW),
            lambda: (ours.data_version(), ours.data_version()),
        ):
            with pytest.raises(StoreAway, match="connection") as told:
                act()
            assert isinstance(told.value, StoreError) and told.value.may_retry
        server.start()
        assert (recalled(ours), inbox(ours)) == ("1", ["m"])
        keep(ours, "a", "2")
        assert ours.inbox.put(MESSAGE, NOW) == 2
        assert ours.data_version() == ours.data_version()
        assert (ours.failed, ours.inbox.failed, recalled(ours)) == (None, None, "2")


@pytest.fixture
def ways(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each way to the server and back."""
    found: list[int] = []
    wait = psycopg.Connection.wait

    def counted(self: psycopg.Connection, *arguments: object, **named: object) -> object:
        found.append(1)
        return wait(self, *arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(psycopg.Connection, "wait", counted)
    return found


def test_a_transaction_costs_two_ways_besides_its_statements_and_what_comes_in_one_in_all(
    ours: PostgresqlDatabase, ways: list[int]
) -> None:
    keep(ours, "a", "1")
    ours.inbox.put(MESSAGE, NOW)
    recalled(ours)
    ours.data_version()
    for act, number in (
        (lambda: keep(ours, "a", "2"), 3),
        (lambda: ours.inbox.put(MESSAGE, NOW), 1),
        (lambda: ours.glance(meta.recall, "a"), 1),
        (lambda: recalled(ours), 3),
        (lambda: inbox(ours), 3),
        (lambda: _look(ours), 3),
    ):
        ways.clear()
        act()
        assert len(ways) == number


def _look(database: PostgresqlDatabase) -> None:
    with database.inbox.read(), database.read() as db:
        meta.recall(db, "a")
