"""Calls about a location itself: whose it is, its limits, what it owns, and who holds what."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from bridge.clients.apple.replies import (
    AssetCounts,
    ClientConfig,
    Envelope,
    ServiceConfig,
)
from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.catalogue import AppleError
from bridge.domain.licences.odd_rows import OddRow, of_pair
from bridge.domain.policy import HOUR, MINUTE
from bridge.engine.calls import metadata
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.calls.registering import (
    RENEWAL,
    difference,
    is_change_of_others,
    observe,
    register,
    registered,
    url_taken,
)
from bridge.engine.context import Context
from bridge.engine.desired import apply
from bridge.engine.licences import foreign_mdm, settle
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.catalog import usage
from bridge.store.desired import applied
from bridge.store.installs import installs
from bridge.store.licences import assignments, locations, odd_rows
from bridge.store.licences.locations import Location
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.users import users

log = logging.getLogger(__name__)

WALK_AGAIN = (1.0, 10.0, MINUTE, 10 * MINUTE, HOUR, 6 * HOUR)
"""Seconds until assignments are walked again that were written under the walk; the last repeats."""


class ReadClientConfig(AppleCall):
    """Whose the location is, and what Apple was told.

    If it is nobody's and a wish uses it, it becomes ours; if it is ours, what somebody has changed
    is set again, and the token of notifications is renewed when it is old.
    """

    kind = "read_client_config"
    effect = "read"

    def perform(self, row: OutboxRow) -> ClientConfig:
        return self.clients.apple(row.scope).client_config()

    def settle(self, context: Context, row: OutboxRow, result: ClientConfig) -> None:
        outbox.done(context.db, row.id, context.now)
        url = self.urls.get(row.scope)
        observe(context, row.scope, result, url)
        location = locations.get(context.db, row.scope)
        if location.suspended is not None or not _is_wished_for(context, row.scope):
            return
        ours, is_ours = meta.instance_id(context.db), location.registered_at is not None
        result = foreign_mdm.as_known(result, ours, is_ours=is_ours)
        what = difference(location, result, ours, url)
        if what is None and url is not None and _is_old(context, location):
            register(context, row.scope, RENEWAL)
            return
        if what is None:
            url_taken(context, row.scope, None)
            registered(context, row.scope)
            return
        if is_change_of_others(location, result, what):
            meta.count(context.db, "apple.config_changed", context.now)
            log.warning(
                "somebody has changed %s at Apple; it is set again",
                what,
                extra={"location": row.scope},
            )
        register(context, row.scope, what)


def _is_old(context: Context, location: Location) -> bool:
    age = context.now - (location.notification_token_at or 0.0)
    return age >= context.policy.sync.notification_token_every


def _is_wished_for(context: Context, location: str) -> bool:
    wished = any(location in app.locations for app in applied.load(context.db).apps)
    if wished or installs.any_desired(context.db, location):
        return True
    return users.is_any_concerned(context.db, location)


class LocationRead(AppleCall, abstract=True):
    """A read that nothing goes on without: it is tried again whatever Apple says against it."""

    job: ClassVar[str]
    """The clock's job that intends it, without its location."""

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        return self.again(context, row, error, rest=False)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The location is suspended; its job runs again when that may be over."""
        soon = context.now + context.policy.sync.service_config_every
        meta.hasten_job(context.db, f"{self.job}:{row.scope}", soon)
        return super().give_up(context, row, error)


class ReadLimits(LocationRead):
    """Apple's present limits; to be read every five minutes (Apple, "Service Config")."""

    kind = "read_limits"
    effect = "read"
    job = "limits"

    def perform(self, row: OutboxRow) -> ServiceConfig:
        client = self.clients.apple(row.scope)
        config = client.service_config()
        client.set_rate(config.limits.max_request_per_second)
        return config

    def settle(self, context: Context, row: OutboxRow, result: ServiceConfig) -> None:
        outbox.done(context.db, row.id, context.now)
        locations.update(
            context.db,
            row.scope,
            max_assets=result.limits.max_assets,
            max_serial_numbers=result.limits.max_serial_numbers,
            max_client_user_ids=result.limits.max_client_user_ids,
            max_users=result.limits.max_users,
            invitation_url=result.urls.get("invitationEmail"),
            max_requests_per_second=result.limits.max_request_per_second,
            limits_read_at=context.now,
        )
        metadata.heard(context, row.scope, result.urls)


@dataclass(frozen=True, slots=True)
class Walk:
    """The end of a walk over pages: what it brought, whether data was written under it, and the
    rows that could not be read."""

    envelope: Envelope | None
    version_id: str | None
    version_changed: bool
    began_at: float
    odd: tuple[OddRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AssetsWalk(Walk):
    """A walk over a location's assets."""

    assets: tuple[AssetCounts, ...] = ()


def _began_too_early(context: Context, name: str, walk: Walk) -> bool:
    """Whether the location became ours meanwhile: somebody else may have written under it."""
    return walk.began_at < (locations.get(context.db, name).registered_at or 0.0)


class ReadAssets(LocationRead):
    """What the location owns, with counts; few enough to be kept in one go."""

    kind = "read_assets"
    effect = "read"
    job = "assets"

    def perform(self, row: OutboxRow) -> AssetsWalk:
        began_at = row.claimed_at or 0.0
        walk = AssetsWalk(None, None, False, began_at)
        for step in self.clients.apple(row.scope).walk_assets():
            walk = AssetsWalk(
                step.page.envelope,
                step.version_id,
                step.version_changed,
                began_at,
                walk.odd + step.page.odd + step.missing,
                walk.assets + step.page.assets,
            )
        return walk

    def settle(self, context: Context, row: OutboxRow, result: AssetsWalk) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        name_odd_rows(context, row.scope, "assets", result.odd)
        rows = {a.asset: _columns(a) for a in result.assets}
        before = locations.platforms_of(context.db, row.scope)
        locations.store_assets(context.db, row.scope, list(rows.items()), result.began_at)
        usage.keep_day(context.db, row.scope, context.now)
        if locations.platforms_of(context.db, row.scope) != before:
            apply.platforms_changed(context.db)
        if _began_too_early(context, row.scope, result):
            meta.hasten_job(context.db, f"assets:{row.scope}", context.now)
            return
        locations.update(context.db, row.scope, assets_read_at=context.now)
        installs.touch_waiting(context.db, row.scope, context.now)


def name_odd_rows(
    context: Context, location: str, source: odd_rows.Source, odd: Sequence[OddRow]
) -> None:
    """Keep the rows that could not be read, and say so once of each."""
    for news in odd_rows.replace(context.db, location, source, odd, context.now):
        meta.count(context.db, f"apple.odd_{source}", context.now)
        log.warning(
            "a row of Apple's %s cannot be read and is left out: %s",
            source,
            news.shown,
            extra={"location": location},
        )


def _columns(counts: AssetCounts) -> dict[str, Any]:
    return {
        "product_type": counts.product_type,
        "total": counts.total,
        "available": counts.available,
        "retired": counts.retired,
        "assigned": counts.assigned,
        "unlimited": int(counts.unlimited),
        "device_assignable": int(counts.device_assignable),
        "revocable": int(counts.revocable),
        "platforms": ",".join(counts.supported_platforms),
    }


class ReadAssignments(LocationRead):
    """Who holds what, in full. Pages are kept as they come, in short transactions."""

    kind = "read_assignments"
    effect = "read"
    job = "assignments"

    def perform(self, row: OutboxRow) -> Walk:
        began_at = row.claimed_at or 0.0
        walk = Walk(None, None, False, began_at)
        for step in self.clients.apple(row.scope).walk_assignments():
            odd = walk.odd + step.page.odd + step.missing
            walk = Walk(step.page.envelope, step.version_id, step.version_changed, began_at, odd)
            pairs = [pair for a in step.page.assignments if (pair := a.pair) is not None]
            with self.database.write() as db:
                assignments.confirm(db, row.scope, pairs, told_by="read", now=began_at)
        return walk

    def settle(self, context: Context, row: OutboxRow, result: Walk) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        name_odd_rows(context, row.scope, "assignments", result.odd)
        if _began_too_early(context, row.scope, result):
            meta.hasten_job(context.db, f"assignments:{row.scope}", context.now)
            return
        changes = f"walks_changed:{row.scope}"
        if result.version_changed:
            # Data was written under the walk, so a page may have been skipped: what was shown is
            # held, but what was not shown may be held, too.
            times = int(meta.recall(context.db, changes) or 0)
            again_at = context.now + last_delay_for_ever(WALK_AGAIN, times + 1)
            meta.keep(context.db, changes, str(times + 1))
            meta.hasten_job(context.db, f"assignments:{row.scope}", again_at)
        else:
            meta.keep(context.db, changes, "0")
            unread = assignments.unread_since(context.db, row.scope, result.began_at)
            gone = [pair for pair in unread if of_pair(result.odd, pair) is None]
            settle.taken_away(context, row.scope, gone)
        locations.update(
            context.db,
            row.scope,
            assignments_read_at=context.now,
            assignments_version=result.version_id,
        )
        installs.touch_unsettled(context.db, context.now, row.scope)
