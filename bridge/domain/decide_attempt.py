"""Deciding for a licensed install on an enrolled device: what the device says, then the attempt."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.backoff import doubling, nth_delay
from bridge.domain.catalogue import (
    IN_PROGRESS,
    MANAGED,
    PROMPTING,
    REJECTED,
    DeviceError,
    device_error,
)
from bridge.domain.decision import (
    AskApps,
    AskFacts,
    Decision,
    DropAttempt,
    PostAgain,
    ReadAssignment,
    SendInstall,
    Step,
)
from bridge.domain.model import Attempt, Device, Facts
from bridge.domain.policy import Policy

DELETED = "ManagedButUninstalled"
FAILED = "Failed"


def once_described(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """A device that was enrolled before the bridge came has not said whether it is a Mac, and a
    Mac needs another command (InstallAsManaged)."""
    if _device(facts).is_described or facts.attempt is not None:
        return None
    return Decision("licensed", "FACTS_FIRST", steps=(AskFacts(),))


def as_the_device_says(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """What the newest list of this enrolment shows decides before anything that we sent."""
    device = _device(facts)
    if not device.apps_known:
        if _own_attempt(facts):
            return None
        return asking(facts, policy, now, Decision("licensed", "LIST_FIRST"))
    report = facts.report
    status = report.status if report else None
    if status == MANAGED:
        return _installed(facts, policy, now)
    if status in IN_PROGRESS or status in PROMPTING:
        return _on_its_way(facts, policy, now, status or "")
    if report is not None and status == DELETED and not _is_past(facts, report.reported_at):
        return _look_again(facts, policy, now, Decision("needs_user", "APP_DELETED"))
    return _said_once(facts, policy, now)


def as_the_attempt_stands(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """Nothing from the device shows the app: what became of the newest command decides."""
    attempt = facts.attempt
    if attempt is None or _is_history(facts, attempt):
        return Decision("sending", "COMMAND_READY", steps=(SendInstall(),))
    if attempt.state in ("ready", "posting"):
        return Decision("sending", "COMMAND_READY")
    if attempt.state in ("posted", "queued"):
        return Decision("sent", "COMMAND_SENT")
    if attempt.state == "not_now":
        return _not_now(facts, attempt, policy, now)
    if attempt.state == "in_doubt" and _ended_in_the_past(facts, attempt):
        steps = (DropAttempt(attempt.command_uuid), SendInstall())
        return Decision("sending", "COMMAND_READY", steps=steps)
    if attempt.state == "in_doubt":
        return _in_doubt(facts, policy, now, attempt)
    if attempt.state == "acknowledged":
        return _verify(facts, policy, now, attempt)
    return _after_error(facts, policy, now, attempt)


def _device(facts: Facts) -> Device:
    assert facts.device is not None, "an earlier rule decides for unknown devices"
    return facts.device


def _of_this_enrolment(facts: Facts, attempt: Attempt) -> bool:
    return attempt.enrolment == _device(facts).enrolment


def _own_attempt(facts: Facts) -> bool:
    """Whether an attempt of this enrolment has got further than standing in our own line."""
    attempt = facts.attempt
    return (
        attempt is not None
        and attempt.state not in ("ready", "dropped")
        and _of_this_enrolment(facts, attempt)
    )


def _is_history(facts: Facts, attempt: Attempt) -> bool:
    """Whether an attempt is over and says nothing about now: of a past enrolment, or one that
    failed before this round."""
    if attempt.state == "dropped":
        return True
    if attempt.state not in ("acknowledged", "error"):
        return False
    if not _of_this_enrolment(facts, attempt):
        return True
    if attempt.state == "error":
        return _is_past(facts, attempt.answered_at or 0.0)
    return _ended_in_the_past(facts, attempt)


def _is_past(facts: Facts, moment: float) -> bool:
    """Whether a moment lies before this round: before a retry, or before the wish was changed."""
    return moment < facts.install.round_at


def _ended_in_the_past(facts: Facts, attempt: Attempt) -> bool:
    """Whether a list told, before this round, that what an attempt began came to nothing."""
    report = facts.report
    if report is None:
        return False
    ends = [report.once_at] if report.once_status in REJECTED | {FAILED} else []
    if report.status == DELETED:
        ends.append(report.reported_at)
    return any(
        end is not None and attempt.created_at <= end and _is_past(facts, end) for end in ends
    )


def asking(facts: Facts, policy: Policy, now: float, decision: Decision) -> Decision:
    """`decision`, and the device is asked for its apps.

    A device that lately would not list them is asked again at growing intervals.
    """
    device = _device(facts)
    if facts.list_open:
        return decision
    refused_at = device.apps_refused_at
    if refused_at is not None and refused_at > (device.apps_listed_at or 0.0):
        start = device.apps_listed_at or device.enrolled_at or refused_at
        due = doubling(start, refused_at, policy.verify.first_after, policy.verify.at_most)
        if now < due:
            return replace(decision, recheck_at=due)
    return replace(decision, steps=(*decision.steps, AskApps()))


def _look_again(facts: Facts, policy: Policy, now: float, decision: Decision) -> Decision:
    """`decision`, with a list asked for when the last one is as old as policy says."""
    last = _device(facts).apps_listed_at or now
    due = last + policy.verify.installed_every
    if now >= due:
        return asking(facts, policy, now, decision)
    return replace(decision, recheck_at=due)


def _installed(facts: Facts, policy: Policy, now: float) -> Decision:
    attempt = facts.attempt
    drop: tuple[Step, ...] = ()
    if attempt is not None and attempt.state in ("ready", "in_doubt"):
        drop = (DropAttempt(attempt.command_uuid),)
    return _look_again(facts, policy, now, Decision("installed", "INSTALLED", steps=drop))


def _on_its_way(facts: Facts, policy: Policy, now: float, status: str) -> Decision:
    started = _on_its_way_since(facts, policy, now)
    listed_at = _device(facts).apps_listed_at or started
    if now - started >= policy.verify.unconfirmed_after:
        return _ask_in_time(
            facts, policy, now, Decision("unconfirmed", "NOT_SEEN", status), started, listed_at
        )
    reason = "PROMPTING" if status in PROMPTING else "INSTALLING"
    decision = Decision("installing", reason, status)
    return _ask_in_time(facts, policy, now, decision, started, listed_at)


def _on_its_way_since(facts: Facts, policy: Policy, now: float) -> float:
    """Since when the app is being installed, as far back as anything shows."""
    install, since = facts.install, now
    if install.state == "installing":
        since = install.since
    elif install.state == "unconfirmed":
        since = install.since - policy.verify.unconfirmed_after
    if facts.attempt is not None and facts.attempt.answered_at is not None:
        since = min(since, facts.attempt.answered_at)
    return since


def _ask_in_time(
    facts: Facts, policy: Policy, now: float, decision: Decision, start: float, last: float
) -> Decision:
    """`decision`, with lists asked for at doubled gaps since `start`, `last` being the newest."""
    due = doubling(start, max(start, last), policy.verify.first_after, policy.verify.at_most)
    if now >= due:
        decision = asking(facts, policy, now, decision)
        due = decision.recheck_at or float("inf")
    patience_ends = start + policy.verify.unconfirmed_after
    if decision.state != "unconfirmed":
        due = min(due, patience_ends)
    return replace(decision, recheck_at=None if due == float("inf") else due)


def _another_round(facts: Facts) -> bool:
    """Whether a person asked for another round since the device said this."""
    report = facts.report
    return report is not None and facts.install.round_at > report.reported_at


def _said_once(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """Statuses that a device tells a single time count until something newer was tried."""
    report = facts.report
    if report is None or report.once_status is None or report.once_at is None:
        return None
    newer = facts.install.round_at
    if facts.attempt is not None:
        newer = max(newer, facts.attempt.created_at)
    if newer > report.once_at:
        return None
    if report.once_status in REJECTED:
        return Decision("needs_user", "USER_REJECTED", report.once_status)
    if report.once_status == "UserInstalledApp" and not facts.options.take_over:
        return _look_again(facts, policy, now, Decision("conflict", "UNMANAGED_COPY"))
    if report.once_status == FAILED and facts.attempt is not None:
        return _after_failed(policy, now, facts.attempt, report.once_at)
    return None


def _after_failed(
    policy: Policy, now: float, attempt: Attempt, failed_at: float
) -> Decision | None:
    """The device's list said Failed; a command that is still on its way is waited for first."""
    if attempt.state in ("ready", "posting", "posted", "queued", "not_now", "dropped"):
        return None
    decision = _try_again(policy, now, attempt, failed_at, "RETRY_LATER", "it reported Failed")
    if attempt.state == "in_doubt" and decision.steps:
        return replace(decision, steps=(DropAttempt(attempt.command_uuid), *decision.steps))
    return decision


def _not_now(facts: Facts, attempt: Attempt, policy: Policy, now: float) -> Decision:
    since = max(attempt.not_now_since or now, facts.install.round_at)
    until = since + policy.install.not_now_at_most
    if now >= until:
        return Decision("needs_user", "NOT_NOW_FOR_LONG")
    return Decision("sent", "NOT_NOW", recheck_at=until)


def _in_doubt(facts: Facts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    """Lost, or done and unheard: only a list made after the doubt arose can tell."""
    asked_at = _device(facts).apps_asked_at
    since = attempt.in_doubt_at or attempt.created_at
    if asked_at is None or asked_at < since or not _device(facts).apps_known:
        return asking(facts, policy, now, Decision("sent", "COMMAND_IN_DOUBT"))
    if facts.bundle_id is None and facts.strangers:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN")
    return Decision("sending", "COMMAND_READY", steps=(PostAgain(attempt.command_uuid),))


def _verify(facts: Facts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    device = _device(facts)
    start = attempt.answered_at or attempt.created_at
    listed_at = device.apps_listed_at if device.apps_known and device.apps_listed_at else start
    if facts.bundle_id is None and facts.strangers and listed_at > start:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN")
    if now - start >= policy.verify.unconfirmed_after:
        decision = Decision("unconfirmed", "NOT_SEEN")
    else:
        decision = Decision("acknowledged", "ACKNOWLEDGED", attempt.app_state or "")
    return _ask_in_time(facts, policy, now, decision, start, listed_at)


def _after_error(facts: Facts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    error = device_error(attempt.error_domain, attempt.error_code)
    detail = explained(error, attempt)
    if error.kind == "in_progress":
        return _verify(facts, policy, now, attempt)
    if error.kind == "already_installed":
        return _look_again(facts, policy, now, Decision("conflict", "UNMANAGED_COPY", detail))
    if error.kind == "login_required":
        return Decision("needs_user", "LOGIN_REQUIRED", detail)
    if error.kind == "rejected":
        return Decision("needs_user", "USER_REJECTED", detail)
    if error.kind == "impossible":
        return Decision("failed", "DEVICE_REFUSED", detail)
    answered_at = attempt.answered_at or now
    reason = "LICENSE_NOT_VISIBLE" if error.kind == "license_not_visible" else "RETRY_LATER"
    decision = _try_again(policy, now, attempt, answered_at, reason, detail)
    stale = (facts.licence.read_at or 0.0) < answered_at
    if decision.reason == "LICENSE_NOT_VISIBLE" and stale:
        return replace(decision, steps=(*decision.steps, ReadAssignment()))
    return decision


def explained(error: DeviceError, attempt: Attempt) -> str:
    """The cause in plain words, with the device's own code where it gave one."""
    if attempt.error_code is None:
        return f"{error.cause}; it gave no code"
    return f"{error.cause} ({attempt.error_domain} {attempt.error_code})"


def _try_again(
    policy: Policy, now: float, attempt: Attempt, failed_at: float, reason: str, detail: str
) -> Decision:
    """Another attempt under a new CommandUUID, as often as policy.install.license_retry says."""
    wait = nth_delay(policy.install.license_retry, attempt.attempt)
    if wait is None:
        used_up = "LICENSE_NEVER_VISIBLE" if reason == "LICENSE_NOT_VISIBLE" else "ATTEMPTS_USED_UP"
        return Decision("failed", used_up, detail)
    if now >= failed_at + wait:
        return Decision("sending", "COMMAND_READY", steps=(SendInstall(),))
    return Decision("licensed", reason, detail, recheck_at=failed_at + wait)
