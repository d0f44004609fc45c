"""What a pause makes of a decision: what would need a POST waits, the rest stands."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from bridge.domain.decision import (
    AskApps,
    AskFacts,
    AskInstalled,
    BeginProbe,
    Decision,
    GiveBack,
    LeaveLine,
    PostAgain,
    SendInstall,
    SendRemove,
    StartUpdate,
    Step,
    TakeSeat,
)
from bridge.domain.facts import Facts, Licence
from bridge.domain.model import InstallState
from bridge.domain.pauses import Pause

_CHANGES: Final[tuple[type[Step], ...]] = (
    TakeSeat,
    SendInstall,
    PostAgain,
    BeginProbe,
    GiveBack,
    SendRemove,
    StartUpdate,
)
_QUESTIONS: Final[tuple[type[Step], ...]] = (AskApps, AskInstalled, AskFacts)

_REACHED: Final[frozenset[InstallState]] = frozenset(
    {
        "acknowledged",
        "installing",
        "installed",
        "unconfirmed",
        "failed",
        "conflict",
        "needs_user",
        "removed",
    }
)
"""States that tell where the app or its device is; only a question to the device has to wait."""

_NOT_LEFT: Final = frozenset({"COMMAND_READY", "ASSOCIATE_COLLECTING", "APPLE_AWAY"})
"""Reasons of what stands in a line of ours."""


def unless_paused(facts: Facts, pause: Pause, now: float, decision: Decision) -> Decision:
    """`decision`, or the same without what must not leave, or PAUSED if it only waits for that."""
    kept_back = _CHANGES + _QUESTIONS if pause.covers_questions else _CHANGES
    going = tuple(step for step in decision.steps if not isinstance(step, kept_back))
    held = len(going) < len(decision.steps) or _has_not_left(facts, decision)
    if (_in_line(facts.licence) or _in_line(facts.release)) and LeaveLine() not in going:
        going = (*going, LeaveLine())
    if not held or decision.state in _REACHED:
        return replace(decision, steps=going)
    probe_at = pause.next_probe_at
    later = probe_at if probe_at is not None and probe_at > now else None
    return Decision("waiting", "PAUSED", pause.told, steps=going, recheck_at=later)


def _in_line(licence: Licence) -> bool:
    """Whether the pair waits for a batch, where it would hold nobody up but us."""
    return licence.state == "collected"


def _has_not_left(facts: Facts, decision: Decision) -> bool:
    """Whether the decision waits for a request or a command that has not left."""
    if decision.reason == "LOCATION_STARTING":
        return facts.pause is not None and facts.pause.scope in ("all", "location")
    if decision.reason == "RELEASING":
        return _in_line(facts.release) or facts.release.waits_until is not None
    if decision.reason == "REMOVING":
        return facts.removal is not None and facts.removal.state in ("ready", "posting")
    return decision.reason in _NOT_LEFT
