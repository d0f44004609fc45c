"""An app whose bundle id nobody knows goes to one device first, to learn it.

A fleet that was there before the bridge may have the app already, and a list that has an entry of
unknown origin cannot tell. The device that answers the install names the bundle id; then every
other device's list tells, and what is there is adopted with nothing sent. At most
`policy.scout.devices` are tried, one at a time, each for `policy.scout.answer_within`.
"""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.decision import BeginProbe, Decision, EndProbe
from bridge.domain.facts import Facts, Probe
from bridge.domain.model import ANSWERED_STATES
from bridge.domain.policy import Policy

_ENDED = ("waiting", "failed", "conflict", "needs_user", "unconfirmed", "installed", "removed")


def after_the_probe(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """Another device goes first, or this one does; None where nothing is to be learnt by it."""
    if facts.attempt is not None or not _may_be_there(facts):
        return None
    probe, install = facts.probe, facts.install
    if probe is None:
        return Decision("licensed", "BUNDLE_ID_SCOUT", install.target, steps=(BeginProbe(),))
    until = probe.since + policy.scout.answer_within
    under_way = probe.serial_number is not None and now < until
    if under_way and probe.serial_number == install.target:
        return None
    if under_way:
        return Decision("licensed", "BUNDLE_ID_SCOUT", probe.serial_number or "", recheck_at=until)
    if probe.tried >= policy.scout.devices:
        return None
    return Decision("licensed", "BUNDLE_ID_SCOUT", install.target, steps=(BeginProbe(),))


def _may_be_there(facts: Facts) -> bool:
    """Whether the device may have had the app before the bridge came, and nothing can tell."""
    device = facts.device
    found = device is not None and device.enrolled_after is None
    return found and facts.bundle_id is None and facts.strangers


def once_back(facts: Facts, probe: Probe, decision: Decision) -> Decision:
    """`decision`; on the probe, whether it came back without the bundle id."""
    attempt = facts.attempt
    if probe.serial_number != facts.install.target or facts.bundle_id is not None:
        return decision
    answered = attempt is not None and attempt.state in ANSWERED_STATES
    if answered or decision.state in _ENDED:
        return replace(decision, steps=(*decision.steps, EndProbe()))
    return decision
