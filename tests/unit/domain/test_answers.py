"""The whole catalogue: for every word and number of a device what is decided, and who must act.

Each row says what is so just after the device told it, whether the install is sent again once
every wait is over, and what is so when that has come to its end.
"""

from dataclasses import replace
from typing import NamedTuple

import pytest

from bridge.domain.catalogue import (
    DOMAINS,
    MDM_DOMAINS,
    MDM_ERRORS,
    NOT_ARRIVED,
    REJECTIONS,
    SAID_ONCE,
    STATUSES,
    STORE_ERRORS,
    TREATMENTS,
    telling_link,
)
from bridge.domain.decision import Decision, ReadAssignment, SendInstall
from bridge.domain.facts import Facts
from bridge.domain.installs.options import Options
from bridge.domain.model import Attempt
from bridge.domain.reasons import REASONS
from tests.unit.domain_kit import (
    DAY,
    NOW,
    POLICY,
    attempt,
    decided,
    device,
    install,
    licensed,
    report,
)

YEAR = 365 * DAY
NOBODY, ADMIN, USER = "nobody", "the admin", "somebody at the device"


class Row(NamedTuple):
    """What is so at once, whether the install is sent again, and what is so at last."""

    state: str
    reason: str
    actor: str
    again: bool
    last_state: str
    last_reason: str
    last_actor: str


def ends(state: str, reason: str, actor: str) -> Row:
    """Never sent again: what is so at once is so at last."""
    return Row(state, reason, actor, False, state, reason, actor)


THERE = ends("installed", "INSTALLED", NOBODY)
COMING = Row("installing", "INSTALLING", NOBODY, False, "unconfirmed", "NOT_SEEN", NOBODY)
ACCEPTED = Row("acknowledged", "ACKNOWLEDGED", NOBODY, False, "unconfirmed", "NOT_SEEN", NOBODY)
ASKING = Row("installing", "PROMPTING", USER, True, "needs_user", "PROMPT_UNANSWERED", USER)
SIGNING_IN = Row("installing", "PROMPTING", USER, True, "needs_user", "LOGIN_REQUIRED", USER)
SAID_NO = Row("needs_user", "USER_REJECTED", USER, True, "needs_user", "USER_REJECTED", USER)
LOGIN = Row("needs_user", "LOGIN_REQUIRED", USER, True, "needs_user", "LOGIN_REQUIRED", USER)
LICENCE = Row(
    "licensed", "LICENSE_NOT_VISIBLE", NOBODY, True, "failed", "LICENSE_NEVER_VISIBLE", ADMIN
)
LATER = Row("licensed", "RETRY_LATER", NOBODY, True, "failed", "ATTEMPTS_USED_UP", ADMIN)
COPY = ends("conflict", "UNMANAGED_COPY", ADMIN)
NOT_THERE = ends("acknowledged", "NOT_ARRIVED", NOBODY)
"""What is sent again after more lists: see test_domain_decide_lists."""
NEVER = ends("failed", "DEVICE_REFUSED", ADMIN)

ERRORS = {
    12021: NEVER,
    12023: NEVER,
    12024: NEVER,
    12025: COPY,
    12026: LICENCE,
    12027: NEVER,
    12028: LATER,
    12029: LATER,
    12030: NEVER,
    12031: NEVER,
    12035: NEVER,
    12036: LATER,
    12037: NEVER,
    12038: LATER,
    12040: LOGIN,
    12047: LICENCE,
    12063: SAID_NO,
    12064: LICENCE,
    12065: NEVER,
    12081: LATER,
}
LINKS = {(domain, code): row for code, row in ERRORS.items() for domain in MDM_DOMAINS} | {
    ("ASDServerErrorDomain", 9610): LICENCE,
    ("ASDErrorDomain", 506): ACCEPTED,
    ("ASDErrorDomain", 509): LOGIN,
    ("ASDErrorDomain", 850): NEVER,
    ("ASDErrorDomain", 9610): LATER,
    ("DeviceManagement.error", 1407): LATER,
    ("ASDServerErrorDomain", 506): LATER,
    ("MDMErrorDomain", 506): LATER,
    ("MDMErrorDomain", 99999): LATER,
    ("MDMErrorDomain", None): LATER,
    ("Odd", 12064): LATER,
    (None, 12064): LATER,
    (None, None): LATER,
}

LISTED = {
    "Queued": COMING,
    "NeedsRedemption": LICENCE,
    "Redeeming": COMING,
    "Prompting": ASKING,
    "PromptingForLogin": SIGNING_IN,
    "ValidatingPurchase": COMING,
    "Installing": COMING,
    "Managed": THERE,
    "Installed": THERE,
    "Uninstalled": NOT_THERE,
    "ManagedButUninstalled": NOT_THERE,
    "UserInstalledApp": COPY,
    "UserRejected": SAID_NO,
    "PromptingForUpdate": ASKING,
    "PromptingForUpdateLogin": SIGNING_IN,
    "ValidatingUpdate": COMING,
    "Updating": COMING,
    "UpdateRejected": COMING,
    "PromptingForManagement": ASKING,
    "ManagementRejected": SAID_NO,
    "Failed": LATER,
    "Unknown": ACCEPTED,
    "AddedTomorrow": ACCEPTED,
}

ACKNOWLEDGED = dict.fromkeys(LISTED, ACCEPTED) | {
    "NeedsRedemption": LICENCE,
    "UserInstalledApp": COPY,
    "UserRejected": SAID_NO,
    "ManagementRejected": SAID_NO,
    "Failed": LATER,
}

REJECTED = {
    "AppAlreadyInstalled": COPY,
    "AppAlreadyQueued": ACCEPTED,
    "AppStoreDisabled": NEVER,
    "CouldNotVerifyAppID": NEVER,
    "ManagementChangeNotSupported": COPY,
    "NotAnApp": NEVER,
    "NotSupported": NEVER,
    "Other": LATER,
    "PurchaseMethodNotSupported": NEVER,
    "PurchaseMethodNotSupportedInMultiUser": NEVER,
    "CouldNotVerifyITunesStoreID": NEVER,
    "EnterpriseBooksNotSupportedInMultiUser": NEVER,
    "WrongMediaType": NEVER,
    "PurchaseNotFound": LICENCE,
    "AddedTomorrow": LATER,
}


def test_no_row_is_left_out() -> None:
    assert set(LISTED) - {"AddedTomorrow"} == set(STATUSES) == set(ACKNOWLEDGED) - {"AddedTomorrow"}
    assert len(STATUSES) == 22, "Apple's twenty of apps, and two that only books have"
    assert set(REJECTED) - {"AddedTomorrow"} == set(REJECTIONS)
    assert len(REJECTIONS) == 14, "Apple's ten of apps, and four that only books have"
    assert set(ERRORS) == set(MDM_ERRORS)
    assert set(STORE_ERRORS) < set(LINKS)
    words = {m.kind for m in (*STATUSES.values(), *REJECTIONS.values(), *STORE_ERRORS.values())}
    words |= {m.kind for m in (*MDM_ERRORS.values(), *DOMAINS.values())}
    kinds = words | {"malformed", NOT_ARRIVED.kind}
    assert kinds == set(TREATMENTS), "no treatment without a word"


def who(decision: Decision) -> tuple[str, str, str]:
    return decision.state, decision.reason, REASONS[decision.reason].actor


def sends(decision: Decision) -> bool:
    return any(isinstance(step, SendInstall) for step in decision.steps)


def on_hold(fact: Facts, row: Row) -> None:
    """What is decided now, later and at last."""
    now = decided(fact)
    assert who(now) == (row.state, row.reason, row.actor)
    assert not sends(now)
    fact = replace(fact, install=install(state=now.state, reason=now.reason, since=NOW))
    assert sends(decided(fact, now=NOW + YEAR)) is row.again
    assert fact.attempt is not None
    tired = replace(fact.attempt, attempt=99 + len(POLICY.prompts.again), asks=9)
    for when in (NOW + DAY, NOW + YEAR):
        last = decided(replace(fact, attempt=tired), now=when)
        assert who(last) == (row.last_state, row.last_reason, row.last_actor)
        assert not sends(last)


def answered(state: str, **told: str | int | None) -> Attempt:
    return attempt(state, answered_at=NOW, created_at=NOW - 5, **told)


FRESH = device(apps_asked_at=NOW - 10, apps_listed_at=NOW - 6)


@pytest.mark.parametrize(("domain", "code"), LINKS)
def test_an_error(domain: str | None, code: int | None) -> None:
    error = answered("error", error_domain=domain, error_code=code, error_text="Beliebiger Text")
    on_hold(licensed(attempt=error, device=FRESH), LINKS[domain, code])


@pytest.mark.parametrize("domain", DOMAINS)
@pytest.mark.parametrize("code", [-1009, -1001, None])
def test_the_network_is_never_final_and_uses_up_no_other_attempt(
    domain: str, code: int | None
) -> None:
    error = answered("error", error_domain=domain, error_code=code, attempt=50, offline=49)
    fact = licensed(attempt=error, device=FRESH)
    waits = decided(fact)
    assert who(waits) == ("licensed", "NETWORK_TROUBLE", NOBODY)
    assert waits.recheck_at == NOW + POLICY.install.license_retry[-1]
    assert decided(fact, now=waits.recheck_at).steps == (SendInstall(was_offline=True),)
    other = replace(error, error_domain="MDMErrorDomain", error_code=12064, offline=49)
    assert decided(licensed(attempt=other, device=FRESH)).reason == "LICENSE_NOT_VISIBLE"


@pytest.mark.parametrize("word", LISTED)
def test_a_list(word: str) -> None:
    listed = replace(
        report(word, once=word if word in SAID_ONCE else None, once_at=NOW), reported_at=NOW
    )
    fact = licensed(report=listed, attempt=answered("acknowledged"), device=FRESH)
    on_hold(fact, LISTED[word])


@pytest.mark.parametrize("word", ACKNOWLEDGED)
def test_an_answer_that_accepts(word: str) -> None:
    fact = licensed(attempt=answered("acknowledged", app_state=word), device=FRESH)
    on_hold(fact, ACKNOWLEDGED[word])


@pytest.mark.parametrize("state", ["acknowledged", "error"])
@pytest.mark.parametrize("word", REJECTED)
def test_an_answer_with_a_rejection(word: str, state: str) -> None:
    for app_state in (None, "Failed", "AddedTomorrow"):
        told = answered(state, rejection_reason=word, app_state=app_state)
        on_hold(licensed(attempt=told, device=FRESH), REJECTED[word])


def test_a_number_tells_more_than_a_rejection_and_that_more_than_a_state() -> None:
    busy = answered(
        "error",
        error_domain="ASDErrorDomain",
        error_code=506,
        app_state="Failed",
        rejection_reason="Other",
    )
    on_hold(licensed(attempt=busy, device=FRESH), ACCEPTED)
    fact = licensed(attempt=replace(busy, error_code=12345), device=FRESH)
    on_hold(fact, LATER)
    told = replace(busy, error_code=12345, rejection_reason="NotAnApp", app_state="UserRejected")
    on_hold(licensed(attempt=told, device=FRESH), NEVER)


def test_an_app_that_is_on_its_way_was_not_rejected() -> None:
    told = answered("acknowledged", app_state="Installing", rejection_reason="Other")
    on_hold(licensed(attempt=told, device=FRESH), ACCEPTED)


def test_a_command_that_the_device_could_not_read() -> None:
    told = answered("error", status="CommandFormatError")
    on_hold(licensed(attempt=told, device=FRESH), ends("failed", "COMMAND_MALFORMED", ADMIN))


@pytest.mark.parametrize(
    ("chain", "link"),
    [
        ([("Odd", 1), ("ASDServerErrorDomain", 9610), ("MDMErrorDomain", 12063)], 1),
        ([("MDMErrorDomain", 12064), ("ASDServerErrorDomain", 9610)], 0),
        ([("Odd", 1), ("Odd", 2)], 0),
        ([("MDMErrorDomain", 12064), ("NSURLErrorDomain", -1009)], 1),
        ([("Odd", 1), ("NSURLErrorDomain", -1001)], 1),
        ([("MDMErrorDomain", 12063), ("NSURLErrorDomain", -1009)], 0),
    ],
)
def test_the_link_of_a_chain_that_tells_most(chain: list[tuple[str, int]], link: int) -> None:
    assert telling_link(chain) == link


@pytest.mark.parametrize("code", [12026, 12047, 12064])
def test_a_licence_that_is_not_seen_is_looked_up(code: int) -> None:
    error = answered("error", error_domain="MDMErrorDomain", error_code=code)
    assert ReadAssignment() in decided(licensed(attempt=error, device=FRESH)).steps


@pytest.mark.parametrize("told", ["AppAlreadyInstalled", 12025])
def test_a_copy_that_may_be_taken_over_gets_more_attempts(told: str | int) -> None:
    words = {"rejection_reason": told} if isinstance(told, str) else {"error_code": told}
    error = answered("error", error_domain="MDMErrorDomain", **words)
    on_hold(licensed(attempt=error, device=FRESH, options=Options(take_over=True)), LATER)


def test_a_copy_that_cannot_be_taken_over_stays() -> None:
    told = answered("error", rejection_reason="ManagementChangeNotSupported")
    on_hold(licensed(attempt=told, device=FRESH, options=Options(take_over=True)), COPY)
