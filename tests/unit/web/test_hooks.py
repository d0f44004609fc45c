"""The two hooks: what is refused and in which order, what is stored, what is answered."""

import base64
import gzip
import hashlib
import hmac
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from bridge.errors import StoreError
from bridge.web import create_app, create_outside_app
from tests.web_stand_in import (
    API_KEY,
    LIMITS,
    NOTIFICATION_TOKEN,
    WEBHOOK_KEYS,
    StandIn,
    config,
)

MDM = "/hooks/mdm/main"
APPLE = "/hooks/apple/hq"
OBJECT = b'{"topic": "mdm.Connect"}'


def basic(password: str, user: str = "micromdm") -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


RIGHT = {MDM: basic(WEBHOOK_KEYS[0]), APPLE: f"Bearer {NOTIFICATION_TOKEN}"}


@pytest.fixture
def bridge() -> StandIn:
    return StandIn()


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


def post(client: FlaskClient, path: str, body: bytes = OBJECT, **headers: str) -> TestResponse:
    credentials = {"Authorization": RIGHT[path.rstrip("/")]} if path.rstrip("/") in RIGHT else {}
    return client.post(path, data=body, headers=credentials | headers)


def is_one_sentence(response: TestResponse) -> bool:
    body = response.get_json()
    return list(body) == ["error"] and body["error"].endswith(".") and "\n" not in body["error"]


@pytest.mark.parametrize("path", [MDM, APPLE, MDM + "/", APPLE + "/"])
def test_a_message_is_stored_as_it_came_and_answered_with_nothing(
    client: FlaskClient, bridge: StandIn, path: str
) -> None:
    response = post(client, path)
    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["Content-Length"] == "0"
    origin, stored = ("main", bridge.webhooks) if "mdm" in path else ("hq", bridge.notifications)
    assert stored == [(origin, OBJECT)]
    assert not bridge.refused


@pytest.mark.parametrize("path", [MDM, APPLE])
@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data; boundary=x",
        "application/x-www-form-urlencoded",
        "\\",
    ],
)
def test_the_content_type_does_not_matter(
    client: FlaskClient, bridge: StandIn, path: str, content_type: str
) -> None:
    assert post(client, path, **{"Content-Type": content_type}).status_code == 200
    assert bridge.webhooks + bridge.notifications


@pytest.mark.parametrize("key", WEBHOOK_KEYS)
@pytest.mark.parametrize("user", ["micromdm", "", "ü"])
def test_any_user_with_any_of_the_keys_is_let_in(client: FlaskClient, key: str, user: str) -> None:
    assert (
        client.post(MDM, data=OBJECT, headers={"Authorization": basic(key, user)}).status_code
        == 200
    )


@pytest.mark.parametrize(
    ("path", "header"),
    [
        (MDM, None),
        (MDM, basic("wrong")),
        (MDM, basic("")),
        (MDM, basic(API_KEY, "bridge")),
        (MDM, basic(WEBHOOK_KEYS[0] + "x")),
        (MDM, basic("ключ")),
        (MDM, "Basic " + base64.b64encode(WEBHOOK_KEYS[0].encode()).decode()),
        (MDM, "Basic !!!"),
        (MDM, "Basic"),
        (MDM, "Bearer " + WEBHOOK_KEYS[0]),
        (APPLE, None),
        (APPLE, "Bearer wrong"),
        (APPLE, "Bearer"),
        (APPLE, "Bearer "),
        (APPLE, NOTIFICATION_TOKEN),
        (APPLE, basic(NOTIFICATION_TOKEN)),
    ],
)
def test_without_right_credentials_nothing_is_stored(
    client: FlaskClient, bridge: StandIn, path: str, header: str | None
) -> None:
    too_long = b"x" * 1000
    headers = {} if header is None else {"Authorization": header}
    response = client.post(path, data=too_long, headers=headers)
    assert response.status_code == 401 and is_one_sentence(response)
    scheme = "Basic" if path == MDM else "Bearer"
    assert response.headers["WWW-Authenticate"].startswith(f'{scheme} realm="bridge"')
    assert bridge.counted == ["mdm.401" if path == MDM else "apple.401"]
    assert not (bridge.webhooks or bridge.notifications or bridge.refused)


@pytest.mark.parametrize(
    ("path", "counted"),
    [
        ("/hooks/mdm/other", ["mdm.404"]),
        ("/hooks/mdm/hq", ["mdm.404"]),
        ("/hooks/apple/main", ["apple.404"]),
        ("/hooks/apple/HQ/", ["apple.404"]),
        ("/hooks/mdm/", []),
        ("/hooks/mdm/main//", []),
        ("/hooks/mdm/main/more", []),
        ("//hooks/mdm/main", []),
        ("/hooks//mdm/main", []),
        ("/hooks", []),
        ("/", []),
    ],
)
def test_an_unknown_name_is_not_found_whatever_the_credentials(
    client: FlaskClient, bridge: StandIn, path: str, counted: list[str]
) -> None:
    response = client.post(path, data=b"x" * 1000)
    assert response.status_code == 404 and is_one_sentence(response)
    assert bridge.counted == counted
    assert not bridge.refused


@pytest.mark.parametrize("path", [MDM, APPLE])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "BREW"])
def test_only_post_is_taken(client: FlaskClient, path: str, method: str) -> None:
    response = client.open(path, method=method, data=OBJECT, headers={"Authorization": RIGHT[path]})
    assert response.status_code == 405
    assert response.headers["Allow"] == "POST"


def padded(length: int) -> bytes:
    return b'{"a": "' + b"x" * (length - 9) + b'"}'


def chunked(client: FlaskClient, path: str, body: bytes) -> TestResponse:
    """A body without Content-Length, as gunicorn hands over a chunked one."""
    return client.post(
        path,
        input_stream=io.BytesIO(body),
        headers={"Authorization": RIGHT[path], "Transfer-Encoding": "chunked"},
        environ_overrides={"wsgi.input_terminated": True},
    )


@pytest.mark.parametrize("send", [post, chunked])
@pytest.mark.parametrize(("path", "limit"), [(MDM, LIMITS.mdm_body), (APPLE, LIMITS.apple_body)])
def test_a_body_may_be_as_long_as_the_limit_and_no_longer(
    client: FlaskClient, bridge: StandIn, path: str, limit: int, send: Any
) -> None:
    assert send(client, path, padded(limit)).status_code == 200
    response = send(client, path, padded(limit + 1))
    assert response.status_code == 413 and is_one_sentence(response)
    assert len(bridge.webhooks + bridge.notifications) == 1
    assert bridge.refused == ([("main", 413)] if path == MDM else [])


@pytest.mark.parametrize("path", [MDM, APPLE])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"{",
        b"{} {}",
        b'{"a": NaN}',
        b"\xef\xbb\xbf{}",
        b'{"a": "\xff"}',
        '{"a": 1}'.encode("utf-16"),
        gzip.compress(OBJECT, mtime=0),
        b"[" * 90,
    ],
)
def test_what_is_not_a_json_object_in_utf8_is_refused(
    client: FlaskClient, bridge: StandIn, path: str, body: bytes
) -> None:
    response = post(client, path, body)
    assert response.status_code == 400 and is_one_sentence(response)
    assert not (bridge.webhooks or bridge.notifications)
    assert bridge.refused == ([("main", 400)] if path == MDM else [])


class Broken(io.BytesIO):
    """The sender goes away in the middle of the body."""

    def read(self, size: int | None = -1) -> bytes:
        raise ConnectionResetError("gone")


@pytest.mark.parametrize("path", [MDM, APPLE])
def test_a_body_that_breaks_off_is_refused(client: FlaskClient, bridge: StandIn, path: str) -> None:
    response = client.post(
        path,
        input_stream=Broken(),
        headers={"Authorization": RIGHT[path]},
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert response.status_code == 400 and is_one_sentence(response)
    assert bridge.refused == ([("main", 400)] if path == MDM else [])


@pytest.mark.parametrize("path", [MDM, APPLE])
@pytest.mark.parametrize(
    ("error", "status"), [(StoreError("disk full at /secret"), 503), (KeyError("secret"), 500)]
)
def test_what_cannot_be_stored_is_said_without_details_and_looked_after(
    client: FlaskClient, bridge: StandIn, path: str, error: Exception, status: int
) -> None:
    bridge.fails = error
    response = post(client, path)
    assert response.status_code == status and is_one_sentence(response)
    assert b"secret" not in response.data
    assert bridge.refused == ([("main", status)] if path == MDM else [])


def test_tokens_that_cannot_be_read_are_no_reason_to_refuse_for_good(
    client: FlaskClient, bridge: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(location: str, token: str) -> bool:
        raise StoreError("no")

    monkeypatch.setattr(bridge, "notification_token_ok", fail)
    assert post(client, APPLE).status_code == 503
    assert not bridge.counted


any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
bodies = st.binary() | any_json.map(lambda value: json.dumps(value).encode())
latin = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hook=st.sampled_from([MDM, APPLE]),
    suffix=st.sampled_from(["", "/"]),
    header=st.none() | latin | latin.map(lambda text: f"Basic {text}") | latin.map(basic),
    body=bodies,
    content_type=latin,
)
def test_whatever_is_sent_gets_an_answer_of_the_contract(
    client: FlaskClient, hook: str, suffix: str, header: str | None, body: bytes, content_type: str
) -> None:
    headers = {"Authorization": header or RIGHT[hook], "Content-Type": content_type.strip()}
    response = client.post(hook + suffix, data=body, headers=headers)
    assert response.status_code in (200, 400, 401, 413)
    if response.status_code == 200:
        assert response.data == b""
    else:
        assert is_one_sentence(response)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.text(st.characters(exclude_categories=("Cs",)), max_size=30), body=st.binary())
def test_whatever_path_is_asked_is_never_redirected_nor_fails(
    client: FlaskClient, path: str, body: bytes
) -> None:
    response = client.post("/hooks/" + path, data=body)
    assert response.status_code in (401, 404)


# --- signed webhooks ---

HMAC_KEYS = ("sign-key-new", "sign-key-old")


def signature(body: bytes, key: str = HMAC_KEYS[0]) -> dict[str, str]:
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    return {"X-Hmac-Signature": base64.b64encode(digest).decode()}


def signing(*webhook_keys: str) -> StandIn:
    """A bridge whose server signs, and sends a password too if there are `webhook_keys`."""
    conf = config()
    server = replace(
        conf.servers["main"],
        kind="nanomdm",
        webhook_keys=webhook_keys,
        webhook_hmac_keys=HMAC_KEYS,
    )
    return StandIn(replace(conf, servers={"main": server}))


@pytest.mark.parametrize("key", HMAC_KEYS)
def test_a_signature_over_the_very_bytes_lets_in(key: str) -> None:
    bridge = signing()
    body = b' {"topic": "mdm.Connect"}\n'
    answer = create_app(bridge).test_client().post(MDM, data=body, headers=signature(body, key))
    assert (answer.status_code, answer.data) == (200, b"")
    assert bridge.webhooks == [("main", body)]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": basic(WEBHOOK_KEYS[0])},
        {"Authorization": basic(HMAC_KEYS[0])},
        {"X-Hmac-Signature": ""},
        {"X-Hmac-Signature": "no base64 !"},
        {"X-Hmac-Signature": hmac.new(b"sign-key-new", OBJECT, hashlib.sha256).hexdigest()},
        signature(OBJECT, "another"),
        signature(OBJECT + b" "),
        {"X-Hmac-Signature": "sha256=" + signature(OBJECT)["X-Hmac-Signature"]},
    ],
)
def test_without_a_right_signature_nothing_is_stored(headers: dict[str, str]) -> None:
    bridge = signing()
    answer = create_app(bridge).test_client().post(MDM, data=OBJECT, headers=headers)
    assert answer.status_code == 401 and is_one_sentence(answer)
    assert bridge.counted == ["mdm.401"]
    assert not (bridge.webhooks or bridge.refused)


@pytest.mark.parametrize(
    ("password", "signs", "status"),
    [
        (WEBHOOK_KEYS[1], True, 200),
        (WEBHOOK_KEYS[1], False, 401),
        ("wrong", True, 401),
        (None, True, 401),
        (None, False, 401),
    ],
)
def test_with_both_keys_both_must_hold(password: str | None, signs: bool, status: int) -> None:
    bridge = signing(*WEBHOOK_KEYS)
    headers = {} if password is None else {"Authorization": basic(password)}
    headers |= signature(OBJECT) if signs else {}
    answer = create_app(bridge).test_client().post(MDM, data=OBJECT, headers=headers)
    assert answer.status_code == status
    assert bool(bridge.webhooks) is (status == 200)


@pytest.mark.parametrize("keys", [(), WEBHOOK_KEYS])
def test_where_it_signs_too_large_comes_before_who_it_is(keys: tuple[str, ...]) -> None:
    bridge = signing(*keys)
    too_long = b"x" * (LIMITS.mdm_body + 1)
    answer = create_app(bridge).test_client().post(MDM, data=too_long)
    assert answer.status_code == 413 and is_one_sentence(answer)
    assert bridge.counted == ["mdm.413"]
    assert not bridge.refused, "a stranger has nobody look at devices"


def test_a_signed_body_that_is_no_object_is_told_to_the_engine() -> None:
    bridge = signing()
    client = create_app(bridge).test_client()
    assert client.post(MDM, data=b"no", headers=signature(b"no")).status_code == 400
    assert client.post(MDM, data=b"no").status_code == 401
    assert bridge.refused == [("main", 400)] and bridge.counted == ["mdm.401"]


def test_a_server_without_any_key_lets_nobody_in() -> None:
    conf = config()
    server = replace(conf.servers["main"], webhook_keys=())
    bridge = StandIn(replace(conf, servers={"main": server}))
    for headers in ({}, {"Authorization": basic("")}, signature(OBJECT, "")):
        answer = create_app(bridge).test_client().post(MDM, data=OBJECT, headers=headers)
        assert answer.status_code == 401
    assert not bridge.webhooks


@pytest.mark.parametrize("outside", [False, True])
def test_the_engine_is_told_at_once_of_what_was_stored(bridge: StandIn, outside: bool) -> None:
    told = list[int]()
    create = create_outside_app if outside else create_app

    def stored() -> None:
        told.append(len(bridge.notifications))

    client = create(bridge, stored).test_client()
    assert post(client, APPLE).status_code == 200
    assert told == [1], "and not before it is there"
    assert post(client, APPLE, Authorization="Bearer wrong").status_code == 401
    assert post(client, APPLE, b"nothing").status_code == 400
    client.get("/readyz")
    assert told == [1]
