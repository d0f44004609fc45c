"""The calls of the API that change something: what they take, and what they answer."""

from typing import Any, get_type_hints

import pytest
from flask.testing import FlaskClient

from bridge.domain.desired.desired import Desired
from bridge.domain.plan.blind import Blind
from bridge.domain.policy import Policy
from bridge.domain.views.desired import Plan
from bridge.errors import StoreError
from bridge.web import create_app
from bridge.web.v1.endpoints import ENDPOINTS
from tests.web_stand_in import KEY, READ_KEY, StandIn, basic, config, error_of

PAIR = "/v1/installs/c02x/361309726"
INSTALL = {"serial_number": "C02X", "adam_id": "361309726"}


API_BODY = Policy().limits.api_body


def example(path: str) -> str:
    """A path with its parameters filled in."""
    return (
        path.replace("{serial}", "C02X")
        .replace("{adam_id}", "1")
        .replace("{id}", "7")
        .replace("{name}", "hq")
    )


CHANGING = [(call.method, example(call.path)) for call in ENDPOINTS if call.changes]


@pytest.fixture
def bridge() -> StandIn:
    return StandIn(config(policy=Policy()))


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


def test_retry_gives_one_install_another_round(client: FlaskClient, bridge: StandIn) -> None:
    bridge.install = INSTALL
    response = client.post(f"{PAIR}/retry", headers=KEY)
    assert (response.status_code, response.get_json()) == (200, {"retried": 1})
    assert bridge.done == [("retry", "c02x", "361309726")]


def test_retry_of_what_nobody_wanted_is_not_found(client: FlaskClient, bridge: StandIn) -> None:
    response = client.post(f"{PAIR}/retry", headers=KEY)
    assert response.status_code == 404
    assert error_of(response)
    assert not bridge.done


@pytest.mark.parametrize(
    ("body", "options"),
    [
        (None, (None, None)),
        ({}, (None, None)),
        ({"location": "hq", "pricing_param": "PLUS"}, ("hq", "PLUS")),
    ],
)
def test_a_wish_is_new_once(
    client: FlaskClient, bridge: StandIn, body: Any, options: tuple[object, object]
) -> None:
    bridge.install = INSTALL
    for status in (201, 200):
        response = client.put(PAIR, json=body, headers=KEY)
        assert (response.status_code, response.get_json()) == (status, INSTALL)
    assert bridge.done == [("assign", "c02x", "361309726", *options)] * 2


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        (PAIR, {"location": "unknown"}, "The location unknown is not configured"),
        (PAIR, {"location": 5}, "name"),
        (PAIR, {"pricing_param": "STDP"}, "did you mean STDQ"),
        (PAIR, {"priority": 1}, "unknown"),
        ("/v1/installs/C02_X/1", {}, "serial"),
        ("/v1/installs/C02X/one", {}, "adam id"),
    ],
)
def test_a_wish_that_cannot_be_stored(
    client: FlaskClient, path: str, body: Any, named: str
) -> None:
    response = client.put(path, json=body, headers=KEY)
    assert response.status_code == 422
    assert named in error_of(response)


def test_a_wish_is_withdrawn_whether_it_is_there_or_not(
    client: FlaskClient, bridge: StandIn
) -> None:
    for _ in range(2):
        response = client.delete(PAIR, headers=KEY)
        assert (response.status_code, response.data) == (204, b"")
        assert "Content-Type" not in response.headers
    assert bridge.done == [("unassign", "c02x", "361309726")] * 2


@pytest.mark.parametrize(("body", "dry_run"), [(None, False), ({"dry_run": True}, True)])
def test_a_message_is_handled_again(
    client: FlaskClient, bridge: StandIn, body: Any, dry_run: bool
) -> None:
    response = client.post("/v1/events/7/replay", json=body, headers=KEY)
    assert (response.status_code, response.get_json()["dry_run"]) == (200, dry_run)
    assert bridge.done == [("replay", 7, dry_run)]


@pytest.mark.parametrize(
    ("event", "body", "status"),
    [
        ("8", {}, 404),
        ("0", {}, 422),
        ("-1", {}, 422),
        ("x", {}, 422),
        (str(2**63), {}, 422),
        ("7", {"dry_run": "true"}, 422),
        ("7", {"dry_run": 1}, 422),
    ],
)
def test_a_message_that_cannot_be_handled_again(
    client: FlaskClient, event: str, body: Any, status: int
) -> None:
    response = client.post(f"/v1/events/{event}/replay", json=body, headers=KEY)
    assert response.status_code == status
    assert error_of(response)


def test_a_failed_call_is_made_again(client: FlaskClient, bridge: StandIn) -> None:
    response = client.post("/v1/outbox/7/retry", headers=KEY)
    assert (response.status_code, response.get_json()) == (200, {"retried": 1})
    refused = client.post("/v1/outbox/8/retry", headers=KEY)
    assert (refused.status_code, error_of(refused)) == (409, "It has not failed.")
    unknown = client.post("/v1/outbox/9/retry", headers=KEY)
    assert unknown.status_code == 404
    assert error_of(unknown)


@pytest.mark.parametrize(("body", "what"), [(None, "all"), ({}, "all"), ({"what": "devices"},) * 2])
def test_sync_asks_the_engine(client: FlaskClient, bridge: StandIn, body: Any, what: Any) -> None:
    response = client.post("/v1/sync", json=body, headers=KEY)
    assert response.status_code == 202
    assert response.get_json() == {"reads": [{"what": "assets", "of": "hq", "asked": True}]}
    assert bridge.done == [("sync", what if isinstance(what, str) else "devices")]


def test_sync_without_anything_to_read(client: FlaskClient, bridge: StandIn) -> None:
    bridge.reads = ()
    response = client.post("/v1/sync", headers=KEY)
    assert response.status_code == 409
    assert error_of(response)


WANTED = {
    "groups": {"kiosks": {"serials": ["c02x"]}},
    "apps": [{"adam_id": "1", "groups": ["kiosks"]}],
}


@pytest.mark.parametrize(
    ("options", "handed"), [({}, (None, None)), ({"limit": 5, "allow_removals": 9.0}, (5, 9))]
)
def test_what_is_wanted_is_applied(
    client: FlaskClient, bridge: StandIn, options: Any, handed: Any
) -> None:
    response = client.post("/v1/apply", json=WANTED | options, headers=KEY)
    assert response.status_code == 200
    assert response.get_json() == {
        "added": 1,
        "removed": 0,
        "changed": 0,
        "unchanged": 4,
        "let_go": 0,
        "held_back": 0,
    }
    ((_, desired, *limits, unseen),) = bridge.done
    assert unseen == ()
    assert isinstance(desired, Desired)
    assert [group.serials for group in desired.groups] == [("C02X",)]
    assert [(app.adam_id, app.location) for app in desired.apps] == [("1", "hq")]
    assert tuple(limits) == handed


def test_what_would_be_wanted_is_planned(client: FlaskClient, bridge: StandIn) -> None:
    response = client.post("/v1/plan", json=WANTED | {"limit": 3}, headers=KEY)
    assert response.status_code == 200
    shown = response.get_json()
    assert set(shown) == set(get_type_hints(Plan))
    nothing = dict.fromkeys(("removed", "kept", "licences_back", "apps_deleted"), 0)
    assert shown["apps"] == [{"adam_id": "1", "name": "Pages", "added": 1} | nothing]
    ((what, desired, limit),) = bridge.done
    assert (what, [app.adam_id for app in desired.apps], limit) == ("plan", ["1"], 3)


def test_a_blind_apply_is_a_conflict_unless_it_says_offline(
    client: FlaskClient, bridge: StandIn
) -> None:
    bridge.is_blind = (Blind("main", "connection refused"),)
    for offline in ({}, {"offline": False}):
        response = client.post("/v1/apply", json=WANTED | offline, headers=KEY)
        assert response.status_code == 409
        said = error_of(response)
        assert "those of main could not be read (connection refused)" in said
        assert '"offline": true' in said and "--offline" not in said
    assert not bridge.done
    response = client.post("/v1/apply", json=WANTED | {"offline": True}, headers=KEY)
    assert response.status_code == 200
    ((*_, unseen),) = bridge.done
    assert unseen == bridge.is_blind


def test_too_many_removals_are_a_conflict(client: FlaskClient) -> None:
    response = client.post("/v1/apply", json=WANTED | {"allow_removals": 0}, headers=KEY)
    assert response.status_code == 409
    assert error_of(response).startswith("Nothing was stored: ")


@pytest.mark.parametrize("path", ["/v1/plan", "/v1/apply"])
@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"groups": []}, "object"),
        ({"apps": {}}, "list"),
        ({"apps": [{"adam_id": "x"}]}, "This cannot be wanted: apps.0.adam_id: "),
        ({"groups": {"a": {"serials_file": "/etc/passwd"}}}, "groups.a.serials_file: names a file"),
        ({"apps": [{}] * 20}, "and 30 more mistakes."),
        ({"limit": -1}, "count"),
        ({"limit": True}, "count"),
        ({"limit": 1.5}, "count"),
        ({"limits": 1}, "did you mean limit"),
    ],
)
def test_what_cannot_be_wanted_changes_nothing(
    client: FlaskClient, bridge: StandIn, path: str, changes: Any, named: str
) -> None:
    response = client.post(path, json=WANTED | changes, headers=KEY)
    assert response.status_code == 422
    assert named in error_of(response)
    assert not bridge.done


@pytest.mark.parametrize("name", ["groups", "apps"])
def test_a_key_that_was_forgotten_wipes_nothing(
    client: FlaskClient, bridge: StandIn, name: str
) -> None:
    body = {key: value for key, value in WANTED.items() if key != name}
    response = client.post("/v1/apply", json=body, headers=KEY)
    assert response.status_code == 422
    assert name in error_of(response)
    assert not bridge.done


@pytest.mark.parametrize(("method", "path"), CHANGING)
@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"{}", "application/x-www-form-urlencoded", 415),
        (b"{}", None, 415),
        (b"what", "application/json", 400),
        (b"[]", "application/json", 400),
        (b'{"a": NaN}', "application/json", 400),
        (b"\xff", "application/json", 400),
        (b"[" * (API_BODY - 1), "application/json", 400),
        (b'{"zzz": 1}', "application/json; charset=utf-8", 422),
        (b" " * (API_BODY + 1), "application/json", 413),
    ],
)
def test_a_body_of_no_use_changes_nothing(
    client: FlaskClient,
    bridge: StandIn,
    method: str,
    path: str,
    body: bytes,
    content_type: str | None,
    status: int,
) -> None:
    response = client.open(path, method=method, data=body, content_type=content_type, headers=KEY)
    assert response.status_code == status
    assert error_of(response)
    assert not bridge.done


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_the_read_key_and_other_sites_change_nothing(
    client: FlaskClient, bridge: StandIn, method: str, path: str
) -> None:
    bridge.install = INSTALL
    foreign = KEY | {"Origin": "https://evil.example.org"}
    for headers in (basic(READ_KEY), foreign):
        response = client.open(path, method=method, headers=headers)
        assert response.status_code == 403
        assert error_of(response)
    assert not bridge.done


@pytest.mark.parametrize(("method", "path"), CHANGING)
def test_a_database_that_cannot_be_used_is_503(
    client: FlaskClient, bridge: StandIn, method: str, path: str
) -> None:
    bridge.fails = StoreError("/secret: damaged")
    body = next(c.asks.example for c in ENDPOINTS if (c.method, example(c.path)) == (method, path))
    response = client.open(path, method=method, json=body or {}, headers=KEY)
    assert response.status_code == 503
    assert "secret" not in error_of(response)


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({"whta": "all"}, "did you mean what"),
        ({"what": "device"}, "did you mean devices"),
        ({"what": 1}, "unknown"),
        ({"what": None}, "unknown"),
    ],
)
def test_names_and_words_are_checked(client: FlaskClient, body: Any, named: str) -> None:
    response = client.post("/v1/sync", json=body, headers=KEY)
    assert response.status_code == 422
    assert named in error_of(response)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/installs", {"GET", "HEAD", "OPTIONS"}),
        ("/v1/sync", {"POST", "OPTIONS"}),
        ("/v1/openapi.json", {"GET", "HEAD", "OPTIONS"}),
    ],
)
def test_methods_that_a_path_does_not_take(
    client: FlaskClient, path: str, allowed: set[str]
) -> None:
    response = client.patch(path, headers=KEY)
    assert response.status_code == 405
    assert error_of(response)
    assert {word.strip() for word in response.headers["Allow"].split(",")} == allowed
    asked = client.options(path, headers=KEY)
    assert (asked.status_code, asked.data) == (204, b"")
    assert {word.strip() for word in asked.headers["Allow"].split(",")} == allowed
    head = client.head(path, headers=KEY)
    assert (head.status_code, head.data) == (200 if "HEAD" in allowed else 405, b"")
