"""Which failures may trip the breaker, and when a device is tried again."""

import pytest

from bridge.domain.installs.breaker import (
    Failure,
    failure_of,
    next_probe_after,
    pause_for,
)
from bridge.domain.model import Attempt
from bridge.domain.policy import BreakerPolicy
from tests.unit.domain_kit import HOUR, MINUTE, NOW, attempt, failed, install, licensed, report

ANSWERED = NOW - MINUTE


@pytest.mark.parametrize(
    ("newest", "signature"),
    [
        (failed("MCMDMErrorDomain", 12023), "MCMDMErrorDomain 12023"),
        (failed("MCMDMErrorDomain", 12036), "MCMDMErrorDomain 12036"),
        (failed("SomeDomain", 7), "SomeDomain 7"),
        (failed(None, None, status="Error"), "Error"),
        (failed(None, None, status="CommandFormatError"), "CommandFormatError"),
        (attempt("acknowledged", app_state="Failed"), "Failed"),
        (failed("ASDServerErrorDomain", 9610), None),
        (failed("ASDServerErrorDomain", 9610, attempt=2), "ASDServerErrorDomain 9610"),
        (failed("MCMDMErrorDomain", 12040), None),
        (failed("MCMDMErrorDomain", 12063), None),
        (failed("MCMDMErrorDomain", 12025), None),
        (failed("MCMDMErrorDomain", 12021), None),
        (failed("MCMDMErrorDomain", 12031), None),
        (failed("ASDErrorDomain", 506), None),
        (attempt("acknowledged"), None),
        (attempt("posted"), None),
    ],
)
def test_what_a_device_answers(newest: Attempt, signature: str | None) -> None:
    found = failure_of(licensed(attempt=newest))
    assert (found and found.signature) == signature
    assert found is None or found.at == ANSWERED


def test_a_failed_that_a_list_told() -> None:
    told = report(None, once="Failed", once_at=NOW - 5)
    found = failure_of(licensed(attempt=attempt("acknowledged"), report=told))
    assert found is not None
    assert (found.signature, found.at) == ("Failed", NOW - 5)
    newer = attempt("posted", created_at=NOW - 1)
    assert failure_of(licensed(attempt=newer, report=told)) is None, "it is being tried again"
    rejected = report(None, once="UserRejected", once_at=NOW - 5)
    assert failure_of(licensed(attempt=attempt("acknowledged"), report=rejected)) is None


def test_what_is_over_counts_no_more() -> None:
    newest = failed("MCMDMErrorDomain", 12023)
    assert failure_of(licensed(attempt=newest, install=install(round_at=NOW))) is None
    assert failure_of(licensed(attempt=newest, install=install(desired=False))) is None
    assert failure_of(licensed(attempt=newest, report=report("Managed"))) is None


def test_the_pause_says_what_failed_and_when_one_is_tried() -> None:
    pause = pause_for("5", Failure("D 1", "it broke", NOW), 5, BreakerPolicy(), NOW)
    assert (pause.scope, pause.name, pause.paused_by) == ("app", "5", "wave")
    assert pause.why == "5 devices failed alike: it broke (D 1)"
    assert pause.next_probe_at == NOW + HOUR


@pytest.mark.parametrize(
    ("failures", "hours"), [(1, 1), (2, 2), (3, 4), (5, 16), (6, 24), (60, 24)]
)
def test_tries_become_rarer_up_to_a_day(failures: int, hours: int) -> None:
    assert next_probe_after(BreakerPolicy(), failures) == hours * HOUR
