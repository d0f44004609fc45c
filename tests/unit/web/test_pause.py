"""`POST /v1/pause` and `/v1/resume`: who may, what is read, and what is answered."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.errors import StoreError
from bridge.web import create_app
from tests.web_stand_in import API_KEY, KEY, READ_KEY, StandIn, basic


@pytest.fixture
def bridge() -> StandIn:
    return StandIn()


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


def post(client: FlaskClient, path: str, body: Any, key: str = API_KEY) -> Any:
    return client.post(path, json=body, headers=basic(key))


@pytest.mark.parametrize(
    ("body", "chosen"),
    [
        ({"all": True}, ("all", "")),
        ({"app": "361309726"}, ("app", "361309726")),
        ({"location": "hq"}, ("location", "hq")),
        ({"serial": "c02xl0gyjgh5"}, ("serial", "c02xl0gyjgh5")),
    ],
)
def test_one_thing_is_paused_and_resumed(
    client: FlaskClient, bridge: StandIn, body: dict[str, Any], chosen: tuple[str, str]
) -> None:
    shown = [{"scope": chosen[0], "name": chosen[1]}]
    assert post(client, "/v1/resume", body).get_json() == {"resumed": False, "pauses": []}
    assert post(client, "/v1/pause", body).get_json() == {"paused": True, "pauses": shown}
    assert bridge.pauses == [chosen]
    assert post(client, "/v1/pause", body).get_json()["paused"] is False
    assert post(client, "/v1/resume", body).get_json()["resumed"] is True


@pytest.mark.parametrize("path", ["/v1/pause", "/v1/resume"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"all": False},
        {"all": 1},
        {"app": 5},
        {"app": "pages"},
        {"serial": "a b"},
        {"serial": None},
        {"everything": True},
        {"app": "1", "serial": "C02"},
    ],
)
def test_anything_else_is_refused(
    client: FlaskClient, bridge: StandIn, path: str, body: Any
) -> None:
    response = post(client, path, body)
    assert response.status_code == 422
    assert response.get_json()["error"].endswith(".")
    assert bridge.pauses == []


def test_an_unknown_location_is_not_paused_but_may_be_resumed(
    client: FlaskClient, bridge: StandIn
) -> None:
    assert post(client, "/v1/pause", {"location": "gone"}).status_code == 422
    bridge.pauses = [("location", "gone")]
    assert post(client, "/v1/resume", {"location": "gone"}).status_code == 200


def test_it_takes_the_full_key_and_a_post(client: FlaskClient, bridge: StandIn) -> None:
    assert post(client, "/v1/pause", {"all": True}, READ_KEY).status_code == 403
    assert post(client, "/v1/pause", {"all": True}, "wrong").status_code == 401
    assert client.get("/v1/pause", headers=KEY).status_code == 405
    assert bridge.pauses == []


def test_a_database_of_no_use_is_503(client: FlaskClient, bridge: StandIn) -> None:
    bridge.fails = StoreError("disk full")
    assert post(client, "/v1/pause", {"all": True}).status_code == 503
