"""What is wanted of the whole fleet at once, and what waits for an apply."""

from __future__ import annotations

import json
from functools import lru_cache

from bridge.domain.desired.change import Cohort
from bridge.domain.desired.desired import BY_ONE_OFF
from bridge.domain.installs.options import Options
from bridge.domain.model import Asset
from bridge.store.database import Connection

_WAY = "pricing_param, locations, priority, options, desired_by, on_hold"


def desired(db: Connection) -> list[Cohort]:
    """Everything that is wanted now, by how it is wanted."""
    apps = db.execute("SELECT DISTINCT adam_id FROM installs ORDER BY adam_id").fetchall()
    return [cohort for row in apps for cohort in _of_app(db, row[0])]


def _of_app(db: Connection, adam_id: str) -> list[Cohort]:
    """App by app, since one sort of a whole fleet's installs takes several times as long."""
    found = db.execute(
        f"SELECT {_WAY}, group_concat(target, ' ') FROM installs WHERE adam_id = ? "
        f"AND desired = 1 AND target_kind = 'serial' GROUP BY {_WAY}",
        (adam_id,),
    )
    return [
        Cohort(
            Asset(adam_id, row[0]),
            row[1].partition(",")[0],
            row[2],
            _options(row[3]),
            row[4],
            frozenset(row[6].split(" ")),
            row[5],
            tuple(row[1].split(",")[1:]),
        )
        for row in found
    ]


@lru_cache(maxsize=1024)
def _options(document: str) -> Options:
    return Options(**json.loads(document))


def gone_since(db: Connection, limited_at: float) -> int:
    """How many installs that the file wants were let go since applies have a limit."""
    row = db.execute(
        "SELECT count(*) FROM installs WHERE desired = 1 AND created_at >= ? AND desired_by <> ? "
        "AND (on_hold IS NULL OR on_hold = 'PLATFORM_UNKNOWN')",
        (limited_at, BY_ONE_OFF),
    ).fetchone()
    return int(row[0])
