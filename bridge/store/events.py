"""Inbound messages as stored: evidence, replayable, processed one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from operator import attrgetter
from typing import Final

from bridge.domain.vocabulary import EVENT_STATUSES, EventSource, EventStatus
from bridge.store import rows
from bridge.store.bodies import packed, unpacked
from bridge.store.database import Connection, Row
from bridge.store.inbox.message import Arrived, NewMessage
from bridge.store.inbox.waiting import Waiting

TRANSITIONS: Final[Mapping[EventStatus, tuple[EventStatus, ...]]] = {
    "new": ("new", "set_aside", "done"),
    "done": EVENT_STATUSES,
    "set_aside": EVENT_STATUSES,
    "ignored": (),
}
"""By status, those from which a message comes there. What is new is processed, tried again while it
is new, or set aside; what is over may be processed again by hand. What cannot be read is stored as
`ignored`."""

_SEEN_AT_ONCE = 128
"""Messages of which one statement finds out which had come before."""


@dataclass(frozen=True, slots=True)
class Event:
    """A stored message."""

    id: int
    source: EventSource
    origin: str
    topic: str
    message_id: str
    received_at: float
    status: str
    tries: int
    error: str | None
    udid: str | None
    command_uuid: str | None
    apple_event_id: str | None
    outcome: str | None
    body: bytes


_COLUMNS: Final = rows.plain(Event)


def _event(row: Row) -> Event:
    event = Event(*row)
    return replace(event, body=unpacked(event.body))


def see(db: Connection, messages: Sequence[Arrived], now: float) -> list[Event]:
    """Know that these came in; those of them, in their order, that had not come before."""
    came = {
        _seen_as(each.source, each.origin, each.kind, each.message_id): each
        for each in reversed(messages)
    }
    fresh = list[Arrived]()
    left = [(*key, each.received_at) for key, each in came.items()]
    while left:
        some, left = left[:_SEEN_AT_ONCE], left[_SEEN_AT_ONCE:]
        asked = some if len(some) == 1 else rows.padded(some)
        found = db.execute(
            "INSERT INTO seen_messages (source, origin, kind, message_id, seen_at) "
            f"VALUES {', '.join(['(?, ?, ?, ?, ?)'] * len(asked))} "
            "ON CONFLICT DO NOTHING RETURNING source, origin, kind, message_id",
            tuple(chain.from_iterable(asked)),
        )
        fresh += [came[_seen_as(*row)] for row in found]
    return [new(each, now) for each in sorted(fresh, key=attrgetter("id"))]


def _seen_as(*key: str) -> tuple[str, ...]:
    """What makes messages the same; PostgreSQL keeps no NUL in a text."""
    return tuple(text.replace("\0", "\ufffd") for text in key)


def is_seen(db: Connection, message: NewMessage) -> bool:
    """Whether a message came in before, as far as the engine has taken what came."""
    found = db.execute(
        "SELECT 1 FROM seen_messages WHERE source = ? AND origin = ? AND kind = ? "
        "AND message_id = ?",
        (message.source, message.origin, message.kind, message.message_id),
    )
    return found.fetchone() is not None


def store(db: Connection, handled: Iterable[tuple[Event, float | None]], now: float) -> None:
    """Keep messages that were taken from the inbox, with what came of each.

    It was handled `now` if it is done or was tried. With the time that stands beside it, or as soon
    as can be, it is handled (again) if it is new.
    """
    db.executemany(
        "INSERT INTO events (id, source, origin, topic, message_id, received_at, status, tries, "
        "next_try_at, processed_at, error, outcome, udid, command_uuid, apple_event_id, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                event.id,
                event.source,
                event.origin,
                event.topic,
                event.message_id,
                event.received_at,
                event.status,
                event.tries,
                now if retry_at is None else retry_at,
                now if event.tries or event.status == "done" else None,
                event.error,
                event.outcome,
                event.udid,
                event.command_uuid,
                event.apple_event_id,
                packed(event.body),
            )
            for event, retry_at in handled
        ],
    )


def new(message: Arrived, now: float) -> Event:
    """A message that was just taken from the inbox. Nothing came later than now, whatever the clock
    said when it came."""
    return Event(
        id=message.id,
        source=message.source,
        origin=message.origin,
        topic=message.topic,
        message_id=message.message_id,
        received_at=min(message.received_at, now),
        status="new",
        tries=0,
        error=None,
        udid=message.udid,
        command_uuid=message.command_uuid,
        apple_event_id=message.apple_event_id,
        outcome=None,
        body=message.body,
    )


def get(db: Connection, event_id: int) -> Event | None:
    """One message by its id, or None when it is not kept (any more)."""
    row = db.execute(f"SELECT {_COLUMNS} FROM events WHERE id = ?", (event_id,)).fetchone()
    return _event(row) if row else None


def next_new(db: Connection, now: float, limit: int, at_most: int = 1 << 20) -> list[Event]:
    """The oldest messages that are to be processed now: `limit` of them, or fewer once they hold
    `at_most` bytes together; a single one may be larger."""
    found, size = list[Event](), 0
    cursor = db.execute(
        f"SELECT {_COLUMNS} FROM events "
        "WHERE status = 'new' AND next_try_at <= ? ORDER BY next_try_at, id LIMIT ?",
        (now, limit),
    )
    for row in cursor:
        event = _event(row)
        size += len(event.body)
        if found and size > at_most:
            break
        found.append(event)
    cursor.close()
    return found


def finish(db: Connection, event_id: int, now: float, outcome: str) -> None:
    """The message was processed; `outcome` says in a few words what it changed."""
    db.execute(
        "UPDATE events SET status = 'done', processed_at = ?, outcome = ?, error = NULL "
        "WHERE id = ?",
        (now, outcome, event_id),
    )


def keep_body(db: Connection, event_id: int, body: bytes) -> None:
    """Keep this of a message, in place of what it took to handle it."""
    db.execute("UPDATE events SET body = ? WHERE id = ?", (packed(body), event_id))


def fail(db: Connection, event_id: int, now: float, error: str, retry_at: float | None) -> None:
    """Processing raised: try again at `retry_at`, or set the message aside when that is None."""
    db.execute(
        "UPDATE events SET tries = tries + 1, error = ?, processed_at = ?, "
        "status = ?, next_try_at = ? WHERE id = ?",
        (error, now, "set_aside" if retry_at is None else "new", retry_at or now, event_id),
    )


def backlog(db: Connection, waiting: Waiting) -> tuple[int, float | None, int]:
    """How many messages wait, in the inbox or to be tried again, since when the oldest does, and
    how many were set aside."""
    row = db.execute(
        "SELECT count(*), min(received_at) FROM events WHERE status = 'new'"
    ).fetchone()
    aside = db.execute("SELECT count(*) FROM events WHERE status = 'set_aside'").fetchone()
    number, oldest = waiting.backlog()
    times = [at for at in (row[1], oldest) if at is not None]
    return int(row[0]) + number, min(times, default=None), int(aside[0])


def waiting_since(db: Connection, source: EventSource, origin: str) -> float | None:
    """When the oldest message of an origin came that is not processed yet."""
    row = db.execute(
        "SELECT received_at FROM events WHERE status = 'new' AND source = ? AND origin = ? "
        "ORDER BY next_try_at, id LIMIT 1",
        (source, origin),
    ).fetchone()
    return None if row is None else float(row[0])


def by_command(db: Connection, command_uuids: Sequence[str]) -> list[Row]:
    """What came in about these commands, oldest first; for an install's timeline."""
    return db.execute(
        "SELECT id, topic, received_at, status, outcome, command_uuid FROM events "
        f"WHERE command_uuid IN ({rows.marks(len(command_uuids))}) ORDER BY id",
        tuple(command_uuids),
    ).fetchall()


def by_apple_event(db: Connection, location: str, apple_event_id: str) -> list[Event]:
    """The stored notifications that name one of Apple's events."""
    found = db.execute(
        f"SELECT {_COLUMNS} FROM events "
        "WHERE source = 'apple' AND origin = ? AND apple_event_id = ? ORDER BY id",
        (location, apple_event_id),
    )
    return [_event(row) for row in found]
