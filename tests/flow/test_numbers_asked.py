"""Numbers that a person or a program asks with: beyond all bounds, one clear sentence each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, MakeScene, Scene

BEYOND = (
    "9223372036854775808",
    "9" * 30,
    "9" * 400,
    "9" * 5000,
    "1e999",
    "nan",
    "inf",
    "-1",
    "1.5",
)
APP = "361309726"


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    scene = Scene(tmp_path_factory.mktemp("numbers"), devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    yield scene
    scene.bridge.close()


def told(answer: Any) -> str:
    """The sentence of a refusal."""
    sentence: str = answer.json["error"]
    return sentence


COMMANDS = (
    *(("events", "replay"), ("outbox", "retry")),
    *(("devices", "--limit"), ("assets", "--limit"), ("events", "--limit"), ("outbox", "--limit")),
    *(("apply", "--yes", "--limit"), ("apply", "--yes", "--allow-removals")),
)


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
@pytest.mark.parametrize("number", BEYOND, ids=lambda number: number[:24])
def test_a_command(scene: Scene, command: tuple[str, ...], number: str) -> None:
    result = Shell(scene).run(*command, number)
    if (
        command[-1] == "--limit"
        and command[0] != "apply"
        and number.isdigit()
        and len(number) < 5000
    ):
        assert result.exit_code == 0, "there are not so many"
        return
    assert (result.exit_code, result.stdout) == (2, ""), result.output
    assert len(result.stderr.splitlines()) == 1


def test_a_count_that_fits_is_taken(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    assert shell.run("apply", "--yes", "--limit", "1000000000").exit_code == 0


@pytest.mark.parametrize("path", ["installs", "devices", "assets", "events", "outbox"])
@pytest.mark.parametrize("name", ["limit", "cursor"])
@pytest.mark.parametrize("number", [*BEYOND, "\u0663", " 5", "+5", "5_0"], ids=lambda n: n[:24])
def test_a_list(scene: Scene, path: str, name: str, number: str) -> None:
    answer = scene.client.get(f"/v1/{path}", query_string={name: number}, auth=("bridge", API_KEY))
    assert answer.status_code in (400, 422), answer.data
    assert told(answer).endswith(".") and len(told(answer)) < 200


@pytest.mark.parametrize("path", ["events/{}/replay", "outbox/{}/retry"])
@pytest.mark.parametrize("number", BEYOND, ids=lambda number: number[:24])
def test_a_path(scene: Scene, path: str, number: str) -> None:
    answer = scene.client.post(f"/v1/{path.format(number)}", auth=("bridge", API_KEY))
    assert answer.status_code in (400, 404, 422), answer.data
    assert len(told(answer)) < 200


@pytest.mark.parametrize("member", ["limit", "allow_removals"])
@pytest.mark.parametrize("number", [*BEYOND[:5], "NaN", "Infinity", "-1", "1.5", "1e300", '"5"'])
def test_a_body(scene: Scene, member: str, number: str) -> None:
    desired = {"groups": {"them": {"all": True}}, "apps": [{"adam_id": APP, "groups": ["them"]}]}
    text = json.dumps(desired)[:-1] + f', "{member}": {number}}}'
    answer = scene.client.post(
        "/v1/apply", data=text, content_type="application/json", auth=("bridge", API_KEY)
    )
    assert answer.status_code in (400, 422), answer.data
    assert told(answer).endswith(".") and len(told(answer)) < 200
