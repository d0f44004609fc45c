"""What comes in and what goes out, without what it carries."""

from typing import Annotated, Any, TypedDict

from bridge.domain.model import CommandState
from bridge.domain.views.members import Time
from bridge.domain.vocabulary import EventSource, EventStatus, OutboxState, Service


class Event(TypedDict):
    """A message that came in."""

    id: int
    source: EventSource
    origin: Annotated[str, "The server's or the location's name."]
    topic: Annotated[str, "MicroMDM's topic or Apple's notification type."]
    message_id: Annotated[str, "The sender's id."]
    received_at: Time
    processed_at: Time | None
    status: EventStatus
    tries: Annotated[int, "How often handling it failed."]
    error: str | None
    outcome: Annotated[str | None, "What it changed."]
    udid: str | None
    command_uuid: str | None
    apple_event_id: str | None


class Outgoing(TypedDict):
    """A call to Apple or an MDM server."""

    id: int
    service: Service
    scope: Annotated[str, "The location's or the server's name."]
    kind: Annotated[str, "What kind of call, like associate or command."]
    key: Annotated[str, "What it is about; unique while it is open."]
    state: OutboxState
    tries: int
    error: str | None
    created_at: Time
    due_at: Time
    claimed_at: Annotated[Time | None, "When it was begun."]
    settled_at: Annotated[Time | None, "When it ended."]


class Command(TypedDict):
    """An MDM command."""

    command_uuid: str
    server: str
    serial_number: str | None
    udid: str | None
    adam_id: Annotated[str | None, "The app that it installs or removes."]
    request_type: str
    state: CommandState
    attempt: int
    posts: Annotated[int, "How often it was posted to the MDM server."]
    status: Annotated[str | None, "The device's answer."]
    error_domain: str | None
    error_code: int | None
    error_text: str | None
    app_state: Annotated[str | None, "The State that the device answered."]
    rejection_reason: str | None
    created_at: Time
    due_at: Time
    posted_at: Time | None
    in_doubt_at: Annotated[Time | None, "Since when nobody knows what became of it."]
    not_now_since: Time | None
    answered_at: Time | None


class CallAgain(TypedDict):
    """Whether a failed call is made again."""

    outbox: int
    ok: bool
    why_not: Annotated[str | None, "One sentence, where it is not."]


class AskedRead(TypedDict):
    """A read that somebody asked for."""

    what: str
    of: Annotated[str, "The location or server."]
    asked: Annotated[
        bool,
        "False: such a read is under way already, and may be asked for again when it has ended; "
        "or the server has no list of its devices.",
    ]


class Changed(TypedDict):
    """A row that handling a message changed."""

    table: str
    row: Any
    columns: Annotated[dict[str, Any], "By name: before and after."]


class Redecided(TypedDict):
    """An install that a message touched."""

    serial_number: str
    adam_id: str
    before: Annotated[str, "State and reason."]
    after: Annotated[str, "State and reason, as they would be decided now."]


class Replay(TypedDict):
    """What came of handling a message again."""

    event: int
    dry_run: bool
    ok: Annotated[bool, "False: it could not be handled, and nothing was changed."]
    outcome: Annotated[str | None, "What it did, in a few words."]
    error: Annotated[str | None, "Why it could not be handled."]
    changes: Annotated[list[Changed], "Every row that it changed."]
    decisions: Annotated[list[Redecided], "Every install that it touched."]
