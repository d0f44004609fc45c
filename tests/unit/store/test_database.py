"""The file itself: how it is opened, written by one at a time, and what it says when it cannot."""

import os
import re
import sqlite3
import stat
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.errors import SchemaTooNew, StoreError, StoreLocked
from bridge.store import meta
from bridge.store.database import Connection, Database, savepoint
from bridge.store.file.connection import MIGRATIONS
from bridge.store.file.database import FileDatabase, nobody_else
from bridge.store.schema import migrations
from tests.unit import store_processes
from tests.unit.store_processes import LONG, SPAWN, finish, processes


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk() -> None:
    """Here every commit waits for it, as it does in earnest."""


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    """One as the bridge makes it."""
    made = FileDatabase(tmp_path / "bridge.db")
    made.open()
    yield made
    made.close()


def pragma(database: Database, name: str, how: str) -> object:
    with getattr(database, how)() as db:
        return db.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("how", ["write", "read"])
def test_a_commit_survives_a_power_cut(database: Database, how: str) -> None:
    assert pragma(database, "journal_mode", how) == "wal"
    assert pragma(database, "synchronous", how) == 2, "FULL"
    assert pragma(database, "fullfsync", how) == 1


def test_nobody_else_may_read_the_files(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        database = FileDatabase(tmp_path / "bridge.db")
        database.open()
        with database.write() as db:
            meta.keep(db, "a", "b")
        files = sorted(path.name for path in tmp_path.iterdir())
        modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
        database.close()
    finally:
        os.umask(before)
    assert files == [f"bridge.db{e}" for e in ("", "-shm", "-wal", ".lock", ".open")]
    assert modes == {0o600}


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    database = FileDatabase(tmp_path / "bridge.db")
    database.open()
    for name in ("bridge.db", "bridge.db-wal", "bridge.db-shm"):
        (tmp_path / name).chmod(0o644)
    again = FileDatabase(tmp_path / "bridge.db")
    again.open()
    modes = {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()}
    again.close()
    database.close()
    assert modes == {0o600}


def test_what_was_committed_is_there_after_reopening(tmp_path: Path) -> None:
    database = FileDatabase(tmp_path / "bridge.db")
    for expected in (None, "1"):
        database.open()
        with database.write() as db:
            assert meta.recall(db, "kept") == expected
            meta.keep(db, "kept", "1")
        with database.read() as db:
            assert meta.recall(db, "kept") == "1"
        database.close()
        database.close()


def test_a_block_that_raises_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.write() as db:
            meta.keep(db, "half", "done")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    with database.write() as db:
        assert meta.recall(db, "half") is None
        meta.keep(db, "whole", "done")
    with database.read() as db:
        assert meta.recall(db, "whole") == "done"


def test_a_savepoint_undoes_only_itself(database: Database) -> None:
    def fail(db: Connection) -> None:
        with savepoint(db):
            meta.keep(db, "inside", "1")
            raise KeyError

    with database.write() as db:
        meta.keep(db, "before", "1")
        with pytest.raises(KeyError):
            fail(db)
        with savepoint(db):
            meta.keep(db, "after", "1")
    with database.read() as db:
        found = [meta.recall(db, key) for key in ("before", "inside", "after")]
    assert found == ["1", None, "1"]


def test_a_reader_sees_one_moment(database: Database) -> None:
    other = FileDatabase(database.path)
    other.open()
    with database.read() as db:
        assert meta.recall(db, "news") is None
        with other.write() as writer:
            meta.keep(writer, "news", "1")
        assert meta.recall(db, "news") is None
    with database.read() as db:
        assert meta.recall(db, "news") == "1"
    other.close()


def test_a_reader_cannot_write(database: Database) -> None:
    with pytest.raises(StoreError, match="readonly"), database.read() as db:
        meta.keep(db, "a", "b")
    with database.read() as db:
        assert meta.recall(db, "a") is None


def test_every_thread_reads_for_itself(database: Database) -> None:
    seen: list[object] = []

    def look() -> None:
        with database.read() as db:
            seen.append(db)

    with database.read() as db:
        seen.append(db)
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert len(seen) == len(set(map(id, seen))) == 2


def test_the_version_tells_of_others(database: Database) -> None:
    other = FileDatabase(database.path)
    other.open()
    before = database.data_version()
    with database.write() as db:
        meta.keep(db, "own", "1")
    assert database.data_version() == before
    with other.write() as db:
        meta.keep(db, "own", "2")
    assert database.data_version() != before
    other.close()


def keep_both(database: Database) -> None:
    with database.write() as db:
        meta.keep(db, "small", "1")
        meta.keep(db, "big", "x" * 100_000)


def test_a_disk_that_is_full_for_a_while(database: Database) -> None:
    with database.write() as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute(f"PRAGMA max_page_count = {pages + 2}")
    with pytest.raises(StoreError, match=r"bridge\.db: .*full"):
        keep_both(database)
    with database.write() as db:
        assert meta.recall(db, "small") is None
        db.execute("PRAGMA max_page_count = 100000")
        meta.keep(db, "big", "x" * 100_000)
    with database.read() as db:
        assert meta.recall(db, "big")


def test_a_commit_that_fails_does_not_stop_the_next(database: Database) -> None:
    assert database._writer is not None
    database._writer.execute("PRAGMA foreign_keys = ON")
    with database.write() as db:
        db.execute("CREATE TABLE a (id INTEGER PRIMARY KEY)")
        db.execute("CREATE TABLE b (a INTEGER REFERENCES a DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(sqlite3.IntegrityError), database.write() as db:
        db.execute("INSERT INTO b VALUES (1)")
    with database.write() as db:
        assert db.execute("SELECT count(*) FROM b").fetchone()[0] == 0


@pytest.mark.parametrize("statement", ["INSERT INTO meta VALUES ('a', NULL)", "INSERT INTO meta"])
def test_a_broken_rule_is_no_trouble_with_the_file(database: Database, statement: str) -> None:
    with pytest.raises((sqlite3.IntegrityError, StoreError)), database.write() as db:
        db.execute(statement)
    with database.write() as db:
        meta.keep(db, "a", "b")


def test_a_closed_database_says_so(tmp_path: Path) -> None:
    is_closed(FileDatabase(tmp_path / "bridge.db"))


def is_closed(database: Database, why: str = "the database is not open") -> None:
    """Whoever uses it is told why, however often."""
    for _ in range(2):
        with pytest.raises(StoreError, match=re.escape(why)), database.write():
            pass
        with pytest.raises(StoreError, match=re.escape(why)), database.read():
            pass
        with pytest.raises(StoreError, match=re.escape(why)):
            database.data_version()


@pytest.fixture
def unusable(tmp_path: Path) -> dict[str, Path]:
    no_database = tmp_path / "text.db"
    no_database.write_text("this is no database, and long enough to be taken for one\n" * 50)
    folder = tmp_path / "folder.db"
    folder.mkdir()
    return {
        "no folder": tmp_path / "nowhere" / "bridge.db",
        "a folder": folder,
        "no database": no_database,
    }


@pytest.mark.parametrize("what", ["no folder", "a folder", "no database"])
def test_a_file_that_cannot_be_used_is_named(unusable: dict[str, Path], what: str) -> None:
    path = unusable[what]
    database = FileDatabase(path)
    with pytest.raises(StoreError) as caught:
        database.open()
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
    is_closed(database, str(caught.value))


def test_a_folder_that_may_not_be_written() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o555)
        answer = SPAWN.SimpleQueue()
        path = Path(folder) / "bridge.db"
        with processes(store_processes.open_as_nobody, [(path, answer)]) as started:
            assert finish(started) == [0]
        said = answer.get()
    assert len(said) == 2, "the database and the engine's lock"
    assert all(str(path) in text and "\n" not in text for text in said)


def opened(path: Path) -> Database:
    database = FileDatabase(path)
    database.open()
    return database


def test_damage_is_said_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    database = FileDatabase(path)
    database.open()
    database.close()
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xff" * (len(data) - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match=r"malformed|not a database") as caught:
        keep_both(opened(path))
    assert "\n" not in str(caught.value)


def applied(database: Database) -> list[str]:
    with database.read() as db:
        found = db.execute("SELECT migration_set, name FROM _sqlite_migrations ORDER BY name")
        return [f"{row[0]} {row[1]}" for row in found]


def test_migrations_are_recorded_and_made_once(database: Database) -> None:
    before = applied(database)
    assert before[0] == "bridge m001_first"
    database.close()
    database.open()
    assert applied(database) == before


def test_every_migration_is_known_by_name_without_loading_it() -> None:
    assert tuple(migration.name for migration in migrations._migrations) == MIGRATIONS


def test_a_database_of_a_newer_bridge_is_left_alone(database: Database) -> None:
    with database.write() as db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('bridge', 'm999_tomorrow', '2030-01-01')"
        )
    database.close()
    with pytest.raises(SchemaTooNew, match="m999_tomorrow") as caught:
        database.open()
    assert "\n" not in str(caught.value)
    is_closed(database, str(caught.value))


@pytest.mark.parametrize("run", range(2))
def test_processes_that_open_a_new_file_at_once(tmp_path: Path, run: int) -> None:
    path, together = tmp_path / "bridge.db", SPAWN.Barrier(4)
    work = [(path, f"process {number}", together) for number in range(4)]
    with processes(store_processes.open_and_write, work) as started:
        assert finish(started) == [0, 0, 0, 0]
    database = FileDatabase(path)
    database.open()
    with database.read() as db:
        assert all(meta.recall(db, name) == "was here" for _, name, _ in work)
    assert len(applied(database)) == len(set(applied(database)))
    database.close()


def test_writers_in_two_processes_never_meet(database: Database) -> None:
    together = SPAWN.Barrier(2)
    work = [(database.path, 100, together)] * 2
    with processes(store_processes.count_up, work) as started:
        assert finish(started) == [0, 0], "nobody was told that the database is locked"
    with database.read() as db:
        assert meta.recall(db, "number") == "400"


def test_a_process_that_dies_in_a_write_leaves_nothing(database: Database) -> None:
    ready = SPAWN.Event()
    with processes(store_processes.write_and_hang, [(database.path, ready)]) as started:
        assert ready.wait(LONG)
        started[0].kill()
        with database.write() as db:
            assert meta.recall(db, "half") is None
            meta.keep(db, "after", "1")


def test_it_is_known_whether_somebody_has_the_database_open(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    databases = [FileDatabase(path), FileDatabase(path)]
    for database in databases:
        database.open()
    for database in databases:
        with pytest.raises(StoreLocked, match="stop it first"), nobody_else(path):
            raise AssertionError("somebody has it open")
        database.close()
    with nobody_else(path):
        assert path.exists()


def test_sqlite_makes_no_index_for_one_query(database: Database) -> None:
    """It reads a whole table for it, each time: what is asked needs an index that is kept."""
    with database.write() as writing, database.read() as reading:
        for db in (writing, reading):
            assert db.execute("PRAGMA automatic_index").fetchone()[0] == 0
