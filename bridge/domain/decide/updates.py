"""Deciding for an app that is there: whether it is the newest version, and when that is sent.

The app stays `installed` all the while. A command for a device that sleeps would lie in its queue
and run at nine in the morning, so one is made only for a device that came just now, in its window,
and is not posted any more when the window is about to end. While an app is in use, its device goes
on listing the old version until somebody closes it: it is looked at again, and nothing is repeated.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.domain.catalogue import TREATMENTS, app_status
from bridge.domain.decide import listed
from bridge.domain.decide.answer import explained
from bridge.domain.decide.settings import to_send
from bridge.domain.decision import (
    AwaitUpdate,
    CancelAttempt,
    Decision,
    NoteUpdate,
    NoteVersion,
    StartUpdate,
    Step,
)
from bridge.domain.desired.versions import fulfils
from bridge.domain.devices.asking import ask_in_time, asking, asking_installed
from bridge.domain.facts import DeviceFacts
from bridge.domain.model import IN_DEVICE_QUEUE, Attempt
from bridge.domain.policy import DAY, MINUTE, Policy
from bridge.domain.updates.facts import Rollout, Tried, UpdateFacts
from bridge.domain.updates.newest import Standing, Version, stands, supersedes
from bridge.domain.updates.rule import UpdateRule
from bridge.domain.updates.window import LAST

AWAKE_FOR: Final = 2 * MINUTE
"""Seconds after it came in which a device counts as awake."""

SETTLES_WITHIN: Final = 15 * MINUTE
"""Seconds after which an app that was taken and is not there is taken to be in use."""

USED_FOR_EVER: Final = 7 * DAY
"""Seconds after which that is no explanation any more."""

_PRESENT: Final = ("there", "on_its_way", "asks", "asks_for_login", "rejected")
NOT_OF_THE_VERSION: Final = ("busy", "network")
"""Kinds of refusals that tell nothing of a version: they do not stop it."""


def rule_of(facts: DeviceFacts) -> UpdateRule | None:
    """By which rule new versions are sent, if they are."""
    if facts.options.update is not None:
        return UpdateRule.from_text(facts.options.update)
    return UpdateRule() if facts.install.update_asked is not None else None


def under_way(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """A command that was made for a new version, until it is known what came of it."""
    attempt = facts.attempt
    if attempt is None or not attempt.updates or attempt.enrolment != facts.device.enrolment:
        return None
    if attempt.state == "dropped" or not _is_present(facts):
        return None
    if attempt.state == "ready" and attempt.posts == 0:
        return _not_left(facts, now, attempt)
    if attempt.state in ("ready", *IN_DEVICE_QUEUE):
        return _on_the_server(facts, now, attempt)
    if attempt.state == "in_doubt":
        steps = (CancelAttempt(attempt.command_uuid), NoteUpdate("put_off"))
        return _waits(facts, "its command was lost; it is sent in the next window", steps)
    return _answered(facts, policy, now, attempt)


def as_listed(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """What the newest list shows; and of an app that is there, whether it is the newest."""
    decision = listed.as_the_device_says(facts, policy, now)
    if facts.update is None or decision is None or decision.reason != "INSTALLED":
        return decision
    rule = rule_of(facts)
    if rule is None or not _may_be_updated(facts):
        return decision
    return _by_version(facts, facts.update, rule, policy, now, decision)


def is_behind(facts: DeviceFacts) -> bool:
    """Whether a person may want the newest version: the app is there, it may be sent, and nothing
    says that it is the newest."""
    update = facts.update
    if update is None or update.scope is None or not _is_present(facts):
        return False
    declared = facts.declared is not None and not facts.declared.removed
    if declared or facts.is_book or not facts.device.is_reachable or not _may_be_updated(facts):
        return False
    return _standing(facts) != "current"


def _may_be_updated(facts: DeviceFacts) -> bool:
    """Never an app that is not to be managed, and never one on a Mac that an install without
    InstallAsManaged would un-manage."""
    if not facts.options.managed:
        return False
    return not facts.device.is_mac or to_send(facts).install_as_managed


def _is_present(facts: DeviceFacts) -> bool:
    status = facts.report.status if facts.report is not None else None
    return facts.device.apps_known and status is not None and app_status(status).kind in _PRESENT


def _label(facts: DeviceFacts) -> str:
    rollout = facts.update.rollout if facts.update is not None else None
    return Version().label if rollout is None or _is_nameless(facts) else rollout.newest.label


def _is_nameless(facts: DeviceFacts) -> bool:
    """Whether its device alone knows of a newer version: it has the newest that is known, and waits
    for another one, or has been sent it."""
    update = facts.update
    if update is None or update.rollout is None or update.tried is None:
        return facts.installed is not None and facts.installed.has_update is True
    newest, tried = update.rollout.newest, update.tried
    is_ours = _is_of(tried, update.rollout) and tried.state != "done"
    return is_ours and newest.external is not None and tried.had == str(newest.external)


def _waits(facts: DeviceFacts, why: str, steps: tuple[Step, ...] = ()) -> Decision:
    return Decision("installed", "UPDATE_WAITS", f"{_label(facts)}: {why}", steps=steps)


def _not_left(facts: DeviceFacts, now: float, attempt: Attempt) -> Decision:
    """It stands in our own line: what did not leave in time is taken back."""
    by = attempt.not_after
    if by is not None and now >= by:
        steps = (CancelAttempt(attempt.command_uuid), NoteUpdate("put_off"))
        return _waits(facts, "it did not leave in time; it is sent in the next window", steps)
    return Decision("installed", "UPDATING", _label(facts), recheck_at=by)


def _on_the_server(facts: DeviceFacts, now: float, attempt: Attempt) -> Decision:
    closes = None if attempt.not_after is None else attempt.not_after + LAST
    if closes is not None and now >= closes:
        return Decision("installed", "OUTSIDE_WINDOW_POSSIBLE", _label(facts))
    return Decision("installed", "UPDATING", _label(facts), recheck_at=closes)


def _answered(facts: DeviceFacts, policy: Policy, now: float, attempt: Attempt) -> Decision | None:
    update = facts.update
    tried = update.tried if update is not None else None
    if tried is None or tried.state not in ("sent", "taken"):
        return None
    meaning, at = facts.meaning, attempt.answered_at or attempt.created_at
    if meaning is not None and TREATMENTS[meaning.kind].again != "looks":
        if meaning.kind in NOT_OF_THE_VERSION:
            why = f"{explained(meaning, attempt)}; it is sent in the next window"
            return _waits(facts, why, (NoteUpdate("put_off"),))
        detail = f"{_label(facts)}: {explained(meaning, attempt)}"
        return _failed(detail, never_again=TREATMENTS[meaning.kind].again == "never")
    report = facts.report
    assert report is not None, "an app that is listed has been reported"
    if report.once_status is not None and (report.once_at or 0.0) >= attempt.created_at:
        said = app_status(report.once_status)
        if said.kind not in ("there", "on_its_way"):
            return _failed(f"{_label(facts)}: {said.cause} ({report.once_status})")
    if report.reported_at > at and app_status(report.status).kind == "there" and _has_it(facts):
        return None
    return _looked_for(facts, policy, now, at, tried)


def _failed(detail: str, *, never_again: bool = False) -> Decision:
    step = NoteUpdate("failed", never_again=never_again)
    return Decision("installed", "UPDATE_FAILED", detail, steps=(step,))


def _looked_for(
    facts: DeviceFacts, policy: Policy, now: float, at: float, tried: Tried
) -> Decision:
    """The device took it: its lists tell when it is there."""
    if now >= at + USED_FOR_EVER:
        return _failed(f"{_label(facts)}: the device took it, and lists the old version for a week")
    decision = Decision("installed", "UPDATING", _label(facts))
    if now >= at + SETTLES_WITHIN:
        words = f"{_label(facts)}: in use, it lists the old version until it is closed"
        steps = (NoteUpdate("taken"),) if tried.state == "sent" else ()
        decision = Decision("installed", "UPDATING", words, steps=steps)
    else:
        decision = decision.looked_at_by(at + SETTLES_WITHIN)
    if facts.report is not None and facts.report.external_version is None:
        last = facts.installed.reported_at if facts.installed is not None else 0.0
        if last < (facts.listed_at or 0.0):
            decision = asking_installed(facts, policy, now, decision)
    return ask_in_time(facts, policy, now, decision, at)


def _has(facts: DeviceFacts) -> Version:
    """What the device has, as far as what it told since the last attempt says."""
    report, installed, tried = facts.report, facts.installed, _tried(facts)
    since = tried.stands_since if tried is not None else 0.0
    fresh = installed is not None and installed.asked_at >= since
    shown = installed.short_version if installed is not None and fresh else None
    told = report.external_version if report is not None else None
    return Version(shown, int(told) if told is not None else None)


def _tried(facts: DeviceFacts) -> Tried | None:
    return facts.update.tried if facts.update is not None else None


def _standing(facts: DeviceFacts) -> Standing:
    """How the device's version stands to the newest; the device's own word that there is a newer
    one counts first."""
    installed, tried = facts.installed, _tried(facts)
    since = tried.stands_since if tried is not None else 0.0
    if installed is not None and installed.has_update and installed.asked_at >= since:
        return "outdated"
    rollout = facts.update.rollout if facts.update is not None else None
    if rollout is None:
        return "unknown"
    standing = stands(_has(facts), rollout.newest)
    denies = installed is not None and installed.has_update is False and installed.asked_at >= since
    waits = standing == "current" and _is_nameless(facts) and tried is not None and not denies
    return "outdated" if waits and _is_as_before(facts) else standing


def _is_as_before(facts: DeviceFacts) -> bool:
    """Whether a device still tells the number of the version that it had."""
    tried, has = _tried(facts), _has(facts)
    return tried is not None and has.external is not None and str(has.external) == tried.had


def _has_it(facts: DeviceFacts) -> bool:
    """Whether a device that took a version has it by now; one that tells nothing is believed."""
    tried, has = _tried(facts), _has(facts)
    if _standing(facts) == "current":
        return True
    told = None if has.external is None else str(has.external)
    if tried is not None and tried.had is not None and told is not None and told != tried.had:
        return True
    return _standing(facts) == "unknown" and (told is None or tried is None or tried.had is None)


def _by_version(
    facts: DeviceFacts,
    update: UpdateFacts,
    rule: UpdateRule,
    policy: Policy,
    now: float,
    decision: Decision,
) -> Decision:
    if update.scope is None:
        return decision
    rollout, tried, has = update.rollout, update.tried, _has(facts)
    ours = tried if tried is not None and rollout is not None and _is_of(tried, rollout) else None
    came = tried is not None and tried.state in ("sent", "taken") and _was_taken(facts)
    if came:
        decision = _with(decision, NoteUpdate("done"))
    known = Version() if rollout is None else rollout.newest
    newer = Version(None, has.external)
    if has.external is not None and supersedes(newer, known):
        adopts = came and ours is not None and ours.had == str(known.external)
        return _with(decision, NoteVersion(newer, adopts=adopts))
    standing, asked = _standing(facts), facts.install.update_asked
    if came or (ours is not None and ours.state == "done" and asked is None):
        return decision  # one install for each version, whatever the device lists
    if standing == "current":
        is_news = asked is not None or (ours is not None and ours.state != "done")
        if is_news:
            return _with(decision, NoteUpdate("done"))
        return decision if known.shown else _look_for_versions(facts, policy, now, decision)
    if standing == "unknown" and asked is None:
        return _look_for_versions(facts, policy, now, decision)
    return _outdated(facts, update, rule, policy, now, decision)


def _was_taken(facts: DeviceFacts) -> bool:
    attempt = facts.attempt
    return attempt is not None and attempt.updates and attempt.state == "acknowledged"


def _is_of(tried: Tried, rollout: Rollout) -> bool:
    return tried.number == rollout.number


def _with(decision: Decision, *steps: Step) -> Decision:
    return replace(decision, steps=(*decision.steps, *steps))


def _look_for_versions(
    facts: DeviceFacts, policy: Policy, now: float, decision: Decision
) -> Decision:
    """No store tells whether there is a newer version: the device may know (HasUpdateAvailable)."""
    due = (facts.installed.reported_at if facts.installed else 0.0) + policy.update.look_every
    if now >= due:
        return asking_installed(facts, policy, now, decision)
    return decision.looked_at_by(due)


def _outdated(
    facts: DeviceFacts,
    update: UpdateFacts,
    rule: UpdateRule,
    policy: Policy,
    now: float,
    decision: Decision,
) -> Decision:
    rollout, asked, device = update.rollout, facts.install.update_asked, facts.device
    needs = rollout.minimum_os if rollout is not None else None
    if needs is not None and device.os_version and fulfils(device.os_version, f"<{needs}"):
        words = f"{_label(facts)} needs {needs}, and this is {device.os_version}"
        return _with(Decision("installed", "OS_TOO_OLD", words), *decision.steps)
    window = rule.window_of(policy)
    tried = update.tried
    if tried is not None and rollout is not None and not _is_of(tried, rollout):
        tried = None
    if tried is not None and tried.state == "refused":
        words = facts.install.detail if facts.install.reason == "UPDATE_FAILED" else _label(facts)
        return replace(decision, reason="UPDATE_FAILED", detail=words)
    if tried is not None and tried.state in ("failed", "put_off") and now < tried.opens_at:
        kept = facts.install.reason in ("UPDATE_FAILED", "UPDATE_WAITS")
        reason = facts.install.reason if kept else "UPDATE_WAITS"
        words = facts.install.detail if kept else f"{_label(facts)}: in the next window"
        return replace(decision, reason=reason, detail=words)
    opens_at = window.opens_at(now)
    steps: tuple[Step, ...] = ()
    if tried is None or (tried.opens_at < now and opens_at > now):
        steps = (AwaitUpdate(opens_at, window.next_after(now)),)
    if (why := _gate(facts, update, rule, now, opens_at)) is not None:
        waits = _waits(facts, why, (*decision.steps, *steps))
        return replace(waits, recheck_at=decision.recheck_at)
    if asked is None and (facts.listed_at or 0.0) < (rollout.found_at if rollout else 0.0):
        waits = _waits(facts, "what it has is looked at first", (*decision.steps, *steps))
        return asking(facts, policy, now, replace(waits, recheck_at=decision.recheck_at))
    by = None if asked == "now" else window.begins_by(now)
    not_after = None if by in (None, float("inf")) else by
    start = StartUpdate(not_after, window.next_after(now))
    waits = _waits(facts, "its turn has come", (*decision.steps, *steps, start))
    return replace(waits, recheck_at=decision.recheck_at)


def _gate(
    facts: DeviceFacts, update: UpdateFacts, rule: UpdateRule, now: float, opens_at: float
) -> str | None:
    """Why it does not go now, in words that stay true; None if it does."""
    rollout, asked, device = update.rollout, facts.install.update_asked, facts.device
    if update.busy:
        return "another app of the device goes first"
    if facts.pause is not None:
        return facts.pause.told
    if asked == "now":
        return None
    if asked is None and rollout is not None and rollout.stopped is not None:
        return rollout.stopped
    if asked is None and rollout is not None and rule.ring > rollout.ring:
        return f"after the devices of {rule.ring_name(rollout.ring)}"
    if opens_at > now or (device.last_connect_at or 0.0) < now - AWAKE_FOR:
        return "when the device comes in its window"
    return None
