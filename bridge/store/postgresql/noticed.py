"""What is told of a database on a server to who examines it: the server, its size, our rights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bridge.store.database import Noticed
from bridge.store.postgresql.connection import Connection
from bridge.store.postgresql.statements import Row

_MIB = 1024 * 1024
FEW_CONNECTIONS = 5
CLOCKS_DIFFER = 60.0
"""Seconds by which two clocks that are kept do not differ."""

_ASKED = (
    "SELECT current_setting('server_version') AS version, "
    "current_setting('server_encoding') AS encoding, current_user AS who, "
    "pg_database_size(current_database()) AS size, "
    "extract(epoch FROM clock_timestamp())::float8 AS now, "
    "current_setting('fsync') AS fsync, "
    "current_setting('synchronous_commit') AS waits, "
    "current_setting('max_connections')::int AS most, "
    "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used, "
    "has_database_privilege(current_database(), 'TEMPORARY') AS temporary, "
    "has_schema_privilege(current_schema(), 'CREATE') AS creates, "
    "(SELECT rolsuper FROM pg_roles WHERE rolname = current_user) AS is_super, "
    "inet_server_addr() IS NOT NULL AND inet_server_addr() <> inet_client_addr() AS is_far"
)


def noticed(db: Connection, clock: Callable[[], float] = time.time) -> Iterator[Noticed]:
    """What there is to be known of the database that this connection is to; `clock` is this
    machine's."""
    row = db.execute(_ASKED).fetchone()
    assert row is not None
    off = row["now"] - clock()
    size = f"{row['size'] / _MIB:.1f} MiB"
    text = f"PostgreSQL {row['version']}, {row['encoding']}, {size}, as {row['who']}"
    yield Noticed("ok", text)
    if row["fsync"] == "off":
        text = "the server does not wait for its disk (fsync is off): a power cut damages it"
        yield Noticed("warn", text, "set fsync = on in postgresql.conf")
    if row["waits"] == "off":
        text = "a commit does not wait for the disk (synchronous_commit is off): what a hook has "
        text += "answered 200 may be lost in a crash of the server"
        yield Noticed("warn", text, f"ALTER ROLE {row['who']} SET synchronous_commit = on")
    if row["is_far"] and not db.raw.pgconn.ssl_in_use:
        text = "what goes to the server and back can be read on the way: the connection has no TLS"
        mend = "write ?sslmode=verify-full&sslrootcert=ca.pem at the end of database:"
        yield Noticed("warn", text, mend)
    if row["is_super"]:
        text = f"{row['who']} may do anything on the server"
        yield Noticed("warn", text, "give the bridge a role of its own, without SUPERUSER")
    if abs(off) > CLOCKS_DIFFER:
        text = f"the server's clock is {abs(off):.0f} s {'ahead of' if off > 0 else 'behind'} ours"
        yield Noticed("warn", text, "see that the time of both machines is kept (NTP)")
    yield from _rights(row)
    free = row["most"] - row["used"]
    if free < FEW_CONNECTIONS:
        text = f"only {free} of the server's {row['most']} connections are free"
        yield Noticed("warn", text, "raise max_connections, or lower pool_size")


def _rights(row: Row) -> Iterator[Noticed]:
    who = row["who"]
    if not row["temporary"]:
        text = f"{who} may make no temporary tables: events replay --dry-run does not work"
        yield Noticed("warn", text, f"GRANT TEMPORARY ON DATABASE … TO {who}")
    if not row["creates"]:
        text = f"{who} may make no tables: an upgrade that needs some will not start"
        yield Noticed("warn", text, f"GRANT CREATE ON SCHEMA … TO {who}")
