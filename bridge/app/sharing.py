"""An engine that shares the calls with others: it decides when no other one does."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

from bridge.app import Bridge
from bridge.app.running import calling, file_checked, when_there
from bridge.config import Config
from bridge.domain.audit import BY_ITSELF
from bridge.engine.loop import Engine
from bridge.engine.rounds import help_with_calls, run
from bridge.engine.wake import Wake
from bridge.errors import StoreError
from bridge.store.database import Engines

log = logging.getLogger(__name__)


def run_sharing_engine(config: Config, stop: threading.Event) -> None:
    """Run such an engine until `stop` is set: it makes calls, and takes the engine's lock as soon
    as nobody has it.

    Its clock is that of the database's server: one engine compares the times that another one
    stored, as when a queue was looked at, and when a command was posted. A database whose server is
    away is waited for. Raises EngineReplaced where the others took this one for gone, or another
    one had the lock meanwhile: it begins anew then, in a new process.
    """
    bridge = Bridge(config, actor=replace(BY_ITSELF, via="vpp-bridge serve --role engine"))
    engines = bridge.database.engines(bridge.engine_lock)
    assert engines is not None, "serve has refused a database of one machine"
    bridge.clock = engines.time
    try:
        if not when_there(lambda: _join(bridge, engines), stop):
            return
        with calling(bridge, Wake(), engines) as engine:
            _run(bridge, engine, engines, stop)
        _leave(engine, engines)
    finally:
        bridge.engine_lock.release()
        engines.close()
        bridge.close()


def _join(bridge: Bridge, engines: Engines) -> None:
    bridge.open()
    engines.join()


def _run(bridge: Bridge, engine: Engine, engines: Engines, stop: threading.Event) -> None:
    def leads() -> bool:
        engines.beat()
        return engines.lead()

    if not engines.lead():
        log.info("another engine decides: this one makes calls, and takes over when that one ends")
        if not help_with_calls(engine, stop, leads):
            return
    log.info("this engine decides from now on")
    bridge.keep_settings()
    with file_checked(bridge, in_order=True):
        run(engine, stop, engines.beat)


def _leave(engine: Engine, engines: Engines) -> None:
    """Where an answer could not be stored, the others find out what became of that call."""
    if engine.dispatcher.unsettled or engine.dispatcher.unknown:
        return
    try:
        engines.leave()
    except StoreError as error:
        log.info("the other engines will miss this one for a while: %s", error)
