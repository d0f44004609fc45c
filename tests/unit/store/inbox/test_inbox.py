"""The inbox: durable ids that go on, what waits, what was taken, and a file of its own."""

import sqlite3
import stat
import threading
from contextlib import closing
from dataclasses import replace

import pytest

from bridge.errors import SchemaTooNew, StoreDamaged, StoreFull, StoreGone
from bridge.store import events, intake
from bridge.store.database import Database
from bridge.store.file.database import FileDatabase
from bridge.store.inbox import inbox as inbox_module
from bridge.store.inbox.mark import taken
from bridge.store.inbox.message import NewMessage
from tests.unit.store_kit import NOW, take

WEBHOOK = NewMessage("mdm", "main", "mdm.Connect", "", "1", b"{}", udid="U", command_uuid="C")


def put(database: Database, *names: str) -> list[int]:
    return [database.inbox.put(replace(WEBHOOK, message_id=name), NOW) for name in names]


def waiting(database: Database) -> list[str]:
    with database.read_all() as (_, some):
        return [each.message_id for each in some.all()]


def take_all(database: Database) -> None:
    with database.inbox.read() as some, database.write() as db:
        intake.take_unhandled(db, some, NOW)


def left(database: Database) -> list[tuple[int, bytes | None]]:
    with database.inbox.file.read() as db:
        assert db is not None
        return [(row[0], row[1]) for row in db.execute("SELECT id, body FROM inbox ORDER BY id")]


def test_a_message_keeps_its_id_when_it_is_taken(database: Database) -> None:
    with database.write() as db:
        take(db, replace(WEBHOOK, message_id="0"), NOW)
    assert put(database, "a", "b") == [2, 3]
    assert waiting(database) == ["a", "b"]
    take_all(database)
    assert waiting(database) == []
    with database.read() as db:
        assert [e.id for e in events.next_new(db, NOW, 9)] == [1, 2, 3]
        assert taken(db) == 3


def test_what_was_taken_is_removed_and_ids_go_on(database: Database) -> None:
    put(database, "a", "b", "c")
    take_all(database)
    put(database, "d")
    assert database.inbox.remove(3) == 3
    assert database.inbox.remove(3) == 0
    assert waiting(database) == ["d"]
    take_all(database)
    database.inbox.remove(4)
    assert left(database) == [(4, None)], "its content is gone, and its id says which one is next"
    assert put(database, "e") == [5]
    database.close()
    database.open()
    assert put(database, "f") == [6]
    assert waiting(database) == ["e", "f"]


@pytest.mark.parametrize("older", [True, False])
def test_ids_go_on_in_a_file_that_is_new_or_older_than_the_database(
    database: Database, older: bool
) -> None:
    path = database.inbox.file.path
    put(database, "a")
    database.close()
    kept = path.read_bytes()
    database.open()
    put(database, "b", "c")
    take_all(database)
    database.close()
    path.unlink()
    if older:
        path.write_bytes(kept)
    database.open()
    assert put(database, "d") == [4], "never one that was taken already"
    assert waiting(database) == ["d"]


def test_a_database_that_is_older_than_its_inbox_takes_what_is_left(database: Database) -> None:
    database.close()
    kept = database.path.read_bytes()
    database.open()
    put(database, "a", "b")
    take_all(database)
    database.inbox.remove(1)
    database.close()
    database.path.write_bytes(kept)
    database.open()
    assert waiting(database) == ["b"]


def test_only_its_owner_may_read_it(database: Database) -> None:
    put(database, "a")
    files = sorted(database.path.parent.glob("bridge.db.inbox*"))
    assert len(files) == 4
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}


def test_each_commit_lasts(database: Database) -> None:
    put(database, "a")
    writer = database.inbox.file._writer
    assert writer is not None
    assert writer.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    with closing(sqlite3.connect(database.inbox.file.path)) as other:
        assert other.execute("SELECT message_id FROM inbox").fetchall() == [("a",)]


def test_who_comes_together_is_stored_in_one_transaction(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups: list[int] = []
    real, first, go_on = database.inbox._store, threading.Event(), threading.Event()

    def store(group: list[object]) -> object:
        groups.append(len(group))
        first.set()
        assert go_on.wait(20)
        return real(group)  # type: ignore[arg-type]

    monkeypatch.setattr(database.inbox, "_store", store)
    names = [str(number) for number in range(9)]
    threads = [threading.Thread(target=put, args=(database, name)) for name in names]
    for thread in threads:
        thread.start()
        assert first.wait(20)
    while len(database.inbox._group._waiting) < 8:
        pass
    go_on.set()
    for thread in threads:
        thread.join(20)
    assert groups == [1, 8]
    assert sorted(waiting(database)) == names


def test_a_bad_message_never_fails_its_neighbours(database: Database) -> None:
    good = [lambda db, n=name: database.inbox._insert(db, n, NOW) for name in messages("a", "b")]
    bad = [lambda db: database.inbox._insert(db, replace(WEBHOOK, topic="\ud800"), NOW)]
    database.inbox.open()
    one, wrong, two = database.inbox._commit([good[0], *bad, good[1]])
    assert (one, two) == (1, 2)
    assert isinstance(wrong, UnicodeEncodeError)
    assert waiting(database) == ["a", "b"]


def messages(*names: str) -> list[NewMessage]:
    return [replace(WEBHOOK, message_id=name) for name in names]


def test_where_there_is_no_room_for_all_there_may_be_for_some(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    database.inbox.open()

    def store(group: list[str]) -> list[str]:
        if "large" in group:
            raise StoreFull("full")
        return group

    monkeypatch.setattr(database.inbox, "_store", store)
    small, large = database.inbox._commit(["small", "large"])  # type: ignore[list-item]
    assert small == "small"
    assert isinstance(large, StoreFull)
    with pytest.raises(StoreFull):
        database.inbox._commit(["large"])  # type: ignore[list-item]


def test_a_file_that_is_taken_away_is_noticed(database: Database) -> None:
    put(database, "a")
    path = database.inbox.file.path
    path.rename(path.with_name("aside"))
    with pytest.raises(StoreGone, match="inbox") as caught:
        put(database, "b")
    assert "restart the bridge" in caught.value.mend
    path.with_name("aside").rename(path)
    assert put(database, "c") == [2]


def test_a_database_that_is_taken_away_takes_nothing_in(database: Database) -> None:
    put(database, "a")
    database.path.rename(database.path.with_name("aside"))
    with pytest.raises(StoreGone):
        put(database, "b")
    database.path.with_name("aside").rename(database.path)
    assert waiting(database) == ["a"]


@pytest.mark.parametrize("content", [b"short", b"no database " * 1000])
def test_a_file_that_is_damaged_says_what_to_do(database: Database, content: bytes) -> None:
    database.inbox.file.path.write_bytes(content)
    with pytest.raises(StoreDamaged) as caught:
        put(database, "a")
    assert "aside with its -wal" in caught.value.mend


def test_a_file_of_a_newer_bridge_is_left_alone(database: Database) -> None:
    put(database, "a")
    database.close()
    with closing(sqlite3.connect(database.inbox.file.path)) as other:
        other.execute("PRAGMA user_version = 9")
    database.open()
    with pytest.raises(SchemaTooNew, match="newer bridge"):
        put(database, "b")


def test_a_look_is_at_one_moment(database: Database) -> None:
    """What is taken and removed while somebody looks is in what he sees, once."""
    put(database, "a", "b")
    other = FileDatabase(database.path)
    other.open()
    with other.inbox.read() as some:
        take_all(database)
        put(database, "c")
        database.inbox.remove(2)
        with other.read() as db:
            assert [e.message_id for e in some.beyond(taken(db)).all()] == []
            assert [e.message_id for e in events.next_new(db, NOW, 9)] == ["a", "b"]
    other.close()


def test_who_only_looks_makes_no_file_and_leaves_it_alone(database: Database) -> None:
    assert waiting(database) == []
    assert not database.inbox.file.path.exists()
    put(database, "a")
    wal = database.path.with_name("bridge.db.inbox-wal")
    other = FileDatabase(database.path)
    other.open()
    assert waiting(other) == ["a"]
    before = wal.stat().st_size
    other.close()
    assert wal.stat().st_size == before > 0, "closing checkpoints nothing"


def test_a_large_inbox_is_small_again_once_it_is_empty(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.store.file.inbox_file._MANY_FREE", 50)
    monkeypatch.setattr(inbox_module, "REMOVED_AT_ONCE", 100)
    for number in range(150):
        database.inbox.put(replace(WEBHOOK, message_id=str(number), body=b"x" * 8000), NOW)
    database.inbox.file.fold()
    size = database.inbox.file.path.stat().st_size
    take_all(database)
    assert [database.inbox.remove(150) for _ in range(3)] == [100, 49, 0]
    database.inbox.file.make_small()
    database.inbox.file.fold()
    assert database.inbox.file.path.stat().st_size < size / 10
    assert put(database, "next") == [151]
