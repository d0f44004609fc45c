"""Invitations that were to be shown on devices: what each said, and the link until it has."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.users.inviting import Invitation
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.users.users import PIECE


def keep(
    db: Connection,
    command_uuid: str,
    location: str,
    client_user_id: str,
    *,
    target: str,
    url: str,
    now: float,
) -> None:
    """A command to show a user the invitation was made."""
    db.execute(
        "INSERT INTO invitations (command_uuid, location, client_user_id, target, url, created_at) "
        "VALUES (?, ?, ?, ?, ?, ?)",
        (command_uuid, location, client_user_id, target, url, now),
    )


def url(db: Connection, command_uuid: str) -> str | None:
    """The link that a command carries; None once its device has answered."""
    row = db.execute(
        "SELECT url FROM invitations WHERE command_uuid = ?", (command_uuid,)
    ).fetchone()
    return row[0] if row else None


def answered(db: Connection, command_uuid: str, answer: str, *, shown: bool) -> None:
    """The device showed it, or said why not: its link is needed no more."""
    db.execute(
        "UPDATE invitations SET answer = ?, shown = ?, url = NULL WHERE command_uuid = ?",
        (answer, int(shown), command_uuid),
    )


def newest(db: Connection, client_user_ids: Sequence[str]) -> dict[tuple[str, str], Invitation]:
    """By (location, clientUserId), the newest invitation of each of these users who has one."""
    found = dict[tuple[str, str], Invitation]()
    for start in range(0, len(client_user_ids), PIECE):
        some = rows.padded(client_user_ids[start : start + PIECE])
        for row in db.execute(
            "SELECT i.location, i.client_user_id, i.target, i.created_at, i.shown, i.answer, "
            "c.state FROM invitations i LEFT JOIN commands c ON c.command_uuid = i.command_uuid "
            f"WHERE i.client_user_id IN ({rows.marks(len(some))}) ORDER BY i.created_at",
            some,
        ):
            each = Invitation(row[2], row[3], bool(row[4]), row[5], row[6])
            found[row[0], row[1]] = each
    return found
