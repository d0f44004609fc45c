"""What an alert is: a kind of it as it is declared, and a fault that makes one fire."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bridge.domain.policy import AlertsPolicy


def _at_once(_policy: AlertsPolicy) -> float:
    return 0.0


@dataclass(frozen=True, slots=True)
class Alert:
    """One kind of alert, whole: `on` in the configuration names it by `name`.

    `fires`, `clears` and `mend` are for people, without a full stop: what makes it fire, what ends
    it, and what to do. It fires for what a part of the bridge shows as a `Fault` of this name
    (`HealthPart.faults`); and, for each app and location, while an install is wanted that has one
    of `reasons`. `after` is how many seconds that must last before anybody is told.
    """

    name: str
    fires: str
    clears: str
    mend: str
    reasons: tuple[str, ...] = ()
    after: Callable[[AlertsPolicy], float] = _at_once


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that is wrong now. `subject` says of what, in few words that do not change while
    it lasts; `sentence` what is so and what to do."""

    alert: str
    subject: Mapping[str, str]
    sentence: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from others, as it is stored."""
        return self.alert, json.dumps(dict(self.subject), sort_keys=True)
