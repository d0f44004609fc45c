"""Apple's App and Book Management API (v2), for one content token.

The token goes to the one host that the HttpClient was made for, whatever URLs a reply names.
Source of the rules: Apple, "Getting Started with the Management API", "Handling Error Responses",
"Using Paginated Endpoints".
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Generic, Protocol, TypeVar

from bridge.clients.apple import pages
from bridge.clients.apple import subscriptions as cursor_pages
from bridge.clients.apple.readers import (
    read_assets,
    read_assignments,
    read_client_config,
    read_event,
    read_service_config,
    read_status,
    read_users,
)
from bridge.clients.apple.replies import (
    AssetsPage,
    AssignmentsPage,
    ClientConfig,
    Envelope,
    EventReply,
    MdmInfo,
    Page,
    ServiceConfig,
    StatusReply,
    UsersPage,
)
from bridge.clients.apple.requests import RequestedUser, users_body
from bridge.clients.apple.subscriptions import CursorPage
from bridge.clients.apple.verdict import judge
from bridge.clients.http import HttpClient
from bridge.clients.rate import RateLimiter
from bridge.clients.shape import Fields
from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.licences.subscriptions import Holding, Subscription
from bridge.domain.model import Asset
from bridge.errors import ConfigError, OutcomeUnknown, TokenOfOtherLibrary

REQUESTS_PER_SECOND = 15.0

ReplyT = TypeVar("ReplyT")
PageT = TypeVar("PageT", bound=Page)


@dataclass(frozen=True, slots=True)
class WalkStep(Generic[PageT]):
    """One page of a walk.

    `version_id` is the first page's: the one to keep for `since_version_id`, once the walk is over.
    `version_changed` says that data was written during the walk, so that it may have gaps;
    `missing` stands for rows that the walk does not come to.
    """

    page: PageT
    version_id: str | None
    version_changed: bool
    missing: tuple[OddRow, ...] = ()


class Guard(Protocol):
    """Sees to it that nothing is read or written by a token of another library."""

    def before_write(self, client: AppleClient) -> None:
        """A POST is about to be sent; raises CallError when it must not be."""

    def problem(self, envelope: Envelope) -> str | None:
        """What is wrong with whose reply this is; asked before anybody uses it."""


class AppleClient:
    """Calls for one location; thread-safe.

    `content_token` is the whole text of the .vpptoken file. `limiter` spaces all requests, retries
    included; pass one to share it between clients of the same location. Without a `guard`, nobody
    looks whose library the token opens.

    Every method raises NotSent, OutcomeUnknown or AppleRefused. A POST is sent once: after
    OutcomeUnknown its effect must be looked up. An errorNumber at whatever status, a 429 and any
    other 4xx are AppleRefused and mean that nothing was done; a 5xx without errorNumber, a redirect
    and a reply that is not of the documented shape are OutcomeUnknown.
    """

    def __init__(
        self,
        http: HttpClient,
        content_token: str,
        *,
        limiter: RateLimiter | None = None,
        guard: Guard | None = None,
    ) -> None:
        token = "".join(content_token.split())
        if not token or not token.isascii() or not token.isprintable():
            raise ConfigError(["the content token is not the base64 text of a .vpptoken file"])
        self._http = http
        self._token = token
        self._limiter = limiter or RateLimiter(REQUESTS_PER_SECOND)
        self._guard = guard

    def set_rate(self, per_second: float) -> None:
        """Space requests by what `Limits.max_request_per_second` says now."""
        self._limiter.set_rate(per_second)

    def service_config(self) -> ServiceConfig:
        """Apple's present limits and texts, to be re-read every 5 minutes; needs no token."""
        return self._call("GET", "/service/config", read_service_config, bearer=False)

    def client_config(self) -> ClientConfig:
        """Who holds the token, where notifications go, and the location's particulars."""
        return self._call("GET", "/client/config", read_client_config)

    def set_client_config(
        self,
        *,
        mdm_info: MdmInfo | None = None,
        notification_url: str | None = None,
        notification_token: str | None = None,
        notification_types: Sequence[str] | None = None,
    ) -> ClientConfig:
        """Change what is given; what is None is not sent.

        `notification_types` replaces the whole subscription. With a URL, Apple posts a
        TEST_NOTIFICATION while this call is in flight: the listener must already know the token.
        """
        body: dict[str, object] = {}
        if mdm_info is not None:
            body["mdmInfo"] = asdict(mdm_info)
        if notification_url is not None:
            body["notificationUrl"] = notification_url
        if notification_token is not None:
            body["notificationAuthToken"] = notification_token
        if notification_types is not None:
            body["notificationTypes"] = list(notification_types)
        return self._call(
            "POST",
            "/client/config",
            read_client_config,
            body=body,
            secrets=(notification_token or "",),
        )

    def assets(
        self,
        page_index: int = 0,
        *,
        adam_id: str | None = None,
        pricing_param: str | None = None,
    ) -> AssetsPage:
        """One page of what the location owns, with counts."""
        query = _query(pageIndex=page_index, adamId=adam_id, pricingParam=pricing_param)
        return self._call("GET", "/assets", read_assets, query=query)

    def walk_assets(
        self, *, adam_id: str | None = None, pricing_param: str | None = None
    ) -> Iterator[WalkStep[AssetsPage]]:
        """All pages of assets, in order; see `walk_assignments`."""
        return self._walk(
            "GET /assets",
            lambda index: self.assets(index, adam_id=adam_id, pricing_param=pricing_param),
        )

    def assignments(
        self,
        page_index: int = 0,
        *,
        adam_id: str | None = None,
        serial_number: str | None = None,
        client_user_id: str | None = None,
        pricing_param: str | None = None,
        since_version_id: str | None = None,
    ) -> AssignmentsPage:
        """One page of licences held.

        With `since_version_id` only what changed since; whether that shows licences given back is
        not documented, so a full read remains necessary.
        """
        query = _query(
            pageIndex=page_index,
            adamId=adam_id,
            serialNumber=serial_number,
            clientUserId=client_user_id,
            pricingParam=pricing_param,
            sinceVersionId=since_version_id,
        )
        return self._call("GET", "/assignments", read_assignments, query=query)

    def walk_assignments(
        self,
        *,
        adam_id: str | None = None,
        serial_number: str | None = None,
        client_user_id: str | None = None,
        pricing_param: str | None = None,
        since_version_id: str | None = None,
    ) -> Iterator[WalkStep[AssignmentsPage]]:
        """All pages of assignments, in order, each fetched when it is asked for.

        Follows nextPageIndex until it is absent; an empty page may have a next one. A changed
        version is reported and not acted upon. Raises UnreadableReply, beside what a single page
        raises, when the pages do not come to an end: a walk never stops short silently.
        """
        return self._walk(
            "GET /assignments",
            lambda index: self.assignments(
                index,
                adam_id=adam_id,
                serial_number=serial_number,
                client_user_id=client_user_id,
                pricing_param=pricing_param,
                since_version_id=since_version_id,
            ),
        )

    def associate(
        self,
        assets: Sequence[Asset],
        *,
        serial_numbers: Sequence[str] = (),
        client_user_ids: Sequence[str] = (),
    ) -> EventReply:
        """Ask for a licence of every asset for every target: devices or users, not both.

        Returns when Apple has accepted the request, which says nothing about its result.
        """
        return self._manage("/assets/associate", assets, serial_numbers, client_user_ids)

    def disassociate(
        self,
        assets: Sequence[Asset],
        *,
        serial_numbers: Sequence[str] = (),
        client_user_ids: Sequence[str] = (),
    ) -> EventReply:
        """Give the licence of every asset back from every target; as `associate`."""
        return self._manage("/assets/disassociate", assets, serial_numbers, client_user_ids)

    def users(
        self,
        page_index: int = 0,
        *,
        client_user_id: str | None = None,
        since_version_id: str | None = None,
    ) -> UsersPage:
        """One page of registered users, retired ones among them; with `since_version_id` those that
        changed since."""
        query = _query(
            pageIndex=page_index, clientUserId=client_user_id, sinceVersionId=since_version_id
        )
        return self._call("GET", "/users", read_users, query=query)

    def walk_users(
        self, *, client_user_id: str | None = None, since_version_id: str | None = None
    ) -> Iterator[WalkStep[UsersPage]]:
        """All pages of users, in order; see `walk_assignments`."""
        return self._walk(
            "GET /users",
            lambda index: self.users(
                index, client_user_id=client_user_id, since_version_id=since_version_id
            ),
        )

    def create_users(self, users: Sequence[RequestedUser]) -> EventReply:
        """Register users. Returns when Apple has accepted the request, which says nothing about its
        result."""
        return self._call("POST", "/users/create", read_event, body=users_body(users))

    def update_users(self, users: Sequence[RequestedUser]) -> EventReply:
        """Change what Apple has of registered users; as `create_users`."""
        return self._call("POST", "/users/update", read_event, body=users_body(users))

    def retire_users(self, client_user_ids: Sequence[str]) -> EventReply:
        """End the registration of users, who lose every licence that can be taken back; as
        `create_users`."""
        users = [RequestedUser(each) for each in client_user_ids]
        return self._call("POST", "/users/retire", read_event, body=users_body(users))

    def status(self, apple_event_id: str) -> StatusReply:
        """How far an asynchronous request has come; an event Apple does not know is 9708."""
        return self._call("GET", "/status", read_status, query={"eventId": apple_event_id})

    def walk_subscriptions(self) -> Iterator[CursorPage[Subscription]]:
        """All pages of the location's subscriptions, each fetched when it is asked for. Raises
        UnreadableReply, beside what a single page raises, when they do not come to an end."""
        return cursor_pages.subscriptions(self._get)

    def walk_subscription_holdings(self) -> Iterator[CursorPage[Holding]]:
        """All pages of who has which subscription; as `walk_subscriptions`."""
        return cursor_pages.holdings(self._get)

    def _get(self, path: str, read: Callable[[Fields], ReplyT], query: dict[str, str]) -> ReplyT:
        return self._call("GET", path, read, query=query)

    def _manage(
        self,
        path: str,
        assets: Sequence[Asset],
        serial_numbers: Sequence[str],
        client_user_ids: Sequence[str],
    ) -> EventReply:
        if not assets or bool(serial_numbers) == bool(client_user_ids):
            raise ValueError("a request needs assets, and either serial numbers or users")
        body: dict[str, object] = {
            "assets": [
                {"adamId": asset.adam_id, "pricingParam": asset.pricing_param} for asset in assets
            ]
        }
        if serial_numbers:
            body["serialNumbers"] = list(serial_numbers)
        else:
            body["clientUserIds"] = list(client_user_ids)
        return self._call("POST", path, read_event, body=body)

    def _walk(self, call: str, fetch: Callable[[int], PageT]) -> Iterator[WalkStep[PageT]]:
        index = 0
        version_id: str | None = None
        for count in range(pages.MAX):
            page = fetch(index)
            if count == 0:
                version_id = page.version_id
            changed = None not in (page.version_id, version_id) and page.version_id != version_id
            yield WalkStep(page, version_id, changed, pages.left_out(page, index))
            following = pages.following(page, index, call)
            if following is None:
                return
            index = following
        raise pages.endless(call)

    def _call(
        self,
        method: str,
        path: str,
        read: Callable[[Fields], ReplyT],
        *,
        query: dict[str, str] | None = None,
        body: dict[str, object] | None = None,
        bearer: bool = True,
        secrets: tuple[str, ...] = (),
    ) -> ReplyT:
        if self._guard is not None and method != "GET":
            self._guard.before_write(self)
        headers = {"Authorization": f"Bearer {self._token}"} if bearer else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        reply = self._http.request(
            method,
            path,
            query=query,
            content=None if body is None else json.dumps(body).encode(),
            headers=headers,
            pace=self._limiter.acquire,
        )
        value = judge(reply, read, (self._token, *secrets))
        self._check(getattr(value, "envelope", None), method, reply.call)
        return value

    def _check(self, envelope: Envelope | None, method: str, call: str) -> None:
        if self._guard is None or envelope is None:
            return
        problem = self._guard.problem(envelope)
        if problem is not None:
            failure = TokenOfOtherLibrary if method == "GET" else OutcomeUnknown
            raise failure(problem, service="apple", call=call)


def _query(**parameters: str | int | None) -> dict[str, str]:
    return {key: str(value) for key, value in parameters.items() if value is not None}
