"""A connection to the bridge's database as it must be, and its migrations."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from bridge.errors import SchemaTooNew

MIGRATIONS = ("m001_first",)
"""The names of all migrations in `schema.py`, oldest first."""

BUSY_TIMEOUT_MS = 5_000
WRITER_CACHE = 32 * 1024
READER_CACHE = 2 * 1024
"""KiB of pages that a connection keeps. There is one that writes, and one that reads for each
thread: what many of them need is kept by the system, once for all."""
STATEMENTS = 512
"""Statements that a connection keeps prepared; to prepare one anew costs more than to run it."""
ALL_CACHES = 128 * 1024 * 1024
"""Bytes of SQLite's memory in this process above which caches take up no more pages."""

_PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA fullfsync = ON",
    f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}",
    f"PRAGMA soft_heap_limit = {ALL_CACHES}",
    "PRAGMA temp_store = MEMORY",
    # An index that SQLite makes for one query reads all of a table, each time anew.
    "PRAGMA automatic_index = OFF",
    # Bytes that the -wal keeps when it is begun anew.
    "PRAGMA journal_size_limit = 8388608",
)


def connect(path: Path, cache: int) -> sqlite3.Connection:
    """A connection to the file: each statement its own transaction, and a commit lasts. It keeps
    up to `cache` KiB of pages.
    """
    connection = sqlite3.connect(
        path, isolation_level=None, check_same_thread=False, cached_statements=STATEMENTS
    )
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    connection.execute(f"PRAGMA cache_size = {-cache}")
    return connection


def connect_reading(path: Path) -> sqlite3.Connection:
    """A connection to a file in WAL mode that cannot write, and checkpoints nothing when it is the
    last one to be closed."""
    uri = f"{path.resolve().as_uri()}?mode=ro"
    connection = sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    connection.execute(f"PRAGMA cache_size = {-READER_CACHE}")
    return connection


def is_migrated(connection: sqlite3.Connection) -> bool:
    """Whether nothing is left to do to the file: no migration is pending, and it is in WAL mode."""
    mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
    return mode == "wal" and _applied(connection) == set(MIGRATIONS)


def prepare(connection: sqlite3.Connection) -> None:
    """WAL mode; and, of a file that is new, that it gives pages back (see `store/pruning.py`).

    The latter must come before anything is in the file. Source: SQLite, "PRAGMA auto_vacuum".
    """
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute("PRAGMA journal_mode = WAL")


def migrate(connection: sqlite3.Connection) -> None:
    """Apply the migrations that are pending; raises SchemaTooNew."""
    applied = _applied(connection)
    if applied == set(MIGRATIONS):
        return
    foreign = sorted(applied - set(MIGRATIONS))
    if foreign:
        raise SchemaTooNew(
            f"the database was written by a newer bridge (it has {foreign[-1]}): "
            "start that version, or restore a backup made before it"
        )
    # Loading these takes longer than all that most commands do.
    import sqlite_utils  # noqa: PLC0415

    from bridge.store.schema import migrations  # noqa: PLC0415

    migrations.apply(sqlite_utils.Database(connection))


def _applied(connection: sqlite3.Connection) -> set[str]:
    """The names of the migrations that the database has had, as sqlite-utils records them."""
    recorded = connection.execute(
        "SELECT 1 FROM sqlite_schema WHERE name = '_sqlite_migrations'"
    ).fetchone()
    if recorded is None:
        return set()
    found = connection.execute("SELECT name FROM _sqlite_migrations WHERE migration_set = 'bridge'")
    return {row["name"] for row in found}
