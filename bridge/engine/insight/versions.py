"""Which versions of apps devices have, how these stand to the newest, and what stopped."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.domain.alerts import Fault
from bridge.domain.devices.platforms import family_of
from bridge.domain.updates.facts import Rollout
from bridge.domain.updates.newest import Standing, Version, stands
from bridge.domain.views import HealthPart
from bridge.engine.context import Context
from bridge.store.database import Connection
from bridge.store.updates import facts, rollouts
from bridge.store.updates.rollouts import Scope
from bridge.store.views import versions
from bridge.store.views.names import called
from bridge.store.views.versions import VersionCount


@dataclass(frozen=True, slots=True)
class Held:
    """A version of an app on `devices` of one family. `version` is None where they told none,
    `newest` where it is not known; `stopped` says why the newest goes no further."""

    adam_id: str
    family: str | None
    version: str | None
    newest: str | None
    standing: Standing
    devices: int
    stopped: str | None = None


def of_app(db: Connection, adam_id: str) -> list[Held]:
    """How many devices have which version of an app, by family, most first."""
    merged: dict[tuple[str | None, str | None, str | None], Held] = {}
    for each in _held(db, versions.of_app(db, adam_id)):
        key = (each.family, each.version, each.newest)
        before = merged.get(key)
        merged[key] = each if before is None else _together(before, each)
    return sorted(merged.values(), key=lambda held: (held.family or "~", -held.devices))


def of_device(db: Connection, named: str) -> Mapping[str, Held]:
    """By adam id, the version of each app that is on a device."""
    return {each.adam_id: each for each in _held(db, versions.of_device(db, named))}


def parts(context: Context) -> Iterator[HealthPart]:
    """The newest versions that were stopped, since too many devices refused them."""
    for rollout in rollouts.stopped(context.db):
        name = called(context.db, "app", rollout.adam_id)
        app = f"{name} ({rollout.adam_id})" if name else f"app {rollout.adam_id}"
        told = f"version {rollout.newest.label} of {app} for {rollout.family}: {rollout.stopped}"
        fault = Fault("updates", {"adam_id": rollout.adam_id}, told)
        part = f"update {rollout.adam_id} {rollout.storefront} {rollout.family}"
        yield HealthPart(part, False, "degraded", told, faults=(fault,))


def _together(one: Held, other: Held) -> Held:
    return replace(one, devices=one.devices + other.devices, stopped=one.stopped or other.stopped)


def _held(db: Connection, found: Sequence[VersionCount]) -> list[Held]:
    adam_ids = sorted({each.adam_id for each in found})
    known: Mapping[Scope, Rollout] = rollouts.of_apps(db, adam_ids) if adam_ids else {}
    names = rollouts.names(db, adam_ids) if adam_ids else {}
    places = {name: facts.storefront(db, name) for name in {each.location for each in found}}
    told = []
    for each in found:
        family = family_of(each.product_name)
        scope = None if family is None else (each.adam_id, places[each.location], family)
        rollout = None if scope is None else known.get(scope)
        number = int(each.external) if each.external is not None else None
        name = names.get((scope, number)) if scope is not None and number is not None else None
        told.append(_one(each, family, rollout, Version(name or each.shown, number)))
    return told


def _one(each: VersionCount, family: str | None, rollout: Rollout | None, has: Version) -> Held:
    newest = Version(each.in_store) if rollout is None else rollout.newest
    return Held(
        each.adam_id,
        family,
        has.label if has.is_known else None,
        newest.label if newest.is_known else None,
        stands(has, newest),
        each.devices,
        None if rollout is None else rollout.stopped,
    )
