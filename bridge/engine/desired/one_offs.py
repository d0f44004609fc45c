"""Apps on devices because a person asked for them, beside what the file wants."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bridge.domain.desired.desired import BY_BOTH, BY_FILE
from bridge.domain.devices.platforms import platform_of
from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.engine.desired import apply
from bridge.errors import WishError
from bridge.store.database import Connection
from bridge.store.desired import applied, one_offs
from bridge.store.desired.one_offs import OneOff
from bridge.store.devices import devices
from bridge.store.installs import installs, on_hold


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
    desired = applied.load(db)
    known = devices.current(db, list(serial_numbers))
    platforms = {s: platform_of(d.product_name) for s, d in known.items()}
    beside = []
    for serial_number in serial_numbers:
        entries = desired.entries(adam_id, platforms.get(serial_number))
        place = _agreed("location", location, [app.location for app in entries])
        asset = Asset(
            adam_id,
            _agreed("pricing_param", pricing_param, [app.pricing_param for app in entries])
            or DEFAULT_PRICING,
        )
        beside.append(OneOff(serial_number, asset, _location(place, locations)))
    new = [each.serial_number for each in beside if one_offs.put(db, each, now)]
    by_file = {pair for one_off in beside if _by_file(db, pair := one_off.pair)}
    installs.desired_by(db, by_file, BY_BOTH)
    by_platform = desired.differs_by_platform(adam_id)
    vague = {pair for pair in by_file if by_platform and platforms.get(pair[0]) is None}
    on_hold.let_go(db, by_file - vague, now)
    on_hold.let_go(db, vague, now, apply.PLATFORM_UNKNOWN)
    alone = [
        apply.of_one_off(desired, each, platforms.get(each.serial_number))
        for each in beside
        if each.pair not in by_file
    ]
    apply.store_cohorts(db, alone, now)
    return frozenset(new)


def _agreed(key: str, asked: str | None, by_file: Sequence[str]) -> str | None:
    """What was asked for, or else what the entries of the file that may be meant say alike."""
    if asked is not None or not by_file:
        return asked
    if len(set(by_file)) > 1:
        names = ", ".join(sorted(set(by_file)))
        raise WishError(
            f"the {key} is missing: the app has entries for several platforms in the file, and the "
            f"device's is not known yet; name one of {names}"
        )
    return by_file[0]


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
    return install is not None and install.desired and install.desired_by in (BY_FILE, BY_BOTH)


def unassign(
    db: Connection, serial_numbers: Sequence[str], adam_id: str, now: float
) -> frozenset[str]:
    """Withdraw the one-off wishes for an app on these devices. The serials that had one.

    What the file wants stays. What nobody wants then is treated by the app's `on_unwanted`.
    """
    pairs = [(serial_number, adam_id) for serial_number in serial_numbers]
    gone = {pair for pair in pairs if one_offs.withdraw(db, pair)}
    by_file = {pair for pair in gone if _by_file(db, pair)}
    installs.desired_by(db, by_file, BY_FILE)
    installs.no_longer_wanted(db, gone - by_file, now)
    return frozenset(serial_number for serial_number, _ in gone)
