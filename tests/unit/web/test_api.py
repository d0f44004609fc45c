"""The API: who is let in, what may be asked, and how errors look."""

import pytest
from flask.testing import FlaskClient

from bridge.config import ApiConfig
from bridge.domain.model import INSTALL_STATES
from bridge.domain.pauses import by_request
from bridge.domain.views import Page
from bridge.errors import StoreError
from bridge.web import create_app
from bridge.web.v1.endpoints import ENDPOINTS
from tests.web_stand_in import API_KEY, KEY, LIMITS, READ_KEY, StandIn, basic, config, error_of

READING = [f"/v1/{call.name.removeprefix('get_')}" for call in ENDPOINTS if call.query]


@pytest.fixture
def bridge() -> StandIn:
    return StandIn()


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


@pytest.mark.parametrize("path", [*READING, "/v1/installs/C02X/1", "/v1/unknown", "/v1", "/v1/"])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        basic("wrong"),
        basic(API_KEY, "micromdm"),
        basic(""),
        {"Authorization": "Bearer api-key"},
    ],
)
def test_nobody_is_let_in_without_user_and_key(
    client: FlaskClient, bridge: StandIn, path: str, headers: dict[str, str]
) -> None:
    response = client.get(path, headers=headers)
    assert response.status_code == 401
    assert error_of(response)
    assert response.headers["WWW-Authenticate"].startswith('Basic realm="bridge"')
    assert bridge.counted == ["api.401"]
    assert not bridge.asked


@pytest.mark.parametrize("key", [API_KEY, READ_KEY])
@pytest.mark.parametrize("path", READING)
def test_both_keys_may_read(client: FlaskClient, bridge: StandIn, key: str, path: str) -> None:
    response = client.get(path, headers=basic(key))
    name = path.rpartition("/")[2]
    more = {"blind": []} if name == "drift" else {}
    expected = {name: [], "next_cursor": None} | more
    assert (response.status_code, response.get_json()) == (200, expected)
    assert not bridge.counted


@pytest.mark.parametrize("api", [ApiConfig(), ApiConfig(None, READ_KEY)])
@pytest.mark.parametrize("key", [API_KEY, READ_KEY, "", "None"])
def test_without_a_configured_key_the_api_is_closed(api: ApiConfig, key: str) -> None:
    client = create_app(StandIn(config(api=api))).test_client()
    assert client.get("/v1/installs", headers=basic(key)).status_code == 401


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_read_key_may_not_change_anything(client: FlaskClient, method: str) -> None:
    for path in ("/v1/installs", "/v1/unknown"):
        assert client.open(path, method=method, headers=basic(READ_KEY)).status_code == 403
    assert client.open("/v1/installs", method=method, headers=KEY).status_code == 405


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 405),
        ({"Origin": "http://localhost"}, 405),
        ({"Origin": "https://bridge.example.org"}, 405),
        ({"Sec-Fetch-Site": "same-origin"}, 405),
        ({"Sec-Fetch-Site": "none"}, 405),
        ({"Origin": "https://evil.example.org"}, 403),
        ({"Origin": "https://bridge.example.org.evil.example.org"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
    ],
)
def test_a_change_that_another_site_sends_is_refused(
    client: FlaskClient, headers: dict[str, str], status: int
) -> None:
    assert client.post("/v1/installs", headers=KEY | headers).status_code == status
    assert client.get("/v1/installs", headers=KEY | headers).status_code == 200


def test_a_body_that_is_too_long_is_refused(client: FlaskClient) -> None:
    for length, status in ((LIMITS.api_body, 405), (LIMITS.api_body + 1, 413)):
        assert client.post("/v1/installs", data=b"x" * length, headers=KEY).status_code == status


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        (
            "/v1/installs",
            {"way": by_request, "serial": None, "adam_id": None, "state": None, "reason": None}
            | {"needs_someone": None, "group": None, "limit": 100, "cursor": None},
        ),
        (
            "/v1/installs?serial=c02x&adam_id=361309726&state=waiting&reason=not_enrolled&limit=1000"
            "&cursor=a_B-9&needs_someone=true&group=staff",
            {"serial": "c02x", "adam_id": "361309726", "state": "waiting", "reason": "NOT_ENROLLED"}
            | {"way": by_request, "needs_someone": True, "group": "staff"}
            | {"limit": 1000, "cursor": "a_B-9"},
        ),
        (
            "/v1/devices?serial=C02X&server=main&enrolled=false&limit=1",
            {"serial": "C02X", "server": "main", "enrolled": False, "limit": 1, "cursor": None},
        ),
        (
            "/v1/outbox?service=mdm&scope=main&kind=command&state=failed",
            {"service": "mdm", "scope": "main", "kind": "command", "state": "failed"}
            | {"limit": 100, "cursor": None},
        ),
        (
            "/v1/assignments?location=hq&adam_id=1&serial=a&unwanted=false",
            {"location": "hq", "adam_id": "1", "serial": "a", "unwanted": False}
            | {"limit": 100, "cursor": None},
        ),
        (
            "/v1/events?source=apple&topic=ASSET_COUNT&status=set_aside",
            {"source": "apple", "topic": "ASSET_COUNT", "status": "set_aside"}
            | {"limit": 100, "cursor": None},
        ),
    ],
)
def test_filters_are_handed_on(
    client: FlaskClient, bridge: StandIn, path: str, asked: dict[str, object]
) -> None:
    assert client.get(path, headers=KEY).status_code == 200
    name = path.partition("?")[0].rpartition("/")[2]
    assert bridge.asked == [(name, asked)]


def test_items_and_cursor_are_given_as_they_are(client: FlaskClient, bridge: StandIn) -> None:
    items = [{"serial_number": "C02X", "adam_id": "1", "name": "Ü", "detail": None}]
    bridge.page = Page(items, "next_1-")
    body = client.get("/v1/installs", headers=KEY).get_json()
    assert body == {"installs": items, "next_cursor": "next_1-"}
    assert list(body["installs"][0]) == list(items[0])


@pytest.mark.parametrize("state", INSTALL_STATES)
def test_every_state_can_be_asked_for(client: FlaskClient, state: str) -> None:
    assert client.get(f"/v1/installs?state={state}", headers=KEY).status_code == 200


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("installs?serials=C02X", 422, "did you mean serial"),
        (
            "installs?zzz=1",
            422,
            "known are serial, adam_id, state, reason, needs_someone, group, limit, cursor",
        ),
        ("installs?%E2%82%AC=1", 422, "unknown"),
        ("devices?adam_id=1", 422, "unknown"),
        ("events?serial=C02X", 422, "unknown"),
        ("installs?serial=A&serial=B", 422, "more than once"),
        ("installs?serial=", 422, "serial"),
        ("installs?serial=C02%20X", 422, "serial"),
        ("installs?serial=" + "A" * 65, 422, "serial"),
        ("installs?adam_id=12a", 422, "adam id"),
        ("installs?adam_id=%D9%A3", 422, "adam id"),
        ("installs?adam_id=" + "1" * 20, 422, "adam id"),
        ("installs?state=instaled", 422, "did you mean installed"),
        ("installs?state=", 422, "state"),
        ("installs?reason=not_enroled", 422, "did you mean NOT_ENROLLED"),
        ("installs?reason=zzz", 422, "The reason 'ZZZ' is unknown."),
        ("installs?limit=0", 422, "limit"),
        ("installs?limit=1001", 422, "limit"),
        ("installs?limit=-1", 422, "limit"),
        ("installs?limit=ten", 422, "limit"),
        ("installs?limit=" + "9" * 5000, 422, "limit"),
        ("devices?limit=1001", 422, "limit"),
        ("events?source=google", 422, "known are mdm, apple"),
        ("events?topic=a%20b", 422, "topic"),
        ("events?status=old", 422, "status"),
        ("devices?enrolled=yes", 422, "true or false"),
        ("devices?server=a%20b", 422, "name"),
        ("commands?state=lost", 422, "state"),
        ("openapi.json?x=1", 422, "this call takes none"),
        ("installs/C02X/1?limit=1", 422, "this call takes none"),
        ("installs?cursor=", 400, "cursor"),
        ("installs?cursor=a%2Bb", 400, "cursor"),
        ("installs?cursor=unknown", 400, "This cursor is none of ours."),
        ("events?cursor=" + "a" * 2049, 400, "cursor"),
    ],
)
def test_a_query_of_no_use_is_refused_with_a_sentence(
    client: FlaskClient, bridge: StandIn, query: str, status: int, named: str
) -> None:
    response = client.get(f"/v1/{query}", headers=KEY)
    assert response.status_code == status
    assert named in error_of(response)
    assert not bridge.asked


def test_one_install_is_shown_with_what_explains_it(client: FlaskClient, bridge: StandIn) -> None:
    bridge.install = {"serial_number": "C02X", "trail": [{"what": "asked"}]}
    response = client.get("/v1/installs/c02x/361309726", headers=KEY)
    assert (response.status_code, response.get_json()) == (200, bridge.install)
    assert bridge.asked == [("install", {"serial": "c02x", "adam_id": "361309726"})]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/v1/installs/C02X/1", 404),
        ("/v1/installs/C02_X/1", 422),
        ("/v1/installs/C02X/one", 422),
        ("/v1/installs/C02X/1/more", 404),
        ("/v1/unknown", 404),
    ],
)
def test_what_is_not_there_is_said_in_json(client: FlaskClient, path: str, status: int) -> None:
    response = client.get(path, headers=KEY)
    assert response.status_code == status
    assert error_of(response)


@pytest.mark.parametrize("path", [*READING, "/v1/installs/C02X/1"])
@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("/secret: damaged"), 503), (ValueError("secret"), 500)]
)
def test_failures_tell_no_details_but_to_the_log(
    client: FlaskClient,
    bridge: StandIn,
    caplog: pytest.LogCaptureFixture,
    path: str,
    error: Exception,
    status: int,
) -> None:
    bridge.fails = error
    response = client.get(path, headers=KEY)
    assert response.status_code == status
    assert "secret" not in error_of(response)
    assert "secret" in caplog.text


def test_answers_are_not_to_be_kept(client: FlaskClient) -> None:
    for headers in (KEY, {}):
        assert client.get("/v1/installs", headers=headers).headers["Cache-Control"] == "no-store"
