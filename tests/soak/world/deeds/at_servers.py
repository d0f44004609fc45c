"""What happens at the MDM server: faults, lag, restarts, storms of webhooks."""

from __future__ import annotations

from random import Random

from bridge.simulator.faults import PLACES, Fault
from tests.soak.world.deeds import deed
from tests.soak.world.life import Life
from tests.soak.world.script import HOUR

_CALLS = ("mdm.command", "mdm.command", "mdm.command", "mdm.push", "mdm.queue", "mdm.devices")


@deed(8)
def server_fails(life: Life, chance: Random) -> str:
    """A call of the server's API goes wrong a few times."""
    where = chance.choice(_CALLS)
    what = chance.choice(sorted(PLACES[where] - {"odd"}))
    after, times = chance.choice((0, 0, 1, 3)), chance.choice((1, 1, 2, 6))
    life.world.faults.add(Fault(where, what, after=after, times=times))
    return f"{what} at {where}, {times} times after {after}"


@deed(6)
def webhooks_fail(life: Life, chance: Random) -> str:
    """Webhooks are lost, late, repeated or out of order."""
    what = chance.choice(("drop", "drop", "delay", "reorder", "duplicate"))
    match = chance.choice(("", "", "Acknowledged", "Idle", "TokenUpdate", "Authenticate"))
    times, delay = chance.choice((1, 2, 5, 20)), chance.choice((1.0, 30.0, 700.0))
    life.world.faults.add(Fault("mdm.webhook", what, match=match, times=times, delay=delay))
    return f"{what} of {times} webhooks with {match!r} ({delay:g} s)"


@deed(2)
def server_is_away(life: Life, chance: Random) -> str:
    """Its API cannot be reached for a while; devices go on."""
    hours = chance.choice((0.1, 1.0, 10.0))
    life.away_until["mdm"] = life.world.now + hours * HOUR
    return f"the MDM server's API is away for {hours:g} h"


@deed(2)
def lag(life: Life, chance: Random) -> str:
    """Webhooks come late, in their order, for a while."""
    webhook, before = life.world.mdm.webhook, life.script.traits.lag
    seconds, hours = chance.choice((30.0, 300.0, 3000.0)), chance.choice((1.0, 6.0))
    webhook.lag = seconds
    life.later(hours * HOUR, lambda: setattr(webhook, "lag", before))
    return f"webhooks lag by {seconds:g} s for {hours:g} h"


@deed(2)
def server_restarts(life: Life, _chance: Random) -> str:
    """What it had in memory is lost."""
    life.world.mdm.restart()
    return "the MDM server is restarted"


@deed(1)
def queue_cleared(life: Life, chance: Random) -> str:
    """An administrator clears a device's queue."""
    device = chance.choice(life.world.devices)
    life.world.mdm.clear(device.key)
    return f"the queue of {device.serial_number} is cleared"


@deed(2)
def race(life: Life, chance: Random) -> str:
    """For a while commands are lost, or come again, when they meet their device."""
    settings = life.world.mdm.settings
    settings.race_window, settings.race_loss = 0.05, chance.choice((0.0, 0.5, 1.0))
    life.later(24 * HOUR, lambda: setattr(settings, "race_window", 0.0))
    return f"commands race with their devices for a day ({settings.race_loss:g} lost)"


@deed(3)
def storm(life: Life, chance: Random) -> str:
    """All devices connect at once, and what was posted last is posted once more."""
    for _ in range(chance.choice((1, 3))):
        for device in life.world.devices:
            life.later(chance.random(), device.wake)
    again = list(life.posted)
    for url, headers, body in again:
        life.world.outgoing.post(url, headers, body, 30.0)
    return f"a storm: all devices connect, {len(again)} messages come once more"
