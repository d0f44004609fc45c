"""Simulated subscriptions: what is listed, by pages; what is notified; how periods end."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.subscriptions import MONTH, Subscriptions
from tests.unit.simulator_kit import Outside

PRO, APP = 12345, 54321
BOTH = ("SUBSCRIPTION_COUNT", "SUBSCRIPTION_MANAGEMENT")


@pytest.fixture
def outside() -> Outside:
    made = Outside(devices=0, apps=0, apple=AppleSettings(page_size=2))
    made.subscribe(*BOTH)
    return made


def known(outside: Outside) -> Subscriptions:
    return outside.world.location.subscriptions


def get(outside: Outside, path: str) -> dict[str, Any]:
    answer = outside.apple(path)
    assert answer.status_code == 200
    return dict(answer.get_json())


def walk(outside: Outside, path: str, name: str) -> list[dict[str, Any]]:
    rows, cursor = list[dict[str, Any]](), ""
    while True:
        page = get(outside, f"{path}{f'?cursor={cursor}' if cursor else ''}")
        assert len(page[name]) <= 2
        rows += page[name]
        if "nextCursor" not in page:
            return rows
        cursor = page["nextCursor"]


def told(outside: Outside, kind: str) -> list[dict[str, Any]]:
    outside.world.advance(5)
    found = [n for n in outside.mail.notifications if n["notificationType"] == kind]
    return [dict(n["notification"]) for n in found]


def test_lists_go_on_by_a_cursor(outside: Outside) -> None:
    for number in range(5):
        known(outside).buy(PRO + number, 3, parent_adam_id=APP + number)
    known(outside).associate(PRO, "a", "b", "c")
    rows = walk(outside, "subscriptions", "subscriptions")
    assert [row["adamId"] for row in rows] == [PRO + number for number in range(5)]
    assert rows[0]["counts"] == {
        "assigned": {"renewing": 3, "expiring": 0},
        "available": {"renewing": 0, "expiring": 0},
        "total": {"renewing": 3, "expiring": 0},
    }
    assert (rows[0]["status"], len(rows[0]["periodEndDate"])) == ("ACTIVE", 10)
    held = walk(outside, "subscriptions/assignments", "assignments")
    assert held == [{"adamId": PRO, "clientUserId": u, "renewing": True} for u in "abc"]
    (one,) = get(outside, f"subscriptions?parentAdamId={APP + 1}")["subscriptions"]
    assert one["adamId"] == PRO + 1
    page = get(outside, f"subscriptions/assignments?adamId={PRO}&clientUserId=b")
    assert [row["clientUserId"] for row in page["assignments"]] == ["b"]
    assert page["mdmInfo"] is None, "as it may be in these replies"


@pytest.mark.parametrize(
    ("path", "number"),
    [
        ("subscriptions?cursor=zzz", 9812),
        ("subscriptions?cursor=czk5", 9812),
        ("subscriptions/assignments?cursor=LTE=", 9812),
        ("subscriptions?adamId=pro", 9813),
        ("subscriptions/assignments?parentAdamId=-1", 9813),
    ],
)
def test_refusals(outside: Outside, path: str, number: int) -> None:
    answer = outside.apple(path)
    assert (answer.status_code, answer.get_json()["errorNumber"]) == (400, number)


def test_there_is_nothing_to_change_them_by(outside: Outside) -> None:
    assert outside.apple("subscriptions", {}).get_json()["errorNumber"] == 9726
    for path in ("associate", "disassociate", "enable", "disable"):
        assert outside.apple(f"subscriptions/{path}", {}).status_code == 404


def test_counts_are_whole_numbers(outside: Outside) -> None:
    known(outside).buy(PRO, 3)
    known(outside).associate(PRO, "a")
    known(outside).buy(PRO, 2)
    first, second = told(outside, "SUBSCRIPTION_COUNT")
    assert first == {
        "adamId": PRO,
        "counts": {
            "available": {"renewing": 3, "expiring": 0},
            "total": {"renewing": 3, "expiring": 0},
        },
    }
    assert second["counts"]["total"] == {"renewing": 5, "expiring": 0}
    assert second["counts"]["available"] == {"renewing": 4, "expiring": 0}


def test_outcomes_are_told(outside: Outside) -> None:
    known(outside).buy(PRO, 2)
    assert known(outside).associate(PRO, "a", "b", "c") == 9709
    assert known(outside).disassociate(PRO, "a", "z") == 9815
    found = [
        (n["type"], n["result"], [a["clientUserId"] for a in n["assignments"]], n.get("error"))
        for n in told(outside, "SUBSCRIPTION_MANAGEMENT")
    ]
    assert [each[:3] for each in found] == [
        ("ASSOCIATE", "SUCCESS", ["a", "b"]),
        ("ASSOCIATE", "FAILURE", ["c"]),
        ("DISASSOCIATE", "SUCCESS", ["a"]),
        ("DISASSOCIATE", "FAILURE", ["z"]),
    ]
    assert [each[3] and each[3]["errorNumber"] for each in found] == [None, 9709, None, 9815]


def test_more_than_a_hundred_are_told_in_parts(outside: Outside) -> None:
    known(outside).buy(PRO, 250)
    known(outside).associate(PRO, *(f"u{number}" for number in range(250)))
    parts = told(outside, "SUBSCRIPTION_MANAGEMENT")
    assert [len(part["assignments"]) for part in parts] == [100, 100, 50]
    assert len({part["eventId"] for part in parts}) == 1


def test_a_period_ends(outside: Outside) -> None:
    made = known(outside).buy(PRO, 3)
    known(outside).associate(PRO, "a", "b")
    known(outside).disassociate(PRO, "a", deferred=True)
    before = len(told(outside, "SUBSCRIPTION_MANAGEMENT"))
    assert made.users == {"a": False, "b": True}
    assert before == 1, "what is deferred is told when it takes effect"
    end = made.ends_at
    outside.world.advance(MONTH)
    assert (made.users, made.ends_at, made.status) == ({"b": True}, end + MONTH, "ACTIVE")
    newest = told(outside, "SUBSCRIPTION_MANAGEMENT")[-1]
    assert (newest["type"], newest["assignments"]) == (
        "DISASSOCIATE",
        [{"adamId": PRO, "clientUserId": "a", "renewing": False}],
    )
    known(outside).cancel(PRO, 2)
    outside.world.advance(MONTH)
    assert (made.users, made.renewing, made.expiring, made.status) == ({}, 0, 0, "INACTIVE")


def test_a_paused_one_waits(outside: Outside) -> None:
    made = known(outside).buy(PRO, 2)
    known(outside).associate(PRO, "a", renewing=True)
    known(outside).cancel(PRO, 2)
    known(outside).pause(PRO)
    outside.world.advance(MONTH + 1)
    assert (made.users, made.status) == ({"a": False}, "PAUSED")
    known(outside).pause(PRO, paused=False)
    outside.world.advance(MONTH)
    assert made.users == {}
