"""From dirty installs to decisions, and from decisions to what is intended.

Level-triggered: whatever touched an install, it is decided from all the facts as they are now.
Seats are allocated and requests made in transactions of their own: they look at many installs.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from bridge.domain.decide import decide, settings
from bridge.domain.decision import (
    AskApps,
    AskFacts,
    AskInstalled,
    AwaitUpdate,
    BeginProbe,
    CancelAttempt,
    CancelElsewhere,
    Decision,
    EndProbe,
    GiveBack,
    GiveDeviceLicenceBack,
    LeaveLine,
    NoteUpdate,
    NoteVersion,
    PostAgain,
    ReadAssignment,
    SendInstall,
    SendRemove,
    StartUpdate,
    Step,
    Wake,
)
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.model import Asset, Device, Install, Pair
from bridge.engine.calls.mdm import Push
from bridge.engine.commands import uuids
from bridge.engine.commands.turn import may_go_at
from bridge.engine.context import Context
from bridge.engine.decide import breaker
from bridge.engine.insight import story
from bridge.engine.licences import settle
from bridge.engine.setup import phase
from bridge.engine.updates import steps as updates
from bridge.store import meta, pauses
from bridge.store.catalog import probes
from bridge.store.commands import commands, ends
from bridge.store.commands.commands import New
from bridge.store.database import savepoint
from bridge.store.devices import installed_apps
from bridge.store.installs import facts, installs, licensees
from bridge.store.licences import request_pairs

log = logging.getLogger(__name__)

CHUNK = 300
"""Installs decided in one transaction: few enough that a webhook waits milliseconds only."""

UNDECIDED_FOR = 600.0
"""Seconds after which an install that could not be decided is tried again."""


def decide_dirty(context: Context, moved: list[story.Moved] | None = None) -> int:
    """Decide a chunk of the installs that something touched; returns how many there were.

    `moved` gets what was decided, for the log to tell once it is committed.
    """
    dirty = installs.dirty(context.db, CHUNK)
    if not dirty:
        return 0
    try:
        with savepoint(context.db):
            decided = _decide(context, dirty)
    except Exception:  # one install must not stop the others
        if not context.db.in_transaction:  # the database has undone all of it
            raise
        log.exception("a group of installs could not be decided; trying one by one")
        decided = []
        for install in dirty:
            decided += _decide_alone(context, install)
    if moved is not None:
        moved += decided
    return len(dirty)


def _decide(context: Context, dirty: Sequence[Install]) -> list[story.Moved]:
    paused = pauses.load(context.db)
    known = facts.load(context.db, dirty, paused)
    if any(f.install is not install for f, install in zip(known, dirty, strict=True)):
        licensees.keep(context.db, dirty, [f.install for f in known])
    decided = [(f, decide(f, context.policy, context.now)) for f in known]
    installs.record(context.db, [(f.install, d) for f, d in decided], context.now)
    _intend(context, decided)
    _tell_setup(context, decided)
    breaker.observe(context, decided, paused)
    return [story.Moved(fact, decision) for fact, decision in decided]


def _decide_alone(context: Context, install: Install) -> list[story.Moved]:
    try:
        with savepoint(context.db):
            return _decide(context, [install])
    except Exception:
        if not context.db.in_transaction:
            raise
        log.exception("an install could not be decided", extra={"device_serial": install.target})
        meta.count(context.db, "install.undecided", context.now)
        installs.postpone(context.db, install.id, context.now + UNDECIDED_FOR)
        return []


def _tell_setup(context: Context, decided: Sequence[tuple[Facts, Decision]]) -> None:
    """Where something of a device in Setup Assistant has changed, it is looked at."""
    changed = {
        fact.device.id
        for fact, decision in decided
        if fact.device is not None
        and fact.device.in_setup
        and (fact.install.state, fact.install.reason) != (decision.state, decision.reason)
    }
    for device_id in sorted(changed):
        phase.hasten(context, device_id)


def _intend(context: Context, decided: Sequence[tuple[Facts, Decision]]) -> None:
    """Take the steps of decisions. A device is asked a question once, though all its installs want
    it; and all installs are sent together, after what makes room for them."""
    asked, new = set[tuple[int, type[Step], bool]](), list[New]()
    for fact, decision in decided:
        for step in decision.steps:
            if isinstance(step, SendInstall):
                new.append(_new_install(context, fact, step))
                continue
            if isinstance(step, _QUESTIONS):
                question = _device(fact).id, type(step), fact.is_book
                if question in asked:
                    continue
                asked.add(question)
            _STEPS.get(type(step), _nothing)(context, fact, step)
    if new:
        made = commands.make(context.db, new, context.now)
        installs.attempted(context.db, [each.install_id for each in made if each.install_id])


_QUESTIONS: Final = (AskApps, AskInstalled, AskFacts, Wake)


def _nothing(context: Context, fact: Facts, step: Step) -> None:
    """A step that something else takes up: seats are allocated for many installs at once."""


def _device(fact: Facts) -> Device:
    assert fact.device is not None, "only installs of known devices send commands"
    return fact.device


def _new_install(context: Context, fact: Facts, step: SendInstall) -> New:
    assert isinstance(fact, DeviceFacts)
    device, last = fact.device, fact.attempt
    again = (
        last is not None
        and last.enrolment == device.enrolment
        and last.state in ("error", "acknowledged")
        and (last.answered_at or 0.0) >= fact.install.round_at
    )
    return New(
        command_uuid=uuids.new(context.now),
        server=device.server,
        device_id=device.id,
        install_id=fact.install.id,
        request_type="InstallMedia" if fact.is_book else "InstallApplication",
        enrolment=device.enrolment,
        attempt=last.attempt + 1 if last is not None and again else 1,
        asks=(last.asks if last is not None and again else 0) + step.asks_again,
        offline=(last.offline if last is not None and again else 0) + step.was_offline,
        due_at=may_go_at(context, device),
        settings=settings.to_send(fact).as_text(),
        renews=settings.is_managed(fact),
    )


def _post_again(context: Context, fact: Facts, step: Step) -> None:
    assert isinstance(step, PostAgain)
    device, again = _device(fact), step.command_uuid
    due_at = may_go_at(context, device)
    if context.abilities(device.server).repeats_are_refused:
        enrolment, new = device.enrolment, uuids.new(context.now)
        commands.renew(context.db, again, new, enrolment=enrolment, due_at=due_at, now=context.now)
        meta.count(context.db, "command.queue_lost", context.now)
    else:
        commands.ready_again(context.db, again, due_at)
    meta.count(context.db, "command.posted_again", context.now)


def _ask_apps(context: Context, fact: Facts, step: Step) -> None:
    ask(context, _device(fact), "ManagedMediaList" if fact.is_book else "ManagedApplicationList")


def _ask_installed(context: Context, fact: Facts, step: Step) -> None:
    """One list for all apps that are desired on the device."""
    identifiers = installed_apps.desired_bundle_ids(context.db, fact.install.target)
    ask(context, _device(fact), "InstalledApplicationList", identifiers)


def _ask_facts(context: Context, fact: Facts, step: Step) -> None:
    ask(context, _device(fact), "DeviceInformation")


def ask(
    context: Context, device: Device, request_type: str, identifiers: Sequence[str] = ()
) -> bool:
    """Intend a question to a device; False when it is on its way already."""
    question = New(
        command_uuid=uuids.new(context.now),
        server=device.server,
        device_id=device.id,
        install_id=None,
        request_type=request_type,
        enrolment=device.enrolment,
        identifiers=identifiers,
        due_at=may_go_at(context, device),
    )
    return bool(commands.make(context.db, [question], context.now))


def _read_assignment(context: Context, fact: Facts, step: Step) -> None:
    why = fact.attempt.command_uuid if fact.attempt else ""
    settle.read_soon(context, fact.install.location, [_pair(fact)], why=why)


def _pair(fact: Facts) -> Pair:
    return facts.pair_of(fact.install)


def _give_back(context: Context, fact: Facts, step: Step) -> None:
    request_pairs.want(
        context.db, fact.install.location, "DISASSOCIATE", [_pair(fact)], context.now
    )


def _give_device_licence_back(context: Context, fact: Facts, step: Step) -> None:
    install = fact.install
    own = Pair(Asset(install.adam_id, install.pricing_param), install.target)
    request_pairs.want(context.db, install.location, "DISASSOCIATE", [own], context.now)


def _send_remove(context: Context, fact: Facts, step: Step) -> None:
    device, last = _device(fact), fact.removal
    again = last is not None and last.state == "error"
    command = New(
        command_uuid=uuids.new(context.now),
        server=device.server,
        device_id=device.id,
        install_id=fact.install.id,
        request_type="RemoveApplication",
        enrolment=device.enrolment,
        attempt=last.attempt + 1 if last is not None and again else 1,
        due_at=may_go_at(context, device),
    )
    commands.make(context.db, [command], context.now)


def _leave_line(context: Context, fact: Facts, step: Step) -> None:
    request_pairs.leave_line(context.db, fact.install.location, _pair(fact), context.now)
    installs.touch_ids(context.db, [fact.install.id], context.now)


def _begin_probe(context: Context, fact: Facts, step: Step) -> None:
    """The first that gets there is the probe; then each of them is decided by who it is."""
    overdue = context.now - context.policy.scout.answer_within
    install = fact.install
    probes.begin(context.db, install.adam_id, install.target, overdue=overdue, now=context.now)
    installs.touch_ids(context.db, [install.id], context.now)


def _end_probe(context: Context, fact: Facts, step: Step) -> None:
    probes.end(context.db, fact.install.adam_id)
    meta.count(context.db, "scout.in_vain", context.now)
    installs.touch_behind_probe(context.db, fact.install.adam_id, context.now)


def _cancel_attempt(context: Context, fact: Facts, step: Step) -> None:
    assert isinstance(step, CancelAttempt)
    ends.cancel(context.db, step.command_uuid, context.now, "settled_otherwise")


def _cancel_elsewhere(context: Context, fact: Facts, step: Step) -> None:
    assert isinstance(step, CancelElsewhere)
    ends.cancel(context.db, step.command_uuid, context.now, "nobody_waits")


def _wake(context: Context, fact: Facts, step: Step) -> None:
    device = _device(fact)
    until = context.now + context.policy.command.push_expiration
    Push.to(context.db, device.server, device.id, until, context.now)


_STEPS: dict[type[Step], Callable[[Context, Facts, Step], None]] = {
    PostAgain: _post_again,
    AskApps: _ask_apps,
    AskInstalled: _ask_installed,
    AskFacts: _ask_facts,
    BeginProbe: _begin_probe,
    EndProbe: _end_probe,
    ReadAssignment: _read_assignment,
    GiveBack: _give_back,
    GiveDeviceLicenceBack: _give_device_licence_back,
    SendRemove: _send_remove,
    LeaveLine: _leave_line,
    CancelAttempt: _cancel_attempt,
    CancelElsewhere: _cancel_elsewhere,
    AwaitUpdate: updates.await_update,
    StartUpdate: updates.start_update,
    NoteUpdate: updates.note_update,
    NoteVersion: updates.note_version,
    Wake: _wake,
}
