"""A file that names users, and what is known of them and of Apple's."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.users.wish import UserWish
from bridge.simulator.apple.users import User, Users
from bridge.store.users import users
from bridge.store.users.users import UserRow
from tests.flow.scene import Scene

APP = "361309726"
_numbers = itertools.count(1)


def people(count: int, managed: int = 0) -> tuple[UserWish, ...]:
    """Users of the file; the first `managed` have a Managed Apple Account."""
    return tuple(
        UserWish(
            f"client-{number}",
            f"client-{number}@example.org",
            f"client-{number}@mid.example.org" if number <= managed else None,
        )
        for number in range(1, count + 1)
    )


def file_of(scene: Scene, some: Sequence[UserWish], location: str | None = "hq") -> Desired:
    """What the file wants: these users in a location, and one app for the devices of all."""
    placed = tuple(replace(user, location=location) for user in some)
    app = AppWish(scene.adam_ids[0], ("staff",), "hq", mode="license_only")
    return Desired((Group("staff", all_users=True),), (app,), placed)


def known(scene: Scene) -> dict[str, UserRow]:
    """By clientUserId, what is stored of the users."""
    with scene.bridge.database.read() as db:
        return {user.client_user_id: user for user in users.at(db, "hq")}


def states(scene: Scene) -> dict[str, int]:
    """How many users there are by "state REASON"."""
    return dict(Counter(f"{user.state} {user.reason}" for user in known(scene).values()))


def apples(scene: Scene) -> Users:
    return scene.world.location.users


def active(scene: Scene, client_user_id: str) -> User:
    found = apples(scene).active(client_user_id)
    assert found is not None
    return found


def asked(scene: Scene, kind: str) -> int:
    """How many requests of a kind reached Apple."""
    return scene.world.ledger.requests[f"apple.{kind}"]


def all_asked(scene: Scene) -> int:
    kinds = ("users", "create_users", "update_users", "retire_users")
    return sum(asked(scene, kind) for kind in kinds)


def as_apple_has(scene: Scene, *names: str) -> None:
    """What is known of these users is what Apple has."""
    for name in names:
        mine, entries = known(scene)[name], apples(scene).entries(name)
        theirs = apples(scene).active(name) or entries[-1]
        assert (mine.status, mine.told_email) == (theirs.status, theirs.email)
        if theirs.is_active:
            assert mine.id_hash == theirs.id_hash
        if theirs.status == "Registered":
            assert mine.invite_code == theirs.invite_code


def post(scene: Scene, kind: str, content: Mapping[str, Any]) -> None:
    """Apple posts a notification of its own."""
    body = {
        "notification": dict(content),
        "notificationId": f"test-{next(_numbers)}",
        "notificationType": kind,
        "uId": scene.world.location.uid,
    }
    config = scene.world.location.client
    headers = {"Authorization": f"Bearer {config.notification_token}"}
    assert scene.client.post("/hooks/apple/hq", json=body, headers=headers).status_code == 200
    scene.settle()
