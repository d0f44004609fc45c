"""One-off wishes: an app on a device, or not on it, because a person asked for that, beside what
the file wants."""

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


@dataclass(frozen=True, slots=True)
class Beside:
    """All that is wished for beside the file: apps on devices, and (serial number, adam id) that
    are `excluded`, whatever the file says."""

    wishes: tuple[OneOff, ...] = ()
    excluded: frozenset[tuple[str, str]] = frozenset()

    def without(self, adam_id: str) -> frozenset[str]:
        """The devices that are not to have an app."""
        return frozenset(serial for serial, other in self.excluded if other == adam_id)


_PAIR = "target = ? AND adam_id = ?"
_EXCLUDED, _REPLACED = 1, 2


def put(db: Connection, wish: OneOff, now: float) -> bool:
    """Store a wish, in the place of an earlier one for its pair; whether there was no such."""
    values = (wish.asset.pricing_param, wish.location)
    changed = db.execute(
        f"UPDATE one_offs SET pricing_param = ?, location = ? WHERE {_PAIR} AND excluded = 0",
        (*values, *wish.pair),
    )
    if changed.rowcount:
        return False
    withdraw(db, wish.pair)
    db.execute(
        "INSERT INTO one_offs (pricing_param, location, target, adam_id, made_at) "
        "VALUES (?, ?, ?, ?, ?)",
        (*values, *wish.pair, now),
    )
    return True


def exclude(db: Connection, pair: tuple[str, str], now: float) -> bool:
    """A device is not to have an app, (serial number, adam id); whether that is new. A wish for it
    is over by that."""
    known = db.execute(f"SELECT excluded FROM one_offs WHERE {_PAIR}", pair).fetchone()
    if known is not None and known[0] == _EXCLUDED:
        return False
    _leave_out(db, pair, _EXCLUDED, now)
    return True


def replaced(db: Connection, pair: tuple[str, str], now: float) -> None:
    """Another device takes this one's place: what was applied does not mean it any more, until an
    apply shows it again."""
    _leave_out(db, pair, _REPLACED, now)


def forget_replaced(db: Connection) -> None:
    """An apply shows what it means, whoever took whose place."""
    db.execute("DELETE FROM one_offs WHERE excluded = ?", (_REPLACED,))


def is_replaced(db: Connection, pair: tuple[str, str]) -> bool:
    """Whether another device took this one's place, and no apply has shown it since."""
    row = db.execute(f"SELECT excluded FROM one_offs WHERE {_PAIR}", pair).fetchone()
    return row is not None and row[0] == _REPLACED


def _leave_out(db: Connection, pair: tuple[str, str], how: int, now: float) -> None:
    withdraw(db, pair)
    db.execute(
        "INSERT INTO one_offs (pricing_param, location, target, adam_id, excluded, "
        "made_at) VALUES ('', '', ?, ?, ?, ?)",
        (*pair, how, now),
    )


def is_excluded(db: Connection, pair: tuple[str, str]) -> bool:
    """Whether a person said that a device is not to have an app."""
    row = db.execute(f"SELECT excluded FROM one_offs WHERE {_PAIR}", pair).fetchone()
    return row is not None and bool(row[0])


def withdraw(db: Connection, pair: tuple[str, str]) -> bool:
    """Take what is said of this (serial number, adam id) away; whether there was anything."""
    return db.execute(f"DELETE FROM one_offs WHERE {_PAIR}", pair).rowcount > 0


def load(db: Connection, serial_number: str | None = None) -> Beside:
    """What is wished for one device, or for all of them, by serial number and adam id.

    Of all, as an apply asks for it, that one takes another's place says nothing.
    """
    of_one = f"WHERE excluded <> {_REPLACED} " if serial_number is None else "WHERE target = ? "
    found = db.execute(
        "SELECT target, adam_id, pricing_param, location, excluded FROM one_offs "
        f"{of_one}ORDER BY target, adam_id",
        () if serial_number is None else (serial_number,),
    ).fetchall()
    return Beside(
        tuple(OneOff(row[0], Asset(row[1], row[2]), row[3]) for row in found if not row[4]),
        frozenset((row[0], row[1]) for row in found if row[4]),
    )
