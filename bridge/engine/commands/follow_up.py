"""Commands of which nothing more was heard; `by_queue` and `by_answers` find them."""

from __future__ import annotations

from bridge.domain.backoff import next_step, nth_delay
from bridge.domain.lag import MARGIN
from bridge.domain.policy import DAY, Policy
from bridge.engine.context import Context
from bridge.store import meta
from bridge.store.commands import commands, ends, left_open
from bridge.store.commands.commands import Command
from bridge.store.devices import devices, unheard
from bridge.store.installs import installs
from bridge.store.service import streams

STORE_GRACE = 2.0
"""Seconds that a server may take to store a command after its reply (MicroMDM, measured: under
2 s)."""

LOOK_AFTER = 0.05
"""Seconds after its posting when a full window's newest command is looked for: in a server that
stores as quickly as it is posted to it is there by then, and others are still being posted."""


SURELY_STORED = 5.0
"""Seconds after which a server that is busy has stored a command, too."""

NEXT_MOMENT = (1.0, 60.0)
"""Seconds, at least and at most, until it is looked again whether webhooks that are behind have
passed a moment."""


def waits_for_webhooks(
    context: Context, server: str, moment: float, *, until: float = 0.0
) -> float | None:
    """When to look again whether the server's webhooks have passed that moment, so that silence
    until then is silence; None if they have. Before `until`, silence alone tells nothing: a webhook
    must have come that was sent later."""
    stream = streams.load(context.db, server)
    is_early = context.now < until
    if stream.has_come_to(moment) if is_early else stream.has_passed(moment, context.now):
        return None
    least, most = NEXT_MOMENT
    left = moment + MARGIN - min(stream.position(context.now), moment)
    again_at = context.now + min(max(left / 2, least), most)
    return min(again_at, until) if is_early else again_at


def look_within(context: Context, server: str) -> float:
    """Seconds from its posting until a command is looked for: soon, while the server's webhooks are
    behind, so that its device goes on without waiting for them."""
    patience = context.policy.command.in_doubt_after
    if not streams.load(context.db, server).behind(context.now):
        return patience
    return min(SURELY_STORED, patience)


def doubt(context: Context, command: Command) -> None:
    """Neither queued nor answered, and its server's webhooks have passed the moment. A question may
    be asked again at once, by whoever needs the answer; before an install is posted again, its
    device is asked.
    """
    commands.in_doubt(context.db, command.command_uuid, context.now)
    meta.count(context.db, "command.in_doubt", context.now)
    if command.install_id is None:
        _unheard(context, command)
        ends.cancel(context.db, command.command_uuid, context.now, "settled_otherwise")
    touch(context, command)


def _unheard(context: Context, command: Command) -> None:
    """A question was taken and nothing came: the next may go the same way. Where its device was
    not heard of either, as in an outage, that counts until it is."""
    device = devices.by_id(context.db, command.device_id)
    if device is None:
        return
    posted_at = command.posted_at or command.created_at
    heard_at = device.last_seen_at or 0.0
    unheard.note(
        context.db,
        device.id,
        command.request_type,
        context.now,
        heard_at=heard_at,
        in_outage=heard_at <= posted_at,
    )


def stall(context: Context, command: Command) -> None:
    """The device left the command open: whatever else it is to get goes on without it."""
    left_open.stalled(context.db, command.command_uuid, context.now)
    meta.count(context.db, "command.passed_over", context.now)
    push_at = context.now + (nth_delay(context.policy.verify.unreadable_retry, 1) or DAY)
    left_open.push_at(context.db, command.command_uuid, push_at)
    touch(context, command)


def push_for_left_open(policy: Policy, waiting: left_open.Waiting, now: float) -> float | None:
    """When a device is next pushed to for what it left open: at the same steps at which it is asked
    again for what cannot be read.

    Its server offers one command each time that the device comes, so that a step is taken once for
    each of them. An install alone is not worth it: the device is asked for its apps meanwhile, and
    comes for that.
    """
    if waiting.newest_at is None or not waiting.is_pushed:
        return None
    waits = policy.verify.unreadable_retry
    return next_step(waiting.newest_at, now, waits, each=waiting.count, last=DAY)


def push_after(policy: Policy, parked_since: float, now: float) -> float:
    """Seconds until a device that has answered NotNow since then is pushed to (again).

    It comes by itself when its conditions change (Apple, "Handling NotNow status responses"), so
    the gaps double; once it is somebody's turn to look, they are as long as for a silent device.
    """
    waited = now - parked_since
    if waited >= policy.install.not_now_at_most:
        return policy.device.silent_push_every
    return min(max(policy.install.not_now_repush, waited), policy.command.push_expiration)


def touch(context: Context, command: Command) -> None:
    """Decide anew whatever a command was for."""
    if command.install_id is not None:
        installs.touch_ids(context.db, [command.install_id], context.now)
        return
    device = devices.by_id(context.db, command.device_id)
    if device is not None and device.target is not None:
        installs.touch_serials(context.db, [device.target], context.now)
