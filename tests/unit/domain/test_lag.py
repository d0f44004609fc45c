"""How far webhooks are behind, by the times of two clocks of which either may be wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.domain.lag import BEHIND, BELIEVED, MARGIN, SILENCE, Stream

NOW = 1_800_000_000.0
LATE = 400.0


def heard(*messages: tuple[float, float], clock: float = 0.0) -> Stream:
    """After webhooks that were sent and came at these times, of a server whose clock is ahead."""
    stream = Stream()
    for sent, came in messages:
        stream = stream.heard(NOW + sent + clock, NOW + came)
    return stream


def test_of_a_server_that_was_never_heard_nothing_waits() -> None:
    assert Stream().has_passed(NOW, NOW)
    assert Stream().behind(NOW) == 0.0


def test_what_comes_at_once_is_not_behind() -> None:
    stream = heard((0.0, 0.1), (50.0, 51.5))
    assert stream.behind(NOW + 52) == 0.0
    assert stream.has_passed(NOW + 52, NOW + 52)
    assert stream.behind_since is None


def test_behind_until_a_newer_one_comes_at_once() -> None:
    stream = heard((0.0, 0.0), (10.0, 10.0 + LATE))
    assert stream.behind(NOW + 10 + LATE) == pytest.approx(LATE, abs=1)
    assert stream.behind_since == NOW + 10 + LATE
    assert stream.has_passed(NOW + 9 - MARGIN, NOW + 10 + LATE)
    assert not stream.has_passed(NOW + 11, NOW + 10 + LATE)
    later = stream.heard(NOW + 430, NOW + 430.5)
    assert later.behind(NOW + 431) == 0.0
    assert later.behind_since is None


def test_silence_passes_what_is_older_than_the_webhooks_were_behind_then_all() -> None:
    stream = heard((0.0, 0.0), (0.0 + 1, LATE + 1))
    came = NOW + LATE + 1
    assert stream.position(came + SILENCE - 1) == pytest.approx(NOW + 1, rel=0, abs=1)
    assert stream.position(came + SILENCE) == pytest.approx(NOW + 1 + SILENCE, rel=0, abs=1)
    assert stream.position(came + 2 * LATE - 1) == pytest.approx(NOW + 2 * LATE, rel=0, abs=1)
    assert stream.position(came + 2 * LATE) == came + 2 * LATE


def test_what_waits_here_is_behind_by_that_too() -> None:
    stream = heard((0.0, LATE), (10.0, LATE + 10))
    waiting = Stream(**{name: getattr(stream, name) for name in stream.__slots__} | {
        "waiting_since": NOW + LATE + 20,
    })  # fmt: skip
    assert waiting.position(NOW + LATE + 50) == pytest.approx(NOW + 20, rel=0, abs=1)
    assert Stream(waiting_since=NOW).behind(NOW + 30) == 30.0


@given(clock=st.one_of(st.floats(-BELIEVED, 30 * 86400.0), st.floats(-1e8, -BELIEVED - 1)))
def test_a_clock_that_is_wrong_is_known_after_one_answer(clock: float) -> None:
    stream = Stream().heard(NOW + clock, NOW + 0.5)
    stream = stream.heard(NOW + 10 + clock, NOW + 10.5, made_at=NOW + 9)
    assert stream.behind(NOW + 11) == 0.0 or stream.behind(NOW + 11) <= BEHIND + 1.5
    late = stream.heard(NOW + 20 + clock, NOW + 20 + LATE)
    assert late.behind(NOW + 20 + LATE) == pytest.approx(LATE, abs=2 * BEHIND)


def test_a_clock_that_is_slow_by_days_is_not_taken_for_behind() -> None:
    assert heard((0.0, 0.5), clock=-86400.0).behind(NOW + 1) == 0.0


@pytest.mark.parametrize("by", [-86400.0, -120.0, 5.0, 86400.0])
def test_a_clock_that_is_set_is_no_lag(by: float) -> None:
    stream = heard((0.0, 0.0), (60.0, 60.1)).heard(NOW + 70 + by, NOW + 70.1)
    assert stream.behind(NOW + 71) == 0.0


def test_a_clock_that_is_set_back_a_little_is_known_by_an_answer() -> None:
    stream = heard((0.0, 0.0), (60.0, 60.1)).heard(NOW + 130 - 40, NOW + 130)
    assert stream.behind(NOW + 131) == pytest.approx(41.0, abs=0.1)
    stream = stream.heard(NOW + 140 - 40, NOW + 140, made_at=NOW + 139)
    assert stream.behind(NOW + 141) == 0.0


def test_clocks_that_go_apart_slowly_are_no_lag() -> None:
    stream = Stream()
    for hour in range(1000):
        at = NOW + hour * 3600.0
        stream = stream.heard(at - hour * 1.0, at)  # 280 in a million
        assert stream.behind(at) == 0.0


def test_times_that_stand_still_are_no_lag_for_long() -> None:
    stream = heard(*((0.0, float(second)) for second in range(0, 600, 10)))
    assert stream.behind(NOW + 600) == 0.0


def test_what_is_handled_again_by_hand_changes_nothing() -> None:
    stream = heard((0.0, 0.0), (100.0, 100.0))
    assert stream.heard(NOW + 50, NOW + 50.0) is stream


def test_when_something_was_said() -> None:
    stream = heard((0.0, 0.0), (10.0, 10.0 + LATE))
    said = stream.moment_of(NOW + 10, NOW + 10 + LATE)
    assert said == pytest.approx(NOW + 10, rel=0, abs=1.0)
    assert stream.moment_of(None, NOW + 10 + LATE) == NOW + 10 + LATE
    assert heard((0.0, 0.5)).moment_of(NOW, NOW + 0.5) == NOW + 0.5
