"""What the API advises is what the API takes: no option of a command."""

import base64
import re
from collections.abc import Callable
from typing import Any

import pytest

from bridge.web import create_app
from tests.flow.scene import API_KEY, Scene

MakeScene = Callable[..., Scene]

KEY = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}
OPTION = re.compile(r"(?<!\S)--[a-z]")


class Api:
    """A client that looks at every answer for what only the command line understands."""

    def __init__(self, scene: Scene) -> None:
        self.client = create_app(scene.bridge).test_client()

    def __call__(self, method: str, path: str, body: Any = None, status: int = 200) -> Any:
        response = self.client.open(path, method=method, json=body, headers=KEY)
        assert response.status_code == status, response.text
        assert OPTION.search(response.text) is None, response.text
        return response.get_json()

    def follow(self, advice: str) -> Any:
        """Do what a sentence advises, which names a method, a path and a body."""
        found = re.search(r"(POST) (/v1/\w+) with (\{.+?\})", advice)
        assert found is not None, advice
        method, path, body = found.groups()
        response = self.client.open(
            path, method=method, data=body, content_type="application/json", headers=KEY
        )
        assert response.status_code == 200, response.text
        return response.get_json()


@pytest.mark.parametrize("scope", ["all", "app", "location", "serial"])
def test_a_pause_is_ended_as_its_sentence_says(make_scene: MakeScene, scope: str) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply()
    scene.run(lambda: bool(scene.states()))
    api = Api(scene)
    names = {"app": scene.adam_ids[0], "location": "hq", "serial": scene.serials[0]}
    (pause,) = api("POST", "/v1/pause", {scope: names.get(scope, True)})["pauses"]
    scene.settle()
    pair = f"/v1/installs/{scene.serials[0]}/{scene.adam_ids[0]}"
    (known,) = (
        each for each in api("GET", pair)["explanation"]["evidence"] if each["what"] == "paused"
    )
    assert known["value"] == pause["sentence"][0].lower() + pause["sentence"][1:-1]
    for name in ("installs", "outbox", "commands", "locations", "events"):
        assert api("GET", f"/v1/{name}")[name] is not None
    assert api("PUT", pair, {"location": "hq"}, 201)["serial_number"] == scene.serials[0]
    assert api.follow(known["value"]) == {"resumed": True, "pauses": []}


def test_more_removals_are_asked_for_as_the_refusal_says(make_scene: MakeScene) -> None:
    scene = make_scene(devices=12, apps=1)
    scene.apply()
    scene.run(lambda: bool(scene.states()))
    api = Api(scene)
    empty: dict[str, Any] = {"groups": {}, "apps": []}
    said = api("POST", "/v1/apply", empty, 409)["error"]
    assert said == (
        "Nothing was stored: it would remove 12 of 12 installs, but no more than 10 without "
        '"allow_removals": 12.'
    )
    assert api("POST", "/v1/plan", empty)["removed"] == 12
    assert api("POST", "/v1/apply", empty | {"allow_removals": 12})["removed"] == 12


def test_what_is_held_back_goes_without_a_limit(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    api = Api(scene)
    app = {"adam_id": scene.adam_ids[0], "groups": ["them"]}
    desired = {"groups": {"them": {"serials": scene.serials}}, "apps": [app]}
    assert api("POST", "/v1/apply", desired | {"limit": 1})["held_back"] == 1
    scene.run(lambda: any("HELD_BACK" in state for state in scene.states()))
    (held,) = api("GET", "/v1/installs?reason=HELD_BACK")["installs"]
    shown = api("GET", f"/v1/installs/{held['serial_number']}/{held['adam_id']}")
    assert "without a limit" in shown["explanation"]["next"]
    assert api("POST", "/v1/apply", desired)["let_go"] == 1


@pytest.mark.parametrize("scope", ["all", "app", "location", "serial"])
def test_who_reads_a_probe_or_the_log_is_told_both_ways_to_end_a_pause(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, scope: str
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: bool(scene.states()))
    api = Api(scene)
    names = {"app": scene.adam_ids[0], "location": "hq", "serial": scene.serials[0]}
    with caplog.at_level("WARNING"):
        api("POST", "/v1/pause", {scope: names.get(scope, True)})
        scene.settle()
    command = f"vpp-bridge resume --{scope} {names.get(scope, '')}".rstrip()
    (probed,) = (
        part["detail"]
        for part in scene.client.get("/readyz").get_json()["parts"]
        if part["name"].startswith("pause ")
    )
    (logged,) = (line for line in caplog.messages if " is paused since " in line)
    for told in (probed, logged):
        assert f"; {command}, or POST /v1/resume with {{" in told
        assert told.endswith(", ends it")
    assert api.follow(probed) == {"resumed": True, "pauses": []}
