"""Devices."""

from typing import Annotated, TypedDict

from bridge.domain.views.members import Time


class Device(TypedDict):
    """A device that an MDM server showed."""

    id: Annotated[int, "The bridge's own."]
    server: str
    serial_number: Annotated[str | None, "Null where nobody told it, as with user enrolment."]
    claimed_serial_number: Annotated[
        str | None, "What it tells in place of one; no licence is taken for it."
    ]
    udid: str | None
    enrollment_id: Annotated[str | None, "Of a user enrolment."]
    name: str | None
    product_name: Annotated[str | None, "Like iPad14,1."]
    model: str | None
    os_version: str | None
    enrolled: Annotated[bool | None, "Null: nobody said."]
    enrolled_at: Time | None
    moved_to: Annotated[
        str | None, "The server with which it has enrolled since: this record is past."
    ]
    last_seen_at: Time | None
    apps_listed_at: Annotated[Time | None, "When it last listed its managed apps."]
