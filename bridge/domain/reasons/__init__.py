"""Why an install is in its state: every reason, what it means, and who must act.

The names are part of the API. `sentence` and `next` may use {app}, {device}, {location} and
{detail}; {serial} and {adam_id} where they name a command.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypedDict

from bridge.domain.model import InstallState
from bridge.domain.reasons.declaration import DECLARATION_REASONS
from bridge.domain.reasons.device import DEVICE_REASONS
from bridge.domain.reasons.licence import LICENCE_REASONS
from bridge.domain.reasons.location import LOCATION_REASONS
from bridge.domain.reasons.reason import Actor, Reason
from bridge.domain.reasons.removal import REMOVAL_REASONS
from bridge.domain.reasons.update import UPDATE_REASONS
from bridge.domain.reasons.user import USER_REASONS
from bridge.domain.reasons.wish import WISH_REASONS

__all__ = [
    "NEEDING",
    "NEEDING_STATES",
    "REASONS",
    "Actor",
    "Meaning",
    "Reason",
    "as_markdown",
    "describe",
    "meanings",
    "needs_someone",
]

REASONS: Final[dict[str, Reason]] = {
    **WISH_REASONS,
    **LOCATION_REASONS,
    **LICENCE_REASONS,
    **DEVICE_REASONS,
    **DECLARATION_REASONS,
    **REMOVAL_REASONS,
    **USER_REASONS,
    **UPDATE_REASONS,
}

NEEDING_STATES: Final[tuple[InstallState, ...]] = ("failed", "conflict", "needs_user")
"""States in which an install goes no further by itself, whatever the reason."""

NEEDING: Final = frozenset(
    name
    for name, reason in REASONS.items()
    if reason.actor in ("the admin", "somebody at the device")
)
"""Reasons for which somebody must act, whatever the state."""


def needs_someone(state: str, reason: str) -> bool:
    """Whether somebody must act before an install goes on."""
    return state in NEEDING_STATES or reason in NEEDING


def describe(
    reason: str,
    *,
    app: str,
    device: str,
    location: str,
    detail: str,
    serial: str = "SERIAL",
    adam_id: str = "ADAM_ID",
) -> tuple[str, str]:
    """The sentence and the next step for a reason, with the names filled in."""
    entry = REASONS[reason]
    detail = detail.rstrip(". ") or "no detail"
    names = {"app": app, "device": device, "location": location, "detail": detail}
    names |= {"serial": serial, "adam_id": adam_id}
    return entry.sentence.format(**names), entry.next.format(**names)


def as_markdown() -> str:
    """Every reason as a page for people: its states, what is so, who must act, what comes next."""
    lines = [
        "# Reasons",
        "",
        "Why an app is, or is not, on a device. `vpp-bridge why SERIAL ADAM_ID` and the API give",
        "one of these for every install. The names are part of the API.",
        "",
        "What is wanted and `failed`, `needs_user` or `conflict` stays so until the device shows",
        "that the cause is gone, the wish changes, or `vpp-bridge retry` gives it another round.",
        "",
        "| reason | state | what is so | who must act | what happens next |",
        "|---|---|---|---|---|",
    ]
    lines += [
        f"| `{m['reason']}` | {', '.join(m['states'])} | {m['means']} | {m['who_must_act']} "
        f"| {m['next']} |"
        for m in meanings()
    ]
    return "\n".join(lines) + "\n"


class Meaning(TypedDict):
    """One reason in general: of no app and device in particular."""

    reason: str
    states: Sequence[InstallState]
    means: str
    who_must_act: Actor
    next: str


def meanings() -> list[Meaning]:
    """Every reason, in the order of the alphabet."""
    names = {"app": "the app", "device": "the device", "location": "the location"}
    names |= {"serial": "SERIAL", "adam_id": "ADAM_ID"}
    return [
        {
            "reason": name,
            "states": reason.states,
            "means": reason.sentence.replace(": {detail}", "").format(**names, detail="\u2026"),
            "who_must_act": reason.actor,
            "next": reason.next.format(**names, detail="\u2026"),
        }
        for name, reason in sorted(REASONS.items())
    ]
