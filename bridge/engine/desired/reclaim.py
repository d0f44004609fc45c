"""Giving back the licences of apps that nobody wants any more, because a person says so.

Under `on_unwanted: keep` they stay. Only those that the bridge itself got are ever given back.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.model import Install
from bridge.store.database import Connection
from bridge.store.installs import facts, kept

AT_ONCE = 500


def find(db: Connection, serials: Sequence[str], adam_ids: Sequence[str]) -> list[Install]:
    """The installs of these devices and apps (all, where none is named) whose licence is the
    bridge's, and wanted by nobody."""
    found: list[Install] = []
    after = 0
    while some := kept.page(db, serials, adam_ids, after, AT_ONCE):
        after = some[-1].id
        known = facts.load(db, some)
        found += [f.install for f in known if f.licence.state == "owned" and f.licence.ours]
    return found


def reclaim(db: Connection, installs: Sequence[Install], now: float) -> None:
    """Give these licences back, as a removal under `on_unwanted: release` does."""
    kept.release(db, installs, now)
