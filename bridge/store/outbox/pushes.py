"""What became of the pushes that were asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.store.database import Connection
from bridge.store.outbox.states import SQL_OVER

MANY = 3
"""So many failures in a row are no longer one device's."""

_LOOK = 20


@dataclass(frozen=True, slots=True)
class Pushed:
    """One push; `error` is None where the server sent it."""

    at: float
    error: str | None


def newest(db: Connection, server: str, since: float) -> Sequence[Pushed]:
    """The newest of a server, newest first, at most 20."""
    rows = db.execute(
        "SELECT settled_at, state, error FROM outbox "
        "WHERE settled_at > ? AND service = 'mdm' AND scope = ? AND kind = 'push' "
        f"AND state IN {SQL_OVER} ORDER BY settled_at DESC, id DESC LIMIT ?",
        (since, server, _LOOK),
    )
    return [
        Pushed(row["settled_at"], row["error"] if row["state"] == "failed" else None)
        for row in rows
    ]
