"""The webhooks of NanoMDM and NanoHUB: `ids` tell who speaks, and an event_id may be missing."""

import base64
import json
from typing import Any

import pytest

from bridge.wire.mdm_webhook import load_stored, parse_webhook, storable

UDID = "aaaa1111-0000-4000-8000-00000000000f"
BYOD = "A1B2-enrolment"
COMMAND = "b5d2f7c4-61a9-4f0e-8a37-0d9c1e5b7f21"


def plist(**members: str) -> bytes:
    lines = "".join(f"<key>{k}</key><string>{v}</string>" for k, v in members.items())
    return f'<plist version="1.0"><dict>{lines}</dict></plist>'.encode()


def body(topic: str, event: dict[str, Any], payload: bytes, **members: object) -> bytes:
    name = "acknowledge_event" if topic == "mdm.Connect" else "checkin_event"
    event = event | {"raw_payload": base64.b64encode(payload).decode()}
    head = {"topic": topic, "created_at": "2026-11-27T23:02:37.452791964+01:00"}
    return json.dumps({name: event} | head | members, separators=(",", ":")).encode()


def ids(kind: str, name: str = UDID, **more: str) -> dict[str, Any]:
    return {"ids": {"id": name, "type": kind} | more}


def test_a_webhook_of_nanohub_has_no_event_id_and_is_not_odd_for_it() -> None:
    sent = body("mdm.Connect", {"udid": UDID, "status": "Idle"} | ids("Device"), plist(UDID=UDID))
    read = parse_webhook(sent)
    assert (read.event_id, read.oddities, read.channel) == (None, (), "device")
    assert read.created_at == pytest.approx(1795816957.452791)
    without_ids = body("mdm.Connect", {"udid": UDID, "status": "Idle"}, plist(UDID=UDID))
    assert parse_webhook(without_ids).oddities == ("event_id",)


@pytest.mark.parametrize(
    ("event", "payload", "channel", "udid", "enrollment_id"),
    [
        ({"udid": UDID} | ids("Device"), plist(UDID=UDID), "device", UDID, None),
        (
            {"udid": UDID} | ids("User", f"{UDID}:U-1", parent_id=UDID),
            plist(UDID=UDID, UserID="U-1"),
            "user",
            UDID,
            None,
        ),
        (
            {"enrollment_id": BYOD} | ids("User Enrollment (Device)", BYOD),
            plist(EnrollmentID=BYOD),
            "enrollment",
            None,
            BYOD,
        ),
        (
            {"enrollment_id": BYOD} | ids("User Enrollment", f"{BYOD}:U", parent_id=BYOD),
            plist(EnrollmentID=BYOD, EnrollmentUserID="U"),
            "enrollment-user",
            None,
            BYOD,
        ),
        (
            {"udid": UDID} | ids("Shared iPad", f"{UDID}:kim", parent_id=UDID),
            plist(UDID=UDID, UserShortName="kim"),
            "shared-ipad-user",
            UDID,
            None,
        ),
        # By the envelope alone: the message cannot be read.
        ({"udid": UDID} | ids("User", f"{UDID}:U-1"), b"<plist>", "user", UDID, None),
        ({"udid": UDID} | ids("Device"), b"<plist>", "device", UDID, None),
        # The server's own name for the device is how it is reached.
        ({"udid": UDID.upper()} | ids("Device", UDID), plist(UDID=UDID), "device", UDID, None),
        (ids("Device"), plist(UDID=UDID), "device", UDID, None),
        # What is not known is told by the message, as ever.
        ({"udid": UDID} | ids("Watch"), plist(UDID=UDID), "device", UDID, None),
        ({"udid": UDID, "ids": 7}, plist(UDID=UDID), "device", UDID, None),
        ({"udid": UDID, "ids": {"type": "Device"}}, plist(UDID=UDID), "device", UDID, None),
    ],
)
def test_who_speaks(
    event: dict[str, Any], payload: bytes, channel: str, udid: str | None, enrollment_id: str | None
) -> None:
    stored = load_stored(storable(parse_webhook(body("mdm.TokenUpdate", event, payload)), False))
    assert (stored.channel, stored.udid, stored.enrollment_id) == (channel, udid, enrollment_id)


@pytest.mark.parametrize(
    ("told", "read", "odd"), [(1, 1, ()), (None, None, ()), ("x", None, ("token_update_tally",))]
)
def test_the_tally_is_kept(told: object, read: int | None, odd: tuple[str, ...]) -> None:
    event = {"udid": UDID, "token_update_tally": told} | ids("Device")
    webhook = parse_webhook(body("mdm.TokenUpdate", event, plist(UDID=UDID)))
    assert load_stored(storable(webhook, False)).token_update_tally == read
    assert [each.rpartition(".")[2] for each in webhook.oddities] == list(odd)


@pytest.mark.parametrize(
    "topic", ["mdm.DeclarativeManagement", "mdm.UserAuthenticate", "mdm.GetToken"]
)
def test_nothing_of_its_further_topics_is_kept(topic: str) -> None:
    payload = plist(UDID=UDID, Data="c2VjcmV0", DigestResponse="secret", TokenServiceType="secret")
    stored = storable(parse_webhook(body(topic, {"udid": UDID} | ids("Device"), payload)), True)
    assert b"secret" not in stored and b"c2VjcmV0" not in stored
    assert load_stored(stored).message is None
