"""A server's list of devices: enrolments, serial numbers and departures that nobody told us of; and
what stands in for it where a server has none."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable

from bridge.clients.mdm.port import MdmDevice
from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.pauses import Pause, Pauses
from bridge.engine.calls.mdm import MdmCall
from bridge.engine.commands import by_queue
from bridge.engine.context import Context
from bridge.engine.decide import first_facts
from bridge.engine.desired import apply
from bridge.engine.enrolments import Found
from bridge.engine.intake import moves, serials
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.commands import unknown
from bridge.store.database import Connection
from bridge.store.devices import devices, filed, queue_times
from bridge.store.installs import installs
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.service import server_watch

log = logging.getLogger(__name__)


class ReadDevices(MdmCall):
    """The server's list of devices: enrolments and serial numbers that nobody told us of."""

    kind = "read_devices"
    effect = "read"

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """MicroMDM's list is asked for with a POST."""
        return paused.over_all

    def perform(self, row: OutboxRow) -> tuple[MdmDevice, ...]:
        return self.clients.mdm(row.scope).devices()

    def settle(self, context: Context, row: OutboxRow, result: tuple[MdmDevice, ...]) -> None:
        outbox.done(context.db, row.id, context.now)
        began_at = row.claimed_at or context.now
        last_read = meta.recall(context.db, f"devices_read_at:{row.scope}")
        last_read_at = float(last_read) if last_read else None
        shown = _by_udid(result)
        for found in shown.values():
            _found(context, row.scope, found, began_at, last_read_at)
        _name_odd(context, row.scope, result)
        if not any(found.odd and not found.udid for found in result):
            # Otherwise who seems to be left out may be who cannot be read.
            for serial_number in devices.left_out(context.db, row.scope, shown, began_at):
                installs.touch_serials(context.db, [serial_number], context.now)
        _keep_read(context, row.scope, result)
        first_facts.begin(context, row.scope)
        for device_id in unknown.devices(context.db, row.scope):
            device = devices.by_id(context.db, device_id)
            if device is not None:  # whether somebody else's commands are still in its queue
                by_queue.look(context, device)


class ReadEnrolments(MdmCall):
    """What can be learnt of the devices of a server that has no list of them. Nobody is taken to
    have left for not being told of."""

    kind = "read_enrolments"
    effect = "read"

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """Its endpoint is asked with a POST."""
        return paused.over_all

    def perform(self, row: OutboxRow) -> Found:
        with self.database.read() as db:
            may_have_endpoint = meta.recall(db, no_endpoint(row.scope)) is None
        return self.clients.enrolments(row.scope).read(ask_server=may_have_endpoint)

    @classmethod
    def is_vain(cls, db: Connection, server: str) -> bool:
        """Whether there is nothing to read of a server, as was found since the start."""
        return meta.recall(db, no_endpoint(server)) == _ALONE

    def settle(self, context: Context, row: OutboxRow, result: Found) -> None:
        db, now = context.db, context.now
        if result.no_endpoint:
            meta.keep(db, no_endpoint(row.scope), _ALONE if result.is_nothing else "")
        if result.file is not None:
            said = {line.udid: line.serial_number for line in result.file.lines}
            filed.keep(db, row.scope, said, now)
        began_at = row.claimed_at or now
        for found in result.records or ():
            _found(context, row.scope, found, began_at, None)
        if result.records is not None:
            _name_odd(context, row.scope, result.records)
            _keep_read(context, row.scope, result.records)
        first_facts.begin(context, row.scope)
        if result.troubles:
            until = now + last_delay_for_ever(context.policy.call.retry, row.tries)
            outbox.again(db, row.id, until, "; ".join(result.troubles))
        else:
            outbox.done(db, row.id, now)

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> None:
        """It says nothing of whether the server takes commands."""
        super().not_made(context, row, error)


def _keep_read(context: Context, server: str, result: Iterable[MdmDevice]) -> None:
    """Keep that the list was read, and when a device came to its server last by it. One that tells
    of none when it came, though it is enrolled, may have come until now."""
    told = [each.last_seen_at for each in result if each.last_seen_at is not None]
    unsure = not told and any(each.enrolled for each in result)
    listed_at = context.now if unsure else max(told, default=None)
    server_watch.list_read(context.db, server, context.now, listed_at)


_ALONE = "nothing else either"


def no_endpoint(server: str) -> str:
    """The key under which it is kept that a server has no endpoint for enrolments. It is forgotten
    at each start, since the server may be a newer one by then."""
    return f"no_enrolments_endpoint:{server}"


def _by_udid(records: Iterable[MdmDevice]) -> dict[str, MdmDevice]:
    """One record for each UDID; of two (micromdm issue 402) the enrolled one, then the one that
    was seen last. Those without a UDID are known from Apple's DEP only."""
    ordered = sorted(records, key=lambda found: (bool(found.enrolled), found.last_seen_at or 0.0))
    return {found.udid: found for found in ordered if found.udid}


def _name_odd(context: Context, server: str, result: Iterable[MdmDevice]) -> None:
    """Say once of each record that a part of it cannot be read."""
    odd = sorted(f"{each.udid or 'some device'}: {each.odd}" for each in result if each.odd)
    key = f"odd_devices:{server}"
    known = json.loads(meta.recall(context.db, key) or "[]")
    if odd != known:
        meta.keep(context.db, key, json.dumps(odd))
    for news in sorted(set(odd) - set(known)):
        meta.count(context.db, "mdm.odd_devices", context.now)
        log.warning(
            "a record of the server's list of devices cannot be read whole: %s",
            news,
            extra={"server": server},
        )


def _found(
    context: Context, server: str, found: MdmDevice, began_at: float, last_read_at: float | None
) -> None:
    """One device record. A webhook that came since the read began knows better.

    What the last read did not show as enrolled, has enrolled since.
    """
    db = context.db
    device = devices.ensure(
        db,
        server,
        udid=found.udid or None,
        enrollment_id=found.enrollment_id or None,
        now=context.now,
    )
    if device.moved_to is not None:
        return
    number = None
    if device.serial_number is None:
        number = serials.learn(context, device.id, found.serial_number)
    if number is not None:
        devices.learn(db, device.id, {"serial_number": number}, context.now)
    elif found.enrolled in (None, device.enrolled):
        return
    news = found.enrolled is not None and device.enrolled != found.enrolled
    if (device.last_seen_at or 0.0) < began_at and news:
        left = {} if found.enrolled else {"unenrolled_at": context.now, "reclaim_at": 0}
        devices.update(
            db,
            device.id,
            **left,
            enrolled=int(bool(found.enrolled)),
            enrolment=max(device.enrolment, 1) if found.enrolled else device.enrolment,
            enrolled_at=context.now if found.enrolled else device.enrolled_at,
            enrolled_after=max(
                (at for at in (device.enrolled_after, last_read_at) if at is not None), default=None
            ),
            last_seen_at=device.last_seen_at or _past(found.last_seen_at, context.now),
        )
        queue_times.wake(db, device.id, context.now)
        _left_for_another(context, device.id, found)
    now_known = devices.by_id(db, device.id)
    if now_known is not None and now_known.serial_number is not None:
        if now_known.enrolled:
            apply.for_device(context, now_known.serial_number)
        installs.touch_serials(db, [now_known.serial_number], context.now)


def _left_for_another(context: Context, device_id: int, found: MdmDevice) -> None:
    """A record that is shown as enrolled for the first time, though the same device talks to
    another server, and did so later than to this one, is past."""
    device = devices.by_id(context.db, device_id)
    if device is None or device.udid is None or not device.enrolled:
        return
    for other in devices.elsewhere(context.db, device):
        seen_here = found.last_seen_at or 0.0
        enrolled_at = max(other.token_stamp or 0.0, other.authenticate_stamp or 0.0)
        if other.enrolled and enrolled_at > seen_here:
            moves.leave(context, device, other, enrolled_at)
            return


def _past(told: float | None, now: float) -> float | None:
    """A time that a server tells; what lies ahead of ours counts as now."""
    return None if told is None else min(told, now)
