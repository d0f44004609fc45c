"""What devices do, and the people who hold them."""

from __future__ import annotations

from random import Random

from bridge.simulator.devices import script
from tests.soak.world.deeds import deed
from tests.soak.world.life import Life
from tests.soak.world.script import DAY, HOUR

_LISTS = ("ManagedApplicationList", "DeviceInformation", "RemoveApplication")


@deed(8)
def misbehaves(life: Life, chance: Random) -> str:
    """Some devices do otherwise than they should with the next commands."""
    devices = chance.sample(life.world.devices, chance.choice((1, 2, 6)))
    times = chance.choice((1, 1, 2, 4))
    what = chance.choice(
        [
            script.not_now(times),
            script.not_now(times, request_type=chance.choice(_LISTS)),
            script.error(script.LICENCE_ERROR, 9610, times),
            script.error(script.MDM_ERROR, 12023, times),
            script.error("NSURLErrorDomain", -1009, times),
            script.command_format_error(times, chance.choice(_LISTS)),
            script.silent(times),
            script.silent(times, request_type=chance.choice(_LISTS)),
            script.installs_silently(times),
            script.user_rejected(),
            script.prompting(),
            script.installs_for_ever(),
            script.install_fails(),
            script.never_arrives(),
            script.answers_twice(times),
        ]
    )
    for device in devices:
        device.script.add(what)
    names = " ".join(device.serial_number for device in devices)
    code = f" {what.domain} {what.code}" if what.code else ""
    return f"{what.deed}{code} of {what.request_type}, {times} times, by {names}"


@deed(5)
def offline(life: Life, chance: Random) -> str:
    """Some devices are out of reach for a while."""
    devices = chance.sample(life.world.devices, chance.choice((1, 3, 10)))
    seconds = chance.choice((HOUR, 8 * HOUR, 3 * DAY, 16 * DAY))
    for device in devices:
        device.go_offline()
        life.later(seconds, device.go_online)
    names = " ".join(device.serial_number for device in devices)
    return f"offline for {seconds / HOUR:g} h: {names}"


@deed(5)
def reenrols(life: Life, chance: Random) -> str:
    """A device enrols again, most often erased."""
    device = chance.choice(life.world.devices)
    erased = chance.random() < 0.7
    device.go_online()
    device.reenrol(erased)
    return f"{device.serial_number} enrols again, {'erased' if erased else 'with its apps'}"


@deed(2)
def leaves(life: Life, chance: Random) -> str:
    """A device leaves the management, and comes back some day."""
    device = chance.choice(life.world.devices)
    days = chance.choice((0.1, 2.0, 6.0))
    if not device.enrolled:
        return ""
    device.check_out()
    life.later(days * DAY, lambda: device.enrolled or device.enrol())
    return f"{device.serial_number} leaves, for {days:g} days"


@deed(3)
def in_setup(life: Life, chance: Random) -> str:
    """A device comes into Setup Assistant, erased or with its apps."""
    device = chance.choice(life.world.devices)
    device.go_online()
    if preserves := chance.random() < 0.5:
        device.return_to_service()
    else:
        device.awaits_configuration = True
        device.reenrol()
    kept = "with its apps" if preserves else "erased"
    return f"{device.serial_number} is in Setup Assistant, {kept}"


@deed(2)
def new_device(life: Life, _chance: Random) -> str:
    """A device that nobody knew enrols."""
    if len(life.world.devices) >= life.script.traits.devices + 3:
        return ""
    device = life.world.new_device(install_time=life.script.traits.install_time)
    device.enrol()
    return f"{device.serial_number} is new"


@deed(4)
def person_deletes(life: Life, chance: Random) -> str:
    """Somebody deletes an app, or installs one beside the management."""
    device, adam_id = chance.choice(life.world.devices), chance.choice(life.adam_ids)
    if device.has(adam_id):
        device.user_deletes(adam_id)
        return f"{adam_id} is deleted on {device.serial_number}"
    device.user_installs(adam_id)
    return f"{adam_id} is installed by hand on {device.serial_number}"


@deed(2)
def person_answers(life: Life, chance: Random) -> str:
    """People answer what their devices ask them."""
    accept = chance.random() < 0.5
    for device in life.world.devices:
        for adam_id in life.adam_ids:
            device.answer_prompt(adam_id, accept=accept)
    return f"people say {'yes' if accept else 'no'} to what is asked"


@deed(2)
def person_works(life: Life, chance: Random) -> str:
    """Somebody has an app open for a day."""
    device, adam_id = chance.choice(life.world.devices), chance.choice(life.adam_ids)
    if not device.has(adam_id):
        return ""
    device.user_opens(adam_id)
    life.later(DAY, lambda: device.has(adam_id) and device.user_closes(adam_id))
    return f"{adam_id} is open on {device.serial_number} for a day"
