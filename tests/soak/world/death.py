"""Where the bridge dies: at an outside call or a commit, by an exception that nothing catches."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

from bridge.store.database import WAIT, Connection, Database
from tests.flow.scene import Killed

Place = Literal["call", "reply", "commit", "committed", "hook"]
"""A request is about to leave, or was answered; a transaction is about to be stored, or was; a hook
has stored its message, and whoever sent it is not answered any more."""
PLACES: tuple[Place, ...] = ("call", "reply", "commit", "committed", "hook")


class Reaper:
    """Kills at the n-th occasion at a place, for each kill that was planned."""

    def __init__(self) -> None:
        self._planned: dict[Place, int] = {}

    def plan(self, place: Place, nth: int) -> None:
        """Kill at the `nth` occasion from now on."""
        self._planned[place] = nth

    def forget(self) -> None:
        """Kill nobody any more."""
        self._planned.clear()

    def at(self, place: Place) -> None:
        """An occasion; raises Killed if it is the last."""
        if place not in self._planned:
            return
        self._planned[place] -= 1
        if self._planned[place] <= 0:
            del self._planned[place]
            raise Killed(place)

    def watch_calls(self, adapter: Any, away: Callable[[], bool]) -> None:
        """See what leaves by an adapter; nothing gets through while its service is `away`."""
        send = adapter.send

        def deadly(request: Any, **arguments: Any) -> Any:
            self.at("call")
            if away():
                adapter.fail("refused")
            reply = send(request, **arguments)
            self.at("reply")
            return reply

        adapter.send = deadly

    def watch_commits(self, database: Database) -> None:
        """See each transaction that writes, but for those of the inbox."""
        write = database.write

        @contextmanager
        def deadly(wait: float = WAIT) -> Iterator[Connection]:
            with write(wait) as connection:
                yield connection
                self.at("commit")
            self.at("committed")

        database.write = deadly  # type: ignore[method-assign]
