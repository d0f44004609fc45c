"""Whom a list of a device's apps concerns."""

import pytest

from bridge.domain.installs.news import concerns

NOW = 1_000.0


@pytest.mark.parametrize("reason", ["COMMAND_SENT", "COMMAND_READY", "NO_SEAT", "LICENSED"])
def test_what_waits_for_no_list_is_not_concerned(reason: str) -> None:
    assert not concerns(reason, None, NOW)


@pytest.mark.parametrize("reason", ["LIST_FIRST", "COMMAND_IN_DOUBT", "ACKNOWLEDGED", "PAUSED"])
def test_what_waits_for_a_list_is(reason: str) -> None:
    assert concerns(reason, NOW + 60, NOW)


@pytest.mark.parametrize(
    ("next_check_at", "concerned"), [(NOW + 60, False), (NOW, True), (None, True)]
)
def test_what_is_there_is_once_its_next_look_is_due(
    next_check_at: float | None, concerned: bool
) -> None:
    """A look that was due asked for the list, and plans the next one by it."""
    assert concerns("INSTALLED", next_check_at, NOW) == concerned
