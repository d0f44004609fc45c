"""What a bridge tells a monitoring system: counted now and then, told whenever it is asked."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import cached_property

from bridge.app.opened import Opened
from bridge.domain.metrics import Family
from bridge.engine.insight import metrics
from bridge.engine.insight.metrics import Snapshot

COUNT_EVERY = 15.0
"""Seconds for which what was counted is told again: counting reads an index of the whole fleet."""


class Snapshots:
    """The newest snapshot; thread-safe. Who comes while one is taken waits for it."""

    def __init__(self, place: Opened) -> None:
        self._place = place
        self._lock = threading.Lock()
        self._newest: Snapshot | None = None

    def newest(self) -> Snapshot:
        """One that is no older than COUNT_EVERY; raises StoreError."""
        with self._lock:
            age = self._place.now() - self._newest.taken_at if self._newest is not None else -1.0
            if self._newest is None or not 0.0 <= age < COUNT_EVERY:  # the clock may be set
                with self._place.looking() as context:
                    self._newest = metrics.take(context, self._place.config)
            return self._newest


class Measuring(Opened):
    """The part of a bridge that is measured."""

    @cached_property
    def _snapshots(self) -> Snapshots:
        return Snapshots(self)

    def measured(self, *, engine_up: bool) -> Sequence[Family]:
        """Every metric with its values; raises StoreError."""
        snapshot = self._snapshots.newest()
        return metrics.families(snapshot, self.config, self.now(), engine_up=engine_up)
