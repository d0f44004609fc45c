"""What several flows look at."""

from __future__ import annotations

from collections.abc import Callable

from tests.flow.scene import Scene


def kinds(scene: Scene) -> list[str]:
    """The request types that reached the first device, in their order."""
    return [received.request_type for received in scene.world.devices[0].received]


def installs_sent(scene: Scene) -> int:
    """How many installs reached the first device."""
    return kinds(scene).count("InstallApplication")


def is_in(scene: Scene, state: str) -> Callable[[], bool]:
    """Whether the only install is in this "state REASON"."""
    return lambda: scene.states() == {state: 1}
