"""The steps of decisions about new versions: a turn is waited for, begun, and noted."""

from __future__ import annotations

import logging
import zlib

from bridge.domain.decide import settings
from bridge.domain.decide.updates import rule_of
from bridge.domain.decision import AwaitUpdate, NoteUpdate, NoteVersion, StartUpdate, Step
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.model import Device
from bridge.domain.policy import HOUR
from bridge.domain.updates.facts import Rollout, TriedState, UpdateFacts
from bridge.domain.updates.newest import Version
from bridge.domain.updates.rule import UpdateRule
from bridge.engine.commands import uuids
from bridge.engine.context import Context
from bridge.engine.updates import newest
from bridge.store import meta
from bridge.store.commands import commands
from bridge.store.commands.commands import New
from bridge.store.devices import devices
from bridge.store.installs import installs, updating
from bridge.store.updates import rollouts, turns
from bridge.store.updates.rollouts import Scope

log = logging.getLogger(__name__)

JOB = "updates"


def jitter_of(context: Context, rule: UpdateRule, target: str) -> float:
    """How much later than others a device is called, so that not all come at once."""
    part = zlib.crc32(target.encode()) % 1000 / 1000
    return part * rule.jitter_of(context.policy)


def came(context: Context, device: Device) -> None:
    """A device for which new versions wait came: decide anew what may go."""
    if device.target is None:
        return
    turn = turns.has_turn(context.db, device.target, context.now)
    installs.touch_ids(context.db, turn, context.now)
    if not turn and not turns.any_waits(context.db, device.target):
        devices.update(context.db, device.id, updates_wait=0)


def await_update(context: Context, fact: Facts, step: Step) -> None:
    """Its device has its turn from a time on, and is called then."""
    assert isinstance(step, AwaitUpdate)
    update, rule = _of(fact)
    rollout = update.rollout or _without_name(context, fact)
    assert rollout is not None, "who waits for a version is in a storefront and a family"
    tried, install = update.tried, fact.install
    wake_at = max(step.opens_at, context.now) + jitter_of(context, rule, install.target)
    times = {"opens_at": step.opens_at, "next_at": step.next_at, "wake_at": wake_at}
    if tried is not None and tried.number == rollout.number:
        turns.postpone(context.db, install.id, **times)
    else:
        had = fact.report.external_version if fact.report is not None else None
        assert fact.device is not None, "who waits for a version is a device"
        devices.update(context.db, fact.device.id, updates_wait=1)
        turns.await_turn(context.db, install.id, install.target, rollout, rule.ring, had, **times)
    meta.hasten_job(context.db, f"{JOB}:{install.adam_id}", wake_at)


def _of(fact: Facts) -> tuple[UpdateFacts, UpdateRule]:
    assert isinstance(fact, DeviceFacts)
    rule = rule_of(fact)
    assert fact.update is not None and rule is not None, "only what is wished for is updated"
    return fact.update, rule


def _scope(fact: Facts) -> Scope:
    assert fact.update is not None and fact.update.scope is not None
    return (fact.install.adam_id, *fact.update.scope)


def _without_name(context: Context, fact: Facts) -> Rollout | None:
    """The device knows of a newer version, and nobody says which it is."""
    scope = _scope(fact)
    if rollouts.get(context.db, scope) is None:
        rollouts.begin(context.db, scope, Version(), None, context.now)
    return rollouts.get(context.db, scope)


def start_update(context: Context, fact: Facts, step: Step) -> None:
    """One app of a device at a time, and no more devices in an hour than are allowed."""
    assert isinstance(step, StartUpdate) and isinstance(fact, DeviceFacts)
    _, rule = _of(fact)
    install, device, now = fact.install, fact.device, context.now
    if turns.under_way(context.db, [install.target]):
        return
    most = rule.max_per_hour_of(context.policy)
    if most is not None and install.update_asked != "now":
        sent, first = turns.in_hour(context.db, install.adam_id, now)
        if sent >= most:
            again_at = (first or now) + HOUR + jitter_of(context, rule, install.target)
            turns.call_again(context.db, install.id, again_at)
            meta.hasten_job(context.db, f"{JOB}:{install.adam_id}", again_at)
            return
    command = New(
        command_uuid=uuids.new(context.now),
        server=device.server,
        device_id=device.id,
        install_id=install.id,
        request_type="InstallApplication",
        enrolment=device.enrolment,
        due_at=now,
        settings=settings.to_send(fact).as_text(),
        renews=True,
        updates=True,
        not_after=step.not_after,
    )
    if commands.make(context.db, [command], now):
        installs.attempted(context.db, [install.id])
        turns.start(context.db, install.id, step.next_at, now)
        if install.update_asked == "now":
            updating.ask(context.db, [install.id], "in_window", now)
        meta.count(context.db, "update.sent", now)
        installs.touch_ids(context.db, [install.id], now)


def note_update(context: Context, fact: Facts, step: Step) -> None:
    """What came of it; too many failures stop the version, and what waits on the device goes on."""
    assert isinstance(step, NoteUpdate)
    update, rule = _of(fact)
    install, db = fact.install, context.db
    state: TriedState = "refused" if step.state == "failed" and step.never_again else step.state
    if state in ("done", "refused"):
        updating.fulfilled(db, install.id)
    if state == "done" and fact.report is not None:
        turns.done_at(db, install.id, fact.report.reported_at)
    turns.note(db, install.id, state, jitter=jitter_of(context, rule, install.target))
    if state in ("failed", "refused"):
        meta.count(db, "update.failed", context.now)
        _stop_at(context, rule, install.id)
    installs.touch_ids(db, [install.id], context.now)
    if state in ("put_off", "failed"):
        assert fact.device is not None, "only a device can put something off"
        devices.update(db, fact.device.id, updates_wait=1)
        meta.hasten_job(db, f"{JOB}:{install.adam_id}", context.now + HOUR)
    if update.tried is not None and update.tried.state == turns.UNDER_WAY:
        installs.touch_ids(db, turns.has_turn(db, install.target, context.now), context.now)


def _stop_at(context: Context, rule: UpdateRule, install_id: int) -> None:
    found = turns.scope_of(context.db, install_id)
    if found is None:
        return
    scope, number = found
    ring, rollout = rollouts.ring(context.db, scope, number), rollouts.get(context.db, scope)
    if rollout is None or rollout.stopped is not None:
        return
    if rule.stops(context.policy, devices=ring.devices, failed=ring.failed):
        why = (
            f"stopped, since {ring.failed} of {ring.devices} devices of {rule.ring_name(number)} "
            f"failed; look at them, then run vpp-bridge update {scope[0]}"
        )
        rollouts.stop(context.db, scope, why)
        updating.touch_ring(context.db, scope, None, context.now)
        meta.count(context.db, "update.stopped", context.now)
        log.warning("version %s of app %s is %s", rollout.newest.label, scope[0], why)


def note_version(context: Context, fact: Facts, step: Step) -> None:
    """A device has a version that is newer than the newest that was known."""
    assert isinstance(step, NoteVersion)
    newest.learn(context, _scope(fact), step.version, adopts=step.adopts)
