"""How alerts come and go, and who is due to be told."""

from dataclasses import replace

import pytest

from bridge.domain.alerts import ALERTS, Fault
from bridge.domain.alerts.message import body, sentence_of
from bridge.domain.alerts.standing import (
    FLAPS_WITHIN,
    MOST_CHANGES,
    STILL_FOR,
    Standing,
    Telling,
    is_due,
    look,
    told,
)
from bridge.domain.policy import DAY, AlertsPolicy

NOW = 1_800_000_000.0
FAULT = Fault("silence", {"server": "main", "what": "calls"}, "it is away")
ALERT, SUBJECT = FAULT.key
NOBODY = Telling("chat.example.org", ALERT, SUBJECT)


def firing(now: float = NOW) -> Standing:
    standing = look(None, FAULT, 0.0, now)
    assert standing is not None
    return standing


def gone(standing: Standing, now: float) -> Standing:
    over = look(standing, None, 0.0, now)
    assert over is not None
    return over


def test_what_must_last_is_pending_until_it_did() -> None:
    first = look(None, FAULT, 300.0, NOW)
    assert first is not None
    assert (first.state, first.since) == ("pending", NOW)
    assert not is_due(first, None, DAY, NOW)
    later = look(first, FAULT, 300.0, NOW + 299)
    assert later is not None
    assert later.state == "pending"
    fires = look(later, FAULT, 300.0, NOW + 300)
    assert fires is not None
    assert (fires.state, fires.since) == ("firing", NOW), "since when it is so"


def test_what_is_gone_before_it_fired_never_was() -> None:
    assert look(look(None, FAULT, 300.0, NOW), None, 300.0, NOW + 10) is None


def test_one_that_is_over_keeps_its_words_until_it_fires_again() -> None:
    over = gone(firing(), NOW + 60)
    assert (over.state, over.since, over.seen_since) == ("resolved", NOW + 60, None)
    again = look(over, replace(FAULT, sentence="other words"), 300.0, NOW + 120)
    assert again is not None
    assert (again.state, again.sentence) == ("resolved", "it is away")
    fires = look(again, replace(FAULT, sentence="other words"), 300.0, NOW + 420)
    assert fires is not None
    assert (fires.state, fires.sentence, fires.since) == ("firing", "other words", NOW + 120)


def test_it_is_told_once_and_again_each_day_and_its_end_once() -> None:
    alert = firing()
    assert is_due(alert, None, DAY, NOW)
    telling = told(NOBODY, "firing", NOW, NOW, "answered 200")
    assert not is_due(alert, telling, DAY, NOW + DAY - 1)
    assert is_due(alert, telling, DAY, NOW + DAY)
    over = gone(alert, NOW + 60)
    assert is_due(over, telling, DAY, NOW + 60)
    assert not is_due(over, told(telling, "resolved", NOW + 60, NOW + 60, ""), DAY, NOW + 9 * DAY)
    assert not is_due(over, None, DAY, NOW + 60), "who never heard of it hears no all-clear"


def test_one_that_ended_and_came_back_unheard_is_another() -> None:
    back = look(gone(firing(), NOW + 60), FAULT, 0.0, NOW + 120)
    assert back is not None
    assert is_due(back, told(NOBODY, "firing", NOW, NOW, ""), DAY, NOW + 120)


def test_one_that_comes_and_goes_keeps_still_first() -> None:
    standing, now = firing(), NOW
    for _ in range(MOST_CHANGES):
        now += 60
        before = standing
        standing = gone(standing, now) if standing.state == "firing" else firing_again(before, now)
    assert standing.settles_at == now + STILL_FOR
    telling = told(NOBODY, "firing", NOW - 1, now, "")
    assert not is_due(standing, telling, DAY, now + STILL_FOR - 1)
    assert is_due(standing, telling, DAY, now + STILL_FOR)
    assert gone(standing, now + FLAPS_WITHIN + 1).changes == 1, "that was long ago"


def firing_again(standing: Standing, now: float) -> Standing:
    back = look(standing, FAULT, 0.0, now)
    assert back is not None
    return back


def test_a_chat_is_told_no_markup_and_no_book() -> None:
    named = replace(firing(), sentence="app <!channel> " + "x" * 5000)
    text = body(named, "text", "b").decode()
    assert "<" not in text
    assert len(text) < 2100
    assert sentence_of("resolved", "it is away") == "All clear, it is over: It is away."


@pytest.mark.parametrize("name", ALERTS)
def test_a_kind_is_told_in_words_that_stand_on_their_own(name: str) -> None:
    alert = ALERTS[name]
    assert alert.name == name
    assert not any(text.endswith(".") for text in (alert.fires, alert.clears, alert.mend))
    assert alert.after(AlertsPolicy()) >= 0.0
