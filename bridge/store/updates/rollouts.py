"""The newest version of an app, for each storefront and family of devices, and its rings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bridge.domain.updates.facts import Rollout
from bridge.domain.updates.newest import Version
from bridge.store import rows
from bridge.store.database import Connection

Scope = tuple[str, str, str]
"""An adam id, a storefront (`de`) and a family of devices (`ipad`)."""

_IS_IT = "adam_id = ? AND storefront = ? AND family = ?"


@dataclass(frozen=True, slots=True)
class Ring:
    """What came of a version in one ring: how many devices did not have it, and of these how many
    have it, or failed."""

    ring: int
    devices: int
    done: int
    failed: int


def of_apps(db: Connection, adam_ids: Sequence[str]) -> dict[Scope, Rollout]:
    """The newest versions of these apps."""
    some = rows.padded(adam_ids)
    found = db.execute(
        f"SELECT {rows.columns(Rollout)} FROM rollouts WHERE adam_id IN ({rows.marks(len(some))})",
        some,
    )
    known = (rows.read(Rollout, row) for row in found)
    return {(each.adam_id, each.storefront, each.family): each for each in known}


def get(db: Connection, scope: Scope) -> Rollout | None:
    """One of them."""
    row = db.execute(
        f"SELECT {rows.columns(Rollout)} FROM rollouts WHERE {_IS_IT}", scope
    ).fetchone()
    return rows.read(Rollout, row) if row else None


def begin(
    db: Connection, scope: Scope, newest: Version, minimum_os: str | None, now: float
) -> None:
    """There is a newer version: its rings begin anew."""
    db.execute(
        "INSERT INTO rollouts (adam_id, storefront, family, number, version, external_version, "
        "minimum_os, found_at) VALUES (?, ?, ?, 1, ?, ?, ?, ?) "
        "ON CONFLICT (adam_id, storefront, family) DO UPDATE SET number = rollouts.number + 1, "
        "version = excluded.version, external_version = excluded.external_version, "
        "minimum_os = excluded.minimum_os, found_at = excluded.found_at, ring = 0, "
        "through_at = NULL, stopped = NULL",
        (*scope, newest.shown, newest.external, minimum_os, now),
    )
    db.execute(f"DELETE FROM rollout_rings WHERE {_IS_IT}", scope)
    _keep_name(db, scope)


def name(db: Connection, scope: Scope, newest: Version, minimum_os: str | None) -> None:
    """More is known of the version that is the newest."""
    db.execute(
        "UPDATE rollouts SET version = coalesce(?, version), "
        "external_version = coalesce(?, external_version), minimum_os = coalesce(?, minimum_os) "
        f"WHERE {_IS_IT}",
        (newest.shown, newest.external, minimum_os, *scope),
    )
    _keep_name(db, scope)


def _keep_name(db: Connection, scope: Scope) -> None:
    """Devices have a version for long after it was the newest: people are told its name."""
    db.execute(
        "INSERT INTO version_names (adam_id, storefront, family, external_version, version) "
        "SELECT adam_id, storefront, family, external_version, version FROM rollouts "
        f"WHERE {_IS_IT} AND external_version IS NOT NULL AND version IS NOT NULL "
        "ON CONFLICT (adam_id, storefront, family, external_version) "
        "DO UPDATE SET version = excluded.version",
        scope,
    )


def names(db: Connection, adam_ids: Sequence[str]) -> dict[tuple[Scope, int], str]:
    """What versions of these apps are called, by where they are and Apple's number."""
    some = rows.padded(adam_ids)
    found = db.execute(
        "SELECT adam_id, storefront, family, external_version, version FROM version_names "
        f"WHERE adam_id IN ({rows.marks(len(some))})",
        some,
    )
    return {((row[0], row[1], row[2]), row[3]): row[4] for row in found}


def rings(db: Connection, adam_id: str) -> dict[Scope, list[Ring]]:
    """What came of the newest versions of an app in each ring."""
    found = db.execute(
        "SELECT storefront, family, ring, devices, done, failed FROM rollout_rings "
        "WHERE adam_id = ? ORDER BY storefront, family, ring",
        (adam_id,),
    )
    told: dict[Scope, list[Ring]] = {}
    for row in found:
        told.setdefault((adam_id, row[0], row[1]), []).append(Ring(*row[2:]))
    return told


def ring(db: Connection, scope: Scope, number: int) -> Ring:
    """What came of a version in one ring."""
    row = db.execute(
        f"SELECT devices, done, failed FROM rollout_rings WHERE {_IS_IT} AND ring = ?",
        (*scope, number),
    ).fetchone()
    return Ring(number, *(row or (0, 0, 0)))


def count(
    db: Connection, scope: Scope, number: int, *, devices: int = 0, done: int = 0, failed: int = 0
) -> None:
    """So many more (or fewer) devices in a ring."""
    db.execute(
        "INSERT INTO rollout_rings (adam_id, storefront, family, ring, devices, done, failed) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (adam_id, storefront, family, ring) "
        "DO UPDATE SET devices = rollout_rings.devices + excluded.devices, "
        "done = rollout_rings.done + excluded.done, "
        "failed = rollout_rings.failed + excluded.failed",
        (*scope, number, devices, done, failed),
    )


def stop(db: Connection, scope: Scope, why: str) -> None:
    """It goes no further."""
    db.execute(f"UPDATE rollouts SET stopped = ? WHERE {_IS_IT}", (why, *scope))


def stopped(db: Connection) -> list[Rollout]:
    """The newest versions that go no further, of apps that are still to be updated."""
    found = db.execute(
        f"SELECT {rows.columns(Rollout)} FROM rollouts WHERE stopped IS NOT NULL AND EXISTS "
        "(SELECT 1 FROM installs WHERE installs.adam_id = rollouts.adam_id AND desired = 1 "
        "AND options LIKE '%\"update\"%') ORDER BY adam_id, storefront, family"
    )
    return [rows.read(Rollout, row) for row in found]


def go_on(db: Connection, adam_id: str) -> None:
    """A person wants it all the same."""
    db.execute("UPDATE rollouts SET stopped = NULL WHERE adam_id = ?", (adam_id,))


def through(db: Connection, scope: Scope, now: float) -> float:
    """All devices up to the present ring had their chance; since when, which is kept."""
    db.execute(
        f"UPDATE rollouts SET through_at = coalesce(through_at, ?) WHERE {_IS_IT}", (now, *scope)
    )
    row = db.execute(f"SELECT through_at FROM rollouts WHERE {_IS_IT}", scope).fetchone()
    return float(row[0])


def next_ring(db: Connection, scope: Scope) -> None:
    """The next ring begins."""
    db.execute(f"UPDATE rollouts SET ring = ring + 1, through_at = NULL WHERE {_IS_IT}", scope)


def outdated(db: Connection) -> Mapping[str, int]:
    """By adam id, how many devices do not have the newest version yet."""
    found = db.execute(
        "SELECT adam_id, sum(devices - done) FROM rollout_rings GROUP BY adam_id ORDER BY adam_id"
    )
    return {row[0]: int(row[1]) for row in found}
