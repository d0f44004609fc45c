"""The engine's process: it holds the lock, runs until it is told to stop, and ends in time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from bridge.app import Bridge
from bridge.app.opening import AGAIN
from bridge.config import Config
from bridge.domain.audit import BY_ITSELF
from bridge.engine.loop import Engine
from bridge.engine.rounds import run
from bridge.engine.upkeep import file_check
from bridge.engine.wake import Wake
from bridge.errors import StoreAway
from bridge.store.database import Engines

log = logging.getLogger(__name__)

LOCK_WAIT = 10.0
"""Seconds that a starting engine waits for its predecessor to be gone."""

CALLERS = 16
"""Threads that make outside calls; each location and server uses a few."""

DRAIN = 3.0
"""Seconds that calls under way get when the engine stops; the whole must end within five."""


FOLD = 0.5
"""Seconds for which a stopping engine waits for those who read, to empty the `-wal`."""


def run_engine(config: Config, stop: threading.Event, bell: int | None = None) -> None:
    """Run the engine until `stop` is set; who has stored something may ring the `bell`, a pipe.

    A database whose server is away is waited for. Raises StoreLocked when another engine keeps the
    database for longer than ten seconds.
    """
    bridge = Bridge(config, actor=replace(BY_ITSELF, via="vpp-bridge serve"))
    if not when_there(lambda: bridge.engine_lock.acquire(LOCK_WAIT), stop):
        return
    try:
        _run(bridge, stop, Wake(bell), in_order=bridge.engine_lock.begin())
        bridge.engine_lock.end_in_order()
    finally:
        bridge.engine_lock.release()


def when_there(act: Callable[[], object], stop: threading.Event) -> bool:
    """Do this, however long the database's server is away; false where `stop` was set meanwhile.

    A process that ended instead would be started again later and later, and cost a start each time.
    """
    said = ""
    while not stop.is_set():
        try:
            act()
        except StoreAway as error:
            text = f"the engine waits for the database: {error}; {error.mend}"
            if text != said:
                said = text
                log.error("%s", text)
            stop.wait(AGAIN)
        else:
            return True
    return False


def _run(bridge: Bridge, stop: threading.Event, wake: Wake, *, in_order: bool) -> None:
    bridge.open()
    bridge.engine_lock.beat()  # in a new database nothing could be said of it before
    bridge.keep_settings()
    try:
        engines = bridge.database.engines(bridge.engine_lock)
        with calling(bridge, wake, engines) as engine, file_checked(bridge, in_order=in_order):
            run(engine, stop, bridge.engine_lock.beat)
        _fold(bridge)
    finally:
        bridge.close()


@contextmanager
def calling(bridge: Bridge, wake: Wake, engines: Engines | None) -> Iterator[Engine]:
    """An engine with threads that make its calls; after the block, those under way end.

    `engines` are those that share the calls, where there are any.
    """
    pool = ThreadPoolExecutor(CALLERS, thread_name_prefix="call")
    engine = bridge.engine(execute=lambda job: _submit(pool, job), wake=wake, engines=engines)
    yield engine
    engine.dispatcher.stop()
    pool.shutdown(wait=False)
    _drain(engine)


@contextmanager
def file_checked(bridge: Bridge, *, in_order: bool) -> Iterator[None]:
    """Beside this block the file is looked through, where there is reason to."""
    with bridge.database.read() as db:
        due = file_check.due(db, in_order=in_order)
    if not due:
        yield
        return
    log.info("no end in order is known of this database: its file is looked through meanwhile")
    check = file_check.FileCheck(bridge.database, bridge.clock)
    try:
        yield
    finally:
        check.end()


def _submit(pool: ThreadPoolExecutor, job: Callable[[], None]) -> None:
    pool.submit(job)


def _fold(bridge: Bridge) -> None:
    """Leave no `-wal` behind; the web side, which ends meanwhile, may still read."""
    deadline = time.monotonic() + FOLD
    while not bridge.database.fold() and time.monotonic() < deadline:
        time.sleep(0.05)


def _drain(engine: Engine) -> None:
    """Let calls under way end; one that takes too long is left to the next start, like a crash."""
    deadline = time.monotonic() + DRAIN
    while engine.dispatcher.under_way() and time.monotonic() < deadline:
        engine.dispatcher.finished.clear()
        engine.dispatcher.finished.wait(0.1)
    if engine.dispatcher.under_way():
        log.warning("calls were still under way: the next start looks them up")
        logging.shutdown()
        os._exit(0)  # a thread in a call cannot be stopped, and would keep the process
