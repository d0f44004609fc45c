"""Values of the configuration's kinds that others read, too."""

import pytest

from bridge.config import values
from bridge.errors import ConfigError

NOON = 1795867200.0
"""2026-11-28 12:00 UTC."""


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("7d", NOON - 7 * 86400),
        ("90m", NOON - 5400),
        ("2026-11-28", 1795824000.0),
        ("2026-11-28T12:00:00Z", 1795867200.0),
        ("2026-11-28T12:00:00+02:00", 1795860000.0),
        ("2026-11-28 12:00", 1795867200.0),
    ],
)
def test_since_when(text: str, at: float) -> None:
    assert values.since(text, NOON) == at


@pytest.mark.parametrize("text", ["", "lately", "7", "7w", "2026-13-01"])
def test_no_moment(text: str) -> None:
    with pytest.raises(ConfigError, match="neither how long ago, like 12h or 7d"):
        values.since(text, NOON)
