"""Installs that nobody wants any more and whose licence stays (KEPT)."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from bridge.domain.installs.options import Options
from bridge.domain.model import Install
from bridge.store import rows
from bridge.store.database import Connection


def page(
    db: Connection, serials: Sequence[str], adam_ids: Sequence[str], after: int, limit: int
) -> list[Install]:
    """Those of these devices and apps (all, where none is named) beyond the id `after`."""
    of_devices = f"AND target IN ({rows.marks(len(serials))}) " if serials else ""
    of_apps = f"AND adam_id IN ({rows.marks(len(adam_ids))}) " if adam_ids else ""
    found = db.execute(
        f"SELECT {rows.columns(Install)} FROM installs WHERE id > ? "
        f"AND desired = 0 AND reason = 'KEPT' {of_devices}{of_apps}ORDER BY id LIMIT ?",
        (after, *serials, *adam_ids, limit),
    )
    return [rows.read(Install, row) for row in found]


def keep(db: Connection, installs: Collection[Install]) -> None:
    """Have the licences of these stay when they are no longer wanted, for somebody to decide."""
    db.executemany(
        "UPDATE installs SET options = ? WHERE id = ?",
        [
            (replace(Options.from_text(i.options), on_unwanted="keep").as_text(), i.id)
            for i in installs
        ],
    )


def release(db: Connection, installs: Collection[Install], now: float) -> None:
    """Have the licences of these given back, the apps stay; but for what is wanted again."""
    db.executemany(
        "UPDATE installs SET options = ?, dirty_at = ?, updated_at = ?, round_at = ? "
        "WHERE id = ? AND desired = 0",
        [
            (
                replace(Options.from_text(each.options), on_unwanted="release").as_text(),
                *(now,) * 3,
                each.id,
            )
            for each in installs
        ],
    )
