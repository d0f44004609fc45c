"""MicroMDM's webhook: what is read of it, and above all what is not kept."""

import base64
import hashlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ShapeError
from bridge.wire import mdm_webhook, plist
from bridge.wire.mdm_webhook import load_stored, parse_webhook, storable

SAMPLES = Path(__file__).parents[2] / "samples"
WEBHOOKS = json.loads((SAMPLES / "mdm-webhooks.json").read_text())
IPAD = "1C7B9F52-0A64-4E0B-9B0D-6B1E8F3A7D10"
MAC = "7E41C2D8-93AF-5B6C-A1F0-4C5D2E9B8A33"
COMMAND = "b5d2f7c4-61a9-4f0e-8a37-0d9c1e5b7f21"
SECRETS = [
    b"authenticate-challenge-secret",
    b"push-magic-secret",
    b"push-token-secret-0123456789abcd",
    b"unlock-token-secret",
    b"bootstrap-token-secret",
    b"filevault-key-secret",
    b"url-params-secret",
    b"REDEEM-CODE-SECRET",
    b"First Account",
]


def device(name: str) -> bytes:
    return (SAMPLES / "device" / f"{name}.plist").read_bytes()


def checkin(topic: str, payload: bytes, **members: object) -> bytes:
    event = {"udid": IPAD, "url_params": None, "raw_payload": base64.b64encode(payload).decode()}
    return webhook(topic, checkin_event=event | members)


def connect(payload: bytes, **members: object) -> bytes:
    event = {"udid": IPAD, "status": "Acknowledged", "command_uuid": COMMAND}
    event["raw_payload"] = base64.b64encode(payload).decode()
    return webhook("mdm.Connect", acknowledge_event=event | members)


def webhook(topic: str, **members: object) -> bytes:
    head = {"topic": topic, "event_id": "e-1", "created_at": "2026-11-22T05:26:16.7658Z"}
    return json.dumps(head | members).encode()


def encoded(secret: bytes) -> list[bytes]:
    """How base64 shows `secret` at each of the three places in which it may start."""
    forms = [secret]
    for shift in range(3):
        text = base64.b64encode(b"x" * shift + secret)
        forms.append(text[4 if shift else 0 : len(text) // 4 * 4 - 4])
    return forms


# --- reading ---


def test_every_topic_is_read():
    read = [parse_webhook(json.dumps(each, indent=2).encode()) for each in WEBHOOKS]
    assert [
        (each.topic, each.kind, each.udid, each.status, each.command_uuid) for each in read
    ] == [
        ("mdm.Authenticate", "checkin", IPAD, None, None),
        ("mdm.TokenUpdate", "checkin", IPAD, None, None),
        ("mdm.CheckOut", "checkin", IPAD, None, None),
        ("mdm.GetBootstrapToken", "checkin", MAC, None, None),
        ("mdm.SetBootstrapToken", "checkin", MAC, None, None),
        ("mdm.Connect", "acknowledge", IPAD, "Acknowledged", COMMAND),
        ("mdm.Connect", "acknowledge", IPAD, "Idle", None),
        ("mdm.TokenUpdate", "checkin", MAC, None, None),
    ]
    assert [each.oddities for each in read] == [()] * len(WEBHOOKS)
    assert [each.payload_error for each in read] == [None] * len(WEBHOOKS)
    assert read[0].payload == device("authenticate")
    assert read[0].payload_length == len(device("authenticate"))
    assert read[0].payload_sha256 == hashlib.sha256(device("authenticate")).hexdigest()
    assert read[0].created_at == pytest.approx(1795325176.76580164, abs=1e-6)
    assert read[7].created_at == pytest.approx(1795325177.1, abs=1e-6)  # NanoMDM: local time
    assert read[7].event_id == "5f3a9c1d2b4e6f70"


def test_a_user_enrolment_has_no_udid():
    read = parse_webhook(
        checkin(
            "mdm.Authenticate", device("authenticate-user-enrollment"), udid="", enrollment_id="E-1"
        )
    )
    assert (read.udid, read.enrollment_id, read.oddities) == (None, "E-1", ())
    assert load_stored(storable(read, False)).channel == "enrollment"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"7",
        b"{",
        b"{}}",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b'{"a":NaN}',
        '{"topic":"Büro"}'.encode("utf-16"),
        pytest.param(b'{"a":' * 100_000 + b"1" + b"}" * 100_000, id="deep"),
    ],
)
def test_what_is_no_json_object(body):
    with pytest.raises(ShapeError) as caught:
        parse_webhook(body)
    assert caught.value.content == body


@pytest.mark.parametrize(
    ("body", "oddities"),
    [
        (b"{}", ("topic", "event_id", "created_at", "checkin_event")),
        (
            b'{"topic":7,"event_id":[],"created_at":{},"checkin_event":true}',
            ("topic", "event_id", "created_at", "checkin_event"),
        ),
        (webhook("mdm.Connect", checkin_event={}, acknowledge_event={}), ("checkin_event",)),
        (
            webhook("mdm.Connect", acknowledge_event={"udid": 1, "command_uuid": {}}),
            (
                "acknowledge_event.udid",
                "acknowledge_event.status",
                "acknowledge_event.command_uuid",
            ),
        ),
        (connect(b"", udid="\ud800"), ("acknowledge_event.udid",)),
        (connect(b"", udid="x" * 1025), ("acknowledge_event.udid",)),
        (
            webhook("mdm.Connect", created_at="yesterday", checkin_event={"udid": "u"}),
            ("created_at",),
        ),
        (
            webhook("mdm.Connect", created_at="0001-01-01T00:00:00Z", checkin_event={"udid": "u"}),
            ("created_at",),
        ),
        (webhook("new.Topic", checkin_event={"udid": "u", "more": [1]}, big=10**50), ()),
        (
            b'{"topic":"t","event_id":"e","created_at":null,"x":1e999}',
            ("created_at", "checkin_event"),
        ),
    ],
)
def test_odd_members_are_named_and_none(body, oddities):
    read = parse_webhook(body)
    assert read.oddities == oddities
    assert load_stored(storable(read, True)).oddities == oddities
    for name in oddities:
        if name.rpartition(".")[2] != "checkin_event":
            assert getattr(read, name.rpartition(".")[2]) is None


@pytest.mark.parametrize(
    ("raw_payload", "error"),
    [
        (None, "raw_payload is missing."),
        (7, "raw_payload is not text."),
        ("%%%", "raw_payload is not base64."),
        ("AAA", "raw_payload is not base64."),
        ("ü", "raw_payload is not base64."),
        ("\ud800", "raw_payload is not base64."),
    ],
)
def test_garbage_in_base64_is_an_error_in_words(raw_payload, error):
    read = parse_webhook(connect(b"", raw_payload=raw_payload))
    assert (read.payload, read.payload_error) == (None, error)
    stored = load_stored(storable(read, True))
    assert (stored.message, stored.payload_error) == (None, error)
    text = raw_payload.encode("utf-8", "surrogatepass") if isinstance(raw_payload, str) else None
    assert stored.payload_length == len(text or b"")
    assert stored.payload_sha256 == (hashlib.sha256(text).hexdigest() if text else None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
plists = st.sampled_from([device("install-error"), device("token-update"), b"", b"bplist00"])
members = st.fixed_dictionaries(
    {},
    optional={
        name: json_values | st.sampled_from(["x", COMMAND])
        for name in ("udid", "enrollment_id", "status", "command_uuid", "url_params")
    }
    | {"raw_payload": json_values | plists.map(lambda data: base64.b64encode(data).decode())},
)
documents = st.fixed_dictionaries(
    {},
    optional={
        "topic": json_values | st.sampled_from(["mdm.Connect", "mdm.TokenUpdate"]),
        "event_id": json_values,
        "created_at": json_values,
        "checkin_event": json_values | members,
        "acknowledge_event": json_values | members,
        "extra": json_values,
    },
)


@given(documents, st.booleans())
def test_any_object_is_read_stored_and_read_again(document, ours):
    try:
        body = json.dumps(document, allow_nan=False).encode()
    except ValueError:
        return
    read = parse_webhook(body)
    stored = load_stored(storable(read, ours))
    for name in ("topic", "event_id", "created_at", "kind", "udid", "enrollment_id", "status"):
        assert getattr(stored, name) == getattr(read, name)
    assert (stored.command_uuid, stored.oddities) == (read.command_uuid, read.oddities)
    assert stored.payload_sha256 == read.payload_sha256


@given(st.binary() | st.text().map(str.encode) | json_values.map(lambda v: json.dumps(v).encode()))
def test_noise_raises_shape_error_only(body):
    for read in (parse_webhook, load_stored):
        try:
            read(body)
        except ShapeError:
            pass


# --- what is kept ---


@pytest.mark.parametrize(
    "body",
    [
        checkin("mdm.Authenticate", device("authenticate")),
        checkin("mdm.Authenticate", device("token-update")),
        checkin("mdm.TokenUpdate", device("token-update")),
        checkin("mdm.TokenUpdate", device("token-update-user")),
        checkin("mdm.TokenUpdate", device("token-update-shared-ipad")),
        checkin("mdm.CheckOut", device("token-update")),
        checkin("mdm.SetBootstrapToken", device("set-bootstrap-token")),
        checkin("mdm.GetBootstrapToken", device("set-bootstrap-token")),
        checkin("mdm.Connect", device("token-update")),
        checkin("mdm.UserAuthenticate", device("token-update")),
        checkin("new.Topic", device("token-update")),
        checkin("mdm.TokenUpdate", device("token-update"), url_params={"k": "url-params-secret"}),
        checkin("mdm.TokenUpdate", device("token-update")[:-9]),
        checkin("mdm.TokenUpdate", plist.dumps({"UDID": {"Token": b"unlock-token-secret"}})),
        checkin("mdm.TokenUpdate", plist.dumps([b"unlock-token-secret"])),
        connect(device("idle-user"), status="Idle", command_uuid=""),
        connect(device("security-info-mac")),
        connect(device("managed-list")),
        connect(device("install-acknowledged"), url_params={"k": "url-params-secret"}),
    ],
)
@pytest.mark.parametrize("ours", [False, True])
def test_no_secret_is_kept(body, ours):
    stored = storable(parse_webhook(body), ours)
    for secret in SECRETS:
        for form in encoded(secret):
            assert form not in stored
    assert b"secret" not in stored
    assert load_stored(stored).payload_sha256 is not None


def test_the_secrets_are_in_the_samples_and_would_be_found():
    samples = b"".join(path.read_bytes() for path in (SAMPLES / "device").iterdir())
    for secret in SECRETS[:-1]:
        whole = samples + json.dumps(WEBHOOKS).encode()
        assert any(form in whole for form in encoded(secret)), secret


def test_no_secret_shows_in_a_repr():
    assert "secret" not in repr(parse_webhook(checkin("mdm.TokenUpdate", device("token-update"))))


@pytest.mark.parametrize(
    ("body", "message", "channel"),
    [
        (
            checkin("mdm.Authenticate", device("authenticate")),
            {
                "MessageType": "Authenticate",
                "UDID": IPAD,
                "SerialNumber": "DMQX10ABCD12",
                "DeviceName": "Reception iPad",
                "Model": "MYFM2LL",
                "ModelName": "iPad",
                "ProductName": "iPad13,18",
                "OSVersion": "18.1",
                "BuildVersion": "22B83",
            },
            "device",
        ),
        (
            checkin("mdm.TokenUpdate", device("token-update")),
            {"MessageType": "TokenUpdate", "UDID": IPAD, "AwaitingConfiguration": False},
            "device",
        ),
        (
            checkin("mdm.TokenUpdate", device("token-update-user")),
            {
                "MessageType": "TokenUpdate",
                "UDID": MAC,
                "UserID": "5D2A7C1E-8F34-4B9A-9E61-3C7B0D4F2A86",
                "UserShortName": "first",
            },
            "user",
        ),
        (
            checkin("mdm.CheckOut", device("check-out")),
            {"MessageType": "CheckOut", "UDID": IPAD},
            "device",
        ),
        (
            checkin("mdm.SetBootstrapToken", device("set-bootstrap-token")),
            {"MessageType": "SetBootstrapToken", "UDID": MAC},
            "device",
        ),
        (connect(device("idle-user")), None, "user"),
        (connect(device("security-info-mac")), None, "device"),
        (checkin("new.Topic", device("check-out")), None, "device"),
        (checkin("mdm.TokenUpdate", plist.dumps({"MessageType": "x"})), {"MessageType": "x"}, None),
        (checkin("mdm.TokenUpdate", plist.dumps({"UDID": 7})), {}, None),
    ],
)
def test_what_is_kept_of_messages_that_are_not_ours(body, message, channel):
    stored = load_stored(storable(parse_webhook(body), command_is_ours=False))
    if message is None:
        assert stored.message is None
    else:
        assert stored.message is not None and dict(stored.message) == message
    assert stored.channel == channel
    assert stored.payload_length > 0 and stored.payload_error is None


@pytest.mark.parametrize(
    "body",
    [
        checkin("mdm.Connect", device("install-acknowledged")),
        connect(device("token-update")).replace(b"mdm.Connect", b"mdm.TokenUpdate"),
    ],
)
def test_nothing_is_kept_where_topic_and_event_disagree(body):
    assert load_stored(storable(parse_webhook(body), command_is_ours=True)).message is None


@pytest.mark.parametrize(
    "name", ["install-acknowledged", "install-error", "installed-list", "device-information"]
)
def test_an_answer_to_ours_is_kept_whole(name):
    stored = load_stored(storable(parse_webhook(connect(device(name))), command_is_ours=True))
    assert stored.message == plist.loads(device(name))


def test_a_bundle_id_is_no_secret_name():
    stored = load_stored(storable(parse_webhook(connect(device("managed-list"))), True))
    assert stored.message is not None
    listed = stored.message["ManagedApplicationList"]
    assert isinstance(listed, dict)
    assert set(listed) == {"org.example.sketch", "org.example.authtoken"}
    assert "UnusedRedemptionCode" not in listed["org.example.authtoken"]


def test_a_payload_that_is_no_property_list_is_kept_as_an_error():
    stored = load_stored(storable(parse_webhook(connect(b"<plist><unlock-token-secret>")), True))
    assert stored.message is None
    assert stored.payload_error == (
        "The property list cannot be read: it has an element that no property list knows."
    )
    assert stored.payload_sha256 == hashlib.sha256(b"<plist><unlock-token-secret>").hexdigest()
    stored = load_stored(storable(parse_webhook(connect(plist.dumps([1]))), True))
    assert stored.payload_error == "The property list is not a dictionary."


def test_a_message_that_is_too_large_is_kept_as_an_error(monkeypatch):
    monkeypatch.setattr(mdm_webhook, "MAX_STORED", 900)
    big = connect(plist.dumps({"UDID": IPAD, "Status": "Acknowledged", "x": "y" * 1000}))
    stored = load_stored(storable(parse_webhook(big), True))
    assert (stored.message, stored.channel, stored.status) == (None, "device", "Acknowledged")
    assert stored.payload_error is not None and "larger than 900 bytes" in stored.payload_error


def test_the_stored_form():
    stored = json.loads(storable(parse_webhook(connect(device("idle-user"))), False))
    payload = device("idle-user")
    assert stored == {
        "topic": "mdm.Connect",
        "event_id": "e-1",
        "created_at": 1795325176.7658,
        "kind": "acknowledge",
        "udid": IPAD,
        "enrollment_id": None,
        "status": "Acknowledged",
        "command_uuid": COMMAND,
        "channel": "user",
        "channel_id": "5D2A7C1E-8F34-4B9A-9E61-3C7B0D4F2A86",
        "message": None,
        "payload": {"length": len(payload), "sha256": hashlib.sha256(payload).hexdigest()},
        "oddities": [],
    }


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "other"},
        {"kind": None},
        {"message": []},
        {"message": {"$data": "AAA"}},
        {"message": {"$new": 1}},
        {"message": {"a": {"$dict": [1]}}},
        {"payload": None},
        {"payload": {"length": "many"}},
        {"udid": 7},
        {"created_at": "today"},
        {"channel": 7},
    ],
)
def test_what_is_no_stored_webhook(change):
    stored = json.loads(storable(parse_webhook(connect(device("idle"))), False))
    with pytest.raises(ShapeError):
        load_stored(json.dumps(stored | change).encode())
