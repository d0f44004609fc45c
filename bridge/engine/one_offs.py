"""Apps on devices because a person asked for them, beside what the file wants."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.domain.wanted import BY_BOTH, BY_FILE
from bridge.engine import wishes
from bridge.errors import WishError
from bridge.store import holds, installs, one_offs
from bridge.store import wanted as wanted_store
from bridge.store.database import Connection
from bridge.store.one_offs import OneOff


def assign(
    db: Connection,
    serial_numbers: Sequence[str],
    adam_id: str,
    *,
    location: str | None,
    pricing_param: str | None,
    locations: Collection[str],
    now: float,
) -> frozenset[str]:
    """Wish for an app on these devices, shown by a server or not. The serials that are new here.

    What is not said is taken from the file that was applied, then from the only one of
    `locations`. A pair that the file wants stays as the file has it. Raises WishError when the
    location cannot be told.
    """
    wanted = wanted_store.load(db)
    app = next((app for app in wanted.apps if app.adam_id == adam_id), None)
    asset = Asset(adam_id, pricing_param or (app.pricing_param if app else DEFAULT_PRICING))
    place = _location(location or (app.location if app else None), locations)
    beside = [OneOff(serial_number, asset, place) for serial_number in serial_numbers]
    new = [each.serial_number for each in beside if one_offs.put(db, each, now)]
    by_file = {pair for one_off in beside if _by_file(db, pair := one_off.pair)}
    installs.wanted_by(db, by_file, BY_BOTH)
    holds.let_go(db, by_file, now)
    alone = [wishes.of_one_off(wanted, each) for each in beside if each.pair not in by_file]
    wishes.store_batches(db, alone, now)
    return frozenset(new)


def _location(asked: str | None, locations: Collection[str]) -> str:
    if not locations:
        raise WishError("no location is configured: write one under locations: first")
    names = ", ".join(sorted(locations))
    if asked is None and len(locations) > 1:
        raise WishError(f"the location is missing: name one of {names}")
    if asked is not None and asked not in locations:
        raise WishError(f"the location {asked} is not configured: name one of {names}")
    return asked or next(iter(locations))


def _by_file(db: Connection, pair: tuple[str, str]) -> bool:
    install = installs.get(db, *pair)
    return install is not None and install.wanted and install.wanted_by in (BY_FILE, BY_BOTH)


def unassign(
    db: Connection, serial_numbers: Sequence[str], adam_id: str, now: float
) -> frozenset[str]:
    """Withdraw the one-off wishes for an app on these devices. The serials that had one.

    What the file wants stays. What nobody wants then is treated by the app's `on_unwanted`.
    """
    pairs = [(serial_number, adam_id) for serial_number in serial_numbers]
    gone = {pair for pair in pairs if one_offs.withdraw(db, pair)}
    by_file = {pair for pair in gone if _by_file(db, pair)}
    installs.wanted_by(db, by_file, BY_FILE)
    installs.no_longer_wanted(db, gone - by_file, now)
    return frozenset(serial_number for serial_number, _ in gone)
