"""What an apply would change and cost: gathered from what is stored, and from a look outside."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, replace
from typing import Any, get_args

from bridge.domain.desired.change import Change, Cohort, PairName
from bridge.domain.desired.desired import Desired, OnUnwanted
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.platforms import Fit, fit, listed, platform_of
from bridge.domain.devices.serials import told as told_serial
from bridge.domain.devices.targets import enrolment_of, is_enrolment, user_of
from bridge.domain.model import Asset, Device
from bridge.domain.plan import Plan, Unable, changes
from bridge.domain.plan.blind import unseen_lines, uses_rules
from bridge.domain.plan.for_good import mistakes
from bridge.domain.plan.unlisted import KnownDevices, unlisted_line
from bridge.engine.desired import apply
from bridge.engine.desired.apply import NO_LIMITS, PLATFORM_UNKNOWN, Limits
from bridge.engine.desired.libraries import libraries
from bridge.engine.desired.plan.licensees import Licensees
from bridge.engine.desired.plan.look import notes_of
from bridge.engine.desired.plan.seats import Look, Office, SeatCounter, counts_of
from bridge.engine.users import wishes
from bridge.engine.users.wishes import Registering
from bridge.store.catalog import apps
from bridge.store.database import Connection
from bridge.store.desired import applied, fleet, one_offs, unseen
from bridge.store.devices import devices
from bridge.store.licences import locations, odd_rows

NOTHING_SEEN = Look()


@dataclass(frozen=True, slots=True)
class Unlisted:
    """The MDM servers that cannot list their devices, and how many that show up after an apply are
    served."""

    servers: Sequence[str]
    limit: int


def make(
    db: Connection,
    desired: Desired,
    now: float,
    *,
    limits: Limits = NO_LIMITS,
    look: Look = NOTHING_SEEN,
    unlisted: Unlisted | None = None,
    registering: Registering = apply.REGISTERING,
) -> Plan:
    """What applying `wanted` would change and cost; `unlisted` are servers that cannot list their
    devices, `registering` says how users are registered."""
    known = with_seen(apply.known(db, desired), look)
    roster = apply.roster_of(db, desired, known)
    before = fleet.desired(db)
    beside = one_offs.load(db)
    after = apply.cohorts_of(desired, roster, beside, libraries(db, desired))
    change = apply.difference(db, before, after, limits)
    getting = [(app, roster.getting(app)) for app in desired.apps]
    names = _names(db, desired, [*before, *after])
    holders = Licensees(desired.user_of)
    unable, untold = _by_fit(db, after, known, look, holders)
    leaving = _leaving(desired, roster, before, change)
    given_up = frozenset(pair for pair, way in leaving.items() if way != "keep")
    gather = SeatCounter(db, look, given_up, names, before, holders, now)
    last = applied.load(db)
    blind = look.unseen if uses_rules(desired) and not look.offline else ()
    told = unseen_lines(look.unseen) if not (blind or look.offline) else []
    shown = {serial for serial, device in known.items() if device is not None}
    return Plan(
        change=change,
        is_new=last != desired,
        names=names,
        seats=gather.seats(after, {(u.serial_number, u.adam_id) for u in unable}),
        unable=unable,
        untold=untold,
        undecided=frozenset(
            pair for b in after if b.on_hold == PLATFORM_UNKNOWN for pair in b.pairs()
        ),
        unseen=tuple(
            sorted(
                target
                for target in frozenset().union(*(b.serials for b in after)) - shown
                if enrolment_of(target) is None and user_of(target) is None
            )
        ),
        unknown=len(frozenset().union(*(each.unknown for _, each in getting))),
        undescribed=_undescribed(after, known),
        nameless=devices.without_serial(db) - _meant_by_user(known),
        without_bundle_id=_without_bundle_id(db, desired, after),
        notes=(
            *look.notes,
            *told,
            *_odd_notes(db, after, look),
            *_not_known(db, desired, unlisted),
        ),
        blind=blind,
        excluded=frozenset(
            (serial, app.adam_id)
            for app, its in getting
            for serial in (its.sure | its.undecided) & beside.without(app.adam_id)
        ),
        leaving=leaving,
        settings=changes.settings(before, after, change.otherwise),
        groups=tuple(changes.groups(last, desired)),
        users=wishes.plan(db, desired, registering),
        mistakes=mistakes(desired, irrevocable(db, desired, look)),
    )


def reclaimable(db: Connection, now: float) -> dict[Office, AbstractSet[str]]:
    """By location and asset, who holds a licence of ours that nothing needs that was applied: what
    a plan of the same calls reclaimable."""
    desired = applied.load(db)
    known = apply.known(db, desired)
    roster = apply.roster_of(db, desired, known)
    after = apply.cohorts_of(desired, roster, one_offs.load(db), libraries(db, desired))
    holders = Licensees(desired.user_of)
    unable, _ = _by_fit(db, after, known, NOTHING_SEEN, holders)
    counter = SeatCounter(db, NOTHING_SEEN, frozenset(), {}, fleet.desired(db), holders, now)
    counter.seats(after, {(each.serial_number, each.adam_id) for each in unable})
    return counter.reclaimable


def irrevocable(db: Connection, desired: Desired, look: Look) -> set[tuple[str, Asset]]:
    """By location, the assets of these apps of which Apple takes no licence back, as far as it is
    known."""
    found = set()
    for name in {name for app in desired.apps for name in app.locations}:
        assets = [app.asset for app in desired.apps if name in app.locations]
        seen = look.counts.get(name)
        counts = locations.asset_facts(db, name, assets) if seen is None else seen
        found |= {(name, a) for a in assets if a in counts and not counts[a].revocable}
    return found


def licences_for_good(db: Connection, desired: Desired, now: float) -> int:
    """How many licences that Apple never takes back an apply of `desired` would ask for, by the
    stored counts."""
    if not irrevocable(db, desired, NOTHING_SEEN):
        return 0
    return make(db, desired, now).for_good


def _meant_by_user(known: Mapping[str, Device | None]) -> int:
    """How many user enrolments are meant, by groups of their users, of those that are enrolled."""
    return sum(
        is_enrolment(each) and d is not None and bool(d.enrolled) for each, d in known.items()
    )


def with_seen(known: Mapping[str, Device | None], look: Look) -> dict[str, Device | None]:
    """The known devices, as the servers list them now; only what a server lists can be enrolled."""
    result = dict(known)
    listed: dict[str, tuple[str, bool]] = {}
    for server, found in look.devices.items():
        for each in found:
            serial = told_serial(each.serial_number).serial_number
            if each.udid and serial is not None:
                _, enrolled = listed.get(serial, (server, False))
                listed[serial] = server, enrolled or bool(each.enrolled)
    for serial, (server, enrolled) in listed.items():
        device = result.get(serial) or _unknown_device(server, serial)
        same = device.enrolled == enrolled
        result[serial] = device if same else replace(device, enrolled=enrolled)
    return result


def _unknown_device(server: str, serial_number: str) -> Device:
    values: dict[str, Any] = {each.name: None for each in fields(Device) if each.init}
    values |= {"id": 0, "enrolment": 0, "server": server, "serial_number": serial_number}
    return Device(**values)


def _names(db: Connection, desired: Desired, all_: Collection[Cohort]) -> dict[str, str | None]:
    adam_ids = {cohort.asset.adam_id for cohort in all_}
    known = apps.known(db, sorted(adam_ids))
    names = {adam_id: app.name or app.bundle_id for adam_id, app in known.items()}
    return names | {app.adam_id: app.name for app in desired.apps if app.name is not None}


def _leaving(
    desired: Desired, roster: Roster, before: Collection[Cohort], change: Change
) -> dict[PairName, OnUnwanted]:
    """The removed installs, each with what happens to it."""
    found: dict[PairName, OnUnwanted] = {}
    for cohort in before:
        for pair in change.removed.intersection(cohort.pairs()):
            entry = apply.leaving_by(desired, roster, pair)
            found[pair] = (entry or cohort.options).on_unwanted
    return found


def _undescribed(after: Collection[Cohort], known: Mapping[str, Device | None]) -> int:
    """How many devices that a server has shown are to have an app, and have not told what they
    are."""
    to_have = frozenset[str]().union(*(cohort.serials for cohort in after))
    shown = ((serial, known.get(serial)) for serial in to_have)
    return sum(d is not None and platform_of(d.product_name) is None for _, d in shown)


def _by_fit(
    db: Connection,
    after: Collection[Cohort],
    known: Mapping[str, Device | None],
    look: Look,
    holders: Licensees,
) -> tuple[tuple[Unable, ...], frozenset[PairName]]:
    """Who cannot have what is desired for them, since the app is for users only or does not run
    there; and for whom Apple does not list what may run there all the same."""
    of_product: dict[str, set[str]] = {}
    for serial, device in known.items():
        if device is not None and device.product_name is not None:
            of_product.setdefault(device.product_name, set()).add(serial)
    unable: list[Unable] = []
    untold: set[PairName] = set()
    for cohort in after:
        adam_id = cohort.asset.adam_id
        counts, _, _ = counts_of(db, cohort.location, cohort.asset, look)
        not_held = holders.unable(cohort, counts)
        unable += [Unable(target, adam_id, not_held[target]) for target in sorted(not_held)]
        if counts is None:
            continue
        fits: dict[Fit, set[str]] = {each: set() for each in get_args(Fit)}
        for product, serials in of_product.items():
            fits[fit(product, listed(counts.platforms))] |= serials & cohort.serials
        by_users = holders.of(cohort, counts)
        for_devices = cohort.serials - by_users.keys() - not_held.keys()
        barred = set() if counts.device_assignable else for_devices
        unable += [Unable(s, adam_id, "NOT_DEVICE_ASSIGNABLE") for s in sorted(barred)]
        cannot = fits["impossible"] - not_held.keys() - barred
        reason = "WRONG_PLATFORM"
        unable += [Unable(serial, adam_id, reason) for serial in sorted(cannot)]
        untold |= {(serial, adam_id) for serial in fits["untold"] - cannot}
    return tuple(unable), frozenset(untold)


def _odd_notes(db: Connection, after: Collection[Cohort], look: Look) -> list[str]:
    """What was read before and could not be read whole."""
    names = {name for cohort in after for name in (cohort.location, *cohort.fallbacks)}
    stored = {name: odd_rows.load(db, name, "assignments") for name in names - look.owned.keys()}
    return [note for name in sorted(stored) for note in notes_of(name, stored[name])]


def _not_known(db: Connection, desired: Desired, unlisted: Unlisted | None) -> list[str]:
    """Which devices rules may mean that nobody can know of."""
    if unlisted is None or not uses_rules(desired):
        return []
    found = [known_devices(db, server) for server in unlisted.servers]
    return unlisted_line(found, unlisted.limit)


def known_devices(db: Connection, server: str) -> KnownDevices:
    """What is known of the devices of a server that cannot list them."""
    known = unseen.known(db, server)
    return KnownDevices(server, known.enrolled, known.nameless, known.filed)


def _without_bundle_id(
    db: Connection, desired: Desired, after: Collection[Cohort]
) -> tuple[str, ...]:
    told = {app.adam_id for app in desired.apps if app.bundle_id is not None}
    adam_ids = {cohort.asset.adam_id for cohort in after} - told
    known = apps.known(db, sorted(adam_ids))
    return tuple(sorted(a for a in adam_ids if known.get(a, apps.UNKNOWN).bundle_id is None))
