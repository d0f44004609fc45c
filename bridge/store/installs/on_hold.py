"""Wishes that nothing is done for: on hold until an apply shows them, or made by a rule in vain."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bridge.domain.installs.options import Options
from bridge.domain.model import OnHold
from bridge.store.database import Connection
from bridge.store.installs.states import SQL_NOTHING_SENT

_OF_FILE = "target = ? AND adam_id = ? AND desired = 1 AND desired_by = 'file' AND attempts = 0"


def forget(db: Connection, pairs: Iterable[tuple[str, str]]) -> None:
    """A rule wished for these (serial number, adam id) in vain; those for which nothing was asked
    or sent are no more.
    """
    db.executemany(
        f"DELETE FROM installs WHERE {_OF_FILE} AND state = 'waiting' AND NOT EXISTS (SELECT 1 "
        "FROM request_pairs p WHERE p.target = installs.target AND p.adam_id = installs.adam_id)",
        list(pairs),
    )


def cancel(db: Connection, pairs: Iterable[tuple[str, str]], now: float) -> None:
    """A rule wished for these (serial number, adam id) before it was known what the device is.

    A licence that was got goes back, even under `keep`, since it is of no use there. What was sent,
    or is there, stays for an apply to show.
    """
    for pair in pairs:
        row = db.execute(
            f"SELECT id, options FROM installs WHERE {_OF_FILE} AND state IN {SQL_NOTHING_SENT}",
            pair,
        ).fetchone()
        if row is not None:
            db.execute(
                "UPDATE installs SET desired = 0, needs_seat = 0, dirty_at = ?, updated_at = ?, "
                "round_at = ?, options = ? WHERE id = ?",
                (now, now, now, _released(row["options"]), row["id"]),
            )


def _released(options: str) -> str:
    values = Options.from_text(options)
    if values.on_unwanted == "keep":
        values = replace(values, on_unwanted="release")
    return values.as_text()


def let_go(
    db: Connection, pairs: Iterable[tuple[str, str]], now: float, on_hold: OnHold | None = None
) -> None:
    """These (serial number, adam id) wait for no apply any more; but for what `on_hold` says."""
    db.executemany(
        "UPDATE installs SET on_hold = ?, round_at = ?, updated_at = ?, dirty_at = ? "
        "WHERE target = ? AND adam_id = ? "
        "AND on_hold IN ('NOT_PLANNED', 'HELD_BACK')",
        [(on_hold, now, now, now, *pair) for pair in pairs],
    )


def of_device(db: Connection, serial_number: str) -> dict[str, OnHold | None]:
    """The adam ids of what is desired on a device, each with why it is on hold, if it is."""
    found = db.execute(
        "SELECT adam_id, on_hold FROM installs WHERE target = ? AND desired = 1",
        (serial_number,),
    )
    return {row[0]: row[1] for row in found}
