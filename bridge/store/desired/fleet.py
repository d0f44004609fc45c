"""What is desired of the whole fleet at once, and what waits for an apply."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from bridge.domain.desired.change import Cohort
from bridge.domain.desired.desired import BY_ONE_OFF
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset
from bridge.store.database import Connection
from bridge.store.installs import location_lists

_WAY = "pricing_param, locations, priority, options, desired_by, on_hold"


def desired(db: Connection) -> list[Cohort]:
    """Everything that is desired now, by how it is desired."""
    lists = location_lists.load(db)
    apps = db.execute("SELECT DISTINCT adam_id FROM installs ORDER BY adam_id").fetchall()
    return [cohort for row in apps for cohort in _of_app(db, row[0], lists)]


def _of_app(db: Connection, adam_id: str, lists: Mapping[str, tuple[str, ...]]) -> list[Cohort]:
    """App by app, so that the rows of one app at a time are in memory."""
    found = db.execute(
        f"SELECT {_WAY}, target FROM installs WHERE adam_id = ? "
        "AND desired = 1 AND target_kind = 'serial'",
        (adam_id,),
    )
    serials: dict[tuple[Any, ...], list[str]] = {}
    for *way, serial_number in found:
        serials.setdefault(tuple(way), []).append(serial_number)
    return [
        Cohort(
            Asset(adam_id, pricing_param),
            lists[locations][0],
            priority,
            _options(options),
            desired_by,
            frozenset(some),
            on_hold,
            lists[locations][1:],
        )
        for (pricing_param, locations, priority, options, desired_by, on_hold), some in (
            serials.items()
        )
    ]


@lru_cache(maxsize=1024)
def _options(document: str) -> Options:
    return Options.from_text(document)


def gone_since(db: Connection, limited_at: float) -> int:
    """How many installs that the file wants were let go since applies have a limit."""
    row = db.execute(
        "SELECT count(*) FROM installs WHERE desired = 1 AND created_at >= ? AND desired_by <> ? "
        "AND (on_hold IS NULL OR on_hold = 'PLATFORM_UNKNOWN')",
        (limited_at, BY_ONE_OFF),
    ).fetchone()
    return int(row[0])
