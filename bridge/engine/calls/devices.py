"""A server's list of devices: enrolments, serial numbers and departures that nobody told us of."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable

from bridge.clients.mdm.port import MdmDevice
from bridge.domain.pauses import Pause, Pauses
from bridge.engine.calls.mdm import MdmCall
from bridge.engine.context import Context
from bridge.engine.decide import first_facts
from bridge.engine.desired import apply
from bridge.engine.intake import serials
from bridge.store import meta
from bridge.store.devices import devices, queue_times
from bridge.store.installs import installs
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

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
        meta.keep(context.db, f"devices_read_at:{row.scope}", str(context.now))
        first_facts.begin(context, row.scope)


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
    device = devices.ensure(db, server, udid=found.udid, enrollment_id=None, now=context.now)
    number = None
    if device.serial_number is None:
        number = serials.learn(context, device.id, found.serial_number)
    if number is not None:
        devices.learn(db, device.id, {"serial_number": number}, context.now)
    elif found.enrolled in (None, device.enrolled):
        return
    news = found.enrolled is not None and device.enrolled != found.enrolled
    if (device.last_seen_at or 0.0) < began_at and news:
        devices.update(
            db,
            device.id,
            enrolled=int(bool(found.enrolled)),
            enrolment=max(device.enrolment, 1) if found.enrolled else device.enrolment,
            enrolled_at=context.now if found.enrolled else device.enrolled_at,
            enrolled_after=max(
                (at for at in (device.enrolled_after, last_read_at) if at is not None), default=None
            ),
            last_seen_at=device.last_seen_at or _past(found.last_seen_at, context.now),
        )
        queue_times.wake(db, device.id, context.now)
    now_known = devices.by_id(db, device.id)
    if now_known is not None and now_known.serial_number is not None:
        if now_known.enrolled:
            apply.for_device(db, now_known.serial_number, context.now)
        installs.touch_serials(db, [now_known.serial_number], context.now)


def _past(told: float | None, now: float) -> float | None:
    """A time that a server tells; what lies ahead of ours counts as now."""
    return None if told is None else min(told, now)
