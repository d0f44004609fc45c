"""New versions: in the window of each device, ring after ring, one install for each of them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.policy import Policy, UpdatePolicy
from bridge.domain.updates.rule import UpdateWish
from tests.flow.scene import DAY, HOUR, Scene, rarely

MakeScene = Callable[..., Scene]

BERLIN = "Europe/Berlin"
NIGHT = UpdateWish(window="22:00-05:00", jitter=600.0)


def at(text: str, zone: str = "UTC") -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def policy(**update: Any) -> Policy:
    slow = rarely(service_config_every=6 * HOUR)
    verify = replace(slow.verify, installed_every=365 * DAY)
    device = replace(slow.device, ask_facts_every=None)
    return replace(slow, update=replace(UpdatePolicy(), **update), verify=verify, device=device)


def ipads(make_scene: MakeScene, *, start: str = "2027-01-18 12:00", **world: Any) -> Scene:
    """A scene at noon in UTC, with iPads alone, and one app in version 1.0."""
    usual: dict[str, Any] = {"devices": 3, "apps": 1, "macs": 0.0, "policy": policy()}
    scene = make_scene(**usual | {"start": at(start)} | world)
    for adam_id in scene.adam_ids:
        scene.world.release(adam_id, "1.0", 100)
    return scene


def wish(
    scene: Scene,
    update: UpdateWish | None = NIGHT,
    groups: tuple[Group, ...] = (),
    rings: tuple[Group, ...] = (),
    **options: Any,
) -> Desired:
    everybody = groups or (Group("them", serials=tuple(scene.serials)),)
    return Desired(
        groups=(*everybody, *rings),
        apps=tuple(
            AppWish(
                adam_id,
                tuple(group.name for group in everybody),
                "hq",
                bundle_id=bundle_id,
                update=update,
                **options,
            )
            for adam_id, (bundle_id, _) in scene.world.catalogue.items()
        ),
    )


def there(scene: Scene, desired: Desired) -> Scene:
    """Everything is installed in version 1.0; then version 2.0 appears in the store."""
    scene.apply(desired)
    scene.run(scene.all_installed)
    scene.pass_time(HOUR)
    for device in scene.world.devices:
        device.received.clear()
    return scene


def appears(scene: Scene, version: str = "2.0", external: int = 200, needs: str = "") -> None:
    for adam_id in scene.adam_ids:
        scene.world.release(adam_id, version, external, needs)


def sent(scene: Scene) -> list[tuple[float, str]]:
    """When each InstallApplication reached which device, in order."""
    return sorted(
        (received.at, device.serial_number)
        for device in scene.world.devices
        for received in device.received
        if received.request_type == "InstallApplication"
    )


def versions(scene: Scene) -> dict[str, int]:
    return dict(Counter(d.version(a) for d in scene.world.devices for a in scene.adam_ids))


def clocks(scene: Scene, zone: str = "UTC") -> list[str]:
    """The times of day, at the devices, of all that was sent."""
    return [datetime.fromtimestamp(at, ZoneInfo(zone)).strftime("%H:%M") for at, _ in sent(scene)]


def test_a_new_version_comes_at_night_and_once(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene))
    appears(scene)
    scene.pass_time(3 * DAY)
    assert versions(scene) == {"2.0": 3}
    assert len(sent(scene)) == 3
    assert all(clock >= "22:00" or clock < "04:50" for clock in clocks(scene))
    assert scene.states() == {"installed INSTALLED": 3}


def test_without_a_wish_nothing_is_sent(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene, None))
    appears(scene)
    scene.pass_time(3 * DAY)
    assert versions(scene) == {"1.0": 3}
    assert sent(scene) == []
