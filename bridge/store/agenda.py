"""What there is to do, by one look: one statement, whatever the size of the fleet.

Each part is one look-up in an index: a look costs the same however much exists, and however much
waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.store.database import Connection
from bridge.store.inbox import mark


@dataclass(frozen=True, slots=True)
class Agenda:
    """What waits, and when the clock makes something due.

    Times are seconds since the epoch, None for never.
    """

    taken: int
    """The id of the last message that was taken from the inbox."""
    acts: bool
    """What people did, and the log does not tell yet."""
    messages_at: float | None
    """The next message that is to be tried again."""
    dirty: bool
    """Installs that something touched."""
    decide_at: float | None
    """The next install of which the clock changes the decision."""
    seats: bool
    """Installs that wait for a seat."""
    collecting: bool
    """Pairs that are collected for a request to Apple."""
    status_at: float | None
    """The next request to Apple whose state is to be asked for."""
    read_at: float | None
    """The next request to Apple of which assignments tell what became."""
    queue_ready: bool
    """Devices whose queue is to be looked at now."""
    queue_at: float | None
    """The next device whose queue is to be looked at later."""
    look_at: float | None
    """The next command that is to be looked for."""
    push_at: float | None
    """The next command whose device is to be pushed."""
    jobs_at: float | None
    """The next periodic job."""
    probe_at: float | None
    """The next app that a circuit breaker tries again."""
    calls_at: float | None
    """The next outside call."""
    timers_at: float | None
    """The next of what the clock alone makes due: decisions, questions, pushes, jobs."""


_PARTS = {
    "taken": f"coalesce((SELECT CAST(value AS BIGINT) FROM meta WHERE key = '{mark.KEY}'), 0)",
    "acts": "EXISTS (SELECT 1 FROM acts)",
    "messages_at": "(SELECT min(next_try_at) FROM events WHERE status = 'new')",
    "dirty": "EXISTS (SELECT 1 FROM installs WHERE dirty_at IS NOT NULL)",
    "decide_at": (
        "(SELECT min(next_check_at) FROM installs "
        "WHERE next_check_at IS NOT NULL AND dirty_at IS NULL)"
    ),
    "seats": "EXISTS (SELECT 1 FROM installs WHERE needs_seat = 1)",
    "collecting": (  # with its location, or SQLite looks through all pairs
        "EXISTS (SELECT 1 FROM request_pairs WHERE state = 'collected' AND location > '')"
    ),
    "status_at": "(SELECT min(next_status_at) FROM apple_requests WHERE state = 'open')",
    "read_at": "(SELECT min(next_read_at) FROM apple_requests WHERE state = 'in_doubt')",
    "queue_ready": "EXISTS (SELECT 1 FROM devices WHERE queue_at IS NOT NULL AND queue_at <= :now)",
    "queue_at": "(SELECT min(queue_at) FROM devices WHERE queue_at > :now)",
    "look_at": "(SELECT min(look_at) FROM commands WHERE look_at IS NOT NULL)",
    "push_at": "(SELECT min(push_at) FROM commands WHERE push_at IS NOT NULL)",
    "jobs_at": "(SELECT min(next_at) FROM schedule)",
    "probe_at": "(SELECT min(next_probe_at) FROM pauses WHERE next_probe_at IS NOT NULL)",
    "calls_at": "(SELECT min(due_at) FROM outbox WHERE state = 'ready')",
}
_FLAGS = ("acts", "dirty", "seats", "collecting", "queue_ready")
_TIMERS = ("decide_at", "status_at", "read_at", "look_at", "push_at", "jobs_at", "probe_at")
LOOK = "SELECT " + ", ".join(f"{sql} AS {name}" for name, sql in _PARTS.items())
"""The one statement; `:now` is seconds since the epoch."""


def look(db: Connection, now: float) -> Agenda:
    """What there is to do; `now` is seconds since the epoch."""
    parts = dict(zip(_PARTS, db.execute(LOOK, {"now": now}).fetchone(), strict=True))
    parts |= {name: bool(parts[name]) for name in _FLAGS}
    return Agenda(**parts, timers_at=earliest(*(parts[name] for name in _TIMERS)))


def earliest(*times: float | None) -> float | None:
    """The earliest of some times, None when there is none."""
    return min((at for at in times if at is not None), default=None)
