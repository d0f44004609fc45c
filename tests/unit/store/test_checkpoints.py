"""No connection checkpoints outside the writer's lock: not after a commit, not when it is closed.

Every connection is watched: whatever changes the database file while it is in WAL mode is a
checkpoint.
"""

from __future__ import annotations

import fcntl
import hashlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.store import meta
from bridge.store.database import Database
from bridge.store.file import backup
from bridge.store.file.database import FileDatabase, nobody_else
from bridge.store.file.soundness import Look, Soundness, has_wal_reset_fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene, scenes


class Witness:
    """Who checkpointed one database: what was said to SQLite, and whether the lock was held."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.checkpoints: list[tuple[str, bool]] = []

    @contextmanager
    def watching(self, said: str) -> Iterator[None]:
        before = self._digest()
        try:
            yield
        finally:
            if self._digest() != before:
                self.checkpoints.append((said, self._locked()))

    def unlocked(self) -> list[str]:
        return [said for said, locked in self.checkpoints if not locked]

    def _digest(self) -> bytes:
        return hashlib.sha256(self.path.read_bytes()).digest() if self.path.exists() else b""

    def _locked(self) -> bool:
        with self.path.with_name(self.path.name + ".lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False


@pytest.fixture
def witness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Witness:
    """One that sees every connection of this process."""
    witness = Witness(tmp_path / "bridge.db")

    class Watched(sqlite3.Connection):
        def execute(self, *said: Any) -> sqlite3.Cursor:
            with witness.watching(str(said[0])):
                return super().execute(*said)

        def close(self) -> None:
            with witness.watching("close"):
                super().close()

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, factory=Watched, **k))
    return witness


def opened(path: Path) -> Database:
    database = FileDatabase(path)
    database.open()
    return database


def read(database: Database) -> None:
    with database.read() as db:
        assert meta.recall(db, "a")


def write(database: Database, value: str) -> None:
    with database.write() as db:
        meta.keep(db, "a", value)


def test_a_witness_sees_what_is_done_without_the_lock(witness: Witness) -> None:
    database = opened(witness.path)
    write(database, "1")
    database.close()
    stranger = sqlite3.connect(witness.path)
    stranger.execute("DELETE FROM meta")
    stranger.commit()
    stranger.close()
    assert witness.unlocked() == ["close"]


def test_commits_checkpoint_under_the_lock(witness: Witness) -> None:
    database = opened(witness.path)
    for number in range(30):
        write(database, str(number) * 100_000)
        read(database)
    database.close()
    assert ("COMMIT", True) in witness.checkpoints
    assert witness.unlocked() == []


@pytest.mark.parametrize("reader_first", [True, False])
def test_the_last_one_to_close_checkpoints_under_the_lock(
    witness: Witness, reader_first: bool
) -> None:
    first, second = opened(witness.path), opened(witness.path)
    write(first, "1")
    threads = [threading.Thread(target=read, args=(second,)) for _ in range(3)]
    for thread in threads:
        thread.start()
        thread.join()
    del witness.checkpoints[:]
    for database in (second, first) if reader_first else (first, second):
        database.close()
    assert witness.checkpoints == [("close", True)]


def test_a_database_that_is_closed_is_read_by_nobody(witness: Witness) -> None:
    database = opened(witness.path)
    database.close()
    assert Look(database).run(60.0).problem is not None
    assert witness.unlocked() == []


def test_what_is_folded_in_is_so_under_the_lock(witness: Witness) -> None:
    database = opened(witness.path)
    write(database, "1")
    read(database)
    wal = witness.path.with_name("bridge.db-wal")
    assert wal.stat().st_size
    del witness.checkpoints[:]
    assert database.fold()
    assert wal.stat().st_size == 0
    assert witness.checkpoints == [("PRAGMA wal_checkpoint(TRUNCATE)", True)]
    write(database, "2")
    with database.read() as db:
        assert meta.recall(db, "a") == "2"
        assert not database.fold(), "somebody reads"
    database.close()
    assert witness.unlocked() == []


def test_copies_are_made_and_put_in_place_without_a_checkpoint_of_their_own(
    witness: Witness, tmp_path: Path
) -> None:
    database = opened(witness.path)
    write(database, "1")
    copied = tmp_path / "copy.db"
    del witness.checkpoints[:]
    backup.copy(witness.path, copied)
    assert witness.checkpoints == []
    for ending in ("", "-wal"):  # as after a kill: nobody has it open, and the -wal is full
        left = tmp_path / f"left.db{ending}"
        left.write_bytes(witness.path.with_name(f"bridge.db{ending}").read_bytes())
    database.close()
    for ending in ("", "-wal"):
        (tmp_path / f"left.db{ending}").rename(tmp_path / f"bridge.db{ending}")
    del witness.checkpoints[:]
    with nobody_else(witness.path):
        kept = backup.put_in_place(copied, witness.path, 0.0)
    assert kept is not None and not kept.with_name(f"{kept.name}-wal").exists()
    assert witness.checkpoints == [("PRAGMA wal_checkpoint(TRUNCATE)", True)]


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[Callable[..., Scene]]:
    yield from scenes(tmp_path)


def test_no_command_checkpoints_without_the_lock(
    make_scene: Callable[..., Scene], witness: Witness, tmp_path: Path
) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    witness.path = shell.scene.config.database
    shell.scene.bridge.close()
    device, (app, *_) = shell.scene.serials[0], shell.scene.adam_ids
    copied = str(tmp_path / "copy.db")
    for command in (
        ("apply", "--yes"),
        ("status",),
        ("why", device, app),
        ("pause", "--all"),
        ("doctor",),
        ("devices",),
        ("sync", "devices"),
        ("backup", copied),
        ("restore", copied, "--yes"),
        ("resume", "--all"),
    ):
        shell.serving = False
        shell.engine_works = False
        shell.run(*command)
    assert ("close", True) in witness.checkpoints
    assert witness.unlocked() == []


@pytest.mark.parametrize(
    ("version", "has_it"),
    [
        ("3.6.23.1", False),
        ("3.7.0", True),
        ("3.40.1", True),
        ("3.44.5", True),
        ("3.44.6", False),
        ("3.45.0", True),
        ("3.46.1", True),
        ("3.50.6", True),
        ("3.50.7", False),
        ("3.51.0", True),
        ("3.51.2", True),
        ("3.51.3", False),
        ("3.52.0", False),
        ("3.53.4", False),
    ],
)
def test_the_versions_of_sqlite_that_have_the_wal_reset_fault(version: str, has_it: bool) -> None:
    assert has_wal_reset_fault(version) is has_it


def test_a_look_that_is_ended_says_nothing_of_the_file(tmp_path: Path) -> None:
    database = opened(tmp_path / "bridge.db")
    look = Look(database)
    look.end()
    assert look.run(60.0) == Soundness(finished=False)
    assert Look(database).run(60.0) == Soundness()
    database.close()


def test_a_look_that_is_ended_when_it_has_just_closed_its_connection_ends(tmp_path: Path) -> None:
    database = opened(tmp_path / "bridge.db")
    look, read, ended = Look(database), database.long_read, list[bool]()

    @contextmanager
    def ended_at_its_close() -> Iterator[sqlite3.Connection]:
        with read() as connection:
            yield connection
        look.end()  # by another thread, which a closed connection must not hurt
        ended.append(True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(database, "long_read", ended_at_its_close)
        assert look.run(60.0) == Soundness(finished=False)
    assert ended == [True]
    database.close()
