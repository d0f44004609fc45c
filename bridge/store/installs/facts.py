"""All that deciding needs, read for many installs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final, NamedTuple

from bridge.domain.devices import books
from bridge.domain.devices.targets import of_user
from bridge.domain.facts import AssetFacts, DeviceFacts, Facts, Licence, LocationFacts, Unsure
from bridge.domain.installs.options import Options
from bridge.domain.licences.licensee import needs_user
from bridge.domain.licences.odd_rows import of_asset, of_pair
from bridge.domain.model import ANSWERED_STATES, Asset, Attempt, Device, Install, Pair
from bridge.domain.pauses import Pauses
from bridge.store import pauses, rows
from bridge.store.catalog import apps, probes
from bridge.store.catalog.apps import UNKNOWN
from bridge.store.commands import attempts, commands
from bridge.store.database import Connection
from bridge.store.devices import (
    channels,
    declared_apps,
    devices,
    installed_apps,
    unheard,
    unreadable,
)
from bridge.store.installs import licensees, untold
from bridge.store.installs.untold import INFORMATION, INSTALLED_LIST, MANAGED_LIST, MEDIA_LIST
from bridge.store.licences import assignments, history, locations, odd_rows, request_pairs
from bridge.store.licences.assignments import Assignment
from bridge.store.licences.request_pairs import PairRecord
from bridge.store.outbox import outbox
from bridge.store.service import running
from bridge.store.updates import facts as update_facts
from bridge.store.users import facts as user_facts

_NONE: Final = Licence("none")
_SEATLESS = ("none", "refused", "taken")
"""The states of a licence in which a seat may be needed: others' free seats are not counted."""


def load(db: Connection, installs: Sequence[Install], paused: Pauses | None = None) -> list[Facts]:
    """The facts of these installs, in their order. What is `paused` is read if it is not given."""
    if not installs:
        return []
    if of_users := [i for i in installs if _may_be_of_user(i)]:
        installs = licensees.resolved(db, installs, of_users)
    by_location: dict[str, list[Install]] = defaultdict(list)
    for install in installs:
        by_location[install.location].append(install)
    places = {name: _Location(db, name, some) for name, some in by_location.items()}
    known = apps.known(db, list({i.adam_id for i in installs}))
    targets = rows.padded({i.target for i in installs})
    device_of = _devices(db, installs, targets)
    named = [(i, i.bundle_id or known.get(i.adam_id, UNKNOWN).bundle_id) for i in installs]
    their_books = {(p.name, adam_id) for p in places.values() for adam_id in p.books}
    if their_books:
        named = [
            (i, books.named(i.adam_id) if (i.location, i.adam_id) in their_books else b)
            for i, b in named
        ]
    listed = rows.padded(
        [(device_of[i.id].id, b) for i, b in named if b and i.id in device_of], (0, "")
    )
    reports = apps.reported(db, listed)
    installed = installed_apps.reported(db, listed)
    declaring = any(device.declared_at is not None for device in device_of.values())
    declared = declared_apps.reported(db, listed) if declaring else {}
    ids = list({device.id for device in device_of.values()})
    device_ids = ids + [0] * (len(targets) - len(ids))
    unread = unreadable.of_devices(db, device_ids)
    lost = unheard.of_devices(db, device_ids)
    asked = commands.questions_open(db, device_ids)
    tried = attempts.of_installs(db, rows.padded([i.id for i in installs]))
    paused = pauses.load(db) if paused is None else paused
    with_strangers = untold.with_strangers(
        db, [device_of[i.id] for i, b in named if b is None and i.id in device_of]
    )
    unnamed = {i.adam_id for i in installs if known.get(i.adam_id, UNKNOWN).bundle_id is None}
    sent_ahead = probes.load(db, rows.padded(unnamed)) if unnamed else {}
    updating = [i for i in installs if i.update_asked or '"update"' in i.options]
    newest = update_facts.load(db, updating, device_of) if updating else {}
    result = []
    for install, bundle_id in named:
        place, device = places[install.location], device_of.get(install.id)
        app, pair = known.get(install.adam_id, UNKNOWN), pair_of(install)
        of_app = (device.id, bundle_id) if device is not None and bundle_id else None
        stands = place.of_pair(db, pair, install.round_at)
        pause = None
        if paused.all:
            pause = paused.over(
                serial_number=install.target, adam_id=install.adam_id, location=install.location
            )
        held = pause is not None and pause.covers_questions
        list_of = MANAGED_LIST
        if their_books and device is not None and bundle_id == books.named(install.adam_id):
            device, list_of = books.as_asked(device), MEDIA_LIST
        attempt = tried.sends.get(install.id)
        told = untold.Unread(unread, device, bundle_id) if unread else None
        elsewhere = attempt is not None and device is not None and attempt.device_id != device.id
        kind: Callable[..., Facts] = Facts if device is None else DeviceFacts
        result.append(
            kind(
                install=install,
                options=_options(install.options),
                location=place.facts,
                asset=place.assets.get(pair.asset),
                licence=stands.licence,
                device=told.device if told else device,
                app_name=app.name,
                bundle_id=bundle_id,
                is_ios_app=app.kind == "iosSoftware",
                report=reports.get(of_app) if of_app else None,
                installed=installed.get(of_app) if of_app else None,
                declared=declared.get(of_app) if of_app else None,
                strangers=bundle_id is None and device is not None and device.id in with_strangers,
                attempt=None if elsewhere else attempt,
                elsewhere=_open(attempt) if elsewhere else None,
                taken=tried.taken.get((install.id, device.id, device.enrolment))
                if device
                else None,
                release=stands.release,
                **place.of_user(db, install),
                gave_back=stands.gave_back,
                removal=_open_or_since(tried.removals.get(install.id), install.round_at),
                list_open=bool(asked) and _is_open(asked, device, list_of, held),
                installed_open=bool(asked) and _is_open(asked, device, INSTALLED_LIST, held),
                list_unread=told.by(list_of) if told else None,
                installed_unread=told.by(INSTALLED_LIST) if told else None,
                facts_unread=told.by(INFORMATION) if told else None,
                list_unheard=untold.never_came(lost, device, list_of) if lost else None,
                installed_unheard=untold.never_came(lost, device, INSTALLED_LIST) if lost else None,
                facts_unheard=untold.never_came(lost, device, INFORMATION) if lost else None,
                free_seats=place.free(db, pair.asset)
                if stands.licence.state in _SEATLESS
                else None,
                odd_asset=stands.odd_asset,
                unsure=stands.unsure,
                probe=sent_ahead.get(install.adam_id),
                pause=pause,
                update=newest.get(install.id) if newest else None,
            )
        )
    return result


def _is_open(
    asked: Mapping[tuple[int, str], bool], device: Device | None, request_type: str, held: bool
) -> bool:
    """Whether a list is asked for; where a pause holds questions back (`held`), only one that has
    left our own line."""
    left = None if device is None else asked.get((device.id, request_type))
    return left is not None and (left or not held)


@lru_cache(maxsize=1024)
def _options(document: str) -> Options:
    """The options of an install; a fleet has few different ones."""
    return Options.from_text(document)


def _may_be_of_user(install: Install) -> bool:
    """Whether an install may take a user's licence: nearly all of a fleet's do not."""
    named = install.client_user_id is not None or install.target[:1].islower()
    return install.desired and (named or "license_to" in install.options)


def _devices(
    db: Connection, installs: Sequence[Install], targets: Sequence[str]
) -> dict[int, Device]:
    """Where each of the installs goes, by its id: to its device; on a Mac, made with a user's
    licence, to the channel of the user, where there is one."""
    carried = devices.current(db, targets)
    found = {i.id: carried[i.target] for i in installs if i.target in carried}
    on_macs = {
        i.id: device
        for i in installs
        if i.client_user_id is not None and (device := found.get(i.id)) is not None
        if device.is_mac and device.enrollment_id is None
    }
    if not on_macs:
        return found
    of_users = channels.of_devices(db, list({d.id: d for d in on_macs.values()}.values()))
    return found | {i: of_users.get(device.id, device) for i, device in on_macs.items()}


def pair_of(install: Install) -> Pair:
    """The licence that an install needs."""
    user = install.client_user_id
    holder = install.target if user is None else of_user(user)
    return Pair(Asset(install.adam_id, install.pricing_param), holder)


def with_seats(db: Connection, fact: Facts) -> Facts:
    """The same with the free seats of its asset, also where it needs none."""
    asset = pair_of(fact.install).asset
    free = history.free_seats(db, fact.install.location, asset, fact.asset)
    return replace(fact, free_seats=free)


def _open_or_since(removal: Attempt | None, round_at: float) -> Attempt | None:
    """A removal of this round, or one before it that may still reach the device: nothing else is
    sent for the install meanwhile."""
    if removal is None or (removal.created_at < round_at and _open(removal) is None):
        return None
    return removal


def _open(attempt: Attempt | None) -> str | None:
    """The CommandUUID of an attempt that may still be answered, or posted."""
    if attempt is None or attempt.state in (*ANSWERED_STATES, "dropped"):
        return None
    return attempt.command_uuid


class _OfPair(NamedTuple):
    """Where getting the licence of a pair stands, and giving it back; whether what was got for it
    went back, by us or in Apple's portal; and what of it cannot be read."""

    licence: Licence
    release: Licence
    gave_back: bool
    odd_asset: str | None
    unsure: Unsure | None


class _Location:
    """What is known of one location, for the installs in hand."""

    def __init__(self, db: Connection, name: str, installs: Sequence[Install]) -> None:
        location = locations.get(db, name)
        self.name = name
        ready = location.ready
        trouble = None if ready else outbox.trouble(db, "apple", name)
        self.facts = LocationFacts(
            name,
            ready,
            location.suspended,
            location.suspended_detail,
            trouble,
            trouble is not None and outbox.is_passing(db, "apple", name),
            running.knows_location(db, name),
        )
        desired = list({Asset(i.adam_id, i.pricing_param) for i in installs})
        self.assets: dict[Asset, AssetFacts] = locations.asset_facts(db, name, desired)
        self.books = {a.adam_id for a, f in self.assets.items() if f.product_type == "Book"}
        of_users = [i for i in installs if i.client_user_id is not None]
        named = [(pair_of(i).holder, i.adam_id) for i in installs]
        pairs = rows.padded(named + [(i.target, i.adam_id) for i in of_users], ("", ""))
        ids = {i.client_user_id for i in of_users if i.client_user_id is not None}
        self._users = user_facts.load(db, name, ids) if ids else {}
        self._owned: dict[Pair, Assignment] = assignments.owned(db, name, pairs)
        self._requests = request_pairs.newest(db, name, pairs)
        self._free: dict[Asset, int | None] = {}
        odd = odd_rows.of_location(db, name)
        self._odd_assets, self._odd_assignments = odd.get("assets", ()), odd.get("assignments", ())
        if self._odd_assignments:
            self._odd_since = odd_rows.since(db, name)
            targets, apps = {holder for holder, _ in named}, {i.adam_id for i in installs}
            self._looks = odd_rows.looks(db, name, list(targets), list(apps))

    def of_pair(self, db: Connection, pair: Pair, round_at: float) -> _OfPair:
        """How a pair stands; what ended before `round_at` is history."""
        asked = self._requests.get(("ASSOCIATE", pair))
        released = self._requests.get(("DISASSOCIATE", pair))
        back = released is not None and released.state == "confirmed"
        is_last = released is not None and (asked is None or asked.id < released.id)
        owned = self._owned.get(pair)
        if owned is not None:
            ours = asked is not None and asked.state == "confirmed" and not (back and is_last)
            event_id = asked.apple_event_id if asked is not None else None
            licence = Licence(
                "owned",
                owned.confirmed_at,
                owned.confirmed_by,
                owned.read_at,
                event_id=event_id,
                ours=ours,
            )
        else:
            licence = self._not_owned(db, pair, asked, round_at)
        gone = asked is not None and asked.state in ("confirmed", "taken")
        return _OfPair(
            licence,
            self._release(db, pair, released, is_last, round_at),
            gave_back=(back and is_last) or gone,
            odd_asset=None if pair.asset in self.assets else of_asset(self._odd_assets, pair.asset),
            unsure=self._unsure(pair) if self._odd_assignments and owned is None else None,
        )

    def of_user(self, db: Connection, install: Install) -> dict[str, Any]:
        """What is special about an install that takes a user's licence; nothing where its device's
        does."""
        license_to, user = _options(install.options).license_to, install.client_user_id
        if user is None and license_to == "device":
            return {}
        if user is None:
            asset = self.assets.get(Asset(install.adam_id, install.pricing_param))
            assignable = asset is None or asset.device_assignable
            needs = needs_user(install.target, license_to, device_assignable=assignable)
            return {"needs_user": True} if needs else {}
        own = Pair(Asset(install.adam_id, install.pricing_param), install.target)
        stands = self.of_pair(db, own, install.round_at)
        return {
            "needs_user": True,
            "user": self._users.get(user),
            "own": stands.licence,
            "own_release": stands.release,
            "others": 0 if install.desired else licensees.others(db, install),
        }

    def _unsure(self, pair: Pair) -> Unsure | None:
        """Whether a row that cannot be read may be the pair's; a look at it alone tells more."""
        odd = of_pair(self._odd_assignments, pair)
        if odd is None:
            return None
        look = self._looks.get(pair)
        if look is None or (look.odd is None and look.looked_at < self._odd_since):
            return Unsure(odd)
        return None if look.odd is None else Unsure(look.odd, look.looked_at)

    def _not_owned(
        self, db: Connection, pair: Pair, asked: PairRecord | None, round_at: float
    ) -> Licence:
        if asked is None:
            return _NONE
        standing = _standing(asked, round_at)
        if standing.state == "refused":
            refusals = history.refusals(db, self.name, pair, round_at)
            return replace(standing, refusals=refusals)
        if standing.state == "taken":
            times = history.times_taken(db, self.name, pair, round_at)
            return replace(standing, times_taken=times)
        return standing

    def _release(
        self,
        db: Connection,
        pair: Pair,
        released: PairRecord | None,
        is_last: bool,
        round_at: float,
    ) -> Licence:
        if released is None or (released.state not in ("collected", "open") and not is_last):
            return _NONE
        standing = _standing(released, round_at)
        if standing.state != "refused":
            return standing
        return replace(standing, refusals=history.release_refusals(db, self.name, pair))

    def free(self, db: Connection, asset: Asset) -> int | None:
        """How many free seats an asset has; None for one that has no end of them."""
        if asset not in self._free:
            self._free[asset] = history.free_seats(db, self.name, asset, self.assets.get(asset))
        return self._free[asset]


def _standing(asked: PairRecord, round_at: float) -> Licence:
    """Where the newest request for a pair stands; what ended before `round_at` is history."""
    event_id = asked.apple_event_id
    if asked.state == "collected":
        return Licence("collected", asked.ready_at)
    if asked.state == "open":
        in_doubt = asked.request_state == "in_doubt"
        return Licence(
            "in_doubt" if in_doubt else "open",
            asked.submitted_at,
            event_id=event_id,
            waits_for=asked.waits_for,
            waits_until=asked.waits_until,
        )
    over = asked.state in ("confirmed", "missing", "withdrawn")
    if over or (asked.settled_at or 0.0) < round_at:
        return _NONE
    if asked.state == "taken":
        return Licence("taken", asked.settled_at)
    return Licence(
        "refused",
        asked.settled_at,
        read_at=asked.looked_at,
        error_number=asked.error_number,
        event_id=event_id,
    )
