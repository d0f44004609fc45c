"""A database as the rest of the bridge knows it, whichever it is.

There are two: a file of SQLite's (`store/file/`) and a database of a PostgreSQL server's
(`store/postgresql/`). Both have these names, and who uses one need not know which it is; what only
one of them has to do is nothing to do in the other. `database_at` is the one place that knows both.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, Literal, ParamSpec, Protocol, TypeVar

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreDamaged, StoreError, StoreRefused
from bridge.store.inbox.message import NewMessage
from bridge.store.inbox.waiting import Waiting

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

Row = sqlite3.Row
"""One row: a column by its place or by its name. PostgreSQL's is used as SQLite's is."""

Where = Path | DatabaseUrl
"""What the configuration says of a database: the path of a file, or the URL of a server's."""

WAIT = 5.0
"""Seconds after which whoever wants to write gives up."""


class Cursor(Protocol):
    """The rows of a statement, or how many it changed."""

    @property
    def rowcount(self) -> int:
        """Rows that were changed."""

    def fetchone(self) -> Any:
        """The next row; None after the last."""

    def fetchall(self) -> list[Any]:
        """All that are left."""

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None:
        """No more rows are wanted."""


class PlainRows(Protocol):
    """Runs statements whose rows are plain tuples, once its `row_factory` is None."""

    row_factory: Any

    def execute(self, sql: str, values: Any = ..., /) -> Cursor:
        """Run one statement."""


class Connection(Protocol):
    """Statements within a transaction that others began; placeholders are `?` or `:name`."""

    @property
    def in_transaction(self) -> bool:
        """Whether the transaction that others began goes on."""

    def execute(self, sql: str, values: Any = ..., /) -> Cursor:
        """Run one statement; its rows, or how many it changed."""

    def executemany(self, sql: str, values: Iterable[Any], /) -> Cursor:
        """Run one statement for each of `values`."""

    def cursor(self) -> PlainRows:
        """For rows of which the names are of no use."""


Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Noticed:
    """One thing that is told of a database to who examines it, and what to do about it."""

    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Soundness:
    """What a look through a database found, and how it is mended; `finished` is false when there
    was no time for all."""

    problem: str | None = None
    finished: bool = True
    mend: str = StoreDamaged.mend


class Look(Protocol):
    """One look through the whole database; another thread may end it."""

    def run(self, within: float) -> Soundness:
        """Look for at most `within` seconds; nothing is raised."""

    def end(self) -> None:
        """End the look; it may have to be said again to one that is just beginning."""


class EngineLock(Protocol):
    """Says that an engine runs on a database; held by its process for as long as it lives."""

    def acquire(self, wait: float) -> None:
        """Take the lock, waiting up to `wait` seconds for its last holder to go. Raises EngineRuns
        when another process still holds it after that, StoreError when it cannot be asked for."""

    def beat(self) -> None:
        """Say that the engine is alive now. Raises StoreError where the lock was lost: then who
        had it is not the engine, until this succeeds again."""

    def begin(self) -> bool:
        """An engine begins, with the lock held. Whether nothing in the database is to be looked
        through."""

    def end_in_order(self) -> None:
        """The engine ends, and the database is closed; the lock is still held."""

    def release(self) -> None:
        """Give the lock back."""

    def held(self) -> bool:
        """Whether some process holds the lock now; false where nobody can be asked."""

    def silent_for(self) -> float | None:
        """Seconds since the engine last said that it is alive; None if there never was one, or
        where nobody can be asked."""


@dataclass(frozen=True, slots=True)
class Silent:
    """An engine that shared the calls and says nothing any more; `heard` tells one silence from
    another."""

    number: int
    name: str
    heard: float


class Engines(Protocol):
    """The engines that share the calls of a database, and whether each of them lives.

    One of them decides, which has the engine's lock; each makes calls. Whoever has not joined has
    the number 0.
    """

    @property
    def number(self) -> int:
        """This process among them."""

    def join(self) -> None:
        """Be one of them from now on. Raises StoreError."""

    def beat(self) -> None:
        """Say that this one is alive now. Raises EngineReplaced where it was given up meanwhile,
        StoreError where it cannot be said."""

    def lead(self) -> bool:
        """Take the engine's lock if nobody has it, and say so; whether it is ours now. Raises
        StoreError."""

    def time(self) -> float:
        """Seconds since the epoch by a clock that all of them have in common."""

    def is_heard(self) -> bool:
        """Whether the others know that this one lives, so that it may begin a call."""

    def leave(self) -> None:
        """Nothing that this one began is open, and it is none of them any more."""

    def close(self) -> None:
        """Give its connection back."""

    def check(self, db: Connection) -> None:
        """That this one is one of them yet, in the transaction in which it claims calls: what is
        claimed under a number that was given up would be nobody's. Raises EngineReplaced."""

    def helping(self, db: Connection) -> Sequence[int]:
        """The numbers of all that have not led, and that of this one."""

    def silent(self) -> Sequence[Silent]:
        """Those others of whom nothing was heard for longer than their lease. Raises StoreError."""

    def give_up(self, db: Connection, numbers: Sequence[int]) -> None:
        """These are none of them any more."""

    def give_up_leaders(self, db: Connection) -> None:
        """All others that ever had the lock are none of them any more: it is ours."""


class Inbox(Protocol):
    """Where hooks put what comes in; the engine takes it from there."""

    @property
    def failed(self) -> StoreError | None:
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Have it ready to be written, and make it if needed; raises StoreError."""

    def close(self) -> None:
        """Close every connection; it can be opened again."""

    def put(self, message: NewMessage, now: float) -> int:
        """Store a message that came in `now`; its id. It lasts when this returns. Raises StoreError
        when it cannot be stored, and is as if it had not come then."""

    def read(self) -> AbstractContextManager[Waiting]:
        """What waits now. Look at the database after this has begun: then what the engine has taken
        meanwhile is in one of both."""

    def remove(self, taken: int) -> int:
        """Remove some of what was taken, up to this id; how many went, none when all is gone."""

    def try_writing(self, size: int) -> None:
        """Write so many bytes in earnest, and remove them; raises StoreError where that fails."""

    def fold(self) -> bool:
        """Leave nothing in a write-ahead log beside it; false when somebody reads just now."""

    def make_small(self) -> None:
        """Give the room of what is gone back, where that has to be asked for."""


class Database(Protocol):
    """Transactions, the inbox, and what is to be known of the whole.

    `open()` must be called once before use. Messages name the database by `name`, which holds no
    secret.
    """

    @property
    def name(self) -> str:
        """What people are told that it is; no secret."""

    @property
    def inbox(self) -> Inbox:
        """Where hooks put what comes in."""

    @property
    def failed(self) -> StoreError | None:
        """Why the last write failed; None when it did not."""

    def is_missing(self) -> bool:
        """Whether there is none, and never was, so that `open` would make it; before it is opened.
        Raises StoreError, StoreGone where there was one."""

    def open(self) -> None:
        """Make it if needed, and apply what migrations are pending; raises StoreError,
        SchemaTooNew. Who uses it without is told why it could not be opened."""

    def close(self, why: StoreError | None = None) -> None:
        """Close every connection; the object can be opened again. Until then whoever uses it is
        told `why`."""

    def write(self, wait: float = WAIT) -> AbstractContextManager[Connection]:
        """A short write transaction: committed when the block ends, rolled back when it raises.

        One at a time, of all threads and processes. Raises StoreLocked when others keep the lock
        for `wait` seconds, or another StoreError.
        """

    def read(self) -> AbstractContextManager[Connection]:
        """A consistent view, on this thread's own connection; raises StoreError."""

    def glance(
        self, ask: Callable[Concatenate[Connection, P], T], *about: P.args, **named: P.kwargs
    ) -> T:
        """What one statement tells `about` it, by `ask`, which may be called twice; raises
        StoreError."""

    def glance_together(self, ask: Callable[[Connection, Sequence[A]], Sequence[T]], about: A) -> T:
        """What one statement tells of `about`, by `ask`, which may be called twice; those who ask
        by it at the same time are told by one statement, where that costs less. Raises StoreError.
        """

    def read_all(self) -> AbstractContextManager[tuple[Connection, Waiting]]:
        """A consistent view, and what waits in the inbox beside it; raises StoreError."""

    def data_version(self) -> tuple[int, int]:
        """Numbers that change when another connection has committed, or something came into the
        inbox; cheap to ask."""

    def fold(self) -> bool:
        """Leave nothing in a write-ahead log beside it; false when somebody reads just now."""

    def free_space(self) -> int | None:
        """Bytes that are free on its disk; None where that cannot be told."""

    def engine_lock(self) -> EngineLock:
        """The lock of its engine; a new object each time."""

    def engines(self, lock: EngineLock) -> Engines | None:
        """The engines that share its calls, one of them under this lock; None where there is
        one engine alone."""

    def look(self) -> Look:
        """A look through all of it."""

    def misplaced(self) -> Noticed | None:
        """What keeps this user from having it where it is to be, as far as that is seen without
        opening it."""

    def noticed(self) -> Iterable[Noticed]:
        """What `doctor` tells of it, once it was found to be sound. Raises StoreError."""

    def check_alone(self) -> None:
        """That nobody else has it open; before it is opened. Raises StoreLocked."""

    def check_put_back(self) -> None:
        """That it is no earlier state of itself which another program has put there, as far as that
        can be told. Raises StorePutBack."""

    def in_use(self) -> AbstractContextManager[None]:
        """While this lasts, nobody takes another one for the database that is meant now. Raises
        StoreLost where there was one and is none."""


def database_at(where: Where) -> Database:
    """The database at a path or a URL, not yet open."""
    if isinstance(where, Path):
        from bridge.store.file.database import FileDatabase  # noqa: PLC0415 - nor is it for a server

        return FileDatabase(where)
    try:  # to load psycopg takes longer than most commands do, and who has a file need not have it
        from bridge.store.postgresql.database import PostgresqlDatabase  # noqa: PLC0415
    except ImportError as error:
        why = f"{where}: psycopg cannot be loaded ({error})"
        raise StoreRefused(why, "pip install 'micromdm-vpp-bridge[postgresql]'") from error
    return PostgresqlDatabase(where)


@contextmanager
def savepoint(connection: Connection) -> Iterator[None]:
    """Inside a write: what the block did is undone when it raises, and nothing else is."""
    connection.execute("SAVEPOINT step")
    try:
        yield
    except BaseException:
        if connection.in_transaction:  # else the database has undone all of it
            connection.execute("ROLLBACK TO step")
            connection.execute("RELEASE step")
        raise
    connection.execute("RELEASE step")
