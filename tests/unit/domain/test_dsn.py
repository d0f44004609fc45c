"""Where NanoMDM's own database is, as NanoMDM is told it, or as a URL."""

import pytest

from bridge.domain.dsn import Dsn, parse_dsn
from bridge.errors import ConfigError

SECRET = "p@ss/word:1"


@pytest.mark.parametrize(
    "text",
    [
        "postgres://nanomdm:x@db.example.org:5432/nanomdm?sslmode=disable",
        "postgresql:///nanomdm?host=/run/postgresql",
        "host=db.example.org user=nanomdm dbname=nanomdm",
        "dbname=nanomdm",
    ],
)
def test_postgresql_reads_its_own(text: str) -> None:
    assert parse_dsn(text) == Dsn("postgresql", text)


@pytest.mark.parametrize(
    ("text", "host", "port", "user", "password", "name"),
    [
        ("nano:x@tcp(10.0.0.1:3307)/mdm", "10.0.0.1", 3307, "nano", "x", "mdm"),
        (f"nano:{SECRET}@tcp(db)/mdm?parseTime=true", "db", 3306, "nano", SECRET, "mdm"),
        ("nano@tcp([::1]:3306)/mdm", "::1", 3306, "nano", "", "mdm"),
        ("nano:x@/mdm", "127.0.0.1", 3306, "nano", "x", "mdm"),
        ("mysql://nano:p%40ss@db:3308/mdm", "db", 3308, "nano", "p@ss", "mdm"),
        ("mariadb://nano@db/mdm", "db", 3306, "nano", "", "mdm"),
    ],
)
def test_mysql_is_taken_apart(
    text: str, host: str, port: int, user: str, password: str, name: str
) -> None:
    dsn = parse_dsn(text)
    assert (dsn.kind, dsn.host, dsn.port) == ("mysql", host, port)
    assert (dsn.user, dsn.password, dsn.name, dsn.socket) == (user, password, name, None)
    assert "secret" not in repr(dsn) and (not password or password not in repr(dsn))


def test_a_socket_and_tls() -> None:
    assert parse_dsn("nano:x@unix(/run/mysqld/mysqld.sock)/mdm").socket == "/run/mysqld/mysqld.sock"
    assert parse_dsn("nano:x@tcp(db)/mdm?tls=skip-verify").tls == "skip-verify"
    assert parse_dsn("mysql://nano@db/mdm?tls=true").tls == "true"


@pytest.mark.parametrize("text", ["nanomdm", "http://db/mdm", "", "nano:hunter2@tcp(db:x)/mdm"])
def test_what_is_none_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_dsn(text)
    assert "hunter2" not in str(raised.value)
