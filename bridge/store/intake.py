"""Taking messages from the inbox into the database: what is known of them from then on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from bridge.domain.webhooks import PROBE_TOPIC
from bridge.store import events, meta
from bridge.store.database import Connection
from bridge.store.events import Event
from bridge.store.inbox import mark
from bridge.store.inbox.message import Arrived
from bridge.store.inbox.waiting import Waiting
from bridge.store.service import webhooks


def begin(db: Connection, arrived: Sequence[Arrived], now: float) -> list[Event]:
    """Take these, the oldest first: those that had not come before are to be stored as events.

    What others have taken meanwhile is left out. Counts what had come before, and how the webhooks
    of each MDM server come; `doctor`'s are none of these.
    """
    taken = mark.taken(db)
    arrived = [each for each in arrived if each.id > taken]
    if not arrived:
        return []
    fresh = events.see(db, arrived, now)
    meta.keep(db, mark.KEY, str(arrived[-1].id))
    again = Counter(each.source for each in arrived)
    again.subtract(each.source for each in fresh)
    for source, number in again.items():
        if number:
            meta.count(db, f"{source}.duplicate", now, number)
    times: dict[str, list[float]] = {}
    for each in fresh:
        if each.source == "mdm" and each.topic != PROBE_TOPIC:
            times.setdefault(each.origin, []).append(each.received_at)
    for server, when in times.items():
        webhooks.accepted(db, server, when, now)
    return fresh


def take_unhandled(db: Connection, waiting: Waiting, now: float) -> None:
    """Take all that waits, to be handled later."""
    arrived = list(waiting.beyond(mark.taken(db)).all())
    events.store(db, ((event, None) for event in begin(db, arrived, now)), now)
