"""From what the admin wants to installs: at an apply, and when a device shows up later.

What the file wants and one-off wishes come together here. Where both want an app on a device, it
is got as the file says.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

from bridge.domain.desired.anyway import BY_OPTIONS
from bridge.domain.desired.change import Change, Cohort, PairName, compare, refusal
from bridge.domain.desired.desired import BY_BOTH, BY_FILE, BY_ONE_OFF, AppWish, Desired
from bridge.domain.desired.first_contact import not_shown, unplanned
from bridge.domain.desired.roster import Roster
from bridge.domain.desired.update_rings import in_no_ring, placed
from bridge.domain.devices.targets import is_enrolment
from bridge.domain.installs.configuration import digest
from bridge.domain.installs.options import Options
from bridge.domain.model import Device, OnHold
from bridge.engine.context import Context
from bridge.engine.desired.libraries import Libraries, libraries
from bridge.engine.users import wishes
from bridge.engine.users.wishes import Registering
from bridge.errors import WishError
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.desired import applied, fleet, one_offs
from bridge.store.desired import unseen as unseen_devices
from bridge.store.desired.one_offs import Beside, OneOff
from bridge.store.devices import devices
from bridge.store.installs import installs, on_hold
from bridge.store.installs.installs import Wish
from bridge.store.licences import locations

HELD_BACK: OnHold = "HELD_BACK"
NOT_PLANNED: OnHold = "NOT_PLANNED"
PLATFORM_UNKNOWN: OnHold = "PLATFORM_UNKNOWN"


@dataclass(frozen=True, slots=True)
class Limits:
    """How far an apply may go.

    `installs` is how many may go since the last apply without a limit; the rest is held back.
    `removals` is how many may be removed; None is what `removals_allowed` says. `anyway` is how
    whoever applies asks for more, `{}` being their number.
    """

    installs: int | None = None
    removals: int | None = None
    anyway: str = BY_OPTIONS.removals


NO_LIMITS = Limits()
REGISTERING = Registering()


def difference(
    db: Connection, before: Sequence[Cohort], after: Sequence[Cohort], limits: Limits
) -> Change:
    """What changes between what is stored and what is wished for; see `compare`."""
    last = applied.last(db)
    limited_at = last.limited_at if last is not None else None
    gone = fleet.gone_since(db, limited_at) if limited_at is not None else 0
    return compare(before, after, limit=limits.installs, gone=gone)


def apply(
    db: Connection,
    desired: Desired,
    now: float,
    limits: Limits = NO_LIMITS,
    unseen: Collection[str] = (),
    registering: Registering = REGISTERING,
) -> Change:
    """Store groups, apps and users, and make installs of them, in the transaction of `db`.

    `unseen` are the MDM servers whose devices could not be shown: what rules mean there, and nobody
    knew of, waits for another apply. Raises WishError when more would be removed than `limits`
    allow.
    """
    roster = roster_of_all(db, desired)
    before, beside = fleet.desired(db), one_offs.load(db)
    after = cohorts_of(desired, roster, beside, libraries(db, desired))
    planned = difference(db, before, after, limits)
    of_users = wishes.plan(db, desired, registering)
    if why := refusal(planned, limits.removals, limits.anyway, of_users=of_users.removals):
        raise WishError(f"nothing was stored: {why}")
    last = applied.last(db)
    since = last.limited_at if last is not None else None
    limited_at = None if limits.installs is None else since or now
    applied.store(db, desired, now, limited_at=limited_at, unseen=unseen)
    unseen_devices.forget(db)
    one_offs.forget_replaced(db)
    for app in desired.apps:
        news = apps.learn_app(
            db, app.adam_id, bundle_id=app.bundle_id, name=app.name, source=BY_FILE
        )
        if news:
            installs.touch_app(db, app.adam_id, now)
    installs.store(db, _unlike(before, after, planned.held_back), now)
    give_up(db, desired, roster, planned.removed, now)
    wishes.store(db, desired, registering, of_users, now)
    return planned


def give_up(
    db: Connection, desired: Desired, roster: Roster, pairs: Collection[PairName], now: float
) -> None:
    """Nobody wants these any more: they are left as the entries of `desired` say."""
    for app in desired.apps:
        leaving = [pair for pair in pairs if leaving_by(desired, roster, pair) is app]
        installs.leave_by(db, leaving, _options(app))
    installs.no_longer_wanted(db, pairs, now)


def leaving_by(desired: Desired, roster: Roster, pair: PairName) -> AppWish | None:
    """The entry whose `on_unwanted` counts for an install that is removed; None: its own does."""
    serial_number, adam_id = pair
    return desired.leaving(adam_id, roster.platform(serial_number))


def _unlike(
    before: Sequence[Cohort], after: Sequence[Cohort], on_hold: frozenset[PairName]
) -> Iterable[Wish]:
    """The wishes that are not stored as they are, in the file's order, then by serial number."""
    stored: dict[tuple[object, ...], set[str]] = {}
    for cohort in before:
        stored.setdefault((cohort.way, cohort.desired_by, cohort.on_hold), set()).update(
            cohort.serials
        )
    back_of: dict[str, set[str]] = {}
    for serial_number, adam_id in on_hold:
        back_of.setdefault(adam_id, set()).add(serial_number)
    for cohort in after:
        waiting = cohort.serials & back_of.get(cohort.asset.adam_id, set())
        for serials, reason in ((cohort.serials - waiting, cohort.on_hold), (waiting, HELD_BACK)):
            same = stored.get((cohort.way, cohort.desired_by, reason), ())
            yield from (
                _wish(cohort, serial, reason) for serial in sorted(serials.difference(same))
            )


def for_device(context: Context, serial_number: str) -> int:
    """A device has enrolled, or changed: give it what its groups want by now.

    Nothing is taken from it but what cannot run there: that is for an apply, which shows it first.
    Returns how many installs were wished for or wished for otherwise.
    """
    db, now = context.db, context.now
    desired = applied.load(db)
    if is_enrolment(serial_number) and serial_number not in desired.user_of:
        return 0  # no rule means a user enrolment
    device = devices.current(db, [serial_number]).get(serial_number)
    roster = roster_of(db, desired, {serial_number: device})
    if device is not None:
        _cancel(db, desired, roster, device, now)
    found = cohorts_of(desired, roster, one_offs.load(db, serial_number))
    waiting = _on_hold(context, desired, device, found) if device is not None else {}
    wishes = [_wish(b, s, waiting.get(b.asset.adam_id)) for b in found for s in b.serials]
    return installs.store(db, wishes, now)


def _on_hold(
    context: Context, desired: Desired, device: Device, found: Sequence[Cohort]
) -> dict[str, OnHold]:
    """By adam id, why a device's wishes are on hold: the last apply could not show them, or had a
    limit. What stands already, and goes on, goes on.
    """
    db = context.db
    last = applied.last(db)
    by_file = {cohort.asset.adam_id for cohort in found if cohort.desired_by == BY_FILE}
    if last is None or not by_file:
        return {}
    standing = on_hold.of_device(db, device.target or "")
    waiting = {a for a in by_file if standing.get(a, NOT_PLANNED) in (NOT_PLANNED, HELD_BACK)}
    firsts = devices.firsts(db, device.id)
    if not not_shown(device, firsts, last.stored_at):
        unknown_then = unplanned(desired, device, firsts, last.stored_at)
    elif device.server in last.unseen:
        unknown_then = frozenset(waiting)  # who is named by serial number stands, and goes on
    elif context.abilities(device.server).device_list:
        unknown_then = unplanned(desired, device, firsts, last.stored_at)
    else:
        limit = context.policy.apply.unseen_limit
        is_served = not waiting or unseen_devices.serve(db, device.id, limit)
        unknown_then = frozenset() if is_served else frozenset(waiting)
    limited = dict.fromkeys(() if last.limited_at is None else waiting, HELD_BACK)
    return limited | dict.fromkeys(waiting & unknown_then, NOT_PLANNED)


def roster_of_all(db: Connection, desired: Desired) -> Roster:
    """Every device that counts, in the groups of `desired`."""
    return roster_of(db, desired, known(db, desired))


def roster_of(db: Connection, desired: Desired, some: Mapping[str, Device | None]) -> Roster:
    """Some devices by serial number, in the groups of `desired`."""
    runs = locations.platforms(db, [app.adam_id for app in desired.apps])
    return Roster(desired.meant, some, runs)


def platforms_changed(db: Connection) -> None:
    """Apple said anew on what apps run: what a rule wished for, cannot run and was not begun is
    forgotten. The rest stays for an apply to show: Apple's word for a fleet may be a mistake.
    """
    desired = applied.load(db)
    stored = {pair for cohort in fleet.desired(db) for pair in cohort.pairs()}
    on_hold.forget(db, _unfit(desired, roster_of_all(db, desired)) & stored)


def _cancel(db: Connection, desired: Desired, roster: Roster, device: Device, now: float) -> None:
    """Cancel what was wished for and is not for this device, if nothing was begun; of what cannot
    run there, if only now it is known what the device is, licences that it got until then, too."""
    unfit = _unfit(desired, roster)
    on_hold.forget(db, unfit | _elsewhere(desired, roster))
    product = devices.firsts(db, device.id).get("product_name")
    if product is not None and product.at >= now:
        on_hold.cancel(db, unfit, now)


def _unfit(desired: Desired, roster: Roster) -> set[PairName]:
    """The pairs that a rule means and that cannot be."""
    return {(serial, app.adam_id) for app in desired.apps for serial in roster.getting(app).unfit}


def _elsewhere(desired: Desired, roster: Roster) -> set[PairName]:
    """The pairs that entries mean for other platforms, and none for the device's own."""
    getting = [(app.adam_id, roster.getting(app)) for app in desired.apps]
    meant = {(s, a) for a, its in getting for s in its.sure | its.undecided | its.unknown}
    return {(serial, adam_id) for adam_id, its in getting for serial in its.elsewhere} - meant


def known(db: Connection, desired: Desired) -> dict[str, Device | None]:
    """The devices that count: those that a server has shown, and those that groups name."""
    named = {target for group in desired.meant for target in group.serials}
    shown = devices.current(db, [target for target in named if is_enrolment(target)])
    return dict.fromkeys(named) | devices.by_serial(db) | shown


def cohorts_of(
    desired: Desired,
    roster: Roster,
    beside: Beside,
    in_libraries: Libraries = MappingProxyType({}),
) -> list[Cohort]:
    """What the file wishes for, together with the one-off wishes beside it, and without what these
    exclude; `in_libraries` are for users without a device.

    Of devices whose platform nobody knows, the first entry that may be theirs stands for all.
    """
    found: list[Cohort] = []
    by_file: set[PairName] = set()
    undecided: dict[str, frozenset[str]] = {}
    for place, app in enumerate(desired.apps):
        wishes = beside.wishes
        alone = frozenset(each.serial_number for each in wishes if each.pair[1] == app.adam_id)
        excluded = beside.without(app.adam_id)
        getting = roster.getting(app)
        before = undecided.get(app.adam_id, frozenset())
        undecided[app.adam_id] = before | getting.undecided
        sure = getting.sure | in_libraries.get(place, frozenset())
        ways = ((sure, None), (getting.undecided - before, PLATFORM_UNKNOWN))
        for meant, why in ways:
            serials = meant - excluded
            both = serials & alone
            by_file.update((serial, app.adam_id) for serial in both)
            found += _cohorts(desired, roster, app, BY_FILE, serials - both, why)
            found += _cohorts(desired, roster, app, BY_BOTH, both, why)
    found += [
        of_one_off(desired, each, roster.platform(each.serial_number))
        for each in beside.wishes
        if each.pair not in by_file
    ]
    return [cohort for cohort in found if cohort.serials]


def of_one_off(desired: Desired, one_off: OneOff, platform: str | None) -> Cohort:
    """A one-off wish on a device of this platform, with the settings that the file has for its
    app there. While these depend on a platform that nobody knows, it waits."""
    adam_id = one_off.asset.adam_id
    entries = desired.entries(adam_id, platform)
    is_open = platform is None and desired.differs_by_platform(adam_id)
    cohort = _cohort(
        entries[0] if entries else AppWish(adam_id, (), one_off.location),
        BY_ONE_OFF,
        frozenset({one_off.serial_number}),
        PLATFORM_UNKNOWN if is_open else None,
    )
    options = cohort.options
    if entries and entries[0].update is not None:
        options = replace(options, update=in_no_ring(entries[0].update).as_text())
    return replace(
        cohort, asset=one_off.asset, location=one_off.location, fallbacks=(), options=options
    )


def _cohort(
    app: AppWish, desired_by: str, serials: frozenset[str], on_hold: OnHold | None = None
) -> Cohort:
    return Cohort(
        asset=app.asset,
        location=app.location,
        priority=app.priority,
        options=_options(app),
        desired_by=desired_by,
        serials=serials,
        on_hold=on_hold,
        fallbacks=app.fallbacks,
    )


def _cohorts(
    desired: Desired,
    roster: Roster,
    app: AppWish,
    desired_by: str,
    serials: frozenset[str],
    on_hold: OnHold | None,
) -> list[Cohort]:
    """The devices of an entry; apart where the clock, or the ring, of its updates is another, or
    where a group has them licensed before they enrol."""
    whole = _cohort(app, desired_by, serials, on_hold)
    parts = [whole]
    if app.update is not None:
        placed_ = placed(app.update, desired, app.groups, roster, serials)
        parts = [
            replace(whole, serials=some, options=replace(whole.options, update=rule.as_text()))
            for rule, some in placed_.items()
        ]
    names = [g.name for g in desired.groups if g.before_enrolment and g.name in app.groups]
    return [each for part in parts for each in _licensed_early(part, roster, names)]


def _licensed_early(part: Cohort, roster: Roster, names: Sequence[str]) -> list[Cohort]:
    """A cohort, apart where one of the groups of these `names` means its devices."""
    early = frozenset(s for s in part.serials if any(roster.means(name, s) for name in names))
    if not early:
        return [part]
    options = replace(part.options, before_enrolment=True)
    rest = replace(part, serials=part.serials - early)
    return [replace(part, serials=early, options=options), rest]


def _options(app: AppWish) -> Options:
    return Options(
        mode=app.mode,
        license_to=app.license_to,
        managed=app.managed,
        take_over=app.take_over,
        remove_with_profile=app.remove_with_profile,
        prevent_backup=app.prevent_backup,
        configuration=digest(app.configuration),
        attributes=app.attributes,
        on_unwanted=app.on_unwanted,
        setup=app.setup,
        on_deleted=app.on_deleted,
        on_unenrol=app.on_unenrol,
    )


def _wish(cohort: Cohort, serial_number: str, on_hold: OnHold | None = None) -> Wish:
    return Wish(
        serial_number,
        cohort.asset,
        cohort.location,
        cohort.desired_by,
        cohort.priority,
        cohort.options,
        on_hold or cohort.on_hold,
        cohort.fallbacks,
    )


def store_cohorts(db: Connection, found: Iterable[Cohort], now: float) -> int:
    """Make installs of these as they are; returns how many changed."""
    return installs.store(db, [_wish(b, s) for b in found for s in sorted(b.serials)], now)
