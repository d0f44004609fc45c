"""Every kind of Apple's notifications, and its failure, changes what the bridge knows.

They are posted as written, with the library that they name; what they are about is somebody else's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.catalogue.notifications import EFFECTS, Effect
from bridge.engine.calls.registering import NOTIFICATION_TYPES
from bridge.simulator.apple.library import Asset
from tests.flow.scene import Scene, rarely

MakeScene = Callable[..., Scene]
Known = Mapping[str, Any]

SAMPLES = Path(__file__).parent.parent / "samples" / "apple-notifications.json"
ERROR = {"errorNumber": 9603, "errorMessage": "Internal error."}


def forms() -> Iterator[tuple[str, dict[str, Any]]]:
    """Each sample as written, and as it would tell that it failed."""
    for number, sample in enumerate(json.loads(SAMPLES.read_text())):
        content = sample["notification"]
        yield f"{number} {name_of(sample)}", sample
        if content.get("result") != "FAILURE":
            failed = content | {"result": "FAILURE", "error": ERROR}
            sample = sample | {"notification": failed, "notificationId": f"failed-{number}"}
            yield f"{number} {name_of(sample)}", sample


def name_of(sample: Known) -> str:
    content = sample["notification"]
    words = (sample["notificationType"], content.get("type"), content.get("result"))
    return " ".join(word for word in words if word)


def effect_of(sample: Known) -> Effect:
    """The line of the table that is about it."""
    kind, content = sample["notificationType"], sample["notification"]
    outcome = " ".join(w for w in (content.get("type"), content.get("result")) if w) or "as sent"
    (found,) = [
        effect
        for effect in EFFECTS
        if effect.kind == kind
        and (
            effect.outcome == "any"
            or outcome in effect.outcome.split(", ")
            or effect.outcome == "FAILURE" == content.get("result")
        )
    ]
    return found


FORMS = dict(forms())


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """One device has its app; the library is that of the samples, and owns what they are about."""
    made = make_scene(devices=1, apps=1, policy=rarely())
    for sample in FORMS.values():
        made.world.location.uid = sample["uId"]
        made.world.location.notifier._uid = sample["uId"]
    for adam_id in ("510017342", "510017343", "510017344"):
        made.world.location.library.add(Asset(adam_id, total=10))
    made.apply(made.desired(mode="license_only"))
    made.run(lambda: made.states() == {"licensed LICENSED": 1})
    made.pass_time(120)
    return made


def post(scene: Scene, sample: Known) -> None:
    token = scene.world.location.client.notification_token
    headers = {"Authorization": f"Bearer {token}"}
    answer = scene.client.post("/hooks/apple/hq", json=sample, headers=headers)
    assert (answer.status_code, answer.data) == (200, b"")
    scene.engine.run_once()
    event = scene.bridge.list_events(source="apple", limit=1).items[0]
    assert (event["status"], event["error"]) == ("done", None)


def known(scene: Scene) -> dict[str, Any]:
    """What the bridge knows of Apple's side."""
    bridge = scene.bridge
    (location,) = bridge.list_locations().items
    subscriptions = bridge.list_subscriptions().items
    with bridge.database.read() as db:
        users = db.execute("SELECT client_user_id, status FROM users").fetchall()
        held = db.execute("SELECT adam_id, pricing_param, target FROM assignments").fetchall()
    assets = bridge.list_assets(limit=1000).items
    return {
        "heard": location["last_notification_at"],
        "assets": {each["adam_id"]: each["total"] for each in assets},
        "assignments": {tuple(row) for row in held},
        "users": {row[0]: row[1] for row in users},
        "counts": {each["adam_id"]: each["total_renewing"] for each in subscriptions},
        "holders": {
            each["client_user_id"]: (each["state"], each["error_number"])
            for item in subscriptions
            for each in item["assignments"]
        },
        "refused": scene.counters().get("apple.others_refused", 0),
    }


def reads(scene: Scene) -> int:
    return int(scene.world.ledger.requests["apple.assets"])


ASSIGNED = ("510017342", "STDQ", "user:pupil-7")


def prepared(scene: Scene, sample: Known) -> None:
    """What the message takes away is there before."""
    content = sample["notification"]
    if content.get("type") in ("DISASSOCIATE", "REVOKE") and content["result"] == "SUCCESS":
        other = {"type": "ASSOCIATE", "eventId": "before"}
        post(scene, sample | {"notification": content | other, "notificationId": "before"})


def changed(scene: Scene, sample: Known) -> tuple[set[str], Known, Known]:
    """What is another way after it, as it was and as it is; time does not pass by itself."""
    prepared(scene, sample)
    scene.pass_time(1)
    before = known(scene)
    post(scene, sample)
    after = known(scene)
    return {key for key in after if after[key] != before[key]}, before, after


@pytest.mark.sweep
@pytest.mark.parametrize("name", FORMS)
def test_it_changes_what_the_table_says(scene: Scene, name: str) -> None:
    sample = FORMS[name]
    content, asked = sample["notification"], reads(scene)
    different, before, after = changed(scene, sample)
    assert "heard" in different
    different.remove("heard")
    effect = effect_of(sample)
    match sample["notificationType"], content.get("type"), content.get("result"):
        case "TEST_NOTIFICATION", _, _:
            assert different == set()
        case "ASSET_COUNT", _, None:
            assert different == {"assets"}
            assert after["assets"]["510017342"] == before["assets"]["510017342"] - 3
        case (("ASSET_COUNT" | "UNLIMITED_ASSET"), _, _):
            scene.world.location.library.assets["510017344", "STDQ"].total = 11
            scene.pass_time(60)
            assert reads(scene) == asked + 1
            assert known(scene)["assets"]["510017344"] == 11
        case "ASSET_MANAGEMENT", "ASSOCIATE", "SUCCESS":
            pairs = {
                (each["adamId"], each["pricingParam"], holder(each))
                for each in content["assignments"]
            }
            assert different == {"assignments"}
            assert after["assignments"] - before["assignments"] == pairs
        case "ASSET_MANAGEMENT", _, "SUCCESS":
            assert different == {"assignments"}
            assert before["assignments"] - after["assignments"] >= {ASSIGNED}
        case "ASSET_MANAGEMENT", _, "FAILURE":
            assert different == {"refused"}
            scene.pass_time(120)
            assert reads(scene) == asked + 1
        case "USER_MANAGEMENT", _, "SUCCESS":
            assert different == {"users"}
            assert after["users"] == {"pupil-7": content["users"][0]["status"]}
        case "USER_ASSOCIATED", _, None:
            assert different == {"users"}
            assert after["users"] == {"pupil-7": "Associated"}
        case (("USER_MANAGEMENT" | "USER_ASSOCIATED" | "SUBSCRIPTION_COUNT"), _, "FAILURE"):
            assert different == {"refused"}
        case "SUBSCRIPTION_COUNT", _, None:
            assert different == {"counts"}
            assert after["counts"] == {"88002": content["counts"]["total"]["renewing"]}
        case "SUBSCRIPTION_MANAGEMENT", kind, result:
            assert different <= {"holders", "counts"} and "holders" in different
            ((state, number),) = after["holders"].values()
            states = {"ASSOCIATE": "assigned", "DISASSOCIATE": "ended"}
            assert state == (states[kind] if result == "SUCCESS" else "failed")
            assert number == content.get("error", {}).get("errorNumber")
        case _:
            raise AssertionError(f"nobody says what {name} changes")
    assert effect.changes


def holder(assignment: Known) -> str:
    if "serialNumber" in assignment:
        return str(assignment["serialNumber"])
    return f"user:{assignment['clientUserId']}"


@pytest.mark.sweep
@pytest.mark.parametrize("name", FORMS)
def test_none_of_it_asks_users_or_subscriptions_that_the_file_does_not_name(
    scene: Scene, name: str
) -> None:
    post(scene, FORMS[name])
    scene.pass_time(3 * 86400)
    asked = {key for key in scene.world.ledger.requests if re.search("user|subscription", key)}
    assert asked == set()


def test_every_line_of_the_table_is_tried_and_every_kind_has_one() -> None:
    tried = {(effect.kind, effect.outcome) for effect in map(effect_of, FORMS.values())}
    assert tried == {(effect.kind, effect.outcome) for effect in EFFECTS}
    assert {effect.kind for effect in EFFECTS} == set(NOTIFICATION_TYPES)


def test_what_is_late_changes_the_pairs_of_nobody_s_wish_until_the_next_read(scene: Scene) -> None:
    """Of what the bridge does not want, the newest message counts, and Apple's list after it."""
    sample = next(each for each in FORMS.values() if name_of(each).endswith("ASSOCIATE SUCCESS"))
    post(scene, sample)
    assert len(known(scene)["assignments"]) > 1
    scene.pass_time(8 * 86400)
    assert len(known(scene)["assignments"]) == 1, "Apple lists none of them"
