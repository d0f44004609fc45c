"""Deciding for a licensed install of which no list speaks: what became of the command."""

from dataclasses import replace

import pytest

from bridge.domain.decision import (
    AskApps,
    AskInstalled,
    CancelAttempt,
    Decision,
    PostAgain,
    ReadAssignment,
    SendInstall,
)
from bridge.domain.facts import Facts, Licence
from tests.unit.domain_kit import (
    DAY,
    HOUR,
    MINUTE,
    NEVER_LISTED,
    NOW,
    POLICY,
    SEND,
    UUID,
    WEEK,
    attempt,
    decided,
    device,
    failed,
    has,
    install,
    licensed,
    report,
)

IN_DOUBT = attempt("in_doubt", in_doubt_at=NOW - 5 * MINUTE)

ATTEMPTED = {
    "nothing tried, nothing listed": (licensed(), SEND),
    "dropped": (licensed(attempt=attempt("dropped")), SEND),
    "accepted in the enrolment before": (
        licensed(device=device(enrolment=2, apps_enrolment=2), attempt=attempt()),
        SEND,
    ),
    "failed in the enrolment before": (
        licensed(
            device=device(enrolment=2, apps_enrolment=2), attempt=failed("MDMErrorDomain", 12063)
        ),
        SEND,
    ),
    "in our line": (licensed(attempt=attempt("ready")), Decision("sending", "COMMAND_READY")),
    "being posted": (licensed(attempt=attempt("posting")), Decision("sending", "COMMAND_READY")),
    "posted": (licensed(attempt=attempt("posted")), Decision("sent", "COMMAND_SENT")),
    "queued": (licensed(attempt=attempt("queued")), Decision("sent", "COMMAND_SENT")),
    "left open by a device that came": (
        licensed(attempt=attempt("queued", stalled_at=NOW - 4)),
        Decision("sent", "NOT_ANSWERED", recheck_at=NOW + 6),
    ),
    "left open by a device that came ten seconds ago": (
        licensed(attempt=attempt("queued", stalled_at=NOW - 10)),
        Decision("sent", "NOT_ANSWERED", steps=(AskApps(),), recheck_at=NOW + DAY - 10),
    ),
    "left open for a minute, and listed since": (
        licensed(attempt=attempt("posted", stalled_at=NOW - 2 * MINUTE)),
        Decision("sent", "NOT_ANSWERED", recheck_at=NOW + 40),
    ),
    "left open for a day": (
        licensed(attempt=attempt("queued", stalled_at=NOW - DAY)),
        Decision("unconfirmed", "NOT_ANSWERED", recheck_at=NOW + DAY - MINUTE),
    ),
    "not now": (
        licensed(attempt=attempt("not_now", not_now_since=NOW - DAY)),
        Decision("sent", "NOT_NOW", recheck_at=NOW + 6 * DAY),
    ),
    "not now, nobody knows since when": (
        licensed(attempt=attempt("not_now")),
        Decision("sent", "NOT_NOW", recheck_at=NOW + WEEK),
    ),
    "not now for a week": (
        licensed(attempt=attempt("not_now", not_now_since=NOW - WEEK)),
        Decision("needs_user", "NOT_NOW_FOR_LONG"),
    ),
    "in doubt, and no list made since": (
        licensed(attempt=IN_DOUBT, device=device(apps_asked_at=NOW - 6 * MINUTE)),
        Decision("sent", "COMMAND_IN_DOUBT", steps=(AskApps(),), recheck_at=NOW + DAY - 5 * MINUTE),
    ),
    "in doubt, and asked": (
        licensed(attempt=IN_DOUBT, device=device(apps_asked_at=NOW - 6 * MINUTE), list_open=True),
        Decision("sent", "COMMAND_IN_DOUBT", recheck_at=NOW + DAY - 5 * MINUTE),
    ),
    "in doubt, and never listed": (
        licensed(attempt=IN_DOUBT, device=NEVER_LISTED),
        Decision("sent", "COMMAND_IN_DOUBT", steps=(AskApps(),), recheck_at=NOW + DAY - 5 * MINUTE),
    ),
    "in doubt since it was made, as far as is known": (
        licensed(attempt=attempt("in_doubt", created_at=NOW), device=device()),
        Decision("sent", "COMMAND_IN_DOUBT", steps=(AskApps(),), recheck_at=NOW + DAY),
    ),
    "in doubt for a day, and its device came since": (
        licensed(
            attempt=attempt("in_doubt", in_doubt_at=NOW - DAY),
            device=device(apps_asked_at=NOW - 2 * DAY, last_seen_at=NOW - MINUTE),
            list_open=True,
        ),
        Decision("unconfirmed", "COMMAND_IN_DOUBT"),
    ),
    "in doubt for a day, and its device stays away": (
        licensed(
            attempt=attempt("in_doubt", in_doubt_at=NOW - DAY),
            device=device(apps_asked_at=NOW - 2 * DAY, last_seen_at=NOW - DAY - 1),
            list_open=True,
        ),
        Decision("sent", "COMMAND_IN_DOUBT", recheck_at=NOW + DAY),
    ),
    "in doubt, and a list made at that moment does not show it": (
        licensed(attempt=IN_DOUBT, device=device(apps_asked_at=NOW - 5 * MINUTE)),
        Decision("sending", "COMMAND_READY", steps=(PostAgain(UUID),)),
    ),
    "in doubt, and what a list shows may be it": (
        licensed(attempt=IN_DOUBT, bundle_id=None, strangers=True),
        Decision("unconfirmed", "BUNDLE_ID_UNKNOWN"),
    ),
    "in doubt, and all that a list shows is known to be something else": (
        licensed(attempt=IN_DOUBT, bundle_id=None),
        Decision("sending", "COMMAND_READY", steps=(PostAgain(UUID),)),
    ),
    "in doubt, with strangers beside a known bundle id": (
        licensed(attempt=IN_DOUBT, strangers=True),
        Decision("sending", "COMMAND_READY", steps=(PostAgain(UUID),)),
    ),
    "accepted just now": (
        licensed(attempt=attempt(answered_at=NOW, app_state="Queued")),
        Decision("acknowledged", "ACKNOWLEDGED", "Queued", recheck_at=NOW + 15),
    ),
    "accepted fifteen seconds ago": (
        licensed(attempt=attempt(answered_at=NOW - 15)),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW - 15 + DAY),
    ),
    "accepted fifteen seconds ago, and asked": (
        licensed(attempt=attempt(answered_at=NOW - 15), list_open=True),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW - 15 + DAY),
    ),
    "accepted ten minutes ago, listed a minute ago": (
        licensed(attempt=attempt(answered_at=NOW - 10 * MINUTE)),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW - MINUTE + 9 * MINUTE),
    ),
    "accepted before the first list of this enrolment": (
        licensed(attempt=attempt(answered_at=NOW - 10), device=NEVER_LISTED),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 5),
    ),
    "accepted, and what a list shows may be it": (
        licensed(attempt=attempt(answered_at=NOW - HOUR), bundle_id=None, strangers=True),
        Decision("unconfirmed", "BUNDLE_ID_UNKNOWN"),
    ),
    "accepted, and no list since": (
        licensed(
            attempt=attempt(answered_at=NOW - MINUTE),
            bundle_id=None,
            strangers=True,
        ),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW - MINUTE + DAY),
    ),
    "accepted, and a day is over before the next look": (
        licensed(
            attempt=attempt(answered_at=NOW - 20 * HOUR),
            device=device(apps_listed_at=NOW - HOUR),
        ),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 4 * HOUR),
    ),
    "accepted a day ago": (
        licensed(attempt=attempt(answered_at=NOW - DAY)),
        Decision(
            "unconfirmed", "NOT_SEEN", steps=(AskInstalled(),), recheck_at=NOW - 2 * MINUTE + DAY
        ),
    ),
    "accepted a day ago, and asked for every app it has": (
        licensed(attempt=attempt(answered_at=NOW - DAY), installed_open=True),
        Decision("unconfirmed", "NOT_SEEN", recheck_at=NOW - 2 * MINUTE + DAY),
    ),
    "accepted a day ago, and it has no such app": (
        licensed(attempt=attempt(answered_at=NOW - DAY), installed=has("absent")),
        Decision("unconfirmed", "NOT_SEEN", recheck_at=NOW - 2 * MINUTE + DAY),
    ),
    "accepted a day ago, and it has one that is not managed": (
        licensed(attempt=attempt(answered_at=NOW - DAY), installed=has("there")),
        Decision("conflict", "UNMANAGED_COPY", recheck_at=NOW - MINUTE + DAY),
    ),
    "accepted a day ago, and it has one that may be managed by now": (
        licensed(
            attempt=attempt(answered_at=NOW - DAY),
            installed=has("there", asked_at=NOW - 2 * MINUTE + 1),
        ),
        Decision("unconfirmed", "NOT_SEEN", steps=(AskApps(),)),
    ),
    "accepted two days ago, and time to look at the copy": (
        licensed(
            attempt=attempt(answered_at=NOW - 2 * DAY),
            installed=has("there", asked_at=NOW - DAY - 1, reported_at=NOW - DAY),
        ),
        Decision("conflict", "UNMANAGED_COPY", steps=(AskInstalled(), AskApps())),
    ),
}


BEFORE_US = "the device said so before the bridge sent anything"
ROUND = install(round_at=NOW - 30)
DELETED, NO = report("ManagedButUninstalled"), report(None, once="UserRejected", once_at=NOW - 31)
SEND_ANEW = Decision("sending", "COMMAND_READY", steps=(CancelAttempt(UUID), SendInstall()))

ANOTHER_ROUND = {
    "deleted before, never tried": (licensed(install=ROUND, report=DELETED), SEND),
    "deleted before, accepted before": (
        licensed(install=ROUND, report=DELETED, attempt=attempt()),
        SEND,
    ),
    "deleted before, on its way now": (
        licensed(install=ROUND, report=DELETED, attempt=attempt("posted", created_at=NOW - 29)),
        Decision("sent", "COMMAND_SENT"),
    ),
    "deleted before, accepted now": (
        licensed(
            install=ROUND,
            report=DELETED,
            attempt=attempt(created_at=NOW - 29, answered_at=NOW - 1),
        ),
        Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 14),
    ),
    "deleted since": (
        licensed(install=install(round_at=NOW - MINUTE), report=DELETED),
        Decision("needs_user", "APP_DELETED", BEFORE_US, recheck_at=NOW - MINUTE + WEEK),
    ),
    "somebody said no before": (licensed(install=ROUND, report=NO, attempt=attempt()), SEND),
    "somebody said no before, and it is in doubt": (
        licensed(install=ROUND, report=NO, attempt=attempt("in_doubt")),
        SEND_ANEW,
    ),
    "somebody said no since": (
        licensed(install=install(round_at=NOW - 31), report=NO, attempt=attempt()),
        Decision(
            "needs_user",
            "USER_REJECTED",
            "the person at the device said no (UserRejected); asked again at 2027-01-16 07:59 UTC",
            recheck_at=NOW - 31 + DAY,
        ),
    ),
    "it failed before": (
        licensed(
            install=ROUND,
            report=report(None, once="Failed", once_at=NOW - 31),
            attempt=attempt(attempt=7),
        ),
        SEND,
    ),
    "a copy before": (
        licensed(install=ROUND, report=report(None, once="UserInstalledApp", once_at=NOW - 31)),
        SEND,
    ),
    "an error before": (
        licensed(install=ROUND, attempt=failed("MDMErrorDomain", 12031, answered_at=NOW - 31)),
        SEND,
    ),
    "an error since": (
        licensed(install=ROUND, attempt=failed("MDMErrorDomain", 12040, answered_at=NOW - 30)),
        Decision(
            "needs_user",
            "LOGIN_REQUIRED",
            "the device asks for an Apple Account to be signed in (MDMErrorDomain 12040); "
            "asked again at 2027-01-16 07:59 UTC",
            recheck_at=NOW - 30 + DAY,
        ),
    ),
    "not now for a week before": (
        licensed(install=ROUND, attempt=attempt("not_now", not_now_since=NOW - WEEK)),
        Decision("sent", "NOT_NOW", recheck_at=NOW - 30 + WEEK),
    ),
    "accepted before, and nothing against it": (
        licensed(install=ROUND, attempt=attempt(answered_at=NOW - 40)),
        Decision("acknowledged", "ACKNOWLEDGED", steps=(AskApps(),), recheck_at=NOW - 40 + DAY),
    ),
}

ALL = ATTEMPTED | ANOTHER_ROUND


@pytest.mark.parametrize("case", ALL)
def test_what_is_decided(case: str) -> None:
    fact, expected = ALL[case]
    assert decided(fact) == expected


def errors(domain: str, code: int, state: str, reason: str, **more: object) -> Decision:
    decision = decided(licensed(attempt=failed(domain, code), **more))
    assert (decision.state, decision.reason) == (state, reason)
    assert f"({domain} {code})" in decision.detail
    return decision


def test_what_follows_an_error() -> None:
    errors("MDMErrorDomain", 12063, "needs_user", "USER_REJECTED")
    errors("MCMDMErrorDomain", 12040, "needs_user", "LOGIN_REQUIRED")
    errors("MDMErrorDomain", 12023, "failed", "DEVICE_REFUSED")
    copy = errors("MDMErrorDomain", 12025, "conflict", "UNMANAGED_COPY")
    assert copy.recheck_at == NOW - MINUTE + DAY


def test_an_app_that_is_being_installed_already_is_waited_for() -> None:
    fact = licensed(attempt=failed("ASDErrorDomain", 506, answered_at=NOW - 10))
    expected = Decision("acknowledged", "ACKNOWLEDGED", recheck_at=NOW + 5)
    assert decided(fact) == expected


@pytest.mark.parametrize("tries", range(1, 7))
def test_an_unknown_error_is_tried_again_as_the_policy_says(tries: int) -> None:
    wait = POLICY.install.license_retry[tries - 1]
    fact = licensed(attempt=failed("Odd", 5, attempt=tries, answered_at=NOW))
    why = "the device gave a reason that is not known (Odd 5)"
    assert decided(fact) == Decision("licensed", "RETRY_LATER", why, recheck_at=NOW + wait)
    assert decided(fact, now=NOW + wait) == SEND


def test_questions_to_people_use_up_no_attempt() -> None:
    asked = licensed(attempt=failed("Odd", 5, attempt=8, asks=2, answered_at=NOW - 6 * HOUR))
    assert decided(asked) == SEND
    assert decided(licensed(attempt=failed("Odd", 5, attempt=9, asks=2))).state == "failed"


def test_attempts_end() -> None:
    assert decided(licensed(attempt=failed("Odd", 5, attempt=7))).reason == "ATTEMPTS_USED_UP"
    never = decided(licensed(attempt=failed("MDMErrorDomain", 12064, attempt=7)))
    assert (never.state, never.reason) == ("failed", "LICENSE_NEVER_VISIBLE")
    patient = replace(POLICY, install=replace(POLICY.install, license_retry=(5.0,) * 8))
    assert decided(licensed(attempt=failed("Odd", 5, attempt=7)), patient) == SEND


def not_visible(read_at: float | None) -> Facts:
    """The device could not see its licence five seconds ago; Apple showed it at `read_at`."""
    return licensed(
        attempt=failed("ASDServerErrorDomain", 9610, answered_at=NOW - 5),
        licence=Licence("owned", NOW - HOUR, "status", read_at),
    )


@pytest.mark.parametrize(
    ("read_at", "steps"),
    [(NOW - 6, (ReadAssignment(),)), (None, (ReadAssignment(),)), (NOW - 5, ()), (NOW, ())],
)
def test_a_licence_that_is_not_visible_is_looked_up_once(
    read_at: float | None, steps: tuple[ReadAssignment, ...]
) -> None:
    decision = decided(not_visible(read_at))
    assert (decision.state, decision.reason) == ("licensed", "LICENSE_NOT_VISIBLE")
    assert (decision.steps, decision.recheck_at) == ((*steps, AskInstalled()), NOW + 15)
    assert decided(not_visible(read_at), now=NOW + 15) == SEND
