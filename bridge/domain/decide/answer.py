"""What follows an answer that speaks against an install, by what the catalogue says of it, and one
that does not come.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.backoff import last_delay_for_ever, nth_delay
from bridge.domain.catalogue import TREATMENTS, Meaning
from bridge.domain.decide import platform
from bridge.domain.decision import (
    CancelAttempt,
    Decision,
    ReadAssignment,
    SendInstall,
    Step,
)
from bridge.domain.devices.asking import (
    ask_in_time,
    asking,
    asking_installed,
    look_again,
    refuses_lists,
)
from bridge.domain.devices.unreadable import Unreadable
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import IN_DEVICE_QUEUE, Attempt
from bridge.domain.policy import Policy
from bridge.domain.quiet_hours import moment, next_allowed
from bridge.domain.reasons import REASONS

IN_FLIGHT = ("ready", *IN_DEVICE_QUEUE)


def after(
    facts: DeviceFacts, policy: Policy, now: float, meaning: Meaning, at: float, detail: str
) -> Decision:
    """What follows `meaning`, which the device told at `at`; `detail` says it in words."""
    treatment = TREATMENTS[meaning.kind]
    if treatment.again == "looks" or (meaning.kind == "copy" and facts.is_unmanaged):
        return verify(facts, policy, now, at)
    if treatment.again == "prompts":
        return ask_person_again(facts, policy, now, treatment.at_last, at, detail)
    if treatment.again == "gone":
        can_take_over = meaning.kind == "copy" and facts.options.take_over
        return copy_in_the_way(facts, policy, now, at, detail, can_take_over=can_take_over)
    if refused := platform.refused(facts, meaning, detail):
        return refused
    if treatment.again == "never":
        return Decision(REASONS[treatment.reason].states[0], treatment.reason, detail)
    decision = try_again(facts, policy, now, meaning, at, detail)
    if meaning.kind == "license_not_visible" and decision.state != "failed":
        return _look_for_the_licence(facts, policy, now, at, decision)
    return decision


def explained(meaning: Meaning, attempt: Attempt) -> str:
    """The cause in plain words, with the device's own numbers or words where it gave some."""
    if attempt.unread is not None:
        return f"{meaning.cause}; the rest of its answer cannot be read: {attempt.unread}"
    if attempt.error_code is not None:
        return f"{meaning.cause} ({attempt.error_domain} {attempt.error_code})"
    words = [word for word in (attempt.app_state, attempt.rejection_reason) if word]
    if words:
        return f"{meaning.cause} ({', '.join(words)})"
    return meaning.cause if attempt.status != "Error" else f"{meaning.cause}; it gave no code"


def verify(facts: DeviceFacts, policy: Policy, now: float, start: float) -> Decision:
    """The device accepted the app at `start`, or is at it: only a list shows what came of it."""
    listed = facts.listed_at or start
    nothing_can_show_it = facts.bundle_id is None and (
        facts.is_unmanaged or (facts.strangers and listed > start)
    )
    if nothing_can_show_it:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN")
    if now - start < policy.verify.unconfirmed_after:
        words = (facts.attempt.app_state or "") if facts.attempt else ""
        decision = Decision("acknowledged", "ACKNOWLEDGED", words)
        return ask_in_time(facts, policy, now, decision, start)
    decision = Decision("unconfirmed", "NOT_SEEN")
    if facts.is_unmanaged or facts.is_book:
        return ask_in_time(facts, policy, now, decision, start)
    installed = facts.installed
    if installed is None or installed.asked_at < start:
        decision = asking_installed(facts, policy, now, decision)
    elif installed.presence == "there":
        if (facts.device.apps_asked_at or 0.0) >= installed.asked_at:
            return copy_in_the_way(facts, policy, now, start, "", can_take_over=False)
        return asking(facts, policy, now, decision)  # it may have become managed since the last
    return ask_in_time(facts, policy, now, decision, start)


def _has_copy(facts: DeviceFacts, since: float) -> bool:
    """Whether a list asked for since then has the app, which no list of managed apps shows."""
    installed = facts.installed
    return installed is not None and installed.asked_at >= since and installed.presence == "there"


def try_again(
    facts: DeviceFacts, policy: Policy, now: float, meaning: Meaning, failed_at: float, detail: str
) -> Decision:
    """Another attempt under a new CommandUUID, as often as the catalogue says."""
    treatment = TREATMENTS[meaning.kind]
    attempt = facts.attempt
    wait = wait_after(meaning, attempt, policy)
    if wait is None:
        return Decision("failed", treatment.at_last, detail)
    if now >= failed_at + wait:
        send = SendInstall(was_offline=treatment.again == "for_ever")
        return Decision("sending", "COMMAND_READY", steps=(*_settled(facts), send))
    return Decision("licensed", treatment.reason, detail, recheck_at=failed_at + wait)


def _tries(attempt: Attempt | None) -> int:
    """How many attempts of this round count, with this one: not those that were made since a
    person did not say yes, or since the device had no network."""
    return attempt.attempt - attempt.asks - attempt.offline if attempt is not None else 1


def wait_after(meaning: Meaning, attempt: Attempt | None, policy: Policy) -> float | None:
    """Seconds from a failure to the next attempt; None when they are used up."""
    waits = policy.install.license_retry
    if TREATMENTS[meaning.kind].again == "for_ever":
        return last_delay_for_ever(waits, (attempt.offline if attempt is not None else 0) + 1)
    return nth_delay(waits, _tries(attempt))


def _settled(facts: DeviceFacts) -> tuple[Step, ...]:
    """The attempt in doubt is settled by what the device told since."""
    attempt = facts.attempt
    if attempt is not None and attempt.state == "in_doubt":
        return (CancelAttempt(attempt.command_uuid),)
    return ()


def _look_for_the_licence(
    facts: DeviceFacts, policy: Policy, now: float, failed_at: float, decision: Decision
) -> Decision:
    """The device saw no licence: is it really there, and is there a copy that needs none?

    Both are asked while the next attempt waits; what is not known by then does not hold it up.
    """
    device = facts.device
    if facts.is_book:
        return decision
    read = (facts.licence.read_at or 0.0) >= failed_at
    has_copy = _has_copy(facts, failed_at) and not facts.options.take_over
    listed = max(device.apps_asked_at or 0.0, device.apps_refused_at or 0.0) >= failed_at
    if has_copy and read and listed:
        detail = "it sees no licence for the app, and lists it as not managed"
        return copy_in_the_way(facts, policy, now, failed_at, detail, can_take_over=False)
    if decision.state == "sending":
        return decision
    if not read:
        decision = replace(decision, steps=(*decision.steps, ReadAssignment()))
    if has_copy and not listed:
        return asking(facts, policy, now, decision)
    refused = (device.installed_refused_at or 0.0) >= failed_at
    told = facts.installed is not None and facts.installed.asked_at >= failed_at
    return decision if refused or told else asking_installed(facts, policy, now, decision)


def copy_in_the_way(
    facts: DeviceFacts,
    policy: Policy,
    now: float,
    said_at: float,
    detail: str,
    *,
    can_take_over: bool,
) -> Decision:
    """A copy that is not managed: taken over, or a conflict until lists come without it, or with
    the app managed."""
    installed = facts.installed
    gone = (
        installed is not None and installed.asked_at >= said_at and installed.presence == "absent"
    )
    if gone or can_take_over:
        return try_again(facts, policy, now, Meaning("passing", ""), said_at, detail)
    decision = Decision("conflict", "UNMANAGED_COPY", detail)
    if facts.bundle_id is None:
        return look_again(facts, policy, now, decision)
    last = max(said_at, installed.reported_at if installed else said_at)
    due = last + policy.verify.conflict_every
    if now < due:
        return replace(decision, recheck_at=due)
    return asking(facts, policy, now, asking_installed(facts, policy, now, decision))


def ask_person_again(
    facts: DeviceFacts, policy: Policy, now: float, reason: str, said_at: float, detail: str
) -> Decision:
    """A person must act, and is asked again a few times, never in quiet hours."""
    attempt = facts.attempt
    wait = nth_delay(policy.prompts.again, (attempt.asks if attempt else 0) + 1)
    if wait is None:
        never = _joined(detail, "not asked again")
        return look_again(facts, policy, now, Decision("needs_user", reason, never))
    again_at = next_allowed(max(said_at + wait, now), policy)
    if again_at > now:
        words = _joined(detail, f"asked again at {moment(again_at, policy)}")
        decision = Decision("needs_user", reason, words, recheck_at=again_at)
        return look_again(facts, policy, now, decision)
    if attempt is not None and attempt.state in IN_FLIGHT:
        return Decision("needs_user", reason, detail)
    steps: tuple[Step, ...] = (*_settled(facts), SendInstall(asks_again=True))
    return Decision("sending", "COMMAND_READY", steps=steps)


def _joined(detail: str, words: str) -> str:
    return f"{detail}; {words}" if detail else words


_ASKS_WHAT_IT_IS = ("FACTS_FIRST", "PLATFORM_UNKNOWN")
"""Reasons of what waits for an answer that is no list of apps."""


def until_it_tells(
    facts: DeviceFacts, policy: Policy, now: float, decision: Decision, unread: Unreadable | None
) -> Decision:
    """`decision`, which waits for an answer of the device; somebody has to look once it has come
    for commands for `policy.install.not_now_at_most` and not given it.

    One that answers, though nothing that can be read (`unread`) or with a refusal, is told so.
    """
    install, patience = facts.install, policy.install.not_now_at_most
    if unread is not None and now < unread.last_at + patience:
        return _in_time(decision, unread.last_at + patience)
    waits = install.reason in (decision.reason, "NOT_TOLD", "LIST_REFUSED")
    since = max(install.since, install.round_at) if waits else now
    stays = install.round_at <= install.since
    if decision.reason not in _ASKS_WHAT_IT_IS and refuses_lists(facts):
        patience = policy.verify.unconfirmed_after
        if (install.reason == "LIST_REFUSED" and stays) or now >= since + patience:
            return replace(decision, reason="LIST_REFUSED", detail=facts.device.refusal or "")
        return _in_time(decision, since + patience)
    given_up = install.reason == "NOT_TOLD" and stays
    if given_up or (facts.device.last_connect_at or 0.0) >= since + patience:
        return Decision("needs_user", "NOT_TOLD", steps=decision.steps)
    return _in_time(decision, since + patience if since + patience > now else now + patience)


def _in_time(decision: Decision, due: float) -> Decision:
    return decision.looked_at_by(due)
