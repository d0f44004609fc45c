"""What deciding needs to know of new versions, read for many installs at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.domain.devices.platforms import family_of
from bridge.domain.model import Device, Install
from bridge.domain.updates.facts import UpdateFacts
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.updates import rollouts, turns

USUAL_STOREFRONT = "us"


def load(
    db: Connection, installs: Sequence[Install], device_of: Mapping[int, Device]
) -> dict[int, UpdateFacts]:
    """By install, what is known of the newest version of its app; `device_of` is by install."""
    known = rollouts.of_apps(db, list({i.adam_id for i in installs}))
    tried = turns.of_installs(db, [i.id for i in installs])
    sent = turns.under_way(db, list({i.target for i in installs}))
    storefronts = {name: storefront(db, name) for name in {i.location for i in installs}}
    found: dict[int, UpdateFacts] = {}
    for install in installs:
        device = device_of.get(install.id)
        family = family_of(device.product_name) if device is not None else None
        scope = None if family is None else (storefronts[install.location], family)
        found[install.id] = UpdateFacts(
            scope,
            known.get((install.adam_id, *scope)) if scope is not None else None,
            tried.get(install.id),
            busy=sent.get(install.target, install.id) != install.id,
        )
    return found


def storefront(db: Connection, location: str) -> str:
    """In whose store a location's apps are: a country by its two letters."""
    country, _ = apps.storefront(db, location)
    return (country or USUAL_STOREFRONT).lower()
