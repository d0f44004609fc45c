"""What a rule says for people."""

from __future__ import annotations

import pytest

from bridge.domain.updates.rule import UpdateRule


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (UpdateRule(), "latest"),
        (UpdateRule(rings=("a", "b"), ring=1), "latest (ring b)"),
        (
            UpdateRule(rings=("a",), ring=1, window="22:00-05:00"),
            "latest (ring the rest, window 22:00-05:00)",
        ),
        (
            UpdateRule(days=("mon", "tue"), ring_wait=43200.0, max_per_hour=50, jitter=600.0),
            "latest (days mon tue, ring_wait 12h, max_per_hour 50, jitter 10m)",
        ),
        (
            UpdateRule(stop_at="5%", time_zone="Europe/Berlin"),
            "latest (stop_at 5%, time_zone Europe/Berlin)",
        ),
    ],
)
def test_a_rule_in_words(rule: UpdateRule, text: str) -> None:
    assert str(rule) == text
    assert str(UpdateRule.from_text(rule.as_text())) == text
