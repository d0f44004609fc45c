"""Pieces of the sentences that people read."""

import pytest

from bridge.domain.wording import SHOWN, as_sentence, counted, named


@pytest.mark.parametrize("text", ["nothing goes", "nothing goes.", "Nothing goes."])
def test_a_sentence_begins_large_and_ends_once(text: str) -> None:
    assert as_sentence(text) == "Nothing goes."


def test_one_or_many() -> None:
    assert [counted(n, "device") for n in (0, 1, 2)] == ["0 devices", "1 device", "2 devices"]
    assert counted(2, "wish", "wishes") == "2 wishes"


def test_the_first_names_and_how_many_more() -> None:
    names = [f"S{number}" for number in range(SHOWN + 2)]
    assert named(names[:2]) == "S0, S1"
    assert named(names) == ", ".join(names[:SHOWN]) + " and 2 more"
