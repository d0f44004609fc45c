"""Whether a server's database is one that the bridge can run on."""

from __future__ import annotations

import psycopg
from psycopg import conninfo

from bridge.domain.database_url import DatabaseUrl
from bridge.errors import StoreRefused
from bridge.store.postgresql.connection import Connection

OLDEST = 15
"""The oldest version of PostgreSQL: the one that Debian 12 has."""


def readable(url: DatabaseUrl) -> str:
    """The URL for libpq; raises StoreRefused where that cannot read it. What libpq says of it may
    repeat a part that is a password, but for the name of a parameter."""
    try:
        conninfo.conninfo_to_dict(url.text)
    except psycopg.ProgrammingError as error:
        said = str(error).strip()
        why = said if said.startswith("invalid URI query parameter") else "libpq cannot read it"
        raise StoreRefused(f"{url.shown}: {why}", "mend the URL under database:") from None
    return url.text


def checked(connection: Connection, name: str) -> Connection:
    """The connection to the database called `name`; raises StoreRefused. Nothing is asked for it:
    a server tells its version and encoding to whoever connects."""
    info = connection.raw.info
    version = info.server_version // 10_000
    if version < OLDEST:
        text = f"{name}: its server is PostgreSQL {version}, and the bridge needs {OLDEST} or newer"
        raise StoreRefused(text, "upgrade the server, or name another one")
    encoding = info.parameter_status("server_encoding")
    if encoding != "UTF8":
        text = f"{name}: its encoding is {encoding}, in which not every name can be stored"
        raise StoreRefused(
            text, "make another one: CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0"
        )
    return connection
