"""The simulated library: assets, assignments, pages, events, and the notifications about them."""

import pytest

from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.library import UNLIMITED, Asset
from tests.unit.simulator_kit import Outside, pairs

A, B = "361309726", "361310739"


@pytest.fixture
def outside() -> Outside:
    return Outside(devices=4, apps=2)


def test_an_association_is_accepted_now_and_done_later(outside: Outside) -> None:
    outside.subscribe()
    event_id = outside.associate([A, B], outside.serials).get_json()["eventId"]
    pending = outside.status(event_id)
    assert (pending["eventStatus"], pending["eventType"]) == ("PENDING", "ASSOCIATE")
    assert (pending["numRequested"], pending["numCompleted"]) == (8, 0)
    assert outside.apple("assignments").get_json()["assignments"] == []
    outside.world.advance(2)
    complete = outside.status(event_id)
    assert (complete["eventStatus"], complete["numCompleted"]) == ("COMPLETE", 8)
    assert "failures" not in complete
    assert outside.mail.letters == []  # the status is ahead of the notifications
    outside.world.advance(2)
    outcomes = [body["notification"] for body in outside.mail.notifications]
    assert [(o["type"], o["result"], o["eventId"]) for o in outcomes] == [
        ("ASSOCIATE", "SUCCESS", event_id)
    ] * 2
    assert outcomes[0]["assignments"][0] == {
        "adamId": A,
        "pricingParam": "STDQ",
        "serialNumber": outside.serials[0],
    }


def test_nonsense_serial_numbers_are_accepted(outside: Outside) -> None:
    event_id = outside.associate([A], ["NO SUCH DEVICE"]).get_json()["eventId"]
    outside.world.advance(2)
    assert outside.status(event_id)["eventStatus"] == "COMPLETE"


def test_seats_that_run_out_fail_in_part(outside: Outside) -> None:
    outside.subscribe()
    serials = [f"S{n}" for n in range(6)]
    event_id = outside.associate([A, B], serials).get_json()["eventId"]
    outside.world.advance(4)
    status = outside.status(event_id)
    assert status["eventStatus"] == "FAILED"
    assert (status["numRequested"], status["numCompleted"]) == (12, 8)
    assert [failure["errorNumber"] for failure in status["failures"]] == [9709, 9709]
    assert status["failures"][0]["errorInfo"] == {
        "assets": [{"adamId": A, "pricingParam": "STDQ"}],
        "serialNumbers": ["S4", "S5"],
    }
    failures = [
        body["notification"]
        for body in outside.mail.notifications
        if body["notification"]["result"] == "FAILURE"
    ]
    assert [failure["error"]["errorNumber"] for failure in failures] == [9709, 9709]
    assert [pair["serialNumber"] for pair in failures[0]["assignments"]] == ["S4", "S5"]
    assert len(outside.mail.notifications) == 4


def test_a_pair_that_is_held_counts_as_completed_and_takes_no_second_seat(
    outside: Outside,
) -> None:
    for _ in range(2):
        event_id = outside.associate([A], outside.serials).get_json()["eventId"]
        outside.world.advance(5)
        assert outside.status(event_id)["numCompleted"] == 4
    [asset] = outside.apple(f"assets?adamId={A}").get_json()["assets"]
    assert (asset["assignedCount"], asset["availableCount"]) == (4, 0)
    assert len(outside.world.ledger.asked_while_held) == 4


def test_requests_are_processed_in_the_order_submitted(outside: Outside) -> None:
    outside.subscribe()
    outside.associate([A], outside.serials)
    outside.world.advance(5)
    outside.mail.letters.clear()
    outside.associate([A], [outside.serials[0]], "disassociate")
    moved = outside.associate([A], ["NEW"]).get_json()["eventId"]
    outside.world.advance(5)
    assert outside.status(moved)["eventStatus"] == "COMPLETE"
    kinds = [body["notification"]["type"] for body in outside.mail.notifications]
    assert kinds == ["DISASSOCIATE", "ASSOCIATE"]
    assert outside.world.ledger.violations() == []


def test_revoke_takes_all_that_can_be_taken(outside: Outside) -> None:
    outside.subscribe()
    outside.associate([A, B], outside.serials)
    outside.world.advance(5)
    outside.world.location.library.assets[B, "STDQ"].revocable = False
    outside.mail.letters.clear()
    event_id = outside.apple("assets/revoke", {"serialNumbers": outside.serials[:2]}).get_json()[
        "eventId"
    ]
    outside.world.advance(5)
    assert outside.status(event_id)["numCompleted"] == 2
    assert outside.mail.notifications[0]["notification"]["type"] == "REVOKE"
    left = outside.apple("assignments").get_json()["assignments"]
    assert sorted(pair["adamId"] for pair in left) == [A] * 2 + [B] * 4
    many = {"serialNumbers": [f"S{n}" for n in range(101)]}
    assert outside.apple("assets/revoke", many).get_json()["errorNumber"] == 9702


def test_a_notification_has_at_most_a_hundred_elements() -> None:
    outside = Outside(devices=0, apps=1, seats=240)
    outside.subscribe()
    outside.associate([A], [f"S{n}" for n in range(250)])
    outside.world.advance(5)
    sizes = [
        (body["notification"]["result"], len(body["notification"]["assignments"]))
        for body in outside.mail.notifications
    ]
    assert sizes == [("SUCCESS", 100), ("SUCCESS", 100), ("SUCCESS", 40), ("FAILURE", 10)]
    assert len({body["notificationId"] for body in outside.mail.notifications}) == 4


def test_three_attempts_with_the_same_id_and_no_more(outside: Outside) -> None:
    outside.subscribe()
    outside.mail.status = 503
    outside.associate([A], outside.serials)
    outside.world.advance(3)
    assert len(outside.mail.letters) == 1
    outside.world.advance(60)
    assert len(outside.mail.letters) == 2
    outside.world.advance(3600)
    assert len(outside.mail.letters) == 3
    assert len({body["notificationId"] for body in outside.mail.notifications}) == 1
    assert outside.world.location.notifier.lost == 1


def test_an_attempt_that_succeeds_ends_them(outside: Outside) -> None:
    outside.subscribe()
    outside.mail.statuses = [None, 204]
    outside.associate([A], outside.serials)
    outside.world.advance(3600)
    assert len(outside.mail.letters) == 2


def test_only_subscribed_types_are_sent(outside: Outside) -> None:
    outside.subscribe("ASSET_COUNT")
    outside.associate([A], outside.serials)
    outside.world.advance(10)
    assert outside.mail.letters == []
    outside.world.apple.buy(outside.world.location, A, -2)
    outside.world.advance(10)
    [body] = outside.mail.notifications
    assert body["notificationType"] == "ASSET_COUNT"
    assert body["notification"] == {"adamId": A, "pricingParam": "STDQ", "countDelta": -2}


def test_without_a_url_nothing_is_sent_or_lost(outside: Outside) -> None:
    outside.world.location.client = ClientConfig(notification_types=("ASSET_MANAGEMENT",))
    outside.associate([A], outside.serials)
    outside.world.advance(3600)
    assert outside.mail.letters == []
    assert outside.world.location.notifier.lost == 0


def test_notifications_may_overtake_each_other(outside: Outside) -> None:
    outside.subscribe()
    outside.world.apple.settings.notifications.spread = 60
    expected = [outside.associate([A], [serial]).get_json()["eventId"] for serial in "ABCD"]
    outside.world.advance(120)
    arrived = [body["notification"]["eventId"] for body in outside.mail.notifications]
    assert sorted(arrived) == sorted(expected)
    assert arrived != expected


def test_the_portal_makes_events_that_nobody_asked_for(outside: Outside) -> None:
    outside.subscribe()
    event = outside.world.apple.portal(outside.world.location, "ASSOCIATE", A, ["A"])
    outside.world.advance(5)
    assert outside.mail.notifications[0]["notification"]["eventId"] == event.event_id
    assert outside.world.apple.licensed("A", A)
    outside.world.apple.portal(outside.world.location, "DISASSOCIATE", A, ["A"])
    assert not outside.world.apple.licensed("A", A)
    assert outside.world.ledger.violations() == []


def test_devices_may_see_a_licence_late(outside: Outside) -> None:
    outside.world.apple.settings.licence_lag = 30
    outside.associate([A], ["A"])
    outside.world.advance(5)
    assert outside.world.apple.assigned("A", A)
    assert not outside.world.apple.licensed("A", A)
    outside.world.advance(30)
    assert outside.world.apple.licensed("A", A)


# Reading


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", {"1", "2", "3"}),
        ("adamId=2", {"2"}),
        ("pricingParam=PLUS", {"2"}),
        ("productType=Book", {"3"}),
        ("revocable=false", {"3"}),
        ("deviceAssignable=true", {"1", "2"}),
        ("minAvailableCount=10&maxAvailableCount=10", {"1"}),
        ("maxAssignedCount=0", {"1", "2", "3"}),
        ("minAssignedCount=1", set()),
        ("productType=App&pricingParam=STDQ", {"1"}),
    ],
)
def test_assets_are_filtered(query: str, found: set[str]) -> None:
    outside = Outside(devices=0, apps=0)
    library = outside.world.location.library
    library.add(Asset("1", total=10))
    library.add(Asset("2", total=20, pricing_param="PLUS"))
    book = Asset("3", total=5, product_type="Book", revocable=False, device_assignable=False)
    library.add(book)
    body = outside.apple(f"assets?{query}").get_json()
    assert {asset["adamId"] for asset in body["assets"]} == found


def test_assets_without_a_limit() -> None:
    outside = Outside(devices=0, apps=0)
    library = outside.world.location.library
    library.add(Asset("1", total=10))
    library.add(Asset("2", unlimited=True))
    listed = outside.apple("assets").get_json()["assets"]
    assert [asset["totalCount"] for asset in listed] == [10, UNLIMITED]
    without = outside.apple("assets?unlimited=false").get_json()
    assert [asset["adamId"] for asset in without["assets"]] == ["1"]
    apart = outside.apple("assets?unlimited=true").get_json()
    assert [asset["adamId"] for asset in apart["unlimitedAssets"]] == ["2"]
    assert "availableCount" not in apart["unlimitedAssets"][0]
    event_id = outside.apple("assets/associate", pairs(["2"], ["A", "B"])).get_json()["eventId"]
    outside.world.advance(5)
    assert outside.status(event_id)["eventStatus"] == "COMPLETE"


def test_assignments_are_filtered(outside: Outside) -> None:
    outside.world.location.users.add("client-100")
    outside.associate([A, B], ["S1"])
    users = {"assets": [{"adamId": A, "pricingParam": "STDQ"}], "clientUserIds": ["client-100"]}
    outside.apple("assets/associate", users)
    outside.world.advance(5)

    def found(query: str) -> list[tuple[str, str]]:
        rows = outside.apple(f"assignments?{query}").get_json()["assignments"]
        return [(row["adamId"], row.get("serialNumber", row.get("clientUserId"))) for row in rows]

    assert found("") == [(A, "S1"), (B, "S1"), (A, "client-100")]
    assert found(f"adamId={A}") == [(A, "S1"), (A, "client-100")]
    assert found("serialNumber=S1") == [(A, "S1"), (B, "S1")]
    assert found(f"serialNumber=S1&adamId={B}") == [(B, "S1")]
    assert found("clientUserId=client-100") == [(A, "client-100")]
    assert found("serialNumber=S1&clientUserId=client-100") == []
    assert found("pricingParam=PLUS") == []


def test_pages_and_a_version_that_changes_under_the_walk() -> None:
    outside = Outside(devices=0, apps=1, seats=100, apple=AppleSettings(page_size=3))
    outside.associate([A], [f"S{n}" for n in range(7)])
    outside.world.advance(5)
    first = outside.apple("assignments").get_json()
    assert (first["currentPageIndex"], first["nextPageIndex"]) == (0, 1)
    assert (first["totalPages"], first["size"]) == (3, 3)
    second = outside.apple("assignments?pageIndex=1").get_json()
    assert second["versionId"] == first["versionId"]
    outside.world.apple.portal(outside.world.location, "DISASSOCIATE", A, ["S0"])
    last = outside.apple("assignments?pageIndex=1").get_json()
    assert last["versionId"] != first["versionId"]
    assert "nextPageIndex" not in last
    assert last["totalPages"] == 2
    # What was moved to an earlier page is missed by a walk that does not start again.
    assert [row["serialNumber"] for row in last["assignments"]] == ["S4", "S5", "S6"]
    for index in ("2", "-1"):
        assert outside.apple(f"assignments?pageIndex={index}").get_json()["errorNumber"] == 9650
    assert outside.apple("assignments?pageIndex=x").get_json()["errorNumber"] == 9602


def test_an_empty_list_has_one_page() -> None:
    outside = Outside(devices=0, apps=0)
    body = outside.apple("assets?pageIndex=0").get_json()
    assert (body["assets"], body["totalPages"], "nextPageIndex" in body) == ([], 1, False)


def test_since_a_version_only_additions_are_told_never_removals(outside: Outside) -> None:
    outside.associate([A], ["S1", "S2"])
    outside.world.advance(5)
    version = outside.apple("assignments").get_json()["versionId"]
    assert outside.apple(f"assignments?sinceVersionId={version}").get_json()["assignments"] == []
    outside.world.apple.portal(outside.world.location, "ASSOCIATE", A, ["S3"])
    outside.world.apple.portal(outside.world.location, "DISASSOCIATE", A, ["S1"])
    rows = outside.apple(f"assignments?sinceVersionId={version}").get_json()["assignments"]
    assert [row["serialNumber"] for row in rows] == ["S3"]
    assert outside.apple("assignments?sinceVersionId=x").get_json()["errorNumber"] == 9721
