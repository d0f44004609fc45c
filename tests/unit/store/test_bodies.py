"""Bodies are what they were when they are read again, and take little room until then."""

from __future__ import annotations

import json

import pytest

from bridge.store import bodies, events
from bridge.store.database import Connection
from tests.unit.store.test_messages import WEBHOOK
from tests.unit.store_kit import NOW, take, value

IDLE = {
    "topic": "mdm.Connect",
    "event_id": "64b2d2bc-815a-47c5-b0df-b4a5d8a064df",
    "created_at": 1800000000.5,
    "kind": "acknowledge",
    "udid": "D037CDFF-7C24-4D49-A9D4-95DD81355C53",
    "enrollment_id": None,
    "status": "Idle",
    "command_uuid": None,
    "channel": "device",
    "message": {"Status": "Idle", "UDID": "D037CDFF-7C24-4D49-A9D4-95DD81355C53"},
    "payload": {"length": 374, "sha256": "4146f128a5e7b268b44d86c881d83b049c19174054a89dec57be97"},
    "oddities": [],
}


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"\x00", b"\x01odd", b"x" * 100_000, bytes(range(256)), json.dumps(IDLE).encode()],
    ids=["empty", "short", "a zero", "a one", "long", "all bytes", "a webhook"],
)
def test_a_body_is_the_same_again(body: bytes) -> None:
    assert bodies.unpacked(bodies.packed(body)) == body


def test_a_webhook_takes_less_than_half_the_room() -> None:
    body = json.dumps(IDLE, separators=(",", ":")).encode()
    assert len(bodies.packed(body)) < len(body) / 2


def test_what_is_stored_is_packed_and_what_is_read_is_not(db: Connection) -> None:
    assert take(db, WEBHOOK, NOW)
    (event,) = events.next_new(db, NOW + 1, 9)
    assert event.body == WEBHOOK.body
    assert value(db, "SELECT body FROM events") == bodies.packed(WEBHOOK.body)
