"""Inbound messages: stored and committed before they are answered, processed afterwards.

The web side puts them in the inbox and waits for nothing else; the engine takes them from there, in
the transaction of the database in which what they say becomes known.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge.engine.context import Context, ContextOf
from bridge.engine.intake import apple, mdm
from bridge.store import events, intake, meta
from bridge.store.commands import commands
from bridge.store.database import Connection, Database, savepoint
from bridge.store.events import Event
from bridge.store.inbox.message import NewMessage
from bridge.store.service import streams
from bridge.wire.apple_notification import AssetManagement, parse_notification
from bridge.wire.apple_notification import storable as storable_notification
from bridge.wire.mdm_webhook import parse_webhook
from bridge.wire.mdm_webhook import storable as storable_webhook

log = logging.getLogger(__name__)

Handler = Callable[[Context, Event], str]
Finish = Callable[[Connection, int, float, str], None]
Fail = Callable[[Connection, int, float, str, float | None], None]

HANDLERS: dict[str, Handler] = {
    "mdm": mdm.handle,
    "apple": apple.handle,
}

MAX_TRIES = 3
RETRY_AFTER = (1.0, 10.0)
"""Seconds before a message whose handling raised is handled again."""

_BATCH = 100
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
    ours = False
    if webhook.command_uuid is not None:
        with database.read() as db:
            ours = commands.is_ours(db, webhook.command_uuid)
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
        body=storable_notification(notification),
        apple_event_id=payload.apple_event_id if isinstance(payload, AssetManagement) else None,
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


def process(database: Database, context_of: ContextOf) -> int:
    """Turn messages into observations, a batch in one transaction; returns how many.

    First those that are to be tried again, then what waits in the inbox. A message whose handler
    raises is undone alone, tried again, and set aside after three tries; of an MDM server's, what
    its envelope alone says takes effect then.
    """
    with database.read_all() as (_, waiting):
        arrived = waiting.first(_BATCH)
        more = bool(arrived) and waiting.beyond(arrived[-1].id).any()
    with database.write() as db:
        context = context_of(db)
        batch = events.next_new(db, context.now, _BATCH)
        for event in batch:
            _process_one(context, event, events.finish, events.fail)
        for event in intake.begin(db, arrived, context.now):
            _take(context, event)
        streams.waiting(db, arrived[-1].received_at if more else None)
    return len(batch) + len(arrived)


def _take(context: Context, event: Event) -> None:
    """Handle a message that comes from the inbox: it is stored once, with what came of it."""

    def finish(db: Connection, _id: int, now: float, outcome: str) -> None:
        events.store(db, replace(event, status="done", outcome=outcome), now)

    def fail(db: Connection, _id: int, now: float, error: str, retry_at: float | None) -> None:
        status = "set_aside" if retry_at is None else "new"
        events.store(db, replace(event, status=status, tries=1, error=error), now, retry_at)

    _process_one(context, event, finish, fail)


def _process_one(context: Context, event: Event, finish: Finish, fail: Fail) -> None:
    try:
        with savepoint(context.db):
            outcome = HANDLERS[event.source](context, event)
            finish(context.db, event.id, context.now, outcome)
        log.debug("a message is handled", extra=_log_keys(event) | {"outcome": outcome})
    except Exception as error:  # whatever it is, the other messages must go on
        tries = event.tries + 1
        retry_at = None if tries >= MAX_TRIES else context.now + RETRY_AFTER[tries - 1]
        text = f"{type(error).__name__}: {error}"[:500]
        fail(context.db, event.id, context.now, text, retry_at)
        if retry_at is None:
            _by_envelope(context, event, text)
            meta.count(context.db, f"{event.source}.set_aside", context.now)
        log.exception(
            "a message could not be processed",
            extra=_log_keys(event) | {"tries": tries},
        )


def _by_envelope(context: Context, event: Event, why: str) -> None:
    """A command whose answer cannot be handled was answered all the same."""
    if event.source != "mdm":
        return
    try:
        with savepoint(context.db):
            mdm.handle_envelope(context, event, why)
    except Exception:
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
