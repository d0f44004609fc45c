"""What is so for one install, and what happens next: a pure function of facts, policy and time.

The rules are asked in order; the first that has something to say decides. They follow the road:
desired, enrolled, licensed, listed by the device, attempted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from bridge.domain.backoff import last_delay_for_ever, nth_delay
from bridge.domain.catalogue import apple_error
from bridge.domain.decide import (
    attempt,
    book,
    declared,
    in_setup,
    listed,
    of_user,
    platform,
    reclaimed,
    removal,
    settings,
    undescribed,
    updates,
)
from bridge.domain.decide.enrolment import not_enrolled
from bridge.domain.decide.paused import unless_paused
from bridge.domain.decide.silent import unless_silent
from bridge.domain.decision import (
    CancelElsewhere,
    Decision,
    ReadAssignment,
    Step,
    TakeSeat,
)
from bridge.domain.devices.targets import user_of
from bridge.domain.facts import DeviceFacts, Facts, Unsure
from bridge.domain.installs.probes import after_the_probe, once_back
from bridge.domain.licences.retired import retired_too, seats_left
from bridge.domain.policy import DAY, Policy

LOOK_EVERY = DAY
"""Seconds between two looks at a pair of which a look did not tell whether it holds its licence."""

Rule = Callable[[Facts, Policy, float], Decision | None]
RuleOfDevice = Callable[[DeviceFacts, Policy, float], Decision | None]


def decide(facts: Facts, policy: Policy, now: float) -> Decision:
    """The state, reason and steps for one install at `now` (seconds since the epoch)."""
    decision = _by_rules(facts, policy, now)
    if facts.pause is not None:
        decision = unless_paused(facts, facts.pause, now, decision)
    decision = unless_silent(facts, policy, now, decision)
    if facts.removal is not None:
        decision = removal.once_desired_again(facts, decision)
    if facts.probe is not None:
        decision = once_back(facts, facts.probe, decision)
    if facts.is_book:
        decision = book.seen(decision)
    if facts.concerns_user and (steps := of_user.gives_back(facts, decision)):
        decision = replace(decision, steps=(*decision.steps, *steps))
    return _cancelled_elsewhere(facts, decision)


def _by_rules(facts: Facts, policy: Policy, now: float) -> Decision:
    for rule in _RULES:
        decision = rule(facts, policy, now)
        if decision is not None:
            return decision
    assert isinstance(facts, DeviceFacts), "an earlier rule decides for unknown devices"
    for rule_of_device in _RULES_OF_DEVICE:
        decision = rule_of_device(facts, policy, now)
        if decision is not None:
            return decision
    raise AssertionError("the last rule always decides")


def _cancelled_elsewhere(facts: Facts, decision: Decision) -> Decision:
    """A serial number moves to another UDID with a new board or another server: what the old
    device never answered is no reason to keep the new one waiting."""
    if facts.elsewhere is None:
        return decision
    return replace(decision, steps=(CancelElsewhere(facts.elsewhere), *decision.steps))


def _reclaimed(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """What is marked for its licence to go back, which nearly no install of a fleet is."""
    marked = facts.install.reclaim is not None
    return reclaimed.reclaimed(facts, policy, now) if marked else None


def _on_hold(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """Nothing is asked for or sent before an apply has shown it, or before it is known which entry
    of the file is meant."""
    on_hold = facts.install.on_hold
    if on_hold == "PLATFORM_UNKNOWN":
        return undescribed.platform_unknown(facts, policy, now)
    return None if on_hold is None else Decision("waiting", on_hold)


def _enrolled(facts: Facts) -> bool:
    return facts.device is not None and facts.device.is_reachable


def _not_enrolled(facts: Facts, policy: Policy, now: float) -> Decision | None:
    early = policy.associate.before_enrolment or facts.options.before_enrolment
    if early or _enrolled(facts) or user_of(facts.install.target):
        return None
    return not_enrolled(facts)


def _location(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """A location that cannot write holds up only what still needs a licence from it."""
    if facts.licence.state not in ("none", "refused", "taken"):
        return None
    location = facts.location
    if location is None:
        return Decision("waiting", "LOCATION_STARTING", "it has not been read yet")
    if not location.is_running:
        return Decision("waiting", "RESTART_NEEDED")
    if location.suspended is not None:
        return Decision("waiting", location.suspended, location.suspended_detail or "")
    if not location.ready and location.trouble is not None:
        reason = "LOCATION_BUSY" if location.trouble_passes else "LOCATION_TROUBLE"
        return Decision("waiting", reason, location.trouble)
    if not location.ready:
        detail = location.suspended_detail or "it has not been read yet"
        return Decision("waiting", "LOCATION_STARTING", detail)
    return None


def _licence(facts: Facts, policy: Policy, now: float) -> Decision | None:
    licence = facts.licence
    if licence.state == "owned":
        return None
    if licence.state == "collected":
        return Decision("associating", "ASSOCIATE_COLLECTING")
    if licence.state == "open" and licence.waits_until is not None:
        # Once the call is due it is the call that changes something, not the clock.
        later = licence.waits_until if licence.waits_until > now else None
        return Decision("waiting", "APPLE_AWAY", licence.waits_for or "", recheck_at=later)
    if licence.state == "open":
        return Decision("associating", "ASSOCIATE_REQUESTED", _event(facts))
    if licence.state == "in_doubt":
        return Decision("associating", "ASSOCIATE_IN_DOUBT")
    if licence.state == "refused":
        return _refused(facts, policy, now)
    if licence.state == "taken":
        return _taken(facts, policy, now)
    return _needs_seat(facts, now)


def _taken(facts: Facts, policy: Policy, now: float) -> Decision:
    """Others took the licence away: asked again a few times, then left, so that two tools do not
    fight over it."""
    licence = facts.licence
    wait = nth_delay(policy.associate.taken_retry, licence.times_taken)
    if wait is None:
        return Decision("needs_user", "TAKEN_AWAY")
    again_at = (licence.since or now) + wait
    if now >= again_at:
        return _needs_seat(facts, now)
    return Decision("waiting", "LICENSE_TAKEN", recheck_at=again_at)


def _event(facts: Facts) -> str:
    return f"event {facts.licence.event_id}" if facts.licence.event_id else ""


def _refused(facts: Facts, policy: Policy, now: float) -> Decision:
    licence = facts.licence
    error = apple_error(licence.error_number)
    since = licence.since or now
    detail = f"{error.cause} ({licence.error_number})" if licence.error_number else error.cause
    if error.kind == "impossible":
        return Decision("failed", error.reason, detail)
    if error.kind == "no_seat":
        detail += retired_too(facts.asset)
        again_at = since + policy.associate.seat_retry
        counted = facts.asset is not None and facts.asset.counted_at > since
        if counted or now >= again_at:
            return _needs_seat(facts, now)
        return Decision("waiting", "NO_SEAT", detail, recheck_at=again_at)
    used_up = licence.refusals > len(policy.associate.retry)
    if error.kind == "bug" or (used_up and error.kind != "back_off"):
        return Decision("failed", "APPLE_REFUSED", detail)
    again_at = since + last_delay_for_ever(policy.associate.retry, licence.refusals)
    if now >= again_at:
        return _needs_seat(facts, now)
    looked = licence.read_at is not None and licence.read_at >= since
    steps: tuple[Step, ...] = (ReadAssignment(),) if error.kind == "look" and not looked else ()
    reason = "APPLE_BUSY" if error.kind == "back_off" else "LICENSE_RETRY"
    return Decision("waiting", reason, detail, steps=steps, recheck_at=again_at)


def _needs_seat(facts: Facts, now: float) -> Decision:
    asset = facts.asset
    if asset is None:
        # Another of its locations may own it.
        steps = (TakeSeat(),) if facts.install.locations != facts.install.location else ()
        if facts.odd_asset is not None:
            return Decision("waiting", "ASSET_UNREADABLE", facts.odd_asset, steps=steps)
        return Decision("waiting", "NOT_PURCHASED", steps=steps)
    if not asset.device_assignable and not facts.needs_user:
        return Decision("failed", "NOT_DEVICE_ASSIGNABLE")
    if not facts.is_book and (unfit := platform.unfit(facts)):
        return unfit
    if facts.unsure is not None:
        return _unsure(facts.unsure, now)
    if facts.free_seats is not None and facts.free_seats <= 0:
        detail = seats_left(asset)
        return Decision("waiting", "NO_SEAT", detail, steps=(TakeSeat(),))
    return Decision("waiting", "SEAT_PENDING", steps=(TakeSeat(),))


def _unsure(unsure: Unsure, now: float) -> Decision:
    """Nothing is asked for a pair that may hold its licence: it is looked up on its own first."""
    again_at = None if unsure.looked_at is None else unsure.looked_at + LOOK_EVERY
    steps: tuple[Step, ...] = (ReadAssignment(),) if again_at is None or now >= again_at else ()
    later = None if steps else again_at
    return Decision("waiting", "ASSIGNMENT_UNREADABLE", unsure.odd, steps=steps, recheck_at=later)


def _license_only(facts: Facts, policy: Policy, now: float) -> Decision | None:
    return Decision("licensed", "LICENSED") if facts.options.mode == "license_only" else None


def _licensed_early(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """The licence may be there before the device is (policy.associate.before_enrolment, or
    that of one of its groups)."""
    return None if _enrolled(facts) else not_enrolled(facts)


def _for_users(rule: Rule) -> Rule:
    """A rule about users, which nearly no install of a fleet concerns."""

    def decided(facts: Facts, policy: Policy, now: float) -> Decision | None:
        return rule(facts, policy, now) if facts.concerns_user else None

    return decided


def _for_apps(rule: RuleOfDevice) -> RuleOfDevice:
    """A rule of what is only said of apps."""

    def decided(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
        return None if facts.is_book else rule(facts, policy, now)

    return decided


def _update_under_way(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    is_update = facts.attempt is not None and facts.attempt.updates
    return updates.under_way(facts, policy, now) if is_update else None


def _as_listed(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    """Few apps are wished for in their newest version: the others are not looked at for it."""
    if facts.update is None:
        return listed.as_the_device_says(facts, policy, now)
    return updates.as_listed(facts, policy, now)


def _book_on_a_mac(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    return book.on_a_mac(facts, policy, now) if facts.is_book else None


def _in_library(facts: Facts, policy: Policy, now: float) -> Decision | None:
    return of_user.in_library(facts, policy, now) or book.in_library(facts)


def _without_channel(facts: DeviceFacts, policy: Policy, now: float) -> Decision | None:
    return of_user.without_channel(facts) if facts.concerns_user else None


_RULES: tuple[Rule, ...] = (
    _reclaimed,
    removal.unwanted,
    _for_users(of_user.nobody),
    _on_hold,
    _not_enrolled,
    _location,
    _for_users(of_user.not_ready),
    _licence,
    _license_only,
    _for_users(_in_library),
    _licensed_early,
)
_RULES_OF_DEVICE: tuple[RuleOfDevice, ...] = (
    removal.desired_again,
    declared.as_declared,
    in_setup.in_setup,
    attempt.once_described,
    _without_channel,
    _book_on_a_mac,
    _for_apps(settings.forbidden),
    _update_under_way,
    _for_apps(settings.changed),
    _as_listed,
    after_the_probe,
    _for_apps(settings.outdated),
    attempt.as_the_attempt_stands,
)
