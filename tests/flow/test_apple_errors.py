"""Every errorNumber of Apple's that the bridge knows: what it says of it, and how it ends.

Numbers that come as the reply to a request are played at the request, numbers that come as an
event's result are played at the event and told by its status and by a notification.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.domain import catalogue
from bridge.domain.policy import Policy
from bridge.domain.reasons import REASONS
from bridge.simulator.apple.library import Asset
from bridge.simulator.faults import PLACES, Fault
from tests.flow.scene import HOUR, MakeScene, Scene, hourly, rarely, scenes


@pytest.fixture
def make_scene(tmp_path: Path) -> Iterator[MakeScene]:
    """Many of these scenes last for hours."""
    yield from scenes(tmp_path, policy=hourly())


# Apple, "Handling Error Responses": synchronous codes, then asynchronous ones; "Interpreting Error
# Codes" for the older ones that still come.
SYNCHRONOUS = {
    9601, 9602, 9603, 9609, 9618, 9620, 9621, 9623, 9625, 9634, 9635, 9636, 9637, 9641, 9646, 9647,
    9650, 9700, 9701, 9702, 9703, 9704, 9705, 9706, 9707, 9708, 9710, 9711, 9712, 9713, 9714, 9715,
    9716, 9717, 9718, 9719, 9720, 9721, 9722, 9723, 9724, 9725, 9726, 9727, 9728, 9729, 9811, 9812,
    9813, 9814, 9815, 9816, 9817, 9818,
}  # fmt: skip
ASYNCHRONOUS = {9603, 9644, 9709}
LEGACY = {
    9600, 9604, 9607, 9610, 9616, 9619, 9622, 9624, 9626, 9628, 9630, 9631, 9632, 9643, 9645,
}  # fmt: skip


def test_no_number_of_apples_is_left_out() -> None:
    assert set(catalogue.APPLE_ERRORS) == SYNCHRONOUS | ASYNCHRONOUS | LEGACY


@dataclass(frozen=True)
class Says:
    """What an install says: its state and reason, who must act, and words of the next step."""

    state: str
    reason: str
    actor: str
    next: str


REFUSED = Says("failed", "APPLE_REFUSED", "the admin", "vpp-bridge retry")
BUSY = Says("waiting", "APPLE_BUSY", "Apple", "asks again by itself")
AWAY = Says("waiting", "APPLE_AWAY", "Apple", "sends it again by itself")
AGAIN = Says("waiting", "LICENSE_RETRY", "nobody", "asks again")
NO_SEAT = Says("waiting", "NO_SEAT", "the admin", "buy more")
FOR_USERS = Says("failed", "NOT_DEVICE_ASSIGNABLE", "the admin", "take it out of the file")
IRREVOCABLE = Says("failed", "NOT_REVOCABLE", "the admin", "leave it where it is")
GONE = Says("failed", "LICENSE_GONE", "the admin", "vpp-bridge retry")
INVALID = Says("waiting", "TOKEN_INVALID", "the admin", "download a new token")
EXPIRED = Says("waiting", "TOKEN_EXPIRED", "the admin", "download a new token")
REVOKED = Says("waiting", "TOKEN_REVOKED", "the admin", "download a new token")
READ_ONLY = Says("waiting", "TOKEN_READ_ONLY", "the admin", "content manager")
MANAGED = Says("waiting", "APPLE_MANAGED", "the admin", "location of its own")
REMOVED = Says("waiting", "SERVICE_REMOVED", "the admin", "newer version")

# At an associate: what is said, and words of the cause in the sentence.
AT_ASSOCIATE: dict[int, tuple[Says, str]] = {
    9600: (REFUSED, "missed an argument"),
    9601: (INVALID, "asks for a content token"),
    9602: (REFUSED, "argument invalid"),
    9603: (AWAY, "internal error"),
    9604: (AGAIN, "did not find"),
    9607: (IRREVOCABLE, "cannot be taken back"),
    9609: (AGAIN, "knows no such user"),
    9610: (AGAIN, "did not find the licence"),
    9616: (AGAIN, "already assigned"),
    9618: (AGAIN, "user is retired"),
    9619: (AGAIN, "not assigned"),
    9620: (AGAIN, "user is retired"),
    9621: (EXPIRED, "has expired"),
    9622: (INVALID, "is not valid"),
    9623: (AGAIN, "apns token"),
    9624: (GONE, "refunded"),
    9625: (REVOKED, "was revoked"),
    9626: (AGAIN, "somebody else"),
    9628: (FOR_USERS, "cannot be assigned to devices"),
    9630: (AWAY, "too often"),
    9631: (AWAY, "too often"),
    9632: (AWAY, "the same too often"),
    9634: (REMOVED, "removed"),
    9635: (REFUSED, "cannot be tied to the user"),
    9636: (AGAIN, "knows no such user"),
    9637: (READ_ONLY, "may only read"),
    9641: (REFUSED, "tied to another user"),
    9643: (AWAY, "pending transfer"),
    9644: (AWAY, "maintenance"),
    9645: (MANAGED, "apple's own device management"),
    9646: (AWAY, "fewer requests"),
    9647: (INVALID, "no longer served"),
    9650: (AGAIN, "out of range"),
    9701: (AGAIN, "too many users"),
    9703: (REFUSED, "twice"),
    9704: (REFUSED, "twice"),
    9705: (REFUSED, "twice"),
    9706: (IRREVOCABLE, "cannot be taken back"),
    9707: (FOR_USERS, "cannot be assigned to devices"),
    9708: (AGAIN, "no longer knows the event"),
    9709: (NO_SEAT, "no licence left"),
    9710: (AGAIN, "belong together"),
    9711: (AGAIN, "too long"),
    9712: (AGAIN, "not valid https"),
    9713: (AGAIN, "too long"),
    9715: (REFUSED, "a user stood twice"),
    9716: (AGAIN, "user exists already"),
    9717: (REFUSED, "does not take the e-mail address"),
    9718: (REFUSED, "no asset"),
    9719: (REFUSED, "no serial number"),
    9720: (AGAIN, "cannot reach"),
    9721: (AGAIN, "version"),
    9722: (INVALID, "malformed"),
    9723: (AGAIN, "belong together"),
    9724: (AGAIN, "too long"),
    9725: (AGAIN, "too long"),
    9726: (REFUSED, "method"),
    9727: (REFUSED, "content type"),
    9728: (AGAIN, "cannot reach"),
    9729: (AWAY, "unavailable"),
    9811: (REFUSED, "about subscriptions invalid"),
    9812: (AGAIN, "cursor"),
    9813: (REFUSED, "no subscription of this adam id"),
    9814: (REFUSED, "has not associated"),
    9815: (AGAIN, "not assigned"),
    9816: (AGAIN, "too many subscriptions"),
    9817: (REFUSED, "through a group"),
    9818: (REFUSED, "cannot be disabled"),
}

SPLIT = {9700, 9702, 9714}
"""Too much for one request: nobody is told, less is asked at once."""

BY_ITSELF = (AWAY, BUSY, AGAIN, NO_SEAT, INVALID, EXPIRED, REVOKED, REMOVED)
"""What goes on alone once Apple no longer says so."""
A_PERSON = (REFUSED, FOR_USERS, IRREVOCABLE, GONE)
WRITES_ONLY = (READ_ONLY, MANAGED)
"""What no read can disprove: another token does, and the next write is not before tomorrow."""


def test_every_number_has_its_flow() -> None:
    assert set(AT_ASSOCIATE) | SPLIT == set(catalogue.APPLE_ERRORS)


def check_says(scene: Scene, says: Says, cause: str, number: int | None = None) -> None:
    """The install says this, and the list says the same."""
    install = scene.install()
    told = install["explanation"]
    assert (install["state"], install["reason"]) == (says.state, says.reason)
    assert cause in told["sentence"].lower()
    assert told["who_must_act"] == says.actor
    assert told["needs_someone"] == (says.actor not in ("nobody", "Apple"))
    assert says.next in told["next"].lower()
    if says in (AWAY, BUSY, AGAIN):
        assert told["next_at"] is not None, "it says when"
    for text in (told["sentence"], told["next"]):
        assert text.endswith(".") and not text.endswith("..")
        assert not any(gap in text for gap in ("{app}", "{detail}", "{location}", "no detail"))
    assert str(number) in told["sentence"] or number is None
    listed = scene.installs()[0]
    assert (listed["state"], listed["reason"]) == (says.state, says.reason)


def struck(scene: Scene, times: int = 1) -> None:
    """Let time pass until the planned error came for the `times`-th time, and no further."""
    scene.run(lambda: scene.world.faults.total >= times)


def over(scene: Scene) -> None:
    """Nothing goes wrong any more."""
    scene.world.faults._planned.clear()


def asked(scene: Scene) -> int:
    return scene.world.ledger.requests["apple.associate"]


def installed(scene: Scene, limit: float = 2 * HOUR) -> None:
    """It goes on by itself, to the end, and nothing was done that must not be."""
    scene.run(scene.all_installed, limit)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def stays(scene: Scene, seconds: float) -> None:
    """It stays as it is, and Apple is not asked for the licence again."""
    before, requests = scene.states(), asked(scene)
    scene.pass_time(seconds)
    assert scene.states() == before
    assert asked(scene) == requests


def new_token(scene: Scene) -> None:
    """Somebody downloads another content token of the location and puts it into the file."""
    token = scene.world.apple.issue_token(scene.world.location)
    scene.config.locations["hq"].content_token_file.write_text(token.text)
    scene.pass_time(6)  # the file is looked at every five seconds


def ends_as(scene: Scene, says: Says) -> None:
    """After the error has come once and is over."""
    if says in BY_ITSELF:
        installed(scene)
    elif says in WRITES_ONLY:
        stays(scene, 6 * HOUR)
        new_token(scene)
        installed(scene, 60)
    else:
        stays(scene, 6 * HOUR)
        assert scene.bridge.retry() == 1
        installed(scene)


@pytest.mark.sweep
@pytest.mark.parametrize("number", AT_ASSOCIATE)
def test_a_request_that_is_refused(make_scene: MakeScene, number: int) -> None:
    says, cause = AT_ASSOCIATE[number]
    fault = Fault("apple.associate", "error", number=number)
    scene = make_scene(devices=1, apps=1, faults=[fault], policy=rarely(service_config_every=HOUR))
    scene.apply()
    struck(scene)
    check_says(scene, says, cause, number if "{detail}" in REASONS[says.reason].sentence else None)
    ends_as(scene, says)
    assert asked(scene) == 2


@pytest.mark.sweep
@pytest.mark.parametrize("number", [n for n, (says, _) in AT_ASSOCIATE.items() if says is AGAIN])
def test_a_refusal_that_does_not_end_is_given_up(make_scene: MakeScene, number: int) -> None:
    fault = Fault("apple.associate", "error", number=number, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    scene.run(lambda: "failed APPLE_REFUSED" in scene.states(), 4 * HOUR)
    check_says(scene, REFUSED, AT_ASSOCIATE[number][1], number)
    assert asked(scene) == 1 + len(Policy().associate.retry)
    over(scene)
    ends_as(scene, REFUSED)


@pytest.mark.sweep
@pytest.mark.parametrize("number", [n for n, (says, _) in AT_ASSOCIATE.items() if says is AWAY])
def test_a_busy_apple_is_asked_again_for_ever_at_growing_intervals(
    make_scene: MakeScene, number: int
) -> None:
    fault = Fault("apple.associate", "error", number=number, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    scene.pass_time(6 * HOUR)
    check_says(scene, *AT_ASSOCIATE[number], number)
    assert 10 < asked(scene) < 50
    over(scene)
    installed(scene, HOUR)


def test_apple_says_for_how_long_it_is_busy(make_scene: MakeScene) -> None:
    fault = Fault("apple.associate", "error", number=9729, retry_after=500)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    struck(scene)
    began = scene.world.now
    check_says(scene, AWAY, "unavailable", 9729)
    scene.run(lambda: asked(scene) == 2)
    assert 500 <= scene.world.now - began < 510
    installed(scene)


@pytest.mark.parametrize(
    ("status", "says", "cause"),
    [
        (429, AWAY, "fewer requests"),
        (401, AWAY, "in apple's stead"),
        (403, AWAY, "in apple's stead"),
        (404, AWAY, "in apple's stead"),
        (407, AWAY, "in apple's stead"),
    ],
)
def test_a_refusal_without_a_number(
    make_scene: MakeScene, status: int, says: Says, cause: str
) -> None:
    fault = Fault("apple.associate", "gateway", status=status)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    struck(scene)
    check_says(scene, says, cause)
    installed(scene)


# What only a write shows, and a token's end, with the tokens as Apple has them.


def expire(scene: Scene) -> None:
    scene.world.location.tokens[-1].expires_at = scene.world.now


def revoke(scene: Scene) -> None:
    scene.world.location.tokens[-1].revoked = True


def forget(scene: Scene) -> None:
    scene.world.location.tokens.pop()


def restrict(scene: Scene) -> None:
    scene.world.location.tokens[-1].read_only = True


@pytest.mark.parametrize(
    ("happen", "says", "cause"),
    [
        (expire, EXPIRED, "has expired"),
        (revoke, REVOKED, "was revoked"),
        (forget, INVALID, "is not valid"),
        (restrict, READ_ONLY, "may only read"),
    ],
)
def test_a_token_that_does_not_do_stops_all_until_there_is_another(
    make_scene: MakeScene, happen: Callable[[Scene], None], says: Says, cause: str
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    happen(scene)
    scene.pass_time(5)
    check_says(scene, says, cause)
    assert asked(scene) == 1
    stays(scene, 12 * HOUR)
    new_token(scene)
    installed(scene, 60)


@pytest.mark.parametrize(
    ("number", "says"),
    [(9601, INVALID), (9634, REMOVED), (9647, INVALID), (9722, INVALID)],
)
def test_a_location_stays_stopped_for_as_long_as_apple_says_so(
    make_scene: MakeScene, number: int, says: Says
) -> None:
    places = [p for p in PLACES if p.startswith("apple.") and "error" in PLACES[p]]
    spared = {"apple.event", "apple.service_config", "apple.lookup"}
    scene = make_scene(devices=1, apps=1, policy=Policy())
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    for place in set(places) - spared:
        scene.world.faults.add(Fault(place, "error", number=number, times=0))  # type: ignore[arg-type]
    scene.pass_time(5)
    check_says(scene, says, AT_ASSOCIATE[number][1])
    stays(scene, 12 * HOUR)
    over(scene)
    installed(scene, Policy().sync.service_config_every + 60)


# As the result of an event.

AT_EVENT: dict[int, tuple[Says, str]] = {
    **{n: (BUSY, AT_ASSOCIATE[n][1]) for n in (9603, 9644)},  # Apple documents these and 9709
    **{n: (BUSY, AT_ASSOCIATE[n][1]) for n in (9630, 9631, 9632, 9643)},
    **{n: AT_ASSOCIATE[n] for n in (9604, 9610, 9616, 9624, 9626, 9628, 9709)},
    9645: (MANAGED, "apple's own device management"),
    9707: AT_ASSOCIATE[9707],
    **{n: AT_ASSOCIATE[n] for n in (9635, 9641, 9716)},  # of users' accounts
    # Of tomorrow: a number that the bridge has no word for.
    9999: (AGAIN, "not known"),
}

ONLY_A_REPLY = set(catalogue.APPLE_ERRORS) - set(AT_EVENT)
"""About the request itself, its token, or other calls: an event cannot end with these."""


def test_only_what_is_about_a_request_cannot_be_an_events_result() -> None:
    assert (SYNCHRONOUS | LEGACY) - set(AT_EVENT) == ONLY_A_REPLY
    assert set(AT_EVENT) >= ASYNCHRONOUS


@pytest.mark.sweep
@pytest.mark.parametrize("teller", ["status", "notification"])
@pytest.mark.parametrize("number", AT_EVENT)
def test_an_event_that_fails(make_scene: MakeScene, number: int, teller: str) -> None:
    says, cause = AT_EVENT[number]
    silence = {
        "status": Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0),
        "notification": Fault("apple.status", "gateway", status=503, times=0),
    }[teller]
    fault = Fault("apple.event", "error", number=number)
    scene = make_scene(devices=1, apps=1, faults=[fault, silence])
    scene.apply()
    scene.run(lambda: scene.states() == {f"{says.state} {says.reason}": 1}, 60)
    assert scene.world.faults.struck["error at apple.event"] == 1
    check_says(scene, says, cause)
    if says is not MANAGED:  # then nothing is known of this licence, and it is withdrawn
        assert f"told by {teller}" in str(scene.install()["trail"])
    ends_as(scene, says)
    assert asked(scene) == 2


def test_more_seats_end_a_shortage_at_once(make_scene: MakeScene) -> None:
    """Apple's last count said two, and somebody took one in the portal since."""
    scene = make_scene(devices=2, apps=1, seats=2)
    scene.world.location.users.add("somebody")
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", scene.adam_ids[0], ["ELSEWHERE"])
    scene.run(lambda: "waiting NO_SEAT" in scene.states())
    scene.run(lambda: scene.states().get("installed INSTALLED") == 1)
    waiting = scene.installs(state="waiting")[0]["serial_number"]
    told = scene.install(waiting)["explanation"]
    assert "no licence" in told["sentence"].lower()
    assert told["needs_someone"]
    scene.world.apple.buy(scene.world.location, scene.adam_ids[0], 1)
    installed(scene, 120)


def test_a_licence_that_is_assigned_already_is_found_and_not_asked_again(
    make_scene: MakeScene,
) -> None:
    faults = [
        Fault("apple.associate", "error", number=9616),
        Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0),
    ]
    scene = make_scene(devices=1, apps=1, faults=faults)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", *scene.adam_ids, scene.serials)
    installed(scene, 60)
    assert asked(scene) == 1
    assert "told by read" in str(scene.install()["explanation"]["evidence"])


def test_an_app_that_devices_cannot_have_does_not_take_the_others_with_it(
    make_scene: MakeScene,
) -> None:
    """Apple refuses the request whole, and names the app in errorInfo."""
    scene = make_scene(devices=2, apps=3)
    barred = scene.adam_ids[1]
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.world.location.library.assets[barred, "STDQ"].device_assignable = False
    scene.run(lambda: scene.states().get("installed INSTALLED") == 4)
    assert scene.states()["failed NOT_DEVICE_ASSIGNABLE"] == 2
    assert {i["adam_id"] for i in scene.installs(state="failed")} == {barred}
    assert scene.world.ledger.violations() == []


def test_an_app_that_the_location_lost_does_not_take_the_others_with_it(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=2, apps=3)
    lost = scene.adam_ids[1]
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    del scene.world.location.library.assets[lost, "STDQ"]
    scene.run(lambda: scene.states().get("installed INSTALLED") == 4, 2 * HOUR)
    assert {i["adam_id"] for i in scene.installs() if i["state"] != "installed"} == {lost}


# Too much for one request.


@pytest.mark.slow
@pytest.mark.parametrize(
    ("number", "limit", "value"), [(9700, "maxAssets", 2), (9702, "maxSerialNumbers", 3)]
)
def test_limits_that_shrank_unseen_are_kept_by_asking_for_less(
    make_scene: MakeScene, number: int, limit: str, value: int
) -> None:
    scene = make_scene(devices=8, apps=8)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    scene.world.apple.settings.limits[limit] = value
    scene.run(lambda: any(state.startswith("installed") for state in scene.states()), 600)
    assert not any(state.startswith("failed") for state in scene.states())
    installed(scene)
    assert len(scene.world.location.library.assignments) == 64


@pytest.mark.parametrize("number", sorted(SPLIT))
def test_a_request_that_is_never_small_enough_is_given_up(
    make_scene: MakeScene, number: int
) -> None:
    fault = Fault("apple.associate", "error", number=number, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    scene.run(lambda: "failed APPLE_REFUSED" in scene.states(), 4 * HOUR)
    check_says(scene, REFUSED, "too many", number)
    assert asked(scene) <= 20
    over(scene)
    ends_as(scene, REFUSED)


# At what is read.

READS = ("apple.client_config", "apple.assets", "apple.assignments", "apple.service_config")


@pytest.mark.sweep
@pytest.mark.parametrize("place", READS)
@pytest.mark.parametrize(
    "number", [9600, 9602, 9603, 9604, 9630, 9644, 9646, 9650, 9721, 9726, 9729, 9999]
)
def test_a_read_that_is_refused_once_is_made_again(
    make_scene: MakeScene, place: Any, number: int
) -> None:
    scene = make_scene(
        devices=1, apps=1, faults=[Fault(place, "error", number=number)], policy=Policy()
    )
    scene.apply()
    scene.run(lambda: scene.world.faults.total == 1)
    assert scene.install()["explanation"]["sentence"]
    installed(scene, 600)


@pytest.mark.sweep
@pytest.mark.parametrize("place", READS[:3])
@pytest.mark.parametrize("number", [9601, 9621, 9622, 9625, 9634, 9647, 9722])
def test_a_token_that_is_refused_once_at_a_read(
    make_scene: MakeScene, place: Any, number: int
) -> None:
    scene = make_scene(
        devices=1, apps=1, faults=[Fault(place, "error", number=number)], policy=Policy()
    )
    scene.apply(scene.wanted_for(scene.serials))
    struck(scene)
    if place != "apple.assets":  # the assignments are read in the same moment, with a good reply
        check_says(scene, *AT_ASSOCIATE[number])
    installed(scene, 2 * Policy().sync.service_config_every)


@pytest.mark.parametrize("place", ["apple.assets", "apple.assignments"])
@pytest.mark.parametrize("number", [9650, 9721])
def test_a_walk_whose_pages_moved_begins_again(
    make_scene: MakeScene, place: Any, number: int
) -> None:
    fault = Fault(place, "error", match="pageIndex=1", number=number)
    scene = make_scene(devices=3, apps=2, faults=[fault])
    scene.world.apple.settings.page_size = 2
    both = Asset("77", platforms=("iOS", "macOS"))
    scene.world.add_app(scene.world.location, "77", "com.example.more", "More", both)
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", "77", ["A", "B", "C"])
    scene.apply(scene.wanted_for(scene.serials))
    struck(scene)
    installed(scene, 120)


def test_a_version_that_apple_no_longer_knows_is_read_in_full(make_scene: MakeScene) -> None:
    fault = Fault("apple.assignments", "error", match="sinceVersionId", number=9721)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    installed(scene)
    before = scene.world.ledger.requests["apple.assignments"]
    scene.run(lambda: scene.world.faults.total == 1, 86400)
    scene.pass_time(60)
    assert scene.world.ledger.requests["apple.assignments"] >= before + 2
    assert scene.all_installed()


@pytest.mark.parametrize("number", [9708, 9602, 9604, 9999])
def test_an_event_that_apple_does_not_tell_of_is_looked_up(
    make_scene: MakeScene, number: int
) -> None:
    faults = [
        Fault("apple.status", "error", number=number, times=0),
        Fault("apple.notification", "drop", match="ASSET_MANAGEMENT", times=0),
    ]
    scene = make_scene(devices=1, apps=1, faults=faults)
    scene.apply()
    installed(scene, 120)
    assert asked(scene) == 1
    assert "told by read" in str(scene.install()["trail"])


def test_an_event_of_which_nothing_is_known_is_explained(make_scene: MakeScene) -> None:
    faults = [Fault("apple.status", "error", number=9708, times=0), Fault("apple.event", "stuck")]
    scene = make_scene(devices=1, apps=1, faults=faults)
    scene.apply()
    scene.run(lambda: scene.world.ledger.requests["apple.status"] == 1)
    scene.pass_time(60)
    install = scene.install()
    assert (install["state"], install["reason"]) == ("associating", "ASSOCIATE_IN_DOUBT")
    listed = scene.installs()[0]
    assert (listed["state"], listed["reason"]) == ("associating", "ASSOCIATE_IN_DOUBT")
    assert "only if it is still missing later" in install["explanation"]["next"]
    installed(scene)
    assert asked(scene) == 2


# At telling Apple who we are.


@pytest.mark.parametrize("number", [9710, 9711, 9712, 9720, 9728])
def test_a_notification_url_that_apple_does_not_take_is_done_without(
    make_scene: MakeScene, number: int
) -> None:
    fault = Fault("apple.set_client_config", "error", match="notificationUrl", number=number)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    installed(scene, 120)
    assert scene.world.location.client.notification_url == ""
    assert "told by status" in str(scene.install()["trail"])
    scene.run(lambda: scene.world.location.client.notification_url != "", 2 * HOUR)


REGISTERING: Mapping[int, str] = {
    9602: "argument invalid",
    9623: "apns token",
    9713: "metadata is too long",
    9723: "belong together",
    9724: "id is too long",
    9725: "name is too long",
    9999: "not known",
}


@pytest.mark.parametrize("number", REGISTERING)
def test_a_client_configuration_that_apple_does_not_take(
    make_scene: MakeScene, number: int
) -> None:
    fault = Fault("apple.set_client_config", "error", number=number, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply(scene.wanted_for(scene.serials))
    struck(scene)
    scene.pass_time(HOUR)
    install = scene.install()
    told = install["explanation"]
    assert install["state"] == "waiting"
    assert REGISTERING[number] in told["sentence"].lower()
    assert str(number) in told["sentence"]
    assert told["who_must_act"] == "the admin"
    assert asked(scene) == 0
    over(scene)
    installed(scene)


@pytest.mark.parametrize("number", [9603, 9644, 9646, 9729])
def test_a_client_configuration_that_apple_takes_later(make_scene: MakeScene, number: int) -> None:
    fault = Fault("apple.set_client_config", "error", number=number, times=3)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply(scene.wanted_for(scene.serials))
    struck(scene, 3)
    told = scene.install()["explanation"]
    assert AT_ASSOCIATE[number][1] in told["sentence"].lower()
    assert not told["needs_someone"]
    installed(scene)


@pytest.mark.parametrize("number", [9621, 9625, 9637, 9645])
def test_a_token_that_may_not_register(make_scene: MakeScene, number: int) -> None:
    fault = Fault("apple.set_client_config", "error", number=number, times=0)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply(scene.wanted_for(scene.serials))
    struck(scene)
    check_says(scene, *AT_ASSOCIATE[number])
    over(scene)
    new_token(scene)
    installed(scene, 120)


# At giving a licence back.


def no_longer_wanted(scene: Scene, number: int, place: Any, times: int = 1) -> None:
    """An installed app whose licence is to be given back, and Apple says `number` to that."""
    desired = scene.wanted_for(scene.serials, mode="license_only", on_unwanted="release")
    scene.apply(desired)
    scene.run(lambda: scene.states() == {"licensed LICENSED": 1})
    scene.world.faults.add(
        Fault(place, "error", match="ASSOCIATE", number=number, times=times)
        if place == "apple.event"
        else Fault(place, "error", number=number, times=times)
    )
    scene.apply(scene.wanted_for([], mode="license_only", on_unwanted="release"))


@pytest.mark.parametrize("place", ["apple.disassociate", "apple.event"])
@pytest.mark.parametrize("number", [9607, 9706])
def test_a_licence_that_cannot_be_taken_back_stays(
    make_scene: MakeScene, number: int, place: str
) -> None:
    scene = make_scene(devices=1, apps=1)
    no_longer_wanted(scene, number, place)
    scene.run(lambda: scene.states() == {"failed NOT_REVOCABLE": 1}, 120)
    check_says(scene, IRREVOCABLE, "cannot be taken back")
    requests = scene.world.ledger.requests["apple.disassociate"]
    scene.pass_time(12 * HOUR)
    assert scene.world.ledger.requests["apple.disassociate"] == requests == 1


@pytest.mark.sweep
@pytest.mark.parametrize("place", ["apple.disassociate", "apple.event"])
@pytest.mark.parametrize("number", [9603, 9604, 9626, 9643, 9646, 9999])
def test_giving_back_goes_on_later(make_scene: MakeScene, number: int, place: str) -> None:
    scene = make_scene(devices=1, apps=1)
    no_longer_wanted(scene, number, place)
    scene.run(lambda: scene.world.faults.total == 1, 60)
    scene.pass_time(3)
    assert scene.install()["state"] == "removing"
    scene.run(lambda: scene.states() == {"removed RELEASED": 1}, HOUR)
    assert scene.world.location.library.assignments == {}


@pytest.mark.parametrize("place", ["apple.disassociate", "apple.event"])
@pytest.mark.parametrize("number", [9610, 9619])
def test_a_licence_that_is_gone_already_counts_as_given_back(
    make_scene: MakeScene, number: int, place: str
) -> None:
    """Somebody took it back in the portal, and no notification told of it."""
    scene = make_scene(devices=1, apps=1)
    lost = Fault("apple.notification", "drop", match="DISASSOCIATE", times=0)
    scene.world.faults.add(lost)
    no_longer_wanted(scene, number, place, times=0)
    scene.world.apple.portal(scene.world.location, "DISASSOCIATE", *scene.adam_ids, scene.serials)
    scene.run(lambda: scene.states() == {"removed RELEASED": 1}, HOUR)
    assert scene.world.ledger.requests["apple.disassociate"] <= 2
