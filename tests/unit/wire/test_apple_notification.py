"""Apple's notifications: every type, tolerance, and what may be kept."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.licences.subscriptions import Holding, Seats
from bridge.domain.users.facts import ToldUser
from bridge.errors import ShapeError
from bridge.wire import apple_notification as wire
from bridge.wire.apple_notification import parse_notification, storable
from bridge.wire.apple_users import UserAssociated, UserManagement
from bridge.wire.subscription_notification import SubscriptionCount, SubscriptionManagement

SAMPLES = Path(__file__).parents[2] / "samples" / "apple-notifications.json"
NOTIFICATIONS = json.loads(SAMPLES.read_text())
LIBRARY = "3105567218840021"
EVENT = "c81f5f0e-2b7d-4f7e-8d3b-19a6d7e2f00"


def body(notification_type: object, content: object, **members: object) -> bytes:
    head = {"notificationType": notification_type, "notificationId": "n-1", "uId": LIBRARY}
    return json.dumps(head | {"notification": content} | members).encode()


def pair(adam_id="510017342", pricing_param="STDQ", serial=None, user=None):
    return wire.AssignedPair(adam_id, pricing_param, serial, user)


ASSETS = {
    3: wire.AssetManagement(
        "ASSOCIATE",
        "SUCCESS",
        EVENT + "1",
        (pair(serial="DMQX10ABCD12"), pair(serial="H2WX20EFGH34")),
        None,
        None,
    ),
    4: wire.AssetManagement(
        "ASSOCIATE",
        "FAILURE",
        EVENT + "1",
        (pair(serial="KXYZ30JKLM56"),),
        9709,
        "There are not enough licenses.",
    ),
    5: wire.AssetManagement(
        "DISASSOCIATE", "SUCCESS", EVENT + "2", (pair(user="pupil-7"),), None, None
    ),
    6: wire.AssetManagement(
        "REVOKE",
        "SUCCESS",
        EVENT + "3",
        (pair(user="pupil-7"), pair("510017343", "PLUS", user="pupil-7")),
        None,
        None,
    ),
}

HOLDINGS = (Holding("88002", "pupil-7", renewing=True),)
SUBSCRIPTIONS = {
    2: SubscriptionCount("88002", "88001", (("available", Seats(4, 1)), ("total", Seats(40, 10)))),
    7: SubscriptionManagement("ASSOCIATE", "SUCCESS", EVENT + "4", HOLDINGS, None, None),
    14: SubscriptionManagement("DISASSOCIATE", "SUCCESS", EVENT + "5", HOLDINGS, None, None),
    15: SubscriptionManagement(
        "ASSOCIATE", "FAILURE", EVENT + "6", HOLDINGS, 9814, "There is no associated user."
    ),
    16: SubscriptionManagement(
        "DISASSOCIATE",
        "FAILURE",
        EVENT + "7",
        (Holding("88002", "pupil-8", renewing=False),),
        9815,
        "The subscription is not assigned.",
    ),
    17: SubscriptionCount("88002", None, (("total", Seats(41, None)),)),
}
CODES = {"id_hash": "aGFzaC1vZi1wdXBpbC03", "invite_code": "0f1e2d3c4b5a69788796"}


def of_users(kind: str, status: str, number: int) -> UserManagement:
    user = ToldUser("pupil-7", status, **CODES)
    return UserManagement(kind, "SUCCESS", f"{EVENT[:-1]}{number}", (user,), None)


USERS = {
    8: of_users("CREATE", "Registered", 10),
    9: of_users("UPDATE", "Associated", 11),
    10: of_users("RETIRE", "Retired", 12),
    11: UserManagement("CREATE", "FAILURE", EVENT[:-1] + "13", (ToldUser("pupil-7"),), 9717),
    12: UserAssociated((ToldUser("pupil-7", "Associated", **CODES),)),
}
UNLIMITED = {13: wire.UnlimitedAsset({"adamId": "510017344", "unlimited": True})}


@pytest.mark.parametrize("number", range(len(NOTIFICATIONS)))
def test_every_type_is_read_and_kept(number):
    sample = NOTIFICATIONS[number]
    read = parse_notification(json.dumps(sample, indent=2).encode())
    assert read.notification_type == sample["notificationType"]
    assert read.notification_id == sample["notificationId"]
    assert (read.library_uid, read.oddities) == (LIBRARY, ())
    kept = storable(read)
    if number in USERS:
        assert read.payload == USERS[number]
        assert parse_notification(storable(read, whole=True)) == read
        for secret in ("pupil-7@example.org", *CODES.values()):
            assert secret.encode() not in kept
        assert b"pupil-7@" not in storable(read, whole=True)
    elif isinstance(read.payload, wire.Other):
        assert read.payload.raw == sample["notification"]
    else:
        expected = {0: wire.TestNotification(), 1: wire.AssetCount("510017342", "STDQ", -3)}
        assert read.payload == (expected | ASSETS | SUBSCRIPTIONS | UNLIMITED)[number]
        assert parse_notification(kept) == read
        assert json.loads(kept) == sample
    again = parse_notification(kept)
    assert storable(again) == kept
    assert dataclasses.replace(again, payload=None) == dataclasses.replace(read, payload=None)


@pytest.mark.parametrize(
    ("content", "payload", "oddities"),
    [
        (
            {
                "type": "ASSOCIATE",
                "result": "SUCCESS",
                "assignments": [{"adamId": 7, "serialNumber": "S"}],
            },
            wire.AssetManagement(
                "ASSOCIATE", "SUCCESS", None, (pair("7", None, serial="S"),), None, None
            ),
            (),
        ),
        (
            {
                "type": "SWAP",
                "result": "MAYBE",
                "assignments": [],
                "error": {"errorNumber": "9603"},
            },
            wire.AssetManagement("SWAP", "MAYBE", None, (), 9603, None),
            (),
        ),
        (
            {
                "type": 7,
                "eventId": ["e"],
                "error": "no",
                "assignments": [
                    "x",
                    {"serialNumber": "S"},
                    {"adamId": "1"},
                    {"adamId": True, "serialNumber": "S"},
                    {"adamId": "1", "serialNumber": "", "clientUserId": "u", "pricingParam": 7},
                ],
            },
            wire.AssetManagement(None, None, None, (pair("1", None, user="u"),), None, None),
            (
                "notification.assignments.0",
                "notification.error",
                "notification.type",
                "notification.result",
                "notification.eventId",
                "notification.assignments.1.adamId",
                "notification.assignments.2.serialNumber",
                "notification.assignments.3.adamId",
                "notification.assignments.4.pricingParam",
            ),
        ),
        (
            {"type": "ASSOCIATE", "assignments": "none"},
            wire.Other({"type": "ASSOCIATE", "assignments": "none"}),
            ("notification.assignments",),
        ),
        ({}, wire.Other({}), ("notification.assignments",)),
        (None, wire.Other({}), ("notification",)),
        ([], wire.Other({}), ("notification",)),
    ],
)
def test_odd_asset_notifications(content, payload, oddities):
    read = parse_notification(body("ASSET_MANAGEMENT", content))
    assert read.payload == payload
    assert read.oddities == oddities
    storable(read)


def test_odd_counts_and_envelopes():
    read = parse_notification(body("ASSET_COUNT", {"adamId": 7, "countDelta": "-12"}, uId=31))
    assert (read.payload, read.library_uid) == (wire.AssetCount("7", None, -12), "31")
    read = parse_notification(body("ASSET_COUNT", {"countDelta": 1.5}))
    assert isinstance(read.payload, wire.Other) and read.oddities == ("notification.adamId",)
    read = parse_notification(body("ASSET_COUNT", {"adamId": "7"}))
    assert read.payload == wire.AssetCount("7", None, None)
    read = parse_notification(b"{}")
    assert read.oddities == ("notificationType", "notificationId", "uId", "notification")
    read = parse_notification(body("NEW_TYPE", {"a": [1]}, more=1))
    assert (read.payload, read.oddities) == (wire.Other({"a": [1]}), ())


def test_numbers_beyond_reason_are_none():
    huge = b'{"a":1e999,"b":-1e999,"c":' + b"7" * 5000 + b',"d":1e5}'
    read = parse_notification(body("NEW_TYPE", {}).replace(b"{}", huge))
    assert read.payload == wire.Other({"a": None, "b": None, "c": None, "d": 1e5})
    assert b'"d":100000.0' in storable(read)


@pytest.mark.parametrize("data", [b"", b"[]", b"null", b"{", b"\xff", b'{"a":Infinity}'])
def test_what_is_no_json_object(data):
    with pytest.raises(ShapeError):
        parse_notification(data)


def test_nothing_personal_is_kept():
    for sample in NOTIFICATIONS:
        read = parse_notification(json.dumps(sample).encode())
        kept = storable(read)
        for personal in (b"example.org", b"aGFzaC1vZi1wdXBpbC03", b"0f1e2d3c4b5a69788796"):
            assert personal not in kept
        assert "example.org" not in repr(read)
    new = {"list": [{"inviteCode": "personal", "managedAppleId": "personal", "kept": "yes"}]}
    kept = storable(parse_notification(body("NEW_TYPE", new | {"userEmail": "personal"})))
    assert json.loads(kept)["notification"] == {"list": [{"kept": "yes"}]}


def test_what_is_kept_of_users():
    users = {"users": [{"clientUserId": "u", "status": "Registered", "email": "e", "new": "x"}, 7]}
    error = {"error": {"errorNumber": 9717, "errorMessage": "e is not valid"}}
    content = {"type": "CREATE", "result": "FAILURE", "eventId": "ev", "new": "x"} | users | error
    kept = json.loads(storable(parse_notification(body("USER_MANAGEMENT", content))))
    assert kept["notification"] == {
        "type": "CREATE",
        "result": "FAILURE",
        "eventId": "ev",
        "error": {"errorNumber": 9717},
        "users": [{"clientUserId": "u", "status": "Registered"}],
    }


def test_deep_content_of_an_unknown_type_is_cut():
    deep: object = "leaf"
    for _ in range(300):
        deep = {"a": [deep]}
    kept = storable(parse_notification(body("NEW_TYPE", {"deep": deep})))
    assert kept.count(b"[") == 8 and b"null" in kept


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=5,
)
NAMES = [
    *("type", "result", "eventId", "assignments", "error", "adamId", "pricingParam", "users"),
    *("serialNumber", "clientUserId", "countDelta", "errorNumber", "associatedUsers", "status"),
]
contents = st.recursive(
    json_values,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES), inner, max_size=5)
    ),
    max_leaves=10,
)
TYPES = sorted({sample["notificationType"] for sample in NOTIFICATIONS})


@settings(max_examples=200)
@given(st.sampled_from(TYPES) | json_values, contents, json_values, json_values)
def test_any_object_is_read_and_kept(notification_type, content, number, library):
    read = parse_notification(body(notification_type, content, notificationId=number, uId=library))
    kept = storable(read)
    again = parse_notification(kept)
    assert storable(again) == kept
    if isinstance(read.payload, wire.AssetCount):
        assert again.payload == read.payload


@given(st.binary() | json_values.map(lambda value: json.dumps(value).encode()))
def test_noise_raises_shape_error_only(data):
    try:
        parse_notification(data)
    except ShapeError:
        pass


ODD_TEXT = st.sampled_from([None, "", "x", "DMQX10ABCD12", 7, 7.5, True, [], "\ud800", "x" * 1025])
ODD_PAIR = st.one_of(
    st.dictionaries(
        st.sampled_from(["adamId", "pricingParam", "serialNumber", "clientUserId"]), ODD_TEXT
    ),
    st.sampled_from([None, 7, "x", []]),
    st.just({"adamId": "510017342", "pricingParam": "STDQ", "serialNumber": "DMQX10ABCD12"}),
)


@given(st.lists(ODD_PAIR, max_size=4))
def test_what_is_read_quickly_is_read_as_it_is_member_by_member(pairs):
    message = body("ASSET_MANAGEMENT", {"type": "ASSOCIATE", "assignments": pairs})
    quickly = parse_notification(message)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(wire, "_plain_pairs", lambda value: None)
        assert parse_notification(message) == quickly
