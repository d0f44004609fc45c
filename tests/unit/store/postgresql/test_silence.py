"""A server that is connected and does not answer: nobody waits for it for ever, and all goes on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import psycopg
import pytest

from bridge.errors import StoreAway, StoreInDoubt
from bridge.store import meta
from bridge.store.inbox.message import NewMessage
from bridge.store.patience import patience, patient
from bridge.store.postgresql import database, way
from bridge.store.postgresql.connection import connect
from bridge.store.postgresql.database import PostgresqlDatabase
from bridge.store.postgresql.silence import ServerSilent
from tests import postgresql

NOW = 1_800_000_000.0
MESSAGE = NewMessage("mdm", "main", "mdm.Connect", "connect", "m", b"body", udid="U1")
SHORT = 0.3
SILENT = "the server is connected, and has not answered for"


@pytest.fixture(scope="module")
def server() -> Iterator[postgresql.Server]:
    if postgresql.programs() is None:
        pytest.skip("no programs of PostgreSQL to start a server of our own")
    with postgresql.own_server() as made:
        yield made


@pytest.fixture
def where(server: postgresql.Server) -> Iterator[str]:
    with postgresql.database(server.where) as made:
        yield made


@pytest.fixture
def ours(where: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[PostgresqlDatabase]:
    monkeypatch.setattr(database, "HOOKS", SHORT)
    monkeypatch.setattr(way, "IMPATIENCE", SHORT)
    made = PostgresqlDatabase(where)
    made.open()
    yield made
    made.close()


def recalled(ours: PostgresqlDatabase) -> str | None:
    with ours.read() as db:
        return meta.recall(db, "a")


def keep(ours: PostgresqlDatabase, value: str) -> None:
    with ours.write() as db:
        meta.keep(db, "a", value)


def reached(ours: PostgresqlDatabase) -> PostgresqlDatabase:
    """Once a connection that was tried meanwhile is there, on both ways."""
    end = time.monotonic() + 30
    while time.monotonic() < end:
        with suppress(StoreAway), ours.read(), ours.write():
            return ours
        time.sleep(0.02)
    raise AssertionError


def test_who_waits_is_told_soon_and_all_goes_on(
    ours: PostgresqlDatabase, server: postgresql.Server
) -> None:
    keep(ours, "1")
    ours.inbox.put(MESSAGE, NOW)
    assert recalled(ours) == "1"
    with server.standing_still(), patient(SHORT):
        with pytest.raises(StoreAway, match=SILENT):
            recalled(ours)
        for act in (
            lambda: keep(ours, "2"),
            lambda: ours.inbox.put(MESSAGE, NOW),
            lambda: recalled(ours),
        ):
            with pytest.raises(StoreAway, match="no connection to the server within"):
                act()
    assert recalled(reached(ours)) == "1"
    keep(ours, "2")
    assert ours.inbox.put(MESSAGE, NOW) >= 2
    assert (recalled(ours), ours.failed, ours.inbox.failed) == ("2", None, None)


def test_what_comes_in_waits_no_longer_than_its_sender_whoever_stores_it(
    ours: PostgresqlDatabase, server: postgresql.Server
) -> None:
    """Who commits for others may be a thread that has all the time."""
    ours.inbox.put(MESSAGE, NOW)
    told: list[BaseException] = []

    def put() -> None:
        try:
            ours.inbox.put(MESSAGE, NOW)
        except StoreAway as error:
            told.append(error)

    with server.standing_still():
        threads = [threading.Thread(target=put) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(30)
    assert len(told) == 8
    assert any(SILENT in str(error) for error in told)
    assert reached(ours).inbox.put(MESSAGE, NOW) > 1


def test_a_commit_that_is_not_answered_is_unknown(
    ours: PostgresqlDatabase, server: postgresql.Server
) -> None:
    keep(ours, "1")

    def commit(stack: ExitStack) -> None:
        with ours.write() as db:
            meta.keep(db, "a", "2")
            stack.enter_context(server.standing_still())
            stack.enter_context(patient(SHORT))

    with ExitStack() as stack, pytest.raises(StoreInDoubt, match=SILENT):
        commit(stack)
    assert recalled(reached(ours)) in ("1", "2")
    keep(ours, "3")
    assert recalled(ours) == "3"


def test_who_cannot_write_for_one_that_waits_for_the_server_blames_the_server(
    ours: PostgresqlDatabase, server: postgresql.Server
) -> None:
    def wait() -> None:
        with patient(1.0), suppress(StoreAway):
            keep(ours, "2")

    keep(ours, "1")
    with server.standing_still():
        other = threading.Thread(target=wait)
        other.start()
        while ours._writer.silent_for() < 0.2:
            time.sleep(0.01)
        with pytest.raises(StoreAway, match="who writes waits for the server"), ours.write(0.1):
            pass
        other.join(30)
    keep(reached(ours), "3")
    assert recalled(ours) == "3"


def test_a_long_statement_is_waited_for(ours: PostgresqlDatabase) -> None:
    with ours.long_read() as db:
        assert db.execute("SELECT 1 FROM pg_sleep(0.5)").fetchone()[0] == 1
        with pytest.raises(ServerSilent), patient(SHORT):
            db.execute("SELECT pg_sleep(30)")
        assert db.is_lost


def test_how_long_can_be_set(where: str) -> None:
    made = connect(where, silence_limit=SHORT)
    with pytest.raises(ServerSilent):
        made.execute("SELECT pg_sleep(30)")


def test_a_server_that_stands_still_while_it_is_connected_to(
    where: str, server: postgresql.Server
) -> None:
    with server.standing_still(), pytest.raises(psycopg.OperationalError, match="timeout"):
        connect(f"{where} connect_timeout=2")


def test_the_least_patient_counts() -> None:
    assert patience() > 1e9
    with patient(2.0):
        with patient(5.0):
            assert patience() == 2.0
        with patient(1.0):
            assert patience() == 1.0
        assert patience() == 2.0
    assert patience() > 1e9
