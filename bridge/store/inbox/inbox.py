"""The inbox: hooks put messages in, each durable before it is answered; the engine takes them.

It is written by the web side alone, so that no commit of a hook waits for what the engine does. The
engine only reads it: the last message it has taken is kept in the database, in the transaction in
which what the message says became known, so that none is taken twice or left out. What was taken is
removed by the web side afterwards, now and then.

Ids go on from those of events, since a message keeps its id when it becomes one. So the newest row
is never removed: it loses its content, and its id says which one is next.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bridge.errors import StoreAway, StoreError, StoreGone, StoreLocked
from bridge.store.file.inbox_file import InboxFile
from bridge.store.inbox.group_commit import GroupCommit
from bridge.store.inbox.message import NewMessage
from bridge.store.inbox.waiting import Waiting

REMOVED_AT_ONCE = 500
"""Rows that one transaction removes at most; a hook waits for no longer than that."""

_INSERT = (
    "INSERT INTO inbox (id, source, origin, topic, kind, message_id, received_at, udid, "
    "command_uuid, apple_event_id, body) VALUES ("
    "(SELECT CASE WHEN max(id) > ? THEN max(id) ELSE ? END + 1 FROM inbox), "
    "?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)

_ALL_MEET = (StoreLocked, StoreGone, StoreAway)
"""What no message is the cause of, and none fares better with alone."""

_OF_THE_FILE = (sqlite3.DatabaseError, sqlite3.OperationalError)
"""Errors of SQLite that no message is the cause of: a full disk, a damaged file."""

Step = Callable[[Any], int]
"""One member of a transaction, given its connection."""


class PutTogether(ABC):
    """What inboxes have in common: messages that come in together are put in by one transaction."""

    def __init__(self) -> None:
        self._from: int | None = None
        self._group: GroupCommit[Step, int] = GroupCommit(self._commit)

    @abstractmethod
    def open(self) -> None:
        """Have it ready to be written, and `_from`, the greatest id that a message has had, known;
        raises StoreError."""

    @abstractmethod
    def _store(self, group: Sequence[Step]) -> Sequence[int | Exception]:
        """What came of each of these, in one transaction; raises StoreError."""

    def put(self, message: NewMessage, now: float) -> int:
        """Store a message that came in `now`; its id. It lasts when this returns. Raises StoreError
        when it cannot be stored, and is as if it had not come then."""
        return self._group.submit(Put(self, message, now))

    def remove(self, taken: int) -> int:
        """Remove some of what was taken, up to this id; how many went, none when all is gone."""
        return self._group.submit(lambda db: _remove(db, taken))

    def try_writing(self, size: int) -> None:
        """Write so many bytes in earnest, and remove them; raises StoreError where that fails."""
        self._group.submit(lambda db: _write_probe(db, size))
        if size:
            self._group.submit(lambda db: _write_probe(db, 0))

    def _commit(self, group: Sequence[Step]) -> Sequence[int | Exception]:
        """One transaction for all; where it fails for one of them, or for want of room, one for
        each."""
        try:
            return self._opened(group)
        except _ALL_MEET:
            raise
        except Exception:
            if len(group) == 1:
                raise
        return [self._alone(step) for step in group]

    def _alone(self, step: Step) -> int | Exception:
        try:
            return self._opened([step])[0]
        except Exception as error:  # noqa: BLE001 - who put it in meets it
            return error

    def _opened(self, group: Sequence[Step]) -> Sequence[int | Exception]:
        if self._from is None:
            self.open()
        return self._store(group)

    def _insert(self, db: Any, message: NewMessage, now: float) -> int:
        return int(db.execute(*self._insertion(message, now)).fetchone()[0])

    def _insertion(self, message: NewMessage, now: float) -> tuple[str, tuple[object, ...]]:
        """What puts it in, and tells its id."""
        return _INSERT, (
            self._from,
            self._from,
            message.source,
            message.origin,
            message.topic,
            message.kind,
            message.message_id,
            now,
            message.udid,
            message.command_uuid,
            message.apple_event_id,
            message.body,
        )


@dataclass(frozen=True, slots=True)
class Put:
    """The step that puts a message in, which came `now`."""

    inbox: PutTogether
    message: NewMessage
    now: float

    def __call__(self, db: Any) -> int:
        """Do it; the message's id."""
        return self.inbox._insert(db, self.message, self.now)


class Inbox(PutTogether):
    """The inbox of the database at `database`.

    `last_event` tells the greatest id that a message has had, and is asked when the file is opened
    to be written; `check` raises what keeps the database from being used.
    """

    def __init__(
        self, database: Path, last_event: Callable[[], int], check: Callable[[], None]
    ) -> None:
        super().__init__()
        self.file = InboxFile(database)
        self._last_event = last_event
        self._check = check

    def open(self) -> None:
        """Have it ready to be written, and make it if needed; raises StoreError."""
        self.file.open()
        self._from = self._last_event()

    def close(self) -> None:
        """Close every connection; it can be opened again."""
        self.file.close()
        self._from = None

    @contextmanager
    def read(self) -> Iterator[Waiting]:
        """What waits now. Look at the database after this has begun: then what the engine has taken
        meanwhile is in one of both."""
        with self.file.read() as db:
            yield Waiting(db)

    @property
    def failed(self) -> StoreError | None:
        """Why the last write failed; None when it did not."""
        return self.file.failed

    def fold(self) -> bool:
        """Bring what is in the `-wal` into the file; false when somebody reads just now."""
        return self.file.fold()

    def make_small(self) -> None:
        """Give the room of what is gone back to the disk."""
        self.file.make_small()

    def _store(self, group: Sequence[Step]) -> Sequence[int | Exception]:
        return self.file.transaction(self._check, lambda db: [_outcome(db, step) for step in group])


def _outcome(db: sqlite3.Connection, step: Step) -> int | Exception:
    """What is wrong with one message fails that one alone, unless it ended the transaction."""
    try:
        return step(db)
    except Exception as error:
        if not db.in_transaction or type(error) in _OF_THE_FILE:
            raise
        return error


def _remove(db: Any, taken: int) -> int:
    """Remove some of what was taken, up to this id; how many went. The newest stays, empty."""
    removed = db.execute(
        "DELETE FROM inbox WHERE id IN (SELECT id FROM inbox WHERE id <= ? AND id < "
        "(SELECT max(id) FROM inbox) ORDER BY id LIMIT ?)",
        (taken, REMOVED_AT_ONCE),
    )
    db.execute(
        "UPDATE inbox SET body = NULL WHERE id <= ? AND id = (SELECT max(id) FROM inbox) "
        "AND body IS NOT NULL",
        (taken,),
    )
    return int(removed.rowcount)


def _write_probe(db: Any, size: int) -> int:
    """Write so many bytes, in the place of those that were written before."""
    db.execute("DELETE FROM inbox_probe")
    if size:
        db.execute("INSERT INTO inbox_probe (body) VALUES (?)", (b"0" * size,))
    return size
