"""What is promised of installs, held against all that a faulty world makes of them."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.domain.model import INSTALL_STATES
from bridge.domain.reasons import REASONS
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault, demo_faults
from tests.flow.scene import MakeScene, Scene, scenes

MEMBERS = {
    "serial_number",
    "adam_id",
    "pricing_param",
    "location",
    "server",
    "udid",
    "state",
    "reason",
    "detail",
    "wanted_by",
    "attempts",
    "updated_at",
    "next_check_at",
    "client_user_id",
    "app_name",
    "device_name",
    "enrollment_id",
    "version",
    "newest_version",
    "who_must_act",
    "needs_someone",
    "sentence",
}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
INSTALL = "InstallApplication"


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    yield from scenes(tmp_path, devices=3, apps=2)


def check(scene: Scene) -> bool:
    """Hold every install against what is promised; False, so that a run goes on."""
    shown = scene.installs()
    keys = [(item["serial_number"], item["adam_id"]) for item in shown]
    assert keys == sorted(keys)
    for item in shown:
        assert set(item) >= MEMBERS
        assert item["state"] in INSTALL_STATES
        assert item["reason"] in REASONS
        assert item["client_user_id"] is None
        assert TIME.fullmatch(item["updated_at"])
        assert item["next_check_at"] is None or TIME.fullmatch(item["next_check_at"])
        explained = scene.install(item["serial_number"], item["adam_id"])
        now = (explained["state"], explained["reason"])
        assert (item["state"], item["reason"]) == now, "the list and the explanation agree"
        words = explained["explanation"]
        assert words["sentence"].endswith(".") and words["next"].endswith(".")
        assert "None" not in words["sentence"]
        needs_someone = item["state"] in ("failed", "conflict", "needs_user")
        assert words["needs_someone"] or not needs_someone
        assert words["sentence"].startswith(item["sentence"]), "in the list as in the explanation"
        told = {name: item[name] for name in ("who_must_act", "needs_someone")}
        assert told == {name: words[name] for name in told}
        assert told == {name: explained[name] for name in told}
        moments = [step["at"] for step in explained["trail"]]
        assert moments == sorted(moments)
    return False


def watch(scene: Scene, until: Callable[[], bool], limit: float = 7200.0) -> None:
    """Run until then, looking at everything whenever the bridge rests."""
    scene.run(lambda: check(scene) or until(), limit)


@pytest.mark.parametrize("seed", range(3))
def test_the_list_and_the_explanation_agree_whatever_goes_wrong(
    make_scene: MakeScene, seed: int
) -> None:
    scene = make_scene(seed=seed, faults=demo_faults(seed))
    scene.apply()
    watch(scene, scene.all_installed)


@pytest.mark.sweep
@pytest.mark.parametrize(
    "fault",
    [
        Fault("apple.associate", "request_lost"),
        Fault("apple.associate", "error", number=9709),
        Fault("apple.event", "error", number=9709),
        Fault("apple.event", "stuck"),
        Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0),
        Fault("mdm.command", "lose", match=INSTALL, times=2),
        Fault("mdm.command", "reply_lost", match=INSTALL, times=2),
        Fault("mdm.webhook", "drop", match="Installing", times=2),
        Fault("mdm.webhook", "reorder", match="mdm.Connect", times=5),
        Fault("device", "not_now", match=INSTALL, times=3),
        Fault("device", "silent", match=INSTALL, times=2),
    ],
    ids=lambda fault: f"{fault.what} at {fault.where}",
)
def test_they_agree_with_each_fault_alone(make_scene: MakeScene, fault: Fault) -> None:
    scene = make_scene(devices=2, faults=[fault])
    scene.apply(scene.desired(named=True))
    watch(scene, scene.all_installed)


@pytest.mark.parametrize(
    ("deed", "state"),
    [
        (script.error("MCMDMErrorDomain", 12040, times=0), "needs_user"),
        (script.error("MCMDMErrorDomain", 12063, times=0), "needs_user"),
        (script.error("MCMDMErrorDomain", 12025, times=0), "conflict"),
        (script.error("MCMDMErrorDomain", 12031, times=0), "failed"),
        (script.user_rejected(times=0), "needs_user"),
        (script.command_format_error(times=0), "failed"),
    ],
)
def test_ends_that_need_somebody(make_scene: MakeScene, deed: Any, state: str) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.devices[0].script.add(deed)
    scene.apply(scene.desired(named=True))
    watch(scene, lambda: {i["state"] for i in scene.installs()} == {state}, limit=86400)
    why = scene.install()["explanation"]
    assert why["needs_someone"]
    assert why["who_must_act"] != "nobody"


@pytest.mark.parametrize("on_unwanted", ["keep", "release", "remove"])
def test_what_is_no_longer_wanted_ends_removed(make_scene: MakeScene, on_unwanted: str) -> None:
    scene = make_scene(devices=2)
    scene.apply(scene.desired(on_unwanted=on_unwanted))
    watch(scene, scene.all_installed)
    desired = scene.desired(on_unwanted=on_unwanted)
    scene.apply(type(desired)(groups=desired.groups))
    watch(scene, lambda: {i["state"] for i in scene.installs()} == {"removed"})
    assert all(item["wanted_by"] is None for item in scene.installs())
    apps = {app for device in scene.world.devices for app in device.managed_apps}
    assert bool(apps) is (on_unwanted != "remove")
    seats = sum(asset.assigned for asset in scene.world.location.library.assets.values())
    assert seats == (4 if on_unwanted == "keep" else 0)
