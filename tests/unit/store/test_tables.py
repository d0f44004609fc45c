"""One table is written from one package, and a state goes where it is drawn to go."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence

import pytest

from bridge.store import events
from bridge.store.commands import states as commands
from bridge.store.database import Database
from bridge.store.licences import states as licences
from bridge.store.outbox import states as outbox
from tests.unit.store.statements import STORE, Statement, statements

WRITES = re.compile(r"\b(?:INSERT(?: OR \w+)? INTO|UPDATE(?: OR \w+)?|DELETE FROM) ([a-z_]+|…)")
EVERY_TABLE = {"clock_steps", "pruning"}
"""They go over all tables alike: what is old goes, and all times are moved."""

DRAWN: Mapping[str, tuple[str, Mapping[str, Sequence[str]]]] = {
    "commands": ("state", commands.TRANSITIONS),
    "request_pairs": ("state", licences.PAIR_TRANSITIONS),
    "apple_requests": ("state", licences.REQUEST_TRANSITIONS),
    "outbox": ("state", outbox.TRANSITIONS),
    "events": ("status", events.TRANSITIONS),
}


def writers() -> dict[str, set[str]]:
    found: dict[str, set[str]] = defaultdict(set)
    for each in statements():
        for table in WRITES.findall(each.sql):
            if each.room not in EVERY_TABLE:
                found[table].add(each.room)
    return found


def test_a_table_is_written_from_one_package(database: Database) -> None:
    with database.read() as db:
        tables = {
            row[0]
            for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if not row[0].startswith(("sqlite_", "_"))
        }
    found = writers()
    assert tables <= found.keys()
    assert {table: rooms for table, rooms in found.items() if len(rooms) > 1} == {}


def moves() -> list[tuple[Statement, str, str, list[str] | None]]:
    """Each UPDATE that writes a state by its name: the table, the state, and from which ones."""
    found = []
    for each in statements():
        for table, (column, drawn) in DRAWN.items():
            update = re.match(rf"UPDATE(?: OR \w+)? {table} SET (.*?)(?: WHERE (.*))?$", each.sql)
            if update is None:
                continue
            where = (update.group(2) or "").partition("RETURNING")[0]
            for state in re.findall(rf"(?<!\()\b{column} = '(\w+)'(?! THEN)", update.group(1)):
                found.append((each, table, state, _from(where, column, drawn)))
    return found


def _from(where: str, column: str, drawn: Mapping[str, Sequence[str]]) -> list[str] | None:
    """The states that a WHERE names, all of them where it names none; None: at run time."""
    where = re.sub(r"\(SELECT .*\)", "", where)
    named = set(drawn)
    for some in re.findall(rf"(?<![.\w]){column} IN \(([^)]*)\)", where):
        named &= set(re.findall(r"\w+", some))
    ones = set(re.findall(rf"(?<![.\w]){column} = '(\w+)'", where))
    for some_of in [ones] if ones and " OR " in where else [{one} for one in ones]:
        named &= some_of
    for none in re.findall(rf"(?<![.\w]){column} <> '(\w+)'", where):
        named -= {none}
    return None if f"{column} IN …" in where else sorted(named)


def test_a_state_comes_only_from_where_it_is_drawn_to_come() -> None:
    found = moves()
    assert len(found) > 25
    for each, table, state, before in found:
        _, drawn = DRAWN[table]
        assert state in drawn, each
        assert set(before or ()) <= set(drawn[state]), each


@pytest.mark.parametrize("table", DRAWN)
def test_every_drawn_state_is_one_that_the_table_knows(table: str) -> None:
    _, drawn = DRAWN[table]
    assert {state for some in drawn.values() for state in some} <= set(drawn)


def test_a_command_is_cancelled_only_before_an_answer() -> None:
    for some in commands.CANCELLED_FROM.values():
        assert set(some) <= set(commands.TRANSITIONS["dropped"])


def test_a_set_of_states_is_named_once() -> None:
    written = re.compile(r"stat(?:e|us) (?:NOT )?IN \('")
    for path in sorted(STORE.rglob("*.py")):
        assert not written.search(path.read_text()), f"{path.name}: name the set in states.py"
