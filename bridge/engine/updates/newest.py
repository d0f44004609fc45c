"""Learning which version of an app is the newest, from Apple's metadata and from devices."""

from __future__ import annotations

from collections.abc import Iterable

from bridge.domain.updates.newest import Version, supersedes
from bridge.engine.context import Context
from bridge.store.installs import updating
from bridge.store.updates import rollouts
from bridge.store.updates.rollouts import Scope


def learn(
    context: Context,
    scope: Scope,
    told: Version,
    minimum_os: str | None = None,
    *,
    adopts: bool = False,
) -> None:
    """Keep a version that was told, if it is the newest; then all devices are decided anew.

    `adopts`: it is the one that was sent already, which had no name until now.
    """
    db, known = context.db, rollouts.get(context.db, scope)
    if known is not None and not _is_newer(told, known.newest):
        if _is_the_same(told, known.newest):
            rollouts.name(db, scope, told, minimum_os)
        return
    if known is not None and adopts:
        rollouts.name(db, scope, told, minimum_os)
    else:
        rollouts.begin(db, scope, told, minimum_os, context.now)
    updating.touch_app(db, scope[0], context.now)


def from_store(
    context: Context,
    adam_id: str,
    storefront: str,
    families: Iterable[str],
    told: Version,
    minimum_os: str | None,
) -> None:
    """Apple's metadata tells of a version for these families of devices."""
    if told.is_known:
        for family in families:
            learn(context, (adam_id, storefront, family), told, minimum_os)


def _is_newer(told: Version, known: Version) -> bool:
    """Where the store gives no number, what it shows goes before numbers that devices have."""
    nameless = known.shown is None and told.external is None and told.shown is not None
    return supersedes(told, known) or nameless


def _is_the_same(told: Version, known: Version) -> bool:
    if told.external is not None and known.external is not None:
        return told.external == known.external
    return told.shown is not None and told.shown == known.shown
