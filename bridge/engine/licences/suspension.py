"""What keeps the bridge from writing at a location: how it begins, and how it ends by itself.

There are three kinds, and each ends on its own: the content token does not do, another MDM holds
the location, or a location before it in the file has the same library. The first of these that is
so is what `suspended` says; reads go on all the while.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from bridge.domain.catalogue import apple_error
from bridge.domain.policy import DAY
from bridge.engine.context import Context
from bridge.engine.users import deciding
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.licences import locations
from bridge.store.licences.locations import Location

log = logging.getLogger(__name__)

SHOWN_BY_WRITES_ONLY = ("TOKEN_READ_ONLY", "APPLE_MANAGED")
"""Stops that a good reply to a read does not disprove: another token may, or the next write."""

TRY_AGAIN_AFTER = DAY
"""Seconds after which a write is tried again that the token was not allowed."""


def refuse_token(context: Context, name: str, reason: str, detail: str, digest: str | None) -> None:
    """The content token with this digest does not do, for `reason`."""
    locations.update(
        context.db,
        name,
        token_suspension=reason,
        token_suspension_detail=detail[:300],
        token_suspension_at=context.now,
        token_suspension_digest=digest,
    )
    _settle(context, name)


def stopped_by(context: Context, name: str, error_number: int | None) -> bool:
    """Whether a number of Apple's in the result of an event is about the content token; then the
    location is suspended."""
    verdict = apple_error(error_number)
    if verdict.kind != "stop":
        return False
    detail = f"{verdict.cause} ({error_number})"
    refuse_token(
        context, name, verdict.reason, detail, locations.get(context.db, name).token_digest
    )
    return True


def token_works(context: Context, name: str) -> None:
    """A good reply came: what the token was stopped for may be over."""
    location = locations.get(context.db, name)
    if location.token_suspension is None:
        return
    if location.token_suspension in SHOWN_BY_WRITES_ONLY:
        same = location.token_digest == location.token_suspension_digest
        if same and context.now < (location.token_suspension_at or 0.0) + TRY_AGAIN_AFTER:
            return
    locations.update(
        context.db,
        name,
        token_suspension=None,
        token_suspension_detail=None,
        token_suspension_at=None,
        token_suspension_digest=None,
    )
    _settle(context, name)


def held_by_another(context: Context, name: str, shown: str) -> None:
    """Another MDM holds the location; `shown` says by what it shows.

    Its client configuration is read at once, because that alone tells when this is over.
    """
    if locations.get(context.db, name).foreign_mdm is None:
        meta.hasten_job(context.db, f"config:{name}", context.now)
    locations.update(context.db, name, foreign_mdm=shown[:300])
    _settle(context, name)


def held_by_no_other(context: Context, name: str) -> bool:
    """No other MDM holds the location; returns whether one did before."""
    before = locations.get(context.db, name).foreign_mdm
    if before is None:
        return False
    locations.update(context.db, name, foreign_mdm=None)
    _settle(context, name)
    return True


def share(context: Context, names: Sequence[str]) -> None:
    """Find the locations whose library one before them has; `names` are in the file's order."""
    first: dict[str, str] = {}
    for name in names:
        location = locations.get(context.db, name)
        owner = None
        if location.library_uid is not None:
            found = first.setdefault(location.library_uid, name)
            owner = None if found == name else found
        if location.shared_with != owner:
            locations.update(context.db, name, shared_with=owner)
            _settle(context, name)


def _settle(context: Context, name: str) -> None:
    before = locations.get(context.db, name)
    reason, detail = _first(before)
    locations.update(context.db, name, suspended=reason, suspended_detail=detail)
    if before.suspended == reason:
        return
    installs.touch_location(context.db, name, context.now)
    deciding.touch_location(context, name)
    if reason is None:
        log.info("the bridge writes at this location again", extra={"location": name})
    else:
        meta.count(context.db, "location.stopped", context.now)
        log.warning(
            "nothing is written at this location: %s: %s", reason, detail, extra={"location": name}
        )


def _first(location: Location) -> tuple[str | None, str | None]:
    if location.token_suspension is not None:
        return location.token_suspension, location.token_suspension_detail
    if location.foreign_mdm is not None:
        return "FOREIGN_MDM", location.foreign_mdm
    if location.shared_with is not None:
        return "SHARED_LIBRARY", f"{location.shared_with} comes before it"
    return None, None
