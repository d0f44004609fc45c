"""Where a process of the bridge looks whether it is to die there: see `mortal`."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from bridge.engine.context import Context
from bridge.engine.dispatch import Dispatcher, Ending
from bridge.store.file.database import FileDatabase
from bridge.store.inbox.inbox import PutTogether
from bridge.store.inbox.message import NewMessage
from bridge.store.outbox.outbox import OutboxRow
from tests.soak.mortal import COMMIT, Order


class Fate:
    """What a process of the bridge looks at where it may have to die."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "order"
        self._struck = folder / "struck"
        self._passed: Counter[int] = Counter()

    def meets(self, point: str, kind: str = "") -> None:
        """Die here, if that was ordered."""
        order = self._taken(point, kind)
        if order is not None:
            _die(order)

    def begins(self, kind: str) -> None:
        """A call begins: die in a moment, if that was ordered."""
        order = self._taken("sending", kind)
        if order is not None:
            threading.Thread(target=_die, args=(order,), daemon=True).start()

    def _taken(self, point: str, kind: str) -> Order | None:
        """The order, if it is for here, and nobody else took it."""
        try:
            order = Order(**json.loads(self._file.read_text()))
            if order.point != point or order.kind not in ("", kind):
                return None
            self._passed[order.number] += 1
            if self._passed[order.number] <= order.skip:
                return None
            self._struck.write_text(kind)
            self._file.unlink()
        except FileNotFoundError:
            return None
        return order


def _die(order: Order) -> None:
    time.sleep(order.delay)
    if order.all:
        os.killpg(0, signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def arm(fate: Fate) -> None:
    """Let this process look at its fate at every point."""
    _arm_calls(fate)
    _arm_hooks(fate)
    for database in _databases():
        _arm_commits(fate, database)


def _arm_calls(fate: Fate) -> None:
    perform, settle_all = Dispatcher._perform, Dispatcher._settle_all

    def performed(self: Dispatcher, row: OutboxRow) -> tuple[Ending, bool]:
        fate.meets("claimed", row.kind)
        fate.begins(row.kind)
        found = perform(self, row)
        fate.meets("answered", row.kind)
        return found

    def settled(self: Dispatcher, endings: Sequence[tuple[OutboxRow, Ending]]) -> None:
        settle_all(self, [(row, _settling(fate, row, ending)) for row, ending in endings])
        for row, _ in endings:
            fate.meets("settled", row.kind)

    Dispatcher._perform, Dispatcher._settle_all = performed, settled  # type: ignore[method-assign]


def _settling(fate: Fate, row: OutboxRow, ending: Ending) -> Ending:
    def end(context: Context) -> Any:
        found = ending(context)
        fate.meets("settling", row.kind)
        return found

    return end


def _arm_hooks(fate: Fate) -> None:
    put = PutTogether.put

    def watched(self: PutTogether, message: NewMessage, now: float) -> int:
        fate.meets("arrived")
        found = put(self, message, now)
        fate.meets("stored")
        return found

    PutTogether.put = watched  # type: ignore[method-assign]


def _databases() -> Iterator[Any]:
    yield FileDatabase
    with suppress(ImportError):
        from bridge.store.postgresql.database import PostgresqlDatabase  # noqa: PLC0415

        yield PostgresqlDatabase


def _arm_commits(fate: Fate, database: Any) -> None:
    write = database.write

    @contextmanager
    def writes(self: Any, *about: Any, **named: Any) -> Iterator[Any]:
        with write(self, *about, **named) as connection:
            yield connection
            fate.meets(COMMIT)

    database.write = writes
