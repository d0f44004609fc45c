"""What answers of devices do not tell: those that could not be read, never came, or name apps that
nobody knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from bridge.domain.devices.unreadable import Unheard, Unreadable
from bridge.domain.model import Device
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.devices import unreadable
from bridge.store.installs import installs

MANAGED_LIST: Final = "ManagedApplicationList"
MEDIA_LIST: Final = "ManagedMediaList"
INSTALLED_LIST: Final = "InstalledApplicationList"
INFORMATION: Final = "DeviceInformation"


class Unread:
    """What could not be read of late, for one app on one device."""

    def __init__(
        self,
        found: dict[tuple[int, str, str], unreadable.Row],
        device: Device | None,
        bundle_id: str | None,
    ) -> None:
        self._found = found
        self._device = device
        self._bundle_id = bundle_id

    @property
    def device(self) -> Device | None:
        """The device. A list whose entry of the app could not be read says nothing of it, so that
        the one before it is the newest that counts."""
        device, own = self._device, self._row(MANAGED_LIST, self._bundle_id)
        if device is None or own is None:
            return device
        return replace(
            device,
            apps_asked_at=own.listed_asked_at,
            apps_listed_at=own.listed_at,
            apps_enrolment=own.listed_enrolment,
        )

    def by(self, request_type: str) -> Unreadable | None:
        """The answers to one kind of question: as a whole, or what they say of the app."""
        whole = self._row(request_type, unreadable.WHOLE)
        own = self._row(request_type, self._bundle_id)
        of_both = [row.value for row in (whole, own) if row is not None]
        if not of_both:
            return None
        newest = max(of_both, key=lambda each: each.last_at)
        return replace(newest, times=max(each.times for each in of_both))

    def _row(self, request_type: str, bundle_id: str | None) -> unreadable.Row | None:
        if self._device is None or bundle_id is None:
            return None
        return self._found.get((self._device.id, request_type, bundle_id))


def never_came(
    lost: Mapping[tuple[int, str], Unheard], device: Device | None, request_type: str
) -> Unheard | None:
    """The answers to one kind of question that never came, as far as that still tells of it."""
    found = None if device is None else lost.get((device.id, request_type))
    if device is None or found is None or not found.stands(device.last_seen_at):
        return None
    return found


def with_strangers(db: Connection, some: Sequence[Device]) -> set[int]:
    """Whose list has an entry that is neither a known app nor one that the device itself named."""
    if not some:
        return set()
    serial_of = {device.id: device.target or "" for device in some}
    known = apps.known_bundle_ids(db)
    own = installs.bundle_ids(db, list(serial_of.values()))
    return {
        device_id
        for device_id, of_device in apps.reports(db, list(serial_of)).items()
        if {r.bundle_id for r in of_device.values() if r.status is not None}
        - known
        - own[serial_of[device_id]]
    }
