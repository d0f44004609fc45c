"""Every reason, produced by the whole bridge, and what `why` then tells a person and a program."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.root import Settings, cli
from bridge.config import Config
from bridge.domain.reasons import REASONS
from tests.flow.reasons import Scenario, load
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]
SCENARIOS = load()


@dataclass(frozen=True)
class OfScene(Settings):
    """The settings of a command on a scene: its database, its policy, its clock."""

    scene_config: Config | None = None

    def config(self) -> Config:
        assert self.scene_config is not None
        return self.scene_config


def why(scene: Scene, serial: str, adam_id: str, *options: str) -> Result:
    settings = OfScene(clock=lambda: scene.world.now, scene_config=scene.config)
    arguments = ["why", serial, adam_id, *options]
    return CliRunner().invoke(cli, arguments, obj=settings, catch_exceptions=False)


@pytest.mark.sweep
@pytest.mark.parametrize("reason", sorted(SCENARIOS))
def test_a_reason_comes_about_and_is_explained(make_scene: MakeScene, reason: str) -> None:
    expected = SCENARIOS[reason]
    scene = expected.play(make_scene)
    install = scene.installs(reason=reason)[0]
    assert install["state"] == expected.state
    assert expected.state in REASONS[reason].states
    if expected.passing:
        check_passing(expected)
        return
    serial = install["serial_number"] or install["enrollment_id"]
    serial = serial or f"user:{install['client_user_id']}"
    adam_id = install["adam_id"]
    told = scene.install(serial, adam_id)
    check(expected, told)
    check_listed(scene, install, told)
    as_json = why(scene, serial, adam_id, "--json")
    shown = why(scene, serial, adam_id)
    assert (as_json.exit_code, shown.exit_code) == (expected.code, expected.code)
    lines = shown.stdout.splitlines()
    assert lines[0] == told["explanation"]["sentence"]
    assert any(line.startswith("Must act") and line.endswith(expected.actor) for line in lines)
    (next_step,) = [line for line in lines if line.startswith("Next")]
    assert expected.next.lower() in next_step.lower()


def check(expected: Scenario, told: Any) -> None:
    """What a program gets."""
    words = told["explanation"]
    assert (told["state"], told["reason"]) == (expected.state, expected.reason)
    assert expected.sentence.lower() in words["sentence"].lower()
    assert words["who_must_act"] == expected.actor
    assert expected.next.lower() in words["next"].lower()
    assert words["needs_someone"] is (expected.code == 1)


def check_listed(scene: Scene, install: Any, told: Any) -> None:
    """The list has the same words, and finds it by whether `why` ends with 1. Its detail is that of
    the last decision: how long a device is silent is told anew when it is asked for."""
    words = ["who_must_act", "needs_someone"]
    if install["detail"] == told["detail"]:  # `why` also says why it is not wanted
        assert told["explanation"]["sentence"].startswith(install["sentence"])
    assert {name: install[name] for name in words} == {n: told["explanation"][n] for n in words}
    pair = {"serial": install["serial_number"], "adam_id": install["adam_id"]}
    for asked in (True, False):
        found = scene.installs(**pair, needs_someone=asked)
        assert found == ([install] if asked is told["explanation"]["needs_someone"] else [])


def check_passing(expected: Scenario) -> None:
    """Of what ends with the next decision only the page of reasons tells."""
    entry = REASONS[expected.reason]
    assert expected.sentence in entry.sentence
    assert (entry.actor, expected.code) == (expected.actor, 0)
    assert expected.next in entry.next
