"""By the clock: how MDM servers were heard of, and whose licences go back for their device is gone.

Each device is looked at when its own clock may have run out, found by an index, so that a fleet of
which nobody is gone costs next to nothing.
"""

from __future__ import annotations

import json
import logging
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from bridge.domain.audit import BY_ITSELF, Deed, some
from bridge.domain.installs.options import Options
from bridge.domain.model import Install
from bridge.domain.policy import DAY, HOUR, ReclaimPolicy
from bridge.domain.reclaim import guard, verdict
from bridge.domain.reclaim.mark import Mark
from bridge.domain.reclaim.verdict import Record, Verdict
from bridge.domain.reclaim.watch import LOOK_EVERY, Signs, Watch, begin, look
from bridge.domain.wording import counted
from bridge.engine import audit
from bridge.engine.context import Context
from bridge.engine.licences.giving_back import Candidate, give_back
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.desired import applied
from bridge.store.devices import devices, gone
from bridge.store.installs import marks
from bridge.store.licences import reclaims
from bridge.store.licences.reclaims import Ours
from bridge.store.service import server_watch

log = logging.getLogger(__name__)

AT_ONCE = 500
"""Devices looked at in one transaction."""

UNTIL_LET_GO = 2 * HOUR
"""Seconds without a licence that is due after which nothing is held at a location any more: what is
held is looked at every hour."""

_RULES = "reclaim_rules"
_PLACE = "watched_as"
"""The key of which bridge, on which database, kept the clocks."""


def watch(context: Context, place: str) -> int:
    """Look how servers were heard of, and give back what is due; returns how many devices were
    looked at. `place` names the database: in another one all clocks begin anew."""
    db, now = context.db, context.now
    meta.plan_job(db, server_watch.JOB, now + LOOK_EVERY)
    watches = _look(context, place)
    if not _rules_stand(db, context.policy.reclaim, now):
        return 0
    looked = _look_at_devices(context, watches)
    if looked == AT_ONCE:  # there are more
        meta.plan_job(db, server_watch.JOB, now)
    return looked


def begin_anew(db: Connection, servers: Collection[str], now: float, why: str) -> None:
    """No clock goes on: nobody knows what happened while nobody looked."""
    server_watch.keep(db, [begin(server, now, why) for server in servers])


def _look(context: Context, place: str) -> dict[str, Watch]:
    db, now, servers = context.db, context.now, context.servers
    before = server_watch.load(db)
    same = f"{meta.instance_id(db)} {place}"
    if (last := meta.recall(db, _PLACE)) != same:
        meta.keep(db, _PLACE, same)
        if last is not None:
            begin_anew(db, before, now, "the database was restored or moved then")
            before = server_watch.load(db)
    server_watch.only(db, servers)
    heard = server_watch.heard_at(db)
    watches = {
        server: look(before.get(server), server, now, heard.get(server, Signs()))
        for server in servers
    }
    server_watch.keep(db, watches.values())
    return watches


def _rules_stand(db: Connection, policy: ReclaimPolicy, now: float) -> bool:
    """Whether anything goes back by itself. Where the rules are others than before, every device
    is looked at by them."""
    releases = applied.says(db, '"on_unenrol": "release"')
    rules = json.dumps([policy.unenrolled_after, policy.silent_after, releases])
    if meta.recall(db, _RULES) != rules:
        meta.keep(db, _RULES, rules)
        gone.look_at_all(db)
    stand = releases or policy.unenrolled_after is not None or policy.silent_after is not None
    if not stand:
        for location in reclaims.holds(db):
            let_go(db, location, now)
    return stand


def _look_at_devices(context: Context, watches: Mapping[str, Watch]) -> int:
    db, now = context.db, context.now
    due = gone.due(db, now, AT_ONCE)
    serials = list(dict.fromkeys(serial for _, serial in due if serial is not None))
    found: dict[str, list[Candidate]] = defaultdict(list)
    next_at: dict[str, float | None] = {}
    if serials:
        records = reclaims.records(db, serials, watches)
        licences = reclaims.ours(db, serials)
        installs = reclaims.installs_of(db, serials)
        for serial in serials:
            its = licences.get(serial, ())
            looked = [
                _verdict(context, ours, installs.get((serial, ours.adam_id)), records[serial])
                for ours in its
            ]
            next_at[serial] = _next_at(context.policy.reclaim, records[serial], looked, now)
            for ours, told in zip(its, looked, strict=True):
                if told is None or not told.is_due(now):
                    continue
                install = installs.get((serial, ours.adam_id))
                candidate = Candidate(ours, install, told.kind, told.sentence(now))
                if not candidate.is_under_way:
                    found[ours.location].append(candidate)
        _forget_past(context, installs.values(), found)
    _settle_holds(context, found)
    gone.look_at(
        db, [(None if serial is None else next_at[serial], device) for device, serial in due]
    )
    return len(due)


def rules_of(policy: ReclaimPolicy, install: Install | None) -> tuple[float | None, float | None]:
    """After how long a licence goes back from a device that left, and from a silent one; None for
    never."""
    on_unenrol = None if install is None else Options.from_text(install.options).on_unenrol
    unenrolled = policy.unenrolled_after
    if on_unenrol == "keep":
        unenrolled = None
    elif on_unenrol == "release" and unenrolled is None:
        unenrolled = DAY
    return unenrolled, policy.silent_after


def verdicts(
    rules: tuple[float | None, float | None],
    ours: Ours,
    records: Sequence[Record],
    now: float,
) -> list[Verdict]:
    """What is so for one licence by each of the rules (not enrolled, silent) that there is."""
    after_leaving, after_silence = rules
    found = []
    if after_leaving is not None:
        told = verdict.unenrolled(records, now, after_leaving)
        found.append(told.got_at(ours.confirmed_at, after_leaving))
    if after_silence is not None:
        told = verdict.silent(records, now, after_silence)
        found.append(told.got_at(ours.confirmed_at, after_silence))
    return found


def _verdict(
    context: Context, ours: Ours, install: Install | None, records: Sequence[Record]
) -> Verdict | None:
    """The rule by which a licence goes back first; else one by which it may."""
    rules = rules_of(context.policy.reclaim, install)
    found = verdicts(rules, ours, records, context.now)
    return min(found, key=lambda each: each.due_at or float("inf"), default=None)


def _next_at(
    policy: ReclaimPolicy, records: Sequence[Record], looked: Sequence[Verdict | None], now: float
) -> float | None:
    """When a device is looked at next: as its clocks may run out, or begin to run. One that is
    enrolled and may be silent for ever is looked at again when it leaves."""
    present = any(record.enrolled and record.moved_to is None for record in records)
    if present and policy.silent_after is None:
        return None
    ahead = [v.due_at for v in looked if v is not None and v.due_at is not None]
    if not looked or not ahead:
        usual = policy.silent_after if present else policy.unenrolled_after
        stuck = any(v is not None and v.kept is not None for v in looked)
        return now + (DAY if stuck and not present else max(usual or DAY, DAY))
    return max(min(ahead), now + HOUR)


def _forget_past(
    context: Context, installs: Iterable[Install], found: Mapping[str, Sequence[Candidate]]
) -> None:
    """A mark of a device that is back says nothing any more, nor that a licence is held which is
    not due."""
    db = context.db
    marked = [(i, Mark.from_text(i.reclaim)) for i in installs if i.reclaim is not None]
    if not marked:
        return
    due = {c.install.id for some in found.values() for c in some if c.install is not None}
    known = devices.current(db, [i.target for i, _ in marked])
    past = [
        i.id
        for i, mark in marked
        if mark.is_past(known.get(i.target), i.round_at)
        or (mark.state == "held" and i.id not in due)
    ]
    marks.mark(db, past, None, context.now)


def _settle_holds(context: Context, found: Mapping[str, Sequence[Candidate]]) -> None:
    """Give back what is due, but for locations where that is so much that a person has to say so,
    now or since an earlier look."""
    db, now = context.db, context.now
    holds = reclaims.holds(db)
    for location, due in sorted(found.items()):
        lately = reclaims.lately(db, location, now - guard.WITHIN)
        why = guard.held(location, reclaims.in_use(db, location), lately, len(due))
        if why is None and location in holds:
            why = holds[location].why
        if why is None:
            give_back(db, due, "policy", now)
            _tell(context, location, due)
        else:
            _hold(context, location, due, why, is_new=location not in holds)
    for location in holds.keys() - found.keys():
        if now - holds[location].looked_at > UNTIL_LET_GO:
            let_go(db, location, now)


def _hold(
    context: Context, location: str, due: Sequence[Candidate], why: str, *, is_new: bool
) -> None:
    db, now = context.db, context.now
    for each in due:
        install = each.its_install
        if install is not None and install.desired and each.kind is not None:
            mark = Mark("held", each.kind, now, f"{each.why}; {why}")
            if install.reclaim is None:
                marks.mark(db, [install.id], mark, now)
    number = max(len(due), len(marks.marked(db, location, "held")))
    reclaims.hold(db, location, number, why, now)
    if is_new:
        log.warning(
            "licences are not given back without a person: %s", why, extra={"location": location}
        )


def let_go(db: Connection, location: str, now: float) -> None:
    """Nothing is held there any more: the devices are back, or a person decided."""
    if reclaims.let_go(db, location):
        marks.mark(db, marks.marked(db, location, "held"), None, now)


def _tell(context: Context, location: str, given: Sequence[Candidate]) -> None:
    text = f"{counted(len(given), 'licence')} of devices that are gone will be given back"
    serials = sorted({each.target for each in given})
    adam_ids = sorted({each.licence.adam_id for each in given})
    after = {"licences": len(given), "why": some([f"{c.target}: {c.why}" for c in given])}
    deed = Deed(
        "reclaim",
        text,
        {"location": location},
        after=after,
        serials=serials,
        adam_ids=adam_ids,
    )
    audit.record(context.db, context.now, BY_ITSELF, deed)
