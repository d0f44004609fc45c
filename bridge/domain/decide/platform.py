"""Deciding for an app that Apple does not list for its device, where a person named the device.

Whom only a rule means is never wished for then (`domain/desired/roster.py`). What cannot be is not
tried; what may be is sent once, and the device has the word.
"""

from __future__ import annotations

from bridge.domain.catalogue import TREATMENTS, Meaning
from bridge.domain.decision import Decision
from bridge.domain.devices.platforms import Fit, fit, listed
from bridge.domain.facts import Facts


def unfit(facts: Facts) -> Decision | None:
    """What cannot run on a device takes no seat there and is not sent to it."""
    if _fit(facts) != "impossible":
        return None
    return Decision("failed", "WRONG_PLATFORM", f"{_products(facts)}, and {_listed(facts)}")


def not_listed(facts: Facts) -> str | None:
    """Why a device is none that Apple lists the app for, in words; None where it is, or may be."""
    return None if _fit(facts) == "listed" else f"{_products(facts)}, and {_listed(facts)}"


def is_foreign_ios_app(facts: Facts) -> bool:
    """Whether an app for iOS is sent to a device for which Apple does not list it."""
    return _fit(facts) == "untold"


def refused(facts: Facts, meaning: Meaning, detail: str) -> Decision | None:
    """The one try is over when the device says no, but for a licence that it does not see yet: that
    has nothing to do with its platform. None where other rules say what follows."""
    if _fit(facts) != "untold" or meaning.kind == "license_not_visible":
        return None
    attempt = facts.attempt
    not_supported = attempt is not None and attempt.rejection_reason == "NotSupported"
    if TREATMENTS[meaning.kind].again != "retry" and not not_supported:
        return None
    tried = f"it was sent once, though {_listed(facts)}, and {detail}"
    return Decision("failed", "WRONG_PLATFORM", tried)


def _fit(facts: Facts) -> Fit:
    if facts.device is None or facts.asset is None:
        return "listed"
    return fit(facts.device.product_name, listed(facts.asset.platforms))


def _products(facts: Facts) -> str:
    return f"its product is {facts.device.product_name if facts.device else None}"


def _listed(facts: Facts) -> str:
    platforms = listed(facts.asset.platforms if facts.asset else None)
    return f"the app is for {', '.join(sorted(platforms))}"
