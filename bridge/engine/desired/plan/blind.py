"""Which MDM servers' devices are not known, by what is stored."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.plan.blind import Blind
from bridge.domain.policy import Policy
from bridge.domain.times import to_the_second
from bridge.engine.calls.devices import ReadDevices
from bridge.store import meta, pauses
from bridge.store.database import Connection
from bridge.store.outbox import full_reads

LATE = 300.0
"""Seconds that a read of a large fleet may take, or wait for its turn, beyond its interval."""


def unseen(db: Connection, servers: Sequence[str], policy: Policy, now: float) -> tuple[Blind, ...]:
    """Those of `servers` whose list of devices was not read lately, each with why.

    The newest read failed, none was ever made, or the newest is older than it would be with an
    engine that reads it every `policy.sync.devices_every`.
    """
    is_paused = pauses.load(db).over_all is not None
    found = ((server, _why(db, server, policy, now, is_paused)) for server in servers)
    return tuple(Blind(server, why) for server, why in found if why is not None)


def _why(db: Connection, server: str, policy: Policy, now: float, is_paused: bool) -> str | None:
    error = full_reads.last_error(db, ReadDevices.service, server, ReadDevices.kind)
    if error is not None:
        return error
    if is_told_of(db, server, policy, now):
        return None
    text = meta.recall(db, f"devices_read_at:{server}")
    when = (
        "its list was never read"
        if text is None
        else (f"its list was last read at {to_the_second(float(text))}")
    )
    return f"{when}, and is not while everything is paused" if is_paused else when


def is_told_of(db: Connection, server: str, policy: Policy, now: float) -> bool:
    """Whether the enrolments of a server were read lately, by whatever way there is."""
    text = meta.recall(db, f"devices_read_at:{server}")
    return text is not None and now <= float(text) + policy.sync.devices_every + LATE
