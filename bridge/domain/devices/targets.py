"""By what an install names its device: its serial number, or its enrolment id where it has none.

A user enrolment tells no serial number (Apple, "Authenticate"). Its EnrollmentID is what devices
and servers know it by, and counts byte for byte. As a target it has a prefix, so that it is never
taken for a serial number, which it may look like.
"""

from __future__ import annotations

from typing import Final

ENROLMENT: Final = "enrolment:"


def of_enrolment(enrollment_id: str) -> str:
    """The target of a user enrolment."""
    return ENROLMENT + enrollment_id


def enrolment_of(target: str) -> str | None:
    """The enrolment id that a target stands for; None for a serial number."""
    return target.removeprefix(ENROLMENT) if target.startswith(ENROLMENT) else None


def shown(target: str) -> str:
    """A target as people and programs see it, and may name it."""
    return target.removeprefix(ENROLMENT)
