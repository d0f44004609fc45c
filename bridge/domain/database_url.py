"""The URL of the bridge's own database on a server, as it is written and as it may be shown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NoReturn

from bridge.errors import ConfigError

SCHEMES = ("postgresql", "postgres")
"""Source: PostgreSQL, "Connection URIs": libpq takes both."""

POOL_SIZE = 10
CONN_MAX_LIFETIME = 3600.0
CONN_MAX_IDLE_TIME = 600.0
SOCKET_TIMEOUT = 330.0

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_KEYWORDS = re.compile(r"\s*(?:host|hostaddr|port|dbname|user|password|service|passfile)\s*=")
_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_TOLD = ("host", "hostaddr", "port", "dbname", "service")
"""What of a URL's query says which database it is."""
_SECRET = ("password", "sslpassword")
_LIKE = "write it like postgresql://bridge:password@db.example.org/bridge"


@dataclass(frozen=True, slots=True)
class DatabaseUrl:
    """A database on a PostgreSQL server. `text` is the URL as libpq reads it, which may hold a
    password; `shown` is what people are shown of it.

    A process keeps at most `pool_size` connections that read, each for at most `conn_max_lifetime`
    seconds, and unused for at most `conn_max_idle_time`. A server that is silent for
    `socket_timeout` seconds in a statement is away.
    """

    text: str = field(repr=False)
    shown: str
    pool_size: int = POOL_SIZE
    conn_max_lifetime: float = CONN_MAX_LIFETIME
    conn_max_idle_time: float = CONN_MAX_IDLE_TIME
    socket_timeout: float = SOCKET_TIMEOUT

    def __str__(self) -> str:
        return self.shown


def without_password(url: DatabaseUrl) -> str:
    """The URL for other programs, which ask for the password or have it from libpq's passfile."""
    rest, _, query = url.text.partition("://")[2].partition("?")
    user, at, hosts = rest.rpartition("@")
    kept = [each for each in query.split("&") if each and each.partition("=")[0] not in _SECRET]
    return f"postgresql://{user.partition(':')[0]}{at}{hosts}{'?' if kept else ''}{'&'.join(kept)}"


def is_url(text: str) -> bool:
    """Whether a database's name is one of a server's, right or wrong, and not a path."""
    return bool(_SCHEME.match(text) or _KEYWORDS.match(text))


def holds_password(text: str) -> bool:
    """Whether there is, or may be, a password in it."""
    user = text.partition("://")[2].rpartition("@")[0]
    return ":" in user or "password" in text.lower()


def parse_database_url(text: str) -> DatabaseUrl:
    """A URL of PostgreSQL's; raises ConfigError with the end of a sentence about it, which repeats
    nothing of it."""
    found = _SCHEME.match(text)
    if found is None:
        _no(f"is not a URL; {_LIKE}")
    if found[1].lower() not in SCHEMES:
        _no("names no database that the bridge knows; write the path of a file, or postgresql://…")
    rest = text[found.end() :]
    authority, _, query = rest.partition("?")
    authority, _, name = authority.partition("/")
    if "@" in name or authority.count("@") > 1 or "#" in rest:
        _no(
            "has a sign in its user or password that must be written otherwise: %2F for /, "
            "%40 for @, %23 for #, %3A for : and %3F for ?"
        )
    if _PERCENT.search(rest):
        _no("has a % that is followed by no code; write %25 for it")
    if "@" in query:
        _no("has a ? in its user or password, or an @ after it; write %3F and %40")
    hosts = authority.rpartition("@")[2]
    told = [each for each in query.split("&") if each.partition("=")[0] in _TOLD]
    where = f"?{'&'.join(told)}" if told else ""
    return DatabaseUrl(f"postgresql://{rest}", f"postgresql://{hosts}/{name}{where}")


def _no(sentence: str) -> NoReturn:
    raise ConfigError([sentence])
