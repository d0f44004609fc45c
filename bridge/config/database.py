"""The keys that say where the database is: a file, or a database of a PostgreSQL server's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from bridge.config import values
from bridge.config.keys import FILE, KeyReader
from bridge.config.read import Reader, Spot
from bridge.domain.database_url import DatabaseUrl, is_url, parse_database_url
from bridge.errors import ConfigError

KEY = "database"
POOL_KEYS = ("pool_size", "conn_max_lifetime", "conn_max_idle_time", "socket_timeout")
"""How connections to a server's database are kept and waited for."""

_POOL: Mapping[str, Callable[[str], Any]] = {
    "pool_size": values.count,
    "conn_max_lifetime": values.period,
    "conn_max_idle_time": values.period,
    "socket_timeout": values.period,
}
_NO_DRIVER = (
    "needs psycopg, which is not installed; run pip install 'micromdm-vpp-bridge[postgresql]'"
)


def read_database(reader: Reader, keys: KeyReader, top: Mapping[str, Spot]) -> Path | DatabaseUrl:
    """Where the database is; mistakes are noted, and none of them holds a password."""
    spot = top.get(KEY)
    if spot is None and KEY + FILE not in top:
        reader.missing(reader.root, KEY, "write database: bridge.db")
        return Path()
    if spot is not None and KEY + FILE not in top and not is_url(spot.written):
        text = reader.text(spot)
        if text is None or not is_url(text):  # a variable may hold one
            for name in POOL_KEYS:
                if name in top:
                    reader.wrong(top[name], "is for a database of a server's; take it out")
            return reader.path.parent / (text or "")
    return _url(reader, keys, top) or Path()


def _url(reader: Reader, keys: KeyReader, top: Mapping[str, Spot]) -> DatabaseUrl | None:
    for key in keys.read(top, KEY):
        try:
            url = parse_database_url(key.text)
        except ConfigError as error:
            reader.wrong(key.spot, error.mistakes[0])
            return None
        if find_spec("psycopg") is None:
            reader.wrong(key.spot, _NO_DRIVER)
        pool = {n: reader.value(top[n], _POOL[n]) for n in POOL_KEYS if n in top}
        return replace(url, **{name: value for name, value in pool.items() if value is not None})
    return None
