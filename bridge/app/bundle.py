"""What somebody who helps from afar needs to know of a bridge, without what they must not."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any

from bridge.app import Bridge
from bridge.config import Config, settings
from bridge.domain.pseudonyms import Pseudonyms, words
from bridge.domain.times import rfc3339
from bridge.engine.context import Context
from bridge.engine.insight import drift, explain, installs, status
from bridge.errors import NoDatabase, StoreError
from bridge.logs import redact
from bridge.store import meta
from bridge.store.file.companions import beside
from bridge.store.views import alerts, audit, fleet, identities, licences, outbox

MOST = 200
"""Entries of each list, the newest."""
MOST_EXPLAINED = 50
"""Installs of those that need somebody that are explained in full."""
PACKAGE = "micromdm-vpp-bridge"
LEFT_OUT = "(left out)"
SHORTEST = 6
"""Characters of a secret that is looked for everywhere; a shorter one is a part of many words."""

Findings = Sequence[Mapping[str, Any]]


def bundle(bridge: Bridge, findings: Findings | None, *, with_serials: bool) -> dict[str, Any]:
    """All of it, of one moment, ready for JSON; `findings` are doctor's, None where it was not
    asked.

    Serial numbers, ids and names are replaced by pseudonyms, the same for as long as the instance
    has its id, unless `with_serials`. Keys are in none of it. A database that cannot be read is
    told of in its place.
    """
    told: dict[str, Any] = {
        "made_at": rfc3339(bridge.now()),
        "versions": versions(),
        "configuration": configuration(bridge.config),
        "doctor": None if findings is None else list(findings),
    }
    key = ""
    try:
        if bridge.database.is_missing():
            raise NoDatabase(bridge.config.database)
        with bridge.looking() as context:
            told |= _stored(bridge, context)
            key = meta.recall(context.db, "instance_id") or ""
            if not with_serials:
                told = _without_names(context, Pseudonyms(key), told)
    except StoreError as error:
        told["database"] = {"cannot_be_read": str(error)}
        if not with_serials:
            told = Pseudonyms(key).replaced(told, {}, set())
    secrets = [each for each in settings.secrets(bridge.config) if len(each) >= SHORTEST]
    cleaned: dict[str, Any] = _without_secrets(told, [*secrets, key])
    return cleaned


def _stored(bridge: Bridge, context: Context) -> dict[str, Any]:
    db = context.db
    needing = installs.page(context, needs_someone=True, limit=MOST).items
    return {
        "database": {"files": _files(bridge.config), "rows": identities.rows_of_tables(db)},
        "status": status.report(context, bridge.config, bridge.database, bridge.engine_lock),
        "needs_somebody": needing,
        "explained": [_explained(context, each) for each in needing[:MOST_EXPLAINED]],
        "locations": licences.locations(db, limit=MOST).items,
        "drift": drift.page(context, bridge.config, limit=MOST).items,
        "alerts": alerts.alerts(db, limit=MOST).items,
        "commands": outbox.commands(db, limit=MOST).items,
        "outbox": outbox.outbox(db, limit=MOST).items,
        "events": fleet.events(db, waiting=context.waiting, limit=MOST).items,
        "audit": audit.entries(db, limit=MOST).items,
    }


def _files(config: Config) -> dict[str, int]:
    """The files of the database by their endings, with their bytes; none on a server."""
    if not isinstance(config.database, Path):
        return {}
    paths = {end: beside(config.database, end) for end in ("", "-wal", ".inbox", ".inbox-wal")}
    return {end or "itself": p.stat().st_size for end, p in paths.items() if p.exists()}


def versions() -> dict[str, str]:
    """Of the bridge, of what it runs on, and of the packages that it names."""
    found = {
        "python": platform.python_version(),
        "system": platform.platform(),
        "sqlite": identities.sqlite_version(),
    }
    try:
        found["bridge"] = version(PACKAGE)
        named = requires(PACKAGE) or ()
    except PackageNotFoundError:
        return found | {"bridge": "unknown"}
    for line in named:
        name = line.split(";")[0].split("[")[0].split(">")[0].split("<")[0].split("=")[0].strip()
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # of an extra that is not installed
    return found


def configuration(config: Config) -> dict[str, Any]:
    """The settings without keys; of groups, apps and users what says how they are served, and no
    device and no person."""
    shown = settings.without_secrets(config)
    hidden = ("configuration", "attributes")
    desired = config.desired
    shown["desired"] = {
        "groups": len(desired.groups),
        "users": len(desired.users),
        "apps": [
            {f.name: _plain(getattr(app, f.name)) for f in fields(app) if f.name not in hidden}
            for app in desired.apps
        ],
    }
    return shown | {"warnings": list(config.warnings), "mistakes": list(config.mistakes)}


def _plain(value: object) -> object:
    if isinstance(value, str | int | float | bool | None):
        return value
    return [_plain(each) for each in value] if isinstance(value, tuple) else str(value)


def _explained(context: Context, install: Mapping[str, Any]) -> Mapping[str, Any] | None:
    target = install["serial_number"] or install["enrollment_id"] or ""
    if not target and install["client_user_id"]:
        target = f"user:{install['client_user_id']}"
    return explain.explain(context, target, install["adam_id"])


def _without_names(context: Context, pseudonyms: Pseudonyms, told: Any) -> Any:
    known = identities.known(context.db, sorted(words(told)))
    return pseudonyms.replaced(told, known, identities.device_names(context.db))


def _without_secrets(value: Any, secrets: Sequence[str]) -> Any:
    """The last line of defence, as `redact` is: nothing of it is supposed to hold any."""
    match value:
        case dict():
            return {name: _without_secrets(each, secrets) for name, each in value.items()}
        case list() | tuple():
            return [_without_secrets(each, secrets) for each in value]
        case str():
            for secret in secrets:
                value = value.replace(secret, LEFT_OUT) if secret else value
            return redact(value)
    return value
