"""What programs are told of licences that go back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypedDict


class ReclaimedLicence(TypedDict):
    """A licence that goes back, or would."""

    serial_number: str
    adam_id: str
    pricing_param: str
    location: str
    kind: Annotated[Literal["unwanted", "unenrolled", "silent"], "Why it is of no use."]
    why: Annotated[str, "What shows that, in words."]


class StayingDevice(TypedDict):
    """A device that may be gone, and whose licences stay all the same."""

    serial_number: str
    licences: int
    why: str


class Reclaimed(TypedDict):
    """What came of giving licences back."""

    dry_run: bool
    licences: Sequence[ReclaimedLicence]
    stay: Sequence[StayingDevice]


class ReplacedDevice(TypedDict):
    """A device that took another's place, and the apps that it is to have."""

    old: str
    new: str
    adam_ids: Sequence[str]
