"""Every type of notification that Apple has published an example of, through the hook.

Apple's own notifications are lost here; those that arrive are made by the tests. The shapes are
Apple's ("Subscribing to notifications"), the values are not.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.simulator.apple.library import Event, Pair
from bridge.simulator.faults import Fault
from bridge.store.bodies import unpacked
from tests.flow.kit import stored_bytes
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

SAMPLES = Path(__file__).parent.parent / "samples" / "apple-notifications.json"
TYPES = {
    ("TEST_NOTIFICATION", None, None),
    ("ASSET_COUNT", None, None),
    ("ASSET_MANAGEMENT", "ASSOCIATE", "SUCCESS"),
    ("ASSET_MANAGEMENT", "ASSOCIATE", "FAILURE"),
    ("ASSET_MANAGEMENT", "DISASSOCIATE", "SUCCESS"),
    ("ASSET_MANAGEMENT", "REVOKE", "SUCCESS"),
    ("SUBSCRIPTION_COUNT", None, None),
    ("SUBSCRIPTION_MANAGEMENT", "ASSOCIATE", "SUCCESS"),
    ("SUBSCRIPTION_MANAGEMENT", "ASSOCIATE", "FAILURE"),
    ("SUBSCRIPTION_MANAGEMENT", "DISASSOCIATE", "SUCCESS"),
    ("SUBSCRIPTION_MANAGEMENT", "DISASSOCIATE", "FAILURE"),
    ("USER_MANAGEMENT", "CREATE", "SUCCESS"),
    ("USER_MANAGEMENT", "UPDATE", "SUCCESS"),
    ("USER_MANAGEMENT", "RETIRE", "SUCCESS"),
    ("USER_MANAGEMENT", "CREATE", "FAILURE"),
    ("USER_ASSOCIATED", None, None),
    ("UNLIMITED_ASSET", None, None),
}

SILENCE = Fault("apple.notification", "drop", times=0)
NO_STATUS = Fault("apple.status", "gateway", status=503, times=0)

_numbers = itertools.count(1)


def envelope(scene: Scene, kind: str, content: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "notification": dict(content),
        "notificationId": f"c0ffee-{next(_numbers)}",  # not even a UUID, as in one of Apple's
        "notificationType": kind,
        "uId": scene.world.location.uid,
    }


def post(scene: Scene, kind: str, content: Mapping[str, Any], **more: Any) -> None:
    """Apple posts a notification; it is taken in and processed without an error."""
    known = scene.bridge.list_events(source="apple", limit=1000).items
    token = scene.world.location.client.notification_token
    answer = scene.client.post(
        "/hooks/apple/hq",
        data=json.dumps(envelope(scene, kind, content) | more).encode(),
        headers={"Authorization": f"Bearer {token}"},
    )
    assert (answer.status_code, answer.data) == (200, b"")
    scene.engine.run_once()
    kept = scene.bridge.list_events(source="apple", limit=1000).items
    assert len(kept) == len(known) + 1
    assert (kept[0]["topic"], kept[0]["status"], kept[0]["error"]) == (kind, "done", None)


def outcome(scene: Scene) -> str:
    """What the newest notification came to."""
    return str(scene.bridge.list_events(source="apple", limit=1).items[0]["outcome"])


def everything(scene: Scene) -> dict[str, list[Any]]:
    """All that is stored, but for the evidence itself and when it came."""
    evidence = {"events", "seen_messages", "counters", "measured", "sqlite_sequence"}
    with scene.bridge.database.read() as db:
        tables = [r[0] for r in db.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        return {
            table: [
                {k: row[k] for k in row.keys() if k != "last_notification_at"}  # noqa: SIM118
                for row in db.execute(f"SELECT * FROM {table} ORDER BY 1")
                if row[0] != "inbox_taken"
            ]
            for table in tables
            if table not in evidence
        }


def post_without_effect(scene: Scene, kind: str, content: Mapping[str, Any]) -> None:
    scene.settle()
    before = everything(scene)
    post(scene, kind, content)
    scene.settle()
    assert everything(scene) == before


def waiting_for_apple(make_scene: MakeScene, **arguments: Any) -> Scene:
    """Licences were asked for, Apple has decided, and has told nobody."""
    faults = [SILENCE, NO_STATUS]
    scene = make_scene(**{"devices": 2, "apps": 1, "faults": faults} | arguments)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: event_of(scene) is not None and bool(event_of(scene).done))
    assert set(scene.states()) == {"associating ASSOCIATE_REQUESTED"}
    return scene


def licensed(make_scene: MakeScene, **arguments: Any) -> Scene:
    """The first device holds its licence; from now on Apple's own notifications are lost."""
    scene = make_scene(**{"devices": 1, "apps": 1} | arguments)
    scene.apply(scene.desired(mode="license_only", on_unwanted="release"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    scene.world.faults.add(SILENCE)
    scene.world.faults.add(NO_STATUS)
    return scene


def event_of(scene: Scene) -> Event:
    """The newest event of ours at Apple."""
    events = list(scene.world.location.events.values())
    return events[-1] if events else None  # type: ignore[return-value]


def management(
    event_id: str | None, kind: str, result: str, pairs: list[Pair], **more: Any
) -> dict[str, Any]:
    given = {} if event_id is None else {"eventId": event_id}
    listed = [pair.as_json() for pair in pairs]
    return {"type": kind, "result": result, "assignments": listed} | given | more


def seats(scene: Scene) -> tuple[int, int]:
    """(total, available) of the first app, as stored."""
    with scene.bridge.database.read() as db:
        row = db.execute(
            "SELECT total, available FROM assets WHERE adam_id = ?", (scene.adam_ids[0],)
        ).fetchone()
    return row[0], row[1]


def requests(scene: Scene, endpoint: str) -> int:
    return scene.world.ledger.requests[f"apple.{endpoint}"]


def test_the_samples_are_of_these_types() -> None:
    samples = json.loads(SAMPLES.read_text())
    found = {
        (s["notificationType"], s["notification"].get("type"), s["notification"].get("result"))
        for s in samples
    }
    assert found == TYPES


@pytest.mark.sweep
@pytest.mark.parametrize("number", range(len(json.loads(SAMPLES.read_text()))))
def test_every_published_shape_is_taken_in(make_scene: MakeScene, number: int) -> None:
    scene = licensed(make_scene)
    sample = json.loads(SAMPLES.read_text())[number]
    post(scene, sample["notificationType"], sample["notification"])
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 1}


def test_test_notification(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    post_without_effect(scene, "TEST_NOTIFICATION", {})
    assert outcome(scene) == "a test"


# ASSET_COUNT


def test_asset_count_lets_those_go_on_who_wait_for_a_seat(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1, seats=1)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1, "waiting NO_SEAT": 2})
    scene.pass_time(120)
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].total += 2
    post(
        scene,
        "ASSET_COUNT",
        {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "countDelta": 2},
    )
    scene.run(lambda: scene.states() == {"licensed LICENSED": 3}, 30)


def test_asset_count_may_be_negative(make_scene: MakeScene) -> None:
    scene = licensed(make_scene, seats=10)
    scene.pass_time(120)
    reads, (total, available) = requests(scene, "assets"), seats(scene)
    content = {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "countDelta": -4}
    post(scene, "ASSET_COUNT", content)
    assert seats(scene) == (total - 4, available - 4)
    assert requests(scene, "assets") == reads, "the difference is enough"


def test_asset_count_is_of_one_price_class(make_scene: MakeScene) -> None:
    scene = licensed(make_scene, seats=10)
    before = seats(scene)
    post(
        scene,
        "ASSET_COUNT",
        {"adamId": scene.adam_ids[0], "pricingParam": "PLUS", "countDelta": 7},
    )
    assert seats(scene)[0] == before[0]


@pytest.mark.parametrize(
    "content",
    [
        {"adamId": "909090909", "pricingParam": "STDQ", "countDelta": 5},
        {"adamId": "361309726", "pricingParam": "STDQ"},
        {"adamId": "361309726", "pricingParam": "STDQ", "countDelta": None},
        {"adamId": "361309726", "pricingParam": "STDQ", "countDelta": "many"},
        {"adamId": "361309726", "countDelta": 5, "result": "FAILURE", "error": {}},
    ],
    ids=["new app", "no delta", "null", "text", "failed"],
)
def test_asset_count_that_cannot_be_added_has_the_counts_read(
    make_scene: MakeScene, content: dict[str, Any]
) -> None:
    scene = licensed(make_scene, seats=10)
    before, reads = seats(scene), requests(scene, "assets")
    post(scene, "ASSET_COUNT", content)
    scene.pass_time(120)
    assert requests(scene, "assets") == reads + 1
    assert seats(scene) == (before[0], 9), "one is ours by now"


def test_asset_count_leaves_the_unlimited_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].unlimited = True
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    before = seats(scene)
    content = {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "countDelta": 5}
    post(scene, "ASSET_COUNT", content)
    assert seats(scene) == before


def test_asset_count_without_a_price_class_and_with_a_number(make_scene: MakeScene) -> None:
    scene = licensed(make_scene, seats=10)
    total, available = seats(scene)
    content = {"adamId": int(scene.adam_ids[0]), "countDelta": 2, "soon": ["unknown", None]}
    post(scene, "ASSET_COUNT", content)
    assert seats(scene) == (total + 2, available + 2)


# ASSET_MANAGEMENT


def test_asset_management_associate_success_of_ours(make_scene: MakeScene) -> None:
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    first, second = event.pairs
    post(scene, "ASSET_MANAGEMENT", management(event.event_id, "ASSOCIATE", "SUCCESS", [first]))
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 1, "associating ASSOCIATE_REQUESTED": 1}
    assert scene.install(first.target.name)["state"] == "licensed", "a part is not the whole"
    assert "told by notification" in str(scene.install(first.target.name)["trail"])
    post(scene, "ASSET_MANAGEMENT", management(event.event_id, "ASSOCIATE", "SUCCESS", [second]))
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}
    asked = requests(scene, "status")
    scene.pass_time(1800)
    assert requests(scene, "status") == asked, "nothing is left to ask"


def test_asset_management_associate_success_of_somebody_else(make_scene: MakeScene) -> None:
    """They were quicker for one of the pairs that wait: Apple's assignments decide."""
    scene = make_scene(devices=2, apps=1, faults=[SILENCE], seats=0)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"waiting NO_SEAT": 2})
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].total = 1
    event = scene.world.apple.portal(
        scene.world.location, "ASSOCIATE", scene.adam_ids[0], scene.serials[:1]
    )
    claimed = [
        *event.pairs,
        event.pairs[0]._replace(target=event.pairs[0].target._replace(name=scene.serials[1])),
    ]
    post(scene, "ASSET_MANAGEMENT", management(event.event_id, "ASSOCIATE", "SUCCESS", claimed))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1, "waiting NO_SEAT": 1}, 30)
    assert scene.install(scene.serials[0])["state"] == "licensed"
    assert requests(scene, "associate") == 0


def test_asset_management_for_users(make_scene: MakeScene) -> None:
    """Somebody else's doing: who holds what is known by it, and no request of ours is touched."""
    scene = waiting_for_apple(make_scene)
    pair = {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "clientUserId": "teacher-3"}
    for kind, holders in (
        ("ASSOCIATE", ["teacher-3"]),
        ("DISASSOCIATE", []),
        ("ASSOCIATE", ["teacher-3"]),
        ("REVOKE", []),
    ):
        content = management("somebody's", kind, "SUCCESS", []) | {"assignments": [pair]}
        post(scene, "ASSET_MANAGEMENT", content)
        scene.settle()
        held = scene.bridge.list_assignments().items
        assert [each["client_user_id"] for each in held] == holders
    assert set(scene.states()) == {"associating ASSOCIATE_REQUESTED"}


def test_asset_management_for_users_and_devices(make_scene: MakeScene) -> None:
    """Apple's own example mixes them."""
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    content = management(event.event_id, "ASSOCIATE", "SUCCESS", event.pairs)
    user = {"adamId": scene.adam_ids[0], "pricingParam": "STDQ", "clientUserId": "teacher-3"}
    content["assignments"] = [user, *content["assignments"]]
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}


def test_asset_management_associate_failure_of_ours(make_scene: MakeScene) -> None:
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    first, second = event.pairs
    error = {"errorNumber": 9709, "errorMessage": "Es sind nicht genug Lizenzen da."}
    post(
        scene,
        "ASSET_MANAGEMENT",
        management(event.event_id, "ASSOCIATE", "FAILURE", [second], error=error),
    )
    post(scene, "ASSET_MANAGEMENT", management(event.event_id, "ASSOCIATE", "SUCCESS", [first]))
    scene.engine.run_once()
    assert scene.states() == {"licensed LICENSED": 1, "waiting NO_SEAT": 1}
    told = scene.install(second.target.name)
    assert (told["state"], told["reason"]) == ("waiting", "NO_SEAT")
    assert "9709" in told["explanation"]["sentence"]
    assert "nicht genug" not in told["explanation"]["sentence"], "numbers decide, never texts"


def test_asset_management_associate_failure_of_somebody_else(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    pair = Pair(scene.adam_ids[0], "STDQ", event_of(scene).pairs[0].target)
    content = management("their-event", "ASSOCIATE", "FAILURE", [pair], error={"errorNumber": 9709})
    post(scene, "ASSET_MANAGEMENT", content)
    scene.pass_time(60)
    assert scene.states() == {"licensed LICENSED": 1}
    assert requests(scene, "associate") == 1


@pytest.mark.parametrize("error", [None, {}, {"errorNumber": "x"}, {"errorMessage": "only text"}])
def test_asset_management_failure_without_a_number(
    make_scene: MakeScene, error: dict[str, Any] | None
) -> None:
    scene = waiting_for_apple(make_scene, devices=1)
    event = event_of(scene)
    content = management(event.event_id, "ASSOCIATE", "FAILURE", event.pairs, error=error)
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    told = scene.install()
    assert (told["state"], told["reason"]) == ("waiting", "LICENSE_RETRY")
    assert "not known" in told["explanation"]["sentence"]


def test_asset_management_disassociate_success_of_ours(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    scene.apply(scene.wanted_for([], mode="license_only", on_unwanted="release"))
    scene.run(lambda: event_of(scene).kind == "DISASSOCIATE" and bool(event_of(scene).done), 60)
    assert scene.states() == {"removing RELEASING": 1}
    event = event_of(scene)
    content = management(event.event_id, "DISASSOCIATE", "SUCCESS", event.pairs)
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert scene.states() == {"removed RELEASED": 1}
    assert "told by notification" in str(scene.install()["trail"])


def test_asset_management_disassociate_failure_of_ours(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    scene.apply(scene.wanted_for([], mode="license_only", on_unwanted="release"))
    scene.run(lambda: event_of(scene).kind == "DISASSOCIATE", 60)
    event = event_of(scene)
    error = {"errorNumber": 9706, "errorMessage": "no"}
    content = management(event.event_id, "DISASSOCIATE", "FAILURE", event.pairs, error=error)
    post(scene, "ASSET_MANAGEMENT", content)
    scene.engine.run_once()
    assert scene.install()["reason"] == "NOT_REVOCABLE"


@pytest.mark.parametrize("kind", ["DISASSOCIATE", "REVOKE"])
def test_asset_management_disassociate_and_revoke_by_somebody_else(
    make_scene: MakeScene, kind: str
) -> None:
    scene = licensed(make_scene)
    scene.pass_time(60)
    event = scene.world.apple.portal(
        scene.world.location, "DISASSOCIATE", scene.adam_ids[0], scene.serials
    )
    pairs = [*event.pairs, event.pairs[0]._replace(adam_id="70007")]
    post(scene, "ASSET_MANAGEMENT", management(event.event_id, kind, "SUCCESS", pairs))
    scene.settle()
    told = scene.install()
    assert (told["state"], told["reason"]) == ("waiting", "LICENSE_TAKEN")
    assert scene.world.ledger.requests["apple.associate"] == 1, "nobody fights over it"


@pytest.mark.parametrize("kind", ["DISASSOCIATE", "REVOKE"])
def test_asset_management_that_apples_assignments_belie(make_scene: MakeScene, kind: str) -> None:
    scene = licensed(make_scene)
    pairs = event_of(scene).pairs
    reads = requests(scene, "assignments")
    post(scene, "ASSET_MANAGEMENT", management("a-late-one", kind, "SUCCESS", pairs))
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 1}
    assert requests(scene, "assignments") == reads + 1


@pytest.mark.parametrize("kind", ["DISASSOCIATE", "REVOKE", "TRANSFER", None])
def test_asset_management_of_another_type_under_our_event_id(
    make_scene: MakeScene, kind: str | None
) -> None:
    """It cannot be, and decides nothing: Apple's assignments do."""
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    content = management(event.event_id, str(kind), "SUCCESS", event.pairs)
    if kind is None:
        del content["type"]
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}, "since Apple lists them"
    assert "read" in str(scene.install()["explanation"]["evidence"])


@pytest.mark.parametrize("result", ["PARTIAL", None, 5])
def test_asset_management_with_a_result_that_nobody_knows(
    make_scene: MakeScene, result: Any
) -> None:
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    content = management(event.event_id, "ASSOCIATE", result, event.pairs)
    if result is None:
        del content["result"]
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert not any(state.startswith(("failed", "waiting")) for state in scene.states()), (
        "what is neither success nor failure is looked up"
    )


def test_asset_management_without_what_is_optional(make_scene: MakeScene) -> None:
    """No pricingParam, a number for an adam id, members that nobody knows."""
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    assignments = [
        {"adamId": int(pair.adam_id), "serialNumber": pair.target.name, "new": {"a": 1}}
        for pair in event.pairs
    ]
    content = management(event.event_id, "ASSOCIATE", "SUCCESS", [], era="2030")
    post(scene, "ASSET_MANAGEMENT", content | {"assignments": assignments}, version=3)
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}


def test_asset_management_without_an_event_id(make_scene: MakeScene) -> None:
    scene = waiting_for_apple(make_scene)
    content = management(None, "ASSOCIATE", "SUCCESS", event_of(scene).pairs)
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}, "Apple's assignments were asked"
    assert "read" in str(scene.install()["explanation"]["evidence"])


def test_asset_management_in_lower_case_serial_numbers(make_scene: MakeScene) -> None:
    scene = waiting_for_apple(make_scene)
    event = event_of(scene)
    content = management(event.event_id, "ASSOCIATE", "SUCCESS", event.pairs)
    for each in content["assignments"]:
        each["serialNumber"] = each["serialNumber"].lower()
    post(scene, "ASSET_MANAGEMENT", content)
    scene.settle()
    assert scene.states() == {"licensed LICENSED": 2}


@pytest.mark.parametrize(
    "assignments",
    [[], None, "all", [{}], [{"adamId": "361309726"}], [{"serialNumber": "X1"}], [None, 3, "x"]],
)
def test_asset_management_with_nothing_to_go_by(make_scene: MakeScene, assignments: Any) -> None:
    scene = waiting_for_apple(make_scene)
    content = management(event_of(scene).event_id, "ASSOCIATE", "SUCCESS", [])
    post(scene, "ASSET_MANAGEMENT", content | {"assignments": assignments})
    scene.settle()
    assert scene.states() == {"associating ASSOCIATE_REQUESTED": 2}


# Subscriptions; more of them in test_subscriptions.py.


def apart_from_subscriptions(scene: Scene) -> dict[str, list[Any]]:
    found = everything(scene)
    del found["schedule"]
    return {table: rows for table, rows in found.items() if not table.startswith("subscription")}


@pytest.mark.parametrize("kind", ["ASSOCIATE", "DISASSOCIATE"])
def test_subscription_management_changes_no_install(make_scene: MakeScene, kind: str) -> None:
    """Even where its numbers are those of an app and of an event of ours."""
    scene = waiting_for_apple(make_scene)
    content = {
        "type": kind,
        "result": "SUCCESS",
        "eventId": event_of(scene).event_id,
        "assignments": [
            {"adamId": int(scene.adam_ids[0]), "clientUserId": "teacher-3", "renewing": False}
        ],
    }
    scene.settle()
    before = apart_from_subscriptions(scene)
    post(scene, "SUBSCRIPTION_MANAGEMENT", content)
    scene.settle()
    assert apart_from_subscriptions(scene) == before
    assert kept(scene)["notification"] == content


PERSONAL = {
    "email": "someone.private@example.org",
    "inviteCode": "invite-c0de-7781",
    "idHash": "aWRoYXNoLW9mLXNvbWVvbmU=",
}


def user(status: str) -> dict[str, str]:
    return {"clientUserId": "teacher-3", "status": status} | PERSONAL


def kept(scene: Scene) -> dict[str, Any]:
    """The body that is kept of the newest notification."""
    with scene.bridge.database.read() as db:
        row = db.execute("SELECT body FROM events ORDER BY id DESC LIMIT 1").fetchone()
    return dict(json.loads(unpacked(row[0])))


def is_nowhere(scene: Scene, *secrets: str) -> None:
    """No file of the database holds any of these, in no table and in no page."""
    for name, data in stored_bytes(scene).items():
        for secret in secrets:
            assert secret.encode() not in data, name


def post_of_users(scene: Scene, kind: str, content: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Post what changes users alone, and return what is known of them."""
    scene.settle()
    before = everything(scene)
    post(scene, kind, content)
    scene.settle()
    after = everything(scene)
    told = after.pop("users")
    assert after == {table: rows for table, rows in before.items() if table != "users"}
    columns = ("client_user_id", "status", "id_hash", "invite_code")
    return [{column: row[column] for column in columns} for row in told]


@pytest.mark.parametrize(
    ("kind", "status"), [("CREATE", "Registered"), ("UPDATE", "Associated"), ("RETIRE", "Retired")]
)
def test_user_management(make_scene: MakeScene, kind: str, status: str) -> None:
    scene = waiting_for_apple(make_scene)
    content = {
        "type": kind,
        "result": "SUCCESS",
        "eventId": event_of(scene).event_id,
        "users": [user(status)],
    }
    changed = post_of_users(scene, "USER_MANAGEMENT", content)
    codes = {"id_hash": PERSONAL["idHash"], "invite_code": PERSONAL["inviteCode"]}
    assert changed == [{"client_user_id": "teacher-3", "status": status, **codes}]
    assert kept(scene)["notification"]["users"] == [{"clientUserId": "teacher-3", "status": status}]
    is_nowhere(scene, PERSONAL["email"])


def test_user_management_failure(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    content = {
        "type": "CREATE",
        "result": "FAILURE",
        "eventId": "an-event",
        "users": [{"clientUserId": "teacher-3", "email": PERSONAL["email"]}],
        "error": {"errorNumber": 9717, "errorMessage": f"{PERSONAL['email']} is no address."},
    }
    post_without_effect(scene, "USER_MANAGEMENT", content)
    assert kept(scene)["notification"]["error"] == {"errorNumber": 9717}
    is_nowhere(scene, *PERSONAL.values())


def test_user_associated(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    changed = post_of_users(scene, "USER_ASSOCIATED", {"associatedUsers": [user("Associated")]})
    codes = {"id_hash": PERSONAL["idHash"], "invite_code": PERSONAL["inviteCode"]}
    assert changed == [{"client_user_id": "teacher-3", "status": "Associated", **codes}]
    assert kept(scene)["notification"]["associatedUsers"] == [
        {"clientUserId": "teacher-3", "status": "Associated"}
    ]
    is_nowhere(scene, PERSONAL["email"])


# What nobody has published.


@pytest.mark.parametrize(
    "content",
    [{"adamId": "361309726", "pricingParam": "STDQ", "unlimited": True}, {}, {"assets": [5, {}]}],
)
def test_unlimited_asset_has_assets_read_once(
    make_scene: MakeScene, content: dict[str, Any]
) -> None:
    scene = licensed(make_scene)
    scene.pass_time(120)
    reads = requests(scene, "assets")
    scene.world.location.library.assets[scene.adam_ids[0], "STDQ"].unlimited = True
    post(scene, "UNLIMITED_ASSET", content)
    assert outcome(scene) == "counts are read again"
    scene.pass_time(120)
    assert requests(scene, "assets") == reads + 1
    (asset,) = scene.bridge.list_assets().items
    assert asset["unlimited"]
    assert scene.states() == {"licensed LICENSED": 1}
    assert kept(scene)["notification"] == content


@pytest.mark.parametrize("content", [None, "all", 5, []])
def test_unlimited_asset_without_a_payload(make_scene: MakeScene, content: Any) -> None:
    scene = licensed(make_scene)
    scene.pass_time(120)
    reads = requests(scene, "assets")
    post(scene, "UNLIMITED_ASSET", {}, notification=content)
    scene.pass_time(120)
    assert requests(scene, "assets") == reads + 1


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("TOMORROWS_TYPE", {"eventId": "e", "assignments": [{"adamId": 5}], "deep": [[{"a": 1}]]}),
        ("TOMORROWS_TYPE", {}),
        ("asset_management", {"type": "DISASSOCIATE", "result": "SUCCESS", "assignments": []}),
    ],
)
def test_an_unknown_type(make_scene: MakeScene, kind: str, content: dict[str, Any]) -> None:
    scene = licensed(make_scene)
    post_without_effect(scene, kind, content)
    assert kept(scene)["notification"] == content
    assert scene.counters()["apple.other_type"] == 1


def test_an_unknown_type_that_speaks_of_people(make_scene: MakeScene) -> None:
    scene = licensed(make_scene)
    content = {"groups": [{"members": [user("Waiting")], "contactEmail": PERSONAL["email"]}]}
    post_without_effect(scene, "GROUP_MANAGEMENT", content)
    is_nowhere(scene, *PERSONAL.values())


@pytest.mark.parametrize("content", ["text", 5, None, [], ["x"], True])
def test_a_notification_that_is_no_object(make_scene: MakeScene, content: Any) -> None:
    scene = licensed(make_scene)
    for kind in ("ASSET_MANAGEMENT", "ASSET_COUNT", "TEST_NOTIFICATION", "USER_MANAGEMENT"):
        scene.settle()
        before = everything(scene)
        post(scene, kind, {}, notification=content)
        scene.settle()
        assert everything(scene) == before
