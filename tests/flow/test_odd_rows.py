"""Rows of Apple's lists that cannot be read: left out, named, and no other is held up by them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.simulator.apple.library import Asset
from bridge.simulator.faults import Fault
from bridge.store.licences import locations
from tests.flow.cli_kit import Shell
from tests.flow.scene import DAY, PUBLIC_URL, MakeScene, Scene, rarely

HOUR = 3600.0
Document = dict[str, Any]


def odd(where: str, edit: Callable[[Document], object], **how: Any) -> Fault:
    """Every answer of a kind, changed in place by `edit`."""

    def edited(document: Document) -> Document:
        edit(document)
        return document

    return Fault(where, "odd", times=how.pop("times", 0), edit=edited, **how)


def member(name: str, value: object, number: int = 0) -> Callable[[Document], None]:
    """Give a member of one row of assets, counted from 0, another value."""

    def change(document: Document) -> None:
        document["assets"][number][name] = value

    return change


def page(**members: object) -> Callable[[Document], None]:
    """Give members of a page other values."""
    return lambda document: document.update(members)


def calls(scene: Scene) -> int:
    """How many requests reached Apple."""
    return sum(n for where, n in scene.world.ledger.requests.items() if where.startswith("apple."))


READABLE = {
    "deviceAssignable is text": member("deviceAssignable", "true"),
    "deviceAssignable is 1": member("deviceAssignable", 1),
    "a count is a whole float": member("availableCount", 25.0),
    "a count is text": member("totalCount", "25"),
    "platforms are null": member("supportedPlatforms", None),
    "a platform that nobody knows": member("supportedPlatforms", ["iPadOS"]),
    "productType is a number": member("productType", [7]),
    "nextPageIndex is -1": page(nextPageIndex=-1),
    "nextPageIndex is null": page(nextPageIndex=None),
    "nextPageIndex goes round": page(nextPageIndex=0),
    "nextPageIndex jumps": page(nextPageIndex=7),
    "nextPageIndex is no number": page(nextPageIndex="next"),
    "errorNumber is 0": page(errorNumber=0),
    "errorNumber is text": page(errorNumber="0"),
    "errorNumber is null": page(errorNumber=None),
    "uId is a list": page(uId=[]),
    "mdmInfo is text": page(mdmInfo="somebody"),
    "mdmInfo has no id": page(mdmInfo={"name": "x"}),
    "totalPages is text": page(totalPages="one"),
}


@pytest.mark.sweep
@pytest.mark.parametrize("edit", READABLE.values(), ids=READABLE)
def test_what_can_be_read_holds_nobody_up(
    make_scene: MakeScene, edit: Callable[[Document], None]
) -> None:
    scene = make_scene(devices=2, apps=2, faults=[odd("apple.assets", edit)])
    scene.apply()
    scene.run(scene.all_installed, HOUR)


UNREADABLE: dict[str, tuple[str, object, str]] = {
    "no adam id": ("adamId", None, "adamId is missing or not text (row 1 of assets)"),
    "an adam id of words": ("adamId", "Pages", "adamId is not a number (row 1 of assets)"),
    "assignable": ("deviceAssignable", "maybe", "deviceAssignable is not true or false"),
    "half a seat": ("totalCount", 25.5, "totalCount is not an integer"),
    "a platform": ("supportedPlatforms", [None], "supportedPlatforms is not a list of texts"),
}


@pytest.mark.sweep
@pytest.mark.parametrize(("name", "value", "says"), UNREADABLE.values(), ids=UNREADABLE)
def test_a_row_that_cannot_be_read_is_named_and_no_other_waits(
    make_scene: MakeScene,
    caplog: pytest.LogCaptureFixture,
    name: str,
    value: object,
    says: str,
) -> None:
    scene = make_scene(devices=1, apps=3, faults=[odd("apple.assets", member(name, value))])
    shell = Shell(scene)
    plan = " ".join(shell.run("plan").output.split())
    assert "Apple's count of it cannot be read: " in plan and "none is owned" not in plan
    assert shell.run("apply", "--yes").exit_code == 0
    others = {"installed INSTALLED": 2, "waiting ASSET_UNREADABLE": 1}
    scene.run(lambda: scene.states() == others, HOUR)
    why = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert why.exit_code == 1
    assert "Apple's row of Pages at hq cannot be read: " + says in " ".join(why.output.split())
    scene.pass_time(3 * HOUR)
    named = [r for r in caplog.records if "cannot be read and is left out" in r.getMessage()]
    assert len(named) == 1 and says in named[0].getMessage()
    status = shell.run("status").output
    assert f"1 row of Apple's assets cannot be read: {says}"[:60] in status
    doctor = shell.json("doctor", code=shell.run("doctor").exit_code)
    assert any(says in each["text"] for each in doctor["findings"])


def test_an_app_goes_on_once_its_row_can_be_read(make_scene: MakeScene) -> None:
    edit = member("deviceAssignable", [])
    scene = make_scene(devices=1, apps=1, faults=[odd("apple.assets", edit, times=3)])
    scene.apply()
    scene.run(lambda: scene.states() == {"waiting ASSET_UNREADABLE": 1})
    scene.run(scene.all_installed, 4 * HOUR)


def without_holder(document: Document) -> None:
    """Of Pages, no assignment tells its holder."""
    for row in document["assignments"]:
        if row["adamId"] == "361309726":
            row["serialNumber"] = None


def without_app(document: Document) -> None:
    """Of the first device, no assignment tells its app."""
    for row in document["assignments"]:
        if row["serialNumber"] == "SIM0000001":
            row["adamId"] = None


def without_anything(document: Document) -> None:
    """The first assignment is no object."""
    document["assignments"][:1] = [None] * len(document["assignments"][:1])


def cut_short(document: Document) -> None:
    """The list ends with a page that is not its last."""
    document["assignments"] = document["assignments"][1:]
    document["totalPages"] = 3


ODD_ASSIGNMENTS = {
    "without holder": odd("apple.assignments", without_holder),
    "without app": odd("apple.assignments", without_app),
    "without anything": odd("apple.assignments", without_anything),
    "cut short": odd("apple.assignments", cut_short, match="assignments?pageIndex=0 "),
}


@pytest.mark.parametrize("fault", ODD_ASSIGNMENTS.values(), ids=ODD_ASSIGNMENTS)
def test_a_licence_whose_row_cannot_be_read_is_not_taken_for_gone(
    make_scene: MakeScene, fault: Fault
) -> None:
    scene = make_scene(devices=3, apps=2, policy=rarely(assignments_every=DAY))
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    asked = scene.world.ledger.requests["apple.associate"]
    scene.world.faults.add(fault)
    scene.pass_time(3 * DAY)
    assert scene.world.faults.total >= 2
    assert scene.all_installed()
    assert scene.world.ledger.requests["apple.associate"] == asked
    with scene.bridge.database.read() as db:
        assert db.execute("SELECT count(*) FROM assignments").fetchone()[0] == 6


@pytest.mark.parametrize("fault", ODD_ASSIGNMENTS.values(), ids=ODD_ASSIGNMENTS)
def test_nothing_is_asked_for_that_apple_may_hold(make_scene: MakeScene, fault: Fault) -> None:
    scene = make_scene(devices=3, apps=2, faults=[fault], policy=rarely(assignments_every=DAY))
    first, pages = scene.serials[0], scene.adam_ids[0]
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", pages, [first])
    shell = Shell(scene)
    shell.run("apply", "--yes")
    if fault.match:  # a look at the device alone finds it
        scene.run(scene.all_installed, HOUR)
        assert not scene.world.ledger.violations()
        return
    waiting = {"installed INSTALLED": 5, "waiting ASSIGNMENT_UNREADABLE": 1}
    scene.run(lambda: scene.states() == waiting, HOUR)
    why = shell.run("why", first, pages)
    assert why.exit_code == 1 and "may be the licence of" in " ".join(why.output.split())
    assert not scene.world.ledger.violations()
    before = scene.world.ledger.requests["apple.assignments"]
    scene.pass_time(DAY)
    assert scene.states() == waiting
    assert scene.world.ledger.requests["apple.assignments"] - before <= 10


def test_a_taken_licence_is_still_noticed_beside_an_odd_row(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=2, policy=rarely(assignments_every=DAY))
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    asked = scene.world.ledger.requests["apple.associate"]
    scene.world.faults.add(odd("apple.assignments", without_holder))
    library = scene.world.location.library
    library.release(next(p for p in library.assignments if p.adam_id == scene.adam_ids[1]))
    library.touch()
    scene.pass_time(2 * DAY)
    assert scene.world.ledger.requests["apple.associate"] == asked + 1


@pytest.mark.slow
def test_a_page_that_is_no_json_is_asked_for_a_few_times_a_day(make_scene: MakeScene) -> None:
    fault = Fault("apple.assets", "garbled", times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.pass_time(HOUR)
    why = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert why.exit_code == 1 and "cannot be used: not a JSON object" in why.output
    before = scene.world.ledger.requests["apple.assets"]
    scene.pass_time(DAY)
    assert scene.world.ledger.requests["apple.assets"] - before <= 10


def test_a_gateway_says_nothing_of_the_token(make_scene: MakeScene) -> None:
    fault = Fault("apple.client_config", "gateway", status=403, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.pass_time(60.0)
    why = shell.run("why", scene.serials[0], scene.adam_ids[0])
    said = " ".join(why.output.split())
    assert why.exit_code == 1 and "403 and no errorNumber" in said
    assert "proxy" in said and "download a new token" not in said
    doctor = shell.run("doctor").output
    assert "proxy" in doctor and "download a new token" not in doctor


def test_an_unknown_platform_gives_nothing_back(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    asset = scene.world.location.library.assets[scene.adam_ids[0], "STDQ"]
    for words in (("iPadOS",), ("macOS", "iPadOS"), ("ios",)):
        asset.platforms = words
        scene.world.location.library.touch()
        scene.pass_time(2 * HOUR)
        shell = Shell(scene)
        assert shell.run("plan").exit_code == 0
        assert scene.all_installed()
    assert scene.world.ledger.requests["apple.disassociate"] == 0


def test_retired_licences_are_named_where_seats_are_short(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=1, seats=4)
    asset: Asset = scene.world.location.library.assets[scene.adam_ids[0], "STDQ"]
    asset.retired = 3
    shell = Shell(scene)
    plan = shell.run("plan")
    assert plan.exit_code == 1
    assert "1 free of 4 (3 retired), 2 short" in " ".join(plan.output.split())
    shell.run("apply", "--yes")
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "waiting NO_SEAT": 2}, HOUR)
    why = shell.run("why", scene.serials[1], scene.adam_ids[0])
    assert why.exit_code == 1
    assert "3 of the 4 retired" in " ".join(why.output.split())
    assert "3 of 4 are retired" in " ".join(shell.run("status").output.split())


ODD_DEVICES: dict[str, Callable[[list[Any]], object]] = {
    "no object": lambda rows: rows.__setitem__(0, None),
    "a UDID that is none": lambda rows: rows[0].update(udid=[]),
    "an odd serial number": lambda rows: rows[0].update(serial_number={}),
    "an odd status": lambda rows: rows[0].update(enrollment_status="maybe"),
}


@pytest.mark.parametrize("edit", ODD_DEVICES.values(), ids=ODD_DEVICES)
def test_an_odd_record_of_a_server_is_no_device_that_left(
    make_scene: MakeScene,
    caplog: pytest.LogCaptureFixture,
    edit: Callable[[list[Any]], object],
) -> None:
    scene = make_scene(devices=2, apps=1, policy=rarely(devices_every=HOUR))
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    fault = odd("mdm.devices", lambda document: edit(document["devices"]))
    scene.world.faults.add(fault)
    scene.pass_time(5 * HOUR)
    assert scene.world.faults.total >= 4
    with scene.bridge.database.read() as db:
        assert [row[0] for row in db.execute("SELECT enrolled FROM devices")] == [1, 1]
    named = [r for r in caplog.records if "cannot be read whole" in r.getMessage()]
    assert len(named) == 1


ANSWERS = [
    "apple.service_config",
    "apple.client_config",
    "apple.assets",
    "apple.assignments",
    "apple.associate",
    "apple.status",
    "apple.lookup",
    "apple.notification",
]
VALUES: list[object] = [None, [], {}, 1.5, True, "", 10**30, ["x"], -1]


def test_a_reply_that_contradicts_the_client_configuration_is_heard_once(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed, HOUR)
    another = page(mdmInfo={"id": "another", "name": "MDM", "metadata": ""})
    scene.world.faults.add(odd("apple.assignments", another))
    before = calls(scene)
    Shell(scene).run("sync", "assignments")
    scene.pass_time(HOUR)
    assert calls(scene) - before <= 10
    with scene.bridge.database.read() as db:
        assert locations.get(db, "hq").suspended is None


@pytest.mark.slow
@pytest.mark.parametrize("where", ANSWERS)
def test_no_single_value_of_a_message_costs_more_than_a_few_calls(
    make_scene: MakeScene, where: str
) -> None:
    """Every value of the whole message in turn, another odd value for each, from the start on."""
    seen: list[Document] = []

    def look(document: Document) -> Document:
        seen.append(document)
        return document

    url = PUBLIC_URL if where == "apple.notification" else None
    quiet = make_scene(
        devices=2,
        apps=2,
        public_url=url,
        faults=[Fault(where, "odd", times=0, edit=look)],
        policy=rarely(),
    )
    usual = _lived(quiet)
    paths = list(dict.fromkeys(path for document in seen for path in _paths(document)))
    assert paths
    for number, path in enumerate(paths):
        value = VALUES[number % len(VALUES)]
        fault = Fault(
            where, "odd", times=0, edit=lambda document, p=path, v=value: _put(document, p, v)
        )
        scene = make_scene(devices=2, apps=2, public_url=url, faults=[fault], policy=rarely())
        assert _lived(scene) <= usual + 10, (path, value, scene.states())
        states = scene.states()
        if path[-1] in CONCERN_ALL:
            continue
        assert states.get("installed INSTALLED", 0) >= 2, (path, value, states)
        assert not scene.world.ledger.asked_while_held, (path, value)


CONCERN_ALL = ("uId", "mdmInfo", "id", "notificationUrl", "assets", "tokenExpirationDate")
"""Members that are of the whole location: whose it is, and what it owns."""


def _lived(scene: Scene) -> int:
    """Wish for all, let a day pass, and count the calls to Apple."""
    scene.apply()
    scene.pass_time(DAY)
    return calls(scene)


Path = tuple[str | int, ...]


def _paths(document: object, path: Path = ()) -> list[Path]:
    """Where each value of a document stands."""
    found = [path] if path else []
    if isinstance(document, dict):
        inside = document.items()
    elif isinstance(document, list):
        inside = enumerate(document[:2])  # the others of a list are alike
    else:
        return found
    return found + [each for key, value in inside for each in _paths(value, (*path, key))]


def _put(document: Any, path: Path, value: object) -> Any:
    """Another value at that place, if there is one."""
    at = document
    for key in path[:-1]:
        if not (isinstance(at, dict) and key in at) and not (
            isinstance(at, list) and isinstance(key, int) and key < len(at)
        ):
            return document
        at = at[key]
    at[path[-1]] = value
    return document
