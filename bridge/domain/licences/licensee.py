"""Whether an install is made with the licence of its device, or of the device's user."""

from __future__ import annotations

from bridge.domain.devices.targets import is_enrolment, user_of
from bridge.domain.users.wish import LicenseTo


def needs_user(target: str, license_to: LicenseTo, *, device_assignable: bool) -> bool:
    """Whether it takes a user's licence; `auto` does where a device's cannot work.

    That is so of a user enrolment, whoever owns the device, and of what Apple assigns to users only
    (Apple, "Get Assets": deviceAssignable).
    """
    if license_to == "auto":
        return is_enrolment(target) or user_of(target) is not None or not device_assignable
    return license_to == "user" or user_of(target) is not None
