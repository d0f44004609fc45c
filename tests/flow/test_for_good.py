"""Licences that Apple never takes back: plan says so, and apply wants a word for each of them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    """Three devices and two apps, the second of which is for good."""
    scene = make_scene(devices=3, apps=2, seats=10)
    library = scene.world.location.library
    library.add(replace(library.assets[scene.adam_ids[1], "STDQ"], revocable=False))
    return Shell(scene)


def post(shell: Shell, path: str, **more: Any) -> tuple[int, Mapping[str, Any]]:
    scene = shell.scene
    app: dict[str, Any] = {"adam_id": scene.adam_ids[1], "groups": ["g"]}
    body = {"groups": {"g": {"serials": scene.serials}}, "apps": [app | more.pop("app", {})]}
    answer = scene.client.post(path, json=body | more, auth=("bridge", API_KEY))
    return answer.status_code, json.loads(answer.data)


def test_plan_says_for_good_and_apply_wants_a_word_for_each_licence(shell: Shell) -> None:
    app = shell.scene.adam_ids[1]
    told = shell.run("plan")
    assert told.exit_code == 0
    assert f"({app}): 3 licences for good; Apple never takes them back." in told.stdout
    as_json = shell.json("plan")
    assert as_json["for_good"] == 3
    assert [each["for_good"] for each in as_json["seats"]] == [0, 3]
    refused = shell.run("apply", "--yes")
    assert (refused.exit_code, refused.stderr) == (
        2,
        "nothing was stored: it would ask for 3 licences for good (Apple never takes them back), "
        "but for none without --allow-irrevocable 3\n",
    )
    assert not shell.scene.installs()
    assert shell.run("apply", "--yes", "--allow-irrevocable", "2").exit_code == 2
    assert shell.run("apply", "--yes", "--allow-irrevocable", "3").exit_code == 0
    shell.scene.run(shell.scene.all_installed)


def test_what_was_allowed_needs_no_word_again(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials[:2])
    assert shell.run("apply", "--yes", "--allow-irrevocable", "2").exit_code == 0
    assert shell.run("apply", "--yes").exit_code == 0, "before anything was asked for"
    scene.run(scene.all_installed)
    assert shell.json("plan")["for_good"] == 0
    shell.want(scene.serials)
    refused = shell.run("apply", "--yes")
    assert "1 licence for good (Apple never takes it back)" in refused.stderr
    assert refused.stderr.endswith("--allow-irrevocable 1\n")


def test_giving_back_what_is_for_good_is_a_mistake_in_the_file(shell: Shell) -> None:
    scene = shell.scene
    for way in ("release", "remove"):
        shell.want(scene.serials, on_unwanted=way)
        line = len(shell.config.read_text().splitlines())
        for command in ("plan", "apply"):
            result = shell.run(command)
            assert (result.exit_code, result.stderr) == (
                2,
                f'{shell.config}:{line}: apps.1.on_unwanted: "{way}" cannot be: Apple takes no '
                f"licence of {scene.adam_ids[1]} back (it is not revocable); write keep, or leave "
                "the key out\n",
            )
    assert not scene.installs()


def test_the_api_refuses_both_by_the_member(shell: Shell) -> None:
    assert shell.run("sync", "assets").exit_code == 0
    status, told = post(shell, "/v1/apply")
    assert status == 409
    assert told["error"].endswith('but for none without "allow_irrevocable": 3.')
    for path in ("/v1/plan", "/v1/apply"):
        status, told = post(shell, path, app={"on_unwanted": "release"})
        assert status == 422
        assert 'cannot be wanted: apps.0.on_unwanted: "release" cannot be' in told["error"]
    assert post(shell, "/v1/plan")[1]["for_good"] == 3
    assert post(shell, "/v1/apply", allow_irrevocable=3) == (200, {
        "added": 3, "removed": 0, "changed": 0, "unchanged": 0, "let_go": 0, "held_back": 0,
    })  # fmt: skip
