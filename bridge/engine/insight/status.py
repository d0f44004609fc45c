"""How everything stands at a glance: what `status` shows, ready for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.config import Config
from bridge.domain.desired.desired import Desired
from bridge.domain.licences.forecast import last_seat_at
from bridge.domain.licences.odd_rows import of_asset
from bridge.domain.model import Asset
from bridge.domain.pauses import Way, by_command
from bridge.domain.reasons import REASONS, needs_someone
from bridge.domain.times import rfc3339
from bridge.domain.views.alerts import Alert
from bridge.domain.views.desired import Pause
from bridge.domain.wording import as_sentence
from bridge.engine.context import Context
from bridge.engine.insight import contradictions, health, in_setup, lag, webhook_health
from bridge.store import events, meta, pauses
from bridge.store.catalog import apps, usage
from bridge.store.database import Database, EngineLock
from bridge.store.desired import applied
from bridge.store.installs import under_pause
from bridge.store.licences import history, locations, odd_rows
from bridge.store.outbox import outbox
from bridge.store.users import users
from bridge.store.views import alerts, totals
from bridge.store.views.names import called
from bridge.store.views.totals import InstallCount, LicenceCount

MOST_ALERTS = 1000
"""Alerts that are shown at a glance; the list of them has all."""


def report(
    context: Context, config: Config, database: Database, lock: EngineLock
) -> dict[str, Any]:
    """Installs, licences, locations, servers, queues and counters.

    Times are RFC 3339 text in UTC. Of licences, all that the locations own or installs want.
    """
    db = context.db
    first = health.taking_in(None, database)
    last = applied.last(db)
    counts = totals.installs(db)
    owned = totals.licences(db)
    names = app_names(context, {c.adam_id for c in counts} | {c.adam_id for c in owned})
    return {
        "applied_at": rfc3339(last.stored_at if last is not None else None),
        "parts": [
            {
                "name": p.name,
                "ok": p.ok,
                "severity": p.severity,
                "detail": p.detail,
                "age_s": p.age_s,
            }
            for p in (*first, health.engine_part(lock), *health.parts(context, config))
        ],
        "pauses": paused(context),
        "installs": _installs(counts, names) | {"no_longer_wanted": totals.not_desired(db)},
        "licences": licences(context, owned, names),
        "locations": [_location(context, name) for name in config.locations],
        "servers": _servers(context, config),
        "users": [
            {"location": location, "state": state, "users": count}
            for location, state, count in users.by_state(db)
        ],
        "alerts": firing(context),
        "setup": in_setup.all_of(context),
        "contradictions": contradictions.found(context),
        "queues": _queues(context),
        "counters": dict(meta.counters(db)),
    }


def firing(context: Context) -> list[Alert]:
    """The alerts that fire now, each with who was told of it."""
    return list(alerts.alerts(context.db, state="firing", limit=MOST_ALERTS).items)


def paused(context: Context, way: Way = by_command) -> list[Pause]:
    """All that is paused, ready for JSON.

    `installs` is how many desired installs a pause is about; `next_probe_at` when a device is tried
    after a wave of failures, `probe` the one that is being tried.
    """
    return [
        {
            "scope": pause.scope,
            "name": pause.named or None,
            "since": rfc3339(pause.since),
            "by": pause.paused_by,
            "why": pause.why or None,
            "next_probe_at": rfc3339(pause.next_probe_at),
            "probe": pause.probe,
            "installs": under_pause.count(context.db, pause.scope, pause.name),
            "sentence": as_sentence(
                pause.shown_to(way, called(context.db, pause.scope, pause.name))
            ),
        }
        for pause in pauses.load(context.db).all
    ]


def stored_by_apply(context: Context) -> Desired:
    """What the last apply stored."""
    return applied.load(context.db)


def licences(
    context: Context, found: Sequence[LicenceCount], names: Mapping[str, str | None]
) -> list[dict[str, Any]]:
    """Assets with their seats, and when the last one goes; `names` are those of the apps."""
    return [_licence(context, licence, names) for licence in found]


def app_names(context: Context, adam_ids: Iterable[str]) -> dict[str, str | None]:
    """The names of apps, as far as known."""
    found = apps.known(context.db, list(adam_ids))
    return {adam_id: app.name or app.bundle_id for adam_id, app in found.items()}


def _installs(counts: Sequence[InstallCount], names: Mapping[str, str | None]) -> dict[str, Any]:
    by_state: dict[str, int] = {}
    by_app: dict[str, dict[str, int]] = {}
    done: dict[str, int] = {}
    needing: dict[str, int] = {}
    ways: dict[tuple[str, str], int] = {}
    for c in counts:
        by_state[c.state] = by_state.get(c.state, 0) + c.count
        states = by_app.setdefault(c.adam_id, {})
        states[c.state] = states.get(c.state, 0) + c.count
        if needs_someone(c.state, c.reason):
            needing[c.adam_id] = needing.get(c.adam_id, 0) + c.count
        elif _done(c.state, c.reason):
            done[c.adam_id] = done.get(c.adam_id, 0) + c.count
        ways[c.state, c.reason] = ways.get((c.state, c.reason), 0) + c.count
    often = sorted(ways.items(), key=lambda item: -item[1])
    return {
        "wanted": sum(by_state.values()),
        "by_state": by_state,
        "apps": [
            {
                "adam_id": adam_id,
                "name": names.get(adam_id),
                "by_state": states,
                "done": done.get(adam_id, 0),
                "needs_someone": needing.get(adam_id, 0),
            }
            for adam_id, states in by_app.items()
        ],
        "not_installed": [_way(*way, n) for way, n in often if way[0] != "installed"],
        "on_its_way": [_way(*w, n) for w, n in often if not _done(*w) and not needs_someone(*w)],
        "needs_someone": [_way(*way, n) for way, n in often if needs_someone(*way)],
    }


def _done(state: str, reason: str) -> bool:
    """Whether nothing more follows, or is needed."""
    return (state == "installed" or REASONS[reason].is_end) and not needs_someone(state, reason)


def _way(state: str, reason: str, count: int) -> dict[str, Any]:
    who = REASONS[reason].actor
    return {"state": state, "reason": reason, "count": count, "who_must_act": who}


def _odd(context: Context, licence: LicenceCount) -> str | None:
    """Why Apple's counts of an asset that it may list are not known."""
    if licence.read_at is not None:
        return None
    asset = Asset(licence.adam_id, licence.pricing_param)
    return of_asset(odd_rows.load(context.db, licence.location, "assets"), asset)


def _licence(
    context: Context, licence: LicenceCount, names: Mapping[str, str | None]
) -> dict[str, Any]:
    free, last_seat = licence.available, None
    if licence.desired or licence.owned_by_us:
        asset = Asset(licence.adam_id, licence.pricing_param)
        asset_counts = locations.asset_facts(context.db, licence.location, [asset]).get(asset)
        free = history.free_seats(context.db, licence.location, asset, asset_counts)
        days = usage.history(context.db, licence.location, asset)
        last_seat = last_seat_at(days, free, context.now)
    return {
        "location": licence.location,
        "adam_id": licence.adam_id,
        "pricing_param": licence.pricing_param,
        "name": names.get(licence.adam_id),
        "total": licence.total,
        "free": free,
        "retired": licence.retired,
        "odd": _odd(context, licence),
        "unlimited": licence.unlimited,
        "held": licence.owned,
        "held_by_us": licence.owned_by_us,
        "wanted": licence.desired,
        "last_seat_at": rfc3339(last_seat),
        "read_at": rfc3339(licence.read_at),
    }


def _location(context: Context, name: str) -> dict[str, Any]:
    location = locations.get(context.db, name)
    return {
        "name": name,
        "location_name": location.location_name,
        "library_uid": location.library_uid,
        "stopped": location.suspended,
        "stopped_detail": location.suspended_detail,
        "trouble": outbox.trouble(context.db, "apple", name),
        "token_expires_at": rfc3339(location.token_expires_at),
        "registered_at": rfc3339(location.registered_at),
        "config_read_at": rfc3339(location.config_read_at),
        "assets_read_at": rfc3339(location.assets_read_at),
        "assignments_read_at": rfc3339(location.assignments_read_at),
        "last_notification_at": rfc3339(location.last_notification_at),
    }


def _servers(context: Context, config: Config) -> list[dict[str, Any]]:
    counted = {count.server: count for count in totals.devices(context.db)}
    return [
        {
            "name": name,
            "devices": counted[name].known if name in counted else 0,
            "enrolled": counted[name].enrolled if name in counted else 0,
            "without_serial_number": counted[name].nameless if name in counted else 0,
            "trouble": outbox.trouble(context.db, "mdm", name),
            "devices_read_at": rfc3339(devices_read_at(context, name)),
            "last_webhook_at": rfc3339(webhook_health.last_at(context, name)),
            "webhooks_refused": webhook_health.refused(context, name),
            **lag.as_json(context, name),
            "webhook_url": config.webhook_url(name),
            "webhook_flag": context.abilities(name).words.webhook_flag,
        }
        for name in config.servers
    ]


def devices_read_at(context: Context, server: str) -> float | None:
    """When an MDM server's list of devices was last read."""
    text = meta.recall(context.db, f"devices_read_at:{server}")
    return None if text is None else float(text)


def _queues(context: Context) -> dict[str, Any]:
    waiting, oldest, aside = events.backlog(context.db, context.waiting)
    commands = totals.open_commands(context.db)
    asked = totals.open_requests(context.db)
    return {
        "inbox": {"waiting": waiting, "oldest_at": rfc3339(oldest), "set_aside": aside},
        "outbox": {"open": sum(outbox.open_counts(context.db).values())},
        "commands": {
            "open": sum(commands.values()) - commands.get("in_doubt", 0),
            "in_doubt": commands.get("in_doubt", 0),
        },
        "requests": {
            "open": sum(asked.values()) - asked.get("in_doubt", 0),
            "in_doubt": asked.get("in_doubt", 0),
        },
    }
