"""The inbox as a table of the same database (`store/inbox/inbox.py` is the one in a file).

Hooks commit without the writer's lock, so that nothing that works holds up what arrives. Who puts a
message in holds a lock of the inbox for its transaction: ids are given in the order in which
messages become visible, or the engine would pass over one whose commit came late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from bridge.errors import StoreAway, StoreError, StoreLocked
from bridge.store.inbox.group_commit import GroupCommit
from bridge.store.inbox.inbox import remove_taken, write_probe
from bridge.store.inbox.mark import last_event
from bridge.store.inbox.message import NewMessage
from bridge.store.inbox.waiting import Waiting
from bridge.store.postgresql.connection import Connection

_INSERT = (
    "INSERT INTO inbox (id, source, origin, topic, kind, message_id, received_at, udid, "
    "command_uuid, apple_event_id, body) VALUES ("
    "(SELECT greatest(max(id), ?) + 1 FROM inbox), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id"
)

Step = Callable[[Connection], int]
"""One member of a transaction."""
Transaction = Callable[[], AbstractContextManager[Connection]]


class InboxTable:
    """The inbox, written in `transaction` and read in `reading`."""

    def __init__(self, transaction: Transaction, reading: Transaction) -> None:
        self._transaction = transaction
        self._reading = reading
        self._from: int | None = None
        self._group: GroupCommit[Step, int] = GroupCommit(self._commit)
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Have it ready to be written; raises StoreError."""
        with self._reading() as db:
            self._from = last_event(db)

    def close(self) -> None:
        """It can be opened again."""
        self._from = None

    def put(self, message: NewMessage, now: float) -> int:
        """Store a message that came in `now`; its id. It lasts when this returns. Raises StoreError
        when it cannot be stored, and is as if it had not come then."""
        return self._group.submit(lambda db: self._insert(db, message, now))

    @contextmanager
    def read(self) -> Iterator[Waiting]:
        """What waits now. Look at the database after this has begun: then what the engine has taken
        meanwhile is in one of both."""
        with self._reading() as db:
            yield Waiting(db)

    def remove(self, taken: int) -> int:
        """Remove some of what was taken, up to this id; how many went, none when all is gone."""
        return self._group.submit(lambda db: remove_taken(db, taken))

    def try_writing(self, size: int) -> None:
        """Write so many bytes in earnest, and remove them; raises StoreError where that fails."""
        self._group.submit(lambda db: write_probe(db, size))
        if size:
            self._group.submit(lambda db: write_probe(db, 0))

    def fold(self) -> bool:
        """A server sees to its log itself."""
        return True

    def make_small(self) -> None:
        """A server uses the room of what is gone again by itself."""

    def _commit(self, group: Sequence[Step]) -> Sequence[int | Exception]:
        """One transaction for all; where one of them fails, one for each."""
        try:
            return self._store(group)
        except (StoreLocked, StoreAway):
            raise
        except Exception:
            if len(group) == 1:
                raise
        return [self._alone(step) for step in group]

    def _alone(self, step: Step) -> int | Exception:
        try:
            return self._store([step])[0]
        except Exception as error:  # noqa: BLE001 - who put it in meets it
            return error

    def _store(self, group: Sequence[Step]) -> Sequence[int]:
        if self._from is None:
            self.open()
        try:
            with self._transaction() as db:
                done = [step(db) for step in group]
        except StoreError as error:
            self.failed = error
            raise
        self.failed = None
        return done

    def _insert(self, db: Connection, message: NewMessage, now: float) -> int:
        stored = db.execute(
            _INSERT,
            (
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
            ),
        ).fetchone()
        return int(stored[0]) if stored else 0
