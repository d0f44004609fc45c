"""What a device says of itself when it is asked (DeviceInformation)."""

from __future__ import annotations

from bridge.domain.model import Device
from bridge.engine.context import Context
from bridge.engine.intake import serials
from bridge.errors import ShapeError
from bridge.store.devices import devices
from bridge.wire.device_report import Message, parse_device_information


def learn(context: Context, device: Device, message: Message | None, at: float) -> None:
    """Keep what a device answered `at` then; None: that it would not say.

    Raises ShapeError for an answer without what it has to tell.
    """
    facts = parse_device_information(message) if message is not None else None
    devices.update(context.db, device.id, facts_at=at)
    if facts is None:
        return
    devices.learn(
        context.db,
        device.id,
        {
            "serial_number": serials.learn(context, device.id, facts.serial_number),
            "name": facts.device_name,
            "product_name": facts.product_name,
            "model": facts.model,
            "os_version": facts.os_version,
            "build_version": facts.build_version,
        },
        context.now,
    )
    if facts.is_supervised is not None:
        devices.update(context.db, device.id, supervised=int(facts.is_supervised))
    if device.udid is not None and device.serial_number is None and facts.serial_number is None:
        raise ShapeError("it has no SerialNumber")
