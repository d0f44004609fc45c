"""A decision is looked at again later, never now: the engine must come to rest."""

from dataclasses import replace
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.domain.catalogue import APPLE_ERRORS, MDM_ERRORS, SAID_ONCE
from bridge.domain.facts import Facts, Licence, LicenceState, LocationFacts
from bridge.domain.installs.options import Options
from bridge.domain.model import CommandState
from bridge.domain.policy import DAY, HOUR
from tests.unit.domain_kit import (
    BUNDLE,
    NOW,
    asset,
    attempt,
    decided,
    device,
    facts,
    install,
    report,
)

MOMENTS = st.sampled_from([NOW + sign * gap for sign in (-1, 1) for gap in (0, 1, 60, HOUR, DAY)])
MOMENTS |= st.floats(NOW - 20 * DAY, NOW + DAY)
SOMETIMES = st.none() | MOMENTS
PAST = st.floats(NOW - 20 * DAY, NOW)

LICENCES = st.builds(
    Licence,
    st.sampled_from(get_args(LicenceState)),
    since=st.none() | PAST,
    read_at=st.none() | PAST,
    error_number=st.none() | st.sampled_from(sorted(APPLE_ERRORS)),
    refusals=st.integers(0, 9),
    ours=st.booleans(),
    waits_for=st.none() | st.just("no answer"),
    waits_until=SOMETIMES,
    times_taken=st.integers(0, 3),
)
STATUSES = st.sampled_from([None, "Managed", "Installing", "Prompting", "ManagedButUninstalled"])
REPORTS = st.builds(
    lambda status, once, at: report(status, once=once, once_at=at if once else None),
    STATUSES,
    st.none() | st.sampled_from(sorted(SAID_ONCE)),
    PAST,
)
ATTEMPTS = st.builds(
    lambda state, code, **times: (
        attempt(state, error_domain="MCMDMErrorDomain", error_code=code)
        if not times
        else replace(attempt(state, error_domain="MCMDMErrorDomain", error_code=code), **times)
    ),
    st.sampled_from(get_args(CommandState)),
    st.none() | st.sampled_from(sorted(MDM_ERRORS)),
    attempt=st.integers(1, 9),
    enrolment=st.integers(0, 1),
    created_at=PAST,
    in_doubt_at=st.none() | PAST,
    not_now_since=st.none() | PAST,
    answered_at=st.none() | PAST,
)
DEVICES = st.builds(
    device,
    enrolled=st.sampled_from([None, False, True]),
    last_seen_at=st.none() | PAST,
    apps_asked_at=st.none() | PAST,
    apps_listed_at=st.none() | PAST,
    apps_refused_at=st.none() | PAST,
    product_name=st.sampled_from([None, "iPad14,1", "MacBookPro18,3"]),
)


@st.composite
def anything(draw: st.DrawFn) -> Facts:
    """Facts of every kind, put together by chance."""
    made: dict[str, Any] = {
        "install": install(
            desired=draw(st.booleans()),
            round_at=draw(PAST),
            since=draw(PAST),
            state=draw(st.sampled_from(["waiting", "installing", "unconfirmed", "installed"])),
        ),
        "options": Options(
            mode=draw(st.sampled_from(["install", "license_only"])),
            take_over=draw(st.booleans()),
            on_unwanted=draw(st.sampled_from(["keep", "release", "remove"])),
        ),
        "location": draw(
            st.sampled_from(
                [
                    None,
                    LocationFacts("hq", ready=True),
                    LocationFacts("hq", ready=False),
                    LocationFacts("hq", ready=False, trouble="no answer", trouble_passes=True),
                    LocationFacts("hq", ready=True, suspended="TOKEN_REVOKED"),
                ]
            )
        ),
        "asset": draw(st.none() | st.builds(asset, counted_at=PAST)),
        "licence": draw(LICENCES),
        "release": draw(st.just(Licence("none")) | LICENCES),
        "device": draw(st.none() | DEVICES),
        "bundle_id": draw(st.sampled_from([None, BUNDLE])),
        "report": draw(st.none() | REPORTS),
        "strangers": draw(st.booleans()),
        "attempt": draw(st.none() | ATTEMPTS),
        "removal": draw(st.none() | ATTEMPTS),
        "list_open": draw(st.booleans()),
        "free_seats": draw(st.sampled_from([None, 0, 4])),
    }
    return facts(**made)


@pytest.mark.slow
@settings(max_examples=1_000)
@given(anything())
def test_whatever_is_so_the_clock_has_to_move_first(fact: Facts) -> None:
    decision = decided(fact)
    assert decision.recheck_at is None or decision.recheck_at > NOW, decision
