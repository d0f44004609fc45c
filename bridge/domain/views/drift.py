"""What disagrees."""

from collections.abc import Sequence
from typing import Annotated, TypedDict

from bridge.domain.drift import DriftKind
from bridge.domain.views.members import Time


class Drift(TypedDict):
    """One thing that disagrees: what is wanted, licensed, queued and on a device."""

    kind: DriftKind
    serial_number: Annotated[str | None, "The device, or"]
    enrollment_id: Annotated[str | None, "the user enrolment, or"]
    client_user_id: Annotated[str | None, "the user."]
    device_name: str | None
    adam_id: Annotated[str | None, "Null where it is about the device as a whole."]
    app_name: str | None
    location: Annotated[str | None, "Whose licence it is about."]
    wanted: Annotated[bool, "Whether the app is wanted there."]
    licensed: Annotated[bool, "Whether Apple lists a licence for it."]
    queued: Annotated[bool, "Whether a command for it waits at the MDM server."]
    on_device: Annotated[bool | None, "Whether the device has it; null where nobody knows."]
    by_others: Annotated[bool, "Whether it is what people or other tools assigned."]
    since: Time | None
    cause: Annotated[str, "The evidence, in words."]
    mend: Annotated[str, "The command that mends it."]


class Drifts(TypedDict):
    """A page of what disagrees, and what nobody could look at."""

    drift: Sequence[Drift]
    blind: Annotated[
        Sequence[str], "A sentence for each thing that was never read, and is not judged."
    ]
    next_cursor: Annotated[str | None, "Asks for the page after this one; null at the end."]
