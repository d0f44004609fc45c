"""What is measured, as a snapshot of the database, and as the families of domain/metrics."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from bridge.config import Config
from bridge.domain.drift import DriftKind
from bridge.domain.metrics import (
    CALL_BOUNDS,
    CONFIRMATION_BOUNDS,
    METRICS,
    NAMED,
    Family,
    Value,
    distribution,
)
from bridge.engine.context import Context
from bridge.engine.insight import drift, in_setup, webhook_health
from bridge.store import meta
from bridge.store.licences import locations
from bridge.store.service import streams
from bridge.store.updates import rollouts
from bridge.store.views import metrics, totals
from bridge.store.views.metrics import Licences, Measured, Waiting
from bridge.store.views.totals import InstallCount

Labels = tuple[str, ...]
Values = dict[Labels, Value]

_REFUSED = re.compile(r"(mdm|apple)\.([45]\d\d)")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one look showed. Times are kept as they are, so that ages go on."""

    taken_at: float
    installs: Sequence[InstallCount]
    licences: Sequence[Licences]
    names: Mapping[str, str]
    drift: Mapping[DriftKind, int]
    waiting: Sequence[Waiting]
    measured: Sequence[Measured]
    counters: Mapping[str, int]
    tokens_end_at: Mapping[str, float]
    notified_at: Mapping[str, float]
    webhooks_at: Mapping[str, float]
    lags: Mapping[str, float]
    in_setup: Mapping[tuple[str, str], int]
    outdated: Mapping[str, int]


def take(context: Context, config: Config) -> Snapshot:
    """Look at everything that is measured; a few statements, whatever the fleet's size."""
    db, now = context.db, context.now
    known = {name: locations.get(db, name) for name in config.locations}
    heard = {name: webhook_health.last_at(context, name) for name in config.servers}
    installs = totals.installs(db)
    return Snapshot(
        taken_at=now,
        installs=installs,
        drift=drift.counts(context, config, installs),
        licences=metrics.licences(db),
        names=metrics.names(db),
        waiting=metrics.waiting(db),
        measured=metrics.measured(db),
        counters=meta.counters(db),
        tokens_end_at=_given((name, each.token_expires_at) for name, each in known.items()),
        notified_at=_given((name, each.last_notification_at) for name, each in known.items()),
        webhooks_at=_given(heard.items()),
        in_setup=in_setup.counts(context),
        outdated=rollouts.outdated(db),
        lags={name: streams.load(db, name).behind(now) for name in config.servers},
    )


def _given(times: Iterable[tuple[str, float | None]]) -> dict[str, float]:
    return {name: at for name, at in times if at is not None}


def families(snapshot: Snapshot, config: Config, now: float, *, engine_up: bool) -> list[Family]:
    """All metrics with their values at `now`, in the order in which they are shown."""
    values: dict[str, Values] = {
        "bridge_installs": _installs(snapshot),
        "bridge_app_info": _apps(snapshot),
        "bridge_licenses": _licences(snapshot),
        "bridge_outbox_rows": _waiting(snapshot),
        "bridge_drift": {(kind,): float(count) for kind, count in snapshot.drift.items()},
        "bridge_outbox_oldest_seconds": _oldest(snapshot, config, now),
        "bridge_events": _events(snapshot),
        "bridge_hooks_refused": _refused(snapshot),
        "bridge_calls": _calls(snapshot),
        "bridge_call_seconds": _call_seconds(snapshot),
        "bridge_confirmation_seconds": _confirmations(snapshot),
        "bridge_token_expires_seconds": {
            (name,): at - now for name, at in snapshot.tokens_end_at.items()
        },
        "bridge_last_webhook_seconds": _ages(snapshot.webhooks_at, now),
        "bridge_last_notification_seconds": _ages(snapshot.notified_at, now),
        "bridge_lag_seconds": {(name,): lag for name, lag in snapshot.lags.items()},
        "bridge_setup_devices": {
            (name, state): float(snapshot.in_setup.get((name, state), 0))
            for name in config.servers
            for state in in_setup.STATES
        },
        "bridge_outdated": {(app,): float(count) for app, count in snapshot.outdated.items()},
        "bridge_engine_up": {(): float(engine_up)},
        "bridge_snapshot_age_seconds": {(): max(now - snapshot.taken_at, 0.0)},
    }
    return [Family(NAMED[metric.name], values[metric.name]) for metric in METRICS]


def _place(service: str, scope: str) -> Labels:
    """(server, location): a call is to one of both, or to a receiver of alerts, which has neither:
    its kind says that."""
    if service == "alerts":
        return ("", "")
    return (scope, "") if service == "mdm" else ("", scope)


def _ages(moments: Mapping[str, float], now: float) -> Values:
    return {(name,): max(now - at, 0.0) for name, at in moments.items()}


def _installs(snapshot: Snapshot) -> Values:
    return {
        (each.adam_id, each.location, each.state, each.reason): float(each.count)
        for each in snapshot.installs
    }


def _apps(snapshot: Snapshot) -> Values:
    shown = {each.adam_id for each in snapshot.installs} | {
        each.adam_id for each in snapshot.licences
    }
    named = ((adam_id, snapshot.names.get(adam_id)) for adam_id in sorted(shown))
    return {(adam_id, name): 1.0 for adam_id, name in named if name is not None}


def _licences(snapshot: Snapshot) -> Values:
    found: Values = {}
    for each in snapshot.licences:
        counts = (
            ("total", each.total),
            ("available", each.available),
            ("held", each.held),
            ("held_by_us", each.ours),
        )
        for kind, count in counts:
            if count is not None:
                found[each.adam_id, each.location, kind] = float(count)
    return found


def _waiting(snapshot: Snapshot) -> Values:
    found: defaultdict[Labels, float] = defaultdict(float)
    for each in snapshot.waiting:
        found[(*_place(each.service, each.scope), each.kind, each.state)] += each.count
    return dict(found)


def _oldest(snapshot: Snapshot, config: Config, now: float) -> Values:
    found: Values = {(name, ""): 0.0 for name in config.servers}
    found |= {("", name): 0.0 for name in config.locations}
    oldest = dict[Labels, float]()
    for each in snapshot.waiting:
        place = _place(each.service, each.scope)
        oldest[place] = min(oldest.get(place, each.oldest_at), each.oldest_at)
    return found | {place: max(now - at, 0.0) for place, at in oldest.items()}


def _of(snapshot: Snapshot, name: str) -> Iterable[Measured]:
    return (each for each in snapshot.measured if each.name == name)


def _events(snapshot: Snapshot) -> Values:
    return {
        (*_place(each.kind, each.scope), each.result): float(each.count)
        for each in _of(snapshot, "events")
    }


def _refused(snapshot: Snapshot) -> Values:
    matches = ((_REFUSED.fullmatch(name), count) for name, count in snapshot.counters.items())
    return {(found[1], found[2]): float(count) for found, count in matches if found}


def _calls(snapshot: Snapshot) -> Values:
    found: defaultdict[Labels, float] = defaultdict(float)
    for each in _of(snapshot, "calls"):
        found[(*_place(*each.scope.split(":", 1)), each.kind, each.result)] += each.count
    return dict(found)


def _call_seconds(snapshot: Snapshot) -> Values:
    ended = (each for each in _of(snapshot, "calls") if each.result != "again")
    placed = (((*_place(*each.scope.split(":", 1)), each.kind), each) for each in ended)
    return _distributions(placed, CALL_BOUNDS)


def _confirmations(snapshot: Snapshot) -> Values:
    asked = (each for each in _of(snapshot, "confirmations") if each.result == "ASSOCIATE")
    placed = (((each.scope, each.kind), each) for each in asked)
    return _distributions(placed, CONFIRMATION_BOUNDS)


def _distributions(measured: Iterable[tuple[Labels, Measured]], bounds: Sequence[float]) -> Values:
    counts: defaultdict[Labels, dict[float, tuple[int, float]]] = defaultdict(dict)
    for labels, each in measured:
        count, seconds = counts[labels].get(each.le, (0, 0.0))
        counts[labels][each.le] = (count + each.count, seconds + each.total)
    return {labels: distribution(buckets, bounds) for labels, buckets in counts.items()}
