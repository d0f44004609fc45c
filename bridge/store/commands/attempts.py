"""What a decision knows of the commands of its install: the newest, and the one that was taken."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.catalogue import answer_meaning
from bridge.domain.model import Attempt
from bridge.store import rows
from bridge.store.database import Connection


def newest(db: Connection, install_ids: Sequence[int], request_type: str) -> dict[int, Attempt]:
    """For each install its newest command of one kind: InstallApplication or RemoveApplication."""
    found = db.execute(
        f"SELECT {rows.columns(Attempt)}, install_id FROM commands "
        f"WHERE install_id IN ({rows.marks(len(install_ids))}) "
        "AND request_type = ? ORDER BY created_at, attempt",
        (*install_ids, request_type),
    )
    return {row["install_id"]: rows.read(Attempt, row) for row in found}


def taken(db: Connection, install_ids: Sequence[int]) -> dict[tuple[int, int, int], str]:
    """By install, device and enrolment, the settings of the newest install that the device took.

    It took one that it accepted; and one that was given up without an answer, being seen as
    Managed, while it was not so before.
    """
    found = db.execute(
        f"SELECT {rows.columns(Attempt)}, install_id FROM commands "
        f"WHERE install_id IN ({rows.marks(len(install_ids))}) AND settings IS NOT NULL "
        "AND (state = 'acknowledged' OR (state = 'dropped' AND posts > 0 AND renews = 0)) "
        "ORDER BY created_at, attempt",
        tuple(install_ids),
    )
    attempts = ((row["install_id"], rows.read(Attempt, row)) for row in found)
    return {
        (install_id, attempt.device_id, attempt.enrolment): attempt.settings or ""
        for install_id, attempt in attempts
        if attempt.state == "dropped" or answer_meaning(attempt) is None
    }
