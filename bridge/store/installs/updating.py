"""Installs whose app may get a newer version."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.model import Install
from bridge.domain.updates.facts import OPEN, Asked
from bridge.store import rows
from bridge.store.database import Connection

SQL_OPEN = rows.among(OPEN)


def ask(db: Connection, install_ids: Sequence[int], asked: Asked, now: float) -> None:
    """A person wants the newest version of these."""
    db.executemany(
        "UPDATE installs SET update_asked = ?, dirty_at = coalesce(dirty_at, ?) WHERE id = ?",
        [(asked, now, install_id) for install_id in install_ids],
    )


def fulfilled(db: Connection, install_id: int) -> None:
    """It is there, or on its way; nobody asks any more."""
    db.execute("UPDATE installs SET update_asked = NULL WHERE id = ?", (install_id,))


def touch_ring(db: Connection, scope: tuple[str, str, str], ring: int | None, now: float) -> None:
    """Decide anew what waits for a version (by adam id, storefront and family): in one ring, or in
    all."""
    where, values = ("", ()) if ring is None else (" AND ring = ?", (ring,))
    db.execute(
        "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) WHERE id IN "
        "(SELECT install_id FROM updates WHERE adam_id = ? AND storefront = ? AND family = ? "
        f"AND state IN {SQL_OPEN}{where})",
        (now, *scope, *values),
    )


def touch_app(db: Connection, adam_id: str, now: float) -> None:
    """There is a newer version of an app: decide anew where it is there and wished for."""
    db.execute(
        "UPDATE installs SET dirty_at = coalesce(dirty_at, ?) "
        "WHERE adam_id = ? AND desired = 1 AND state = 'installed' "
        "AND (options LIKE '%\"update\"%' OR update_asked IS NOT NULL)",
        (now, adam_id),
    )


def targets(db: Connection, install_ids: Sequence[int]) -> list[str]:
    """The devices of these installs."""
    some = rows.padded(install_ids)
    found = db.execute(
        f"SELECT DISTINCT target FROM installs WHERE id IN ({rows.marks(len(some))}) "
        "ORDER BY target",
        some,
    )
    return [row[0] for row in found]


def any_undecided(db: Connection, adam_id: str) -> bool:
    """Whether an install of an app is still to be decided."""
    row = db.execute(
        "SELECT 1 FROM installs WHERE dirty_at IS NOT NULL AND adam_id = ? LIMIT 1", (adam_id,)
    ).fetchone()
    return row is not None


def there(db: Connection, adam_id: str) -> list[Install]:
    """The installs of an app that are there and wanted."""
    found = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs "
        "WHERE adam_id = ? AND desired = 1 AND state = 'installed' ORDER BY target",
        (adam_id,),
    )
    return [rows.read(Install, row) for row in found]
