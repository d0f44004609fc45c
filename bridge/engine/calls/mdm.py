"""Calls to an MDM server: commands, a look at its queue, and pushes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.domain.pauses import Pause, Pauses
from bridge.engine.calls import TAKEN_BACK, Call, wait_after
from bridge.engine.commands import by_queue, follow_up, plists
from bridge.engine.commands.follow_up import STORE_GRACE
from bridge.engine.context import Context
from bridge.errors import CallError, MdmRefused, NotSent, OutcomeUnknown
from bridge.store import meta
from bridge.store.commands import commands, ends, outgoing, timers, unknown
from bridge.store.commands.outgoing import Outgoing
from bridge.store.database import Connection
from bridge.store.devices import devices, queue_times
from bridge.store.installs import installs
from bridge.store.outbox import kinds, outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.users import invitations
from bridge.wire import mdm_command
from bridge.wire.queued_command import AppCommand, app_command


class MdmCall(Call, abstract=True):
    """A call to an MDM server."""

    service = "mdm"

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """Try again later; a server that is away or refuses us is left alone until then."""
        until = context.now + wait_after(context, row, error)
        meta.count(context.db, "mdm.retried", context.now)
        outbox.again(context.db, row.id, until, str(error))
        hopeless = isinstance(error, NotSent) or (
            isinstance(error, MdmRefused) and error.status in (401, 403, 404, 405)
        )
        return until if hopeless else None


class SendCommand(MdmCall):
    """Hand a command to the server. `subject` is its CommandUUID."""

    kind = kinds.COMMAND
    effect = "write"
    in_series = True

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """By its device's pause, or by that of the install that it is for."""
        command = commands.get(context.db, row.subject)
        if command is None:
            return None
        device = devices.by_id(context.db, command.device_id)
        over = paused.over_device(device.target if device else None)
        install = installs.by_id(context.db, command.install_id) if command.install_id else None
        if over is not None or install is None:
            return over
        return paused.over(
            serial_number=install.target, adam_id=install.adam_id, location=install.location
        )

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        """It stands in its device's queue again, where others may overtake it."""
        outbox.failed(context.db, row.id, context.now, TAKEN_BACK)
        commands.take_back(context.db, row.subject)
        command = commands.get(context.db, row.subject)
        if command is not None:
            queue_times.wake(context.db, command.device_id, context.now)
            follow_up.touch(context, command)

    @classmethod
    def scope_gone(cls, context: Context, row: OutboxRow) -> None:
        """Its device's queue is free should the server come back."""
        ends.cancel(context.db, row.subject, context.now, "nobody_waits")

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        return (
            "the MDM server may have got it: its queue is looked at and the device asked first, "
            "and what is missing is sent again by itself"
        )

    def perform(self, row: OutboxRow) -> bool:
        """Whether it left; not if its time was over when its turn came."""
        with self.database.read() as db:
            command = outgoing.get(db, row.subject)
            plist = _plist(db, command)
        if command.not_after is not None and (row.claimed_at or 0.0) >= command.not_after:
            return False
        if command.state == "posting" and command.enrolment_id is not None:
            self.clients.mdm(row.scope).enqueue(command.enrolment_id, plist)
        return True

    def settle(self, context: Context, row: OutboxRow, result: bool) -> None:
        if not result:
            commands.take_back(context.db, row.subject)
            outbox.done(context.db, row.id, context.now)
            command = commands.get(context.db, row.subject)
            if command is not None:
                follow_up.touch(context, command)
            return
        self._taken(context, row, is_stored=context.abilities(row.scope).stores_before_reply)
        outbox.done(context.db, row.id, context.now)

    def _taken(self, context: Context, row: OutboxRow, *, is_stored: bool = False) -> None:
        now, policy = context.now, context.policy.command
        look_at = now + follow_up.look_within(context, row.scope)
        install_id = commands.posted(context.db, row.subject, now, look_at=look_at)
        if not context.abilities(row.scope).pushes_on_enqueue:
            timers.push_by(context.db, row.subject, now if is_stored else now + STORE_GRACE)
        if is_stored:
            push_at = now + policy.repush_after
            commands.queued(context.db, row.subject, look_at=look_at, push_at=push_at)
        if install_id is not None:  # a question on its way is one that was to go
            installs.touch_ids(context.db, [install_id], now)

    def lost(self, context: Context, row: OutboxRow) -> None:
        """The server may have it: its queue tells, and if not, the device."""
        commands.posted(context.db, row.subject, context.now, look_at=context.now + STORE_GRACE)
        timers.suspect(context.db, row.subject)
        self._doubt(context, row, "stopped while it was posted")

    def doubt(self, context: Context, row: OutboxRow, error: OutcomeUnknown) -> None:
        """It counts as taken until the server's queue tells."""
        self._taken(context, row)
        self._doubt(context, row, str(error))


class ReleaseDevice(SendCommand):
    """Let a device out of Setup Assistant (DeviceConfigured). `subject` is the CommandUUID.

    A command like others, and yet no pause but that of everything, or of its device, holds it; and
    what a pause takes back is intended anew when it ends, not put in line.
    """

    kind = kinds.RELEASE
    effect = "write"

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        """It is dropped: whoever looks after the device makes another."""
        outbox.failed(context.db, row.id, context.now, TAKEN_BACK)
        ends.cancel(context.db, row.subject, context.now, "nobody_waits")

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        return "the device is released once more by itself, until it answers or says that it is out"


def _plist(db: Connection, command: Outgoing) -> bytes:
    if command.request_type == "ManagedApplicationList":
        return mdm_command.managed_application_list(command.command_uuid)
    if command.request_type == "ManagedMediaList":
        return mdm_command.managed_media_list(command.command_uuid)
    if command.request_type == "DeviceConfigured":
        return mdm_command.device_configured(command.command_uuid)
    if command.request_type == "InstalledApplicationList":
        identifiers = json.loads(command.identifiers or "[]")
        return mdm_command.installed_application_list(command.command_uuid, identifiers)
    if command.request_type == "InviteToProgram":
        url = invitations.url(db, command.command_uuid)
        assert url is not None, "an invitation's link is kept until its device has answered"
        return mdm_command.invite_to_program(command.command_uuid, url)
    if command.request_type == "DeviceInformation":
        return mdm_command.device_information(command.command_uuid, _QUERIES)
    if command.request_type == "RemoveApplication":
        assert command.bundle_id is not None, "an app without a bundle id is not removed"
        return mdm_command.remove_application(command.command_uuid, command.bundle_id)
    assert command.adam_id is not None, "an install is never deleted while a command of it is open"
    if command.request_type == "InstallMedia":
        return mdm_command.install_media(command.command_uuid, command.adam_id)
    assert command.settings is not None, "an install's settings are fixed when it is made"
    return plists.write(db, command.command_uuid, command.adam_id, command.settings)


_QUERIES = (
    *("SerialNumber", "UDID", "DeviceName", "ProductName", "Model", "OSVersion"),
    "IsSupervised",
)


@dataclass(frozen=True, slots=True)
class Looked:
    """What a device's queue holds: CommandUUIDs, and those commands for apps among them that the
    bridge has not sent."""

    listed: frozenset[str] = frozenset()
    strangers: Mapping[str, AppCommand] = field(default_factory=dict)


class LookAtQueue(MdmCall):
    """See which commands of a device the server still holds. `subject` is the device's id."""

    kind = kinds.QUEUE
    effect = "read"
    in_series = True

    def perform(self, row: OutboxRow) -> Looked | None:
        with self.database.read() as db:
            device = devices.by_id(db, int(row.subject))
        if device is None or device.enrolment_id is None:
            return None
        queued = self.clients.mdm(row.scope).queue(device.enrolment_id)
        listed = frozenset(each.command_uuid for each in queued)
        with self.database.read() as db:
            strangers = listed - unknown.ours(db, listed)
        others = [each for each in queued if each.command_uuid in strangers]
        read = ((each.command_uuid, app_command(each.payload)) for each in others)
        return Looked(listed, {uuid: found for uuid, found in read if found is not None})

    def settle(self, context: Context, row: OutboxRow, result: Looked | None) -> None:
        outbox.done(context.db, row.id, context.now)
        looked, began_at = result or Looked(), row.claimed_at or context.now
        by_queue.strangers(context, int(row.subject), looked.strangers, began_at)
        by_queue.seen(context, int(row.subject), looked.listed, began_at)


class Push(MdmCall):
    """Nudge a device that has a command waiting, or that nobody called for long.

    `subject` is JSON: {"device_id": …, "expiration": seconds since the epoch}; until then Apple
    keeps the push for a device that is off.
    """

    kind = "push"
    effect = "push"
    repeatable = True
    in_series = True

    @classmethod
    def to(cls, db: Connection, server: str, device_id: int, expiration: float, now: float) -> None:
        """Intend one to a device; see the class."""
        subject = json.dumps({"device_id": device_id, "expiration": int(expiration)})
        cls.intend(db, server, key=str(device_id), subject=subject, now=now)

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        device = devices.by_id(context.db, json.loads(row.subject)["device_id"])
        return paused.over_device(device.target if device else None)

    def perform(self, row: OutboxRow) -> None:
        subject = json.loads(row.subject)
        with self.database.read() as db:
            device = devices.by_id(db, subject["device_id"])
        if device is not None and device.enrolment_id is not None:
            self.clients.mdm(row.scope).push(device.enrolment_id, subject["expiration"])

    def settle(self, context: Context, row: OutboxRow, result: None) -> None:
        outbox.done(context.db, row.id, context.now)
        devices.update(context.db, json.loads(row.subject)["device_id"], pushed_at=context.now)
        meta.count(context.db, "mdm.pushed", context.now)

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """A push is a courtesy: the next one is planned already."""
        outbox.failed(context.db, row.id, context.now, str(error))
        meta.count(context.db, "mdm.push_failed", context.now)
        return None
