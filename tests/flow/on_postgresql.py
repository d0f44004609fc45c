"""The flows' other database: `tools/test --database=postgresql tests/flow` runs them on PostgreSQL.

What a scene has as a file is a database of a server's there, for as long as its test lasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.store.file import database as file_database
from bridge.store.postgresql import noticed
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql


class Databases:
    """One database for each path that a test names: one with all tables where there is a file, and
    one without any where there is none."""

    def __init__(self, server: str, empty: str) -> None:
        self._server = server
        self._empty = empty
        self._made: dict[Path, str] = {}
        self._open = ExitStack()
        self._used: list[PostgresqlDatabase] = []

    def at(self, path: Path) -> PostgresqlDatabase:
        """The database that stands for this path."""
        if path not in self._made:
            template = self._empty if path.exists() else "template1"
            made = postgresql.database(self._server, template)
            self._made[path] = self._open.enter_context(made)
        self._used.append(PostgresqlDatabase(self._made[path]))
        return self._used[-1]

    def remove(self) -> None:
        """Remove them all, whoever has them open yet."""
        for each in self._used:
            each.close()
        self._used.clear()
        self._open.close()
        self._made.clear()


def databases() -> Iterator[Databases]:
    """For all tests of this process."""
    with postgresql.server() as server, postgresql.database(server) as empty:
        made = PostgresqlDatabase(empty)
        made.open()
        made.close()
        yield Databases(server, str(postgresql.name_of(empty)))


def use(patch: pytest.MonkeyPatch, where: Databases) -> None:
    """From here on every bridge and every command has such a database."""
    patch.setattr(file_database, "FileDatabase", where.at)
    # The tests' server waits for no disk, and its user may do anything: of that `doctor` would
    # complain in every scene.
    asked = noticed._ASKED
    for what, is_told in (
        ("current_setting('fsync')", "'on'"),
        ("current_setting('synchronous_commit')", "'on'"),
        ("(SELECT rolsuper FROM pg_roles WHERE rolname = current_user)", "false"),
    ):
        assert what in asked
        asked = asked.replace(what, is_told)
    patch.setattr(noticed, "_ASKED", asked)
