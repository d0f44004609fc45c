"""Apps for users: what the file says, who is signed in where, and who accepts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.users.wish import UserWish
from tests.flow.scene import Scene
from tests.flow.users_kit import apples


def wish(
    scene: Scene, users: Sequence[UserWish], adam_ids: Sequence[str] = (), **options: Any
) -> Desired:
    """Every app, or these, for all devices of all these users, whose accounts are signed in."""
    apps = adam_ids or scene.adam_ids
    options = {"license_to": "user"} | options
    by_name = {target: user.client_user_id for user in users for target in user.targets}
    for device in scene.world.devices:
        named = f"enrolment:{device.enrollment_id}" if device.enrollment_id else ""
        device.account = by_name.get(named or device.serial_number, device.account)
    return Desired(
        (Group("them", all_users=True),),
        tuple(
            AppWish(a, ("them",), "hq", name=scene.world.catalogue[a][1], **options) for a in apps
        ),
        tuple(users),
    )


def accept(scene: Scene, *names: str) -> None:
    """These open their invitations, as soon as they have one."""
    scene.run(lambda: all(name in apples(scene) for name in names))
    for name in names:
        apples(scene).accept(name)
