"""From what the admin wants to installs: at an apply, and when a device shows up later.

What the file wants and one-off wishes come together here. Where both want an app on a device, it
is got as the file says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from bridge.domain.desired.change import Change, Cohort, PairName, compare, refusal
from bridge.domain.desired.desired import BY_BOTH, BY_FILE, BY_ONE_OFF, AppWish, Wanted
from bridge.domain.desired.first_contact import not_shown, unplanned
from bridge.domain.desired.roster import Roster
from bridge.domain.installs.configuration import digest
from bridge.domain.installs.options import Options
from bridge.domain.model import Device, Held
from bridge.errors import WishError
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.desired import desired as wanted_store
from bridge.store.desired import fleet, one_offs
from bridge.store.desired.one_offs import OneOff
from bridge.store.devices import devices
from bridge.store.installs import installs, on_hold
from bridge.store.installs.installs import Wish
from bridge.store.licences import locations
from bridge.store.views import totals

HELD_BACK: Held = "HELD_BACK"
NOT_PLANNED: Held = "NOT_PLANNED"
PLATFORM_UNKNOWN: Held = "PLATFORM_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an apply may go.

    `installs` is how many may go since the last apply without a limit; the rest is held back.
    `removals` is how many may be removed; None is what `removals_allowed` says.
    """

    installs: int | None = None
    removals: int | None = None


NO_LIMITS = Limits()


def difference(
    db: Connection, before: Sequence[Cohort], after: Sequence[Cohort], limits: Limits
) -> Change:
    """What changes between what is stored and what is wished for; see `compare`."""
    limited_at = wanted_store.limited_at(db)
    gone = fleet.gone_since(db, limited_at) if limited_at is not None else 0
    return compare(before, after, limit=limits.installs, gone=gone)


def apply(
    db: Connection,
    wanted: Wanted,
    now: float,
    limits: Limits = NO_LIMITS,
    unseen: Collection[str] = (),
) -> Change:
    """Store groups and apps, and make installs of them, in the transaction of `db`.

    `unseen` are the MDM servers whose devices could not be shown: what rules mean there, and nobody
    knew of, waits for another apply. Raises WishError when more would be removed than `limits`
    allow.
    """
    roster = roster_of_all(db, wanted)
    before, after = fleet.wanted(db), wished(wanted, roster, one_offs.load(db))
    planned = difference(db, before, after, limits)
    if why := refusal(planned, limits.removals):
        raise WishError(f"nothing was stored: {why}")
    limited_at = None if limits.installs is None else wanted_store.limited_at(db) or now
    wanted_store.store(db, wanted, now, limited_at=limited_at, unseen=unseen)
    for app in wanted.apps:
        news = apps.learn_app(
            db, app.adam_id, bundle_id=app.bundle_id, name=app.name, source=BY_FILE
        )
        if news:
            installs.touch_app(db, app.adam_id, now)
    installs.store(db, _unlike(before, after, planned.held), now)
    for app in wanted.apps:
        leaving = [pair for pair in planned.removed if leaving_by(wanted, roster, pair) is app]
        fleet.leave_by(db, leaving, _options(app))
    installs.no_longer_wanted(db, planned.removed, now)
    return planned


def leaving_by(wanted: Wanted, roster: Roster, pair: PairName) -> AppWish | None:
    """The entry whose `on_unwanted` counts for an install that is removed; None: its own does."""
    serial_number, adam_id = pair
    return wanted.leaving(adam_id, roster.platform(serial_number))


def _unlike(
    before: Sequence[Cohort], after: Sequence[Cohort], held: frozenset[PairName]
) -> Iterable[Wish]:
    """The wishes that are not stored as they are, in the file's order, then by serial number."""
    stored: dict[tuple[object, ...], set[str]] = {}
    for cohort in before:
        stored.setdefault((cohort.way, cohort.wanted_by, cohort.held), set()).update(cohort.serials)
    held_of: dict[str, set[str]] = {}
    for serial_number, adam_id in held:
        held_of.setdefault(adam_id, set()).add(serial_number)
    for cohort in after:
        waiting = cohort.serials & held_of.get(cohort.asset.adam_id, set())
        for serials, reason in ((cohort.serials - waiting, cohort.held), (waiting, HELD_BACK)):
            same = stored.get((cohort.way, cohort.wanted_by, reason), ())
            yield from (
                _wish(cohort, serial, reason) for serial in sorted(serials.difference(same))
            )


def for_device(db: Connection, serial_number: str, now: float) -> int:
    """A device has enrolled, or changed: give it what its groups want by now.

    Nothing is taken from it but what cannot run there: that is for an apply, which shows it first.
    Returns how many installs were wished for or wished for otherwise.
    """
    wanted = wanted_store.load(db)
    device = devices.current(db, [serial_number]).get(serial_number)
    roster = roster_of(db, wanted, {serial_number: device})
    if device is not None:
        _give_up(db, wanted, roster, device, now)
    found = wished(wanted, roster, one_offs.load(db, serial_number))
    held = _held(db, wanted, device, found) if device is not None else {}
    wishes = [_wish(b, s, held.get(b.asset.adam_id)) for b in found for s in b.serials]
    return installs.store(db, wishes, now)


def _held(
    db: Connection, wanted: Wanted, device: Device, found: Sequence[Cohort]
) -> dict[str, Held]:
    """By adam id, why a device's wishes are held: the last apply could not show them, or had a
    limit. What stands already, and goes on, goes on.
    """
    applied_at = totals.applied_at(db)
    by_file = {cohort.asset.adam_id for cohort in found if cohort.wanted_by == BY_FILE}
    if applied_at is None or not by_file:
        return {}
    standing = on_hold.of_device(db, device.serial_number or "")
    waiting = {a for a in by_file if standing.get(a, NOT_PLANNED) in (NOT_PLANNED, HELD_BACK)}
    is_limited = wanted_store.limited_at(db) is not None
    firsts = devices.firsts(db, device.id)
    unknown_then = unplanned(wanted, device, firsts, applied_at)
    if device.server in wanted_store.unseen(db) and not_shown(device, firsts, applied_at):
        unknown_then = frozenset(waiting)  # who is named by serial number stands, and goes on
    limited = dict.fromkeys(waiting if is_limited else (), HELD_BACK)
    return limited | dict.fromkeys(waiting & unknown_then, NOT_PLANNED)


def roster_of_all(db: Connection, wanted: Wanted) -> Roster:
    """Every device that counts, in the groups of `wanted`."""
    return roster_of(db, wanted, known(db, wanted))


def roster_of(db: Connection, wanted: Wanted, some: Mapping[str, Device | None]) -> Roster:
    """Some devices by serial number, in the groups of `wanted`."""
    runs = locations.platforms(db, [app.adam_id for app in wanted.apps])
    return Roster(wanted.groups, some, runs)


def platforms_changed(db: Connection) -> None:
    """Apple said anew on what apps run: what a rule wished for, cannot run and was not begun is
    forgotten. The rest stays for an apply to show: Apple's word for a fleet may be a mistake.
    """
    wanted = wanted_store.load(db)
    stored = {pair for cohort in fleet.wanted(db) for pair in cohort.pairs()}
    on_hold.forget(db, _unfit(wanted, roster_of_all(db, wanted)) & stored)


def _give_up(db: Connection, wanted: Wanted, roster: Roster, device: Device, now: float) -> None:
    """Give up what was wished for and is not for this device, if nothing was begun; of what cannot
    run there, if only now it is known what the device is, licences that it got until then, too."""
    unfit = _unfit(wanted, roster)
    on_hold.forget(db, unfit | _elsewhere(wanted, roster))
    product = devices.firsts(db, device.id).get("product_name")
    if product is not None and product.at >= now:
        on_hold.give_up(db, unfit, now)


def _unfit(wanted: Wanted, roster: Roster) -> set[PairName]:
    """The pairs that a rule means and that cannot be."""
    return {(serial, app.adam_id) for app in wanted.apps for serial in roster.getting(app).unfit}


def _elsewhere(wanted: Wanted, roster: Roster) -> set[PairName]:
    """The pairs that entries mean for other platforms, and none for the device's own."""
    getting = [(app.adam_id, roster.getting(app)) for app in wanted.apps]
    meant = {(s, a) for a, its in getting for s in its.sure | its.undecided | its.unknown}
    return {(serial, adam_id) for adam_id, its in getting for serial in its.elsewhere} - meant


def known(db: Connection, wanted: Wanted) -> dict[str, Device | None]:
    """The devices that count: those that a server has shown, and those that groups name."""
    named = {serial for group in wanted.groups for serial in group.serials}
    return dict.fromkeys(named) | devices.by_serial(db)


def wished(wanted: Wanted, roster: Roster, beside: Sequence[OneOff]) -> list[Cohort]:
    """What the file wishes for, together with the one-off wishes beside it.

    Of devices whose platform nobody knows, the first entry that may be theirs stands for all.
    """
    found: list[Cohort] = []
    by_file: set[PairName] = set()
    undecided: dict[str, frozenset[str]] = {}
    for app in wanted.apps:
        alone = frozenset(each.serial_number for each in beside if each.pair[1] == app.adam_id)
        getting = roster.getting(app)
        before = undecided.get(app.adam_id, frozenset())
        undecided[app.adam_id] = before | getting.undecided
        ways = ((getting.sure, None), (getting.undecided - before, PLATFORM_UNKNOWN))
        for serials, held in ways:
            both = serials & alone
            by_file.update((serial, app.adam_id) for serial in both)
            found.append(_cohort(app, BY_FILE, serials - both, held))
            found.append(_cohort(app, BY_BOTH, both, held))
    found += [
        of_one_off(wanted, each, roster.platform(each.serial_number))
        for each in beside
        if each.pair not in by_file
    ]
    return [cohort for cohort in found if cohort.serials]


def of_one_off(wanted: Wanted, one_off: OneOff, platform: str | None) -> Cohort:
    """A one-off wish on a device of this platform, with the settings that the file has for its
    app there. While these depend on a platform that nobody knows, it waits."""
    adam_id = one_off.asset.adam_id
    entries = wanted.entries(adam_id, platform)
    is_open = platform is None and wanted.differs_by_platform(adam_id)
    cohort = _cohort(
        entries[0] if entries else AppWish(adam_id, (), one_off.location),
        BY_ONE_OFF,
        frozenset({one_off.serial_number}),
        PLATFORM_UNKNOWN if is_open else None,
    )
    return replace(cohort, asset=one_off.asset, location=one_off.location, fallbacks=())


def _cohort(
    app: AppWish, wanted_by: str, serials: frozenset[str], held: Held | None = None
) -> Cohort:
    return Cohort(
        asset=app.asset,
        location=app.location,
        priority=app.priority,
        options=_options(app),
        wanted_by=wanted_by,
        serials=serials,
        held=held,
        fallbacks=app.fallbacks,
    )


def _options(app: AppWish) -> Options:
    return Options(
        mode=app.mode,
        managed=app.managed,
        take_over=app.take_over,
        remove_with_profile=app.remove_with_profile,
        prevent_backup=app.prevent_backup,
        configuration=digest(app.configuration),
        attributes=app.attributes,
        on_unwanted=app.on_unwanted,
    )


def _wish(cohort: Cohort, serial_number: str, held: Held | None = None) -> Wish:
    return Wish(
        serial_number,
        cohort.asset,
        cohort.location,
        cohort.wanted_by,
        cohort.priority,
        cohort.options,
        held or cohort.held,
        cohort.fallbacks,
    )


def store_cohorts(db: Connection, found: Iterable[Cohort], now: float) -> int:
    """Make installs of these as they are; returns how many changed."""
    return installs.store(db, [_wish(b, s) for b in found for s in sorted(b.serials)], now)
