"""Apps that declarations manage: recognised by the device's declarative status, and left alone."""

from __future__ import annotations

from typing import Any, Literal

import pytest

from bridge.domain.catalogue.declared import DECLARED_REASONS
from bridge.domain.desired.desired import Desired
from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.faults import Fault
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.store import events
from tests.flow.cli_kit import Shell
from tests.flow.kit import kinds
from tests.flow.scene import DAY, MakeScene, Scene, rarely

INSTALL, REMOVE = "InstallApplication", "RemoveApplication"
MANAGED = {"installed MANAGED_BY_DECLARATION": 1}
MINUTE, HOUR = 60.0, 3600.0


def beside_nano(
    make_scene: MakeScene, kind: Literal["nanomdm", "nanohub"] = "nanomdm", **world: Any
) -> Scene:
    mdm = MdmSettings(kind=kind)
    settings = {"devices": 1, "apps": 1, "macs": 0, "mdm": mdm, "policy": rarely()}
    return make_scene(**settings | world)


def findings(scene: Scene) -> list[str]:
    lines = Shell(scene).run("doctor").stdout.splitlines()
    return [line for line in lines if " declarations: " in line]


def device_of(scene: Scene) -> Device:
    return scene.world.devices[0]


def posts(scene: Scene) -> int:
    return sum(len(each) for each in scene.world.ledger.installs_posted.values())


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["nanomdm", "nanohub"])
def test_an_app_that_a_declaration_manages_is_installed_and_nothing_is_sent(
    make_scene: MakeScene, kind: Literal["nanomdm", "nanohub"]
) -> None:
    scene = beside_nano(make_scene, kind)
    device_of(scene).declare(scene.adam_ids[0])
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == MANAGED)
    scene.pass_time(30 * DAY)
    assert scene.states() == MANAGED
    assert posts(scene) == 0
    evidence = {e["what"]: e["value"] for e in scene.install()["explanation"]["evidence"]}
    assert evidence["its declarative status"].startswith("managed, by declaration app-")
    assert findings(scene) == []


@pytest.mark.slow
def test_one_finding_and_no_further_install_for_a_month(make_scene: MakeScene) -> None:
    """It lists nothing, answers InstallApplication with an error, and its status has the app."""
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0], tell=False)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states().get("licensed RETRY_LATER") == 1)
    assert kinds(scene).count(INSTALL) == 1
    device_of(scene).declare(scene.adam_ids[0])
    scene.run(lambda: scene.states() == MANAGED)
    for _ in range(30):
        scene.pass_time(DAY)
        device_of(scene).connect()
    assert scene.states() == MANAGED
    assert posts(scene) == kinds(scene).count(INSTALL) == 1
    (finding,) = findings(scene)
    assert "DECLARED_AND_REFUSED" in finding and scene.serials[0] in finding
    assert "its list of managed apps leaves it out" in finding
    (shown,) = [
        line for line in Shell(scene).run("status").stdout.splitlines() if "DECLARED_AND" in line
    ]
    assert "vpp-bridge doctor" in shown
    told = {e["what"]: e["value"] for e in scene.install()["explanation"]["evidence"]}
    assert told["contradiction"].startswith("DECLARED_AND_REFUSED: ")


def test_an_attempt_in_doubt_is_not_posted_again(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    scene.world.faults.add(Fault("mdm.command", "request_lost", match=INSTALL))
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.world.ledger.requests["mdm.command"] >= 2)
    device_of(scene).declare(scene.adam_ids[0])
    scene.run(lambda: scene.states() == MANAGED)
    scene.pass_time(DAY)
    assert kinds(scene).count(INSTALL) == 0
    assert scene.states() == MANAGED


def test_an_app_that_goes_over_to_a_declaration_is_not_taken_for_removed(
    make_scene: MakeScene,
) -> None:
    scene = beside_nano(make_scene)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    device_of(scene).declare(scene.adam_ids[0])
    scene.run(lambda: scene.states() == MANAGED)
    Shell(scene).run("retry", "--serial", scene.serials[0])
    scene.pass_time(15 * DAY)
    assert scene.states() == MANAGED
    assert kinds(scene).count(INSTALL) == 1


def test_where_the_declaration_ends_a_list_decides(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0])
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == MANAGED)
    before = kinds(scene).count("ManagedApplicationList")
    scene.pass_time(MINUTE)
    device_of(scene).end_declaration(scene.adam_ids[0])
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    asked = kinds(scene)[: kinds(scene).index(INSTALL)]
    assert asked.count("ManagedApplicationList") == before + 1
    assert kinds(scene).count(INSTALL) == 1


@pytest.mark.parametrize("on_unwanted", ["release", "remove"])
def test_what_a_declaration_manages_is_not_taken_away(
    make_scene: MakeScene, on_unwanted: str
) -> None:
    scene = beside_nano(make_scene)
    scene.apply(scene.desired(named=True, on_unwanted=on_unwanted))
    scene.run(scene.all_installed)
    device_of(scene).declare(scene.adam_ids[0])
    scene.run(lambda: scene.states() == MANAGED)
    scene.apply(Desired())
    scene.run(lambda: scene.states() == {"removed KEPT": 1})
    scene.pass_time(3 * DAY)
    assert scene.install()["detail"] == "a declaration manages it"
    assert "a declaration manages it" in scene.install()["explanation"]["sentence"]
    assert len(scene.world.location.library.assignments) == 1
    assert REMOVE not in kinds(scene)
    device_of(scene).end_declaration(scene.adam_ids[0])
    ends = {"release": "RELEASED", "remove": "NOTHING_REMOVED"}
    scene.run(lambda: scene.states() == {f"removed {ends[on_unwanted]}": 1}, DAY)
    assert len(scene.world.location.library.assignments) == 0


@pytest.mark.parametrize("code", sorted(DECLARED_REASONS))
def test_why_says_who_acts_and_what_to_do_for_each_code(make_scene: MakeScene, code: str) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0], "failed", code)
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == {"failed DECLARATION_FAILED": 1})
    told, known = scene.install()["explanation"], DECLARED_REASONS[code]
    assert f"{known.cause} ({code})" in told["sentence"]
    assert told["who_must_act"] == known.actor
    assert told["next"].lower().startswith(known.next.lower())
    assert posts(scene) == 0


def test_reports_that_overtake_each_other_end_with_the_newest(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    first = Fault("mdm.webhook", "reorder", match="mdm.DeclarativeManagement", delay=60.0)
    scene.world.faults.add(first)
    device_of(scene).declare(scene.adam_ids[0], "downloading")
    scene.pass_time(5)
    device_of(scene).declare(scene.adam_ids[0], "managed")
    scene.pass_time(2 * MINUTE)
    assert scene.states() == MANAGED


def test_the_same_report_again_decides_nothing(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0])
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == MANAGED)
    before = scene.install()["updated_at"]
    scene.pass_time(MINUTE)
    device_of(scene).declare(scene.adam_ids[0])
    scene.pass_time(MINUTE)
    assert scene.install()["updated_at"] == before
    outcomes = [each["outcome"] for each in scene.bridge.list_events().items]
    assert "a declarative status of 1 apps, 0 of them with news" in outcomes


def test_an_enrolment_makes_the_status_old(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0])
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == MANAGED)
    device_of(scene).reenrol(erased=True)
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1})
    assert kinds(scene).count(INSTALL) == 1


def test_a_list_that_has_the_app_too_is_a_finding(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    bundle_id = scene.world.catalogue[scene.adam_ids[0]][0]
    told = {"app": {"managed": {"list": [{"identifier": bundle_id, "state": "managed"}]}}}
    device_of(scene).report_status(told)
    scene.pass_time(8 * DAY)
    assert scene.states() == {"installed INSTALLED": 1}
    (finding,) = findings(scene)
    assert "LISTED_AND_DECLARED" in finding


def test_a_licence_that_the_device_does_not_see_is_a_finding(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0], "failed", "Error.LicenseNotFound")
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == {"failed DECLARATION_FAILED": 1})
    (finding,) = findings(scene)
    assert "LICENSED_AND_NOT_FOUND" in finding


def test_an_app_without_a_licence_is_a_finding(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    device_of(scene).declare(scene.adam_ids[0])
    scene.apply(scene.desired(named=True))
    scene.run(lambda: scene.states() == MANAGED)
    scene.world.apple.portal(
        scene.world.location, "DISASSOCIATE", scene.adam_ids[0], [scene.serials[0]]
    )
    scene.run(lambda: scene.states() != MANAGED)
    (finding,) = findings(scene)
    assert "DECLARED_WITHOUT_LICENCE" in finding


def test_what_else_a_status_says_is_not_kept(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    items = {
        "passcode": {"is-compliant": "secret-1"},
        "account": {"list": {"mail": [{"identifier": "secret-2"}]}},
        "app": {"managed": {"list": [{"identifier": "a.b", "state": "managed", "x": "secret-3"}]}},
    }
    device_of(scene).report_status(items)
    scene.pass_time(MINUTE)
    with scene.bridge.database.read() as db:
        ids = [row[0] for row in db.execute("SELECT id FROM events")]
        kept = " ".join(event.body.decode() for i in ids if (event := events.get(db, i)))
    assert '"a.b"' in kept
    assert "secret" not in kept


def test_a_status_that_cannot_be_read_changes_nothing(make_scene: MakeScene) -> None:
    scene = beside_nano(make_scene)
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)
    device = device_of(scene)
    device.transport.checkin(device, templates.declarative_status(device, b"{no json"))
    scene.pass_time(MINUTE)
    outcomes = [each["outcome"] for each in scene.bridge.list_events().items]
    assert "a declarative status that cannot be read: The message is not JSON." in outcomes
    assert scene.states() == {"installed INSTALLED": 1}
