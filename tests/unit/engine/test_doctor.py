"""What doctor says without asking anybody: mends of what went wrong on the wire, and clocks."""

from __future__ import annotations

from typing import get_args

import pytest

from bridge.clients.hitches import HitchKind
from bridge.engine.insight.doctor.clocks import Off, judged
from bridge.engine.insight.doctor.mends import Address, Whose, mend

URL = "https://mdm.example.org:8443/path"


@pytest.mark.parametrize("kind", get_args(HitchKind))
@pytest.mark.parametrize("whose", get_args(Whose))
@pytest.mark.parametrize("proxy", [None, "proxy.example.org:3128"])
def test_every_kind_has_a_mend(kind: str, whose: Whose, proxy: str | None) -> None:
    said = mend(kind, Address(URL, "servers.main.url", whose, proxy))
    assert len(said) > 20 and "None" not in said


def test_what_is_no_hitch_has_none() -> None:
    assert mend("", Address(URL, "servers.main.url", "mdm")) == ""


def test_no_two_kinds_have_the_same_mend() -> None:
    there = Address(URL, "servers.main.url", "mdm")
    said = [mend(kind, there) for kind in get_args(HitchKind)]
    assert len(set(said)) == len(said)


def test_a_proxy_is_named_with_its_variable() -> None:
    there = Address("http://mdm.example.org", "servers.main.url", "mdm", "proxy:3128")
    assert "proxy:3128 is named by HTTP_PROXY" in mend("refused", there)
    assert "mdm.example.org:80, or name mdm.example.org in NO_PROXY" in mend("proxy", there)
    assert "proxy" not in mend("expired", there), "whoever shows it, it is the server's"


@pytest.mark.parametrize(
    ("seconds", "level", "text", "is_zone"),
    [
        (0.4, "ok", "it agrees with Apple's", False),
        (-29.0, "ok", "it agrees with Apple's", False),
        (45.0, "warn", "is 45 seconds ahead of Apple's", False),
        (-200.0, "warn", "is 3 minutes behind Apple's", False),
        (420.0, "fail", "is 7 minutes ahead of Apple's", False),
        (3600.0, "fail", "is 1 hour ahead of Apple's", True),
        (-7190.0, "fail", "is 2 hours behind Apple's", True),
        (-19800.0, "fail", "is 5 hours and 30 minutes behind Apple's", True),
        (4500.0 + 300, "fail", "is 80 minutes ahead of Apple's", False),
        (86400.0 * 3, "fail", "is 3 days ahead of Apple's", False),
    ],
)
def test_how_far_a_clock_is_off(seconds: float, level: str, text: str, is_zone: bool) -> None:
    found = judged(Off("Apple's", seconds))
    assert found.level == level and found.text.endswith(text)
    assert ("local time" in found.mend) == is_zone
    assert ("NTP" in found.mend) == (level != "ok")
