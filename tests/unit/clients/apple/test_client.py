"""Apple's API: what is sent, how replies are read, and what counts as a definite no."""

from __future__ import annotations

import json
from collections.abc import Callable
from hashlib import sha256
from typing import Any
from urllib.parse import parse_qs

import pytest

from bridge.clients.apple import pages
from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import (
    AssetCounts,
    Assignment,
    Envelope,
    EventFailure,
    Limits,
    MdmInfo,
)
from bridge.clients.http import HttpClient
from bridge.clients.rate import RateLimiter
from bridge.domain.model import Asset, Target
from bridge.errors import (
    AppleRefused,
    CallError,
    ConfigError,
    NotSent,
    OutcomeUnknown,
    UnreadableReply,
)
from tests.wsgi_adapter import WsgiAdapter

TOKEN = "eyJ0b2tlbiI6InNlY3JldCJ9Cg=="
ENVELOPE = {"uId": "2049025000431439", "tokenExpirationDate": "2030-11-08T22:33:22+0000"}
READ_ENVELOPE = Envelope("2049025000431439", None, 1920407602.0)
PAGES = Asset("361309726")
KEYNOTE = Asset("361285480", "PLUS")


class Apple:
    """Answers with what a test has put on its list, and remembers what was asked."""

    def __init__(self) -> None:
        self.replies: list[tuple[int, dict[str, str], bytes]] = []
        self.requests: list[dict[str, Any]] = []

    def will(self, body: object, status: int = 200, **headers: str) -> None:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.replies.append((status, named, content))

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> list[bytes]:
        body = environ["wsgi.input"].read()
        self.requests.append(
            {
                "call": f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}",
                "query": {k: v[0] for k, v in parse_qs(environ["QUERY_STRING"]).items()},
                "body": json.loads(body) if body else None,
                "type": environ.get("CONTENT_TYPE", ""),
                "authorization": environ.get("HTTP_AUTHORIZATION"),
            }
        )
        status, headers, content = self.replies.pop(0) if self.replies[1:] else self.replies[0]
        start(f"{status} X", list(headers.items()))
        return [content]


class Setup:
    def __init__(self) -> None:
        self.apple = Apple()
        self.adapter = WsgiAdapter(self.apple)
        self.waits: list[float] = []
        http = HttpClient(
            "https://vpp.example.org/mdm/v2",
            service="apple",
            adapter=self.adapter,
            sleep=lambda seconds: None,
        )
        limiter = RateLimiter(10, clock=lambda: 0.0, sleep=self.waits.append)
        self.client = AppleClient(http, f"{TOKEN[:8]}\n{TOKEN[8:]}\n", limiter=limiter)


@pytest.fixture
def setup() -> Setup:
    return Setup()


def test_service_config_is_asked_for_without_the_token(setup: Setup) -> None:
    setup.apple.will(
        {
            "errorCodes": [
                {"errorNumber": 9709, "errorMessage": "none left"},
                {"errorMessage": "x"},
            ],
            "limits": {"maxAssets": 10, "maxRequestPerSecond": 5, "maxMdmNameLength": 50},
            "notificationTypes": ["ASSET_COUNT"],
            "urls": {"getAssets": "https://elsewhere.example.org/assets"},
        }
    )
    config = setup.client.service_config()
    assert config.limits == Limits(max_assets=10, max_request_per_second=5, max_mdm_name_length=50)
    assert config.notification_types == ("ASSET_COUNT",)
    assert config.error_texts == {9709: "none left"}
    assert config.urls == {"getAssets": "https://elsewhere.example.org/assets"}
    assert setup.apple.requests[0]["call"] == "GET /mdm/v2/service/config"
    assert setup.apple.requests[0]["authorization"] is None


def test_limits_grow_tenfold_at_most(setup: Setup) -> None:
    keys = ("maxAssets", "maxSerialNumbers", "maxRequestPerSecond", "maxNotificationLength")
    setup.apple.will({"limits": dict.fromkeys(keys, 2**62)})
    limits = setup.client.service_config().limits
    assert (limits.max_assets, limits.max_serial_numbers) == (250, 10_000)
    assert (limits.max_request_per_second, limits.max_notification_length) == (150, 5120)


@pytest.mark.parametrize(
    "limits",
    [
        *({}, {"maxAssets": 0, "maxSerialNumbers": -1}, None),
        {"maxRequestPerSecond": 0.001, "maxAssets": 10**30, "maxSerialNumbers": float("nan")},
        {"maxRequestPerSecond": -(2**62), "maxUsers": float("inf")},
    ],
)
def test_limits_that_are_absent_or_senseless_keep_their_defaults(
    setup: Setup, limits: object
) -> None:
    setup.apple.will({"limits": limits})
    assert setup.client.service_config().limits == Limits(
        max_assets=25,
        max_serial_numbers=1000,
        max_client_user_ids=1000,
        max_users=100,
        max_request_per_second=15,
        max_notification_length=512,
        max_mdm_id_length=100,
        max_mdm_name_length=100,
        max_mdm_metadata_length=255,
    )


CLIENT_CONFIG = {
    **ENVELOPE,
    "countryISO2ACode": "CH",
    "defaultPlatform": "enterprisestore",
    "locationName": "Headquarters",
    "mdmInfo": {"id": "5b0d", "name": "Bridge", "metadata": "mdm.example.org"},
    "notificationAuthToken": "clear-notification-token",
    "notificationUrl": "https://bridge.example.org/hooks/apple/hq",
    "subscribedNotificationTypes": ["ASSET_MANAGEMENT", "ASSET_COUNT"],
    "websiteURL": "https://business.apple.com",
    "apnToken": "another secret",
}


def test_client_config_keeps_only_a_hash_of_the_notification_token(setup: Setup) -> None:
    setup.apple.will(CLIENT_CONFIG)
    config = setup.client.client_config()
    assert config.envelope == Envelope(
        "2049025000431439", MdmInfo("5b0d", "Bridge", "mdm.example.org"), 1920407602.0
    )
    assert config.notification_token_sha256 == sha256(b"clear-notification-token").hexdigest()
    assert config.notification_url == "https://bridge.example.org/hooks/apple/hq"
    assert config.notification_types == ("ASSET_MANAGEMENT", "ASSET_COUNT")
    assert (config.location_name, config.country) == ("Headquarters", "CH")
    assert config.default_platform == "enterprisestore"
    assert config.website == "https://business.apple.com"
    assert "clear-notification-token" not in repr(config)
    assert "another secret" not in repr(config)


def test_client_config_of_a_fresh_location(setup: Setup) -> None:
    setup.apple.will({"uId": "1", "mdmInfo": None})
    config = setup.client.client_config()
    assert config.envelope == Envelope("1", None, None)
    assert config.notification_url is None
    assert config.notification_token_sha256 is None
    assert config.notification_types == ()


@pytest.mark.parametrize(
    ("info", "read"),
    [
        (None, None),
        ({}, None),
        ({"id": "x"}, MdmInfo("x", "", "")),
        ({"id": 7, "name": None}, MdmInfo("7", "", "")),
        ("somebody", MdmInfo("", "", "")),
    ],
)
def test_whoever_holds_the_token_is_seen_even_if_unreadable(
    setup: Setup, info: object, read: MdmInfo | None
) -> None:
    setup.apple.will({"eventId": "e-1", "mdmInfo": info})
    assert setup.client.associate([PAGES], serial_numbers=["S1"]).envelope.mdm_info == read


def test_set_client_config_sends_only_what_is_given(setup: Setup) -> None:
    setup.apple.will(CLIENT_CONFIG)
    setup.client.set_client_config(mdm_info=MdmInfo("5b0d", "Bridge", "mdm.example.org"))
    setup.client.set_client_config(
        notification_url="https://bridge.example.org/hooks/apple/hq",
        notification_token="n",
        notification_types=[],
    )
    first, second = setup.apple.requests
    assert first["call"] == "POST /mdm/v2/client/config"
    assert first["type"] == "application/json"
    assert first["authorization"] == f"Bearer {TOKEN}"
    assert first["body"] == {
        "mdmInfo": {"id": "5b0d", "name": "Bridge", "metadata": "mdm.example.org"}
    }
    assert second["body"] == {
        "notificationUrl": "https://bridge.example.org/hooks/apple/hq",
        "notificationAuthToken": "n",
        "notificationTypes": [],
    }


def test_assets(setup: Setup) -> None:
    setup.apple.will(
        {
            **ENVELOPE,
            "assets": [
                {
                    "adamId": "361309726",
                    "pricingParam": "STDQ",
                    "productType": "App",
                    "assignedCount": 3,
                    "availableCount": 22,
                    "retiredCount": 1,
                    "totalCount": 26,
                    "deviceAssignable": True,
                    "revocable": True,
                    "supportedPlatforms": ["iOS", "macOS"],
                },
                {
                    "adamId": "1",
                    "pricingParam": "STDQ",
                    "assignedCount": 7,
                    "availableCount": 2147483640,
                    "retiredCount": 0,
                    "totalCount": 2147483647,
                    "deviceAssignable": False,
                    "revocable": False,
                },
            ],
            "unlimitedAssets": [{"adamId": "2", "pricingParam": "PLUS", "assignedCount": 9}],
            "currentPageIndex": 0,
            "nextPageIndex": 1,
            "size": 3,
            "totalPages": 2,
            "versionId": "v-1",
        }
    )
    page = setup.client.assets(adam_id="361309726")
    none = (None, None, None)
    assert page.assets == (
        AssetCounts(PAGES, "App", True, True, ("iOS", "macOS"), False, 3, 22, 1, 26),
        AssetCounts(Asset("1"), None, False, False, (), True, 7, *none),
        AssetCounts(Asset("2", "PLUS"), None, True, True, (), True, 9, *none),
    )
    assert page.envelope == READ_ENVELOPE
    assert (page.page_index, page.next_page_index, page.total_pages) == (0, 1, 2)
    assert page.version_id == "v-1"
    assert setup.apple.requests[0]["query"] == {"pageIndex": "0", "adamId": "361309726"}


def test_assignments(setup: Setup) -> None:
    setup.apple.will(
        {
            **ENVELOPE,
            "assignments": [
                {"adamId": "361309726", "pricingParam": "STDQ", "serialNumber": "C02XL0GYJGH5"},
                {"adamId": 361285480, "pricingParam": "PLUS", "clientUserId": "client-100"},
                {"adamId": "361309726", "groupId": "a holder of another kind"},
            ],
            "currentPageIndex": 3,
            "versionId": "v-2",
        }
    )
    page = setup.client.assignments(
        3,
        adam_id="1",
        serial_number="S",
        client_user_id="u",
        pricing_param="P",
        since_version_id="v",
    )
    assert page.assignments == (
        Assignment(PAGES, Target("serial", "C02XL0GYJGH5")),
        Assignment(KEYNOTE, Target("user", "client-100")),
        Assignment(PAGES, None),
    )
    assert page.page_index == 3
    assert page.next_page_index is None
    assert setup.apple.requests[0]["query"] == {
        "pageIndex": "3",
        "adamId": "1",
        "serialNumber": "S",
        "clientUserId": "u",
        "pricingParam": "P",
        "sinceVersionId": "v",
    }


def page_of(serials: list[str], following: int | None, version: str) -> dict[str, object]:
    rows = [{"adamId": "1", "pricingParam": "STDQ", "serialNumber": serial} for serial in serials]
    page: dict[str, object] = {**ENVELOPE, "assignments": rows, "versionId": version}
    return page if following is None else {**page, "nextPageIndex": following}


def test_a_walk_follows_the_pages_and_keeps_the_first_version(setup: Setup) -> None:
    setup.apple.will(page_of(["A"], 1, "v-1"))
    setup.apple.will(page_of([], 2, "v-1"))
    setup.apple.will(page_of(["B", "C"], None, "v-2"))
    steps = list(setup.client.walk_assignments(adam_id="1", since_version_id="v-0"))
    assert [
        [row.target.value for row in step.page.assignments if row.target] for step in steps
    ] == [["A"], [], ["B", "C"]]
    assert [step.version_id for step in steps] == ["v-1"] * 3
    assert [step.version_changed for step in steps] == [False, False, True]
    assert [request["query"] for request in setup.apple.requests] == [
        {"pageIndex": str(index), "adamId": "1", "sinceVersionId": "v-0"} for index in range(3)
    ]


def test_a_walk_fetches_a_page_only_when_it_is_asked_for(setup: Setup) -> None:
    setup.apple.will(page_of(["A"], 1, "v-1"))
    next(setup.client.walk_assignments())
    assert len(setup.apple.requests) == 1


@pytest.mark.parametrize("following", [0, 1])
def test_a_walk_in_a_circle_is_not_complete(setup: Setup, following: int) -> None:
    setup.apple.will(page_of(["A"], 1, "v-1"))
    setup.apple.will(page_of(["B"], following, "v-1"))
    with pytest.raises(OutcomeUnknown, match="do not come to an end"):
        list(setup.client.walk_assignments())
    assert len(setup.apple.requests) == 2


def test_a_walk_that_never_ends_is_not_complete(
    setup: Setup, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert pages.MAX * 1000 > 250_000 * 25
    monkeypatch.setattr("bridge.clients.apple.pages.MAX", 4)
    for index in range(5):
        setup.apple.will(page_of(["A"], index + 1, "v-1"))
    with pytest.raises(OutcomeUnknown, match="do not come to an end"):
        list(setup.client.walk_assignments())
    assert len(setup.apple.requests) == 4


def test_walking_assets(setup: Setup) -> None:
    setup.apple.will({**ENVELOPE, "assets": [{"adamId": "1"}], "nextPageIndex": 1})
    setup.apple.will({**ENVELOPE, "assets": [{"adamId": "2"}]})
    steps = list(setup.client.walk_assets(pricing_param="STDQ"))
    assert [row.asset.adam_id for step in steps for row in step.page.assets] == ["1", "2"]
    assert setup.apple.requests[1]["query"] == {"pageIndex": "1", "pricingParam": "STDQ"}


def test_associate_and_disassociate(setup: Setup) -> None:
    setup.apple.will({**ENVELOPE, "eventId": "e-1"})
    reply = setup.client.associate([PAGES, KEYNOTE], serial_numbers=["S1", "S2"])
    assert (reply.apple_event_id, reply.envelope) == ("e-1", READ_ENVELOPE)
    setup.client.disassociate([PAGES], client_user_ids=["client-100"])
    first, second = setup.apple.requests
    assert first["call"] == "POST /mdm/v2/assets/associate"
    assert first["body"] == {
        "assets": [
            {"adamId": "361309726", "pricingParam": "STDQ"},
            {"adamId": "361285480", "pricingParam": "PLUS"},
        ],
        "serialNumbers": ["S1", "S2"],
    }
    assert first["authorization"] == f"Bearer {TOKEN}"
    assert first["type"] == "application/json"
    assert second["call"] == "POST /mdm/v2/assets/disassociate"
    assert second["body"] == {
        "assets": [{"adamId": "361309726", "pricingParam": "STDQ"}],
        "clientUserIds": ["client-100"],
    }


@pytest.mark.parametrize(
    ("assets", "serial_numbers", "client_user_ids"),
    [([], ["S"], []), ([PAGES], [], []), ([PAGES], ["S"], ["u"])],
)
def test_a_request_names_one_kind_of_target(
    setup: Setup, assets: list[Asset], serial_numbers: list[str], client_user_ids: list[str]
) -> None:
    with pytest.raises(ValueError, match="either serial numbers or users"):
        setup.client.associate(
            assets, serial_numbers=serial_numbers, client_user_ids=client_user_ids
        )
    assert setup.apple.requests == []


def test_status(setup: Setup) -> None:
    setup.apple.will(
        {
            **ENVELOPE,
            "eventStatus": "FAILED",
            "eventType": "ASSOCIATE",
            "numRequested": 16,
            "numCompleted": 14,
            "failures": [
                {
                    "errorNumber": 9709,
                    "errorMessage": "none left",
                    "errorInfo": {
                        "serialNumbers": ["S9"],
                        "assets": [{"adamId": "361309726", "pricingParam": "STDQ"}],
                    },
                },
                {"errorNumber": 9603},
            ],
        }
    )
    status = setup.client.status("e-1")
    assert (status.status, status.event_type) == ("FAILED", "ASSOCIATE")
    assert (status.num_requested, status.num_completed) == (16, 14)
    assert status.failures == (
        EventFailure(9709, "none left", ("S9",), (), (PAGES,)),
        EventFailure(9603, "", (), (), ()),
    )
    assert setup.apple.requests[0]["query"] == {"eventId": "e-1"}


ERROR = {"errorNumber": 9646, "errorMessage": "Too many."}


@pytest.mark.parametrize(
    ("status", "body", "error", "number"),
    [
        (400, {"errorNumber": 9709, "errorMessage": "x"}, AppleRefused, 9709),
        (200, {"errorNumber": 9622, "errorMessage": "x"}, AppleRefused, 9622),
        (200, {"errorNumber": "9622", "eventId": "e"}, AppleRefused, 9622),
        (500, {"errorNumber": 9603}, AppleRefused, 9603),
        (503, {"errorNumber": 9729}, AppleRefused, 9729),
        (302, {"errorNumber": 9634}, AppleRefused, 9634),
        (429, ERROR, AppleRefused, 9646),
        (429, b"", AppleRefused, None),
        (400, b"<html>no</html>", AppleRefused, None),
        (401, {}, AppleRefused, None),
        (404, {"errorNumber": None}, AppleRefused, None),
        (500, b"", OutcomeUnknown, None),
        (500, {"error": "x"}, OutcomeUnknown, None),
        (502, b"<html>Bad Gateway</html>", OutcomeUnknown, None),
        (302, b"", OutcomeUnknown, None),
        (200, b"", UnreadableReply, None),
        (200, b"<html>Sign in to the hotel</html>", UnreadableReply, None),
        (200, [], UnreadableReply, None),
        (200, ENVELOPE, UnreadableReply, None),
        (200, {"eventId": ["e"]}, UnreadableReply, None),
    ],
)
def test_what_a_post_may_have_done(
    setup: Setup, status: int, body: object, error: type[CallError], number: int | None
) -> None:
    setup.apple.will(body, status, Retry_After="120")
    with pytest.raises(CallError) as caught:
        setup.client.associate([PAGES], serial_numbers=["S1"])
    assert type(caught.value) is error
    assert getattr(caught.value, "number", None) == number
    assert (caught.value.status, caught.value.retry_after) == (status, 120.0)
    assert (caught.value.service, caught.value.call) == ("apple", "POST /assets/associate")
    assert len(setup.apple.requests) == 1


@pytest.mark.parametrize("body", [b"", {"assignments": {"adamId": "1"}}])
def test_a_get_that_cannot_be_read_is_unknown_too(setup: Setup, body: object) -> None:
    setup.apple.will(body)
    with pytest.raises(OutcomeUnknown):
        setup.client.assignments()


def test_a_get_is_tried_again_and_every_attempt_is_spaced(setup: Setup) -> None:
    setup.apple.will({"errorNumber": 9729}, 503)
    setup.apple.will(b"", 500)
    setup.apple.will({"eventStatus": "COMPLETE"})
    assert setup.client.status("e-1").status == "COMPLETE"
    assert setup.waits == [0.1, 0.2]


def test_a_new_rate_is_used(setup: Setup) -> None:
    setup.client.set_rate(2)
    setup.apple.will({"eventStatus": "PENDING"})
    for _ in range(3):
        setup.client.status("e-1")
    assert setup.waits == [0.5, 1.0]


@pytest.mark.parametrize(
    ("fault", "error", "reached"), [("refused", NotSent, 0), ("dropped", OutcomeUnknown, 1)]
)
def test_lost_requests(setup: Setup, fault: Any, error: type[CallError], reached: int) -> None:
    setup.apple.will({"eventId": "e-1"})
    setup.adapter.fail(fault, times=3, call="associate")
    with pytest.raises(error):
        setup.client.associate([PAGES], serial_numbers=["S1"])
    assert len(setup.adapter.calls) == reached


def test_refusals_carry_what_apple_says_of_them(setup: Setup) -> None:
    info = {"assets": [{"adamId": "361309726", "pricingParam": "STDQ"}]}
    setup.apple.will(
        {"errorNumber": 9707, "errorMessage": "Not\n assignable.", "errorInfo": info}, 400
    )
    with pytest.raises(AppleRefused) as caught:
        setup.client.associate([PAGES], serial_numbers=["S1"])
    assert caught.value.info == info
    assert str(caught.value) == (
        "Apple refused POST /assets/associate with error 9707: Not  assignable."
    )


@pytest.mark.parametrize("info", ["text", None, [1]])
def test_a_refusal_with_unreadable_particulars_is_still_one(setup: Setup, info: object) -> None:
    setup.apple.will({"errorNumber": 9707, "errorMessage": 5, "errorInfo": info}, 400)
    with pytest.raises(AppleRefused) as caught:
        setup.client.associate([PAGES], serial_numbers=["S1"])
    assert caught.value.info == {}


def test_no_error_repeats_a_secret(setup: Setup) -> None:
    setup.apple.will(
        {"errorNumber": 9711, "errorMessage": f"{TOKEN} or notify-me " + "y" * 999}, 400
    )
    with pytest.raises(AppleRefused) as caught:
        setup.client.set_client_config(
            notification_url="https://bridge.example.org/x", notification_token="notify-me"
        )
    shown = str(caught.value) + repr(vars(caught.value))
    assert TOKEN not in shown
    assert "notify-me" not in shown
    assert len(str(caught.value)) < 300
    assert caught.value.__context__ is None
    assert TOKEN not in repr(setup.client)


@pytest.mark.parametrize("token", ["", " \n", "tökén", "a\x00b"])
def test_a_token_that_is_no_token_is_refused(token: str) -> None:
    http = HttpClient("https://vpp.example.org", service="apple")
    with pytest.raises(ConfigError):
        AppleClient(http, token)
