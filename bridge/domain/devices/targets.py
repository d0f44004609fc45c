"""By what an install names its device: its serial number, or its enrolment id where it has none;
and by what a licence names its holder: a device's serial number, or a registered user.

A user enrolment tells no serial number (Apple, "Authenticate"). Its EnrollmentID is what devices
and servers know it by, and counts byte for byte. As a target it has a prefix, so that it is never
taken for a serial number, which it may look like. So has a clientUserId, which is the admin's own
word for a person. An install that is for no device has its user as its target.
"""

from __future__ import annotations

from typing import Final

ENROLMENT: Final = "enrolment:"
USER: Final = "user:"


def of_enrolment(enrollment_id: str) -> str:
    """The target of a user enrolment."""
    return ENROLMENT + enrollment_id


def is_enrolment(target: str) -> bool:
    """Whether a target is a user enrolment."""
    return target.startswith(ENROLMENT)


def enrolment_of(target: str) -> str | None:
    """The enrolment id that a target stands for; None for a serial number."""
    return target.removeprefix(ENROLMENT) if target.startswith(ENROLMENT) else None


def of_user(client_user_id: str) -> str:
    """The target that stands for a user."""
    return USER + client_user_id


def user_of(target: str) -> str | None:
    """The clientUserId that a target stands for; None for a device."""
    return target.removeprefix(USER) if target.startswith(USER) else None


def shown(target: str) -> str:
    """A target as people and programs see it, and may name it."""
    return target.removeprefix(ENROLMENT)
