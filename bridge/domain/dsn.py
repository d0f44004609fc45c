"""Where a database of somebody else's is, as its address is written for it. Pure text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import parse_qsl, unquote, urlsplit

from bridge.errors import ConfigError

Kind = Literal["postgresql", "mysql"]

_SCHEMES: Mapping[str, Kind] = {
    "postgres": "postgresql",
    "postgresql": "postgresql",
    "mysql": "mysql",
    "mariadb": "mysql",
}
_GO = re.compile(
    r"(?:(?P<user>[^:@/]*)(?::(?P<password>.*))?@)?"
    r"(?:(?P<net>tcp|unix)(?:\((?P<address>[^)]*)\))?)?/(?P<name>[^/?]+)(?:\?(?P<options>.*))?"
)
"""A DSN as NanoMDM is given it for MySQL. Source: go-sql-driver/mysql, README, "DSN"."""
_KEYWORDS = re.compile(r"\s*\w+\s*=.*", re.DOTALL)
"""`host=… dbname=…`, as libpq has it."""


@dataclass(frozen=True, slots=True)
class Dsn:
    """Where a database is. `text` is for libpq, which reads it itself; the rest is for MySQL."""

    kind: Kind
    text: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 3306
    socket: str | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    name: str = ""
    tls: str = ""


def parse_dsn(text: str) -> Dsn:
    """Where NanoMDM's database is, as NanoMDM is told it, or as a URL.

    Raises ConfigError with the end of a sentence about it, which repeats nothing of it.
    """
    scheme, is_url, _ = text.partition("://")
    if is_url and (kind := _SCHEMES.get(scheme)) is not None:
        return Dsn(kind, text) if kind == "postgresql" else _of_url(text)
    if (found := _GO.fullmatch(text)) is not None:
        return _of_go(text, found)
    if _KEYWORDS.fullmatch(text):
        return Dsn("postgresql", text)
    raise ConfigError(
        [
            "is no address of a database; write postgres://user:password@host/name, or "
            "user:password@tcp(host:3306)/name for MySQL and MariaDB"
        ]
    )


def _of_url(text: str) -> Dsn:
    try:
        parts = urlsplit(text)
        port = parts.port or 3306
    except ValueError:
        raise ConfigError(["has a port that is no number; write host:3306"]) from None
    options = dict(parse_qsl(parts.query))
    return Dsn(
        "mysql",
        text,
        host=parts.hostname or "127.0.0.1",
        port=port,
        socket=options.get("unix_socket"),
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        name=unquote(parts.path.lstrip("/")),
        tls=options.get("tls", ""),
    )


def _of_go(text: str, found: re.Match[str]) -> Dsn:
    address = found["address"] or ""
    host, _, port = address.rpartition(":") if ":" in address else (address, "", "3306")
    if found["net"] != "unix" and not port.isdigit():
        raise ConfigError(["has a port that is no number; write tcp(host:3306)"])
    is_socket = found["net"] == "unix"
    return Dsn(
        "mysql",
        text,
        host=host.strip("[]") or "127.0.0.1",
        port=3306 if is_socket else int(port),
        socket=address if is_socket else None,
        user=found["user"] or "",
        password=found["password"] or "",
        name=found["name"],
        tls=dict(parse_qsl(found["options"] or "")).get("tls", ""),
    )
