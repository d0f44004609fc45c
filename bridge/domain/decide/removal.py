"""Deciding for what is not desired any more: licence and app, in the order that Apple asks for.

First the licence is given back, and Apple confirms it; only then the app is removed from the
device (Apple, "Managing Assets"). So a seat never waits for a device that is away. Only licences
that the bridge itself asked for are given back.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.backoff import last_delay_for_ever, nth_delay
from bridge.domain.catalogue import MANAGED, answer_meaning, app_status, apple_error, device_error
from bridge.domain.decide import declared, platform
from bridge.domain.decide.answer import explained
from bridge.domain.decision import (
    CancelAttempt,
    Decision,
    GiveBack,
    LeaveLine,
    PostAgain,
    ReadAssignment,
    SendRemove,
    Step,
)
from bridge.domain.devices.asking import ask_in_time, asking
from bridge.domain.facts import DeviceFacts, Facts
from bridge.domain.model import IN_DEVICE_QUEUE, Attempt, Device
from bridge.domain.policy import Policy


def unwanted(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """What happens to an install that nobody wants any more; None for one that is desired."""
    if facts.install.desired:
        return _desired_again(facts)
    decision = _let_go(facts, policy, now, tidy_up(facts))
    return decision if decision.state == "removing" else without_removal(facts, decision)


def _let_go(facts: Facts, policy: Policy, now: float, steps: tuple[Step, ...]) -> Decision:
    if facts.options.on_unwanted == "keep":
        return Decision("removed", "KEPT", "on_unwanted is keep", steps=steps)
    if by_declaration := declared.kept(facts, steps):
        return by_declaration
    return _giving_back(facts, policy, now, steps) or _removing(facts, policy, now, steps)


def without_removal(facts: Facts, decision: Decision) -> Decision:
    """The same, and nobody waits any more for a removal that has not left, or is in doubt."""
    removal = facts.removal
    if removal is None or removal.state not in ("ready", "in_doubt"):
        return decision
    cancel = CancelAttempt(removal.command_uuid)
    if cancel in decision.steps:
        return decision
    return replace(decision, steps=(cancel, *decision.steps))


def desired_again(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """An app that is desired again while its removal may still reach the device, or have reached it
    unheard: until that is known nothing is sent, and what an older list says is not relied on."""
    removal = facts.removal
    if removal is None or removal.enrolment != facts.device.enrolment:
        return None
    if removal.state in IN_DEVICE_QUEUE:
        decision = Decision("waiting", "REMOVING", "it is wanted again, and sent after that")
        if removal.stalled_at is None:
            return decision
        return ask_in_time(facts, policy, now, decision, removal.stalled_at)
    if removal.state != "in_doubt" or _told_since(facts.device, removal):
        return None
    return asking(facts, policy, now, Decision("licensed", "LIST_FIRST"))


def once_desired_again(facts: Facts, decision: Decision) -> Decision:
    """The same, and what is left of a removal is not sent, nor waited for once its device told."""
    removal, device = facts.removal, facts.device
    if removal is None or not facts.install.desired:
        return decision
    here = device is not None and device.enrolment == removal.enrolment
    if removal.state == "in_doubt" and here and not _told_since(device, removal):
        return decision
    return without_removal(facts, decision)


def _told_since(device: Device | None, removal: Attempt) -> bool:
    """Whether the device was asked for its apps, and told, after the removal came into doubt."""
    asked_at = device.apps_asked_at if device is not None else None
    return asked_at is not None and asked_at >= (removal.in_doubt_at or removal.created_at)


def _desired_again(facts: Facts) -> Decision | None:
    """A licence on its way back is waited for before it is asked for again."""
    if facts.release.state == "collected":
        return Decision("waiting", "SEAT_PENDING", steps=(LeaveLine(),))
    if facts.release.state in ("open", "in_doubt"):
        return Decision("waiting", "RELEASING", _event(facts))
    return None


def _event(facts: Facts) -> str:
    return f"event {facts.release.event_id}" if facts.release.event_id else ""


def tidy_up(facts: Facts) -> tuple[Step, ...]:
    """What was only intended is not done any more."""
    steps: tuple[Step, ...] = (LeaveLine(),) if facts.licence.state == "collected" else ()
    if facts.attempt is not None and facts.attempt.state in ("ready", "in_doubt"):
        steps = (*steps, CancelAttempt(facts.attempt.command_uuid))
    return steps


def _giving_back(
    facts: Facts, policy: Policy, now: float, steps: tuple[Step, ...]
) -> Decision | None:
    """None once there is nothing (more) of ours to give back."""
    licence, release = facts.licence, facts.release
    if licence.state in ("open", "in_doubt"):
        return Decision("removing", "RELEASE_WAITS", steps=steps)
    if release.state in ("collected", "open", "in_doubt"):
        return Decision("removing", "RELEASING", _event(facts), steps=steps)
    if licence.state != "owned" or not licence.ours or facts.others:
        return None
    if facts.location is not None and facts.location.suspended is not None:
        detail = facts.location.suspended_detail or ""
        return Decision("removing", facts.location.suspended, detail, steps=steps)
    if release.state == "refused":
        return refused(facts, policy, now, steps)
    return Decision("removing", "RELEASING", steps=(*steps, GiveBack()))


def refused(facts: Facts, policy: Policy, now: float, steps: tuple[Step, ...]) -> Decision:
    release = facts.release
    error = apple_error(release.error_number)
    detail = f"{error.cause} ({release.error_number})" if release.error_number else error.cause
    if error.kind == "impossible":
        return Decision("failed", "NOT_REVOCABLE", detail, steps=steps)
    used_up = release.refusals > len(policy.associate.retry)
    if error.kind == "bug" or (used_up and error.kind != "back_off"):
        return Decision("failed", "RELEASE_REFUSED", detail, steps=steps)
    again_at = (release.since or now) + last_delay_for_ever(
        policy.associate.retry, release.refusals
    )
    if now >= again_at:
        return Decision("removing", "RELEASING", steps=(*steps, GiveBack()))
    looked = release.read_at is not None and release.read_at >= (release.since or now)
    if error.kind == "look" and not looked:
        steps = (*steps, ReadAssignment())
    return Decision("removing", "RELEASE_RETRY", detail, steps=steps, recheck_at=again_at)


def _removing(facts: Facts, policy: Policy, now: float, steps: tuple[Step, ...]) -> Decision:
    """The licence is settled; under `remove` the app goes, too."""
    stays = facts.licence.state == "owned"
    if facts.options.on_unwanted == "release":
        if stays and facts.others:
            return Decision("removed", "LICENSE_SHARED", str(facts.others), steps=steps)
        return _not_ours(steps) if stays else _without_licence(facts, "", steps)
    if not isinstance(facts, DeviceFacts) or not facts.device.is_reachable:
        return _without_licence(facts, "the device is not enrolled", steps)
    if facts.attempt is not None and facts.attempt.state in IN_DEVICE_QUEUE:
        if facts.attempt.odd_answers:
            unread = facts.attempt.unread or ""
            return Decision("removing", "ANSWER_UNREADABLE", unread, steps=steps)
        return Decision("removing", "REMOVAL_WAITS", steps=steps)
    if _is_gone(facts):
        return Decision("removed", "REMOVED", steps=steps)
    if (words := _nothing_to_remove(facts)) is not None:
        return Decision("removed", "NOTHING_REMOVED", words, steps=steps)
    if facts.bundle_id is None:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN", steps=steps)
    if facts.is_unmanaged:
        detail = "a Mac lets managed apps be removed only, and managed is false"
        return Decision("failed", "REMOVE_FAILED", detail, steps=steps)
    if facts.removal is None and not _is_listed(facts):
        return asking(facts, policy, now, Decision("removing", "REMOVING", steps=steps))
    return _as_the_removal_stands(facts, policy, now, steps)


def _not_ours(steps: tuple[Step, ...]) -> Decision:
    return Decision("removed", "LICENSE_NOT_OURS", steps=steps)


def _without_licence(facts: Facts, detail: str, steps: tuple[Step, ...]) -> Decision:
    """The end: nothing of ours is left there. What never ran there says so; what never was licensed
    gave nothing back."""
    if unfit := platform.not_listed(facts):
        back = "; the licence that it had got was given back" if facts.gave_back else ""
        return Decision("removed", "NOT_FOR_DEVICE", unfit + back, steps=steps)
    return Decision("removed", "RELEASED" if facts.gave_back else "NOT_LICENSED", detail, steps)


def _is_listed(facts: Facts) -> bool:
    """Whether the newest list has the app as managed.

    Supervised devices let a server remove unmanaged apps, too, since iOS 26 (Apple, "Remove
    Application"): a copy of the user's own is never to go.
    """
    status = facts.report.status if facts.report is not None else None
    known = facts.device is not None and facts.device.apps_known
    return known and status is not None and app_status(status).kind != "copy"


def _is_gone(facts: Facts) -> bool:
    """Whether the device removed the app as we asked, or lists its apps without it since, which
    it had before."""
    removal, report = facts.removal, facts.report
    if removal is None:
        was_there = report is not None and report.there_at is not None
        return was_there and _is_left_out(facts, facts.install.round_at)
    if removal.state == "error":
        return False
    return removal.state == "acknowledged" or _is_left_out(facts, removal.created_at)


def _is_left_out(facts: Facts, since: float) -> bool:
    """Whether the newest list was asked for since then, and does not have the app."""
    device = facts.device
    if device is None or facts.bundle_id is None or not device.apps_known:
        return False
    status = facts.report.status if facts.report else None
    return (device.apps_asked_at or 0.0) >= since and status is None


def _nothing_to_remove(facts: Facts) -> str | None:
    """Why the device has nothing that was ours to remove, in words; None where it has, or may."""
    removal = facts.removal
    if removal is None:
        never_sent = facts.attempt is None or facts.attempt.posts == 0
        if never_sent and facts.bundle_id is None:
            return "it was never sent there"
        if _is_left_out(facts, facts.install.round_at):
            return "its list of managed apps does not have it"
        return None
    meaning = device_error(removal.error_domain, removal.error_code)
    if removal.state != "error" or meaning.kind != "not_managed":
        return None
    return f"it answered that {explained(meaning, removal)}"


def _as_the_removal_stands(
    facts: DeviceFacts, policy: Policy, now: float, steps: tuple[Step, ...]
) -> Decision:
    removal = facts.removal
    if removal is None or removal.state == "dropped":
        return Decision("removing", "REMOVING", steps=(*steps, SendRemove()))
    if removal.state == "in_doubt":
        return _in_doubt(facts, policy, now, removal, steps)
    if removal.state == "error":
        return _after_error(policy, now, removal, steps)
    decision = Decision("removing", "REMOVING", steps=steps)
    if removal.stalled_at is None:
        return decision
    if removal.odd_answers:
        decision = replace(decision, reason="ANSWER_UNREADABLE", detail=removal.unread or "")
    return ask_in_time(facts, policy, now, decision, removal.stalled_at)


def _in_doubt(
    facts: DeviceFacts, policy: Policy, now: float, removal: Attempt, steps: tuple[Step, ...]
) -> Decision:
    if not _told_since(facts.device, removal):
        decision = Decision("removing", "REMOVING", "in doubt", steps=steps)
        return asking(facts, policy, now, decision)
    again = PostAgain(removal.command_uuid)
    shown = facts.report.status if facts.report else None
    detail = "still managed" if shown == MANAGED else shown or ""
    return Decision("removing", "REMOVING", detail, steps=(*steps, again))


def _after_error(policy: Policy, now: float, removal: Attempt, steps: tuple[Step, ...]) -> Decision:
    meaning = answer_meaning(removal) or device_error(None, None)
    detail = explained(meaning, removal)
    waits = policy.install.license_retry
    wait = nth_delay(waits, removal.attempt)
    if meaning.kind == "network":
        wait = last_delay_for_ever(waits, removal.attempt)
    if wait is None or meaning.kind in ("impossible", "malformed"):
        return Decision("failed", "REMOVE_FAILED", detail, steps=steps)
    again_at = (removal.answered_at or now) + wait
    if now >= again_at:
        return Decision("removing", "REMOVING", steps=(*steps, SendRemove()))
    return Decision("removing", "REMOVING", detail, steps=steps, recheck_at=again_at)
