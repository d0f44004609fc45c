"""Clock-driven: what should have been heard by now is asked for, and decided anew."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from bridge.clients.mdm.port import Abilities
from bridge.domain.model import Device
from bridge.domain.policy import SyncPolicy
from bridge.domain.users.facts import CHANGE_KINDS
from bridge.domain.webhooks import NOBODY
from bridge.engine.calls import Call, metadata
from bridge.engine.calls.assignments import ReadRequest
from bridge.engine.calls.changes import ReadChanges
from bridge.engine.calls.devices import ReadDevices, ReadEnrolments
from bridge.engine.calls.licences import EventStatus
from bridge.engine.calls.locations import (
    ReadAssets,
    ReadAssignments,
    ReadClientConfig,
    ReadLimits,
)
from bridge.engine.calls.mdm import Push
from bridge.engine.calls.subscriptions import ReadSubscriptions
from bridge.engine.calls.user_reads import ReadSomeUsers, ReadUserChanges, ReadUsers
from bridge.engine.calls.users import UserEventStatus
from bridge.engine.commands import by_answers, by_queue, follow_up
from bridge.engine.context import Context
from bridge.engine.decide import breaker, first_facts
from bridge.engine.desired import replace
from bridge.engine.insight import webhook_health
from bridge.engine.licences import reclaiming
from bridge.engine.setup import phase, release
from bridge.engine.updates import rings, steps
from bridge.engine.users import deciding
from bridge.store import meta
from bridge.store.commands import commands, left_open, timers
from bridge.store.commands.commands import Command
from bridge.store.devices import devices
from bridge.store.installs import installs
from bridge.store.licences import locations, requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.service import server_watch, webhooks
from bridge.store.users import users

AT_ONCE = 500
"""Installs or devices taken up in one sweep."""

_BY_ANYBODY = ("config", ReadSubscriptions.job)
"""What is read of a location that is not ours, too: nothing follows from it."""

UNCONFIGURED_FOR = 3600.0
"""Seconds after which it is looked again whether a location or server is configured."""


@dataclass(frozen=True, slots=True)
class LocationJob:
    """What is read of a location by the clock, and how often."""

    call: type[Call]
    every: Callable[[SyncPolicy], float]


LOCATION_JOBS: Mapping[str, LocationJob] = {
    "config": LocationJob(ReadClientConfig, lambda sync: sync.client_config_every),
    ReadLimits.job: LocationJob(ReadLimits, lambda sync: sync.service_config_every),
    ReadAssets.job: LocationJob(ReadAssets, lambda sync: sync.assets_every),
    ReadAssignments.job: LocationJob(ReadAssignments, lambda sync: sync.assignments_every),
    "changes": LocationJob(ReadChanges, lambda sync: sync.changes_every),
    ReadSubscriptions.job: LocationJob(ReadSubscriptions, lambda sync: sync.subscriptions_every),
    ReadUsers.job: LocationJob(ReadUsers, lambda sync: sync.users_every),
    "user_changes": LocationJob(ReadUserChanges, lambda sync: sync.changes_every),
    "metadata": LocationJob(metadata.ReadMetadata, lambda sync: sync.service_config_every),
}


USER_JOBS = (ReadUsers.job, "user_changes")
"""Those that are made only where users are wanted."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What is configured: which locations and servers there are to ask, and what these can do.
    `subscriptions` are the locations whose subscriptions are looked at, `receivers` those of
    alerts."""

    locations: Sequence[str]
    servers: Mapping[str, Abilities]
    subscriptions: Collection[str] = ()
    receivers: Sequence[str] = ()
    place: str = ""
    """Where the database is: in another place the clocks of who is gone begin anew."""

    def location_jobs(self, location: str) -> Sequence[str]:
        """What is read of a location by the clock."""
        looks = location in self.subscriptions
        return [job for job in LOCATION_JOBS if looks or job != ReadSubscriptions.job]


def sweep(context: Context, outside: Outside) -> int:
    """Do what the clock says is due; returns how many things were."""
    return (
        installs.touch_due(context.db, context.now, AT_ONCE)
        + _requests(context, outside)
        + _looks(context, outside)
        + _pushes(context, outside)
        + breaker.sweep(context)
        + _jobs(context, outside)
    )


def _requests(context: Context, outside: Outside) -> int:
    """Ask for the status of open requests, and for the assignments of those in doubt."""
    due = requests.due(context.db, context.now)
    policy = context.policy.event_status
    for request in due:
        column = "next_status_at" if request.state == "open" else "next_read_at"
        if request.location not in outside.locations:
            later = context.now + UNCONFIGURED_FOR
            requests.update(context.db, request.id, **{column: later})
            continue
        _ask(context, request)
        # The answer plans the next question; this only keeps the sweep from asking meanwhile.
        requests.update(context.db, request.id, **{column: context.now + policy.min_interval})
    return len(due)


def _ask(context: Context, request: AppleRequest) -> None:
    """Ask what became of a request."""
    name = str(request.id)
    of_users = request.kind in CHANGE_KINDS
    if request.state != "open" and of_users:
        ReadSomeUsers.of_request(context, request.location, request.id)
        return
    status: type[Call] = UserEventStatus if of_users else EventStatus
    call = status if request.state == "open" else ReadRequest
    call.intend(context.db, request.location, key=name, subject=name, now=context.now)


def _looks(context: Context, outside: Outside) -> int:
    """Follow up commands of which nothing was heard. What a NotNow parked shows in no queue: it
    is in doubt when its device came and did not answer it."""
    due = timers.to_look_at(context.db, context.now, AT_ONCE)
    for device_id in due:
        device = devices.by_id(context.db, device_id)
        for command in commands.parked(context.db, device_id):
            if command.look_at is not None and command.look_at <= context.now:
                _doubt_parked(context, command, command.look_at)
        if device is None or device.server not in outside.servers:
            timers.looking(context.db, device_id, context.now + UNCONFIGURED_FOR)
        elif outside.servers[device.server].queue_view:
            by_queue.take_up(context, device)
        else:
            by_answers.look(context, device)
    return len(due)


def _doubt_parked(context: Context, command: Command, due_at: float) -> None:
    at = command.missed_at or due_at
    again_at = follow_up.waits_for_webhooks(context, command.server, at)
    if again_at is None:
        follow_up.doubt(context, command)
    else:
        timers.missed(context.db, command.command_uuid, at, again_at)


def _pushes(context: Context, outside: Outside) -> int:
    """Push to devices whose command waits. What is put off by then holds up no other app."""
    due = timers.to_push(context.db, context.now, AT_ONCE)
    for device_id in due:
        device = devices.by_id(context.db, device_id)
        if device is None or device.server not in outside.servers:
            timers.push_again(context.db, device_id, context.now + UNCONFIGURED_FOR, context.now)
            continue
        called_at = timers.called_at(context.db, device_id, context.now)
        answered_by = min(called_at + context.policy.command.in_doubt_after, context.now)
        if later := follow_up.waits_for_webhooks(context, device.server, answered_by):
            timers.push_again(context.db, device_id, later, context.now)
            continue
        parked = commands.parked(context.db, device_id)
        for command in parked:
            if command.stalled_at is None:
                left_open.stalled(context.db, command.command_uuid, context.now)
        policy = context.policy
        again_at = _push_again_at(context, device, [c.not_now_since for c in parked])
        timers.push_again(context.db, device_id, again_at, context.now)
        expiration = context.now + policy.command.push_expiration
        Push.to(context.db, device.server, device_id, expiration, context.now)
    return len(due)


def _push_again_at(
    context: Context, device: Device, parked_since: Sequence[float | None]
) -> float | None:
    """When it is pushed to next: rarer and rarer the longer the device has been away, or has left
    open what it was pushed to for."""
    policy, now = context.policy, context.now
    away = now - (device.last_seen_at or now)
    if away >= policy.device.silent_after:
        return now + policy.device.silent_push_every
    if parked_since:
        since = min(at or now for at in parked_since)
        return now + follow_up.push_after(policy, since, now)
    waiting = left_open.waiting(context.db, device.id, now)
    if waiting.count and not waiting.others:
        return follow_up.push_for_left_open(policy, waiting, now)
    return now + min(max(policy.command.repush_after, away), policy.command.push_expiration)


def _jobs(context: Context, outside: Outside) -> int:
    due = meta.due_jobs(context.db, context.now)
    for job in due:
        kind, _, name = job.partition(":")
        if name in outside.locations and kind in outside.location_jobs(name):
            _location_job(context, kind, name)
        elif kind == "devices" and name in outside.servers:
            if outside.servers[name].device_list:
                ReadDevices.intend(context.db, name, now=context.now)
            elif ReadEnrolments.is_vain(context.db, name):
                first_facts.begin(context, name)
            else:
                ReadEnrolments.intend(context.db, name, now=context.now)
            meta.plan_job(context.db, job, context.now + context.policy.sync.devices_every)
        elif kind == replace.JOB:
            replace.look(context)
        elif kind == server_watch.JOB:
            reclaiming.watch(context, outside.place)
        elif kind == deciding.JOB and name in outside.locations:
            deciding.decide(context, name)
        elif kind == first_facts.JOB and name in outside.servers:
            first_facts.ask_some(context, name)
        elif kind == phase.JOB:
            release.look(context, int(name))
        elif kind == steps.JOB and name:
            rings.roll(context, name)
        elif kind == webhooks.JOB and name in (*outside.servers, NOBODY):
            webhook_health.look(context, name, tuple(outside.servers))
        else:
            meta.forget_job(context.db, job)
    return len(due)


def _location_job(context: Context, kind: str, name: str) -> None:
    job, policy = LOCATION_JOBS[kind], context.policy.sync
    every = job.every(policy)
    location = locations.get(context.db, name)
    unsettled = location.registered_at is None or location.suspended is not None
    is_readable = location.mdm_id != ""  # an MDM without an id is not the sooner to be read
    if kind == "config" and unsettled and is_readable:
        every = min(every, policy.service_config_every)
    meta.plan_job(context.db, f"{kind}:{name}", context.now + every)
    if kind in USER_JOBS and not users.is_any_concerned(context.db, name):
        meta.forget_job(context.db, f"{kind}:{name}")
    elif kind == "metadata":
        metadata.intend(context, name)
    elif kind in _BY_ANYBODY or location.registered_at is not None:
        job.call.intend(context.db, name, now=context.now)
