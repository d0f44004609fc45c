"""A device whose every answer of a kind has one odd thing in it, for a day.

What it holds up, and how many calls it costs. A Status that nobody knows, and any member of a wrong
type that MicroMDM looks for, makes it refuse the answer and offer the command again and again
(tests/real/test_odd_status.py).
"""

import plistlib
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from bridge.domain.desired.desired import Desired
from tests.flow.scene import DAY, Scene, rarely
from tests.odd_messages import GONE, ODD, Path, put

MakeScene = Callable[..., Scene]

LIST, INSTALL, INFO = "ManagedApplicationList", "InstallApplication", "DeviceInformation"
INSTALLED, REMOVE = "InstalledApplicationList", "RemoveApplication"
FOREIGN = "org.example.foreign"
MORE = 10
"""Outside calls a day that one odd thing may cost."""

A, B = "the first app", "the second app"
PATHS: dict[str, list[Path]] = {
    LIST: [
        (LIST,),
        *((LIST, app) for app in (A, B, FOREIGN)),
        *((LIST, app, key) for app in (A, FOREIGN) for key in ("Status", "ManagementFlags")),
        ("EnrollmentUserID",),
    ],
    INSTALL: [
        *(("Identifier",), ("State",), ("RejectionReason",), ("ErrorChain",)),
        *(("ErrorChain", 0), ("ErrorChain", 0, "ErrorCode"), ("ErrorChain", 0, "ErrorDomain")),
    ],
    INFO: [
        ("QueryResponses",),
        *(("QueryResponses", key) for key in ("SerialNumber", "ProductName", "OSVersion")),
    ],
}
STATUSES = ("Odd", "", "acknowledged", GONE, 5, True, ["x"], {})
CASES = [(kind, path, odd) for kind, paths in PATHS.items() for path in paths for odd in ODD]
CHAIN = {"ErrorDomain": "X", "ErrorCode": 1, "LocalizedDescription": "x"}


def odd_answers(scene: Scene, kind: str, path: Path, odd: Any) -> None:
    """From now on the device's answers of a kind, about the first app, have this in them."""
    bundle_ids = [bundle_id for bundle_id, _ in scene.world.catalogue.values()]
    first, named = bundle_ids[0], dict(zip((A, B), bundle_ids, strict=False))
    real = tuple(named.get(step, step) if isinstance(step, str) else step for step in path)

    def mangle(of: str, answer: bytes) -> bytes:
        message = plistlib.loads(answer)
        if of != kind or (kind == INSTALL and message.get("Identifier") != first):
            return answer
        if kind == LIST:
            message.setdefault(LIST, {})[FOREIGN] = {"Status": "Managed", "ManagementFlags": 1}
        if path[0] == "ErrorChain":
            message |= {"Status": "Error", "ErrorChain": [CHAIN]}
        if path[0] in ("RejectionReason", "UserID", "EnrollmentUserID"):
            message[path[0]] = "x"
        return plistlib.dumps(put(message, real, odd))

    scene.world.devices[0].mangle = mangle


def a_day(make_scene: MakeScene, kind: str, path: Path, odd: Any) -> tuple[Scene, int]:
    """What came of it, and how many calls the bridge made."""
    scene = make_scene(devices=1, apps=2, macs=0.0, policy=rarely())
    scene.pass_time(60)
    odd_answers(scene, kind, path, odd)
    scene.apply(scene.desired(named=True))
    scene.pass_time(DAY)
    return scene, sum(scene.world.ledger.requests.values())


@pytest.fixture(scope="module")
def usual() -> dict[str, int]:
    """The calls of a day on which nothing is odd, once it is known."""
    return {}


def calls_at_most(make_scene: MakeScene, usual: dict[str, int], scene: Scene) -> int:
    """What a device costs that says the same in the usual way: one whose app does not come is
    asked for its apps more often."""
    comes = "ACKNOWLEDGED" not in str(scene.states()) and "INSTALLING" not in str(scene.states())
    name = LIST if comes else "absent"
    if name not in usual:
        path, odd = ((LIST, FOREIGN), GONE) if comes else ((LIST,), {})
        usual[name] = a_day(make_scene, LIST, path, odd)[1]
    return usual[name] + MORE


@pytest.mark.sweep
@pytest.mark.parametrize("number", Random(9).sample(range(len(CASES)), 24))
def test_one_odd_thing_holds_up_its_own_app_and_costs_a_few_calls(
    make_scene: MakeScene, usual: dict[str, int], number: int
) -> None:
    kind, path, odd = CASES[number]
    scene, calls = a_day(make_scene, kind, path, odd)
    said = f"{kind}: {odd!r} at {path}: {scene.states()}"
    assert calls <= calls_at_most(make_scene, usual, scene), said
    if kind == INSTALL or (path[0] == LIST and len(path) > 1 and path[1] != B):
        second = scene.install(adam_id=scene.adam_ids[1])
        assert (second["state"], second["reason"]) == ("installed", "INSTALLED"), said


@pytest.mark.sweep
@pytest.mark.parametrize("status", STATUSES, ids=repr)
@pytest.mark.parametrize("kind", [LIST, INSTALL, INFO])
def test_a_status_that_nobody_knows_costs_a_few_calls(
    make_scene: MakeScene, usual: dict[str, int], kind: str, status: Any
) -> None:
    scene, calls = a_day(make_scene, kind, ("Status",), status)
    assert calls <= calls_at_most(make_scene, usual, scene)
    if kind == INSTALL:
        assert scene.all_installed(), "the list shows what the answer did not"
        assert scene.world.ledger.requests["mdm.command"] <= 5, "it is sent once"


def a_removal(make_scene: MakeScene, status: Any) -> tuple[Scene, int]:
    scene = make_scene(devices=1, apps=1, macs=0.0, policy=rarely())
    scene.apply(scene.desired(on_unwanted="remove"))
    scene.run(scene.all_installed)
    odd_answers(scene, REMOVE, ("Status",), status)
    before = sum(scene.world.ledger.requests.values())
    scene.apply(Desired())
    scene.pass_time(DAY)
    return scene, sum(scene.world.ledger.requests.values()) - before


@pytest.mark.sweep
@pytest.mark.parametrize("status", STATUSES, ids=repr)
def test_a_removal_whose_status_nobody_knows_costs_a_few_calls(
    make_scene: MakeScene, status: Any
) -> None:
    _, usually = a_removal(make_scene, "Acknowledged")
    scene, calls = a_removal(make_scene, status)
    assert calls <= usually + MORE
    assert scene.states() == {"removed REMOVED": 1}, "a list shows that it is gone"


def an_unmanaged(make_scene: MakeScene, status: Any) -> tuple[Scene, int]:
    scene = make_scene(devices=1, apps=1, macs=1.0, policy=rarely())
    scene.pass_time(60)
    odd_answers(scene, INSTALLED, ("Status",), status)
    scene.apply(scene.desired(named=True, managed=False))
    scene.pass_time(DAY)
    return scene, sum(scene.world.ledger.requests.values())


@pytest.mark.sweep
@pytest.mark.parametrize("status", STATUSES, ids=repr)
def test_a_list_of_installed_apps_whose_status_nobody_knows_costs_a_few_calls(
    make_scene: MakeScene, status: Any
) -> None:
    _, usually = an_unmanaged(make_scene, "Acknowledged")
    scene, calls = an_unmanaged(make_scene, status)
    assert calls <= usually + MORE
    assert scene.states().keys().isdisjoint({"installed INSTALLED"})
