"""By the clock: devices are called in their windows, ring after ring.

A device that sleeps is pushed to, and sent nothing: only once it has come a command is made.
"""

from __future__ import annotations

from bridge.domain.installs.options import Options
from bridge.domain.model import Install
from bridge.domain.pauses import Pauses
from bridge.domain.policy import MINUTE
from bridge.domain.updates.facts import Rollout
from bridge.domain.updates.rule import UpdateRule
from bridge.engine.calls.mdm import Push
from bridge.engine.context import Context
from bridge.engine.updates.steps import JOB, jitter_of
from bridge.store import meta, pauses
from bridge.store.devices import devices
from bridge.store.installs import installs, updating
from bridge.store.updates import rollouts, turns
from bridge.store.updates.turns import Turn

AT_ONCE = 200
"""Devices called in one transaction."""

PAUSED_FOR = 10 * MINUTE
"""Seconds after which it is looked again whether an app or a device is still paused."""

PUSH_KEEPS = 10 * MINUTE
"""Seconds for which Apple keeps the push for a device that is off: then it comes too late."""


def roll(context: Context, adam_id: str) -> None:
    """Call the devices of an app whose turn has come, and begin the next rings."""
    paused = pauses.load(context.db)
    found = rollouts.of_apps(context.db, [adam_id]).values()
    due = [at for rollout in found if (at := _roll(context, rollout, paused)) is not None]
    job = f"{JOB}:{adam_id}"
    if due:
        meta.plan_job(context.db, job, max(min(due), context.now + MINUTE / 2))
    else:
        meta.forget_job(context.db, job)


def _roll(context: Context, rollout: Rollout, paused: Pauses) -> float | None:
    """When there is more to do for a version; None if there is nothing."""
    if rollout.stopped is not None:
        return None
    most = _max_per_hour(context, rollout)
    called = turns.called_in_hour(context.db, rollout.adam_id, context.now) if most else 0
    limit = AT_ONCE if most is None else min(AT_ONCE, max(most - called, 0))
    for turn in turns.to_wake(context.db, rollout, context.now, limit):
        _call(context, turn, paused)
    later = [_next_ring(context, rollout), turns.next_wake(context.db, rollout)]
    return min((at for at in later if at is not None), default=None)


def _max_per_hour(context: Context, rollout: Rollout) -> int | None:
    found = turns.first_open(context.db, rollout)
    install = installs.by_id(context.db, found) if found is not None else None
    rule = _rule(install) if install is not None else None
    return rule.max_per_hour_of(context.policy) if rule is not None else None


def _rule(install: Install) -> UpdateRule | None:
    update = Options.from_text(install.options).update
    if update is not None:
        return UpdateRule.from_text(update)
    return UpdateRule() if install.update_asked is not None else None


def _call(context: Context, turn: Turn, paused: Pauses) -> None:
    """Push to a device in its window; outside of it, it is called when the next one opens."""
    db, now = context.db, context.now
    install = installs.by_id(db, turn.install_id)
    rule = _rule(install) if install is not None and install.desired else None
    if install is None or rule is None:
        turns.forget(db, turn.install_id)
        return
    over = paused.over(
        serial_number=install.target, adam_id=install.adam_id, location=install.location
    )
    if over is not None:
        turns.call_again(db, install.id, now + PAUSED_FOR)
        return
    window = rule.window_of(context.policy)
    begins_by, jitter = window.begins_by(now), jitter_of(context, rule, install.target)
    if begins_by is None:
        opens_at = window.opens_at(now)
        times = {"opens_at": opens_at, "next_at": window.next_after(opens_at)}
        turns.postpone(db, install.id, **times, wake_at=opens_at + jitter)
        return
    turns.woken(db, install.id, window.next_after(now) + jitter, now)
    device = devices.current(db, [install.target]).get(install.target)
    if device is not None and device.is_reachable:
        Push.to(db, device.server, device.id, min(now + PUSH_KEEPS, begins_by), now)


def _next_ring(context: Context, rollout: Rollout) -> float | None:
    """Begin the next ring if its time has come; when that is, as far as it is known."""
    db, now = context.db, context.now
    scope = (rollout.adam_id, rollout.storefront, rollout.family)
    later = turns.a_later_one(db, rollout)
    if later is None or turns.first_without_chance(db, rollout) is not None:
        return None
    ring = rollouts.ring(db, scope, rollout.ring)
    if not ring.devices:
        if updating.any_undecided(db, rollout.adam_id):
            return now + MINUTE
    else:
        install = installs.by_id(db, later)
        rule = (_rule(install) if install is not None else None) or UpdateRule()
        due = rollouts.through(db, scope, now) + rule.ring_wait_of(context.policy)
        if now < due:
            return due
    rollouts.next_ring(db, scope)
    updating.touch_ring(db, scope, rollout.ring + 1, now)
    return now + MINUTE / 2
