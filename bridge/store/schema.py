"""The tables, as numbered migrations that are never edited once released.

Times are seconds since the epoch, UTC (DOUBLE PRECISION: what PostgreSQL calls REAL has half the
digits). What is unique while open is held by partial
unique indexes, so that no code path can break those rules. Who holds a licence, and what an
install is for, is a `target` (domain/devices/targets.py): a serial number, or `user:` and a
clientUserId; of an install also `enrolment:` and an EnrollmentID.

The statements stand in `migrations/`, one file for each group of tables.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from importlib import resources
from typing import Any

from sqlite_utils import Migrations

migrations = Migrations("bridge")

FIRST = (
    "messages",
    "devices",
    "licences",
    "users",
    "subscriptions",
    "installs",
    "calls",
    "alerts",
    "counts",
    "updates",
    "metrics",
)

_TABLE = re.compile(r"CREATE TABLE (\w+)")


@migrations()
def m001_first(db: Any) -> None:
    """Events, devices, licences, installs, commands and the outbox."""
    for group in FIRST:
        for statement in statements(f"m001_{group}.sql"):
            db.execute(statement)


def script(name: str) -> str:
    """One file of `migrations/`."""
    return (resources.files("bridge.store") / "migrations" / name).read_text("utf-8")


def statements(name: str) -> Iterator[str]:
    """The statements of one file; comments are left out, since they may hold semicolons. A trigger
    holds some, too, and ends with its END."""
    lines = (line.split("--", 1)[0] for line in script(name).splitlines())
    statement = ""
    for part in "\n".join(lines).split(";")[:-1]:
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement.strip()
            statement = ""


def tables() -> tuple[str, ...]:
    """The names of all tables, in the order in which they are made."""
    made = (_TABLE.match(each) for group in FIRST for each in statements(f"m001_{group}.sql"))
    return tuple(found[1] for found in made if found is not None)
