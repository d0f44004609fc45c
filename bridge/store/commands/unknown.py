"""Commands for apps in devices' queues that are not the bridge's, as its looks at queues show them.

Only what concerns an app is kept, and of that no payload: it may be another tool's, and secret.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.store import rows
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class UnknownCommand:
    """One of them; `adam_id` is empty where it names an app that nobody knows."""

    device_id: int
    command_uuid: str
    target: str
    adam_id: str
    request_type: str
    since: float


def ours(db: Connection, command_uuids: Collection[str]) -> frozenset[str]:
    """Those of these CommandUUIDs that the bridge has chosen."""
    found = db.execute(
        "SELECT command_uuid FROM commands "
        f"WHERE command_uuid IN ({rows.marks(len(command_uuids))})",
        tuple(command_uuids),
    )
    return frozenset(row[0] for row in found)


def keep(
    db: Connection, device_id: int, target: str | None, shown: Sequence[UnknownCommand]
) -> None:
    """A look at a device's queue showed these, and no others. Since when each is there stays."""
    known = db.execute(
        "SELECT command_uuid FROM unknown_commands WHERE device_id = ?", (device_id,)
    ).fetchall()
    uuids = {each.command_uuid for each in shown}
    db.executemany(
        "DELETE FROM unknown_commands WHERE device_id = ? AND command_uuid = ?",
        [(device_id, row[0]) for row in known if row[0] not in uuids],
    )
    db.executemany(
        "INSERT INTO unknown_commands (device_id, command_uuid, target, adam_id, request_type, "
        "since) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (device_id, command_uuid) DO NOTHING",
        [
            (device_id, c.command_uuid, target, c.adam_id, c.request_type, c.since)
            for c in shown
            if target is not None
        ],
    )


def cleared(db: Connection, device_id: int) -> None:
    """The device enrols anew: its server has emptied its queue."""
    db.execute("DELETE FROM unknown_commands WHERE device_id = ?", (device_id,))


def answered(db: Connection, device_id: int, command_uuid: str) -> None:
    """The device has answered a command that is not the bridge's."""
    db.execute(
        "DELETE FROM unknown_commands WHERE device_id = ? AND command_uuid = ?",
        (device_id, command_uuid),
    )


def devices(db: Connection, server: str) -> list[int]:
    """The ids of a server's devices in whose queues there were some."""
    found = db.execute(
        "SELECT DISTINCT u.device_id FROM unknown_commands u JOIN devices d ON d.id = u.device_id "
        "WHERE d.server = ? ORDER BY u.device_id",
        (server,),
    )
    return [row[0] for row in found]
