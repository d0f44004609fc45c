"""Deciding for a licensed install on an enrolled device: what its newest list of apps shows."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.backoff import nth_delay
from bridge.domain.catalogue import SAID_ONCE, TREATMENTS, Meaning, app_status, statuses_of
from bridge.domain.decide.answer import IN_FLIGHT, after, ask_person_again, until_it_tells
from bridge.domain.decide.deleted import as_deleted
from bridge.domain.decision import CancelAttempt, Decision
from bridge.domain.devices.asking import (
    ask_in_time,
    asking,
    look_again,
    unread_lists,
)
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import AppReport
from bridge.domain.policy import Policy

ENDS = statuses_of("rejected", "passing") & SAID_ONCE
"""Words that end what an attempt began, told one time."""


def as_the_device_says(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """What the newest list of this enrolment shows decides before anything that we sent."""
    if _was_installed(facts):
        return asking(facts, policy, now, Decision("unconfirmed", "WAS_INSTALLED"))
    if facts.is_unmanaged:
        return _as_an_unmanaged_app(facts, policy, now)
    if not facts.device.apps_known:
        if own_attempt(facts):
            return None
        return list_first(facts, policy, now)
    report = facts.report
    if report is None or report.status is None:
        return _said_once(facts, policy, now) or _missing(facts, policy, now)
    meaning = app_status(report.status)
    if meaning.kind == "there":
        return _installed(facts, policy, now, Decision("installed", "INSTALLED"))
    if meaning.kind == "on_its_way":
        return _on_its_way(facts, policy, now, report.status)
    if meaning.kind in ("asks", "asks_for_login"):
        return _asks(facts, policy, now, report, meaning)
    if meaning.kind == "deleted" and (decision := as_deleted(facts, policy, now, report)):
        return decision
    if meaning.kind == "license_not_visible":
        return _unlicensed(facts, policy, now, report, meaning)
    return _said_once(facts, policy, now)


def _was_installed(facts: DeviceFacts) -> bool:
    """Whether the app was there when the copy was made from which the bridge was restored: that is
    known, and the lists are not relied on any more. It is not so of another device, which took the
    serial number over."""
    device, installed_at = facts.device, facts.install.installed_at
    if installed_at is None or installed_at < (device.enrolled_at or 0.0):
        return False
    if facts.is_unmanaged:
        return facts.installed is None
    return device.apps_listed_at is not None and device.apps_enrolment is None


def list_first(facts: DeviceFacts, policy: Policy, now: float) -> Decision:
    """The device is asked for its apps before anything is sent to it."""
    decision = asking(facts, policy, now, Decision("licensed", "LIST_FIRST"))
    return until_it_tells(facts, policy, now, decision, unread_lists(facts))


def own_attempt(facts: DeviceFacts) -> bool:
    """Whether an attempt of this enrolment has got further than standing in our own line."""
    attempt = facts.attempt
    return (
        attempt is not None
        and attempt.state not in ("ready", "dropped")
        and attempt.enrolment == facts.device.enrolment
    )


def is_past(facts: DeviceFacts, moment: float) -> bool:
    """Whether a moment lies before this round: before a retry, or before the wish was changed."""
    return moment < facts.install.round_at


def was_there(facts: DeviceFacts) -> bool:
    """Whether a list showed the app after all that was sent, and the newest one leaves it out."""
    there_at, attempt = _left_out(facts), facts.attempt
    if there_at is None or attempt is None:
        return there_at is not None
    return attempt.state == "acknowledged" and attempt.created_at <= there_at


def _left_out(facts: DeviceFacts) -> float | None:
    """When a list last showed an app that the newest one leaves out."""
    if facts.is_unmanaged:
        installed = facts.installed
        gone = installed is not None and installed.presence == "absent"
        return installed.there_at if installed is not None and gone else None
    report = facts.report
    return report.there_at if report is not None and report.status is None else None


def _missing(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """Somebody removed the app, or the device was erased and nobody told us of its enrolment. A
    second list has to say so before it is sent again."""
    report = facts.report
    if report is None or not was_there(facts) or is_past(facts, report.reported_at):
        return None
    if (facts.listed_at or 0.0) > report.reported_at:
        return _gone_too_often(facts, policy)
    decision = Decision("unconfirmed", "APP_MISSING")
    return ask_in_time(facts, policy, now, decision, report.reported_at)


def _gone_too_often(facts: DeviceFacts, policy: Policy) -> Decision | None:
    """An app that comes each time it is sent, and goes each time, is not sent for ever."""
    attempt = facts.attempt
    if attempt is None or attempt.enrolment != facts.device.enrolment:
        return None
    if is_past(facts, attempt.answered_at or 0.0):
        return None
    if nth_delay(policy.install.license_retry, attempt.attempt) is not None:
        return None
    return Decision("failed", "ATTEMPTS_USED_UP", "it was there and is gone, each time anew")


def _as_an_unmanaged_app(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """An app that is not to be managed is in the list of installed apps, or nowhere."""
    installed = facts.installed
    if installed is None:
        if own_attempt(facts) or facts.bundle_id is None:
            return None
        return list_first(facts, policy, now)
    if installed.presence == "there":
        return _installed(facts, policy, now, Decision("installed", "INSTALLED_UNMANAGED"))
    if installed.presence == "installing":
        return _on_its_way(facts, policy, now, "Installing")
    return _gone_too_often(facts, policy) if was_there(facts) else None


def _installed(facts: DeviceFacts, policy: Policy, now: float, decision: Decision) -> Decision:
    attempt = facts.attempt
    if attempt is not None and attempt.state in ("ready", "in_doubt"):
        decision = replace(decision, steps=(CancelAttempt(attempt.command_uuid),))
    return look_again(facts, policy, now, decision)


def _on_its_way(facts: DeviceFacts, policy: Policy, now: float, status: str) -> Decision:
    start = _on_its_way_since(facts, policy, now)
    if now - start >= policy.verify.unconfirmed_after:
        decision = Decision("unconfirmed", "NOT_SEEN", status)
    else:
        decision = Decision("installing", "INSTALLING", status)
    return ask_in_time(facts, policy, now, decision, start)


def _on_its_way_since(facts: DeviceFacts, policy: Policy, now: float) -> float:
    """Since when the app is being installed, as far back as anything shows."""
    install, since = facts.install, now
    if install.state == "installing":
        since = install.since
    elif install.reason == "NOT_SEEN":
        since = install.since - policy.verify.unconfirmed_after
    attempt, report = facts.attempt, facts.report
    if attempt is not None and attempt.answered_at is not None:
        there_at = report.there_at if report is not None else None
        if there_at is None or there_at < attempt.created_at:  # else it is being updated
            since = min(since, attempt.answered_at)
    return since


def _asks(
    facts: DeviceFacts, policy: Policy, now: float, report: AppReport, meaning: Meaning
) -> Decision | None:
    """The device asks its user. Without an answer for long, it is somebody's turn to look."""
    attempt, treatment = facts.attempt, TREATMENTS[meaning.kind]
    newer = attempt is not None and attempt.created_at > report.reported_at
    if newer and attempt is not None and attempt.state in (*IN_FLIGHT, "in_doubt", "error"):
        return None  # they are being asked again: what became of that decides
    start = _asks_since(facts, policy, now, treatment.at_last)
    status = report.status or ""
    unanswered_at = start + policy.prompts.unanswered_after
    if now < unanswered_at:
        decision = Decision("installing", "PROMPTING", status, recheck_at=unanswered_at)
        return ask_in_time(facts, policy, now, decision, start)
    decision = ask_person_again(facts, policy, now, treatment.at_last, start, status)
    if decision.state != "needs_user":
        return decision
    return ask_in_time(facts, policy, now, decision, start)


def _asks_since(facts: DeviceFacts, policy: Policy, now: float, at_last: str) -> float:
    """Since when the device has been asking its user, as the decisions before this one tell."""
    install = facts.install
    if install.reason == "PROMPTING":
        return install.since
    if install.reason == at_last and install.state == "needs_user":
        return install.since - policy.prompts.unanswered_after
    return now


def _unlicensed(
    facts: DeviceFacts, policy: Policy, now: float, report: AppReport, meaning: Meaning
) -> Decision | None:
    """The device lists the app as one for which it has no licence; an attempt made since counts
    more."""
    attempt = facts.attempt
    if attempt is None or attempt.created_at > report.reported_at:
        return None
    if attempt.state != "acknowledged" or is_past(facts, report.reported_at):
        return None
    at = attempt.answered_at or attempt.created_at
    return after(facts, policy, now, meaning, at, f"{meaning.cause} ({report.status})")


def _said_once(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """Statuses that a device tells a single time count until something newer was tried."""
    report, attempt = facts.report, facts.attempt
    if report is None or report.once_status is None or report.once_at is None:
        return None
    newer = facts.install.round_at
    if attempt is not None:
        newer = max(newer, attempt.created_at)
    if newer > report.once_at:
        return None
    meaning = app_status(report.once_status)
    if meaning.kind == "on_its_way" or _says_nothing_now(facts, report.once_at, meaning):
        return None
    words = f"{meaning.cause} ({report.once_status})"
    return after(facts, policy, now, meaning, report.once_at, words)


def _says_nothing_now(facts: DeviceFacts, told_at: float, meaning: Meaning) -> bool:
    """Whether it is no reason against a command: none was sent yet, or one is on its way and is
    waited for first."""
    attempt, installed = facts.attempt, facts.installed
    if meaning.kind == "passing":
        return attempt is None or attempt.state in (*IN_FLIGHT, "dropped")
    if meaning.kind != "copy":
        return False
    gone = (
        installed is not None and installed.asked_at >= told_at and installed.presence == "absent"
    )
    may_go = gone or facts.options.take_over
    return may_go and (attempt is None or attempt.state in IN_FLIGHT)
