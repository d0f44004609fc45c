"""Which version is newer: only where that can be told."""

import pytest

from bridge.domain.updates.newest import Version, is_older, stands, supersedes
from bridge.domain.updates.rule import UpdateRule
from tests.unit.domain_kit import POLICY


@pytest.mark.parametrize(
    ("one", "other", "older"),
    [
        ("14.1", "14.2", True),
        ("14.10", "14.9", False),
        ("14", "14.0", False),
        ("1.2.3", "1.2.3.1", True),
        (None, "1.0", None),
        ("1.0", None, None),
        ("2027 (beta)", "2027", None),
        ("1.0", "today", None),
    ],
)
def test_versions_are_compared_part_by_part(
    one: str | None, other: str | None, older: bool | None
) -> None:
    assert is_older(one, other) is older


@pytest.mark.parametrize(
    ("has", "newest", "standing"),
    [
        (Version("1.0", 100), Version("2.0", 200), "outdated"),
        (Version("1.0", 200), Version("2.0", 200), "current"),
        (Version(None, 300), Version("2.0", 200), "current"),
        (Version("1.0", None), Version("2.0", 200), "outdated"),
        (Version(None, 100), Version("2.0", None), "unknown"),
        (Version(), Version("2.0", 200), "unknown"),
        (Version("1.0", 100), Version(), "unknown"),
    ],
)
def test_a_device_stands_to_the_newest(has: Version, newest: Version, standing: str) -> None:
    assert stands(has, newest) == standing


def test_what_is_not_known_to_be_newer_supersedes_nothing() -> None:
    assert supersedes(Version("2.0", 200), Version("1.0", 100))
    assert supersedes(Version("1.0", 100), Version())
    assert not supersedes(Version("1.0", 100), Version("2.0", 200))
    assert not supersedes(Version("beta", None), Version("2.0", 200))
    assert not supersedes(Version(), Version())


@pytest.mark.parametrize(
    ("limit", "devices", "failed", "stops"),
    [
        ("5%", 30, 1, False),
        ("5%", 30, 2, True),
        ("5%", 3, 1, True),
        ("5%", 0, 0, False),
        ("100%", 2, 1, False),
        ("3", 1000, 2, False),
        ("3", 1000, 3, True),
    ],
)
def test_too_many_failures_stop_a_version(
    limit: str, devices: int, failed: int, stops: bool
) -> None:
    assert UpdateRule(stop_at=limit).stops(POLICY, devices=devices, failed=failed) is stops


def test_a_rule_is_stored_and_read() -> None:
    rule = UpdateRule("22:00-05:00", ("mon",), ("pilots",), 5.0, 7, 0.0, "3", 1, "Asia/Tokyo")
    assert UpdateRule.from_text(rule.as_text()) == rule
    assert UpdateRule().as_text() == "{}"
