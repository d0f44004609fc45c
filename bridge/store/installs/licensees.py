"""Whose licence an install is made with where it is not its device's."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from bridge.domain.devices.targets import user_of
from bridge.domain.installs.options import Options
from bridge.domain.licences.licensee import needs_user
from bridge.domain.model import Asset, Install, Pair
from bridge.store import rows
from bridge.store.database import Connection
from bridge.store.licences import locations


def resolved(
    db: Connection, installs: Sequence[Install], some: Sequence[Install]
) -> Sequence[Install]:
    """The installs, those of `some` with the users with whose licence they are made now."""
    wanting = {i.id for i in some if _needs_user(db, i)}
    users = of_targets(db, [i.target for i in some])
    found = {
        i.id: (user_of(i.target) or users.get(i.target)) if i.id in wanting else None for i in some
    }
    return [
        replace(i, client_user_id=found[i.id])
        if found.get(i.id, i.client_user_id) != i.client_user_id
        else i
        for i in installs
    ]


def _needs_user(db: Connection, install: Install) -> bool:
    license_to = Options.from_text(install.options).license_to
    asset = Asset(install.adam_id, install.pricing_param)
    counts = locations.asset_facts(db, install.location, [asset]).get(asset)
    assignable = counts is None or counts.device_assignable
    return needs_user(install.target, license_to, device_assignable=assignable)


def of_targets(db: Connection, targets: Sequence[str]) -> dict[str, str]:
    """By device, as installs name it, the user whose it is by the last apply."""
    found = db.execute(
        "SELECT target, client_user_id FROM user_devices "
        f"WHERE target IN ({rows.marks(len(targets))})",
        tuple(targets),
    )
    return {row[0]: row[1] for row in found}


def keep(db: Connection, before: Iterable[Install], after: Iterable[Install]) -> None:
    """Store by whom those are made for whom that is another now, in the same order."""
    others = [new for old, new in zip(before, after, strict=True) if new is not old]
    db.executemany(
        "UPDATE installs SET client_user_id = ? WHERE id = ?",
        [(install.client_user_id, install.id) for install in others],
    )


def is_wished(db: Connection, pair: Pair) -> bool:
    """Whether an install is, or was, to be made with this licence."""
    user = pair.client_user_id
    column, value = ("target", pair.holder) if user is None else ("client_user_id", user)
    row = db.execute(
        f"SELECT 1 FROM installs WHERE {column} = ? AND adam_id = ? LIMIT 1",
        (value, pair.asset.adam_id),
    ).fetchone()
    return row is not None


def others(db: Connection, install: Install) -> int:
    """On how many other devices of its user the same licence is still needed."""
    row = db.execute(
        "SELECT count(*) FROM installs WHERE client_user_id = ? AND adam_id = ? "
        "AND pricing_param = ? AND location = ? AND desired = 1 AND id <> ?",
        (
            install.client_user_id,
            install.adam_id,
            install.pricing_param,
            install.location,
            install.id,
        ),
    ).fetchone()
    return int(row[0])
