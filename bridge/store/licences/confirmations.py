"""How long Apple takes from a request for licences to each confirmed one, counted for ever."""

from __future__ import annotations

from bisect import bisect_left
from typing import Final

from bridge.domain.metrics import CONFIRMATION_BOUNDS
from bridge.store.database import Connection
from bridge.store.licences.requests import AppleRequest

_LONGER: Final = 1e9
"""The bound of the bucket for all that takes longer than the last one."""


def count(db: Connection, request: AppleRequest, told_by: str, number: int, now: float) -> None:
    """So many licences of a request were confirmed together, and who told it first."""
    if not number:
        return
    asked_at = request.created_at if request.submitted_at is None else request.submitted_at
    seconds = now - asked_at
    bound = (*CONFIRMATION_BOUNDS, _LONGER)[bisect_left(CONFIRMATION_BOUNDS, seconds)]
    db.execute(
        "INSERT INTO measured (name, scope, kind, result, le, count, total) "
        "VALUES ('confirmations', ?, ?, ?, ?, ?, ?) ON CONFLICT (name, scope, kind, result, le) "
        "DO UPDATE SET count = measured.count + excluded.count, "
        "total = measured.total + excluded.total",
        (
            request.location,
            told_by,
            request.kind,
            bound,
            number,
            number * max(seconds, 0.0),
        ),
    )
