"""Telling Apple who we are and where notifications go, and keeping it told.

Apple calls this the client configuration: mdmInfo, a notification URL, its token and the types of
notifications. Apple posts a TEST_NOTIFICATION to the URL while the call that sets it is in flight,
and takes nothing of it when that fails (Apple, "Subscribing to notifications"); then only who we
are is told, the bridge asks Apple for results, and the URL is tried again from time to time.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import ClientConfig, MdmInfo
from bridge.domain.catalogue import AppleError, apple_error
from bridge.domain.pauses import Pause, Pauses
from bridge.domain.policy import HOUR
from bridge.engine.calls.apple import AppleCall, deny, hear
from bridge.engine.context import Context
from bridge.engine.licences import foreign_mdm, notification_tokens, suspension
from bridge.engine.licences.foreign_mdm import ForeignMdm
from bridge.engine.users import deciding
from bridge.errors import AppleRefused, CallError
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.licences import locations
from bridge.store.licences.locations import Location
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

log = logging.getLogger(__name__)

MDM_NAME = "micromdm-vpp-bridge"
NOTIFICATION_TYPES = (
    "TEST_NOTIFICATION",
    "ASSET_MANAGEMENT",
    "ASSET_COUNT",
    "UNLIMITED_ASSET",
    "USER_MANAGEMENT",
    "USER_ASSOCIATED",
    "SUBSCRIPTION_MANAGEMENT",
    "SUBSCRIPTION_COUNT",
)
"""All that there are. Source: Apple, "Client Config"."""
LONGEST_METADATA = 255
"""Apple's `maxMdmMetadataLength`."""

RENEWAL = "renewal"
"""A register row's subject when only a new notification token is due."""

STALE = "the notification token"
ONLY_THE_TOKEN = (RENEWAL, STALE)
"""A register row's subject when nothing but the notification token is to be told."""

UNREACHABLE = (9720, 9728)
URL_REFUSED = (*UNREACHABLE, 9710, 9711, 9712)
"""Errors that are about the notification URL. Apple documents 9728 for one that it cannot reach;
FileWave saw 9720."""


@dataclass(frozen=True, slots=True)
class Told:
    """How telling Apple went.

    `config` is the location's client configuration afterwards; None when nobody was asked.
    `digest` is the SHA-256 of the notification token that Apple took, `url_refused` why it took
    none, `refused` why it was not told anything at all.
    """

    config: ClientConfig | None
    digest: str | None = None
    url_refused: str | None = None
    refused: str | None = None


class Register(AppleCall):
    """Tell Apple who we are and where notifications go, unless somebody else holds the location.

    The token's SHA-256 is committed before Apple hears of it; the token itself is kept nowhere.
    What Apple was told already is read first, and not told again.
    """

    kind = "register"
    effect = "write"
    repeatable = True

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """Without a new notification token Apple's notifications would be refused at our door."""
        return None if row.subject in ONLY_THE_TOKEN else paused.over_location(row.scope)

    def perform(self, row: OutboxRow) -> Told:
        name = row.scope
        with self.database.read() as db:
            location, ours = locations.get(db, name), meta.recall(db, "instance_id") or ""
            former = meta.former_ids(db)
        refused = self.forbidden(location, row)
        if refused is not None:
            return Told(None, refused=refused)
        client = self.clients.apple(name)
        config = client.client_config()
        is_ours = location.registered_at is not None
        config = foreign_mdm.as_known(config, ours, is_ours=is_ours)
        other = foreign_mdm.of_config(config, ours, (self.urls.get(name), location.told_url))
        refused = self.not_taken_over(other, row, former)
        if refused is not None:
            return Told(config, refused=refused)
        with self.database.write() as db:
            digest, now = config.notification_token_sha256, row.claimed_at or row.created_at
            notification_tokens.seen(db, name, digest, now)
            location = locations.get(db, name)
        if self._is_told(location, config, ours, row):
            return Told(config)
        return self._tell(client, name, config, ours)

    def forbidden(self, location: Location, row: OutboxRow) -> str | None:
        """Why Apple must not be told anything, by what is stored."""
        if location.suspended is None:
            return None
        return f"nothing is written there: {location.suspended}: {location.suspended_detail}"

    def not_taken_over(
        self, other: ForeignMdm | None, row: OutboxRow, former: Collection[str]
    ) -> str | None:
        """Why the location is left to its MDM; `former` are the ids that this bridge had before."""
        return None if other is None else f"another MDM holds it: {other.shown_to(former)}"

    def _is_told(self, location: Location, config: ClientConfig, ours: str, row: OutboxRow) -> bool:
        """Whether nothing is left to tell: the answer to an earlier try may have been lost."""
        if row.subject == RENEWAL and (location.notification_token_at or 0.0) < row.created_at:
            return False
        return difference(location, config, ours, self.urls.get(row.scope)) is None

    def _tell(self, client: AppleClient, name: str, before: ClientConfig, ours: str) -> Told:
        url = self.urls.get(name)
        info = MdmInfo(ours, MDM_NAME, (url or MDM_NAME)[:LONGEST_METADATA])
        if url is None:
            return Told(client.set_client_config(mdm_info=info))
        token = secrets.token_urlsafe(32)
        digest = hashlib.sha256(token.encode()).hexdigest()
        with self.database.write() as db:
            notification_tokens.offer(db, name, digest)
        try:
            config = client.set_client_config(
                mdm_info=info,
                notification_url=url,
                notification_token=token,
                notification_types=NOTIFICATION_TYPES,
            )
        except AppleRefused as error:
            with self.database.write() as db:
                notification_tokens.refused(db, name, digest)
            if error.number not in URL_REFUSED:
                raise
            why = why_refused(url, error)
        else:
            return Told(config, digest=digest)
        known = before.envelope.mdm_info
        if known is None or known.id != ours:
            before = client.set_client_config(mdm_info=info)
        return Told(before, url_refused=why)

    def settle(self, context: Context, row: OutboxRow, result: Told) -> None:
        if result.config is not None:
            observe(context, row.scope, result.config, self.urls.get(row.scope))
        if result.refused is not None:
            outbox.failed(context.db, row.id, context.now, result.refused)
            return
        outbox.done(context.db, row.id, context.now)
        if result.digest is not None:
            notification_tokens.confirm(context.db, row.scope, result.digest, context.now)
        url = self.urls.get(row.scope)
        if url is not None and result.url_refused is None:
            locations.update(context.db, row.scope, told_url=url)
        url_taken(context, row.scope, result.url_refused)
        registered(context, row.scope)

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """Nothing goes on without it: try again, at growing intervals."""
        return self.again(context, row, error, rest=False)


def register(context: Context, location: str, why: str) -> None:
    """Intend to tell Apple who we are and where notifications go; `why` is what differs."""
    Register.intend(context.db, location, key=location, subject=why, now=context.now)


def difference(location: Location, config: ClientConfig, ours: str, url: str | None) -> str | None:
    """What of a client configuration is not as we want it, if anything is."""
    info = config.envelope.mdm_info
    if info is None or info.id != ours:
        return "the MDM"
    if url is None:
        return None
    if config.notification_url != url:
        return "the notification URL"
    types = config.notification_types
    if types is not None and not set(NOTIFICATION_TYPES) <= {*types, "TEST_NOTIFICATION"}:
        return "the types of notifications"
    known = location.notification_token_sha256
    if known is None or config.notification_token_sha256 not in (None, known):
        return STALE
    return None


def is_change_of_others(location: Location, config: ClientConfig, what: str) -> bool:
    """Whether what differs was as we told it once, so that somebody else has changed it."""
    if location.registered_at is None:
        return False
    if what == "the notification URL":
        return location.told_url not in (None, config.notification_url)
    return what == "the MDM" or location.told_url is not None


def observe(context: Context, name: str, config: ClientConfig, url: str | None) -> None:
    """Keep what a client configuration says; `url` is where we want notifications."""
    ours, before = meta.instance_id(context.db), locations.get(context.db, name)
    config = foreign_mdm.as_known(config, ours, is_ours=before.registered_at is not None)
    hear(context, name, config.envelope)
    notification_tokens.seen(context.db, name, config.notification_token_sha256, context.now)
    info = config.envelope.mdm_info
    locations.update(
        context.db,
        name,
        location_name=config.location_name,
        country=config.country,
        platform=config.default_platform,
        mdm_id=info.id if info is not None else None,
        mdm_name=info.name if info is not None else None,
        notification_url=config.notification_url,
        notification_types=",".join(config.notification_types or ()),
        config_read_at=context.now,
    )
    other = foreign_mdm.of_config(config, ours, (url, before.told_url))
    if other is not None:
        shown = other.shown_to(meta.former_ids(context.db))
        suspension.held_by_another(context, name, shown)
    elif suspension.held_by_no_other(context, name):
        if before.mdm_id and before.mdm_id != ours:
            deny(context, name, before.mdm_id)
        read_everything(context, name)


def registered(context: Context, name: str) -> None:
    """The location is ours: read what licences are decided by."""
    if locations.get(context.db, name).registered_at is None:
        locations.update(context.db, name, registered_at=context.now)
        read_everything(context, name)


def read_everything(context: Context, name: str) -> None:
    """Decide nothing at a location before its counts and assignments have been read anew."""
    location = locations.get(context.db, name)
    if location.registered_at is None:
        return
    locations.update(
        context.db,
        name,
        registered_at=context.now,
        assets_read_at=None,
        assignments_read_at=None,
        assignments_version=None,
        users_read_at=None,
        users_version=None,
    )
    for job in ("limits", "assets", "assignments"):
        meta.hasten_job(context.db, f"{job}:{name}", context.now)
    deciding.read_anew(context, name)
    installs.touch_location(context.db, name, context.now)


def url_taken(context: Context, name: str, why_not: str | None) -> None:
    """Apple took the notification URL, or did not: then it is tried again later."""
    location = locations.get(context.db, name)
    if why_not is None:
        if location.url_refused is not None:
            locations.update(context.db, name, url_refused=None, url_refused_at=None)
        return
    since = location.url_refused_at or context.now
    locations.update(context.db, name, url_refused=why_not, url_refused_at=since)
    meta.count(context.db, "apple.url_refused", context.now)
    if location.url_refused != why_not:
        log.warning("%s", why_not, extra={"location": name})
    policy = context.policy.sync
    young = context.now - since < HOUR
    wait = policy.service_config_every if young else policy.client_config_every
    meta.hasten_job(context.db, f"config:{name}", context.now + wait)


def why_refused(url: str, error: AppleRefused) -> str:
    """What is wrong with a notification URL that Apple does not take, for people."""
    if error.number in UNREACHABLE:
        return (
            f"Apple cannot reach {url}: check its certificate and that 17.0.0.0/8 gets through"
            f" (error {error.number})"
        )
    return f"Apple does not take {url}: {apple_error(error.number).cause} (error {error.number})"
