"""The version of the bridge that comes after this one, as far as its database is concerned: it has
one migration more."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlite_utils import Migrations

from bridge.store import schema
from bridge.store.file import connection
from bridge.store.postgresql import schema as on_server

NAME = "m002_made_up"
_STATEMENT = "ALTER TABLE installs ADD COLUMN made_up TEXT"


@contextmanager
def next_version() -> Iterator[None]:
    """While this lasts, the bridge in this process is that one."""
    both = Migrations("bridge")
    both()(schema.m001_first)

    @both(name=NAME)
    def made_up(db: Any) -> None:
        db.execute(_STATEMENT)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "migrations", both)
        patch.setattr(connection, "MIGRATIONS", (*connection.MIGRATIONS, NAME))
        patch.setitem(on_server.MIGRATIONS, NAME, lambda: iter([_STATEMENT]))
        yield
