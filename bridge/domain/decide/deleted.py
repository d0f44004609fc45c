"""Deciding for an app that its device lists as managed and not there (ManagedButUninstalled).

Apple's words for it are that the user deleted the app, but devices say it also of an app that they
accepted and never installed, even where a restriction keeps anybody from deleting apps (Apple,
developer forums, thread 731918). Deleted is only what was there.
"""

from __future__ import annotations

from bridge.domain.backoff import nth_delay
from bridge.domain.catalogue import NOT_ARRIVED, TREATMENTS
from bridge.domain.decide import platform
from bridge.domain.decide.answer import IN_FLIGHT, wait_after
from bridge.domain.decision import CancelAttempt, Decision, SendInstall
from bridge.domain.devices.asking import ask_in_time, asking, look_again
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import AppReport, Attempt
from bridge.domain.policy import Policy
from bridge.domain.quiet_hours import moment, next_allowed

_BEFORE_US = "the device said so before the bridge sent anything"
_WAS_THERE = "it was there, and its newest list has it as deleted"


def as_deleted(
    facts: DeviceFacts, policy: Policy, now: float, report: AppReport
) -> Decision | None:
    """What follows the word; None where what was sent since says more.

    Without an install of ours in this enrolment somebody else had the app managed, and whoever
    deleted it may have meant it: nothing is sent against that but by a person's retry.
    """
    attempt = facts.attempt
    ours = attempt is not None and attempt.enrolment == facts.device.enrolment
    if attempt is None or not ours or attempt.state == "dropped":
        detail = _BEFORE_US if report.there_at is None else _WAS_THERE
        return _deleted(facts, policy, now, report, detail)
    if _was_there(report, attempt):
        return _deleted(facts, policy, now, report, _WAS_THERE)
    listed_since = report.reported_at >= (attempt.answered_at or now)
    if attempt.state != "acknowledged" or not listed_since or _is_past(facts, report):
        return None
    return _not_arrived(facts, policy, now, attempt)


def _deleted(
    facts: DeviceFacts, policy: Policy, now: float, report: AppReport, detail: str
) -> Decision | None:
    if _is_past(facts, report):
        return None
    if facts.options.on_deleted == "reinstall":
        return _reinstalled(facts, policy, now, report, detail)
    return look_again(facts, policy, now, Decision("needs_user", "APP_DELETED", detail))


def _reinstalled(
    facts: DeviceFacts, policy: Policy, now: float, report: AppReport, detail: str
) -> Decision:
    """The file has it put back by itself: after the waits of `policy.prompts.again`, one for each
    time, and never in quiet hours, since the device may ask its user."""
    attempt, install = facts.attempt, facts.install
    wait = nth_delay(policy.prompts.again, (attempt.asks if attempt is not None else 0) + 1)
    if wait is None:
        never = f"{detail}; it was put back as often as policy.prompts.again says"
        return look_again(facts, policy, now, Decision("needs_user", "APP_DELETED", never))
    # Each list says it again: what counts is when it was said first.
    said_before = install.reason == "APP_DELETED" and install.since > install.round_at
    said_at = install.since if said_before else report.reported_at
    again_at = next_allowed(max(said_at + wait, now), policy)
    if again_at > now:
        words = f"{detail}; it is installed again at {moment(again_at, policy)}"
        decision = Decision("needs_user", "APP_DELETED", words, recheck_at=again_at)
        return look_again(facts, policy, now, decision)
    if attempt is not None and attempt.state in IN_FLIGHT:
        return Decision("needs_user", "APP_DELETED", detail)
    in_doubt = attempt is not None and attempt.state == "in_doubt"
    settled = (CancelAttempt(attempt.command_uuid),) if attempt is not None and in_doubt else ()
    return Decision("sending", "COMMAND_READY", steps=(*settled, SendInstall(asks_again=True)))


def _is_past(facts: DeviceFacts, report: AppReport) -> bool:
    """Whether a person's retry, or another wish, asks for the app since that list."""
    return report.reported_at < facts.install.round_at


def _was_there(report: AppReport, attempt: Attempt) -> bool:
    """Whether the app was Managed when the newest install was made, or since."""
    there_at = report.there_at
    return attempt.renews or (there_at is not None and there_at >= attempt.created_at)


def _not_arrived(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    """The device took it, and no list has had it since. A list that is asked for when the next
    attempt is due decides, so that what arrived late is not sent again."""
    treatment, detail = TREATMENTS[NOT_ARRIVED.kind], NOT_ARRIVED.cause
    accepted_at = attempt.answered_at or attempt.created_at
    wait = wait_after(NOT_ARRIVED, attempt, policy)
    due = accepted_at + max(wait or 0.0, 2 * policy.verify.first_after)
    if (facts.device.apps_asked_at or 0.0) >= due:
        if refused := platform.refused(facts, NOT_ARRIVED, detail):
            return look_again(facts, policy, now, refused)
        if wait is None:
            failed = Decision("failed", treatment.at_last, detail)
            return look_again(facts, policy, now, failed)
        return Decision("sending", "COMMAND_READY", steps=(SendInstall(),))
    decision = Decision("acknowledged", treatment.reason, detail)
    if now >= due:
        return asking(facts, policy, now, decision)
    waiting = ask_in_time(facts, policy, now, decision, accepted_at)
    return waiting.looked_at_by(due)
