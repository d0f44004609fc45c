"""Pages of Apple's that name another page than the next: the list is not taken as whole."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import DAY, MakeScene, Scene, rarely

HOUR = 3600.0
AT = 2
"""The index of the page that names another."""
NEXT = {"jumps": 7, "goes back": 0, "repeats": AT, "is no number": "x", "is beyond all": 10**30}


def names(where: str, following: object, **members: object) -> Fault:
    """The third page of a list names `following` as the next one."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        document.update({"nextPageIndex": following} | members)
        return {key: value for key, value in document.items() if value is not None}

    return Fault(where, "odd", times=0, match=f"{where[6:]}?pageIndex={AT} ", edit=edit)


def hidden(where: str) -> Fault:
    """The page after it does not show its row, as where the list is cut differently."""

    def edit(document: dict[str, Any]) -> dict[str, Any]:
        return document | {where[6:]: []}

    return Fault(where, "odd", times=0, match=f"{where[6:]}?pageIndex={AT + 1} ", edit=edit)


def said(scene: Scene, caplog: pytest.LogCaptureFixture) -> str:
    """All that the log says, with the errors beside it, and status."""
    status = " ".join(Shell(scene).run("status").output.split())
    told = [f"{each.getMessage()} {vars(each).get('error', '')}" for each in caplog.records]
    return "\n".join([*told, status])


@pytest.fixture(autouse=True)
def all_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)


@pytest.mark.sweep
@pytest.mark.parametrize("counted", [True, False], ids=["with totalPages", "without"])
@pytest.mark.parametrize("following", NEXT.values(), ids=NEXT)
def test_no_licence_is_taken_for_gone(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, following: object, counted: bool
) -> None:
    scene = make_scene(devices=3, apps=2, policy=rarely(assignments_every=HOUR))
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    asked = scene.world.ledger.requests["apple.associate"]
    scene.world.apple.settings.page_size = 1
    where = "apple.assignments"
    total = {} if counted else {"totalPages": None}
    scene.world.faults.add(names(where, following, **total))
    scene.world.faults.add(hidden(where))
    scene.pass_time(6 * HOUR)
    assert scene.world.faults.total >= 2
    assert scene.all_installed(), scene.states()
    assert scene.world.ledger.requests["apple.associate"] == asked
    with scene.bridge.database.read() as db:
        assert db.execute("SELECT count(*) FROM assignments").fetchone()[0] == 6
    notice = "page 3 names page" if counted else "do not come to an end"
    assert notice in said(scene, caplog)


@pytest.mark.parametrize("counted", [True, False], ids=["with totalPages", "without"])
def test_no_licence_is_asked_for_that_may_be_held(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, counted: bool
) -> None:
    """Somebody gave all licences out before; the list hides one of them."""
    total = {} if counted else {"totalPages": None}
    where = "apple.assignments"
    faults = [names(where, 7, **total), hidden(where)]
    scene = make_scene(devices=3, apps=2, faults=faults, policy=rarely(assignments_every=DAY))
    scene.world.apple.settings.page_size = 1
    for adam_id in scene.adam_ids:
        scene.world.apple.portal(scene.world.location, "ASSOCIATE", adam_id, scene.serials)
    scene.apply()
    scene.pass_time(HOUR)
    assert scene.world.faults.total >= 1
    assert scene.world.ledger.requests["apple.associate"] == 0
    assert not scene.world.ledger.violations()
    notice = "page 3 names page 8" if counted else "do not come to an end"
    assert notice in said(scene, caplog)


@pytest.mark.parametrize("counted", [True, False], ids=["with totalPages", "without"])
def test_no_app_is_taken_for_one_that_nobody_owns(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, counted: bool
) -> None:
    total = {} if counted else {"totalPages": None}
    where = "apple.assets"
    faults = [names(where, 7, **total), hidden(where)]
    scene = make_scene(devices=1, apps=5, faults=faults, policy=rarely())
    scene.world.apple.settings.page_size = 1
    scene.apply()
    scene.pass_time(HOUR)
    assert scene.world.faults.total >= 1
    assert "NOT_OWNED" not in str(scene.states())
    why = [Shell(scene).run("why", scene.serials[0], adam_id) for adam_id in scene.adam_ids]
    held_up = [" ".join(each.output.split()) for each in why if each.exit_code]
    notice = "page 3 names page 8" if counted else "do not come to an end"
    assert notice in said(scene, caplog) and any(notice in each for each in held_up), held_up
    assert len(held_up) == (1 if counted else 5)
