"""One-off wishes: an app on a device because a person asked for it, beside what the file wants."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.model import Asset
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class OneOff:
    """One app on one device, from this location's licences."""

    serial_number: str
    asset: Asset
    location: str

    @property
    def pair(self) -> tuple[str, str]:
        """The (serial number, adam id) that it is about; there is one wish for each."""
        return self.serial_number, self.asset.adam_id


_PAIR = "target_kind = 'serial' AND target = ? AND adam_id = ?"


def put(db: Connection, wish: OneOff, now: float) -> bool:
    """Store a wish, in the place of an earlier one for its pair; whether there was none."""
    values = (wish.asset.pricing_param, wish.location)
    changed = db.execute(
        f"UPDATE one_offs SET pricing_param = ?, location = ? WHERE {_PAIR}", (*values, *wish.pair)
    )
    if changed.rowcount:
        return False
    db.execute(
        "INSERT INTO one_offs (target_kind, pricing_param, location, target, adam_id, made_at) "
        "VALUES ('serial', ?, ?, ?, ?, ?)",
        (*values, *wish.pair, now),
    )
    return True


def withdraw(db: Connection, pair: tuple[str, str]) -> bool:
    """Take the wish for this (serial number, adam id) away; whether there was one."""
    return db.execute(f"DELETE FROM one_offs WHERE {_PAIR}", pair).rowcount > 0


def load(db: Connection, serial_number: str | None = None) -> list[OneOff]:
    """The wishes for one device, or all of them, by serial number and adam id."""
    found = db.execute(
        "SELECT target, adam_id, pricing_param, location FROM one_offs "
        "WHERE target_kind = 'serial' AND (? IS NULL OR target = ?) ORDER BY target, adam_id",
        (serial_number, serial_number),
    )
    return [OneOff(row[0], Asset(row[1], row[2]), row[3]) for row in found]
