"""What other processes do with a database, to be run in them."""

from __future__ import annotations

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from bridge.errors import StoreError
from bridge.store import meta
from bridge.store.database import Database
from bridge.store.file.database import FileDatabase
from bridge.store.file.engine_lock import EngineLock

SPAWN = multiprocessing.get_context("spawn")
NOBODY = 65534
LONG = 60.0


@contextmanager
def processes(work: Callable[..., None], arguments: Sequence[tuple[Any, ...]]) -> Iterator[Any]:
    """One process for each of `arguments`; whatever still runs at the end is killed."""
    started: list[BaseProcess] = []
    try:
        for some in arguments:
            process = SPAWN.Process(target=work, args=some, daemon=True)
            process.start()
            started.append(process)
        yield started
    finally:
        for process in started:
            process.kill()
            process.join()


def finish(started: Sequence[BaseProcess]) -> list[int | None]:
    """Wait for their ends; their exit codes."""
    for process in started:
        process.join(LONG)
    return [process.exitcode for process in started]


def open_and_write(path: Path, name: str, together: Any) -> None:
    """Open at the same moment as the others, and leave a row."""
    database = FileDatabase(path)
    together.wait(LONG)
    database.open()
    with database.write() as db:
        meta.keep(db, name, "was here")
    database.close()


def count_up(path: Path, times: int, together: Any) -> None:
    """Two threads, each of which reads a number and writes the next one, `times` times."""
    database = FileDatabase(path)
    database.open()
    together.wait(LONG)
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=_count_up, args=(database, times, failures)) for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    sys.exit(1 if failures else 0)


def _count_up(database: Database, times: int, failures: list[BaseException]) -> None:
    try:
        for _ in range(times):
            with database.write() as db:
                value = int(meta.recall(db, "number") or 0)
                meta.keep(db, "number", str(value + 1))
            with database.read() as db:
                assert int(meta.recall(db, "number") or 0) > value
    except BaseException as error:
        failures.append(error)
        raise


def write_and_hang(path: Path, ready: Any) -> None:
    """Stop in the middle of a transaction, holding every lock there is."""
    database = FileDatabase(path)
    database.open()
    with database.write() as db:
        meta.keep(db, "half", "done")
        ready.set()
        threading.Event().wait()


def hold_engine_lock(path: Path, ready: Any) -> None:
    """Be the engine until killed."""
    lock = EngineLock(path)
    lock.acquire(0.0)
    ready.set()
    threading.Event().wait()


def open_as_nobody(path: Path, answer: Any) -> None:
    """Try to open without being root; tells the error's kind and text."""
    if os.geteuid() == 0:
        os.setuid(NOBODY)
    said = []
    for attempt in (FileDatabase(path).open, lambda: EngineLock(path).acquire(0.0)):
        try:
            attempt()
        except StoreError as error:
            said.append(str(error))
    answer.put(said)
