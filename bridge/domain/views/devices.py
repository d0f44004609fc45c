"""Devices."""

from typing import Annotated, TypedDict

from bridge.domain.views.members import Time


class Setup(TypedDict):
    """How a device stands that waits in Setup Assistant."""

    since: Annotated[Time | None, "The first TokenUpdate of its enrolment that said so."]
    released_by: Annotated[
        Time | None, "When the bridge lets it out at the latest; null where somebody else does."
    ]
    all_apps: Annotated[bool, "It was known before that enrolment, and gets all its apps there."]
    groups_known: Annotated[bool, "It told all that its groups depend on."]
    missing: Annotated[list[str], "The adam ids of required apps that are not there."]
    unsent: Annotated[list[str], "Those of other apps that are to be sent before it is let out."]
    ready_at: Annotated[Time | None, "Since when all required apps are there."]
    held: Annotated[bool, "A pause keeps it there."]
    sentence: str


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
    setup: Annotated[Setup | None, "Null where it is not in Setup Assistant."]


class InSetup(Setup):
    """A device that waits in Setup Assistant."""

    serial_number: str | None
    udid: str | None
    name: str | None
    server: str
