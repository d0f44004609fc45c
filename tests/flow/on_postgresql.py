"""The flows' other database: `tools/test --database=postgresql tests/flow` runs them on PostgreSQL.

What a scene has as a file is a database of a server's there, for as long as its test lasts.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.store.file import database as file_database
from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql


class Databases:
    """One database for each path that a test names."""

    def __init__(self, server: str, empty: str) -> None:
        self._server = server
        self._empty = empty
        self._made: dict[Path, str] = {}
        self._open = ExitStack()

    def at(self, path: Path) -> PostgresqlDatabase:
        """The database that stands for this path."""
        if path not in self._made:
            made = postgresql.database(self._server, self._empty)
            self._made[path] = self._open.enter_context(made)
        return PostgresqlDatabase(self._made[path])

    def remove(self) -> None:
        """Remove them all, whoever has them open yet."""
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
