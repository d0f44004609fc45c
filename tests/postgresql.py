"""A PostgreSQL for tests: the server that BRIDGE_TEST_POSTGRESQL names, or one that is started from
its programs, with its files in a folder of its own and no port.

`BRIDGE_TEST_POSTGRESQL` is a connection string of somebody who may make databases.
"""

from __future__ import annotations

import functools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
from psycopg import conninfo, sql

from bridge.store.postgresql.connection import Connection

ENVIRONMENT = "BRIDGE_TEST_POSTGRESQL"
OLDEST = 15
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "jit": "off",
    "max_connections": "300",
    "shared_buffers": "32MB",
    "deadlock_timeout": "50ms",
}
_HOMES = ("/usr/lib/postgresql/*/bin", "/usr/local/pgsql/bin", "/opt/homebrew/opt/postgresql@*/bin")


@functools.cache
def programs() -> Path | None:
    """The folder that holds `initdb` and `postgres`, the newest version of several."""
    found = shutil.which("initdb")
    if found:
        return Path(found).resolve().parent
    homes = [home for pattern in _HOMES for home in Path("/").glob(pattern.lstrip("/"))]
    return max((each for each in homes if (each / "initdb").exists()), default=None, key=_version)


def _version(folder: Path) -> float:
    return float("".join(c for c in folder.parent.name if c.isdigit() or c == ".") or 0)


@functools.cache
def why_missing() -> str | None:
    """Say why there is no server for tests, or None when there is one."""
    if os.environ.get(ENVIRONMENT) or programs():
        return None
    return f"no PostgreSQL: {ENVIRONMENT} is not set, and initdb is not installed"


@contextmanager
def server() -> Iterator[str]:
    """A connection string of a server that is up until this ends."""
    if given := os.environ.get(ENVIRONMENT):
        yield given
        return
    with own_server(synchronous_commit="off") as made:
        yield made.where


@contextmanager
def own_server(port: int | None = None, **settings: str) -> Iterator[Server]:
    """A server that a test may stop and start, with these settings; it has been started. With a
    `port` it listens on 127.0.0.1, too."""
    home = programs()
    assert home is not None
    with _folder() as folder:
        made = Server(home, folder, port, settings)
        made.make()
        with _running(made):
            yield made


@contextmanager
def _folder() -> Iterator[Path]:
    """One that the user may write to as whom a server runs."""
    # Not below pytest's folder: a socket's path has hardly a hundred bytes.
    folder = Path(tempfile.mkdtemp(prefix="bridge-pg-"))
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, other_user())
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _running(made: Server) -> Iterator[None]:
    """It is started, and stopped at the end where it runs yet."""
    made.start()
    try:
        yield
    finally:
        if made.runs:
            made.stop()


class Server:
    """A server with its files in `folder`, without any care for a power cut."""

    def __init__(
        self, home: Path, folder: Path, port: int | None, settings: Mapping[str, str]
    ) -> None:
        self._home = home
        self._data = folder / "data"
        self._port = port
        self._settings = {**_SETTINGS, **settings}
        self.folder = folder
        self.where = f"host={folder} port={port or 5432} user=bridge dbname=postgres"

    def make(self) -> None:
        """Make its files, once."""
        self._run(
            *("initdb", "-D", str(self._data), "-U", "bridge", "-A", "trust", "-N", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-instructions"),
        )

    def start(self) -> None:
        """Start it; it takes connections when this returns."""
        settings = {
            **self._settings,
            "listen_addresses": "127.0.0.1" if self._port else "",
            "unix_socket_directories": str(self.folder),
            "port": str(self._port or 5432),
        }
        options = " ".join(f"-c {name}='{value}'" for name, value in settings.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-l", log, "-o", options, "-w", "start")

    def stop(self, mode: str = "immediate") -> None:
        """Stop it; `immediate` is as a crash."""
        self._run("pg_ctl", "-D", str(self._data), "-m", mode, "-w", "stop")

    @contextmanager
    def standby(self) -> Iterator[Server]:
        """Another server that follows this one, and has been started."""
        with _folder() as folder:
            made = Server(self._home, folder, None, self._settings)
            words = ("-h", str(self.folder), "-U", "bridge", "-D", str(made._data), "-R")
            made._run("pg_basebackup", *words, "-c", "fast", "-X", "stream")
            with _running(made):
                yield made

    def promote(self) -> None:
        """A standby takes over."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "promote")

    @contextmanager
    def standing_still(self) -> Iterator[None]:
        """Within this block its processes stand still: what is sent to it is taken by the system,
        and not answered."""
        first, stopped = self._first(), list[int]()
        try:
            for pid in chain([first], self._others(first)):  # the one that begins others first
                with suppress(ProcessLookupError):  # it has ended meanwhile
                    os.kill(pid, signal.SIGSTOP)
                    stopped.append(pid)
            yield
        finally:
            for pid in stopped:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGCONT)

    def _first(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split()[0])

    def _others(self, first: int) -> Iterator[int]:
        from tests.flow.test_serve_process import processes  # noqa: PLC0415 - it imports this one

        yield from (each.pid for each in processes() if each.parent == first)

    @property
    def runs(self) -> bool:
        """Whether it was started and not stopped."""
        return (self._data / "postmaster.pid").exists()

    def _run(self, program: str, *words: str) -> None:
        command: Sequence[str] = [str(self._home / program), *words]
        user = other_user() if os.geteuid() == 0 else None  # PostgreSQL refuses to run as root
        done = subprocess.run(
            command,
            check=False,
            user=user,
            group=pwd.getpwnam(user).pw_gid if user else None,
            extra_groups=[] if user else None,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, f"{program}: {done.stdout[-2000:]}"


def other_user() -> str:
    """Who runs the server where we are root."""
    known = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


@contextmanager
def database(server: str, template: str = "template1") -> Iterator[str]:
    """A connection string of a database on that server, a copy of another one, which is removed
    afterwards."""
    name = f"bridge_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        names = (sql.Identifier(each) for each in (name, template))
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
    try:
        yield conninfo.make_conninfo(server, dbname=name)
    finally:
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(
                sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            )


def name_of(where: str) -> str:
    """The name of the database of a connection string."""
    return str(conninfo.conninfo_to_dict(where)["dbname"])


def count_anew(db: Connection) -> None:
    """Ids begin with 1 again, though what had them was rolled back."""
    db.execute(
        "SELECT setval(pg_get_serial_sequence(table_name, column_name), 1, false) "
        "FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND is_identity = 'YES'"
    )


def columns(db: Connection, table: str) -> list[tuple[str, str, bool]]:
    """Of each column of a table its name, its type, and whether an INSERT must say it."""
    found = db.execute(
        "SELECT column_name, data_type, "
        "is_nullable = 'NO' AND column_default IS NULL AND is_identity = 'NO' "
        "FROM information_schema.columns "
        "WHERE table_schema = current_schema() AND table_name = ? ORDER BY ordinal_position",
        (table,),
    )
    return [(name, kind, bool(must)) for name, kind, must in found]


def url(where: str, **more: str) -> str:
    """A connection string as a URL, as the configuration has it."""
    parts = {key: str(value) for key, value in conninfo.conninfo_to_dict(where).items()} | more
    name = quote(parts.pop("dbname"))
    return f"postgresql:///{name}?{urlencode(parts, safe='/')}"
