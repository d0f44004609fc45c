"""What happens at Apple: faults, purchases, people in the portal, renewed tokens."""

from __future__ import annotations

from random import Random

from bridge.simulator.faults import Fault
from tests.soak.world.deeds import deed
from tests.soak.world.life import Life
from tests.soak.world.script import HOUR

_ENDPOINTS = (
    "service_config",
    "client_config",
    "set_client_config",
    "assets",
    "associate",
    "associate",
    "disassociate",
    "assignments",
    "status",
    "users",
    "create_users",
    "lookup",
)
_UNANSWERED = ("gateway", "gateway_after", "garbled", "request_lost", "reply_lost")
_PASSING = (9603, 9644, 9646, 9729)


@deed(8)
def apple_fails(life: Life, chance: Random) -> str:
    """An endpoint answers wrongly, or not at all, a few times."""
    where = f"apple.{chance.choice(_ENDPOINTS)}"
    what = chance.choice((*_UNANSWERED, "error"))
    number = chance.choice(_PASSING) if what == "error" else 0
    after, times = chance.choice((0, 0, 1, 3)), chance.choice((1, 1, 2, 6))
    life.world.faults.add(Fault(where, what, number=number, after=after, times=times))
    return f"{what} {number or ''} at {where}, {times} times after {after}"


@deed(4)
def event_fails(life: Life, chance: Random) -> str:
    """The asynchronous part of a request goes wrong."""
    what = chance.choice(("error", "delay", "delay", "stuck"))
    number, delay = (9603 if what == "error" else 0), chance.choice((30.0, 400.0, 1500.0))
    life.world.faults.add(Fault("apple.event", what, number=number, delay=delay))
    return f"the next event at Apple: {what} {delay if what == 'delay' else ''}"


@deed(5)
def notifications_fail(life: Life, chance: Random) -> str:
    """Notifications are lost, late, repeated or out of order."""
    what = chance.choice(("drop", "drop", "delay", "reorder", "duplicate"))
    times, delay = chance.choice((1, 2, 5)), chance.choice((5.0, 90.0, 1200.0))
    life.world.faults.add(Fault("apple.notification", what, times=times, delay=delay))
    return f"{what} of {times} notifications ({delay:g} s)"


@deed(2)
def apple_is_away(life: Life, chance: Random) -> str:
    """Nobody gets through to Apple for a while."""
    hours = chance.choice((0.1, 1.0, 10.0))
    life.away_until["apple"] = life.world.now + hours * HOUR
    return f"Apple is away for {hours:g} h"


@deed(5)
def purchase(life: Life, chance: Random) -> str:
    """Seats are bought, or given back as far as nobody has them."""
    location = life.location(chance.choice(("hq", "hq", "branch")))
    adam_id = chance.choice(life.adam_ids)
    free = location.library.assets[adam_id, "STDQ"].available
    count = chance.choice((-free, -min(free, 3), 1, 2, 5, 15))
    life.world.apple.buy(location, adam_id, count)
    return f"{location.name} buys {count} of {adam_id}"


@deed(4)
def portal_takes(life: Life, chance: Random) -> str:
    """Somebody takes licences away in Apple's portal."""
    return _portal(life, chance, "DISASSOCIATE", life.taken)


@deed(3)
def portal_gives(life: Life, chance: Random) -> str:
    """Somebody assigns licences in Apple's portal."""
    return _portal(life, chance, "ASSOCIATE", life.given)


def _portal(life: Life, chance: Random, kind: str, noted: dict[tuple[str, str], float]) -> str:
    location = life.location(chance.choice(("hq", "hq", "branch")))
    adam_id, serials = chance.choice(life.adam_ids), chance.sample(life.serials, 3)
    serials = serials[: chance.choice((1, 3))]
    life.world.apple.portal(location, kind, adam_id, serials)
    noted.update({(serial, adam_id): life.world.now for serial in serials})
    return f"the portal: {kind} {adam_id} at {location.name}, {' '.join(serials)}"


@deed(3)
def token_renewed(life: Life, chance: Random) -> str:
    """A location gets another token; the old one is revoked before that, at once, or later."""
    location = life.location(chance.choice(("hq", "branch")))
    old = location.tokens[-1]
    new = life.world.apple.issue_token(location)
    wait = chance.choice((0.0, 0.0, HOUR, 20 * HOUR))
    if chance.random() < 0.5:
        old.revoked = True
    else:
        life.later(wait + HOUR, lambda: setattr(old, "revoked", True))
    life.later(wait, lambda: life.token_file(location.name).write_text(new.text))
    early = "revoked at once" if old.revoked else "revoked later"
    return f"{location.name} has a new token, in its file after {wait / HOUR:g} h; the old {early}"
