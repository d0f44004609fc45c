"""Observations from the channels of users: on a Mac, what is a user's goes there.

A user has a queue of its own at the MDM server, and lists apps of its own. Nothing that is said
there is about the device, which has a channel of its own.
"""

from __future__ import annotations

from collections.abc import Callable

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.engine.intake.answers import touch
from bridge.store.catalog import apps
from bridge.store.commands import ends, timers
from bridge.store.devices import channels, devices, queue_times
from bridge.store.events import Event
from bridge.wire.mdm_webhook import CONNECT, StoredWebhook

Said = Callable[[Context, Event, StoredWebhook, Device], str]
"""What follows what was said by whoever connected, and came for commands."""


def handle(context: Context, event: Event, webhook: StoredWebhook, stamp: float, said: Said) -> str:
    """Process a webhook of a user's channel, sent at `stamp`; one that cannot be told from others,
    or of a device that nobody knows, has no effect."""
    words = f"not the device channel ({webhook.channel})"
    no_effect = f"{words}, no effect"
    if webhook.channel not in _OF_USERS or webhook.channel_id is None or webhook.udid is None:
        return no_effect
    device = devices.find(context.db, event.origin, webhook.udid)
    if device is None or device.moved_to is not None:
        return no_effect
    if webhook.topic not in (CONNECT, "mdm.TokenUpdate", "mdm.CheckOut"):
        return no_effect
    channel = channels.ensure(context.db, device, webhook.channel_id, event.received_at)
    if webhook.topic == "mdm.CheckOut":
        return f"{words}: {_left(context, channel, stamp)}"
    if (channel.checkout_stamp or 0.0) > stamp:
        return f"{words}: older than the CheckOut"
    _came(context, event, channel, webhook.topic, stamp)
    told = said(context, event, webhook, channel) if webhook.topic == CONNECT else "enrolled"
    return f"{words}: {told}"


_OF_USERS = ("user", "shared-ipad-user")


def _left(context: Context, channel: Device, stamp: float) -> str:
    if (channel.token_stamp or 0.0) > stamp:
        return "older than the TokenUpdate"
    devices.update(context.db, channel.id, checkout_stamp=stamp, enrolled=0)
    touch(context, channel.id)
    return "unenrolled"


def _came(context: Context, event: Event, channel: Device, topic: str | None, stamp: float) -> None:
    """The user is there, and its channel is known from now on, if it was not."""
    db, at = context.db, event.received_at
    values: dict[str, object] = {"last_seen_at": max(at, channel.last_seen_at or 0.0)}
    if topic == CONNECT:
        values["last_connect_at"] = max(at, channel.last_connect_at or 0.0)
    else:
        values["token_stamp"] = max(stamp, channel.token_stamp or 0.0)
    is_new = not channel.enrolled
    if is_new:
        values |= {"enrolled": 1, "enrolment": max(channel.enrolment, 1), "enrolled_at": at}
    devices.update(db, channel.id, **values)
    if is_new:
        queue_times.wake(db, channel.id, context.now)
        touch(context, channel.id)


def forget(context: Context, device: Device) -> None:
    """The device enrolled anew: its users' channels begin anew, too, and what they had is old."""
    for channel_id in channels.ids_of(context.db, device.id):
        known = devices.by_id(context.db, channel_id)
        enrolment = (known.enrolment if known is not None else 0) + 1
        devices.update(context.db, channel_id, enrolled=0, enrolment=enrolment)
        apps.forget_reports(context.db, channel_id)
        ends.forget_queue(context.db, channel_id, context.now)
        timers.suspect_all(context.db, context.now, device_id=channel_id)
