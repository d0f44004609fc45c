"""Serial numbers as devices tell them: kept if they are one, as evidence if they are none."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator

from bridge.domain.devices.serials import told
from bridge.engine.context import Context
from bridge.store.database import Connection
from bridge.store.devices import devices

log = logging.getLogger(__name__)

_AT_MOST = 5
"""How many devices are named in one line."""


def learn(context: Context, device_id: int, text: str | None) -> str | None:
    """What `text` says of a device's serial number; None where it is none.

    A claim that is none, and a serial number that another enrolled device carries, are warned of
    once, when they are told first.
    """
    said, before = told(text), devices.by_id(context.db, device_id)
    if before is None:
        return said.serial_number
    keys = {"device_udid": before.udid, "server": before.server}
    if said.claims is not None and said.claims != before.claimed_serial:
        devices.update(context.db, device_id, claimed_serial=said.claims)
        if before.serial_number is None:
            log.warning("a device tells no serial number but %r", said.claims, extra=keys)
    number = said.serial_number
    if number is not None and number != before.serial_number:
        devices.update(context.db, device_id, claimed_serial=None)
        carrying = devices.carrying(context.db, number, besides=device_id)
        # The same device at another server is about to leave that one.
        if others := [each for each in carrying if each.udid != before.udid]:
            text = f"{number} is the serial number of {len(others) + 1} enrolled devices"
            log.warning("%s: it does not say which is meant", text, extra=keys)
    return number


def claims(db: Connection) -> Iterator[str]:
    """Of each server the enrolled devices whose serial number is none, in a sentence."""
    found: dict[str, list[str]] = {}
    for device in devices.without_a_real_serial(db):
        name = device.name or device.udid or ""
        found.setdefault(device.server, []).append(f"{name} ({device.claimed_serial!r})")
    for server, named in found.items():
        yield f"{server} has devices that tell no serial number and get nothing: {_some(named)}"


def shared(db: Connection) -> Iterator[str]:
    """The serial numbers that several enrolled devices carry, each in a sentence."""
    for number, carriers in devices.sharing_serials(db).items():
        named = _some(f"{device.udid} at {device.server}" for device in carriers)
        yield f"{number} is the serial number of {len(carriers)} enrolled devices: {named}"


def _some(named: Iterable[str]) -> str:
    names = list(named)
    more = f" and {len(names) - _AT_MOST} more" if len(names) > _AT_MOST else ""
    return ", ".join(names[:_AT_MOST]) + more
