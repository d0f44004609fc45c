"""What a device says of all its apps, managed or not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Presence = Literal["there", "installing", "absent"]


@dataclass(frozen=True, slots=True)
class InstalledReport:
    """What the newest InstalledApplicationList that asked for an app said of it, managed or not.

    The versions are for people: whether the app is there decides. `there_at` is when a list last
    showed it as there.
    """

    bundle_id: str
    presence: Presence
    version: str | None
    short_version: str | None
    asked_at: float
    reported_at: float
    there_at: float | None = None
    has_update: bool | None = None
    """Whether the device says that its store has a newer version."""
