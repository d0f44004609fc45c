"""What a key may do by its role: every call and every button, each with every key."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from flask.testing import FlaskClient

from bridge.config import ApiConfig
from bridge.config.model import NamedKey
from bridge.domain.audit import ACTIONS, Actor
from bridge.domain.policy import Policy
from bridge.domain.roles import MAY, ROLES, Role, allows
from bridge.domain.views import Page
from bridge.domain.views.users import SECRETS
from bridge.web import create_app
from bridge.web.pages import BUTTONS, Button
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from tests.unit.web.test_change import INSTALL, example
from tests.web_stand_in import API_KEY, KEY, READ_KEY, StandIn, basic, config, error_of

NAMED = {role: f"the-{role}-key" for role in ROLES}
API = ApiConfig(
    API_KEY, READ_KEY, keys={f"my-{role}": NamedKey(role, text) for role, text in NAMED.items()}
)
KEYS: dict[str, tuple[str, Role]] = {f"my-{role}": (text, role) for role, text in NAMED.items()} | {
    "api.key": (API_KEY, "claim"),
    "api.read_key": (READ_KEY, "read"),
}


@pytest.fixture
def bridge() -> StandIn:
    found = StandIn(config(policy=Policy(), api=API))
    found.install = INSTALL
    return found


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


def may(name: str, role: Role, needed: Role, method: str) -> bool:
    return allows(role, needed) and (method == "GET" or name != "api.read_key")


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("call", ENDPOINTS, ids=lambda call: call.name)
def test_each_call_with_each_key(
    client: FlaskClient, bridge: StandIn, call: Endpoint[Any], name: str
) -> None:
    key, role = KEYS[name]
    path, body = example(call.path), call.asks.example or {}
    json = None if call.method == "GET" else body
    response = client.open(path, method=call.method, json=json, headers=basic(key))
    if may(name, role, call.role, call.method):
        assert response.status_code != 403
        who = [] if call.action is None else [(name, f"{call.method} {call.path}")]
        assert [(each.name, each.via) for each in bridge.actors] == who
        assert not bridge.denied
        return
    assert response.status_code == 403
    assert f"a key with the role {call.role}" in error_of(response)
    assert not bridge.done and not bridge.actors
    denied = Actor("key", name, f"{call.method} {call.path}", role)
    assert bridge.denied == [(denied, call.role)]


@pytest.mark.parametrize("name", KEYS)
@pytest.mark.parametrize("button", BUTTONS, ids=lambda button: button.rule)
def test_each_button_with_each_key(client: FlaskClient, button: Button, name: str) -> None:
    key, role = KEYS[name]
    path = example(button.rule.replace("<", "{").replace(">", "}"))
    page = client.post(path, headers=basic(key)).get_data(as_text=True)
    if may(name, role, button.role, "POST"):
        assert "The button was not on a page of this bridge" in page
    else:
        assert f"a key with the role {button.role}" in page


def test_every_call_and_button_says_who_may() -> None:
    for call in ENDPOINTS:
        assert call.role in ROLES
        assert call.action in (None, *ACTIONS)
        only_looks = call.method == "GET" or call.name == "plan"
        assert (call.role == "read") == only_looks, call.name
        assert (call.action is None) == only_looks, f"{call.name} leaves nothing in the audit log"
    for button in BUTTONS:
        assert button.role != "read" and button.action in ACTIONS
    with pytest.raises(TypeError, match="role"):
        Endpoint("GET", "/v1/x", "x", says="x", asks=ENDPOINTS[0].asks)  # type: ignore[call-arg]
    assert set(MAY) == set(get_args(Role))


def test_what_says_nothing_needs_the_largest(bridge: StandIn) -> None:
    app = create_app(bridge)
    app.add_url_rule("/v1/forgotten", "v1.forgotten", lambda: "", methods=["POST"])
    client = app.test_client()
    for role, key in NAMED.items():
        status = client.post("/v1/forgotten", headers=basic(key)).status_code
        assert status == (200 if role == "claim" else 403), role
    assert client.post("/v1/nothing", headers=basic(NAMED["read"])).status_code == 404


@pytest.mark.parametrize("name", KEYS)
def test_invitations_are_for_whoever_may_send_them(
    client: FlaskClient, bridge: StandIn, name: str
) -> None:
    key, role = KEYS[name]
    user = {"client_user_id": "ann"} | dict.fromkeys(SECRETS, "planted-code")
    bridge.page = Page([user])
    seen = client.get("/v1/users", headers=basic(key)).get_data(as_text=True)
    assert ("planted-code" in seen) == allows(role, "operate")


def test_the_description_names_the_role(client: FlaskClient) -> None:
    paths = client.get("/v1/openapi.json", headers=KEY).get_json()["paths"]
    for call in ENDPOINTS:
        operation = paths[call.path][call.method.lower()]
        assert operation["security"] == [{"key": [call.role]}]


def test_two_keys_of_one_role_stand_side_by_side(client: FlaskClient, bridge: StandIn) -> None:
    keys = {"old": NamedKey("operate", "the-old-key"), "new": NamedKey("operate", "the-new-key")}
    bridge.config = replace(bridge.config, api=ApiConfig(keys=keys))
    for name in keys:
        assert client.post("/v1/sync", headers=basic(f"the-{name}-key")).status_code == 202
    assert [each.name for each in bridge.actors] == ["old", "new"]
    for gone in (API_KEY, READ_KEY, "", "the-mid-key"):
        response = client.post("/v1/sync", headers=basic(gone))
        assert response.status_code == 401
        assert "user or key is missing or wrong" in error_of(response)


def test_all_keys_are_compared_whichever_is_offered(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []
    whole = __import__("hmac").compare_digest

    def digest(one: Any, other: Any) -> bool:
        compared.append(other)
        return bool(whole(one, other))

    monkeypatch.setattr("bridge.web.credentials.hmac.compare_digest", digest)
    found = []
    for key in (API_KEY, NAMED["claim"], "wrong"):
        compared.clear()
        client.get("/v1/installs", headers=basic(key))
        found.append(list(compared))
    assert found[0] == found[1] == found[2] and len(found[0]) == 1 + len(KEYS)
