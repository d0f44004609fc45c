"""What waits in the inbox, as it was at one moment."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from bridge.store import rows
from bridge.store.inbox.message import Arrived

if TYPE_CHECKING:
    from bridge.store.database import Connection

BYTES = 1 << 20
"""Bytes of messages that are read at once; a single one may be larger."""

_SELECT = f"SELECT {rows.plain(Arrived)} FROM inbox WHERE body IS NOT NULL AND id > ?"


@dataclass(frozen=True, slots=True)
class Arrivals:
    """Messages that are taken together, the oldest first; `rest_since` is when the first of those
    that are left came, None when none is."""

    messages: Sequence[Arrived] = ()
    rest_since: float | None = None


@dataclass(frozen=True, slots=True)
class Waiting:
    """The messages beyond `taken`, the last one that the engine has taken.

    `db` is an open transaction of the inbox; None where there is no inbox yet.
    """

    db: Connection | None = None
    taken: int = 0

    def beyond(self, taken: int) -> Waiting:
        """Those that a look at the database, begun after this one, does not know of."""
        return replace(self, taken=taken)

    def first(self, limit: int) -> Arrivals:
        """The oldest: `limit` of them, or fewer once they hold BYTES together."""
        found, size = list[Arrived](), 0
        for message in self._rows(f"{_SELECT} ORDER BY id LIMIT ?", limit + 1):
            size += len(message.body)
            if found and (size > BYTES or len(found) == limit):
                return Arrivals(found, message.received_at)
            found.append(message)
        return Arrivals(found)

    def all(self) -> Iterator[Arrived]:
        """All of them, the oldest first."""
        return self._rows(f"{_SELECT} ORDER BY id")

    def any(self) -> bool:
        """Whether any waits."""
        found = self._one("SELECT EXISTS (SELECT 1 FROM inbox WHERE body IS NOT NULL AND id > ?)")
        return found is not None and bool(found[0])

    def anything_taken(self) -> bool:
        """Whether something was taken that is here yet."""
        found = self._one("SELECT EXISTS (SELECT 1 FROM inbox WHERE body IS NOT NULL AND id <= ?)")
        return found is not None and bool(found[0])

    def backlog(self) -> tuple[int, float | None]:
        """How many wait, and since when the oldest does."""
        found = self._one(
            "SELECT count(*), min(received_at) FROM inbox WHERE body IS NOT NULL AND id > ?"
        )
        return (0, None) if found is None else (int(found[0]), found[1])

    def newest_at(self) -> float | None:
        """When the newest came in; None when none waits."""
        found = self._one("SELECT max(received_at) FROM inbox WHERE body IS NOT NULL AND id > ?")
        return None if found is None else found[0]

    def by_server(self, topic_aside: str) -> Mapping[str, tuple[int, float]]:
        """Of MDM servers' webhooks how many there are, and when the newest came, by server; those
        of one topic left out."""
        if self.db is None:
            return {}
        found = self.db.execute(
            "SELECT origin, count(*), max(received_at) FROM inbox WHERE source = 'mdm' "
            "AND body IS NOT NULL AND topic <> ? AND id > ? GROUP BY origin",
            (topic_aside, self.taken),
        )
        return {row[0]: (row[1], row[2]) for row in found}

    def about(self, column: str, values: Sequence[str]) -> list[Arrived]:
        """The messages that name one of `values` in `command_uuid`, `apple_event_id` or
        `message_id`, the oldest first."""
        if not values:
            return []
        among = f"{column} IN ({rows.marks(len(values))})"
        return list(self._rows(f"{_SELECT} AND {among} ORDER BY id", *values))

    def _rows(self, sql: str, *values: object) -> Iterator[Arrived]:
        if self.db is None:
            return
        cursor = self.db.execute(sql, (self.taken, *values))
        for row in cursor:
            yield Arrived(*row)
        cursor.close()

    def _one(self, sql: str) -> Any:
        return None if self.db is None else self.db.execute(sql, (self.taken,)).fetchone()


NOTHING = Waiting()
"""No inbox, or one that is not looked at."""
