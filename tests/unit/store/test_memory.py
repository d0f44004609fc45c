"""How much memory a process keeps for pages of the database, whatever the number of its threads."""

from __future__ import annotations

import resource
import subprocess
import sys
import threading
from pathlib import Path

from bridge.store.file.connection import ALL_CACHES
from bridge.store.file.database import FileDatabase
from tests.unit.store_processes import LONG

MIB = 1024 * 1024
THREADS = 16
ROWS = 24
"""Of 1 MiB each in pages: more than a reader keeps, and in all threads more than all may."""


def read_all(path: Path) -> int:
    """Have as many threads as `serve` has read everything; by how many bytes this process grew."""
    database = FileDatabase(path)
    database.open()
    before = peak()
    together = threading.Barrier(THREADS)

    def read() -> None:
        with database.read() as db:
            db.execute("SELECT sum(length(value) + length(key)) FROM many").fetchone()
            together.wait(LONG)

    threads = [threading.Thread(target=read) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    grown = peak() - before
    database.close()
    return grown


def peak() -> int:
    """The most bytes that this process had at once."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def test_threads_that_read_share_a_bound(tmp_path: Path) -> None:
    path = tmp_path / "bridge.db"
    database = FileDatabase(path)
    database.open()
    with database.write() as db:
        db.execute("CREATE TABLE many (key TEXT, value TEXT)")
        rows = [(str(number), "x" * 1000) for number in range(ROWS * 1000)]
        db.executemany("INSERT INTO many VALUES (?, ?)", rows)
    database.close()
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.store.test_memory", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=LONG,
    )
    assert int(done.stdout) < 90 * MIB, "16 threads keep less than 6 MiB each, with their stacks"


def test_the_process_has_a_bound_for_all_connections(tmp_path: Path) -> None:
    database = FileDatabase(tmp_path / "bridge.db")
    database.open()
    with database.read() as db:
        assert db.execute("PRAGMA soft_heap_limit").fetchone()[0] == ALL_CACHES
    database.close()


if __name__ == "__main__":
    sys.stdout.write(str(read_all(Path(sys.argv[1]))))
