"""Licences that a person has given back: of what nobody wants, and of devices that are gone.

Only those that the bridge itself got are ever given back. What is wanted nowhere is what a plan
calls reclaimable; whether a device is gone is decided as by policy (domain/reclaim), and where it
is not sure, its licences stay and it is said why.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bridge.domain.devices.targets import shown, user_of
from bridge.domain.model import Asset, Install
from bridge.domain.reclaim import verdict
from bridge.domain.reclaim.selection import Selection
from bridge.domain.reclaim.verdict import Record, Verdict
from bridge.domain.views.reclaim import Reclaimed
from bridge.engine.desired import plan
from bridge.engine.licences import reclaiming
from bridge.engine.licences.giving_back import Candidate
from bridge.store.database import Connection
from bridge.store.installs import facts, kept
from bridge.store.licences import reclaims
from bridge.store.licences.reclaims import Ours
from bridge.store.service import server_watch

AT_ONCE = 500

NOBODY_WANTS = "nobody wants the app there"


@dataclass(frozen=True, slots=True)
class Stays:
    """A device that may be gone, and whose licences stay all the same, with the reason."""

    target: str
    licences: int
    why: str


@dataclass(frozen=True, slots=True)
class Found:
    """The licences that a selection means, and the devices whose licences stay."""

    candidates: tuple[Candidate, ...]
    stays: tuple[Stays, ...] = ()


def find(db: Connection, chosen: Selection, now: float) -> Found:
    """What a person's selection means by now; nothing is changed."""
    found: dict[tuple[str, Asset, str], Candidate] = {}
    stays: list[Stays] = []
    if chosen.is_of_devices:
        for candidates, staying in _of_devices(db, chosen, now):
            found |= {_key(each): each for each in candidates}
            stays += staying
    if chosen.is_of_unwanted:
        for each in _unwanted(db, chosen, now):
            found.setdefault(_key(each), each)
    given = {each.target for each in stays} - {target for _, _, target in found}
    return Found(
        tuple(found[key] for key in sorted(found)),
        tuple(each for each in stays if each.target in given),
    )


def _key(candidate: Candidate) -> tuple[str, Asset, str]:
    pair = candidate.licence.pair
    return candidate.licence.location, pair.asset, pair.holder


def _unwanted(db: Connection, chosen: Selection, now: float) -> Iterator[Candidate]:
    """What nobody wants: the installs that are kept, and what a plan calls reclaimable besides."""
    seen = set[tuple[str, Asset, str]]()
    for install in _kept(db, chosen.targets, chosen.adam_ids):
        pair = facts.pair_of(install)
        seen.add((install.location, pair.asset, pair.holder))
        licence = Ours(install.location, *pair.asset, pair.holder, 0.0)
        yield Candidate(licence, install, None, NOBODY_WANTS)
    for (location, asset), holders in plan.reclaimable(db, now).items():
        if chosen.adam_ids and asset.adam_id not in chosen.adam_ids:
            continue
        some = [
            holder
            for holder in sorted(holders)
            if user_of(holder) is None and (not chosen.targets or holder in chosen.targets)
        ]
        installs = reclaims.installs_of(db, some) if some else {}
        for holder in some:
            licence = Ours(location, *asset, holder, 0.0)
            each = Candidate(licence, installs.get((holder, asset.adam_id)), None, NOBODY_WANTS)
            wanted = each.its_install is not None and each.its_install.desired
            if (location, asset, holder) not in seen and not wanted and not each.is_under_way:
                yield each


def _kept(db: Connection, targets: Sequence[str], adam_ids: Sequence[str]) -> Iterator[Install]:
    after = 0
    while some := kept.page(db, targets, adam_ids, after, AT_ONCE):
        after = some[-1].id
        for each in facts.load(db, some):
            if each.licence.state == "owned" and each.licence.ours:
                yield each.install


def _of_devices(
    db: Connection, chosen: Selection, now: float
) -> Iterator[tuple[list[Candidate], list[Stays]]]:
    """Of the devices that may be gone, a few at a time: their licences, or why these stay."""
    silent_since = None if chosen.silent is None else now - chosen.silent
    some = reclaims.maybe_gone(db, unenrolled=chosen.unenrolled, silent_since=silent_since)
    targets = [each for each in some if not chosen.targets or each in chosen.targets]
    watches = server_watch.load(db)
    for first in range(0, len(targets), AT_ONCE):
        page = targets[first : first + AT_ONCE]
        records = reclaims.records(db, page, watches)
        licences, installs = reclaims.ours(db, page), reclaims.installs_of(db, page)
        candidates, stays = list[Candidate](), list[Stays]()
        for target in page:
            its = [
                each
                for each in licences.get(target, ())
                if not chosen.adam_ids or each.adam_id in chosen.adam_ids
            ]
            told = _verdicts(chosen, records[target], now)
            due = [each for each in told if each.is_due(now)]
            for ours in its if due else ():
                got = [v.got_at(ours.confirmed_at, _after(chosen, v)) for v in due]
                if gone := [v for v in got if v.is_due(now)]:
                    install = installs.get((target, ours.adam_id))
                    each = Candidate(ours, install, gone[0].kind, gone[0].sentence(now))
                    if not each.is_under_way:
                        candidates.append(each)
            if its and not due and told:
                stays.append(Stays(target, len(its), told[0].sentence(now)))
        yield candidates, stays


def _after(chosen: Selection, told: Verdict) -> float:
    return (chosen.silent or 0.0) if told.kind == "silent" else 0.0


def _verdicts(chosen: Selection, records: Sequence[Record], now: float) -> list[Verdict]:
    found = list[Verdict]()
    if chosen.unenrolled:
        found.append(verdict.unenrolled(records, now, 0.0))
    if chosen.silent is not None:
        found.append(verdict.silent(records, now, chosen.silent))
    return [each for each in found if each.evidence]


def let_go(db: Connection, given: Sequence[Candidate], now: float) -> None:
    """A person decided on licences of these locations: what was held there is held no more."""
    for location in {each.licence.location for each in given}:
        reclaiming.let_go(db, location, now)


def as_json(found: Found, *, dry_run: bool) -> Reclaimed:
    """Ready for JSON."""
    return {
        "dry_run": dry_run,
        "licences": [
            {
                "serial_number": shown(each.target),
                "adam_id": each.licence.adam_id,
                "pricing_param": each.licence.pricing_param,
                "location": each.licence.location,
                "kind": each.kind or "unwanted",
                "why": each.why,
            }
            for each in found.candidates
        ],
        "stay": [
            {"serial_number": shown(each.target), "licences": each.licences, "why": each.why}
            for each in found.stays
        ],
    }
