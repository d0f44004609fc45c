"""Deciding for an app that does not run on its device, where a person named the device for it.

Whom only a rule means is never wished for then (`domain/roster.py`).
"""

from __future__ import annotations

from bridge.domain.decision import Decision
from bridge.domain.facts import Facts
from bridge.domain.platforms import listed, runs_on


def unfit(facts: Facts) -> Decision | None:
    """What cannot run on a device takes no seat there and is not sent to it."""
    device, asset = facts.device, facts.asset
    if device is None or asset is None:
        return None
    platforms = listed(asset.platforms)
    if runs_on(device.product_name, platforms):
        return None
    detail = (
        f"its product is {device.product_name}, and the app is for {', '.join(sorted(platforms))}"
    )
    return Decision("failed", "WRONG_PLATFORM", detail)
