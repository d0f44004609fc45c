"""A scene for every reason: how the whole bridge comes to it, and what it then tells.

A new reason needs a scene here; tests/unit/test_reason_scenes.py fails without one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from bridge.domain.reasons import Actor
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]
Play = Callable[[MakeScene], Scene]


@dataclass(frozen=True)
class Scenario:
    """`play` brings a scene to where an install has the reason.

    Then `why` says `sentence` in its sentence and `next` in its next step (words of each), names
    `actor`, and exits with `code`. A reason that ends with the next decision is only seen in the
    list (`passing`): it is what was decided last, while `why` tells what would be decided now.
    """

    reason: str
    state: str
    sentence: str
    actor: Actor
    next: str
    code: int
    passing: bool
    play: Play


SCENARIOS: dict[str, Scenario] = {}


def scenario(
    reason: str,
    state: str,
    sentence: str,
    actor: Actor,
    *,
    next: str,
    code: int,
    passing: bool = False,
) -> Callable[[Play], Play]:
    """Registers the function below as the scene of a reason."""

    def register(play: Play) -> Play:
        assert reason not in SCENARIOS, f"{reason} has a scene already"
        SCENARIOS[reason] = Scenario(reason, state, sentence, actor, next, code, passing, play)
        return play

    return register


def catch(scene: Scene, reason: str, limit: float = 3600.0) -> Scene:
    """Let time pass, and look after every step of the engine whether an install is there."""
    deadline = scene.world.now + limit
    while not scene.installs(reason=reason):
        if scene.engine.run_once():
            continue
        due = [t for t in (scene.world.kernel.next_due(), scene.engine.next_due()) if t]
        at = max(min(due, default=deadline), scene.world.now + 0.001)
        assert at < deadline, f"{reason} did not come: {scene.states()}"
        scene.world.kernel.advance(at)
    return scene


def load() -> dict[str, Scenario]:
    """All scenes, by reason."""
    for room in (
        "answers",
        "declaration",
        "device",
        "licence",
        "reclaim",
        "location",
        "removal",
        "settings",
        "update",
        "user",
        "wish",
    ):
        import_module(f"{__name__}.{room}")
    return SCENARIOS
