"""Pauses: from when a pause is committed no POST leaves that it is about.

The gate sits where calls are claimed, so that what was intended before does not leave either, and
a call that had begun is finished. A request or a command that must not leave is taken back, so
that it holds up nothing else; other calls are held, and are due when anything is resumed.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from bridge.domain.pauses import Pause, Pauses, Scope
from bridge.engine.calls import registering
from bridge.engine.commands import follow_up
from bridge.engine.context import Context
from bridge.engine.insight import story
from bridge.store import meta
from bridge.store import pauses as store
from bridge.store.commands import commands, device_queue
from bridge.store.devices import devices
from bridge.store.installs import breaker, installs
from bridge.store.licences import pairs as pairs_store
from bridge.store.licences import requests
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.service import acts

PAUSED = "taken back: it is paused"
BY_ITSELF = "bridge"


_KEYS = {"app": "adam_id", "location": "location", "serial": "device_serial"}
"""By scope, the log's key for the name of what is paused."""


def pause(context: Context, pause: Pause, who: str = BY_ITSELF) -> bool:
    """Let nothing leave any more that `pause` is about; False where it is paused already.

    `who` pauses, for the log.
    """
    if not store.begin(context.db, pause):
        return False
    meta.count(context.db, f"paused.{pause.paused_by}", context.now)
    about = {"who": who, **_named(pause.scope, pause.name)}
    acts.note(context.db, context.now, pause.shown, about, "warning")
    for row in outbox.ready(context.db, tuple(_KEEPERS)):
        hold_back(context, row)
    gone = store.withdraw_collected(context.db, pause.scope, pause.name, context.now)
    installs.touch_pairs(context.db, gone, context.now)
    store.touch(context.db, pause.scope, pause.name, context.now)
    return True


def resume(context: Context, scope: Scope, name: str, who: str = BY_ITSELF) -> bool:
    """End a pause: what it held up is due at once, paced as ever; False where there was none.

    `who` resumes, for the log.
    """
    pause = store.get(context.db, scope, name)
    if pause is None:
        return False
    store.end(context.db, scope, name)
    if scope == "app":
        breaker.forgive(context.db, name)
    text = f"{pause.what} is resumed"
    story.note(context.db, context.now, text, who, _named(scope, name))
    outbox.release_held(context.db, context.now)
    device_queue.wake_ready(context.db, context.now)
    store.touch(context.db, scope, name, context.now)
    return True


def _named(scope: Scope, name: str) -> dict[str, str | int]:
    return {_KEYS[scope]: name} if scope in _KEYS else {}


def hold_back(context: Context, row: OutboxRow) -> bool:
    """Keep a call from leaving if it is paused; True if so, and the row is not claimed any more."""
    keeper = _KEEPERS.get(row.kind)
    if keeper is None:
        return False
    paused = store.load(context.db)
    return bool(paused) and keeper(context, row, paused)


def _request(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    """A request with a paused pair does not go: its other pairs are asked for anew."""
    pairs = pairs_store.open_pairs(context.db, row.id)
    if not any(
        paused.over(
            serial_number=pair.serial_number, adam_id=pair.asset.adam_id, location=row.scope
        )
        for pair in pairs
    ):
        return False
    requests.take_back(context.db, row.id, context.now)
    requests.update(context.db, row.id, state="refused", settled_at=context.now)
    outbox.failed(context.db, row.id, context.now, PAUSED)
    for pause in paused.all:
        store.withdraw_collected(context.db, pause.scope, pause.name, context.now)
    installs.touch_pairs(
        context.db, [(p.serial_number, p.asset.adam_id) for p in pairs], context.now
    )
    return True


def _command(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    """A command stands in its device's line again, where others may overtake it."""
    command = commands.get(context.db, row.subject)
    if command is None:
        return False
    device = devices.by_id(context.db, command.device_id)
    over = paused.over_device(device.serial_number if device else None)
    install = installs.by_id(context.db, command.install_id) if command.install_id else None
    if over is None and install is not None:
        over = paused.over(
            serial_number=install.target, adam_id=install.adam_id, location=install.location
        )
    if over is None:
        return False
    commands.take_back(context.db, row.subject)
    outbox.failed(context.db, row.id, context.now, PAUSED)
    device_queue.wake(context.db, command.device_id, context.now)
    follow_up.touch(context, command)
    return True


def _push(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    device = devices.by_id(context.db, json.loads(row.subject)["device_id"])
    return _hold(context, row, paused.over_device(device.serial_number if device else None))


def _list_of_devices(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    """MicroMDM's list is asked for with a POST."""
    return _hold(context, row, paused.over_all)


def _register(context: Context, row: OutboxRow, paused: Pauses) -> bool:
    """Without a new notification token Apple's notifications would be refused at our door."""
    if row.subject in registering.ONLY_THE_TOKEN:
        return False
    return _hold(context, row, paused.over_location(row.scope))


def _hold(context: Context, row: OutboxRow, over: Pause | None) -> bool:
    if over is not None:
        outbox.hold(context.db, row.id)
    return over is not None


_KEEPERS: dict[str, Callable[[Context, OutboxRow, Pauses], bool]] = {
    "associate": _request,
    "disassociate": _request,
    "command": _command,
    "push": _push,
    "read_devices": _list_of_devices,
    "register": _register,
}
"""By kind of call, who keeps it back; all others only read, save a claim, which asks itself."""
