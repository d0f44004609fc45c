"""How the parts of the bridge do, for probes and for `doctor`.

Only what keeps events from being taken in is fatal; an outage of Apple's or of the MDM server's
never takes the hooks away.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bridge.config import Config
from bridge.domain.alerts import ALERTS, Fault
from bridge.domain.licences.token_end import text_of_end, warning_due
from bridge.domain.pauses import by_either
from bridge.domain.reasons import REASONS
from bridge.domain.times import to_the_second
from bridge.domain.views import HealthPart
from bridge.domain.wording import counted
from bridge.engine.context import Context
from bridge.engine.insight import in_setup, lag, versions, webhook_health
from bridge.engine.intake import forward, serials
from bridge.engine.upkeep import clock_steps, file_check
from bridge.errors import StoreError
from bridge.store import events, meta, pauses
from bridge.store.alerts import alerts
from bridge.store.database import Database, EngineLock
from bridge.store.licences import locations, odd_rows, reclaims
from bridge.store.licences.locations import Location
from bridge.store.outbox import outbox
from bridge.store.views import totals
from bridge.store.views.names import called
from bridge.store.write_probe import LITTLE_SPACE

MIB = 1024 * 1024

CLOCK_SHOWN_FOR = 3600.0
"""Seconds for which it is shown that the clock was set."""

STALE_BEAT = 30.0
"""Seconds without a heartbeat after which an engine that holds its lock counts as hanging."""


_NO_ENGINE = "no engine runs: start vpp-bridge serve; if that runs, its log says why it has none"


def taking_in(trouble: StoreError | None, database: Database) -> Iterator[HealthPart]:
    """Whether what arrives can be stored, and for how long its disk has room for it."""
    free = database.free_space()
    if trouble is not None:
        yield HealthPart("database", False, "fatal", f"{trouble}; {trouble.mend}")
    else:
        yield HealthPart("database", True, "fatal", database.name)
    if free is not None and free < LITTLE_SPACE:
        detail = f"only {free / MIB:.1f} MiB are free on the database's disk: make room there"
        yield HealthPart("disk", False, "degraded", detail)


def parts(context: Context, config: Config) -> Sequence[HealthPart]:
    """Every part that is known from the database."""
    return [
        *file_check.parts(context),
        *_clock(context),
        _inbox(context),
        *(_location(context, name) for name in config.locations),
        *(_server(context, name) for name in config.servers),
        *webhook_health.parts(context, tuple(config.servers)),
        *(lag.part(context, name) for name in config.servers),
        *forward.parts(context, config),
        *_serials(context),
        *_pauses(context),
        *_doubts(context),
        *_receivers(context),
        *in_setup.parts(context),
        *versions.parts(context),
    ]


def engine_part(lock: EngineLock) -> HealthPart:
    """Whether an engine holds its lock and gave a sign of life lately."""
    age = lock.silent_for()
    if not lock.held():
        return HealthPart("engine", False, "fatal", _NO_ENGINE, age)
    if age is None or age > STALE_BEAT:
        return HealthPart("engine", False, "fatal", "the engine hangs: restart it", age)
    return HealthPart("engine", True, "fatal", "", age)


def _clock(context: Context) -> Iterator[HealthPart]:
    """That the clock was set, for as long as somebody may wonder at what it did."""
    step = clock_steps.lately(context.db, context.now, CLOCK_SHOWN_FOR)
    if step is not None:
        detail = f"{step.shown}; see that its time is kept (NTP)"
        yield HealthPart("clock", False, "degraded", detail, max(context.now - step.at, 0.0))


def _inbox(context: Context) -> HealthPart:
    waiting, oldest, aside = events.backlog(context.db, context.waiting)
    age = None if oldest is None else max(context.now - oldest, 0.0)
    if aside:
        detail = f"{aside} messages were set aside: look at vpp-bridge status"
        return HealthPart("inbox", False, "degraded", detail, age)
    return HealthPart("inbox", True, "degraded", f"{waiting} waiting", age)


def _location(context: Context, name: str) -> HealthPart:
    location = locations.get(context.db, name)
    read_at = location.config_read_at
    age = None if read_at is None else max(context.now - read_at, 0.0)
    troubles = [*_troubles(location, context.now)]
    calls = outbox.trouble(context.db, "apple", name)
    if calls is not None:
        troubles.append(("silence", calls))
    troubles += [("reclaim", text) for text in _held(context, name)]
    wrong = "; ".join([*(text for _, text in troubles), *odd_sentences(context, name)])
    detail = wrong or location.location_name or ""
    faults = [
        Fault(alert, {"location": name}, f"location {name}: {text}") for alert, text in troubles
    ]
    return HealthPart(f"location {name}", not wrong, "degraded", detail, age, tuple(faults))


def _held(context: Context, name: str) -> Iterator[str]:
    """That so many licences would go back that a person has to say so."""
    hold = reclaims.holds(context.db).get(name)
    if hold is not None:
        yield f"RECLAIM_HELD: {hold.why}; {REASONS['RECLAIM_HELD'].next}"


def odd_sentences(context: Context, name: str) -> Iterator[str]:
    """What of Apple's lists of a location cannot be read."""
    for source in odd_rows.SOURCES:
        odd = odd_rows.load(context.db, name, source)
        if odd:
            rows = counted(len(odd), "row")
            yield f"{rows} of Apple's {source} cannot be read: {odd[0].shown}"


_OF_APPLES_SERVICE = frozenset({"LOCATION_TROUBLE", "LOCATION_BUSY", "SERVICE_REMOVED"})
"""Reasons for which a location is stopped that have nothing to do with its token."""


def _troubles(location: Location, now: float) -> Iterator[tuple[str, str]]:
    """What is wrong with a location, each after the alert that tells of it."""
    if location.suspended is not None:
        reason = REASONS.get(location.suspended)
        mend = f"; {reason.next}" if reason is not None else ""
        alert = "silence" if location.suspended in _OF_APPLES_SERVICE else "token"
        yield alert, f"{location.suspended}: {location.suspended_detail}{mend}"
    elif location.config_read_at is None:
        yield "silence", "Apple has not been heard of it yet"
    if location.url_refused is not None:
        yield "silence", location.url_refused
    end = location.token_expires_at
    if end is not None and location.token_suspension is None and warning_due(end, now) is not None:
        yield "token", f"{text_of_end(end, now)}: {REASONS['TOKEN_EXPIRED'].next}"


def _pauses(context: Context) -> Iterator[HealthPart]:
    for pause in pauses.load(context.db).all:
        name = f"pause {pause.scope} {pause.name}".rstrip()
        detail, faults = pause.shown_to(by_either), tuple[Fault, ...]()
        if pause.paused_by == "wave":
            known = called(context.db, pause.scope, pause.name)
            text = pause.shown_to(by_either, known)
            faults = (Fault("wave", {"adam_id": pause.name}, text),)
        yield HealthPart(name, False, "degraded", detail, context.now - pause.since, faults)


def _serials(context: Context) -> Iterator[HealthPart]:
    """What devices tell in place of a serial number, and serial numbers that say too little."""
    told = [*serials.claims(context.db), *serials.shared(context.db)]
    if told:
        yield HealthPart("serial numbers", False, "degraded", "; ".join(told))


def _doubts(context: Context) -> Iterator[HealthPart]:
    """What has been in doubt for long."""
    before = context.now - context.policy.alerts.doubt_after
    for what, place, found in (
        ("MDM command", "server", totals.commands_long_in_doubt(context.db, before)),
        ("request", "location", totals.requests_long_in_doubt(context.db, before)),
    ):
        whom = "the devices of MDM server" if place == "server" else "Apple for location"
        for each in found:
            calls = counted(each.count, what)
            detail = f"{calls} to {whom} {each.scope} in doubt since {to_the_second(each.since)}"
            fault = Fault("doubt", {place: each.scope}, f"{detail}; {ALERTS['doubt'].mend}")
            age = max(context.now - each.since, 0.0)
            yield HealthPart(
                f"doubt {place} {each.scope}", False, "degraded", detail, age, (fault,)
            )


def _receivers(context: Context) -> Iterator[HealthPart]:
    """Receivers of alerts that cannot be told now."""
    for name in alerts.receivers(context.db):
        trouble = outbox.trouble(context.db, "alerts", name)
        if trouble is not None:
            yield HealthPart(f"alerts {name}", False, "degraded", trouble)


def _server(context: Context, name: str) -> HealthPart:
    """The age is that of the server's list of devices; where it has none, of its newest webhook."""
    lists = context.abilities(name).device_list
    read_at = meta.recall(context.db, f"devices_read_at:{name}")
    heard_at = None if lists else webhook_health.last_at(context, name)
    at = float(read_at) if lists and read_at is not None else heard_at
    age = None if at is None else max(context.now - at, 0.0)
    trouble = outbox.trouble(context.db, "mdm", name)
    if trouble is None and lists and at is None:
        trouble = "it was not reached yet"
    if trouble is not None:
        told = f"MDM server {name}: {trouble}"
        fault = Fault("silence", {"server": name, "what": "calls"}, told)
        return HealthPart(f"server {name}", False, "degraded", trouble, age, (fault,))
    return HealthPart(f"server {name}", True, "degraded", "", age)
