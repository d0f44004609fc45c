"""The database as one of PostgreSQL's: transactions, and who may write.

One writer at a time holds here as in a file, by an advisory lock that ends with its transaction:
what is read within a write stays true until it is committed. It is READ COMMITTED, whatever the
server's default is: with one snapshot for all it would see what was there before it had the lock.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from functools import partial
from typing import Any, Concatenate, ParamSpec, TypeVar

from psycopg import conninfo

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreAway, StoreError, StoreLocked, StorePutBack
from bridge.store.database import WAIT, EngineLock, Noticed
from bridge.store.inbox.group_commit import GroupCommit
from bridge.store.inbox.inbox_table import InboxTable
from bridge.store.inbox.mark import taken
from bridge.store.inbox.waiting import Waiting
from bridge.store.patience import HOOKS, patient
from bridge.store.postgresql import locks, put_back
from bridge.store.postgresql.connection import Connection, connect
from bridge.store.postgresql.engine_lock import ServerEngineLock
from bridge.store.postgresql.engines import ServerEngines
from bridge.store.postgresql.failing import as_store_error
from bridge.store.postgresql.fit import checked, readable
from bridge.store.postgresql.kept import Kept
from bridge.store.postgresql.look import ServerLook
from bridge.store.postgresql.news import INBOX, News, telling
from bridge.store.postgresql.noticed import noticed
from bridge.store.postgresql.pool import Pool
from bridge.store.postgresql.schema import is_made, is_migrated, migrate
from bridge.store.postgresql.sessions import check_alone
from bridge.store.postgresql.silence import Silences
from bridge.store.postgresql.statements import Result, Values
from bridge.store.postgresql.way import Way

A = TypeVar("A")
P = ParamSpec("P")
T = TypeVar("T")

_READ = "BEGIN; SELECT 1"
"""What is seen is of the moment of the first statement, and so of this one."""

_ARRIVING = f"SELECT {locks.take(locks.INBOX)}, {telling(INBOX)}"
"""Who puts messages in holds the lock until they are committed, and others hear of them then."""

_TOLD = f"SELECT {telling(INBOX)}; "

OF_HOOKS = 2.0
"""Seconds for which hooks wait for each other's lock: less than for a silent server."""

_OF_HOOKS = (
    f"SET lock_timeout = {int(OF_HOOKS * 1000)}; "
    "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED"
)
"""What `locks.begin` says of a transaction, for those that nobody begins."""


class PostgresqlDatabase:
    """A database of PostgreSQL: a connection that writes, one of the hooks', and some that read.

    `where` is a URL, or a connection string of libpq; messages name it without its password.
    `open()` must be called once before use; it makes the tables.
    """

    def __init__(self, where: DatabaseUrl | str) -> None:
        url = DatabaseUrl(where, shown(where)) if isinstance(where, str) else where
        self.name = url.shown
        silences = Silences()
        made = partial(connect, silences=silences, silence_limit=url.socket_timeout)
        kept = partial(Kept, lifetime=url.conn_max_lifetime, silences=silences)
        self._way = Way(lambda: made(readable(url)), silences=silences)
        self._way_to_read = Way(lambda: made(readable(url), reads=True), silences=silences)
        self._connect = self._way.connection
        self._turn = threading.Lock()
        self._writer = kept(self._connect)
        self._hooks = kept(lambda: _of_hooks(self._connect()))
        self._readers = Pool(lambda: kept(self._way_to_read.connection), url)
        self._glances: dict[Any, GroupCommit[Any, Any]] = {}
        self._closed: StoreError | None = _not_open(self.name)
        self._news = News(self._connect)
        self.inbox = InboxTable(self._arriving, self._arriving_at_once, self.read)
        """Where hooks put what comes in."""
        self.failed: StoreError | None = None
        """Why the last write failed; None when it did not."""

    def open(self) -> None:
        """Connect, and apply what migrations are pending. Raises StoreError, SchemaTooNew."""
        try:
            with as_store_error(self.name):
                if not is_migrated(self._fit().raw):
                    with self._writer.transaction(locks.begin(WAIT), lambda _db: "") as db:
                        migrate(db.raw)
        except BaseException as error:
            self.close(error if isinstance(error, StoreError) else None)
            raise
        self._closed = None

    def is_missing(self) -> bool:
        """Whether its tables were never made; raises StoreError."""
        with as_store_error(self.name):
            return not is_made(self._fit().raw)

    def _fit(self) -> Connection:
        """The connection that writes, to a server on which the bridge can run."""
        return checked(self._writer.connection(), self.name)

    def check_alone(self) -> None:
        """That nobody else has it open; before it is opened. Raises StoreLocked."""
        with as_store_error(self.name):
            check_alone(self._fit(), self.name)

    def check_put_back(self) -> None:
        """That no other program has put its rows back; one without marks of that has them then.
        Raises StorePutBack."""
        with self.read() as db:
            if put_back.is_put_back(db):
                raise StorePutBack(self.name)
            missing = put_back.missing(db)
        for key in missing:
            with self.write() as db:
                put_back.write(db, key)

    def in_use(self) -> AbstractContextManager[None]:
        """A server's database is removed by nobody while somebody uses it."""
        return nullcontext()

    def engine_lock(self) -> ServerEngineLock:
        """The lock of the engine on this database."""
        return ServerEngineLock(self.name, self._connect, self.read)

    def engines(self, lock: EngineLock) -> ServerEngines:
        """The engines that share its calls, one of them under this lock."""
        assert isinstance(lock, ServerEngineLock)
        return ServerEngines(self.name, self._connect, lock, self.read)

    def look(self) -> ServerLook:
        """What its server knows of damage."""
        return ServerLook(self.long_read)

    def misplaced(self) -> Noticed | None:
        """Nothing: the server tells, when it is opened."""
        return None

    def noticed(self) -> Iterator[Noticed]:
        """Its server, and what we may do there; raises StoreError."""
        with as_store_error(self.name), self.long_read() as connection:
            if put_back.is_put_back(connection):
                error = StorePutBack("the database")
                yield Noticed("fail", str(error), error.mend)
            yield from noticed(connection)

    def close(self, why: StoreError | None = None) -> None:
        """Close every connection; the object can be opened again. Until then whoever uses it is
        told `why`."""
        self._closed = why or _not_open(self.name)
        self.inbox.close()
        self._news.close()
        self._hooks.close()
        self._readers.close()
        self._writer.close()
        self._way.close()
        self._way_to_read.close()

    def free_space(self) -> int | None:
        """A server's disk is not ours to look at."""
        return None

    @contextmanager
    def write(self, wait: float = WAIT) -> Iterator[Connection]:
        """A short write transaction: committed when the block ends, rolled back when it raises.

        Raises StoreLocked when others keep the lock for `wait` seconds, StoreConflict, StoreAway,
        StoreInDoubt, StoreFull.
        """
        if not self._turn.acquire(timeout=wait):
            raise self._kept(wait)
        try:
            self._check_open()
            with (
                as_store_error(self.name, self._note),
                self._writer.transaction(locks.begin(wait), self._news.of_write) as connection,
            ):
                yield connection
            self.failed = None
        finally:
            self._turn.release()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view, on this thread's own connection; within another one the same view.
        Raises StoreError."""
        self._check_open()
        with as_store_error(self.name):
            here = self._readers.here
            if here is not None and here.under_way is not None:
                yield here.under_way
                return
            with self._readers.one() as kept:
                connection = kept.begun(_READ)
                try:
                    yield connection
                finally:
                    connection.roll_back()  # there is nothing to keep

    def glance(
        self, ask: Callable[Concatenate[Connection, P], T], *about: P.args, **named: P.kwargs
    ) -> T:
        """What one statement tells `about` it, by `ask`; there is no transaction around it. Raises
        StoreError."""
        self._check_open()
        with as_store_error(self.name):
            here = self._readers.here
            if here is not None and here.under_way is not None:
                return ask(here.under_way, *about, **named)
            with self._readers.one() as kept:
                return kept.fresh(lambda connection: ask(connection, *about, **named))

    def glance_together(self, ask: Callable[[Connection, Sequence[A]], Sequence[T]], about: A) -> T:
        """What one statement tells of `about`, by `ask`; those who ask while an answer is waited
        for are told by the next one together. Raises StoreError."""
        group = self._glances.get(ask)
        if group is None:
            made = GroupCommit[Any, Any](lambda some: self.glance(ask, some))
            group = self._glances.setdefault(ask, made)
        told: T = group.submit(about)
        return told

    @contextmanager
    def read_all(self) -> Iterator[tuple[Any, Waiting]]:
        """A consistent view, and what waits in the inbox at the same moment; raises StoreError."""
        with self.read() as connection:
            db: Any = connection
            yield db, Waiting(db).beyond(taken(db))

    def data_version(self) -> tuple[int, int]:
        """Numbers that change when another connection has committed, or something came into the
        inbox; cheap to ask."""
        self._check_open()
        with as_store_error(self.name):
            return self._news.heard()

    def fold(self) -> bool:
        """A server sees to its log itself."""
        return True

    @contextmanager
    def _arriving(self) -> Iterator[Connection]:
        """A transaction of the inbox, and of nothing else; one at a time."""
        self._check_open()
        with as_store_error(self.name):
            begin = locks.begin(OF_HOOKS, locks.INBOX)
            with patient(HOOKS), self._hooks.transaction(begin, lambda _db: _TOLD) as connection:
                yield connection

    def _arriving_at_once(self, statements: Sequence[tuple[str, Values]]) -> Sequence[Result]:
        """The same for statements that are known beforehand, which others hear of."""
        self._check_open()
        with as_store_error(self.name), patient(HOOKS):
            return self._hooks.at_once([(_ARRIVING, ()), *statements])[1:]

    @contextmanager
    def long_read(self) -> Iterator[Connection]:
        """A connection for one long look at the database, which is closed afterwards.

        There is no transaction around it. Raises StoreError as `read` does.
        """
        self._check_open()
        with as_store_error(self.name), closing(Kept(self._way_to_read.connection)) as kept:
            yield kept.connection()

    def _kept(self, wait: float) -> StoreError:
        """Why nobody could write for so many seconds: who writes may wait for the server itself."""
        silent_for = self._writer.silent_for()
        if silent_for >= wait:
            return StoreAway(f"{self.name}: who writes waits for the server for {silent_for:.0f} s")
        return StoreLocked(f"{self.name}: another thread has kept it for {wait:g} s")

    def _check_open(self) -> None:
        if self._closed is not None:
            raise self._closed.with_traceback(None)

    def _note(self, failure: StoreError) -> None:
        self.failed = failure


def _of_hooks(connection: Connection) -> Connection:
    try:
        return connection.begin(_OF_HOOKS)
    except BaseException:
        connection.close()
        raise


def shown(where: str) -> str:
    """The name of a database for people: its server and name, never a password."""
    parts = conninfo.conninfo_to_dict(where)
    parts.pop("password", None)
    return conninfo.make_conninfo("", **{key: parts[key] for key in sorted(parts)})


def _not_open(name: str) -> StoreError:
    return StoreError(f"{name}: the database is not open")
