"""What tells a row of any table from another, whatever its key: each database has its own.

SQLite's row ids stay with their rows, so that a table can be walked through by them. PostgreSQL
tells where a row lies, which changes with the row: it serves between a look and what follows it,
and a row that others changed meanwhile is not found.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.store.database import Connection

RowId = int | str


@dataclass(frozen=True, slots=True)
class RowIds:
    """How rows are named in SQL.

    `column` is selected, `these` a condition on the parameter `:found`, for which `given` packs
    ids. `walked`: they have an order that stays, and are numbers.
    """

    column: str
    these: str
    given: Callable[[Sequence[RowId]], str]
    walked: bool


def _array(ids: Sequence[RowId]) -> str:
    return "{" + ",".join(f'"{each}"' for each in ids) + "}"


_SQLITE = RowIds("rowid", "rowid IN (SELECT value FROM json_each(:found))", json.dumps, walked=True)
_POSTGRESQL = RowIds(
    "CAST(ctid AS TEXT)", "ctid = ANY (CAST(:found AS tid[]))", _array, walked=False
)


def of(db: Connection | Any) -> RowIds:
    """As the database of this connection has them."""
    return _SQLITE if isinstance(db, sqlite3.Connection) else _POSTGRESQL
