"""What a decision knows of the commands of its install: the newest, and the one that was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.catalogue import answer_meaning
from bridge.domain.model import Attempt
from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Attempts:
    """By install, its newest InstallApplication (of a book InstallMedia) and its newest
    RemoveApplication; and by install, device and enrolment, the settings of the newest install that
    the device took."""

    sends: Mapping[int, Attempt]
    removals: Mapping[int, Attempt]
    taken: Mapping[tuple[int, int, int], str]


def of_installs(db: Connection, install_ids: Sequence[int]) -> Attempts:
    """What became of all commands of these installs, by one statement."""
    found = db.execute(
        f"SELECT {rows.columns(Attempt)}, request_type, install_id FROM commands "
        f"WHERE install_id IN ({rows.marks(len(install_ids))}) ORDER BY created_at, attempt",
        tuple(install_ids),
    )
    sends: dict[int, Attempt] = {}
    newest: dict[str, dict[int, Attempt]] = {
        "InstallApplication": sends,
        "InstallMedia": sends,
        "RemoveApplication": {},
    }
    taken: dict[tuple[int, int, int], str] = {}
    for row in found:
        attempt, install_id = rows.read(Attempt, row), row["install_id"]
        newest[row["request_type"]][install_id] = attempt
        if attempt.settings is not None and _is_taken(attempt):
            taken[install_id, attempt.device_id, attempt.enrolment] = attempt.settings
    return Attempts(sends, newest["RemoveApplication"], taken)


def _is_taken(attempt: Attempt) -> bool:
    """Whether its device took it: accepted, or given up without an answer since the app was seen as
    Managed, while it was not so before."""
    if attempt.state == "dropped":
        return attempt.posts > 0 and not attempt.renews
    return attempt.state == "acknowledged" and answer_meaning(attempt) is None
