"""PostgreSQL beside SQLite: the hook in the same database as a bare one, and the road's CPU."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager

from tests import postgresql
from tests.bench.figures import Asked
from tests.bench.figures.hook import compare
from tests.bench.figures.road import fleet_size, travel
from tests.bench.report import Found, Row

SETTINGS = {
    "fsync": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "synchronous_commit": "on",
    "shared_buffers": "128MB",
    "deadlock_timeout": "1s",
}
"""As a server comes: a commit is on its disk."""


def on_postgresql(asked: Asked) -> Found:
    """A server of our own; skipped where PostgreSQL is not installed."""
    if postgresql.programs() is None:
        return Found([Row("PostgreSQL", skipped="initdb is not installed")])
    with postgresql.own_server(**SETTINGS) as server:
        found = _hook(asked, server.where)
        found.add(_road(asked, server.where))
        return found


def _hook(asked: Asked, server: str) -> Found:
    with postgresql.database(server) as where, used(where):
        return compare(
            asked,
            "hook on PostgreSQL",
            {1: (0.7, None), 32: (0.7, None)},
            None,
            postgresql.url(where),
        )


def _road(asked: Asked, server: str) -> Found:
    """All processes of `serve`, not the server's, in turn on both."""
    devices, apps = fleet_size(asked)
    files, others = [], []
    for _ in range(asked.rounds or 1):
        files.append(travel(devices, apps))
        with postgresql.database(server) as where, used(where):
            others.append(travel(devices, apps))
    there, here = (statistics.median(road.cpu for road in roads) for roads in (others, files))
    name = f"road {devices} × {apps} on PostgreSQL"
    return Found(
        [
            Row(
                f"{name}: CPU for an install",
                f"{there * 1e3:.2f} ms",
                f"{here * 1e3:.2f} ms (SQLite)",
                there / here,
                at_most=1.5,
            )
        ],
        [(name, others[-1].cost)],
        [f"{name}: {road.words()}" for road in others],
    )


@contextmanager
def used(where: str) -> Iterator[None]:
    """Every bridge that is started meanwhile has that database in place of its file."""
    os.environ["BRIDGE_DATABASE"] = postgresql.url(where)
    try:
        yield
    finally:
        del os.environ["BRIDGE_DATABASE"]
