"""Observations from an MDM server's webhooks.

Webhooks come once, in no sure order: the server's own `created_at` orders two of one device.
Only the device channel speaks for the device; a user's answers carry the same UDID, and are the
user's (`channels`).

Where the device's message cannot be read, nobody knows who spoke, and the envelope alone counts.
An answer to a command of ours for that UDID settles it, since we send none to users. Whatever
connects shows that its device is there, though not what it left open. An Authenticate is always
the device's. A TokenUpdate can at worst be a user's of a device that is enrolled already; after a
CheckOut, which may be a user's, the server's list of devices is read to see.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from bridge.domain.backoff import nth_delay
from bridge.domain.model import Device
from bridge.domain.policy import DAY
from bridge.engine.context import Context
from bridge.engine.intake import answers, channels, declarations, moves, serials
from bridge.engine.intake.answers import STATUSES, touch
from bridge.engine.setup import phase
from bridge.engine.updates import steps as updates
from bridge.store import meta
from bridge.store.catalog import apps
from bridge.store.commands import commands, ends, timers, unknown
from bridge.store.commands.commands import Command
from bridge.store.devices import devices, queue_times, setups
from bridge.store.events import Event
from bridge.store.installs import installs
from bridge.store.service import streams
from bridge.wire.device_report import (
    AuthenticateReport,
    parse_authenticate,
    parse_awaiting,
    parse_status,
)
from bridge.wire.mdm_webhook import StoredWebhook, load_stored

SAME_MOMENT = 0.001
"""Seconds by which the server's times of two messages must differ to tell their order."""

SERVER_AHEAD = 60.0
"""Seconds by which a server's clock may be ahead of ours and still order its messages."""

ASK_SERIAL_AFTER = 2.0
"""Seconds in which an overtaken Authenticate may still bring the serial number."""


def handle(context: Context, event: Event) -> str:
    """Process one stored webhook; returns in a few words what came of it."""
    return _handle(context, event, load_stored(event.body))


def handle_envelope(context: Context, event: Event, why: str) -> str:
    """As `handle`, for a webhook whose content cannot be handled, for the reason given."""
    webhook = load_stored(event.body)
    return _handle(context, event, replace(webhook, message=None, payload_error=why))


def _handle(context: Context, event: Event, webhook: StoredWebhook) -> str:
    if webhook.payload_error is not None:
        meta.count(context.db, "mdm.unreadable", context.now)
    if webhook.udid is None and webhook.enrollment_id is None:
        meta.count(context.db, "mdm.unreadable", context.now)
        return "no device is named, no effect"
    if webhook.channel not in ("device", "enrollment", None):
        return channels.handle(context, event, webhook, _stamp(event, webhook), _said)
    handler = _TOPICS.get(webhook.topic or "")
    if handler is None:
        meta.count(context.db, "mdm.unknown_topic", context.now)
        return "unknown topic, no effect"
    device = devices.ensure(
        context.db,
        event.origin,
        udid=webhook.udid,
        enrollment_id=webhook.enrollment_id if webhook.udid is None else None,
        now=event.received_at,
    )
    if device.moved_to is not None and not _has_come_back(context, event, webhook, device):
        return _left_behind(context, event, webhook, device)
    return handler(context, event, webhook, device)


def _has_come_back(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> bool:
    """Whether a device that had left this server talks to it again."""
    stamp = _stamp(event, webhook)
    if not moves.is_back(device, webhook.topic, stamp):
        return False
    moves.come_back(context, device)
    return True


def _left_behind(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    """A message from a server that the device has left: what it answered there is history."""
    uuid = webhook.command_uuid if webhook.topic == "mdm.Connect" else None
    command = commands.get(context.db, uuid) if uuid else None
    status = _status(webhook)
    if command is not None and command.device_id == device.id and status in answers.ENDS:
        answers.handle(context, event, webhook, status, device, command)
    return f"the device has moved to {device.moved_to} since, no effect"


def _stamp(event: Event, webhook: StoredWebhook) -> float:
    """The server's time of a message; one that lies ahead of ours counts as received then, or
    nothing that the device tells until that time would count."""
    told = webhook.created_at
    if told is None or told > event.received_at + SERVER_AHEAD:
        return event.received_at
    return told


def _seen(event: Event, device: Device) -> float:
    """When the device was last seen; a message that is replayed is an old one."""
    return max(event.received_at, device.last_seen_at or 0.0)


def _message(webhook: StoredWebhook) -> Mapping[str, object]:
    return webhook.message or {}


def _ask_server(context: Context, event: Event) -> None:
    """Soon have the server's list of devices read, which may know what the message did not say."""
    meta.hasten_job(context.db, f"devices:{event.origin}", context.now + ASK_SERIAL_AFTER)


def _authenticate(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    """A device enrols, maybe anew and erased; the server has cleared its queue by now."""
    db, stamp = context.db, _stamp(event, webhook)
    last, token_stamp, _ = devices.stamps(db, device.id)
    if last is None or stamp > last:
        devices.update(db, device.id, enrolled_after=event.received_at)
    if webhook.channel is not None and webhook.message is not None:
        _learn(context, device, parse_authenticate(webhook.message))
    else:
        _ask_server(context, event)
    if last is not None and stamp <= last:
        return "an older Authenticate"
    overtaken = token_stamp is not None and token_stamp + SAME_MOMENT >= stamp
    if overtaken and last is None:
        devices.update(db, device.id, authenticate_stamp=stamp, last_seen_at=_seen(event, device))
        return "an overtaken Authenticate: serial number learnt"
    devices.update(
        db,
        device.id,
        authenticate_stamp=stamp,
        enrolment=device.enrolment + 1,
        enrolled=1 if overtaken else 0,
        enrolled_at=event.received_at,
        last_seen_at=_seen(event, device),
    )
    _forget_enrolment(context, device)
    if overtaken and (awaiting_at := setups.awaiting_at(db, device.id)) is not None:
        phase.told(context, device.id, awaiting_at, awaits=True, was_enrolled=True)
    return "enrolling"


def _forget_enrolment(context: Context, device: Device) -> None:
    """What the device told before it enrolled anew is old, and its server's queue is empty."""
    apps.forget_reports(context.db, device.id)
    setups.forget(context.db, device, was_enrolled=phase.was_enrolled(device, context.now))
    ends.forget_queue(context.db, device.id, context.now)
    unknown.cleared(context.db, device.id)
    timers.suspect_all(context.db, context.now, device_id=device.id)
    channels.forget(context, device)
    touch(context, device.id)


def _learn(context: Context, device: Device, report: AuthenticateReport) -> None:
    devices.learn(
        context.db,
        device.id,
        {
            "serial_number": serials.learn(context, device.id, report.serial_number),
            "name": report.device_name,
            "product_name": report.product_name,
            "model": report.model,
            "os_version": report.os_version,
            "build_version": report.build_version,
        },
        context.now,
    )
    if device.serial_number is not None:
        installs.touch_serials(context.db, [device.serial_number], context.now)
    touch(context, device.id)


def _token_update(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    """Enrolled; the same message comes again whenever a token changes."""
    db, stamp = context.db, _stamp(event, webhook)
    authenticated, last, checked_out = devices.stamps(db, device.id)
    if checked_out is not None and checked_out > stamp:
        return "older than the CheckOut"
    if authenticated is not None and authenticated > stamp + SAME_MOMENT:
        return "older than the Authenticate"
    # A server that counts begins anew with each enrolment: this one's Authenticate was lost.
    is_first = webhook.token_update_tally == 1
    awaits = parse_awaiting(_message(webhook))
    is_newest = last is None or stamp >= last
    is_anew = is_first and bool(device.enrolled) and stamp > (last or stamp)
    is_anew = is_anew or (is_newest and phase.shows_an_enrolment(device, stamp, awaits=awaits))
    is_fresh = is_anew or device.enrolled is False or (is_first and device.enrolled is None)
    devices.update(
        db,
        device.id,
        token_stamp=max(stamp, last or stamp),
        enrolled=1,
        enrolment=max(device.enrolment + is_anew, 1),
        enrolled_at=event.received_at if is_anew or not device.enrolled else device.enrolled_at,
        enrolled_after=event.received_at if is_fresh else device.enrolled_after,
        last_seen_at=_seen(event, device),
    )
    queue_times.wake(db, device.id, context.now)
    if is_anew or not device.enrolled:
        moves.note(context, device.id, stamp)
    if device.serial_number is None and webhook.udid is not None:
        _ask_server(context, event)
    if is_anew:
        _forget_enrolment(context, device)
    if is_newest and webhook.channel is not None and (awaits or device.setup_since is not None):
        was_enrolled = phase.was_enrolled(device, event.received_at)
        at = event.received_at
        phase.told(context, device.id, at, awaits=awaits, was_enrolled=was_enrolled)
    if is_anew:
        touch(context, device.id)
        return "enrolled anew"
    if device.enrolled:
        return "token renewed"
    touch(context, device.id)
    return "enrolled"


def _check_out(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    stamp = _stamp(event, webhook)
    _, token_stamp, _ = devices.stamps(context.db, device.id)
    if token_stamp is not None and token_stamp > stamp:
        return "older than the TokenUpdate"
    devices.update(
        context.db,
        device.id,
        checkout_stamp=stamp,
        enrolled=0,
        unenrolled_at=_seen(event, device),
        reclaim_at=0,
        last_seen_at=_seen(event, device),
    )
    if device.setup_since is not None:
        setups.forget(context.db, device, was_enrolled=True)
    touch(context, device.id)
    if webhook.channel is None:
        _ask_server(context, event)
    return "unenrolled"


def _connect(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    db, at = context.db, event.received_at
    connected_at = max(at, device.last_connect_at or 0.0)
    devices.update(db, device.id, last_seen_at=_seen(event, device), last_connect_at=connected_at)
    if device.updates_wait:
        updates.came(context, device)
    if at - (device.last_seen_at or at) >= context.policy.device.silent_after:
        touch(context, device.id)
    if device.enrolled is None or _is_back(context, event, webhook, device):
        enrolment = max(device.enrolment, 1)
        devices.update(db, device.id, enrolled=1, enrolment=enrolment, enrolled_at=at)
        queue_times.wake(db, device.id, context.now)
        moves.note(context, device.id, _stamp(event, webhook))
        if device.serial_number is None and webhook.udid is not None:
            _ask_server(context, event)
        touch(context, device.id)
    return _said(context, event, webhook, device)


def _said(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    """Who connected came for commands, or answered one."""
    db, status = context.db, _status(webhook)
    command = commands.get(db, webhook.command_uuid) if webhook.command_uuid else None
    came_at = _came_at(context, event, webhook, command)
    if status == "Idle" and webhook.channel is None:
        return (
            f"unreadable, no effect on what is open: {webhook.payload_error or 'no device in it'}"
        )
    if status == "Idle":
        look_at = came_at + context.policy.command.in_doubt_after
        timers.expect_parked(db, device.id, came_at, look_at)
        if timers.offered(db, device.id, came_at, look_at):
            again_at = came_at + (nth_delay(context.policy.verify.unreadable_retry, 1) or DAY)
            timers.push_behind_left_open(db, device.id, came_at, again_at)
        return "idle"
    if command is None or command.device_id != device.id:
        if webhook.command_uuid and status in answers.ENDS:
            unknown.answered(db, device.id, webhook.command_uuid)
        return "an answer to a command of somebody else"
    if webhook.message is None and webhook.payload_error is None:
        return "an answer that was stored before its command was ours, no effect"
    return answers.handle(context, event, webhook, status, device, command)


def _came_at(
    context: Context, event: Event, webhook: StoredWebhook, command: Command | None
) -> float:
    """When the device connected: a server whose webhooks are behind tells of it late. How far they
    have come is kept."""
    if webhook.created_at is None:
        return event.received_at
    made_at = None
    if command is not None:  # that it was posted first is known of one that was posted once
        made_at = command.posted_at if command.posts == 1 else command.created_at
    stream = streams.heard(context.db, event.origin, webhook.created_at, event.received_at, made_at)
    return stream.moment_of(webhook.created_at, event.received_at)


def _status(webhook: StoredWebhook) -> str | None:
    """How a command fared, by the envelope or the message: the first word that is known counts."""
    if webhook.status in STATUSES:
        return webhook.status
    told = parse_status(_message(webhook))
    return told if told in STATUSES else webhook.status or told


def _is_back(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> bool:
    """Whether a device that counts as not enrolled connects nevertheless, and no list of devices
    will tell what its lost TokenUpdate did not: only who is enrolled connects."""
    if device.enrolled or context.abilities(event.origin).device_list:
        return False
    stamps = devices.stamps(context.db, device.id)
    stamp = _stamp(event, webhook)
    return all(told is None or stamp > told + SAME_MOMENT for told in stamps)


def _declarative(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    devices.update(context.db, device.id, last_seen_at=_seen(event, device))
    return declarations.handle(context, device, webhook.message, _stamp(event, webhook))


def _no_effect(context: Context, event: Event, webhook: StoredWebhook, device: Device) -> str:
    return "not about apps, no effect"


_TOPICS = {
    "mdm.Authenticate": _authenticate,
    "mdm.TokenUpdate": _token_update,
    "mdm.CheckOut": _check_out,
    "mdm.Connect": _connect,
    "mdm.GetBootstrapToken": _no_effect,
    "mdm.SetBootstrapToken": _no_effect,
    "mdm.UserAuthenticate": _no_effect,
    "mdm.DeclarativeManagement": _declarative,
    "mdm.GetToken": _no_effect,
}
