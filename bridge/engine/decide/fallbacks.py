"""An app may have several locations: the first with seats serves a device, and stays with it.

Only who waits for a seat is moved. A licence that is owned or asked for is never exchanged for one
from another location.
"""

from __future__ import annotations

from bridge.domain.model import Asset
from bridge.engine.context import Context
from bridge.store.installs import fallbacks
from bridge.store.licences import history, locations


def to_owned(context: Context, location: str, asset: Asset) -> int:
    """Move those whose device owns a licence of another of their locations; returns how many."""
    owned = dict(fallbacks.owned(context.db, location, asset))
    for install_id, where in owned.items():
        fallbacks.move(context.db, install_id, where, context.now)
    return len(owned)


def to_seats(context: Context, location: str, asset: Asset) -> int:
    """Move those for whom no seat is left here to where there are some; returns how many."""
    moved = 0
    for names, waiting in fallbacks.waiting(context.db, location, asset).items():
        for name in names:
            if name == location:
                continue
            free = _free(context, name, asset)
            going = waiting if free is None else waiting[: max(free, 0)]
            for install_id in going:
                fallbacks.move(context.db, install_id, name, context.now)
            moved += len(going)
            waiting = waiting[len(going) :]
    return moved


def _free(context: Context, name: str, asset: Asset) -> int | None:
    """The seats that may be asked for at a location; None for any number of them."""
    place = locations.get(context.db, name)
    counts = locations.asset_facts(context.db, name, [asset]).get(asset)
    if not place.ready or place.suspended is not None or counts is None:
        return 0
    if not counts.device_assignable:
        return 0
    return history.free_seats(context.db, name, asset, counts)
