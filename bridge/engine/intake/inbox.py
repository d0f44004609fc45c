"""Inbound messages: stored and committed before they are answered, processed afterwards.

The web side puts them in the inbox and waits for nothing else; the engine takes them from there, in
the transaction of the database in which what they say becomes known.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from bridge.engine.context import Context
from bridge.engine.intake import apple, mdm
from bridge.store import events, intake, meta
from bridge.store.commands import commands
from bridge.store.database import Database, savepoint
from bridge.store.events import Event
from bridge.store.inbox.message import NewMessage
from bridge.store.inbox.waiting import Arrivals
from bridge.store.service import streams
from bridge.wire.apple_notification import AssetManagement, parse_notification
from bridge.wire.apple_notification import storable as storable_notification
from bridge.wire.apple_users import USER_TYPES, UserManagement
from bridge.wire.mdm_webhook import parse_webhook
from bridge.wire.mdm_webhook import storable as storable_webhook

log = logging.getLogger(__name__)

Handler = Callable[[Context, Event], str]

HANDLERS: dict[str, Handler] = {
    "mdm": mdm.handle,
    "apple": apple.handle,
}

MAX_TRIES = 3
RETRY_AFTER = (1.0, 10.0)
"""Seconds before a message whose handling raised is handled again."""

AT_ONCE = 100
"""Messages handled in one transaction."""
_LATELY = 10_000
"""Messages among which one that came twice is looked for, while no engine takes any: enough for as
long as a sender repeats, and read in milliseconds."""


@dataclass(frozen=True, slots=True)
class Received:
    """A webhook that was taken in: whether it was new, and what it is about.

    Whether it was new is only looked up for who asks; otherwise it counts as new.
    """

    new: bool
    topic: str


def receive_webhook(
    database: Database, server: str, body: bytes, now: float, *, tell_new: bool = False
) -> Received:
    """Store and commit one webhook of an MDM server; a second delivery changes nothing. A probe
    of `doctor` is none of the server's webhooks.

    With `tell_new` it is looked up whether it came before. Raises ShapeError when `body` is not a
    JSON object in UTF-8, StoreError when it cannot be stored.
    """
    webhook = parse_webhook(body)
    # Nothing of this is done under a lock: reading a list of ten thousand apps takes seconds.
    # A command is stored before it is posted, so whether an answer's is ours is known by now.
    uuid = webhook.command_uuid
    ours = uuid is not None and database.glance_together(commands.are_ours, uuid)
    message = NewMessage(
        source="mdm",
        origin=server,
        topic=webhook.topic or "",
        kind="",
        message_id=webhook.event_id or _digest(body),
        body=storable_webhook(webhook, ours),
        udid=webhook.udid,
        command_uuid=webhook.command_uuid,
    )
    seen = tell_new and _is_seen(database, message)
    message_id = database.inbox.put(message, now)
    new = not seen and not (tell_new and _waits_already(database, message, message_id))
    return Received(new, message.topic)


def receive_notification(database: Database, location: str, body: bytes, now: float) -> None:
    """Store and commit one notification of Apple's; as `receive_webhook`.

    Apple's own examples use one id in notifications of two types, so the type is part of what
    makes it the same notification.
    """
    notification = parse_notification(body)
    payload = notification.payload
    message = NewMessage(
        source="apple",
        origin=location,
        topic=notification.notification_type or "",
        kind=f"{notification.library_uid or ''} {notification.notification_type or ''}",
        message_id=notification.notification_id or _digest(body),
        body=storable_notification(notification, whole=True),
        apple_event_id=payload.apple_event_id
        if isinstance(payload, AssetManagement | UserManagement)
        else None,
    )
    database.inbox.put(message, now)


def _is_seen(database: Database, message: NewMessage) -> bool:
    with database.read() as db:
        return events.is_seen(db, message)


def _waits_already(database: Database, message: NewMessage, own_id: int) -> bool:
    """Whether one that is the same came shortly before it, and is in the inbox."""
    with database.inbox.read() as waiting:
        lately = waiting.beyond(max(own_id - _LATELY, 0))
        same = lately.about("message_id", [message.message_id])
    key = message.source, message.origin, message.kind
    return any(key == (m.source, m.origin, m.kind) and m.id < own_id for m in same)


def process_again(context: Context) -> int:
    """Handle the messages whose next try is due; returns how many."""
    again = events.next_new(context.db, context.now, AT_ONCE)
    for event in again:
        handled = _alone(context, event)
        if handled.error is None:
            events.finish(context.db, event.id, context.now, handled.outcome)
        else:
            events.fail(context.db, event.id, context.now, handled.error, handled.retry_at)
        if handled.retry_at is None and _is_personal(event):
            events.keep_body(context.db, event.id, _evidence(event))
    return len(again)


def process(context: Context, arrivals: Arrivals) -> int:
    """Turn messages that came in into observations; returns how many.

    They are handled together. Where one raises, each is handled on its own, and that one is undone
    alone, tried again, and set aside after three tries; of an MDM server's, what its envelope alone
    says takes effect then.
    """
    arrived = intake.begin(context.db, arrivals.messages, context.now)
    stored = [_to_store(handled) for handled in _together(context, arrived)]
    events.store(context.db, stored, context.now)
    streams.waiting(context.db, arrivals.rest_since)
    return len(arrivals.messages)


@dataclass(frozen=True, slots=True)
class _Handled:
    """What came of a message: an `outcome` in a few words; or an `error`, after which it is handled
    again at `retry_at`, or set aside when that is None."""

    event: Event
    outcome: str = ""
    error: str | None = None
    retry_at: float | None = None


def _to_store(handled: _Handled) -> tuple[Event, float | None]:
    """A message that came in, as it is stored: once, with what came of it."""
    event = handled.event
    if handled.retry_at is None and _is_personal(event):
        event = replace(event, body=_evidence(event))
    if handled.error is None:
        return replace(event, status="done", outcome=handled.outcome), None
    status = "set_aside" if handled.retry_at is None else "new"
    return replace(event, status=status, tries=1, error=handled.error), handled.retry_at


def _is_personal(event: Event) -> bool:
    """Whether what was kept of a message for its handling is more than may stay."""
    return event.topic in USER_TYPES and event.source == "apple"


def _evidence(event: Event) -> bytes:
    return storable_notification(parse_notification(event.body))


def _together(context: Context, arrived: Sequence[Event]) -> list[_Handled]:
    if len(arrived) > 1:
        try:
            with savepoint(context.db):
                return [_handle(context, event) for event in arrived]
        except Exception:  # it is told below, by the one that it is about
            if not context.db.in_transaction:  # the database has undone all, as on a full disk
                raise
            log.debug("a message could not be processed among others", exc_info=True)
    return [_alone(context, event) for event in arrived]


def _handle(context: Context, event: Event) -> _Handled:
    outcome = HANDLERS[event.source](context, event)
    if log.isEnabledFor(logging.DEBUG):
        log.debug("a message is handled", extra=_log_keys(event) | {"outcome": outcome})
    return _Handled(event, outcome)


def _alone(context: Context, event: Event) -> _Handled:
    try:
        with savepoint(context.db):
            return _handle(context, event)
    except Exception as error:  # whatever it is, the other messages must go on
        if not context.db.in_transaction:
            raise
        tries = event.tries + 1
        retry_at = None if tries >= MAX_TRIES else context.now + RETRY_AFTER[tries - 1]
        text = f"{type(error).__name__}: {error}"[:500]
        if retry_at is None:
            _by_envelope(context, event, text)
            meta.count(context.db, f"{event.source}.set_aside", context.now)
        log.exception(
            "a message could not be processed",
            extra=_log_keys(event) | {"tries": tries},
        )
        return _Handled(event, error=text, retry_at=retry_at)


def _by_envelope(context: Context, event: Event, why: str) -> None:
    """A command whose answer cannot be handled was answered all the same."""
    if event.source != "mdm":
        return
    try:
        with savepoint(context.db):
            mdm.handle_envelope(context, event, why)
    except Exception:
        if not context.db.in_transaction:
            raise
        log.exception("not even its envelope could be used", extra=_log_keys(event))


def _log_keys(event: Event) -> dict[str, str | None]:
    return {
        "event_id": event.message_id,
        "device_udid": event.udid,
        "command_uuid": event.command_uuid,
        "server" if event.source == "mdm" else "location": event.origin,
        "apple_event_id": event.apple_event_id,
        "topic": event.topic,
    }


def _digest(body: bytes) -> str:
    return "sha256:" + hashlib.sha256(body).hexdigest()
