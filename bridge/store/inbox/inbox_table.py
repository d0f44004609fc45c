"""The inbox as a table of the same database (`store/inbox/inbox.py` is the one in a file).

Hooks commit without the writer's lock, so that nothing that works holds up what arrives. Who puts a
message in holds a lock of the inbox for its transaction: ids are given in the order in which
messages become visible, or the engine would pass over one whose commit came late. That lock, the
messages and their commit are one way to the server and back.

MDM servers send a webhook once. So where the server of the database ends the connection, the same
is done once more on a new one, though it be unknown whether the first was committed: a message that
came in twice is taken once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager

from bridge.errors import StoreAway, StoreError
from bridge.store.inbox.inbox import Put, PutTogether, Step
from bridge.store.inbox.mark import last_event
from bridge.store.inbox.waiting import Waiting
from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.statements import Result, Values
from bridge.store.repeating import repeated

Transaction = Callable[[], AbstractContextManager[Connection]]
AtOnce = Callable[[Sequence[tuple[str, Values]]], Sequence[Result]]


class InboxTable(PutTogether):
    """The inbox, written in `transaction`, or by statements that are one `at_once`, and read in
    `reading`."""

    def __init__(self, transaction: Transaction, at_once: AtOnce, reading: Transaction) -> None:
        super().__init__()
        self._transaction = transaction
        self._at_once = at_once
        self._reading = reading
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Have it ready to be written; raises StoreError."""
        with self._reading() as db:
            self._from = last_event(db)

    def close(self) -> None:
        """It can be opened again."""
        self._from = None

    @contextmanager
    def read(self) -> Iterator[Waiting]:
        """What waits now. Look at the database after this has begun: then what the engine has taken
        meanwhile is in one of both."""
        with self._reading() as db:
            yield Waiting(db)

    def fold(self) -> bool:
        """A server sees to its log itself."""
        return True

    def make_small(self) -> None:
        """A server uses the room of what is gone again by itself."""

    def _store(self, group: Sequence[Step]) -> Sequence[int]:
        try:
            done = self._stored(group)
        except StoreError as error:
            self.failed = error
            raise
        self.failed = None
        return done

    @repeated
    def _stored(self, group: Sequence[Step]) -> Sequence[int]:
        coming = [step for step in group if isinstance(step, Put)]
        if len(coming) == len(group):
            stored = self._at_once([self._insertion(each.message, each.now) for each in coming])
            return [int(each.fetchone()[0]) for each in stored]
        begun = False
        try:
            with self._transaction() as db:
                begun = True
                return [step(db) for step in group]
        except StoreAway:
            if not begun:  # there is no server to be reached
                raise
        with self._transaction() as db:
            return [step(db) for step in group]
