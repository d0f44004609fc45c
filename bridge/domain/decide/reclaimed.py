"""Deciding for an app whose device is gone: its licence goes back, though the app is still wanted
there. Once the device is back, it is got anew."""

from __future__ import annotations

from dataclasses import replace

from bridge.domain.decide import removal
from bridge.domain.decision import Decision, GiveBack
from bridge.domain.facts import Facts
from bridge.domain.policy import HOUR, Policy
from bridge.domain.reclaim.mark import Mark


def reclaimed(facts: Facts, policy: Policy, now: float) -> Decision | None:
    """What happens to an install whose licence is to go back, or went; None for any other."""
    install = facts.install
    if install.reclaim is None or not install.desired:
        return None
    mark = Mark.from_text(install.reclaim)
    if mark.is_past(facts.device, install.round_at):
        return None
    licence, release = facts.licence, facts.release
    if mark.state == "held":
        if licence.state != "owned" or not licence.ours or release.state != "none":
            return None
        return Decision("waiting", "RECLAIM_HELD", mark.why)
    steps = removal.tidy_up(facts)
    if licence.state == "owned" and not licence.ours:
        return None
    giving = Decision("waiting", "RECLAIMING", mark.why, steps=steps)
    if licence.state in ("open", "in_doubt") or release.state in ("collected", "open", "in_doubt"):
        return giving
    if licence.state != "owned":
        again_at = _looked_at(facts, policy, now) if mark.kind == "silent" else None
        return Decision("waiting", "RECLAIMED", mark.why, steps=steps, recheck_at=again_at)
    if facts.location is not None and facts.location.suspended is not None:
        return Decision("waiting", facts.location.suspended, facts.location.suspended_detail or "")
    if release.state == "refused":
        refused = removal.refused(facts, policy, now, steps)
        if refused.state == "failed":
            return refused
        return replace(refused, state="waiting", reason="RECLAIMING")
    return replace(giving, steps=(*steps, GiveBack()))


def _looked_at(facts: Facts, policy: Policy, now: float) -> float | None:
    """When it is looked again whether its device spoke: what a device says after a silence as long
    as `policy.device.silent_after` has its installs decided anyway, after a shorter one not."""
    seen_at = facts.device.last_seen_at if facts.device is not None else None
    if seen_at is None or now - seen_at >= policy.device.silent_after:
        return None
    return now + HOUR
