"""What one look for old rows reads is bounded, however many rows stay."""

from __future__ import annotations

from functools import partial

import pytest

from bridge.domain.policy import DAY, RetentionPolicy
from bridge.store import pruning
from bridge.store.database import Connection
from bridge.store.pruning import RULES, Rule
from tests.unit.store_kit import NOW, prune, rows_like, steps

STAY: dict[str, dict[str, object]] = {
    "events": {"status": "done", "received_at": NOW},
    "seen_messages": {"source": "mdm", "seen_at": NOW},
    "outbox": {"state": "done", "settled_at": NOW},
    "installs": {"state": "installed", "desired": 1, "locations": ""},
    "commands": {"state": "acknowledged", "request_type": "InstallApplication"},
    "failures": {"at": NOW},
    "request_pairs": {"state": "confirmed", "settled_at": 0},
    "apple_requests": {"state": "open"},
    "asset_days": {"day": NOW // DAY},
    "webhook_gaps": {"day": NOW // DAY},
}
"""Rows by table that are kept, most of them though they are old."""
NAMED = {
    "commands": "install_id",
    "failures": "serial_number",
    "asset_days": "adam_id",
    "webhook_gaps": "server",
}
"""Columns by which they differ, where it is none of the usual."""


def keep_rows(db: Connection, table: str, numbers: range) -> None:
    for number in numbers:
        named = {NAMED[table]: number} if table in NAMED else {}
        rows_like(db, table, STAY[table] | named, [number])
        if table == "commands":
            rows_like(db, "installs", STAY["installs"] | {"id": number}, [number])


@pytest.mark.sqlite_alone("its steps are counted")
@pytest.mark.parametrize("rule", [r for r in RULES if r.table in STAY], ids=lambda r: r.table)
def test_a_look_reads_no_more_however_much_stays(
    db: Connection, rule: Rule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "LOOKED_AT", 20)
    look = partial(pruning.find, db, rule, pruning.bounds(RetentionPolicy(), NOW))
    keep_rows(db, rule.table, range(1, 41))
    few = steps(db, look)
    keep_rows(db, rule.table, range(41, 900))
    assert steps(db, look) <= few + 100
    assert look().rows == []


def test_a_round_sees_all_of_a_large_table(db: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pruning, "LOOKED_AT", 20)
    keep_rows(db, "commands", range(1, 200))
    rows_like(db, "commands", {"state": "dropped", "created_at": 0}, range(300, 350))
    keep_rows(db, "commands", range(400, 500))
    prune(db, NOW)
    assert db.execute("SELECT count(*) FROM commands").fetchone()[0] == 299


def test_rows_of_many_bytes_go_few_at_a_time_and_none_is_passed_over(
    db: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "BYTES", 100)
    rows_like(db, "events", {"status": "done", "body": b"x" * 60}, range(5))
    rule, before = RULES[0], pruning.bounds(RetentionPolicy(), NOW)
    assert len(pruning.find(db, rule, before).rows) == 1
    prune(db, NOW)
    assert db.execute("SELECT count(*) FROM events").fetchone()[0] == 0
