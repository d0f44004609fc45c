"""From where licences may come, in order: the few different lists that a fleet of installs has.

`installs.locations` is the key of its list. What is in a list is read here, never out of the key.
"""

from __future__ import annotations

from collections.abc import Iterable

from bridge.store.database import Connection


def key(names: Iterable[str]) -> str:
    """The key of a list: names have no comma, so that two lists never share one."""
    return ",".join(names)


def store(db: Connection, lists: Iterable[tuple[str, ...]]) -> None:
    """Keep these lists, before the installs that name them."""
    db.executemany(
        "INSERT INTO location_lists (locations, position, location) VALUES (?, ?, ?) "
        "ON CONFLICT DO NOTHING",
        [(key(names), position, name) for names in lists for position, name in enumerate(names)],
    )


def load(db: Connection) -> dict[str, tuple[str, ...]]:
    """Every list by its key."""
    found: dict[str, tuple[str, ...]] = {}
    for row in db.execute(
        "SELECT locations, location FROM location_lists ORDER BY locations, position"
    ):
        found[row[0]] = (*found.get(row[0], ()), row[1])
    return found
