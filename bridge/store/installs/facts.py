"""All that deciding needs, read for many installs at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from bridge.domain.devices.unreadable import Unreadable
from bridge.domain.facts import AssetFacts, DeviceFacts, Facts, Licence, LocationFacts, Unsure
from bridge.domain.installs.options import Options
from bridge.domain.licences.odd_rows import of_asset, of_pair
from bridge.domain.model import ANSWERED_STATES, Asset, Attempt, Device, Install, Pair
from bridge.domain.pauses import Pauses
from bridge.store import pauses, rows
from bridge.store.catalog import apps, probes
from bridge.store.catalog.apps import UNKNOWN
from bridge.store.commands import attempts, commands
from bridge.store.database import Connection
from bridge.store.devices import declared_apps, devices, installed_apps, unheard, unreadable
from bridge.store.installs import installs as installs_store
from bridge.store.licences import assignments, history, locations, odd_rows, request_pairs
from bridge.store.licences.assignments import Assignment
from bridge.store.licences.request_pairs import PairRecord
from bridge.store.outbox import outbox
from bridge.store.service import running

MANAGED_LIST = "ManagedApplicationList"
INSTALLED_LIST = "InstalledApplicationList"
INFORMATION = "DeviceInformation"
_SEATLESS = ("none", "refused", "taken")
"""The states of a licence in which a seat may be needed: others' free seats are not counted."""


def load(db: Connection, installs: Sequence[Install], paused: Pauses | None = None) -> list[Facts]:
    """The facts of these installs, in their order. What is `paused` is read if it is not given."""
    if not installs:
        return []
    by_location: dict[str, list[Install]] = defaultdict(list)
    for install in installs:
        by_location[install.location].append(install)
    offices = {name: _Location(db, name, some) for name, some in by_location.items()}
    asked = rows.padded(installs)
    known = apps.known(db, [i.adam_id for i in asked])
    bundle_id_of = {i.id: i.bundle_id or known.get(i.adam_id, UNKNOWN).bundle_id for i in installs}
    device_of = devices.current(db, [i.target for i in asked])
    device_ids = [_id(device_of.get(i.target)) for i in asked]
    listed = [(_id(device_of.get(i.target)), bundle_id_of[i.id] or "") for i in asked]
    reports = apps.reported(db, listed)
    installed = installed_apps.reported(db, listed)
    declaring = any(device.declared_at is not None for device in device_of.values())
    declared = declared_apps.reported(db, listed) if declaring else {}
    unread = unreadable.of_devices(db, device_ids)
    lost = unheard.of_devices(db, device_ids)
    open_questions = commands.questions_open(db, device_ids)
    tried = attempts.of_installs(db, [i.id for i in asked])
    paused = pauses.load(db) if paused is None else paused
    nameless = [i for i in installs if bundle_id_of[i.id] is None]
    with_strangers = _with_strangers(
        db, [device_of[i.target] for i in nameless if i.target in device_of]
    )
    unnamed = {i.adam_id for i in installs if known.get(i.adam_id, UNKNOWN).bundle_id is None}
    sent_ahead = probes.load(db, rows.padded(unnamed)) if unnamed else {}
    result = []
    for install in installs:
        office = offices[install.location]
        device = device_of.get(install.target)
        bundle_id, app = bundle_id_of[install.id], known.get(install.adam_id, UNKNOWN)
        of_app = (device.id, bundle_id) if device is not None and bundle_id else None
        pair = pair_of(install)
        licence = office.licence(db, pair, install.round_at)
        pause = None
        if paused.all:
            pause = paused.over(
                serial_number=install.target, adam_id=install.adam_id, location=install.location
            )
        held = pause is not None and pause.covers_questions
        attempt = tried.sends.get(install.id)
        told = _Unread(unread, device, bundle_id)
        elsewhere = attempt is not None and device is not None and attempt.device_id != device.id
        kind: Callable[..., Facts] = Facts if device is None else DeviceFacts
        result.append(
            kind(
                install=install,
                options=_options(install.options),
                location=office.facts,
                asset=office.assets.get(pair.asset),
                licence=licence,
                device=told.device,
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
                release=office.release(db, pair, install.round_at),
                gave_back=office.gave_back(pair),
                removal=_since(tried.removals.get(install.id), install.round_at),
                list_open=_is_open(open_questions, device, MANAGED_LIST, held),
                installed_open=_is_open(open_questions, device, INSTALLED_LIST, held),
                list_unread=told.by(MANAGED_LIST),
                installed_unread=told.by(INSTALLED_LIST),
                facts_unread=told.by(INFORMATION),
                list_unheard=lost.get((device.id, MANAGED_LIST)) if device else None,
                installed_unheard=lost.get((device.id, INSTALLED_LIST)) if device else None,
                facts_unheard=lost.get((device.id, INFORMATION)) if device else None,
                free_seats=office.free(db, pair.asset) if licence.state in _SEATLESS else None,
                odd_asset=office.odd_asset(pair.asset),
                unsure=office.unsure(pair),
                probe=sent_ahead.get(install.adam_id),
                pause=pause,
            )
        )
    return result


class _Unread:
    """What could not be read of late, for one app on one device."""

    def __init__(
        self,
        found: dict[tuple[int, str, str], unreadable.Row],
        device: Device | None,
        bundle_id: str | None,
    ) -> None:
        self._found = found
        self._device = device
        self._bundle_id = bundle_id

    @property
    def device(self) -> Device | None:
        """The device. A list whose entry of the app could not be read says nothing of it, so that
        the one before it is the newest that counts."""
        device, own = self._device, self._row(MANAGED_LIST, self._bundle_id)
        if device is None or own is None:
            return device
        return replace(
            device,
            apps_asked_at=own.listed_asked_at,
            apps_listed_at=own.listed_at,
            apps_enrolment=own.listed_enrolment,
        )

    def by(self, request_type: str) -> Unreadable | None:
        """The answers to one kind of question: as a whole, or what they say of the app."""
        whole = self._row(request_type, unreadable.WHOLE)
        own = self._row(request_type, self._bundle_id)
        of_both = [row.value for row in (whole, own) if row is not None]
        if not of_both:
            return None
        newest = max(of_both, key=lambda each: each.last_at)
        return replace(newest, times=max(each.times for each in of_both))

    def _row(self, request_type: str, bundle_id: str | None) -> unreadable.Row | None:
        if self._device is None or bundle_id is None:
            return None
        return self._found.get((self._device.id, request_type, bundle_id))


def _id(device: Device | None) -> int:
    """Its id, or one that no device has."""
    return 0 if device is None else device.id


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


def pair_of(install: Install) -> Pair:
    """The licence that an install needs."""
    return Pair(Asset(install.adam_id, install.pricing_param), install.target)


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
        pairs = rows.padded([(i.target, i.adam_id) for i in installs])
        self._owned: dict[Pair, Assignment] = assignments.owned(db, name, pairs)
        self._requests = request_pairs.newest(db, name, pairs)
        self._free: dict[Asset, int | None] = {}
        odd = odd_rows.of_location(db, name)
        self._odd_assets, self._odd_assignments = odd.get("assets", ()), odd.get("assignments", ())
        if self._odd_assignments:
            self._odd_since = odd_rows.since(db, name)
            serials, apps = {i.target for i in installs}, {i.adam_id for i in installs}
            self._looks = odd_rows.looks(db, name, list(serials), list(apps))

    def _asked(self, pair: Pair) -> PairRecord | None:
        return self._requests.get(("ASSOCIATE", pair))

    def _released(self, pair: Pair) -> PairRecord | None:
        return self._requests.get(("DISASSOCIATE", pair))

    def odd_asset(self, asset: Asset) -> str | None:
        """What is odd about the row that may be an asset's, if none of it was read."""
        return None if asset in self.assets else of_asset(self._odd_assets, asset)

    def unsure(self, pair: Pair) -> Unsure | None:
        """Whether a row that cannot be read may be the pair's; a look at it alone tells more."""
        odd = of_pair(self._odd_assignments, pair) if self._odd_assignments else None
        if odd is None or pair in self._owned:
            return None
        look = self._looks.get(pair)
        if look is None or (look.odd is None and look.looked_at < self._odd_since):
            return Unsure(odd)
        return None if look.odd is None else Unsure(look.odd, look.looked_at)

    def licence(self, db: Connection, pair: Pair, round_at: float) -> Licence:
        """Where getting the licence of a pair stands."""
        owned, asked = self._owned.get(pair), self._asked(pair)
        if owned is not None:
            return Licence(
                "owned",
                owned.confirmed_at,
                owned.confirmed_by,
                owned.read_at,
                event_id=asked.apple_event_id if asked else None,
                ours=asked is not None
                and asked.state == "confirmed"
                and not self._gave_back(asked),
            )
        if asked is None:
            return Licence("none")
        standing = _standing(asked, round_at)
        if standing.state == "refused":
            refusals = history.refusals(db, self.name, pair, round_at)
            return replace(standing, refusals=refusals)
        if standing.state == "taken":
            times = history.times_taken(db, self.name, pair, round_at)
            return replace(standing, times_taken=times)
        return standing

    def release(self, db: Connection, pair: Pair, round_at: float) -> Licence:
        """Where giving it back stands."""
        asked = self._released(pair)
        if asked is None or (asked.state not in ("collected", "open") and not self._is_last(asked)):
            return Licence("none")
        standing = _standing(asked, round_at)
        if standing.state != "refused":
            return standing
        return replace(standing, refusals=history.release_refusals(db, self.name, pair))

    def gave_back(self, pair: Pair) -> bool:
        """Whether the licence that was got for it went back: by us, or in Apple's portal."""
        asked, released = self._asked(pair), self._released(pair)
        by_us = released is not None and released.state == "confirmed" and self._is_last(released)
        return by_us or (asked is not None and asked.state in ("confirmed", "taken"))

    def _gave_back(self, asked: PairRecord) -> bool:
        """Whether the licence that was asked for went back since; then whoever holds one now got
        it from somebody else."""
        released = self._released(asked.pair)
        return released is not None and released.state == "confirmed" and released.id > asked.id

    def _is_last(self, record: PairRecord) -> bool:
        """Whether nothing was asked for the pair since, neither way."""
        others = (self._asked(record.pair), self._released(record.pair))
        return all(other is None or other.id <= record.id for other in others)

    def free(self, db: Connection, asset: Asset) -> int | None:
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
        return Licence("none")
    if asked.state == "taken":
        return Licence("taken", asked.settled_at)
    return Licence(
        "refused",
        asked.settled_at,
        read_at=asked.looked_at,
        error_number=asked.error_number,
        event_id=event_id,
    )


def with_seats(db: Connection, fact: Facts) -> Facts:
    """The same with the free seats of its asset, also where it needs none."""
    asset = pair_of(fact.install).asset
    free = history.free_seats(db, fact.install.location, asset, fact.asset)
    return replace(fact, free_seats=free)


def _since(attempt: Attempt | None, round_at: float) -> Attempt | None:
    return attempt if attempt is not None and attempt.created_at >= round_at else None


def _open(attempt: Attempt | None) -> str | None:
    """The CommandUUID of an attempt that may still be answered, or posted."""
    if attempt is None or attempt.state in (*ANSWERED_STATES, "dropped"):
        return None
    return attempt.command_uuid


def _with_strangers(db: Connection, some: Sequence[Device]) -> set[int]:
    """Whose list has an entry that is neither a known app nor one that the device itself named."""
    if not some:
        return set()
    serial_of = {device.id: device.serial_number or "" for device in some}
    known = apps.known_bundle_ids(db)
    own = installs_store.bundle_ids(db, list(serial_of.values()))
    return {
        device_id
        for device_id, of_device in apps.reports(db, list(serial_of)).items()
        if {r.bundle_id for r in of_device.values() if r.status is not None}
        - known
        - own[serial_of[device_id]]
    }
