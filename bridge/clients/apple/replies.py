"""What Apple's App and Book Management API answers, as frozen values; apple_readers.py reads them.

Sources: Apple, "App and Book Management", pages "Service Config", "Client Config", "Get Assets",
"Get Assignments", "Get Users", "Manage Assets" and "Event Status". Unknown members are ignored and
open vocabularies (statuses, types, platforms) stay text.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.model import Asset, Pair, Target
from bridge.domain.users.facts import ToldUser


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
    """`GET` or `POST /client/config`. The notification token is kept as its SHA-256 in hex only.

    `notification_types` is None where they cannot be read.
    """

    envelope: Envelope
    notification_url: str | None
    notification_token_sha256: str | None
    notification_types: tuple[str, ...] | None
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

    @property
    def pair(self) -> Pair | None:
        """Who holds what; None for a kind of holder that we do not know."""
        return None if self.target is None else Pair(self.asset, self.target.holder)


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
    """One page of `GET /assets`; `odd` are the rows that cannot be read."""

    assets: tuple[AssetCounts, ...]
    odd: tuple[OddRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AssignmentsPage(Page):
    """One page of `GET /assignments`; a page may be empty and still have a next one. `odd` are the
    rows that cannot be read."""

    assignments: tuple[Assignment, ...]
    odd: tuple[OddRow, ...] = ()


@dataclass(frozen=True, slots=True)
class UsersPage(Page):
    """One page of `GET /users`; `odd` are the rows that cannot be read. Of one clientUserId there
    may be several entries, of which at most one is not retired (Apple, "Managing Users")."""

    users: tuple[ToldUser, ...]
    odd: tuple[OddRow, ...] = ()


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
    """`GET /status`. `status` is PENDING, COMPLETE or FAILED; FAILED may be partial.

    `odd_failures` says that some cannot be read, so that nobody knows what else failed.
    """

    envelope: Envelope
    status: str
    event_type: str | None
    num_requested: int | None
    num_completed: int | None
    failures: tuple[EventFailure, ...] = field(default=())
    odd_failures: bool = False
