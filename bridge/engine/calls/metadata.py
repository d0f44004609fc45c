"""Asking Apple's metadata service what apps are called, and their bundle ids.

Nothing waits for it and nothing fails with it: what goes wrong is counted and tried again much
later. A few apps are asked for in one row, one after the other, so that at most one of a
location's few calls under way is ever spent on it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from bridge.clients.metadata import AppMetadata
from bridge.domain.policy import DAY, HOUR, MINUTE
from bridge.domain.updates.newest import Version
from bridge.engine.calls.apple import AppleCall
from bridge.engine.context import Context
from bridge.engine.updates import newest
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.catalog import apps
from bridge.store.desired import applied
from bridge.store.installs import installs
from bridge.store.licences import locations
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.updates import facts as update_facts

BATCH = 5
"""Apps in one row: few, so that a stop of the engine waits for a second at most."""

AFTER_FAILURE = HOUR

NOT_FOUND_FOR = DAY
"""An app without an answer may be a custom one, bought just now, or one that no store has."""

DEFAULT_PLATFORM = "enterprisestore"
DEFAULT_COUNTRY = "us"
_LONGEST_URL = 2000


@dataclass(frozen=True, slots=True)
class Answers:
    """What came of a batch; `failed` is the app at which it ended, if it did not end well."""

    found: Mapping[str, AppMetadata | None]
    failed: str | None = None
    error: CallError | None = None


def heard(context: Context, location: str, urls: Mapping[str, str]) -> None:
    """Keep the address that Apple's service configuration names, or that it names none."""
    url = urls.get("contentMetadataLookup", "")[:_LONGEST_URL]
    if url != _url(context, location):
        meta.keep(context.db, _key(location), url)
        meta.hasten_job(context.db, f"metadata:{location}", context.now)


def intend(context: Context, location: str) -> None:
    """Have the apps asked for that are due, if Apple says where to ask."""
    url, office = _url(context, location), locations.get(context.db, location)
    if not url or office.suspended is not None:
        return
    # Even if the policy says nought, answers of this minute are not asked for again.
    every = max(context.policy.sync.metadata_every, MINUTE)
    often = max(min(every, context.policy.update.look_every), MINUTE)
    due = apps.without_metadata(
        context.db,
        location,
        before=context.now - every,
        updated=[app.adam_id for app in applied.load(context.db).apps if app.update is not None],
        updated_before=context.now - often,
        now=context.now,
        limit=BATCH,
    )
    if not due:
        return
    country, platform = apps.storefront(context.db, location)
    platform = platform or DEFAULT_PLATFORM
    subject = {
        "url": url,
        "country": country or DEFAULT_COUNTRY,
        "apps": {a: "macappstore" if runs_on == "macOS" else platform for a, runs_on in due},
    }
    ReadMetadata.intend(context.db, location, subject=json.dumps(subject), now=context.now)


def _key(location: str) -> str:
    return f"metadata_url:{location}"


def _url(context: Context, location: str) -> str:
    return meta.recall(context.db, _key(location)) or ""


class ReadMetadata(AppleCall):
    """Look a few apps up; the first failure ends the batch."""

    kind = "read_metadata"
    effect = "read"

    def perform(self, row: OutboxRow) -> Answers:
        asked = json.loads(row.subject)
        client = self.clients.metadata(row.scope, asked["url"])
        found: dict[str, AppMetadata | None] = {}
        for adam_id, platform in asked["apps"].items():
            try:
                found[adam_id] = client.lookup(adam_id, platform=platform, country=asked["country"])
            except CallError as error:
                return Answers(found, adam_id, error)
        return Answers(found)

    def settle(self, context: Context, row: OutboxRow, result: Answers) -> None:
        for adam_id, metadata in result.found.items():
            if metadata is None:
                meta.count(context.db, "metadata.not_found", context.now)
                again_at = context.now + NOT_FOUND_FOR
                apps.metadata_missed(context.db, row.scope, adam_id, again_at)
            else:
                _learn(context, adam_id, metadata, row.scope)
        if result.error is None:
            outbox.done(context.db, row.id, context.now)
            meta.hasten_job(context.db, f"metadata:{row.scope}", context.now)
            return
        if result.failed is not None:
            again_at = context.now + AFTER_FAILURE
            apps.metadata_missed(context.db, row.scope, result.failed, again_at)
        self.fail(context, row, result.error)

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """Neither the location nor any of its other calls is any the worse for it."""
        meta.count(context.db, "metadata.failed", context.now)
        wait = max(AFTER_FAILURE, error.retry_after or 0.0)
        meta.plan_job(context.db, f"metadata:{row.scope}", context.now + wait)
        outbox.failed(context.db, row.id, context.now, str(error))
        return None


def _learn(context: Context, adam_id: str, metadata: AppMetadata, location: str) -> None:
    news = apps.store_metadata(
        context.db,
        adam_id,
        bundle_id=metadata.bundle_id,
        name=metadata.name,
        icon_url=metadata.icon_url,
        platforms=metadata.platforms,
        kind=metadata.kind,
        newest_version=metadata.newest_version,
        now=context.now,
    )
    if news:
        installs.touch_app(context.db, adam_id, context.now)
    newest.from_store(
        context,
        adam_id,
        update_facts.storefront(context.db, location),
        metadata.families,
        Version(metadata.newest_version, metadata.external_version),
        metadata.minimum_os,
    )
