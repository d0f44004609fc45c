"""What new versions would go where, and when: for people; nothing is sent."""

from __future__ import annotations

from bridge.domain.installs.options import Options
from bridge.domain.policy import DAY, HOUR
from bridge.domain.quiet_hours import moment_in
from bridge.domain.times import rfc3339
from bridge.domain.updates.newest import Version
from bridge.domain.updates.rule import UpdateRule
from bridge.domain.views.updates import PlannedUpdate
from bridge.engine.context import Context
from bridge.store.views import waiting_updates


def plan(context: Context, *, tonight: bool) -> list[PlannedUpdate]:
    """By app, version, family, ring and clock how many devices wait, and from when on they may be
    sent it; with `tonight` only those that may within a day, and no more than their pace allows."""
    found: list[PlannedUpdate] = []
    for group in waiting_updates.waiting(context.db):
        update = Options.from_text(group.options).update
        rule = UpdateRule() if update is None else UpdateRule.from_text(update)
        window = rule.window_of(context.policy)
        opens_at = max(window.opens_at(context.now), group.opens_at)
        later = group.ring > group.begun_ring
        why = group.stopped or (
            f"after the devices of {rule.ring_name(group.begun_ring)}" if later else None
        )
        devices = group.devices
        if tonight:
            if why is not None or opens_at > context.now + DAY:
                continue
            devices = min(devices, _most(context, rule, opens_at))
        found.append(
            {
                "adam_id": group.adam_id,
                "name": group.name,
                "version": Version(group.version, group.external_version).label,
                "family": group.family,
                "storefront": group.storefront,
                "ring": rule.ring_name(group.ring),
                "devices": devices,
                "window": str(window),
                "time_zone": window.time_zone,
                "opens_at": None if why is not None else rfc3339(opens_at),
                "opens_there": None if why is not None else moment_in(opens_at, window.time_zone),
                "waits_for": why,
            }
        )
    return found


def _most(context: Context, rule: UpdateRule, opens_at: float) -> int:
    """How many devices an app may be sent to in the window that opens then."""
    most = rule.max_per_hour_of(context.policy)
    if most is None:
        return 10**9
    by = rule.window_of(context.policy).begins_by(opens_at) or opens_at
    hours = (min(by, opens_at + DAY) - opens_at) / HOUR
    return int(most * max(hours, 1.0))
