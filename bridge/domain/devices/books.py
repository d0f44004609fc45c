"""Books on devices, which are no apps: what a ManagedMediaList tells is kept beside the apps.

Source: Apple, device-management schema, mdm/commands/media.*.yaml.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.domain.model import Device

BOOK: Final = "book:"
MANAGED: Final = "Managed"
INSTALLED: Final = "Installed"
PLATFORMS: Final = ("iOS", "macOS")
"""Where InstallMedia exists; elsewhere a book is in its user's library only."""


def named(adam_id: str) -> str:
    """What a book is called where apps have their bundle ids; no bundle id has a colon."""
    return BOOK + adam_id


def status(state: str | None) -> str:
    """A book's State as it is kept. One of the store is Installed, never Managed, so that a list
    which says so speaks of something else."""
    return "Unknown" if state in (None, MANAGED) else str(state)


def as_asked(device: Device) -> Device:
    """The device with the times of its lists of books in place of those of its lists of apps."""
    return replace(
        device,
        apps_asked_at=device.media_asked_at,
        apps_listed_at=device.media_listed_at,
        apps_enrolment=device.media_enrolment,
        apps_refused_at=device.media_refused_at,
    )
