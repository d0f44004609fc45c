"""What a start does first: whatever a dead process left half done is looked up, not guessed.

The engine's lock is held by then, so that every claimed row is an orphan, save those of engines
that only help with the calls.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.domain.vocabulary import Service
from bridge.engine.calls import Call, registry
from bridge.engine.calls.devices import no_endpoint
from bridge.engine.context import Context
from bridge.engine.licences import reclaiming
from bridge.engine.timers import USER_JOBS, Outside
from bridge.engine.users import deciding
from bridge.store import meta
from bridge.store.alerts import alerts
from bridge.store.commands import timers
from bridge.store.database import Engines
from bridge.store.licences import requests
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.service import running, webhooks
from bridge.store.users import users


def recover(
    context: Context,
    calls: Mapping[str, Call],
    outside: Outside,
    engines: Engines | None = None,
) -> None:
    """Take up what the last process left, and plan what a start asks for. `engines` are those that
    share the calls, where there are any."""
    running.keep_locations(context.db, outside.locations)
    helping: Sequence[int] = ()
    if engines is not None:
        engines.give_up_leaders(context.db)
        helping = engines.helping(context.db)
    doubt(context, calls, outbox.claimed(context.db, helping))
    alerts.keep_receivers(context.db, outside.receivers)
    scopes_of: Mapping[Service, Sequence[str]] = {
        "apple": outside.locations,
        "mdm": tuple(outside.servers),
        "alerts": outside.receivers,
    }
    for service, scopes in scopes_of.items():
        for row in outbox.cancel_elsewhere(context.db, service, scopes, context.now):
            if row.kind in calls:
                calls[row.kind].scope_gone(context, row)
    _ask_apple_at_once(context)
    # Webhooks that came while nobody listened are lost: the servers' queues and lists tell.
    timers.suspect_all(context.db, context.now)
    reclaiming.watch(context, outside.place)
    for server in outside.servers:
        meta.hasten_job(context.db, f"devices:{server}", context.now)
        meta.forget(context.db, no_endpoint(server))
        meta.hasten_job(context.db, f"{webhooks.JOB}:{server}", context.now)
    for location in outside.locations:
        meta.plan_job(context.db, f"config:{location}", context.now)
        has_users = users.is_any_concerned(context.db, location)
        for job in outside.location_jobs(location):
            if job in USER_JOBS and not has_users:
                continue
            meta.hasten_job(context.db, f"{job}:{location}", context.now + _first(context, job))
        deciding.touch_location(context, location)


def doubt(context: Context, calls: Mapping[str, Call], rows: Sequence[OutboxRow]) -> None:
    """Nobody will say how these calls ended: what each means by that is done."""
    for row in rows:
        if row.kind in calls:
            calls[row.kind].lost(context, row)
        else:
            registry.refuse(context, row)


def _first(context: Context, job: str) -> float:
    """What is read in full now and then need not be read at every start."""
    policy = context.policy.sync
    return {
        "config": 0.0,
        "limits": 0.0,
        "assets": policy.assets_every,
        "assignments": policy.assignments_every,
        "changes": 0.0,
        "subscriptions": 0.0,
        "users": policy.users_every,
        "user_changes": 0.0,
        "metadata": policy.service_config_every,
    }[job]


def _ask_apple_at_once(context: Context) -> None:
    """Notifications were missed: ask now, but never twice within the interval Apple names."""
    for request in requests.unsettled(context.db):
        if request.state == "open":
            allowed_at = (request.status_asked_at or 0.0) + (
                context.policy.event_status.min_interval
            )
            at = max(context.now, allowed_at)
            requests.update(context.db, request.id, next_status_at=at)
        elif request.state == "in_doubt":
            requests.update(context.db, request.id, next_read_at=context.now)
