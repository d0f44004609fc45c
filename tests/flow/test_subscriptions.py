"""Subscriptions: read and told of, shown, and never asked for."""

from __future__ import annotations

import base64
import csv
import itertools
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.subscriptions import MONTH, Subscriptions
from bridge.simulator.faults import Fault
from tests.flow import with_all
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene, rarely

MakeScene = Callable[..., Scene]

APP, PRO, LITE = 54321, 12345, 12346
HOUR, DAY = 3600.0, 86400.0
SILENCE = Fault("apple.notification", "drop", match="SUBSCRIPTION", times=0)
ENDPOINTS = ("apple.subscriptions", "apple.subscription_assignments")


def looking(make_scene: MakeScene, **arguments: Any) -> Scene:
    """The file names the location; what it has of apps is licensed."""
    scene = make_scene(**{"devices": 1, "apps": 1, "policy": rarely()} | arguments)
    scene.config = replace(scene.config, subscriptions=("hq",))
    scene.restart()
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    return scene


def apples(scene: Scene) -> Subscriptions:
    return scene.world.location.subscriptions


def listed(scene: Scene) -> list[Mapping[str, Any]]:
    return list(scene.bridge.list_subscriptions().items)


def states(scene: Scene) -> dict[tuple[str, str], str]:
    """By subscription and user, the state that is known."""
    return {
        (item["adam_id"], each["client_user_id"]): each["state"]
        for item in listed(scene)
        for each in item["assignments"]
    }


def seats(scene: Scene, adam_id: int = PRO) -> dict[str, tuple[int | None, int | None]]:
    """(renewing, expiring) of each kind of count that is known."""
    (item,) = (item for item in listed(scene) if item["adam_id"] == str(adam_id))
    return {
        kind: (item[f"{kind}_renewing"], item[f"{kind}_expiring"])
        for kind in ("assigned", "available", "total")
    }


def day(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def asked(scene: Scene) -> int:
    return sum(scene.world.ledger.requests[each] for each in ENDPOINTS)


_numbers = itertools.count(1)


def post(scene: Scene, kind: str, content: Mapping[str, Any]) -> str:
    """Apple posts a notification; returns what came of it."""
    body = {
        "notification": dict(content),
        "notificationId": f"n-{next(_numbers)}",
        "notificationType": kind,
        "uId": scene.world.location.uid,
    }
    token = scene.world.location.client.notification_token
    headers = {"Authorization": f"Bearer {token}"}
    assert scene.client.post("/hooks/apple/hq", json=body, headers=headers).status_code == 200
    scene.engine.run_once()
    (event,) = scene.bridge.list_events(source="apple", limit=1).items
    assert (event["topic"], event["status"], event["error"]) == (kind, "done", None)
    return str(event["outcome"])


def management(kind: str, user: str, *, renewing: bool = True, number: int = 0) -> dict[str, Any]:
    content: dict[str, Any] = {
        "type": kind,
        "result": "FAILURE" if number else "SUCCESS",
        "eventId": f"e-{next(_numbers)}",
        "assignments": [{"adamId": PRO, "clientUserId": user, "renewing": renewing}],
    }
    return content | ({"error": {"errorNumber": number}} if number else {})


def test_what_the_location_has_is_read(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE])
    end = apples(scene).buy(PRO, 20, parent_adam_id=APP).ends_at
    apples(scene).buy(LITE, 5)
    apples(scene).associate(PRO, "ann", "bob")
    apples(scene).cancel(PRO, 3)
    scene.pass_time(8 * DAY)
    pro, lite = listed(scene)
    assert (pro["parent_adam_id"], pro["status"], pro["period_ends_on"]) == (
        str(APP),
        "ACTIVE",
        day(end),
    )
    assert seats(scene) == {"assigned": (2, 0), "available": (15, 3), "total": (17, 3)}
    assert states(scene) == {("12345", "ann"): "assigned", ("12345", "bob"): "assigned"}
    assert (lite["parent_adam_id"], lite["assignments"]) == (None, [])
    assert {each["told_by"] for each in pro["assignments"]} == {"read"}


def test_lists_of_many_pages_are_read_whole(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE], apple=AppleSettings(page_size=3))
    for number in range(8):
        apples(scene).buy(PRO + number, 10)
    users = [f"user-{number}" for number in range(10)]
    apples(scene).associate(PRO, *users)
    scene.pass_time(8 * DAY)
    assert len(listed(scene)) == 8
    assert set(states(scene)) == {(str(PRO), user) for user in users}


def test_nothing_is_asked_where_the_file_names_no_location(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    apples(scene).buy(PRO, 20)
    apples(scene).associate(PRO, "ann")
    scene.pass_time(3 * DAY)
    assert asked(scene) == 0
    assert states(scene) == {(str(PRO), "ann"): "assigned"}, "notifications tell all the same"
    assert seats(scene) == {"assigned": (None, None), "available": (20, 0), "total": (20, 0)}


def test_a_location_without_a_wish_is_looked_at_too(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.config = replace(scene.config, subscriptions=("hq",))
    scene.restart()
    apples(scene).buy(PRO, 20)
    scene.pass_time(60)
    assert seats(scene)["total"] == (20, 0)
    assert scene.world.ledger.requests["apple.set_client_config"] == 0, "it is not ours"


def test_nothing_is_ever_written_of_them(make_scene: MakeScene) -> None:
    scene = looking(make_scene)
    before = dict(scene.world.ledger.requests)
    apples(scene).buy(PRO, 2)
    apples(scene).associate(PRO, "ann", "bob", "cyd")
    apples(scene).disassociate(PRO, "ann")
    apples(scene).disassociate(PRO, "bob", deferred=True)
    scene.pass_time(MONTH + 2 * DAY)
    grown = {
        name
        for name, number in scene.world.ledger.requests.items()
        if number > before.get(name, 0) and name.startswith("apple.")
    }
    assert set(ENDPOINTS) <= grown
    assert grown & {"apple.associate", "apple.disassociate", "apple.revoke"} == set()


# What notifications tell


def test_a_count_is_what_there_is_and_no_difference(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE])
    counts = {
        "available": {"renewing": 15, "expiring": 5},
        "total": {"renewing": 100, "expiring": 20},
    }
    content = {"parentAdamId": APP, "adamId": PRO, "counts": counts}
    for _ in range(2):
        assert post(scene, "SUBSCRIPTION_COUNT", content) == "subscription 12345: counted"
        expected = {"assigned": (None, None), "available": (15, 5), "total": (100, 20)}
        assert seats(scene) == expected
    post(scene, "SUBSCRIPTION_COUNT", {"adamId": PRO, "counts": {"total": {"renewing": 0}}})
    assert seats(scene)["total"] == (0, 20), "what is not told stays"
    assert listed(scene)[0]["parent_adam_id"] == str(APP), "it may be left out"


def test_a_count_that_failed_changes_no_count(make_scene: MakeScene) -> None:
    scene = looking(make_scene)
    apples(scene).buy(PRO, 20)
    scene.pass_time(60)
    reads = asked(scene)
    content = {"adamId": PRO, "result": "FAILURE", "error": {"errorNumber": 9603}, "counts": {}}
    assert "not counted (9603)" in post(scene, "SUBSCRIPTION_COUNT", content)
    assert seats(scene)["total"] == (20, 0)
    scene.pass_time(60)
    assert asked(scene) == reads + 2, "they are read instead"


@pytest.mark.parametrize(
    ("content", "state", "number"),
    [
        (management("ASSOCIATE", "ann"), "assigned", None),
        (management("ASSOCIATE", "ann", renewing=False), "ending", None),
        (management("DISASSOCIATE", "ann"), "ended", None),
        (management("ASSOCIATE", "ann", number=9814), "failed", 9814),
        (management("DISASSOCIATE", "ann", number=9815), "failed", 9815),
    ],
    ids=["associate", "not renewing", "disassociate", "refused", "refused to end"],
)
def test_an_outcome_is_a_state_of_the_users(
    make_scene: MakeScene, content: dict[str, Any], state: str, number: int | None
) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    outcome = post(scene, "SUBSCRIPTION_MANAGEMENT", content)
    (held,) = listed(scene)[0]["assignments"]
    assert (held["client_user_id"], held["state"], held["error_number"]) == ("ann", state, number)
    assert held["told_by"] == "notification"
    assert (f"({number}: " in outcome) == (number is not None)


def test_a_refusal_takes_nothing_away(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE])
    apples(scene).buy(PRO, 2)
    apples(scene).associate(PRO, "ann")
    post(scene, "SUBSCRIPTION_MANAGEMENT", management("ASSOCIATE", "ann"))
    post(scene, "SUBSCRIPTION_MANAGEMENT", management("DISASSOCIATE", "ann", number=9817))
    (held,) = listed(scene)[0]["assignments"]
    assert (held["state"], held["error_number"]) == ("assigned", 9817)
    assert held["error"] == "the subscription is assigned through a group"
    scene.pass_time(60)
    (held,) = listed(scene)[0]["assignments"]
    assert (held["state"], held["error_number"]) == ("assigned", None), "a read knows better"


@pytest.mark.parametrize(
    "content",
    [
        management("ASSOCIATE", "ann") | {"type": "TRANSFER"},
        management("ASSOCIATE", "ann") | {"result": "PARTIAL"},
        management("ASSOCIATE", "ann") | {"assignments": []},
        {"type": "ASSOCIATE", "result": "SUCCESS", "assignments": [{"adamId": PRO}, 5]},
    ],
    ids=["type", "result", "nobody", "odd rows"],
)
def test_what_cannot_be_understood_has_them_read(
    make_scene: MakeScene, content: dict[str, Any]
) -> None:
    scene = looking(make_scene)
    scene.pass_time(60)
    reads = asked(scene)
    post(scene, "SUBSCRIPTION_MANAGEMENT", content)
    assert states(scene) == {}
    scene.pass_time(60)
    assert asked(scene) == reads + 2


# Lost, doubled, reordered


def a_period(scene: Scene) -> None:
    """Somebody buys, assigns, takes back, defers, cancels; a period ends."""
    apples(scene).buy(PRO, 4, parent_adam_id=APP, period=2 * DAY)
    for step in (
        lambda: apples(scene).associate(PRO, "ann", "bob", "cyd", "dan", "eve"),
        lambda: apples(scene).disassociate(PRO, "ann"),
        lambda: apples(scene).associate(PRO, "eve"),
        lambda: apples(scene).disassociate(PRO, "bob", deferred=True),
        lambda: apples(scene).buy(PRO, 3),
        lambda: apples(scene).disassociate(PRO, "cyd"),
        lambda: apples(scene).associate(PRO, "cyd"),
        lambda: apples(scene).cancel(PRO, 1),
    ):
        step()
        scene.pass_time(3)
    scene.pass_time(6 * DAY)


FAULTS = {
    "lost": [SILENCE],
    "doubled": [Fault("apple.notification", "duplicate", match="SUBSCRIPTION", times=0, delay=9)],
    "reordered": [
        Fault("apple.notification", "reorder", match='"type": "ASSOCIATE"', times=0, delay=20)
    ],
    "late": [Fault("apple.notification", "delay", match="DISASSOCIATE", times=0, delay=3 * DAY)],
}


@pytest.mark.parametrize("kind", FAULTS)
def test_the_same_comes_of_it_in_whatever_way_it_is_told(make_scene: MakeScene, kind: str) -> None:
    found = []
    for faults in ([], FAULTS[kind]):
        scene = looking(make_scene, faults=faults, policy=rarely(subscriptions_every=6 * HOUR))
        a_period(scene)
        held = {key for key, state in states(scene).items() if state in ("assigned", "ending")}
        found.append((seats(scene), held, listed(scene)[0]["status"]))
    assert found[0] == found[1]
    assert found[0][1] == {(str(PRO), user) for user in ("cyd", "dan", "eve")}


def test_what_is_told_while_it_is_read_is_not_lost(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE])
    apples(scene).buy(PRO, 4)
    call = scene.engine.calls["read_subscriptions"]
    perform = call.perform

    def meanwhile(row: Any) -> Any:
        result = perform(row)
        scene.world.kernel.advance(scene.world.now + 1)
        apples(scene).associate(PRO, "ann")
        post(scene, "SUBSCRIPTION_MANAGEMENT", management("ASSOCIATE", "ann"))
        call.perform = perform  # type: ignore[method-assign]
        return result

    call.perform = meanwhile  # type: ignore[method-assign]
    scene.pass_time(8 * DAY)
    assert states(scene) == {(str(PRO), "ann"): "assigned"}
    assert seats(scene)["assigned"] == (1, 0)


# The end of a period


@pytest.mark.parametrize("silent", [False, True], ids=["told", "lost"])
def test_a_deferred_end_is_a_state_with_its_date(make_scene: MakeScene, silent: bool) -> None:
    faults = [SILENCE] if silent else []
    scene = looking(make_scene, faults=faults, policy=rarely(subscriptions_every=HOUR))
    end = apples(scene).buy(PRO, 2, period=3 * DAY).ends_at
    apples(scene).associate(PRO, "ann", "bob")
    apples(scene).disassociate(PRO, "ann", deferred=True)
    scene.pass_time(2 * HOUR)
    ann, bob = listed(scene)[0]["assignments"]
    assert (ann["state"], ann["ends_on"]) == ("ending", day(end))
    assert (bob["state"], bob["ends_on"]) == ("assigned", None)
    scene.pass_time(3 * DAY)
    ann, bob = listed(scene)[0]["assignments"]
    assert (ann["state"], ann["ends_on"]) == ("ended", None)
    assert ann["told_by"] == ("read" if silent else "notification")
    assert bob["state"] == "assigned"
    assert listed(scene)[0]["period_ends_on"] == day(end + 3 * DAY), "it was renewed"


def test_what_expires_is_over(make_scene: MakeScene) -> None:
    scene = looking(make_scene, policy=rarely(subscriptions_every=HOUR))
    apples(scene).buy(PRO, 1, period=2 * DAY)
    apples(scene).associate(PRO, "ann")
    apples(scene).cancel(PRO, 1)
    scene.pass_time(2 * DAY + HOUR)
    assert states(scene) == {(str(PRO), "ann"): "ended"}
    assert listed(scene)[0]["status"] == "INACTIVE"
    assert seats(scene)["total"] == (0, 0), "counts of nought are normal"


def test_what_is_over_is_forgotten_with_time(make_scene: MakeScene) -> None:
    scene = looking(make_scene, policy=rarely(subscriptions_every=DAY))
    apples(scene).buy(PRO, 1)
    apples(scene).associate(PRO, "ann")
    apples(scene).disassociate(PRO, "ann")
    scene.pass_time(HOUR)
    del apples(scene).known[PRO]
    scene.pass_time(3 * DAY)
    assert states(scene) == {(str(PRO), "ann"): "ended"}
    assert seats(scene)["total"] == (None, None), "Apple lists it no more"
    scene.pass_time(95 * DAY)
    assert listed(scene) == []


def test_a_row_that_cannot_be_read_ends_nothing(make_scene: MakeScene) -> None:
    scene = looking(make_scene, faults=[SILENCE], policy=rarely(subscriptions_every=DAY))
    apples(scene).buy(PRO, 3)
    apples(scene).associate(PRO, "ann", "bob")
    scene.pass_time(DAY + HOUR)

    def without_user(document: Any) -> Any:
        document["assignments"][0]["clientUserId"] = None
        return document

    odd = Fault("apple.subscription_assignments", "odd", times=0, edit=without_user)
    scene.world.faults.add(odd)
    scene.pass_time(2 * DAY)
    assert set(states(scene).values()) == {"assigned"}
    (part,) = (part for part in scene.bridge.health() if part.name == "location hq")
    assert "1 row of Apple's subscriptions cannot be read: clientUserId is missing" in part.detail


def test_a_cursor_that_apple_does_not_take_begins_anew(make_scene: MakeScene) -> None:
    settings = AppleSettings(page_size=2)
    fault = Fault("apple.subscriptions", "error", number=9812, after=1)
    scene = looking(make_scene, faults=[SILENCE, fault], apple=settings)
    for number in range(5):
        apples(scene).buy(PRO + number, 10)
    scene.pass_time(8 * DAY)
    assert len(listed(scene)) == 5


# How it is shown


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    scene = looking(make_scene)
    end = apples(scene).buy(PRO, 3, parent_adam_id=APP).ends_at
    scene.world.kernel.at(end, lambda: None)
    apples(scene).buy(LITE, 5)
    apples(scene).associate(PRO, "ann", "bob", "cyd")
    apples(scene).disassociate(PRO, "bob", deferred=True)
    apples(scene).disassociate(PRO, "dan")
    scene.pass_time(HOUR)
    return Shell(scene)


def test_the_command_shows_counts_and_users(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    ends_on = listed(shell.scene)[0]["period_ends_on"]
    result = shell.run("subscriptions")
    assert (result.exit_code, result.stderr) == (0, "")
    header, *lines = result.stdout.splitlines()
    assert header.split() == (
        "location subscription app status period ends assigned available total user state".split()
    )
    refused = "failed, 9815: Apple says that the subscription is not assigned"
    assert [" ".join(line.split()) for line in lines] == [
        f"hq 12345 54321 ACTIVE {ends_on} 2+1 0+0 2+1 ann assigned",
        f"hq 12345 54321 ACTIVE {ends_on} 2+1 0+0 2+1 bob ending on {ends_on}",
        f"hq 12345 54321 ACTIVE {ends_on} 2+1 0+0 2+1 cyd assigned",
        f"hq 12345 54321 ACTIVE {ends_on} 2+1 0+0 2+1 dan {refused}",
        f"hq 12346 - ACTIVE {ends_on} 0+0 5+0 5+0 - -",
    ]


def test_csv_has_a_line_for_each_user(shell: Shell) -> None:
    rows = list(csv.DictReader(shell.run("subscriptions", "--csv").stdout.splitlines()))
    assert [(row["adam_id"], row["client_user_id"], row["state"]) for row in rows] == [
        ("12345", "ann", "assigned"),
        ("12345", "bob", "ending"),
        ("12345", "cyd", "assigned"),
        ("12345", "dan", "failed"),
        ("12346", "", ""),
    ]


def test_json_is_as_the_api_has_it(shell: Shell) -> None:
    basic = base64.b64encode(f"bridge:{API_KEY}".encode()).decode()
    headers = {"Authorization": f"Basic {basic}"}
    for query in ("", "?adam_id=54321", "?client_user_id=bob&limit=1"):
        answer = shell.scene.client.get(f"/v1/subscriptions{query}", headers=headers)
        assert answer.status_code == 200
        assert [item["adam_id"] for item in answer.get_json()["subscriptions"]] == (
            ["12345", "12346"] if not query else ["12345"]
        )
    whole = shell.scene.client.get("/v1/subscriptions", headers=headers).get_json()
    assert shell.json("subscriptions", "--all") == whole
    (one,) = shell.json("subscriptions", "--user", "bob")["subscriptions"]
    assert [each["client_user_id"] for each in one["assignments"]] == ["bob"]
    first = shell.json("subscriptions", "--limit", "1")
    assert len(first["subscriptions"]) == 1 and first["next_cursor"]


def test_there_may_be_none(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    assert shell.run("subscriptions").stdout == "No subscriptions.\n"
    assert shell.run("subscriptions", "--location", "elsewhere").exit_code == 2


def test_a_locations_page_lists_them_with_who_has_them(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.settle()
    assert "Subscriptions" not in opened(scene)
    with_all.work(scene)
    page = opened(scene)
    assert "Subscriptions" in page
    assert str(with_all.SUBSCRIPTION) in page
    assert f"{with_all.ANN} (assigned)" in page
    assert f"{with_all.ANN} (assigned)" in opened(scene, "?csv=subscriptions")


def opened(scene: Scene, query: str = "") -> str:
    """The location's page, or a table of it."""
    answer = scene.client.get(f"/locations/hq{query}", auth=("bridge", API_KEY))
    assert answer.status_code == 200
    return answer.get_data(as_text=True)
