"""Whether an MDM server's webhooks come as they should: what counts as refused, what as silence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bridge.domain.policy import DAY

PROBE_TOPIC = "bridge.doctor"
"""The topic of webhooks that no MDM server sent: `doctor` tries the hook with one."""

PROBE_HEADER = "X-Bridge-Probe"
"""By this header `doctor` shows that a request is its own: a secret of the database, drawn each
time. So that it is not counted even where it is refused, and nobody else can say that of his."""

NOBODY = ""
"""Stands for the server where it is not known whose a webhook was."""

ENOUGH = 50
"""Webhooks that must have come before silence means anything."""

GAP_DAYS = 14
FACTOR = 3.0
AT_LEAST = 3600.0
"""Silence is `FACTOR` times the longest gap of the last `GAP_DAYS` days, and at least an hour."""

SHORT_GAP = AT_LEAST / FACTOR
"""No gap that is shorter than this makes a difference."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Webhooks that were answered `status` since the last one that was taken in."""

    status: int
    count: int
    first_at: float
    last_at: float


@dataclass(frozen=True, slots=True)
class Record:
    """How the webhooks of one MDM server came; `longest_gap` is that of the last 14 days."""

    accepted: int = 0
    last_at: float | None = None
    longest_gap: float = 0.0
    refused: Sequence[Refused] = ()


def silent_at(record: Record) -> float | None:
    """From when on silence means that something is wrong; None where that cannot be told yet."""
    if record.last_at is None or record.accepted < ENOUGH:
        return None
    return record.last_at + max(FACTOR * record.longest_gap, AT_LEAST)


def is_silent(record: Record, now: float) -> bool:
    """Whether webhooks fail to come for longer than they ever did of late."""
    at = silent_at(record)
    return at is not None and now > at


def first_day(now: float) -> int:
    """The first day, counted since the epoch, whose gaps still count."""
    return int((now - GAP_DAYS * DAY) // DAY)
