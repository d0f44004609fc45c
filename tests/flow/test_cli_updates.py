"""`update` and `plan --updates`: what waits is shown, and sent ahead when somebody says so."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.cli import show
from bridge.domain.desired.desired import Group
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, DAY, HOUR, Scene
from tests.flow.test_updates import NIGHT, appears, ipads, sent, there, versions, wish

MakeScene = Callable[..., Scene]


def waiting(make_scene: MakeScene) -> Scene:
    """Three iPads at noon, one of them a pilot, that wait for a newer version of an app."""
    scene = ipads(make_scene)
    pilots = (Group("pilots", serials=(scene.serials[0],)),)
    there(scene, wish(scene, replace(NIGHT, rings=("pilots",)), rings=pilots))
    appears(scene)
    scene.run(lambda: scene.states() == {"installed UPDATE_WAITS": 3}, limit=DAY)
    return scene


def test_what_waits_is_shown_and_nothing_sent(make_scene: MakeScene) -> None:
    scene = waiting(make_scene)
    shell = Shell(scene)
    first, rest = shell.json("plan", "--updates")["updates"]
    assert (first["ring"], first["devices"], first["version"]) == ("pilots", 1, "2.0")
    assert first["opens_at"].endswith("T22:00:00.000Z")
    assert (rest["ring"], rest["devices"], rest["opens_at"]) == ("the rest", 2, None)
    assert rest["waits_for"] == "after the devices of pilots"
    (tonight,) = shell.json("plan", "--updates", "--tonight")["updates"]
    assert (tonight["ring"], tonight["devices"]) == ("pilots", 1)
    shown = shell.run("plan", "--updates")
    assert shown.exit_code == 0
    assert "3 installs in all. Nothing was sent." in shown.stdout
    assert "22:00-05:00 (UTC)" in shown.stdout
    assert sent(scene) == []
    assert shell.run("plan", "--tonight").exit_code == 2


def test_nothing_waits(make_scene: MakeScene) -> None:
    shell = Shell(ipads(make_scene))
    assert "No device may be sent a new version" in shell.run("plan", "--updates").stdout


def test_now_does_not_wait_for_the_night(make_scene: MakeScene) -> None:
    scene = waiting(make_scene)
    shell = Shell(scene)
    serial = scene.serials[1]
    done = shell.run("update", scene.adam_ids[0], "--now", "--serial", serial, "--yes")
    assert (done.exit_code, done.stderr) == (0, "")
    assert "1 device will be sent the newest version, each at once." in done.stdout
    scene.pass_time(60.0)
    assert [each for _, each in sent(scene)] == [serial]
    scene.pass_time(HOUR)
    assert versions(scene) == {"1.0": 2, "2.0": 1}
    assert scene.install(serial)["reason"] == "INSTALLED"
    (entry,) = scene.bridge.list_audit(action="update").items
    assert "The newest version of an app is wanted on 1 device" in entry["sentence"]


def test_all_go_in_their_window_and_no_ring_is_waited_for(make_scene: MakeScene) -> None:
    scene = waiting(make_scene)
    assert Shell(scene).json("update", scene.adam_ids[0], "--yes") == {"asked": 3}
    scene.pass_time(HOUR)
    assert sent(scene) == []
    scene.pass_time(DAY)
    assert versions(scene) == {"2.0": 3}
    again = Shell(scene).run("update", scene.adam_ids[0], "--yes")
    assert "Nothing to do: no device is known to have an older version" in again.stdout


@pytest.mark.slow
def test_an_app_that_is_never_updated_is_when_somebody_says_so(make_scene: MakeScene) -> None:
    scene = ipads(make_scene)
    there(scene, wish(scene, None))
    appears(scene)
    scene.pass_time(8 * DAY)
    assert versions(scene) == {"1.0": 3}
    assert Shell(scene).json("update", scene.adam_ids[0], "--now", "--yes") == {"asked": 3}
    scene.pass_time(2 * HOUR)
    assert versions(scene) == {"2.0": 3}
    appears(scene, "3.0", 300)
    scene.pass_time(8 * DAY)
    assert versions(scene) == {"2.0": 3}


def test_it_asks_with_the_count(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = waiting(make_scene)
    shell = Shell(scene)
    refused = shell.run("update", scene.adam_ids[0])
    assert refused.exit_code == 2
    assert "say --yes to send the newest version" in refused.stderr
    assert "to 3 devices" in refused.stderr
    monkeypatch.setattr(show, "can_ask", lambda: True)
    no = shell.run("update", scene.adam_ids[0], answer="n\n")
    assert no.exit_code == 1
    assert "to 3 devices, each in its window?" in no.stderr
    assert "nothing was sent" in no.stderr
    assert shell.run("update", scene.adam_ids[0], "--group", "nobody", "--yes").exit_code == 2


def test_by_the_api(make_scene: MakeScene) -> None:
    scene = waiting(make_scene)
    path = f"/v1/apps/{scene.adam_ids[0]}/update"
    asked = scene.client.post(path, json={"now": True}, auth=("bridge", API_KEY))
    assert (asked.status_code, asked.json) == (200, {"asked": 3})
    unknown = scene.client.post(path, json={"group": "nobody"}, auth=("bridge", API_KEY))
    assert unknown.status_code == 404
    scene.pass_time(HOUR)
    assert versions(scene) == {"2.0": 3}
    text = scene.client.get("/metrics").text
    assert f'bridge_outdated{{app="{scene.adam_ids[0]}"}} 0' in text
