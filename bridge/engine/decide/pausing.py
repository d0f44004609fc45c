"""Pauses: from when a pause is committed no POST leaves that it is about.

The gate sits where calls are claimed, so that what was intended before does not leave either, and
a call that had begun is finished. Which calls a pause is about, and what becomes of one that must
not leave, its class says (`Call.paused_by`, `Call.withdraw`).
"""

from __future__ import annotations

from bridge.domain.audit import BY_ITSELF, Actor, Deed
from bridge.domain.devices.targets import shown
from bridge.domain.pauses import Pause, Pauses, Scope, by_either
from bridge.domain.times import rfc3339
from bridge.engine import audit
from bridge.engine.calls import registry
from bridge.engine.context import Context
from bridge.engine.setup import phase
from bridge.engine.users import deciding
from bridge.store import meta, pauses
from bridge.store.devices import queue_times, setups
from bridge.store.installs import breaker, installs, under_pause
from bridge.store.licences import request_pairs
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

_KEYS = {"app": "adam_id", "location": "location", "serial": "device_serial"}
"""By scope, the log's key for the name of what is paused."""


def pause(context: Context, pause: Pause, actor: Actor = BY_ITSELF) -> bool:
    """Let nothing leave any more that `pause` is about; False where it is paused already.

    `actor` pauses, for the logs.
    """
    if not begin(context, pause):
        return False
    deed = Deed(
        "pause",
        pause.shown_to(by_either),
        _named(pause.scope, pause.name),
        after=_told(pause),
        level="warning",
    )
    audit.record(context.db, context.now, actor, deed)
    return True


def begin(context: Context, pause: Pause) -> bool:
    """The same, as a part of what is told as a whole."""
    if not pauses.begin(context.db, pause):
        return False
    meta.count(context.db, f"paused.{pause.paused_by}", context.now)
    paused = pauses.load(context.db)
    for row in outbox.ready(context.db):
        hold_back(context, row, paused)
    gone = request_pairs.withdraw_paused(context.db, pause.scope, pause.name, context.now)
    installs.touch_pairs(context.db, gone, context.now)
    under_pause.touch(context.db, pause.scope, pause.name, context.now)
    deciding.touch_paused(context, pause.scope, pause.name)
    return True


def resume(context: Context, scope: Scope, name: str, actor: Actor = BY_ITSELF) -> bool:
    """End a pause: what it held up is due at once, paced as ever; False where there was none.

    `actor` resumes, for the logs.
    """
    pause = pauses.get(context.db, scope, name)
    if pause is None:
        return False
    pauses.end(context.db, scope, name)
    if scope == "app":
        breaker.forgive(context.db, name)
    deed = Deed(
        "resume",
        f"{pause.what} is resumed",
        _named(scope, name),
        before=_told(pause),
    )
    audit.record(context.db, context.now, actor, deed)
    outbox.resume(context.db, context.now)
    queue_times.wake_ready(context.db, context.now)
    for device_id in setups.set_free(context.db, scope, name, context.now):
        phase.hasten(context, device_id)
    under_pause.touch(context.db, scope, name, context.now)
    deciding.touch_paused(context, scope, name)
    return True


def _told(pause: Pause) -> dict[str, str]:
    why = {"why": pause.why} if pause.why else {}
    since = rfc3339(pause.since) or ""
    return {"paused": pause.what, "since": since, "by": pause.paused_by, **why}


def _named(scope: Scope, name: str) -> dict[str, str | int]:
    return {_KEYS[scope]: shown(name)} if scope in _KEYS else {}


def hold_back(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    """While something is paused: keep a call from leaving if it is; True if so, and the row is not
    claimed any more."""
    call = registry.classes().get(row.kind)
    if call is None:  # nobody says what it does
        outbox.pause(context.db, row.id)
        return True
    over = call.paused_by(context, row, paused)
    if over is not None:
        call.withdraw(context, row, over)
    return over is not None
