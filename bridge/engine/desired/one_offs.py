"""Apps on devices because a person asked for them, beside what the file wants."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from bridge.domain.desired.desired import BY_BOTH, BY_FILE, OnUnwanted
from bridge.domain.devices.platforms import platform_of
from bridge.domain.installs.options import Options
from bridge.domain.licences.odd_rows import of_asset
from bridge.domain.model import DEFAULT_PRICING, Asset
from bridge.domain.policy import SyncPolicy
from bridge.engine.context import Context
from bridge.engine.desired import apply
from bridge.errors import WishError
from bridge.store.database import Connection
from bridge.store.desired import applied, one_offs
from bridge.store.desired.one_offs import OneOff
from bridge.store.devices import devices
from bridge.store.installs import installs, on_hold
from bridge.store.licences import locations, odd_rows


def assign(
    context: Context,
    serial_numbers: Sequence[str],
    adam_id: str,
    *,
    location: str | None,
    pricing_param: str | None,
    names: Collection[str],
) -> frozenset[str]:
    """Wish for an app on these devices, shown by a server or not. The serials that are new here.

    What is not said is taken from the file that was applied, then from the only one of the
    locations `names`. A pair that the file wants stays as the file has it. Raises WishError when
    the location cannot be told.
    """
    db, now = context.db, context.now
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
        beside.append(OneOff(serial_number, asset, _location(place, names)))
    out = {each.serial_number for each in beside if one_offs.is_excluded(db, each.pair)}
    new = [each.serial_number for each in beside if one_offs.put(db, each, now)]
    for serial_number in out:  # the file may want it, too
        apply.for_device(context, serial_number)
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


def exclude(
    db: Connection, serial_numbers: Sequence[str], adam_id: str, now: float
) -> dict[str, OnUnwanted | None]:
    """Let these devices be without an app, whatever the file wants, until that is withdrawn.

    By serial number of those of which it is new, what happens to what is there, or is on its way;
    None where the app was not wanted.
    """
    new = [serial for serial in serial_numbers if one_offs.exclude(db, (serial, adam_id), now)]
    desired = applied.load(db)
    roster = apply.roster_of(db, desired, dict.fromkeys(new) | dict(devices.current(db, list(new))))
    found: dict[str, OnUnwanted | None] = dict.fromkeys(new)
    for serial in new:
        install = installs.get(db, serial, adam_id)
        if install is not None and install.desired:
            entry = apply.leaving_by(desired, roster, (serial, adam_id))
            own = Options.from_text(install.options).on_unwanted
            found[serial] = own if entry is None else entry.on_unwanted
    leaving = [(serial, adam_id) for serial, way in found.items() if way is not None]
    apply.give_up(db, desired, roster, leaving, now)
    return found


def refusal(
    db: Connection, adam_id: str, names: Collection[str], sync: SyncPolicy, now: float
) -> str | None:
    """Why a wish for an app is most likely a mistake: Apple listed what each of the locations
    `names` owns, not long ago, and it is none of it. None where that is not so."""
    for name in names:
        read_at = locations.get(db, name).assets_read_at
        if read_at is None or now - read_at > sync.assets_every:
            return None
        if of_asset(odd_rows.load(db, name, "assets"), Asset(adam_id)) is not None:
            return None
    if not names or locations.owns(db, adam_id, names):
        return None
    return (
        f"no location owns app {adam_id}: {', '.join(sorted(names))} list what they own, and not it"
    )


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


def _location(asked: str | None, names: Collection[str]) -> str:
    if not names:
        raise WishError("no location is configured: write one under locations: first")
    shown = ", ".join(sorted(names))
    if asked is None and len(names) > 1:
        raise WishError(f"the location is missing: name one of {shown}")
    if asked is not None and asked not in names:
        raise WishError(f"the location {asked} is not configured: name one of {shown}")
    return asked or next(iter(names))


def _by_file(db: Connection, pair: tuple[str, str]) -> bool:
    install = installs.get(db, *pair)
    return install is not None and install.desired and install.desired_by in (BY_FILE, BY_BOTH)


def unassign(context: Context, serial_numbers: Sequence[str], adam_id: str) -> frozenset[str]:
    """Withdraw the one-off wishes for an app on these devices, or against it. The serials that had
    one.

    What the file wants stays, or comes back. What nobody wants then is treated by the app's
    `on_unwanted`.
    """
    db, now = context.db, context.now
    pairs = [(serial_number, adam_id) for serial_number in serial_numbers]
    out = {pair for pair in pairs if one_offs.is_excluded(db, pair)}
    gone = {pair for pair in pairs if one_offs.withdraw(db, pair)}
    for serial_number, _ in out:
        apply.for_device(context, serial_number)
    by_file = {pair for pair in gone if _by_file(db, pair)}
    installs.desired_by(db, by_file, BY_FILE)
    installs.no_longer_wanted(db, gone - by_file - out, now)
    return frozenset(serial_number for serial_number, _ in gone)
