"""What must be so of a row, the database refuses otherwise, whoever writes it."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence

import psycopg
import pytest

from bridge.domain.model import INSTALL_STATES
from bridge.store import events
from bridge.store.commands import states as commands
from bridge.store.database import Connection, savepoint
from bridge.store.licences import states as licences
from bridge.store.outbox import states as outbox
from bridge.store.schema import script

REFUSED = (sqlite3.IntegrityError, psycopg.IntegrityError)

WORDS: dict[tuple[str, str], Sequence[str]] = {
    ("commands", "state"): tuple(commands.TRANSITIONS),
    ("outbox", "state"): tuple(outbox.TRANSITIONS),
    ("request_pairs", "state"): tuple(licences.PAIR_TRANSITIONS),
    ("apple_requests", "state"): tuple(licences.REQUEST_TRANSITIONS),
    ("events", "status"): tuple(events.TRANSITIONS),
    ("installs", "state"): INSTALL_STATES,
}
FILES = ("calls", "installs", "licences", "messages")


@pytest.mark.parametrize(("table", "column"), WORDS, ids=".".join)
def test_the_words_of_a_column_are_those_that_are_drawn(table: str, column: str) -> None:
    made = "\n".join(script(f"m001_{name}.sql") for name in FILES)
    (body,) = re.findall(rf"CREATE TABLE {table} \((.*?)\n\);", made, re.DOTALL)
    (words,) = re.findall(rf"CHECK \({column} IN \(([^)]*)\)\)", body)
    assert set(re.findall(r"'(\w+)'", words)) == set(WORDS[table, column])


COMMAND = (
    "INSERT INTO commands (command_uuid, server, device_id, request_type, enrolment, created_at, "
    "due_at, state, posts) VALUES ('c', 'main', 1, 'DeviceInformation', 1, 1, 1, ?, ?)"
)
CALL = (
    "INSERT INTO outbox (service, scope, kind, key, subject, due_at, created_at, state, "
    "settled_at) VALUES ('mdm', 'main', 'push', '1', '', 1, 1, ?, ?)"
)
PAIR = (
    "INSERT INTO request_pairs (location, kind, adam_id, pricing_param, target, ready_at, state, "
    "request_id) VALUES ('hq', 'ASSOCIATE', '1', 'STDQ', 'A', 1, ?, ?)"
)
REQUEST = (
    "INSERT INTO apple_requests (location, kind, num_requested, created_at, state, submitted_at) "
    "VALUES ('hq', 'ASSOCIATE', 1, 1, ?, ?)"
)
HELD = (
    "INSERT INTO licences_held (location, adam_id, pricing_param, held, ours) "
    "VALUES ('hq', '1', 'STDQ', ?, ?)"
)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (COMMAND, ("lost", 0)),
        (COMMAND, ("in_doubt", 1)),
        (CALL, ("lost", None)),
        (PAIR, ("collected", 1)),
        (PAIR, ("open", None)),
        (REQUEST, ("lost", None)),
        (HELD, (1, 2)),
        (HELD, (0, -1)),
    ],
    ids=lambda value: value.split(" ")[2] if isinstance(value, str) else str(value),
)
def test_what_cannot_be_is_refused(
    db: Connection, statement: str, values: tuple[object, ...]
) -> None:
    with pytest.raises(REFUSED), savepoint(db):
        db.execute(statement, values)


@pytest.mark.parametrize(
    ("statement", "values"),
    [
        (COMMAND, ("ready", 0)),
        (COMMAND, ("posting", 1)),
        (CALL, ("ready", None)),
        (CALL, ("failed", 5.0)),
        (PAIR, ("collected", None)),
        (PAIR, ("open", 1)),
        (REQUEST, ("ready", None)),
        (HELD, (2, 1)),
    ],
    ids=lambda value: value.split(" ")[2] if isinstance(value, str) else str(value),
)
def test_what_can_be_is_taken(db: Connection, statement: str, values: tuple[object, ...]) -> None:
    db.execute(statement, values)
