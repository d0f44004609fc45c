"""Deciding anew all that is on its way, after a time in which nobody may have listened."""

from __future__ import annotations

from bridge.store.database import Database
from bridge.store.installs import installs

AT_ONCE = 1000
"""Installs that one transaction marks at most."""


def touch_all(database: Database, now: float) -> None:
    """Mark every install dirty that is on its way. They are looked for while others may write."""
    found = [0]
    while found:
        with database.read() as db:
            found = installs.unsettled(db, found[-1], AT_ONCE)
        if found:
            with database.write() as db:
                installs.touch_ids(db, found, now)
