"""What deciding an install needs to know of the user with whose licence it is made."""

from __future__ import annotations

from collections.abc import Collection

from bridge.domain.facts import UserFacts
from bridge.store import rows
from bridge.store.database import Connection


def load(db: Connection, location: str, client_user_ids: Collection[str]) -> dict[str, UserFacts]:
    """By clientUserId, these users at a location; who was never registered there is left out."""
    found = db.execute(
        f"SELECT {rows.columns(UserFacts)} FROM users "
        f"WHERE location = ? AND client_user_id IN ({rows.marks(len(client_user_ids))})",
        (location, *client_user_ids),
    )
    return {row["client_user_id"]: rows.read(UserFacts, row) for row in found}
