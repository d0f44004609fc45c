"""Many devices that are rows in the store only: a licence needs an enrolment and no more."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from bridge.simulator.mdm.mdm import Record
from bridge.store.devices import devices
from tests.flow.scene import Scene


def serials(first: int, count: int) -> list[str]:
    """`count` serial numbers, from the `first`-th on."""
    return [f"CROWD{number:07d}" for number in range(first, first + count)]


def crowded(
    make_scene: Callable[..., Scene], apps: int, names: Iterable[str], **arguments: Any
) -> Scene:
    """A scene with seats for all in which these devices are enrolled, and never heard of again;
    their MDM server lists them."""
    scene = make_scene(**{"devices": 0, "apps": apps, "seats": 100_000} | arguments)
    with scene.bridge.database.write() as db:
        for number, name in enumerate(names):
            made = devices.ensure(db, "main", udid=f"U{number}", enrollment_id=None, now=0.0)
            devices.update(
                db, made.id, serial_number=name, enrolled=1, enrolment=1, product_name="iPad14,1"
            )
            listed = Record(name, udid=f"U{number}", enrolled=True)
            scene.world.mdm.records.append(listed)
    return scene
