"""Stored times after the clock went back."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.policy import DAY
from bridge.store import clock_steps, meta
from bridge.store.clock_steps import Move
from bridge.store.database import Connection, Database
from bridge.store.file.database import FileDatabase
from tests.unit.store_kit import NOW, make_device, make_install, make_posted, value

HOUR = 3600.0


@contextmanager
def sqlite_database() -> Iterator[Database]:
    """A new database; hypothesis calls a test many times with one fixture."""
    with tempfile.TemporaryDirectory() as folder:
        database = FileDatabase(Path(folder) / "a.db")
        database.open()
        try:
            yield database
        finally:
            database.close()


def columns(tables: Mapping[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    return {(table, column) for table, names in tables.items() for column in names}


def times(db: Connection) -> set[tuple[str, str]]:
    tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {
        (table, row["name"])
        for table in tables
        for row in db.execute(f"PRAGMA table_info({table})")
        if row["type"] == "DOUBLE PRECISION"
    }


def test_every_time_that_is_stored_is_of_one_kind(database: Database) -> None:
    kinds = [
        columns(clock_steps.DUE),
        columns(clock_steps.HAPPENED),
        columns(clock_steps.FROM_OUTSIDE),
        columns(clock_steps.LENGTHS),
        columns(clock_steps.DIFFERENCES),
    ]
    with database.read() as db:
        assert set().union(*kinds) == times(db)
    assert sum(map(len, kinds)) == len(set().union(*kinds)), "none is of two kinds"


def posted(db: Connection) -> list[float]:
    return [r[0] for r in db.execute("SELECT posted_at FROM commands ORDER BY command_uuid")]


@pytest.mark.parametrize("by", [-400 * DAY, -DAY, -HOUR, HOUR, DAY, 400 * DAY])
def test_what_happened_lately_is_as_long_ago_as_it_was(database: Database, by: float) -> None:
    before = [NOW - ago for ago in (DAY - 600, HOUR + 60, HOUR / 2, 60.0, 1.0)]
    with database.write() as db:
        device = make_device(db)
        for number, at in enumerate(before):
            make_posted(db, f"C{number}", device, at, install_id=number + 1)
    clock_steps.move(database, Move(NOW + by, by))
    with database.read() as db:
        assert posted(db) == pytest.approx([at + by for at in before], rel=0, abs=1e-3)
        assert clock_steps.ahead(db, NOW + by) == 0.0
        assert clock_steps.pending(db) is None


@pytest.mark.parametrize("by", [-400 * DAY, -DAY, -HOUR, HOUR, DAY])
@settings(max_examples=8)
@given(ages=st.lists(st.floats(0.0, 500 * DAY), min_size=2, max_size=12))
def test_what_happened_keeps_its_order_and_lies_in_the_past(by: float, ages: list[float]) -> None:
    before = sorted(NOW - age for age in ages)
    with sqlite_database() as database:
        with database.write() as db:
            device = make_device(db)
            for number, at in enumerate(before):
                make_posted(db, f"C{number:02}", device, at, install_id=number + 1)
        clock_steps.move(database, Move(NOW + by, by))
        with database.read() as db:
            found = posted(db)
    # Others write already while all is moved: what lies there is taken for theirs.
    early, late = clock_steps.WRITING
    sure = [at for at in found if not NOW + by - early <= at <= NOW + by + late]
    assert sure == sorted(sure)
    assert max(found) <= NOW + by + late


def test_what_others_wrote_by_the_new_time_already_stays(database: Database) -> None:
    with database.write() as db:
        device = make_device(db)
        make_posted(db, "C1", device, NOW + HOUR - 0.5, install_id=1)
        make_posted(db, "C2", device, NOW - HOUR - 0.5, install_id=2)
    clock_steps.move(database, Move(NOW + HOUR, HOUR))
    with database.read() as db:
        assert posted(db) == [NOW + HOUR - 0.5, NOW - 0.5]
    clock_steps.move(database, Move(NOW, -HOUR))
    with database.read() as db:
        assert posted(db) == [NOW - 0.5, NOW - 0.5]


@pytest.mark.parametrize(
    ("by", "after"),
    [
        (-HOUR, [30 - HOUR, -HOUR, -HOUR, -HOUR - 5]),
        (HOUR, [30 + HOUR, 5 - HOUR / 2, -HOUR / 2, -HOUR - 5]),
    ],
)
def test_what_is_due_stays_as_far_away(database: Database, by: float, after: list[float]) -> None:
    """Of what was overdue nothing waits."""
    before = (30.0, 5 - HOUR / 2, -HOUR / 2, -HOUR - 5)
    with database.write() as db:
        for number, at in enumerate(before):
            install = make_install(db, f"S{number}")
            db.execute("UPDATE installs SET next_check_at = ? WHERE id = ?", (NOW + at, install))
    clock_steps.move(database, Move(NOW + by, by))
    with database.read() as db:
        found = [r[0] - NOW for r in db.execute("SELECT next_check_at FROM installs ORDER BY id")]
    assert found == after


def test_how_far_what_is_stored_lies_ahead(database: Database) -> None:
    with database.write() as db:
        meta.count(db, "mdm.duplicate", NOW + 59.0)
        assert clock_steps.ahead(db, NOW) == 0.0, "another process may be a little ahead"
        meta.count(db, "mdm.duplicate", NOW + HOUR)
        assert clock_steps.ahead(db, NOW) == HOUR


def test_large_tables_are_moved_bit_by_bit(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_steps, "AT_ONCE", 7)
    with database.write() as db:
        for number in range(50):
            make_install(db, f"S{number}", now=NOW - 60)
    clock_steps.move(database, Move(NOW + HOUR, HOUR))
    with database.read() as db:
        assert value(db, "SELECT min(created_at) FROM installs") == NOW + HOUR - 60
        assert value(db, "SELECT max(created_at) FROM installs") == NOW + HOUR - 60


@pytest.mark.parametrize("batches", range(0, 25, 3))
def test_what_is_broken_off_is_taken_up_where_it_was(
    database: Database, monkeypatch: pytest.MonkeyPatch, batches: int
) -> None:
    monkeypatch.setattr(clock_steps, "AT_ONCE", 7)
    with database.write() as db:
        for number in range(50):
            make_install(db, f"S{number}", now=NOW - 60)
    whole, left = clock_steps._move, [batches]

    def break_off(*arguments: Any) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        whole(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(clock_steps, "_move", break_off)
        with pytest.raises(KeyboardInterrupt):
            clock_steps.move(database, Move(NOW + HOUR, HOUR))
    with database.read() as db:
        pending = clock_steps.pending(db)
    assert pending == Move(NOW + HOUR, HOUR, batches)
    clock_steps.move(database, pending)
    with database.read() as db:
        found = {row[0] for row in db.execute("SELECT created_at FROM installs")}
        assert found == {NOW + HOUR - 60}, "none twice, none not"
        assert clock_steps.pending(db) is None
