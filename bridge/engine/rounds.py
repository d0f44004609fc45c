"""The loop around the engine's passes: of one that decides, or of one that only makes calls."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from bridge.engine.loop import Engine
from bridge.engine.upkeep.clock_steps import StepWatch
from bridge.errors import EngineReplaced, StoreError
from bridge.store.repeating import repeated

log = logging.getLogger(__name__)

POLL = 0.05
"""Seconds between two looks whether another process has stored something."""

GATHER = 0.03
"""Seconds from the beginning of one pass to that of the next, where many follow each other. What
comes meanwhile, be it messages, ends of calls or moments, is taken together: a pass for each would
cost as much as several of them, and take processor and disk from the hook that is to store the next
message."""

AT_ONCE = 4
"""Passes that follow each other at once after a rest: a call that ends, Apple's notification and a
device's answer come within milliseconds then, and there is little to be gathered."""

PAUSE_AFTER_ERROR = 1.0


def run(
    engine: Engine,
    stop: threading.Event,
    beat: Callable[[], None],
    monotonic: Callable[[], float] = time.monotonic,
) -> None:
    """Run the engine until `stop` is set; `beat` is called at least every second.

    It sleeps until the clock makes something due, a call ends, or another process commits: the web
    side rings (`bridge.engine.wake`), and of others it is seen in POLL seconds. How long
    it sleeps, and when it beats, does not depend on the wall clock, which may be set meanwhile.
    """
    watch = StepWatch(engine.clock, monotonic)
    engine.recover()

    def beats() -> bool:
        beat()
        return False

    rounds = _Rounds(engine, engine.run_once, engine.next_due, engine.clock_stepped)
    rounds.go(stop, beats, watch, monotonic)


def help_with_calls(
    engine: Engine,
    stop: threading.Event,
    leads: Callable[[], bool],
    monotonic: Callable[[], float] = time.monotonic,
) -> bool:
    """Make calls that another engine decided, until `stop` is set, or this engine leads: so it is
    said by `leads`, which is asked every second. Returns which it is.

    Raises EngineReplaced where others took it for gone.
    """
    share, dispatcher = engine.dispatcher.share, engine.dispatcher
    assert share is not None, "who helps is one of several"
    share.helping = True
    rounds = _Rounds(engine, engine.help_once, engine.help_due, dispatcher.clock_stepped)
    found = rounds.go(stop, leads, StepWatch(engine.clock, monotonic), monotonic)
    share.helping = not found
    return found


@dataclass(frozen=True)
class _Rounds:
    """What an engine does over and over: a pass, when the clock makes the next one due, and what is
    to be done when the clock was set."""

    engine: Engine
    once: Callable[[], bool]
    due: Callable[[], float | None]
    clock_stepped: Callable[[float], None]

    def go(
        self,
        stop: threading.Event,
        asked: Callable[[], bool],
        watch: StepWatch,
        monotonic: Callable[[], float],
    ) -> bool:
        """Until `stop` is set, or `asked`, which is called at least every second, says so."""
        engine, once = self.engine, repeated(self.once)
        asked_at, next_at, said = float("-inf"), float("-inf"), ""
        while not stop.is_set():
            try:
                if monotonic() - asked_at >= 1.0:
                    if asked():
                        return True
                    asked_at = monotonic()
                if by := watch.look():
                    self.clock_stepped(by)
                began = monotonic()
                engine.dispatcher.finished.clear()
                version = engine.database.data_version()
                if not once():
                    self._sleep(stop, version, monotonic)
                next_at = max(next_at, began - (AT_ONCE - 1) * GATHER) + GATHER
                stop.wait(max(next_at - monotonic(), 0.0))
                said = ""
            except EngineReplaced:
                raise
            except StoreError as error:
                if str(error) != said:  # once, not every second
                    said = str(error)
                    log.error("the engine rests: %s; %s", error, error.mend)
                stop.wait(PAUSE_AFTER_ERROR)
        return False

    def _sleep(
        self, stop: threading.Event, version: tuple[int, int], monotonic: Callable[[], float]
    ) -> None:
        engine, due = self.engine, self.due()
        wait = min(1.0 if due is None else max(due - engine.clock(), 0.0), 1.0)
        until = monotonic() + wait
        while not stop.is_set() and (left := until - monotonic()) > 0:
            if engine.dispatcher.finished.wait(min(POLL, left)):
                return
            if engine.database.data_version() != version:
                return
