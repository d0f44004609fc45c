"""Users of the file are registered at Apple, changed and retired, and nobody is by mistake."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.policy import Policy, UsersPolicy
from bridge.domain.users.wish import UserWish
from bridge.errors import WishError
from bridge.simulator.faults import Fault
from tests.flow.scene import Scene, rarely
from tests.flow.users_kit import (
    active,
    all_asked,
    apples,
    as_apple_has,
    asked,
    file_of,
    known,
    people,
    post,
    states,
)

MakeScene = Callable[..., Scene]
HOUR = 3600.0
SOON = rarely(users_every=HOUR, changes_every=600.0)


LOST = [
    Fault("apple.notification", "drop", match="USER_", times=0),
    Fault("apple.notification", "duplicate", match="USER_", times=0, delay=30.0),
    Fault("apple.notification", "reorder", match="CREATE", times=0, delay=90.0),
    Fault("apple.notification", "reorder", match="USER_ASSOCIATED", times=0, delay=90.0),
]


def registered(scene: Scene, users: tuple[UserWish, ...], until: Callable[[], bool]) -> Scene:
    scene.apply(file_of(scene, users))
    scene.run(until, 900)
    return scene


def retiring(scene: Scene) -> None:
    """From now on the file says that whoever it does not name is retired."""
    policy = replace(scene.config.policy, users=UsersPolicy("retire"))
    scene.config = replace(scene.config, policy=policy)
    scene.restart()


def test_250_users_take_three_requests_and_managed_ones_are_tied_by_apple(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    users = people(250, managed=100)
    registered(scene, users, lambda: states(scene).get("associated ASSOCIATED") == 100)
    assert states(scene) == {"associated ASSOCIATED": 100, "registered INVITED": 150}
    assert asked(scene, "create_users") == 3
    assert asked(scene, "update_users") == asked(scene, "retire_users") == 0
    as_apple_has(scene, "client-1", "client-100", "client-101", "client-250")
    apples(scene).accept("client-101")
    scene.run(lambda: known(scene)["client-101"].is_associated, 60)
    as_apple_has(scene, "client-101")
    read_by_then = asked(scene, "users")
    scene.pass_time(60)
    assert asked(scene, "users") == read_by_then, "notifications tell all, and nothing is read"


def test_nothing_is_asked_of_users_where_the_file_names_none(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=SOON)
    scene.apply()
    scene.run(scene.all_installed)
    apples(scene).add("somebody")
    apples(scene).accept("somebody")
    scene.pass_time(2 * HOUR)
    assert all_asked(scene) == 0
    assert states(scene) == {"associated FOREIGN": 1}, "unknown users are kept, and shown as such"


def test_whoever_is_there_already_is_not_registered_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    apples(scene).add("client-1", "client-1@example.org")
    apples(scene).add("client-2", "old@example.org")
    registered(scene, people(3), lambda: states(scene) == {"registered INVITED": 3})
    assert (asked(scene, "create_users"), asked(scene, "update_users")) == (1, 1)
    assert active(scene, "client-2").email == "client-2@example.org"
    assert [known(scene)[f"client-{n}"].ours for n in (1, 2, 3)] == [False, False, True]


def test_a_changed_address_and_account_is_told_to_apple(make_scene: MakeScene) -> None:
    scene = registered_three(make_scene)
    users = list(people(3))
    users[0] = replace(users[0], email="new@example.org")
    users[1] = replace(users[1], managed_apple_id="two@mid.example.org")
    scene.apply(file_of(scene, users))
    scene.run(lambda: states(scene).get("associated ASSOCIATED") == 1, 120)
    assert asked(scene, "update_users") == 1
    assert active(scene, "client-1").email == "new@example.org"
    assert active(scene, "client-2").managed_apple_id == "two@mid.example.org"
    as_apple_has(scene, "client-1", "client-2", "client-3")


def registered_three(make_scene: MakeScene, **arguments: Any) -> Scene:
    scene = make_scene(**{"devices": 1, "apps": 1, "policy": SOON, **arguments})
    return registered(scene, people(3), lambda: states(scene) == {"registered INVITED": 3})


def test_nobody_is_retired_because_a_line_is_missing(make_scene: MakeScene) -> None:
    scene = registered_three(make_scene)
    scene.apply(file_of(scene, people(1)))
    scene.pass_time(2 * HOUR)
    assert asked(scene, "retire_users") == 0
    assert states(scene) == {"registered INVITED": 1, "registered KEPT": 2}


def test_only_who_was_registered_by_the_bridge_is_retired(make_scene: MakeScene) -> None:
    scene = registered_three(make_scene)
    apples(scene).add("stranger")
    scene.pass_time(HOUR + 60)
    retiring(scene)
    scene.apply(file_of(scene, people(1)))
    scene.run(lambda: states(scene).get("retired RETIRED") == 2, 120)
    assert asked(scene, "retire_users") == 1
    assert known(scene)["stranger"].state == "registered"
    as_apple_has(scene, "client-1", "client-2", "client-3", "stranger")
    scene.bridge.apply(file_of(scene, people(1)), retire_foreign=True)
    scene.run(lambda: known(scene)["stranger"].state == "retired", 120)
    as_apple_has(scene, "stranger")


def test_a_retired_user_can_be_registered_again(make_scene: MakeScene) -> None:
    scene = registered_three(make_scene)
    retiring(scene)
    scene.apply(file_of(scene, people(2)))
    scene.run(lambda: known(scene)["client-3"].state == "retired", 120)
    scene.apply(file_of(scene, people(3)))
    scene.run(lambda: states(scene) == {"registered INVITED": 3}, 120)
    assert len(apples(scene).entries("client-3")) == 2
    as_apple_has(scene, "client-3")
    scene.pass_time(2 * HOUR)  # lists have both entries
    as_apple_has(scene, "client-3")


def test_many_retirements_want_a_word(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    registered(scene, people(12), lambda: states(scene) == {"registered INVITED": 12})
    retiring(scene)
    with pytest.raises(WishError, match=r"12 licences of users who are retired.*removals 12"):
        scene.apply(file_of(scene, ()))
    scene.bridge.apply(file_of(scene, ()), allow_removals=12)
    scene.run(lambda: states(scene) == {"retired RETIRED": 12}, 120)


def test_without_an_address_a_user_waits(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, public_url=None)
    users = (UserWish("nobody"), UserWish("ann", "ann@example.org"))
    registered(scene, users, lambda: known(scene).get("ann") is not None)
    scene.run(lambda: known(scene)["ann"].state == "registered", 300)
    assert states(scene) == {"waiting NO_EMAIL": 1, "registered INVITED": 1}
    scene.apply(file_of(scene, (UserWish("nobody", "some@example.org"), users[1])))
    scene.run(lambda: states(scene) == {"registered INVITED": 2}, 300)


def test_one_bad_address_costs_the_others_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    apples(scene).unknown_accounts.add("client-2@mid.example.org")
    registered(scene, people(3, managed=3), lambda: states(scene).get("associated ASSOCIATED") == 2)
    assert states(scene) == {"associated ASSOCIATED": 2, "failed ACCOUNT_REFUSED": 1}
    assert asked(scene, "create_users") == 1


@pytest.mark.parametrize("fault", [[], [LOST[0]]], ids=["by notification", "by status"])
def test_a_request_may_fail_in_part(make_scene: MakeScene, fault: list[Fault]) -> None:
    scene = make_scene(devices=1, apps=1, faults=fault, policy=Policy())
    apples(scene).unknown_accounts.add("client-2@mid.example.org")
    scene.apply(file_of(scene, people(3, managed=2)))
    scene.run(lambda: states(scene).get("failed ACCOUNT_REFUSED") == 1, 900)
    scene.run(lambda: states(scene).get("associated ASSOCIATED") == 1, 1800)
    scene.run(lambda: known(scene)["client-3"].invite_code is not None, 1800)
    as_apple_has(scene, "client-1", "client-3")
    assert asked(scene, "create_users") == 1
    users = list(people(3, managed=2))
    users[1] = replace(users[1], managed_apple_id=None)
    scene.apply(file_of(scene, users))
    scene.run(lambda: known(scene)["client-2"].state == "registered", 900)
    assert asked(scene, "create_users") == 2


def test_a_paused_location_registers_nobody(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    scene.bridge.pause("location", "hq")
    scene.apply(file_of(scene, people(2)))
    scene.pass_time(60)
    assert states(scene) == {"waiting PAUSED": 2}
    scene.bridge.resume("location", "hq")
    scene.run(lambda: states(scene) == {"registered INVITED": 2}, 120)
    assert asked(scene, "create_users") == 1


@pytest.mark.parametrize("fault", LOST, ids=["lost", "doubled", "late", "late associated"])
def test_in_whatever_order_it_is_told_the_end_is_the_same(
    make_scene: MakeScene, fault: Fault
) -> None:
    scene = make_scene(devices=1, apps=1, faults=[fault], policy=Policy())
    scene.apply(file_of(scene, people(4, managed=2)))
    scene.run(lambda: apples(scene).active("client-4") is not None, 300)
    apples(scene).accept("client-3")
    scene.run(lambda: sum(u.is_associated for u in known(scene).values()) == 3, 3600)
    scene.pass_time(1200)
    as_apple_has(scene, *(f"client-{n}" for n in range(1, 5)))
    retiring(scene)
    scene.apply(file_of(scene, people(2, managed=2)))
    scene.run(lambda: states(scene).get("retired RETIRED") == 2, 3600)
    scene.pass_time(1200)
    as_apple_has(scene, *(f"client-{n}" for n in range(1, 5)))
    assert (asked(scene, "create_users"), asked(scene, "retire_users")) == (1, 1)


def test_what_others_do_is_noticed(make_scene: MakeScene) -> None:
    scene = registered_three(make_scene)
    apples(scene).retire("client-2")
    scene.run(lambda: len(apples(scene).entries("client-2")) == 2, 3600)
    scene.run(lambda: states(scene) == {"registered INVITED": 3}, 600)
    assert asked(scene, "create_users") == 2, "whoever is wanted is registered again"
    as_apple_has(scene, "client-2")


def test_a_create_in_doubt_is_looked_up_and_not_repeated(make_scene: MakeScene) -> None:
    fault = Fault("apple.create_users", "reply_lost")
    scene = make_scene(devices=1, apps=1, faults=[fault])
    registered(scene, people(8), lambda: states(scene) == {"registered INVITED": 8})
    assert asked(scene, "create_users") == 1


def test_a_create_that_never_arrived_is_asked_again(make_scene: MakeScene) -> None:
    fault = Fault("apple.create_users", "request_lost")
    scene = make_scene(devices=1, apps=1, faults=[fault, *LOST[:1]])
    scene.apply(file_of(scene, people(2)))
    scene.run(lambda: states(scene) == {"registered INVITED": 2}, 3600)
    assert asked(scene, "create_users") == 2


def test_every_sample_of_apples_is_read_back(make_scene: MakeScene) -> None:
    """Of users nobody named: what Apple tells is what is known, without another word."""
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    user = {
        "clientUserId": "client-100",
        "email": "client-100@apple.com",
        "inviteCode": "f551b37da07146628e8dcbe0111f0364",
        "status": "Registered",
    }
    event = {"eventId": "e0def1f8-9158-4343-9c52-8dd32da50b9b", "result": "SUCCESS"}
    post(scene, "USER_MANAGEMENT", {**event, "type": "CREATE", "users": [user]})
    mine = known(scene)["client-100"]
    assert (mine.status, mine.invite_code) == ("Registered", user["inviteCode"])
    tied = {**user, "status": "Associated", "idHash": "leSKk3IaE2vk2KLmv2k3/200D3="}
    post(scene, "USER_ASSOCIATED", {"associatedUsers": [tied]})
    assert known(scene)["client-100"].id_hash == tied["idHash"]
    gone = {**user, "status": "Retired"}
    post(scene, "USER_MANAGEMENT", {**event, "type": "RETIRE", "users": [gone]})
    assert known(scene)["client-100"].state == "retired"
    with scene.bridge.database.read() as db:
        kept = [row[0] for row in db.execute("SELECT outcome FROM events WHERE source = 'apple'")]
    assert sum("users are another way" in outcome for outcome in kept) == 2
    assert all_asked(scene) == 0


def test_who_accepts_before_apple_tells_of_the_registration_stays_tied(
    make_scene: MakeScene,
) -> None:
    late = Fault("apple.notification", "delay", match="CREATE", times=0, delay=20.0)
    scene = make_scene(devices=1, apps=1, policy=SOON, faults=[late])
    scene.apply(file_of(scene, people(2)))
    scene.run(lambda: apples(scene).active("client-1") is not None, 300)
    apples(scene).accept("client-1")
    scene.run(lambda: known(scene)["client-1"].is_associated, 10)
    assert known(scene)["client-1"].state == "creating"
    scene.run(lambda: known(scene)["client-1"].state == "associated", 60)
    as_apple_has(scene, "client-1", "client-2")
    assert asked(scene, "status") == 0, "notifications alone told it"
