"""A message as it comes in, and as it waits."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.vocabulary import EventSource


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message as it came in, stripped of secrets, ready to be stored.

    `kind` and `message_id` say which message it is, so that a second delivery changes nothing.
    """

    source: EventSource
    origin: str
    topic: str
    kind: str
    message_id: str
    body: bytes
    udid: str | None = None
    command_uuid: str | None = None
    apple_event_id: str | None = None


@dataclass(frozen=True, slots=True)
class Arrived:
    """A message that waits; `id` is the one that its event will have."""

    id: int
    source: EventSource
    origin: str
    topic: str
    kind: str
    message_id: str
    received_at: float
    udid: str | None
    command_uuid: str | None
    apple_event_id: str | None
    body: bytes
