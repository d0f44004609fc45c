"""What Apple's App and Book Management API answers, as frozen values, and how they are read.

Sources: Apple, "App and Book Management", pages "Service Config", "Client Config", "Get Assets",
"Get Assignments", "Manage Assets" and "Event Status". Unknown members are ignored and open
vocabularies (statuses, types, platforms) stay text. Every reader raises ShapeError for a reply
that is not of its documented shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from hashlib import sha256

from bridge.clients.shape import (
    Fields,
    boolean,
    integer_or_none,
    object_or_empty,
    rows,
    text,
    text_or_none,
    texts,
    time_or_none,
)
from bridge.domain.model import DEFAULT_PRICING, Asset, Target

UNLIMITED = 2147483647
"""The totalCount by which Apple shows an unlimited free app (Apple, "Managing Assets")."""


@dataclass(frozen=True, slots=True)
class MdmInfo:
    """Which MDM holds the content token; a part that a foreign one left out is empty."""

    id: str
    name: str = ""
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Envelope:
    """What comes with every authenticated reply; each part is None when Apple left it out.

    `library_uid` is Apple's uId, `token_expires_at` seconds since the epoch.
    """

    library_uid: str | None
    mdm_info: MdmInfo | None
    token_expires_at: float | None


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may hold; the defaults stand for keys that Apple left out."""

    max_assets: int = 25
    max_serial_numbers: int = 1000
    max_client_user_ids: int = 1000
    max_users: int = 100
    max_request_per_second: int = 15
    max_notification_length: int = 512
    max_mdm_id_length: int = 100
    max_mdm_name_length: int = 100
    max_mdm_metadata_length: int = 255


@dataclass(frozen=True, slots=True)
class ServiceConfig:
    """`GET /service/config`. `urls` only inform: no request follows them."""

    limits: Limits
    notification_types: tuple[str, ...]
    urls: Mapping[str, str]
    error_texts: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class ClientConfig:
    """`GET` or `POST /client/config`. The notification token is kept as its SHA-256 in hex only."""

    envelope: Envelope
    notification_url: str | None
    notification_token_sha256: str | None
    notification_types: tuple[str, ...]
    location_name: str | None
    country: str | None
    default_platform: str | None
    website: str | None


@dataclass(frozen=True, slots=True)
class AssetCounts:
    """One asset of the location. All counts but `assigned` are None for an unlimited one."""

    asset: Asset
    product_type: str | None
    device_assignable: bool
    revocable: bool
    supported_platforms: tuple[str, ...]
    unlimited: bool
    assigned: int | None
    available: int | None
    retired: int | None
    total: int | None


@dataclass(frozen=True, slots=True)
class Assignment:
    """A licence that is held. `target` is None for a kind of holder that we do not know."""

    asset: Asset
    target: Target | None


@dataclass(frozen=True, slots=True)
class Page:
    """The part that all page-wise replies have; `next_page_index` is None on the last page."""

    envelope: Envelope
    page_index: int
    next_page_index: int | None
    total_pages: int | None
    version_id: str | None


@dataclass(frozen=True, slots=True)
class AssetsPage(Page):
    """One page of `GET /assets`."""

    assets: tuple[AssetCounts, ...]


@dataclass(frozen=True, slots=True)
class AssignmentsPage(Page):
    """One page of `GET /assignments`; a page may be empty and still have a next one."""

    assignments: tuple[Assignment, ...]


@dataclass(frozen=True, slots=True)
class EventReply:
    """Apple accepted an asynchronous request; its result comes later, under this id."""

    envelope: Envelope
    apple_event_id: str


@dataclass(frozen=True, slots=True)
class EventFailure:
    """One failure within an event; what it names is exactly what failed."""

    error_number: int | None
    message: str
    serial_numbers: tuple[str, ...]
    client_user_ids: tuple[str, ...]
    assets: tuple[Asset, ...]


@dataclass(frozen=True, slots=True)
class StatusReply:
    """`GET /status`. `status` is PENDING, COMPLETE or FAILED; FAILED may be partial."""

    envelope: Envelope
    status: str
    event_type: str | None
    num_requested: int | None
    num_completed: int | None
    failures: tuple[EventFailure, ...] = field(default=())


def read_envelope(reply: Fields) -> Envelope:
    """The common envelope; tolerant, because no reply may be lost for what only informs."""
    info = reply.get("mdmInfo")
    return Envelope(
        library_uid=text_or_none(reply, "uId"),
        mdm_info=_mdm_info(info) if info else None,
        token_expires_at=time_or_none(reply, "tokenExpirationDate"),
    )


def _mdm_info(info: object) -> MdmInfo:
    # A holder that cannot be read is still a holder, and not us.
    known = info if isinstance(info, dict) else {}
    id_, name, metadata = (str(known.get(key) or "") for key in ("id", "name", "metadata"))
    return MdmInfo(id_, name, metadata)


def read_service_config(reply: Fields) -> ServiceConfig:
    """Read `GET /service/config`."""
    limits = object_or_empty(reply, "limits")
    errors = {
        number: text_or_none(row, "errorMessage") or ""
        for row in rows(reply, "errorCodes")
        if (number := integer_or_none(row, "errorNumber")) is not None
    }
    return ServiceConfig(
        limits=_limits(limits),
        notification_types=texts(reply, "notificationTypes"),
        urls={key: str(url) for key, url in object_or_empty(reply, "urls").items()},
        error_texts=errors,
    )


def _limits(limits: Fields) -> Limits:
    # max_request_per_second is Apple's maxRequestPerSecond, and so on for each.
    found: dict[str, int] = {}
    for limit in fields(Limits):
        head, *tail = limit.name.split("_")
        value = integer_or_none(limits, head + "".join(word.capitalize() for word in tail))
        if value is not None and value > 0:
            found[limit.name] = value
    return Limits(**found)


def read_client_config(reply: Fields) -> ClientConfig:
    """Read a client config; of the notification token, echoed in clear, only a hash is kept."""
    token = text_or_none(reply, "notificationAuthToken")
    return ClientConfig(
        envelope=read_envelope(reply),
        notification_url=text_or_none(reply, "notificationUrl"),
        notification_token_sha256=sha256(token.encode()).hexdigest() if token else None,
        notification_types=texts(reply, "subscribedNotificationTypes"),
        location_name=text_or_none(reply, "locationName"),
        country=text_or_none(reply, "countryISO2ACode"),
        default_platform=text_or_none(reply, "defaultPlatform"),
        website=text_or_none(reply, "websiteURL"),
    )


def _asset(row: Fields) -> Asset:
    # Some of Apple's examples leave pricingParam out; standard quality is what they mean.
    return Asset(text(row, "adamId"), text_or_none(row, "pricingParam") or DEFAULT_PRICING)


def _asset_counts(row: Fields, unlimited: bool) -> AssetCounts:
    total = integer_or_none(row, "totalCount")
    unlimited = unlimited or total == UNLIMITED
    return AssetCounts(
        asset=_asset(row),
        product_type=text_or_none(row, "productType"),
        # Always there as documented; without it Apple's own refusal (9707, 9706) decides.
        device_assignable=boolean(row, "deviceAssignable", default=True),
        revocable=boolean(row, "revocable", default=True),
        supported_platforms=texts(row, "supportedPlatforms"),
        unlimited=unlimited,
        assigned=integer_or_none(row, "assignedCount"),
        available=None if unlimited else integer_or_none(row, "availableCount"),
        retired=None if unlimited else integer_or_none(row, "retiredCount"),
        total=None if unlimited else total,
    )


def read_assets(reply: Fields) -> AssetsPage:
    """Read a page of assets; those in the list of unlimited ones are joined to the others."""
    limited = [_asset_counts(row, unlimited=False) for row in rows(reply, "assets")]
    unlimited = [_asset_counts(row, unlimited=True) for row in rows(reply, "unlimitedAssets")]
    return AssetsPage(*_page(reply), assets=tuple(limited + unlimited))


def read_assignments(reply: Fields) -> AssignmentsPage:
    """Read a page of assignments."""
    found = tuple(Assignment(_asset(row), _target(row)) for row in rows(reply, "assignments"))
    return AssignmentsPage(*_page(reply), assignments=found)


def _target(row: Fields) -> Target | None:
    if serial_number := text_or_none(row, "serialNumber"):
        return Target("serial", serial_number)
    if client_user_id := text_or_none(row, "clientUserId"):
        return Target("user", client_user_id)
    return None


def _page(reply: Fields) -> tuple[Envelope, int, int | None, int | None, str | None]:
    return (
        read_envelope(reply),
        integer_or_none(reply, "currentPageIndex") or 0,
        integer_or_none(reply, "nextPageIndex"),
        integer_or_none(reply, "totalPages"),
        text_or_none(reply, "versionId"),
    )


def read_event(reply: Fields) -> EventReply:
    """Read the answer to an associate or disassociate."""
    return EventReply(read_envelope(reply), text(reply, "eventId"))


def read_status(reply: Fields) -> StatusReply:
    """Read an event's status."""
    return StatusReply(
        envelope=read_envelope(reply),
        status=text(reply, "eventStatus"),
        event_type=text_or_none(reply, "eventType"),
        num_requested=integer_or_none(reply, "numRequested"),
        num_completed=integer_or_none(reply, "numCompleted"),
        failures=tuple(_failure(row) for row in rows(reply, "failures")),
    )


def _failure(row: Fields) -> EventFailure:
    info = object_or_empty(row, "errorInfo")
    return EventFailure(
        error_number=integer_or_none(row, "errorNumber"),
        message=text_or_none(row, "errorMessage") or "",
        serial_numbers=texts(info, "serialNumbers"),
        client_user_ids=texts(info, "clientUserIds"),
        assets=tuple(_asset(asset) for asset in rows(info, "assets")),
    )
