"""Deciding for what is not wanted any more, and for devices that have gone silent."""

from dataclasses import replace

import pytest

from bridge.domain.decision import (
    AskApps,
    CancelAttempt,
    Decision,
    GiveBack,
    LeaveLine,
    PostAgain,
    SendInstall,
    SendRemove,
    Step,
    Wake,
)
from bridge.domain.facts import Facts, Licence, LocationFacts
from bridge.domain.installs.options import Options
from bridge.domain.model import Attempt
from tests.unit.domain_kit import (
    DAY,
    HELD,
    HOUR,
    MINUTE,
    NOW,
    POLICY,
    UUID,
    asset,
    attempt,
    decided,
    device,
    facts,
    install,
    licensed,
    report,
)

OURS = replace(HELD, ours=True)
GONE = Licence("none")
REMOVE = "22222222-0000-4000-8000-000000000002"


def unwanted(on_unwanted: str, **changes: object) -> Facts:
    """An install that is not wanted any more, of a device that still lists the app."""
    values: dict[str, object] = {
        "install": install(desired=False, round_at=NOW - 10 * MINUTE),
        "options": Options(on_unwanted=on_unwanted),  # type: ignore[arg-type]
        "licence": OURS,
        "report": report("Managed"),
    }
    return facts(**values | changes)


def removal(state: str, **changes: object) -> Attempt:
    """The RemoveApplication, made five minutes ago."""
    return attempt(state, command_uuid=REMOVE, created_at=NOW - 5 * MINUTE, **changes)


def refused(number: int | None, *, ago: float = 1.0, times: int = 1) -> Licence:
    return Licence("refused", NOW - ago, error_number=number, refusals=times)


DROP = CancelAttempt(UUID)

CASES: dict[str, tuple[Facts, Decision]] = {
    "kept": (unwanted("keep"), Decision("removed", "KEPT", "on_unwanted is keep")),
    "kept without a licence": (
        unwanted("keep", licence=GONE),
        Decision("removed", "KEPT", "on_unwanted is keep"),
    ),
    "kept, what was ready is dropped": (
        unwanted("keep", attempt=attempt("ready")),
        Decision("removed", "KEPT", "on_unwanted is keep", steps=(DROP,)),
    ),
    "kept, what is in doubt is dropped": (
        unwanted("keep", attempt=attempt("in_doubt")),
        Decision("removed", "KEPT", "on_unwanted is keep", steps=(DROP,)),
    ),
    "kept, what left cannot be called back": (
        unwanted("keep", attempt=attempt("queued")),
        Decision("removed", "KEPT", "on_unwanted is keep"),
    ),
    "kept, and out of the line": (
        unwanted("keep", licence=Licence("collected", NOW)),
        Decision("removed", "KEPT", "on_unwanted is keep", steps=(LeaveLine(),)),
    ),
    "given back": (
        unwanted("release"),
        Decision("removing", "RELEASING", steps=(GiveBack(),)),
    ),
    "given back, and what was ready is dropped": (
        unwanted("release", attempt=attempt("ready")),
        Decision("removing", "RELEASING", steps=(DROP, GiveBack())),
    ),
    "out of the line, with nothing to give back": (
        unwanted("release", licence=Licence("collected", NOW)),
        Decision("removed", "NOT_LICENSED", steps=(LeaveLine(),)),
    ),
    "first it must be known whether Apple gave it": (
        unwanted("release", licence=Licence("open", NOW)),
        Decision("removing", "RELEASE_WAITS"),
    ),
    "or whether Apple got the request": (
        unwanted("remove", licence=Licence("in_doubt", NOW)),
        Decision("removing", "RELEASE_WAITS"),
    ),
    "on its way back": (
        unwanted("release", release=Licence("open", NOW, event_id="E")),
        Decision("removing", "RELEASING", "event E"),
    ),
    "on its way back, in doubt": (
        unwanted("remove", release=Licence("in_doubt", NOW)),
        Decision("removing", "RELEASING"),
    ),
    "a licence that we did not ask for stays": (
        unwanted("release", licence=HELD),
        Decision("removed", "LICENSE_NOT_OURS"),
    ),
    "there is no licence": (
        unwanted("release", licence=GONE),
        Decision("removed", "NOT_LICENSED"),
    ),
    "its licence went back": (
        unwanted("release", licence=GONE, gave_back=True),
        Decision("removed", "RELEASED"),
    ),
    "it is for no such device": (
        unwanted(
            "release",
            licence=GONE,
            gave_back=True,
            asset=asset(platforms="iOS,macOS"),
            device=device(product_name="AppleTV11,1"),
        ),
        Decision(
            "removed",
            "NOT_FOR_DEVICE",
            "its product is AppleTV11,1, and the app is for iOS, macOS; the licence that it had "
            "got was given back",
        ),
    ),
    "nothing is given back at a location that stopped": (
        unwanted("release", location=LocationFacts("hq", True, "TOKEN_EXPIRED", "why")),
        Decision("removing", "TOKEN_EXPIRED", "why"),
    ),
    "Apple will not take it back": (
        unwanted("release", release=refused(9706)),
        Decision("failed", "NOT_REVOCABLE", "the licence cannot be taken back (9706)"),
    ),
    "Apple was busy": (
        unwanted("release", release=refused(9603)),
        Decision(
            "removing", "RELEASE_RETRY", "Apple had an internal error (9603)", recheck_at=NOW + 9
        ),
    ),
    "Apple was busy, ten seconds ago": (
        unwanted("release", release=refused(9603, ago=10)),
        Decision("removing", "RELEASING", steps=(GiveBack(),)),
    ),
    "Apple says no again and again": (
        unwanted("release", release=refused(4711, times=6)),
        Decision("failed", "RELEASE_REFUSED", "Apple gave a reason that is not known (4711)"),
    ),
    "the licence is back, now the app": (
        unwanted("remove", licence=GONE),
        Decision("removing", "REMOVING", steps=(SendRemove(),)),
    ),
    "somebody else's licence stays, the app goes": (
        unwanted("remove", licence=HELD),
        Decision("removing", "REMOVING", steps=(SendRemove(),)),
    ),
    "the device has left": (
        unwanted("remove", licence=GONE, gave_back=True, device=device(enrolled=False)),
        Decision("removed", "RELEASED", "the device is not enrolled"),
    ),
    "the device was never shown": (
        unwanted("remove", licence=GONE, device=None, report=None),
        Decision("removed", "NOT_LICENSED", "the device is not enrolled"),
    ),
    "a list since shows that it is gone": (
        unwanted("remove", licence=GONE, report=report(None, there_at=NOW - HOUR)),
        Decision("removed", "REMOVED"),
    ),
    "no list has ever shown it as managed": (
        unwanted("remove", licence=GONE, report=report(None)),
        Decision("removed", "NOTHING_REMOVED", "its list of managed apps does not have it"),
    ),
    "nothing was ever sent, and nobody knows its bundle id": (
        unwanted("remove", licence=GONE, report=None, bundle_id=None),
        Decision("removed", "NOTHING_REMOVED", "it was never sent there"),
    ),
    "a removal that the network kept from the store is never given up": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal(
                "error", error_domain="NSURLErrorDomain", error_code=-1009, attempt=99
            ),
        ),
        Decision(
            "removing",
            "REMOVING",
            "the device could not reach the App Store (NSURLErrorDomain -1009)",
            recheck_at=NOW - MINUTE + 6 * HOUR,
        ),
    ),
    "a list made at that moment does, too": (
        unwanted(
            "remove",
            licence=GONE,
            report=report(None, there_at=NOW - HOUR),
            device=device(apps_asked_at=NOW - 10 * MINUTE),
        ),
        Decision("removed", "REMOVED"),
    ),
    "a list from before shows nothing": (
        unwanted(
            "remove", licence=GONE, report=None, device=device(apps_asked_at=NOW - 11 * MINUTE)
        ),
        Decision("removing", "REMOVING", steps=(AskApps(),)),
    ),
    "nobody knows what to remove": (
        unwanted("remove", licence=GONE, bundle_id=None, report=None, attempt=attempt()),
        Decision("unconfirmed", "BUNDLE_ID_UNKNOWN"),
    ),
    "its install is still on its way": (
        unwanted("remove", licence=GONE, attempt=attempt("queued")),
        Decision("removing", "REMOVAL_WAITS"),
    ),
    "being removed": (
        unwanted("remove", licence=GONE, removal=removal("posted")),
        Decision("removing", "REMOVING"),
    ),
    "the device has removed it": (
        unwanted("remove", licence=GONE, removal=removal("acknowledged")),
        Decision("removed", "REMOVED"),
    ),
    "it was not managed any more": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("error", error_domain="MCMDMErrorDomain", error_code=12029),
        ),
        Decision(
            "removed",
            "NOTHING_REMOVED",
            "it answered that the app is not managed (MCMDMErrorDomain 12029)",
        ),
    ),
    "the removal is in doubt": (
        unwanted("remove", licence=GONE, removal=removal("in_doubt", in_doubt_at=NOW - MINUTE)),
        Decision("removing", "REMOVING", "in doubt", steps=(AskApps(),)),
    ),
    "the removal is in doubt, and asked about": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("in_doubt", in_doubt_at=NOW - MINUTE),
            list_open=True,
        ),
        Decision("removing", "REMOVING", "in doubt"),
    ),
    "the removal was lost": (
        unwanted(
            "remove", licence=GONE, removal=removal("in_doubt", in_doubt_at=NOW - 3 * MINUTE)
        ),
        Decision("removing", "REMOVING", "still managed", steps=(PostAgain(REMOVE),)),
    ),
    "the device could not": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("error", error_domain="Odd", error_code=5, answered_at=NOW),
        ),
        Decision(
            "removing",
            "REMOVING",
            "the device gave a reason that is not known (Odd 5)",
            recheck_at=NOW + 20,
        ),
    ),
    "the device could not, twenty seconds ago": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("error", error_domain="Odd", error_code=5, answered_at=NOW - 20),
        ),
        Decision("removing", "REMOVING", steps=(SendRemove(),)),
    ),
    "the device could not, too often": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("error", error_domain="Odd", error_code=5, attempt=7),
        ),
        Decision("failed", "REMOVE_FAILED", "the device gave a reason that is not known (Odd 5)"),
    ),
    "the device does not know how": (
        unwanted(
            "remove",
            licence=GONE,
            removal=removal("error", error_domain="MDMErrorDomain", error_code=12021),
        ),
        Decision("failed", "REMOVE_FAILED", "the device does not know this command "
                 "(MDMErrorDomain 12021)"),
    ),
    "wanted again while its licence is on the way back": (
        licensed(licence=OURS, release=Licence("open", NOW, event_id="E")),
        Decision("waiting", "RELEASING", "event E"),
    ),
    "wanted again, and that in doubt": (
        licensed(licence=OURS, release=Licence("in_doubt", NOW)),
        Decision("waiting", "RELEASING"),
    ),
    "wanted again after Apple refused to take it back": (
        licensed(licence=OURS, release=refused(9706)),
        Decision("sending", "COMMAND_READY", steps=(SendInstall(),)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_what_becomes_of_the_unwanted(case: str) -> None:
    fact, expected = CASES[case]
    assert decided(fact) == expected


def test_wanted_again_in_time_it_leaves_the_line() -> None:
    decision = decided(licensed(licence=OURS, release=Licence("collected", NOW)))
    assert LeaveLine() in decision.steps


@pytest.mark.parametrize("way", ["posting", "posted", "queued", "not_now"])
def test_an_install_on_its_way_is_no_removed_app(way: str) -> None:
    fact = unwanted("remove", licence=GONE, report=None, attempt=attempt(way))
    decision = decided(fact)
    assert (decision.state, decision.reason) == ("removing", "REMOVAL_WAITS")


SILENT = device(last_seen_at=NOW - 14 * DAY)
HEARD = device(last_seen_at=NOW - 14 * DAY + 1)


@pytest.mark.parametrize(
    "fact",
    [
        facts(),
        facts(free_seats=0),
        licensed(),
        licensed(attempt=attempt("queued")),
        licensed(attempt=attempt()),
        licensed(report=report("Installing")),
        unwanted("remove", licence=GONE),
    ],
)
def test_nothing_but_a_push_is_sent_to_a_device_that_is_silent(fact: Facts) -> None:
    decision = decided(replace(fact, device=SILENT))
    expected = Decision("waiting", "DEVICE_SILENT", "for 14 days", (Wake(),), NOW + DAY)
    assert decision == expected, "it is looked at again whether that push was sent"
    pushed = decided(replace(fact, device=replace(SILENT, pushed_at=NOW - DAY)))
    assert pushed == replace(expected, steps=(), recheck_at=NOW + 6 * DAY), "once a week"
    near = decided(replace(fact, device=HEARD))
    assert near.reason != "DEVICE_SILENT"
    assert near.recheck_at is not None
    assert near.recheck_at <= NOW + 1, "then it is looked at again"


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (facts(licence=Licence("open", NOW)), "ASSOCIATE_REQUESTED"),
        (facts(asset=None), "NOT_PURCHASED"),
        (licensed(options=Options(mode="license_only")), "LICENSED"),
        (licensed(report=report("Managed")), "INSTALLED"),
        (licensed(attempt=attempt("error", error_domain="MDMErrorDomain", error_code=12023)),
         "DEVICE_REFUSED"),
        (unwanted("keep"), "KEPT"),
        (unwanted("release"), "RELEASING"),
        (unwanted("release", release=Licence("open", NOW)), "RELEASING"),
        (facts(device=None), "NOT_ENROLLED"),
    ],
)  # fmt: skip
def test_what_needs_no_device_goes_on_without_it(fact: Facts, reason: str) -> None:
    silent = fact if fact.device is None else replace(fact, device=SILENT)
    assert decided(silent) == decided(fact)
    assert decided(silent).reason == reason


@pytest.mark.parametrize(
    ("fact", "steps"),
    [
        (unwanted("remove", licence=GONE, attempt=attempt("ready")), (DROP,)),
        (licensed(report=report("Installing"), attempt=attempt("ready")), ()),
    ],
)
def test_tidying_up_is_done_all_the_same(fact: Facts, steps: tuple[Step, ...]) -> None:
    assert decided(replace(fact, device=SILENT)).steps == (*steps, Wake())


def test_how_long_silence_lasts_is_policy() -> None:
    patient = replace(POLICY, device=replace(POLICY.device, silent_after=HOUR))
    quiet = replace(licensed(), device=device(last_seen_at=NOW - HOUR))
    assert decided(quiet, patient).detail == "for 0 days"
    assert decided(quiet).reason == "COMMAND_READY"
