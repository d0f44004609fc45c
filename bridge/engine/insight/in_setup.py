"""Devices in Setup Assistant, as people and programs see them: since when, for what, until when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.domain.alerts import Fault
from bridge.domain.devices.release import Standing
from bridge.domain.model import Device
from bridge.domain.pauses import Way, by_command, by_either
from bridge.domain.times import rfc3339
from bridge.domain.views import HealthPart
from bridge.domain.views import devices as views
from bridge.domain.views.devices import InSetup, Setup
from bridge.domain.wording import as_sentence, called, counted, named
from bridge.engine.context import Context
from bridge.engine.setup import standing
from bridge.store import pauses
from bridge.store.catalog import apps
from bridge.store.devices import devices, setups

STATES = ("waiting", "ready", "held")
"""How a device may stand there: it waits for its apps, has its required ones, or a pause keeps it.
"""

OVERDUE = 300.0
"""Seconds after its deadline from which a device that does not answer its release is worth a look.
"""


def told(context: Context, found: Sequence[views.Device]) -> list[views.Device]:
    """These devices, each with how it stands in Setup Assistant, if it is there."""
    there = {each.device_id for each in setups.present(context.db)}
    return [
        {**each, "setup": _of_record(context, each["id"])} if each["id"] in there else each
        for each in found
    ]


def _of_record(context: Context, device_id: int) -> Setup | None:
    return of_target(context, devices.by_id(context.db, device_id), by_command)


def of_target(context: Context, device: Device | None, way: Way) -> Setup | None:
    """The same of a device that is known already, or None of none."""
    return None if device is None or not device.in_setup else _shown(context, device, way)


def all_of(context: Context) -> list[InSetup]:
    """Everybody who is there, the longest first."""
    found = [devices.by_id(context.db, each.device_id) for each in setups.present(context.db)]
    return [
        {
            "serial_number": device.serial_number,
            "udid": device.udid,
            "name": device.name,
            "server": device.server,
            **_shown(context, device, by_command),
        }
        for device in found
        if device is not None
    ]


def _shown(context: Context, device: Device, way: Way) -> Setup:
    stands = standing.standing_of(context, device)
    is_ours = context.abilities(device.server).releases_setup
    held = stands.held
    sentence = (
        f"in Setup Assistant since {rfc3339(stands.since)}: "
        f"{held.shown_to(way) if held is not None else _waits_for(context, stands, is_ours)}"
    )
    return {
        "since": rfc3339(stands.since),
        "released_by": rfc3339(stands.until) if is_ours else None,
        "all_apps": device.setup_all,
        "groups_known": stands.groups_known,
        "missing": [each.adam_id for each in stands.missing],
        "unsent": [each.adam_id for each in stands.unsent],
        "ready_at": rfc3339(setups.ready_at(context.db, device.id)),
        "held": held is not None,
        "sentence": as_sentence(sentence),
    }


def _waits_for(context: Context, stands: Standing, is_ours: bool) -> str:
    """What a device waits for that nothing holds up."""
    until = f"at {rfc3339(stands.until)} at the latest"
    ends = f"the bridge lets it out, {until}" if is_ours else "somebody else lets it out"
    if context.now >= stands.until:
        missing = f", without {_apps(context, stands)}" if stands.missing else ""
        if is_ours:
            return f"it was let out at {rfc3339(stands.until)}{missing}, and has not answered yet"
        return f"its deadline is past{missing}; whoever sends DeviceConfigured lets it out"
    if not stands.groups_known:
        return f"it has not told all that its groups depend on; {ends}"
    if stands.missing:
        return f"it waits for {_apps(context, stands)}; {ends}"
    if stands.unsent and is_ours:
        return f"{counted(len(stands.unsent), 'app')} is to be sent first; {ends}"
    if is_ours:
        return "all its required apps are there, and it is being let out"
    return "all its required apps are there; whoever sends DeviceConfigured may let it out"


def _apps(context: Context, stands: Standing) -> str:
    """The required apps that are missing, each with why."""
    known = apps.known(context.db, [each.adam_id for each in stands.missing])
    names = []
    for each in stands.missing:
        app = known.get(each.adam_id)
        names.append(f"{called('app', each.adam_id, app and app.name)} ({each.reason})")
    return named(names)


def parts(context: Context) -> Iterator[HealthPart]:
    """Whether devices get out of Setup Assistant, while any is there; and who may be let out, where
    that is for somebody else to do."""
    there = setups.present(context.db)
    if not there:
        return
    paused = pauses.load(context.db)
    held = [each for each in there if paused.over_device(each.target) is not None]
    late = [each for each in there if each not in held and _is_late(context, each)]
    wrong = list[str]()
    if held and (pause := paused.over_device(held[0].target)) is not None:
        what = f"{_devices(held)} in Setup Assistant and cannot be let out"
        wrong.append(f"{what}: {pause.shown_to(by_either)}")
    if late:
        wrong.append(
            f"{_devices(late)} in Setup Assistant past policy.setup.deadline, and not answering "
            "their release: see that they are on and online; vpp-bridge status names them"
        )
    faults = [Fault("setup", {"of": "all"}, "; ".join(wrong))] if wrong else []
    faults += [_may_go(each) for each in there if each not in held and _is_others(context, each)]
    detail = "; ".join(wrong) or f"{_devices(there)} in Setup Assistant"
    age = context.now - min(each.since for each in there)
    yield HealthPart("setup", not wrong, "degraded", detail, max(age, 0.0), tuple(faults))


def _may_go(each: setups.Present) -> Fault:
    name = each.target or each.udid or ""
    return Fault(
        "setup",
        {"serial_number": name},
        f"{name} waits in Setup Assistant, and all its required apps are there: "
        "whoever sends DeviceConfigured may let it out",
    )


def _is_others(context: Context, each: setups.Present) -> bool:
    """Whether somebody else may let a device out now."""
    return each.ready_at is not None and not context.abilities(each.server).releases_setup


def _is_late(context: Context, each: setups.Present) -> bool:
    if not context.abilities(each.server).releases_setup:
        return False
    until = standing.deadline_of(context, each.since, each.free_at)
    return context.now > until + OVERDUE


def _devices(some: Sequence[setups.Present]) -> str:
    return f"{counted(len(some), 'device')} {'waits' if len(some) == 1 else 'wait'}"


def counts(context: Context) -> dict[tuple[str, str], int]:
    """How many devices are there, by MDM server and by how they stand: `held` by a pause, `ready`
    with all required apps, or `waiting`."""
    found: dict[tuple[str, str], int] = {}
    there = setups.present(context.db)
    paused = pauses.load(context.db) if there else None
    for each in there:
        is_held = paused is not None and paused.over_device(each.target) is not None
        state = "held" if is_held else "ready" if each.ready_at is not None else "waiting"
        found[each.server, state] = found.get((each.server, state), 0) + 1
    return found
