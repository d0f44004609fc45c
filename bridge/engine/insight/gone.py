"""Why the licence of a device that may be gone stays, or went back: as `why` and its page tell."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.domain.devices.targets import is_enrolment, user_of
from bridge.domain.model import Install
from bridge.domain.policy import DAY
from bridge.domain.reclaim.verdict import Verdict
from bridge.domain.times import rfc3339
from bridge.domain.views.installs import Evidence
from bridge.engine.context import Context
from bridge.engine.licences import reclaiming
from bridge.store.licences import reclaims
from bridge.store.service import server_watch

SILENT_FROM = DAY
"""Seconds of silence from which on it is told how long the licence stays."""


def evidence(context: Context, install: Install) -> list[Evidence]:
    """What `policy.reclaim` makes of the device's licence for an app, and what went back before."""
    target = install.target
    if is_enrolment(target) or user_of(target) is not None:
        return []
    found: list[Evidence] = [
        {"what": f"its licence, {told.kind}", "value": value, "at": rfc3339(told.since)}
        for told, value in _told(context, install)
    ]
    for given in reclaims.newest(context.db, target, install.adam_id):
        what = f"its licence given back by {given.done_by}"
        found.append({"what": what, "value": given.why, "at": rfc3339(given.at)})
    return found


def _told(context: Context, install: Install) -> Iterator[tuple[Verdict, str]]:
    db, now = context.db, context.now
    rules = reclaiming.rules_of(context.policy.reclaim, install)
    if rules == (None, None):
        return
    licences = reclaims.ours(db, [install.target]).get(install.target, ())
    its = [each for each in licences if each.adam_id == install.adam_id]
    if not its:
        return
    records = reclaims.records(db, [install.target], server_watch.load(db))[install.target]
    seen = [r.last_seen_at for r in records if r.last_seen_at is not None]
    is_silent = now - max(seen, default=now) >= SILENT_FROM
    for told in reclaiming.verdicts(rules, its[0], records, now):
        if told.evidence and (told.kind == "unenrolled" or is_silent):
            yield told, told.sentence(now)
