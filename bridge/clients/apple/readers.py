"""How Apple's replies are read, as the values of apple_replies.py.

Rows are read one by one: those that cannot be are left out and named in `odd`. Members that only
inform are left out where they cannot be read. Every reader raises ShapeError for a reply that tells
nothing of what it is asked for.
"""

from __future__ import annotations

from dataclasses import fields
from hashlib import sha256

from bridge.clients.apple.replies import (
    AssetCounts,
    AssetsPage,
    Assignment,
    AssignmentsPage,
    ClientConfig,
    Envelope,
    EventFailure,
    EventReply,
    Limits,
    MdmInfo,
    ServiceConfig,
    StatusReply,
    UsersPage,
)
from bridge.clients.shape import (
    Fields,
    Unread,
    boolean,
    entries,
    integer_or_none,
    lenient,
    object_or_empty,
    text,
    text_or_none,
    texts,
    time_or_none,
)
from bridge.domain.devices.targets import of_user
from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.model import DEFAULT_PRICING, Asset, Target
from bridge.domain.users.facts import ToldUser
from bridge.errors import ShapeError

UNLIMITED = 2147483647
"""The totalCount by which Apple shows an unlimited free app (Apple, "Managing Assets")."""

LONGEST_ADAM_ID = 19

MOST_TIMES = 10
"""How many times a limit that Apple documents a reply may raise it to."""

_MEMBERS_OF_ASSIGNMENTS = {
    "adamId",
    "pricingParam",
    "serialNumber",
    "clientUserId",
    "idHash",
    "userStatus",
}
"""What Apple documents of an assignment; another member may be another kind of holder."""


def read_envelope(reply: Fields) -> Envelope:
    """The common envelope; tolerant, because no reply may be lost for what only informs."""
    info = reply.get("mdmInfo")
    return Envelope(
        library_uid=lenient(text_or_none, reply, "uId"),
        mdm_info=_mdm_info(info) if info else None,
        token_expires_at=time_or_none(reply, "tokenExpirationDate"),
    )


def _mdm_info(info: object) -> MdmInfo:
    # A holder that cannot be read is still a holder, and not us.
    known = info if isinstance(info, dict) else {}
    id_, name, metadata = (
        lenient(text_or_none, known, key) or "" for key in ("id", "name", "metadata")
    )
    return MdmInfo(id_, name, metadata)


def read_service_config(reply: Fields) -> ServiceConfig:
    """Read `GET /service/config`."""
    urls = lenient(object_or_empty, reply, "urls") or {}
    return ServiceConfig(
        limits=_limits(lenient(object_or_empty, reply, "limits") or {}),
        notification_types=lenient(texts, reply, "notificationTypes") or (),
        urls={key: text(urls, key) for key in urls if lenient(text, urls, key)},
        error_texts=_error_texts(reply),
    )


def _error_texts(reply: Fields) -> dict[int, str]:
    def read(row: Fields) -> tuple[int | None, str]:
        return integer_or_none(row, "errorNumber"), text_or_none(row, "errorMessage") or ""

    try:
        known, _ = entries(reply, "errorCodes", read)
    except ShapeError:
        return {}
    return {number: said for number, said in known if number is not None}


def _limits(limits: Fields) -> Limits:
    """What Apple allows: at least 1, and at most `MOST_TIMES` what it documents. A slip in a reply
    must not let the bridge ask without any pause.
    """
    # max_request_per_second is Apple's maxRequestPerSecond, and so on for each.
    found: dict[str, int] = {}
    documented = Limits()
    for limit in fields(Limits):
        head, *tail = limit.name.split("_")
        key = head + "".join(word.capitalize() for word in tail)
        value = lenient(integer_or_none, limits, key)
        if value is not None and value > 0:
            found[limit.name] = min(value, MOST_TIMES * getattr(documented, limit.name))
    return Limits(**found)


def read_client_config(reply: Fields) -> ClientConfig:
    """Read a client config; of the notification token, echoed in clear, only a hash is kept.

    Raises ShapeError where the notification URL cannot be read: it may show another MDM.
    """
    token = lenient(text_or_none, reply, "notificationAuthToken")
    return ClientConfig(
        envelope=read_envelope(reply),
        notification_url=text_or_none(reply, "notificationUrl"),
        notification_token_sha256=sha256(token.encode()).hexdigest() if token else None,
        notification_types=lenient(texts, reply, "subscribedNotificationTypes"),
        location_name=lenient(text_or_none, reply, "locationName"),
        country=lenient(text_or_none, reply, "countryISO2ACode"),
        default_platform=lenient(text_or_none, reply, "defaultPlatform"),
        website=lenient(text_or_none, reply, "websiteURL"),
    )


def _asset(row: Fields) -> Asset:
    # Some of Apple's examples leave pricingParam out; standard quality is what they mean.
    return Asset(adam_id(row), text_or_none(row, "pricingParam") or DEFAULT_PRICING)


def adam_id(row: Fields, key: str = "adamId") -> str:
    """An Adam ID, as text; raises ShapeError for what is none."""
    written = text(row, key)
    if not (written.isascii() and written.isdigit() and len(written) <= LONGEST_ADAM_ID):
        raise ShapeError(f"{key} is not a number")
    return written


def _asset_counts(row: Fields, unlimited: bool) -> AssetCounts:
    total = integer_or_none(row, "totalCount")
    unlimited = unlimited or total == UNLIMITED
    return AssetCounts(
        asset=_asset(row),
        product_type=lenient(text_or_none, row, "productType"),
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
    limited, odd = entries(reply, "assets", lambda row: _asset_counts(row, unlimited=False))
    unlimited, odd_too = entries(
        reply, "unlimitedAssets", lambda row: _asset_counts(row, unlimited=True)
    )
    left_out = tuple(_odd("assets", each) for each in odd)
    left_out += tuple(_odd("unlimitedAssets", each) for each in odd_too)
    return AssetsPage(*_page(reply), assets=limited + unlimited, odd=left_out)


def read_assignments(reply: Fields) -> AssignmentsPage:
    """Read a page of assignments."""
    found, odd = entries(reply, "assignments", lambda row: Assignment(_asset(row), _target(row)))
    left_out = (_odd("assignments", each) for each in odd)
    return AssignmentsPage(*_page(reply), assignments=found, odd=tuple(left_out))


def _target(row: Fields) -> Target | None:
    if serial_number := text_or_none(row, "serialNumber"):
        return Target("serial", serial_number)
    if client_user_id := text_or_none(row, "clientUserId"):
        return Target("user", client_user_id)
    if row.keys() <= _MEMBERS_OF_ASSIGNMENTS:
        raise ShapeError("serialNumber is missing")
    return None


def read_users(reply: Fields) -> UsersPage:
    """Read a page of users."""
    found, odd = entries(reply, "users", _user)
    left_out = (OddRow(each.what, f"row {each.place + 1} of users") for each in odd)
    return UsersPage(*_page(reply), users=found, odd=tuple(left_out))


def _user(row: Fields) -> ToldUser:
    return ToldUser(
        client_user_id=text(row, "clientUserId"),
        status=text(row, "status"),
        email=lenient(text_or_none, row, "email"),
        id_hash=lenient(text_or_none, row, "idHash"),
        invite_code=lenient(text_or_none, row, "inviteCode"),
    )


def _odd(key: str, left_out: Unread) -> OddRow:
    row = left_out.row
    serial_number = lenient(text, row, "serialNumber")
    user = lenient(text, row, "clientUserId") if row.get("serialNumber") is None else None
    holder = of_user(user) if user else serial_number and serial_number.upper()
    has_price = row.get("pricingParam") is not None
    price = lenient(text, row, "pricingParam") if has_price else DEFAULT_PRICING
    return OddRow(
        what=left_out.what,
        place=f"row {left_out.place + 1} of {key}",
        adam_id=lenient(adam_id, row, "adamId"),
        pricing_param=price if row else None,
        holder=holder or None,
    )


def _page(reply: Fields) -> tuple[Envelope, int, int | None, int | None, str | None]:
    return (
        read_envelope(reply),
        lenient(integer_or_none, reply, "currentPageIndex") or 0,
        _next_page_index(reply),
        lenient(integer_or_none, reply, "totalPages"),
        lenient(text_or_none, reply, "versionId"),
    )


def _next_page_index(reply: Fields) -> int | None:
    """None where nothing follows: absent, null, empty or negative. One that cannot be read is 0,
    which follows no page."""
    if reply.get("nextPageIndex") in (None, ""):
        return None
    following = lenient(integer_or_none, reply, "nextPageIndex") or 0
    return following if following >= 0 else None


def read_event(reply: Fields) -> EventReply:
    """Read the answer to a request whose result comes later."""
    return EventReply(read_envelope(reply), text(reply, "eventId"))


def read_status(reply: Fields) -> StatusReply:
    """Read an event's status."""
    try:
        failures, odd = entries(reply, "failures", _failure)
    except ShapeError:
        failures, odd = (), (Unread(0, "", {}),)
    return StatusReply(
        envelope=read_envelope(reply),
        status=text(reply, "eventStatus"),
        event_type=lenient(text_or_none, reply, "eventType"),
        num_requested=lenient(integer_or_none, reply, "numRequested"),
        num_completed=lenient(integer_or_none, reply, "numCompleted"),
        failures=failures,
        odd_failures=bool(odd),
    )


def _failure(row: Fields) -> EventFailure:
    info = object_or_empty(row, "errorInfo")
    assets, odd = entries(info, "assets", _asset)
    if odd:
        raise ShapeError("it names assets that cannot be read")
    return EventFailure(
        error_number=integer_or_none(row, "errorNumber"),
        message=lenient(text_or_none, row, "errorMessage") or "",
        serial_numbers=texts(info, "serialNumbers"),
        client_user_ids=texts(info, "clientUserIds"),
        assets=assets,
    )
