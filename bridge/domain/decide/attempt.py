"""Deciding for a licensed install of which no list speaks: what became of the newest command."""

from __future__ import annotations

from bridge.domain.catalogue import DELETED, TREATMENTS
from bridge.domain.decide import platform
from bridge.domain.decide.answer import after, explained, verify
from bridge.domain.decide.listed import ENDS, is_past, was_there
from bridge.domain.decide.undescribed import ask_what_it_is
from bridge.domain.decision import (
    CancelAttempt,
    Decision,
    PostAgain,
    SendInstall,
)
from bridge.domain.devices.asking import (
    ask_in_steps,
    ask_in_time,
    asking,
)
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import Attempt
from bridge.domain.policy import Policy


def once_described(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """A device that was enrolled before the bridge came has not said whether it is a Mac, and a
    Mac needs another command (InstallAsManaged)."""
    if facts.device.is_described or facts.attempt is not None:
        return None
    return ask_what_it_is(facts, policy, now, Decision("licensed", "FACTS_FIRST"))


def as_the_attempt_stands(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """Nothing from the device shows the app: what became of the newest command decides."""
    attempt = facts.attempt
    if attempt is None or _is_history(facts, attempt):
        send = Decision("sending", "COMMAND_READY", steps=(SendInstall(),))
        return platform.unfit(facts) or send
    if attempt.state in ("ready", "posting"):
        return Decision("sending", "COMMAND_READY")
    if attempt.state in ("posted", "queued"):
        return _sent(facts, policy, now, attempt)
    if attempt.state == "not_now":
        return _not_now(facts, attempt, policy, now)
    if attempt.state == "in_doubt" and _ended_in_the_past(facts, attempt):
        steps = (CancelAttempt(attempt.command_uuid), SendInstall())
        return Decision("sending", "COMMAND_READY", steps=steps)
    if attempt.state == "in_doubt":
        return _in_doubt(facts, policy, now, attempt)
    return _answered(facts, policy, now, attempt)


def _sent(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    """The server has it. A device that comes and leaves it open is asked for its apps."""
    since = attempt.stalled_at
    if since is None:
        return Decision("sent", "COMMAND_SENT")
    if attempt.odd_answers:
        decision = Decision("unconfirmed", "ANSWER_UNREADABLE", attempt.unread or "")
        return ask_in_time(facts, policy, now, decision, since)
    patience_ends = since + policy.verify.unconfirmed_after
    decision = Decision("sent", "NOT_ANSWERED", recheck_at=patience_ends)
    if now >= patience_ends:
        decision = Decision("unconfirmed", "NOT_ANSWERED")
    return ask_in_steps(facts, policy, now, decision, since)


def _answered(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    """The device answered: a list shows the app later, unless the answer speaks against it."""
    meaning, at = facts.meaning, attempt.answered_at or attempt.created_at
    if meaning is None:
        return verify(facts, policy, now, at)
    return after(facts, policy, now, meaning, at, explained(meaning, attempt))


def _is_history(facts: DeviceFacts, attempt: Attempt) -> bool:
    """Whether an attempt is over and says nothing about now: of a past enrolment, one that failed
    before this round, or one whose app came and is gone."""
    if attempt.state == "dropped":
        return True
    if attempt.state not in ("acknowledged", "error"):
        return False
    if attempt.enrolment != facts.device.enrolment:
        return True
    if was_there(facts):
        return True
    meaning = facts.meaning
    if attempt.state == "error" or (meaning and TREATMENTS[meaning.kind].again != "looks"):
        return is_past(facts, attempt.answered_at or 0.0)
    return _ended_in_the_past(facts, attempt)


def _ended_in_the_past(facts: DeviceFacts, attempt: Attempt) -> bool:
    """Whether a list told, before this round, that what an attempt began came to nothing."""
    report = facts.report
    if report is None:
        return False
    ends = [report.once_at] if report.once_status in ENDS else []
    if report.status == DELETED:
        ends.append(report.reported_at)
    return any(
        end is not None and attempt.created_at <= end and is_past(facts, end) for end in ends
    )


def _not_now(facts: DeviceFacts, attempt: Attempt, policy: Policy, now: float) -> Decision:
    since = max(attempt.not_now_since or now, facts.install.round_at)
    until = since + policy.install.not_now_at_most
    if now >= until:
        return Decision("needs_user", "NOT_NOW_FOR_LONG")
    return Decision("sent", "NOT_NOW", recheck_at=until)


def _not_listed(facts: DeviceFacts, policy: Policy, now: float, since: float) -> Decision:
    """In doubt `since` then, and no list has told. A device that comes and lists nothing leaves it
    unconfirmed; one that stays away is silent some day."""
    patience, came_at = policy.verify.unconfirmed_after, facts.device.last_seen_at
    if now >= since + patience and came_at is not None and came_at >= since:
        return Decision("unconfirmed", "COMMAND_IN_DOUBT")
    start = since if now < since + patience else now
    return Decision("sent", "COMMAND_IN_DOUBT", recheck_at=start + patience)


def _in_doubt(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision:
    """Lost, or done and unheard: only a list made after the doubt arose can tell."""
    if facts.bundle_id is None and facts.is_unmanaged:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN")
    asked, since = facts.asked_at, attempt.in_doubt_at or attempt.created_at
    if asked is None or asked < since:
        return asking(facts, policy, now, _not_listed(facts, policy, now, since))
    if facts.bundle_id is None and facts.strangers:
        return Decision("unconfirmed", "BUNDLE_ID_UNKNOWN")
    return Decision("sending", "COMMAND_READY", steps=(PostAgain(attempt.command_uuid),))
