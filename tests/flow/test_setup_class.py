"""A class of devices that come into Setup Assistant together."""

from dataclasses import replace

import pytest

from bridge.domain.policy import Policy
from tests.flow.scene import MakeScene, rarely
from tests.flow.test_setup import DEADLINE, EARLY, MINUTE, all_licensed, class_of, sent

pytestmark = pytest.mark.slow

CLASS, APPS = 200, 6


@pytest.mark.parametrize("early", [True, False], ids=["licensed before", "licensed there"])
def test_a_class_of_200_waits_for_nothing_but_its_apps(make_scene: MakeScene, early: bool) -> None:
    associate = EARLY.associate if early else Policy().associate
    policy = replace(rarely(), associate=associate)
    scene = class_of(
        make_scene,
        devices=CLASS + 20,
        apps=APPS,
        licensed=False,
        policy=policy,
        traits={"tells_release": False, "supervised": True},
    )
    others = scene.world.devices[CLASS:]
    for device in others:
        device.awaits_configuration = False
        device.enrol()
    if early:
        scene.run(lambda: all_licensed(scene), DEADLINE)
        scene.pass_time(MINUTE)
    asked = scene.world.ledger.requests["apple.associate"]
    began = scene.world.now
    pupils = scene.world.devices[:CLASS]
    for device in pupils:
        device.enrol()
    scene.run(lambda: not any(device.setup.awaits for device in pupils), 2 * DEADLINE)
    for device in pupils:
        installs = [r.adam_id for r in device.received if r.adam_id]
        assert len(set(installs)) == len(installs) == APPS, "each reaches it once"
        (out_at,) = sent(device, "DeviceConfigured")
        there_at = max(install.at for install in device.installs) + 1.5 * device.install_time
        assert out_at <= max(there_at + 2 * MINUTE, began + MINUTE)
        assert out_at < began + DEADLINE
    requests = scene.world.ledger.requests["apple.associate"] - asked
    assert requests <= (0 if early else 2), "200 devices and 6 apps fit into one request"
    scene.run(scene.all_installed, 3600.0)
    assert scene.world.ledger.violations() == []
