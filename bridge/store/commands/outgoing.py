"""What is known of a command when it leaves: itself, its device and its app, by one statement."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store.database import Connection
from bridge.store.devices.devices import ENROLMENT_ID


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A command as it leaves. `enrolment_id` is by what its server addresses the device; `adam_id`
    and `bundle_id` are its install's, None for a question, and while nobody knows the bundle id.
    """

    command_uuid: str
    state: str
    request_type: str
    identifiers: str | None
    settings: str | None
    enrolment_id: str | None
    adam_id: str | None
    bundle_id: str | None
    not_after: float | None = None
    """When it must have left, if it must."""


def get(db: Connection, command_uuid: str) -> Outgoing:
    """One command of ours, which is never deleted while its outbox row is open."""
    row = db.execute(
        "SELECT c.command_uuid, c.state, c.request_type, c.identifiers, c.settings, "
        f"{ENROLMENT_ID}, i.adam_id, coalesce(i.bundle_id, a.bundle_id), c.not_after "
        "FROM commands c "
        "JOIN devices d ON d.id = c.device_id LEFT JOIN installs i ON i.id = c.install_id "
        "LEFT JOIN apps a ON a.adam_id = i.adam_id WHERE c.command_uuid = ?",
        (command_uuid,),
    ).fetchone()
    return Outgoing(*row)
