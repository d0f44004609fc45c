"""What the last apply stored: the groups and apps themselves, so that rules go on working."""

from __future__ import annotations

import json

from bridge.domain.wanted import Wanted
from bridge.store.database import Connection


def store(db: Connection, wanted: Wanted, now: float) -> None:
    """Replace what is wanted."""
    db.execute(
        "INSERT INTO wanted (id, document, stored_at) VALUES (1, ?, ?) ON CONFLICT (id) "
        "DO UPDATE SET document = excluded.document, stored_at = excluded.stored_at",
        (json.dumps(wanted.as_json()), now),
    )


def load(db: Connection) -> Wanted:
    """What is wanted; nothing before the first apply."""
    row = db.execute("SELECT document FROM wanted WHERE id = 1").fetchone()
    return Wanted.from_json(json.loads(row[0])) if row else Wanted()
