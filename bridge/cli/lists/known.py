"""Filters that name what nobody knows: a list that is empty for a slip of the pen says so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import click

from bridge.domain.wording import nearest
from bridge.store.alerts import alerts
from bridge.store.database import Connection
from bridge.store.views import names, totals

if TYPE_CHECKING:  # a command that only looks loads no bridge
    from bridge.app.opened import Opened
    from bridge.cli.stored import Stored


def check(place: Opened | Stored, **filters: object) -> None:
    """Refuse to list what cannot be there: a device, app, location, server or kind of call that is
    neither configured nor stored. Raises click.UsageError and StoreError."""
    given = {key: str(value) for key, value in filters.items() if value is not None}
    if not given:
        return
    with place.database.read() as db:
        for key, value in given.items():
            if why := _unknown(place, db, key, value):
                raise click.UsageError(why)


def unknown_device(db: Connection, serial: str) -> str | None:
    """Why a device is none that anybody knows; None where it is."""
    if totals.knows_device(db, serial):
        return None
    return f"device {serial} is unknown: not enrolled, and no app is wanted on it"


def unknown_app(db: Connection, adam_id: str) -> str | None:
    """Why an app is none that anybody knows; None where it is."""
    if totals.knows_app(db, adam_id):
        return None
    return f"app {adam_id} is unknown: no location owns it, and nothing applied asks for it"


def _unknown(place: Opened | Stored, db: Connection, key: str, value: str) -> str | None:
    if key == "serial":
        return None if names.holds_licence(db, value) else unknown_device(db, value)
    if key == "adam_id":
        return unknown_app(db, value)
    configured: Mapping[str, Sequence[str]] = {
        "location": tuple(place.config.locations),
        "server": tuple(place.config.servers),
        "scope": (*place.config.locations, *place.config.servers, *alerts.receivers(db)),
    }
    if key in configured:
        known = sorted({*configured[key], *names.stored(db, key)})
        what = "location or server" if key == "scope" else key
        return None if value in known else f"{what} {value} is unknown{nearest(value, known)}"
    if key == "kind":
        from bridge.engine.calls import registry  # noqa: PLC0415 - one list alone needs all calls

        kinds = sorted(registry.classes())
        return None if value in kinds else f"kind {value} is unknown{nearest(value, kinds)}"
    return None
