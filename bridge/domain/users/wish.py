"""A user whom the file names: who it is to Apple, and which devices are his."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from bridge.domain.devices.targets import of_enrolment

LicenseTo = Literal["device", "user", "auto"]
"""Who gets an app's licence: the device, its user, or the user where a device's cannot work."""

OnUnwantedUser = Literal["keep", "retire"]
"""What becomes of a registered user whom the file no longer names."""


@dataclass(frozen=True, slots=True)
class UserWish:
    """One entry of `users:`.

    `client_user_id` is the admin's own name for the person, stable and never given to another
    (Apple, "Managing Users"). With `location` the user is registered there, whatever is wanted;
    without it, wherever something is wanted for users. Serial numbers are in upper case, enrolment
    ids as they are.
    """

    client_user_id: str
    email: str | None = None
    managed_apple_id: str | None = None
    location: str | None = None
    serials: tuple[str, ...] = ()
    enrollment_ids: tuple[str, ...] = ()

    @property
    def targets(self) -> tuple[str, ...]:
        """The user's devices, as installs name them."""
        return (*self.serials, *map(of_enrolment, self.enrollment_ids))

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> UserWish:
        """Read what `asdict` wrote."""
        lists = {key: tuple(value[key]) for key in ("serials", "enrollment_ids")}
        return cls(**{**value, **lists})
