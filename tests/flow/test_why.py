"""`why`: what is told of an app that is there, and of one that is on its way."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from bridge.simulator.faults import Fault
from bridge.store import events
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


def steps(scene: Scene) -> list[str]:
    return [step["step"] for step in scene.install()["trail"]]


def step(scene: Scene, begin: str) -> Mapping[str, Any]:
    """The only step that begins so."""
    (found,) = [each for each in scene.install()["trail"] if each["step"].startswith(begin)]
    assert isinstance(found, dict)
    return found


def test_how_long_each_step_took(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply()
    wished_at = scene.world.now
    scene.run(scene.all_installed)
    took = scene.install()["explanation"]["took"]
    assert [each["step"] for each in took] == [
        "Apple was asked for the licence",
        "Apple confirmed it, told by notification",
        "the command went to the MDM server",
        "the device acknowledged it",
        "the device listed the app as Managed",
    ]
    whole = sum(each["took_s"] for each in took)
    assert whole == pytest.approx(scene.world.now - wished_at, abs=0.01)
    assert took[0]["took_s"] >= scene.config.policy.associate.collect_for
    result = Shell(scene).run("why", scene.serials[0], scene.adam_ids[0])
    assert result.exit_code == 0
    assert "How long it took" in result.stdout
    assert "in all, since it was wished for" in result.stdout


def test_an_app_that_was_there_took_no_licence_and_no_command(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    scene.bridge.close()
    scene.config.database.unlink()
    scene.config.database.with_name("bridge.db.open").unlink()
    scene.world.location.client = type(scene.world.location.client)()
    scene.start()
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    took = scene.install()["explanation"]["took"]
    assert [each["step"] for each in took] == ["the device listed the app as Managed"]


def test_the_trail_leads_from_the_wish_to_the_list(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.apply()
    scene.run(scene.all_installed)
    found = steps(scene)
    order = [
        "wished for",
        "asked Apple for the licence",
        "ASSET_MANAGEMENT: event of ours: 1 confirmed",
        "licence confirmed, told by notification; the status was not asked for",
        "attempt 1 decided",
        "posted to main",
        "mdm.Connect: InstallApplication: Acknowledged",
        "a list from the device showed it Managed",
    ]
    assert [each for each in found if each in order] == order
    asked, told = step(scene, "asked Apple"), step(scene, "ASSET_MANAGEMENT")
    assert asked["apple_event_id"] == told["apple_event_id"]
    shell = Shell(scene)
    (row,) = shell.json("outbox", "--kind", "associate")["outbox"]
    assert asked["outbox"] == row["id"]
    (event,) = shell.json("events", "--topic", "ASSET_MANAGEMENT")["events"]
    assert told["event"] == event["id"]
    shown = shell.run("why", scene.serials[0], scene.adam_ids[0]).stdout
    assert f"outbox {row['id']}, Apple's event {asked['apple_event_id']}" in shown
    assert f"event {event['id']}, Apple's event {asked['apple_event_id']}" in shown


def test_who_told_first_and_by_how_much(make_scene: MakeScene) -> None:
    late = Fault("apple.notification", "delay", match="ASSET_MANAGEMENT", delay=50.0)
    scene = make_scene(devices=1, apps=1, macs=0, faults=[late])
    scene.apply()
    scene.run(scene.all_installed)
    told = "licence confirmed, told by status"
    assert step(scene, told)["step"] == f"{told}; no notification has come"
    scene.pass_time(60)
    assert step(scene, told)["step"].endswith(" s before the notification")


def test_a_notification_that_comes_after_a_status(make_scene: MakeScene) -> None:
    slow = Fault("apple.event", "delay", delay=40.0)
    scene = make_scene(devices=1, apps=1, macs=0, faults=[slow])
    scene.apply()
    scene.run(scene.all_installed)
    assert step(scene, "licence confirmed")["step"].endswith(" s after the last status")


def test_notifications_about_other_devices_are_left_out(make_scene: MakeScene) -> None:
    scene = make_scene(devices=150, apps=1, macs=0)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: scene.states() == {"licensed LICENSED": 150})
    asked = step(scene, "asked Apple for the licence")
    with scene.bridge.database.read() as db:
        assert len(events.by_apple_event(db, "hq", asked["apple_event_id"])) == 2
    step(scene, "ASSET_MANAGEMENT")


@pytest.mark.parametrize("reason", ["ASSOCIATE_REQUESTED", "COMMAND_SENT", "ACKNOWLEDGED"])
def test_it_says_when_something_happens_next(make_scene: MakeScene, reason: str) -> None:
    scene = make_scene(devices=1, apps=1, macs=0)
    shell = Shell(scene)
    scene.apply()
    scene.run(lambda: scene.install()["reason"] == reason)
    told = shell.json("why", scene.serials[0], scene.adam_ids[0])["explanation"]
    assert told["next_at"] is not None
    shown = shell.run("why", scene.serials[0], scene.adam_ids[0]).stdout
    (when,) = [line for line in shown.splitlines() if line.startswith("When")]
    assert ", in " in when or when.endswith(", now")
