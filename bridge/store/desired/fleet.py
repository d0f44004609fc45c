"""What is desired of the whole fleet at once, and what waits for an apply."""

from __future__ import annotations

from collections import defaultdict
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
    """Everything that is desired now, by how it is desired, app by app."""
    lists = location_lists.load(db)
    plain = db.cursor()
    plain.row_factory = None  # a fleet's installs are read whole: tuples take half the time
    found = plain.execute(f"SELECT adam_id, {_WAY}, target FROM installs WHERE desired = 1")
    serials: dict[tuple[Any, ...], list[str]] = defaultdict(list)
    for row in found:
        serials[row[:-1]].append(row[-1])
    apps: dict[str, list[Cohort]] = defaultdict(list)
    while serials:
        way, some = serials.popitem()
        apps[way[0]].insert(0, _cohort(way, some, lists))
    return [cohort for adam_id in sorted(apps) for cohort in apps[adam_id]]


def _cohort(
    way: tuple[Any, ...], serials: list[str], lists: Mapping[str, tuple[str, ...]]
) -> Cohort:
    adam_id, pricing_param, locations, priority, options, desired_by, on_hold = way
    return Cohort(
        Asset(adam_id, pricing_param),
        lists[locations][0],
        priority,
        _options(options),
        desired_by,
        frozenset(serials),
        on_hold,
        lists[locations][1:],
    )


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
