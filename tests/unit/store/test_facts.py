"""Devices, their apps, and the facts of many installs read at once."""

from dataclasses import replace
from typing import Any

import pytest

from bridge.domain.facts import Facts, Licence
from bridge.domain.installs.options import Options
from bridge.domain.licences.batch import Rectangle
from bridge.domain.model import Asset, Device
from bridge.store.catalog import apps
from bridge.store.commands import commands
from bridge.store.commands.commands import Answer
from bridge.store.database import Connection
from bridge.store.devices import devices, installed_apps
from bridge.store.installs import facts, installs
from bridge.store.licences import assignments, locations, request_pairs, requests
from tests.unit.store_kit import (
    KEYNOTE,
    NOW,
    PAGES,
    device_of,
    make_command,
    make_device,
    make_install,
    make_request,
    pair,
)

ONCE = frozenset({"Failed", "UserRejected"})
THERE = frozenset({"Managed"})
BUNDLE = "com.apple.Pages"


def load(db: Connection, *serials: str, asset: Asset = PAGES) -> list[Facts]:
    found = [installs.get(db, serial, asset.adam_id) for serial in serials or ("S1",)]
    return facts.load(db, [install for install in found if install is not None])


def one(db: Connection) -> Facts:
    (found,) = load(db)
    return found


def listed(db: Connection, device: Device, *apps_listed: tuple[str, str], at: float = NOW) -> None:
    entries = [(bundle_id, status, "1.0") for bundle_id, status in apps_listed]
    apps.store_list(db, device, entries, asked_at=at - 1, now=at, said_once=ONCE, there=THERE)


def test_nothing_is_known_of_a_new_wish(db: Connection) -> None:
    make_install(db, options=Options(take_over=True))
    fact = one(db)
    assert (fact.options, fact.licence) == (Options(take_over=True), Licence("none"))
    assert (fact.asset, fact.device, fact.report, fact.attempt) == (None,) * 4
    assert (fact.bundle_id, fact.app_name, fact.free_seats) == (None,) * 3
    assert (fact.strangers, fact.list_open) == (False, False)
    assert fact.location is not None and not fact.location.ready
    assert facts.load(db, []) == []


def test_each_install_gets_its_own_facts(db: Connection) -> None:
    for serial in ("S1", "S2", "S3"):
        make_install(db, serial)
    make_device(db, "S2")
    assignments.confirm(db, "hq", [pair("S3")], told_by="read", now=NOW)
    found = load(db, "S3", "S1", "S2")
    assert [f.install.target for f in found] == ["S3", "S1", "S2"]
    assert [f.licence.state for f in found] == ["owned", "none", "none"]
    assert [f.device is not None for f in found] == [False, False, True]


def settled(db: Connection, state: str, number: int | None = None, at: float = NOW) -> None:
    request_id = make_request(db, pair(), now=at)
    requests.update(db, request_id, apple_event_id="E")
    request_pairs.settle(
        db, "hq", [pair()], state=state, told_by="status", now=at, request_id=request_id,
        error_number=number,
    )  # fmt: skip


def test_a_licence_stands_where_its_newest_request_stands(db: Connection) -> None:
    make_install(db)
    request_pairs.want(db, "hq", "ASSOCIATE", [pair()], NOW + 1)
    assert one(db).licence == Licence("collected", NOW + 1)
    request_id = make_request(db, pair(), now=NOW + 2)
    assert one(db).licence == Licence("open", NOW + 2)
    requests.update(db, request_id, apple_event_id="E", state="open")
    assert one(db).licence == Licence("open", NOW + 2, event_id="E")
    requests.doubt(db, request_id, next_read_at=NOW, detail="")
    assert one(db).licence == Licence("in_doubt", NOW + 2, event_id="E")


@pytest.mark.parametrize("state", ["confirmed", "missing", "withdrawn"])
def test_a_request_that_is_over_leaves_no_licence(db: Connection, state: str) -> None:
    make_install(db)
    settled(db, state)
    assert one(db).licence == Licence("none")


def test_a_refusal_counts_until_the_wish_changes(db: Connection) -> None:
    make_install(db, now=NOW)
    settled(db, "failed", 9603, at=NOW)
    settled(db, "failed", 9610, at=NOW + 5)
    refused = Licence("refused", NOW + 5, error_number=9610, refusals=2, event_id="E")
    assert one(db).licence == refused
    make_install(db, priority=1, now=NOW + 6)
    assert one(db).licence == Licence("none")


def test_a_held_licence_is_held_whatever_was_asked(db: Connection) -> None:
    make_install(db)
    settled(db, "failed", 9603)
    assignments.confirm(db, "hq", [pair()], told_by="notification", now=NOW + 3)
    assignments.confirm(db, "hq", [pair()], told_by="read", now=NOW + 9)
    owned = one(db).licence
    assert replace(owned, event_id=None) == Licence("owned", NOW + 3, "notification", NOW + 9)


def gave_back(db: Connection, state: str, at: float, number: int | None = None) -> None:
    """A request of ours to take the licence back ended like this."""
    request_pairs.want(db, "hq", "DISASSOCIATE", [pair()], at)
    request_id = requests.make(db, "hq", "DISASSOCIATE", Rectangle((PAGES,), ("S1",)), at)
    assert request_id is not None
    request_pairs.settle(
        db, "hq", [pair()], state=state, told_by="status", now=at, request_id=request_id,
        error_number=number,
    )  # fmt: skip


def hold(db: Connection) -> None:
    assignments.confirm(db, "hq", [pair()], told_by="read", now=NOW)


def test_a_licence_is_ours_if_our_request_got_it(db: Connection) -> None:
    make_install(db)
    hold(db)
    assert one(db).licence.ours is False
    settled(db, "missing", at=NOW)
    assert one(db).licence.ours is False
    settled(db, "confirmed", at=NOW + 1)
    assert one(db).licence.ours is True
    gave_back(db, "failed", NOW + 2, 9603)
    assert one(db).licence.ours is True
    gave_back(db, "confirmed", NOW + 3)
    assert one(db).licence.ours is False, "somebody else has given it since"
    settled(db, "confirmed", at=NOW + 4)
    assert one(db).licence.ours is True


def test_where_giving_it_back_stands(db: Connection) -> None:
    make_install(db)
    settled(db, "confirmed")
    assert one(db).release == Licence("none")
    request_pairs.want(db, "hq", "DISASSOCIATE", [pair()], NOW + 1)
    assert one(db).release == Licence("collected", NOW + 1)
    assert one(db).licence == Licence("none"), "that is what was asked for last of its kind"
    request_pairs.leave_line(db, "hq", pair(), NOW + 2)
    for number in range(2):
        gave_back(db, "failed", NOW + 3 + number, 9706)
    refused = Licence("refused", NOW + 4, error_number=9706, refusals=2)
    assert replace(one(db).release, event_id=None) == refused
    settled(db, "confirmed", at=NOW + 5)
    assert one(db).release == Licence("none"), "it was asked for again since"


def test_a_removal_counts_in_its_round_and_as_long_as_it_may_reach_the_device(
    db: Connection,
) -> None:
    install_id = make_install(db)
    device = make_device(db)
    make_command(db, "r", device, install_id=install_id, request_type="RemoveApplication", now=NOW)
    removal = one(db).removal
    assert removal is not None and removal.command_uuid == "r"
    assert one(db).attempt is None
    make_install(db, priority=1, now=NOW + 1)
    assert one(db).removal == removal, "it is not answered yet"
    db.execute("UPDATE commands SET state = 'acknowledged' WHERE command_uuid = 'r'")
    assert one(db).removal is None


def test_another_price_or_location_is_another_licence(db: Connection) -> None:
    make_install(db, asset=Asset(PAGES.adam_id, "PLUS"))
    assignments.confirm(db, "hq", [pair()], told_by="read", now=NOW)
    assignments.confirm(
        db, "branch", [pair(asset=Asset(PAGES.adam_id, "PLUS"))], told_by="read", now=NOW
    )
    make_request(db, pair())
    assert one(db).licence == Licence("none")


def own(db: Connection, available: int | None, unlimited: int = 0) -> None:
    names = "product_type total retired assigned platforms"
    values: dict[str, Any] = dict.fromkeys(names.split())
    values |= {"available": available, "unlimited": unlimited}
    values |= {"device_assignable": 1, "revocable": 1}
    locations.store_assets(db, "hq", [(PAGES, values)], NOW)


def test_free_seats_are_what_is_left_after_what_we_asked_for(db: Connection) -> None:
    make_install(db)
    assert one(db).free_seats is None
    own(db, 5)
    assert one(db).free_seats == 5
    make_request(db, pair("A"), pair("B"))
    request_pairs.want(db, "hq", "ASSOCIATE", [pair("C")], NOW)
    request_pairs.want(db, "hq", "ASSOCIATE", [pair("C", KEYNOTE)], NOW)
    assert one(db).free_seats == 2
    own(db, None)
    assert one(db).free_seats is None
    own(db, 0, unlimited=1)
    assert one(db).free_seats is None


def test_a_location_may_be_stopped(db: Connection) -> None:
    make_install(db)
    locations.update(
        db,
        "hq",
        registered_at=NOW,
        assets_read_at=NOW,
        assignments_read_at=NOW,
        suspended="TOKEN_EXPIRED",
        suspended_detail="why",
    )
    location = one(db).location
    assert location is not None
    assert (location.ready, location.suspended) == (True, "TOKEN_EXPIRED")
    assert location.suspended_detail == "why"


def test_what_a_device_lists(db: Connection) -> None:
    make_install(db)
    device = make_device(db)
    apps.learn_app(db, PAGES.adam_id, bundle_id=BUNDLE, name="Pages", source="file")
    listed(db, device, (BUNDLE, "Managed"))
    fact = one(db)
    assert (fact.bundle_id, fact.app_name, fact.strangers) == (BUNDLE, "Pages", False)
    assert fact.report is not None and fact.report.status == "Managed"
    assert fact.device is not None and fact.device.apps_known
    assert (fact.device.apps_asked_at, fact.device.apps_listed_at) == (NOW - 1, NOW)


def test_an_app_that_a_later_list_leaves_out(db: Connection) -> None:
    device = make_device(db)
    listed(db, device, (BUNDLE, "Failed"), ("org.other", "Managed"))
    listed(db, device, ("org.other", "Managed"), at=NOW + 5)
    found = apps.reports(db, [device.id])[device.id]
    gone = found[BUNDLE]
    assert (gone.status, gone.reported_at) == (None, NOW + 5)
    assert (gone.once_status, gone.once_at) == ("Failed", NOW), "said once, and kept"
    listed(db, device, at=NOW + 6)
    again = apps.reports(db, [device.id])[device.id]
    assert again[BUNDLE].reported_at == NOW + 5, "it was gone already"
    assert again["org.other"].status is None
    apps.forget_reports(db, device.id)
    assert apps.reports(db, [device.id]) == {device.id: {}}


def test_what_was_said_once_gives_way_to_what_is_said_once_later(db: Connection) -> None:
    device = make_device(db)
    listed(db, device, (BUNDLE, "Failed"))
    listed(db, device, (BUNDLE, "Installing"), at=NOW + 1)
    listed(db, device, (BUNDLE, "UserRejected"), at=NOW + 2)
    report = apps.reports(db, [device.id])[device.id][BUNDLE]
    assert (report.status, report.once_status, report.once_at) == (
        "UserRejected",
        "UserRejected",
        NOW + 2,
    )


def test_an_entry_of_unknown_origin_may_be_any_app(db: Connection) -> None:
    make_install(db)
    device = make_device(db)
    apps.learn_app(db, KEYNOTE.adam_id, bundle_id="com.apple.Keynote", name=None, source="device")
    listed(db, device, ("com.apple.Keynote", "Managed"))
    assert one(db).strangers is False
    listed(db, device, ("org.stranger", "Managed"))
    assert one(db).strangers is True
    listed(db, device)
    assert one(db).strangers is False, "it is gone"


def test_what_its_device_named_is_its_own_and_of_no_unknown_origin(db: Connection) -> None:
    install_id = make_install(db)
    device = make_device(db)
    apps.learn_app(db, PAGES.adam_id, bundle_id=BUNDLE, name=None, source="file")
    listed(db, device, ("com.apple.Pages.watch", "Managed"))
    make_install(db, asset=KEYNOTE)
    of_no_known_name = installs.get(db, "S1", KEYNOTE.adam_id)
    assert of_no_known_name is not None
    assert facts.load(db, [of_no_known_name])[0].strangers, "it may be this one"
    assert one(db).report is None
    assert installs.learn_bundle_id(db, install_id, "com.apple.Pages.watch")
    assert not installs.learn_bundle_id(db, install_id, "com.apple.Pages.watch")
    fact = one(db)
    assert (fact.strangers, fact.bundle_id) == (False, "com.apple.Pages.watch")
    assert not facts.load(db, [of_no_known_name])[0].strangers
    assert fact.report is not None and fact.report.status == "Managed"
    assert installed_apps.desired_bundle_ids(db, fact.install.target) == ["com.apple.Pages.watch"]
    assert apps.ours(db, fact.install.target) == {"com.apple.Pages.watch"}


def test_a_watch_is_believed_less_than_any_other_device(db: Connection) -> None:
    assert learn(db, "from.watch", "watch")
    assert not learn(db, "from.another.watch", "watch")
    assert learn(db, "from.device", "device")
    assert not learn(db, "from.watch", "watch")


def test_the_newest_attempt_and_an_open_list(db: Connection) -> None:
    install_id = make_install(db)
    device = make_device(db)
    make_command(db, "a", device, install_id=install_id)
    fact = one(db)
    assert fact.attempt is not None and fact.attempt.command_uuid == "a"
    assert fact.list_open is False
    make_command(db, "list", device)
    assert one(db).list_open is True
    commands.answered(db, "list", Answer("Acknowledged"), NOW)
    assert one(db).list_open is False


def learn(db: Connection, bundle_id: str | None, source: str, name: str | None = None) -> bool:
    return apps.learn_app(db, PAGES.adam_id, bundle_id=bundle_id, name=name, source=source)


def test_the_file_knows_bundle_ids_best(db: Connection) -> None:
    assert not learn(db, None, "file", "Pages")
    assert learn(db, "from.device", "device")
    assert not learn(db, "from.other", "device"), "the first device is believed"
    assert learn(db, "from.file", "file")
    assert not learn(db, "from.file", "file")
    assert not learn(db, "from.device", "device")
    assert not learn(db, None, "file", None)
    assert apps.known(db, [PAGES.adam_id]) == {PAGES.adam_id: ("from.file", "Pages", None)}
    assert apps.known_bundle_ids(db) == {"from.file"}


def test_a_device_is_made_once(db: Connection) -> None:
    first = devices.ensure(db, "main", udid="U", enrollment_id=None, now=NOW)
    assert (first.enrolled, first.enrolment, first.serial_number) == (None, 0, None)
    assert devices.ensure(db, "main", udid="U", enrollment_id=None, now=NOW + 9).id == first.id
    others = {
        devices.ensure(db, "branch", udid="U", enrollment_id=None, now=NOW).id,
        devices.ensure(db, "main", udid=None, enrollment_id="U", now=NOW).id,
    }
    assert len(others | {first.id}) == 3
    found = device_of(db, "main", "U")
    assert found is not None and found.id == first.id
    assert device_of(db, "main", "V") is None


def test_what_is_known_is_never_overwritten_with_nothing(db: Connection) -> None:
    device = make_device(db, name="Pad")
    devices.learn(db, device.id, {"serial_number": None, "name": "", "os_version": "17.0"}, NOW)
    devices.learn(db, device.id, {}, NOW)
    devices.learn(db, device.id, {"enrolled": "0", "udid": "X"}, NOW)
    found = devices.by_id(db, device.id)
    assert found == replace(device, os_version="17.0")


@pytest.mark.parametrize(
    ("first", "second", "winner"),
    [
        ({"enrolled": 0, "enrolled_at": NOW + 9}, {"enrolled": 1, "enrolled_at": NOW}, "second"),
        ({"enrolled": 1, "enrolled_at": NOW}, {"enrolled": None, "enrolled_at": None}, "first"),
        ({"enrolled_at": NOW + 1}, {"enrolled_at": NOW}, "first"),
        ({"enrolled_at": NOW}, {"enrolled_at": NOW}, "second"),
    ],
)
def test_one_of_several_devices_carries_the_serial_now(
    db: Connection, first: dict[str, Any], second: dict[str, Any], winner: str
) -> None:
    make_device(db, "S1", udid="first", **first)
    make_device(db, "S1", udid="second", **second)
    assert devices.current(db, ["S1", "S2"])["S1"].udid == winner


def test_who_is_enrolled(db: Connection) -> None:
    make_device(db, "B")
    make_device(db, "B", server="branch")
    make_device(db, "A")
    make_device(db, "C", enrolled=0)
    make_device(db, "D", enrolled=None)
    devices.update(db, make_device(db, "E").id, serial_number=None)
    known = devices.by_serial(db)
    assert sorted(known) == ["A", "B", "C", "D"]
    assert {s for s, device in known.items() if device.enrolled} == {"A", "B"}


def test_devices_without_a_serial_are_asked_now_and_then(db: Connection) -> None:
    def nameless(serial: str, **changes: Any) -> int:
        device = make_device(db, serial, **changes)
        devices.update(db, device.id, serial_number=None)
        return device.id

    never, long_ago = nameless("A"), nameless("B", serial_asked_at=NOW - 1)
    nameless("C", serial_asked_at=NOW)
    nameless("D", enrolled=0)
    nameless("E", server="branch")
    make_device(db, "F")
    found = [device.id for device in devices.nameless(db, "main", NOW, 9)]
    assert found == [never, long_ago]
    assert len(devices.nameless(db, "main", NOW, 1)) == 1


def test_stamps_order_a_devices_webhooks(db: Connection) -> None:
    device = make_device(db)
    assert devices.stamps(db, device.id) == (None, None, None)
    devices.update(db, device.id, authenticate_stamp=1, token_stamp=2, checkout_stamp=3)
    assert devices.stamps(db, device.id) == (1, 2, 3)
