"""The circuit breaker: an app that fails on many devices alike is paused.

Later one device is tried, and if it works the rest go on.

The pause is one like a person's, with a time at which something happens: a device is tried, or one
that was tried in vain for `policy.wave.probe_after` is left for another.
"""

from __future__ import annotations

from collections.abc import Sequence

from bridge.domain.decision import Decision
from bridge.domain.facts import Facts
from bridge.domain.installs.breaker import failure_of, next_probe_after, pause_for
from bridge.domain.model import Install
from bridge.domain.pauses import Pause, Pauses
from bridge.engine.context import Context
from bridge.engine.decide import pausing
from bridge.store import meta, pauses
from bridge.store.devices import queue_times
from bridge.store.installs import breaker, installs, under_pause


def observe(context: Context, decided: Sequence[tuple[Facts, Decision]], paused: Pauses) -> None:
    """Keep what failed, and see whether it trips the breaker; what was just decided is stored, and
    was decided while this was `paused`."""
    there = [f.install for f, decision in decided if decision.state == "installed"]
    if there:
        breaker.healed(context.db, [(i.adam_id, i.target) for i in there])
    tried = {(p.name, p.probe): p for p in paused.all if p.probe is not None}
    for fact, decision in decided:
        _failed(context, fact)
        pause = tried.get((fact.install.adam_id, fact.install.target))
        if pause is not None:
            _probe_stands(context, pause, fact, decision)


def _failed(context: Context, fact: Facts) -> None:
    failure, install = failure_of(fact), fact.install
    if failure is None or not breaker.note(
        context.db, install.adam_id, install.target, failure.signature, failure.at
    ):
        return
    policy = context.policy.wave
    since = context.now - policy.within
    alike = breaker.alike(context.db, install.adam_id, failure.signature, since)
    if alike >= policy.devices:
        pausing.pause(context, pause_for(install.adam_id, failure, alike, policy, context.now))


def _probe_stands(context: Context, pause: Pause, fact: Facts, decision: Decision) -> None:
    """Whether the device that is tried worked, or failed; anything else is waited for."""
    if decision.state == "installed" or decision.reason == "LICENSED":
        meta.count(context.db, "wave.ended", context.now)
        pausing.resume(context, "app", pause.name)
        return
    failure = failure_of(fact)
    if failure is None or failure.at < (pause.probe_at or 0.0):
        return
    meta.count(context.db, "wave.probe_failed", context.now)
    wait = next_probe_after(context.policy.wave, pause.probes + 1)
    pauses.probe_failed(context.db, pause.name, context.now + wait)
    installs.touch_ids(context.db, [fact.install.id], context.now)


def sweep(context: Context) -> int:
    """Try a device for each breaker whose time has come; returns for how many."""
    due = pauses.probes_due(context.db, context.now)
    for pause in due:
        before = installs.get(context.db, pause.probe, pause.name) if pause.probe else None
        chosen = _candidate(context, pause)
        pauses.probe(
            context.db,
            pause.name,
            chosen.target if chosen is not None else None,
            now=context.now,
            until=context.now + context.policy.wave.probe_after,
        )
        touched = [each.id for each in (before, chosen) if each is not None]
        installs.touch_ids(context.db, touched, context.now)
        if chosen is not None:
            queue_times.wake_ready(context.db, context.now)
            meta.count(context.db, "wave.probed", context.now)
    return len(due)


def _candidate(context: Context, pause: Pause) -> Install | None:
    """An install that nothing but this pause holds up, if there is one."""
    others = Pauses(tuple(p for p in pauses.load(context.db).all if p != pause))
    for install in under_pause.candidates(context.db, pause.name, pause.probe):
        over = others.over(
            serial_number=install.target, adam_id=install.adam_id, location=install.location
        )
        if over is None:
            return install
    return None
