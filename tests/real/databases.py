"""PostgreSQL and MariaDB for a NanoMDM: servers of their own, with its schema in each database.

Both listen on a socket in a folder of theirs, and nowhere else. As root they run as somebody else,
since PostgreSQL refuses root.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import psycopg
import pymysql
import pytest
from pymysql.constants import CLIENT

Storage = Literal["pgsql", "mysql"]
STORAGES: list[Storage] = ["pgsql", "mysql"]
_HERE = Path(__file__).parent
_WITHIN = 60.0  # seconds
_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/usr/sbin", "/usr/bin")


class Databases(ABC):
    """One server, with its files in a folder that only this has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def start(self) -> None:
        """Make its files and start it; it takes connections when this returns."""

    @abstractmethod
    def make(self, schema: str) -> str:
        """A new database with this schema; its `-storage-dsn` for NanoMDM."""

    @abstractmethod
    def do(self, dsn: str, statement: str) -> None:
        """Make a statement as the owner of the database."""

    @abstractmethod
    def reader(self, dsn: str) -> str:
        """The DSN of an account that may read two tables of it, and no more."""

    def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)

    def _run(self, *command: str) -> None:
        done = subprocess.run(
            command, check=False, cwd=self.folder, capture_output=True, **_as_somebody()
        )
        assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr)[-2000:]!r}"

    def _serve(self, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, **_as_somebody()
            )

    def _until(self, connect: Callable[[], Any], errors: type[Exception]) -> None:
        end = time.monotonic() + _WITHIN
        while True:
            try:
                connect().close()
            except errors:
                assert self._process is not None
                if self._process.poll() is not None or time.monotonic() > end:
                    raise
                time.sleep(0.1)
            else:
                return


class PostgreSql(Databases):
    """A PostgreSQL without any care for a power cut."""

    def start(self) -> None:
        data = str(self.folder / "data")
        self._run(program("initdb"), *("-D", data, "-U", "mdm", "-A", "trust", "-N", "-E", "UTF8"))
        options = ("listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off")
        words = [word for each in options for word in ("-c", each)]
        self._serve(program("postgres"), "-D", data, *words)
        self._until(lambda: psycopg.connect(self._dsn("postgres")), psycopg.Error)

    def make(self, schema: str) -> str:
        name = _name()
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"'.encode())
        with psycopg.connect(self._dsn(name)) as connection:
            connection.execute(schema.encode())
        return self._dsn(name)

    def do(self, dsn: str, statement: str) -> None:
        with psycopg.connect(dsn) as connection:
            connection.execute(statement.encode())

    def reader(self, dsn: str) -> str:
        name = _name()
        with psycopg.connect(dsn) as connection:
            connection.execute(f'CREATE ROLE "{name}" LOGIN'.encode())
            connection.execute(f'GRANT SELECT ON enrollments, devices TO "{name}"'.encode())
        return dsn.replace("user=mdm", f"user={name}")

    def _dsn(self, name: str) -> str:
        return f"host={self.folder} user=mdm dbname={name} sslmode=disable"


class MariaDb(Databases):
    """A MariaDB from Debian's packages."""

    def start(self) -> None:
        data = f"--datadir={self.folder / 'data'}"
        alike = ("--no-defaults", data, "--auth-root-authentication-method=normal")
        self._run(program("mariadb-install-db"), *alike, "--skip-test-db")
        lean = ("--skip-networking", "--innodb-flush-log-at-trx-commit=0")
        self._serve(program("mariadbd"), "--no-defaults", data, f"--socket={self._socket}", *lean)
        self._until(self._connect, pymysql.OperationalError)

    def make(self, schema: str) -> str:
        name = _name()
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE `{name}` CHARACTER SET utf8mb4")
            cursor.execute(f"USE `{name}`")
            cursor.execute(schema)
            while cursor.nextset():
                pass
        return f"root@unix({self._socket})/{name}"

    def do(self, dsn: str, statement: str) -> None:
        with self._connect(dsn.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            cursor.execute(statement)

    def reader(self, dsn: str) -> str:
        account, name = _name(), dsn.rpartition("/")[2]
        with self._connect() as connection, connection.cursor() as cursor:
            cursor.execute(f"CREATE USER '{account}'@'localhost' IDENTIFIED BY 'p@ss/word'")
            for table in ("enrollments", "devices"):
                cursor.execute(f"GRANT SELECT ON `{name}`.{table} TO '{account}'@'localhost'")
        return dsn.replace("root@", f"{account}:p@ss/word@")

    @property
    def _socket(self) -> str:
        return str(self.folder / "socket")

    def _connect(self, name: str | None = None) -> Any:
        return pymysql.connect(
            unix_socket=self._socket,
            user="root",
            database=name,
            autocommit=True,
            client_flag=CLIENT.MULTI_STATEMENTS,
        )


_KINDS: dict[Storage, type[Databases]] = {"pgsql": PostgreSql, "mysql": MariaDb}


@contextmanager
def running(storage: Storage) -> Iterator[Databases]:
    """A server that is up until this ends."""
    folder = Path(tempfile.mkdtemp(prefix="mdm-db-"))  # a socket's path has a hundred bytes at most
    if os.geteuid() == 0:
        shutil.chown(folder, _somebody())
    server = _KINDS[storage](folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def schema_of(storage: Storage) -> str:
    """NanoMDM's own schema, as its module has it."""
    module = "github.com/micromdm/nanomdm"
    asked = subprocess.run(
        [program("go"), "list", "-m", "-f", "{{.Dir}}", module],
        cwd=_HERE / "servers",
        check=True,
        capture_output=True,
        text=True,
    )
    return (Path(asked.stdout.strip()) / "storage" / storage / "schema.sql").read_text()


def program(name: str) -> str:
    """Where a program of a database is; skips the test without it, unless nothing may be."""
    if found := shutil.which(name):
        return str(Path(found))
    for pattern in _HOMES:
        for home in sorted(Path("/").glob(pattern.lstrip("/")), reverse=True):
            if (home / name).exists():
                return str(home / name)
    missing = f"{name} is not installed"
    if os.environ.get("BRIDGE_REQUIRE_REAL"):
        pytest.fail(missing)
    pytest.skip(missing)


def _name() -> str:
    return f"mdm{uuid.uuid4().hex[:12]}"


def _somebody() -> str:
    return next(name for name in ("postgres", "mysql", "nobody") if _exists(name))


def _exists(name: str) -> bool:
    try:
        pwd.getpwnam(name)
    except KeyError:
        return False
    return True


def _as_somebody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    found = pwd.getpwnam(_somebody())
    return {"user": found.pw_uid, "group": found.pw_gid, "extra_groups": []}
