"""States of installs and users in pictures: in which order, and in which of four tones.

A tone is never told by colour alone: the word stands beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from bridge.domain.model import INSTALL_STATES, InstallState
from bridge.domain.reasons import NEEDING_STATES
from bridge.domain.users.facts import UserState

Tone = Literal["good", "moving", "waiting", "bad", "gone"]

_TONES: Final[Mapping[InstallState, Tone]] = {
    "installed": "good",
    "licensed": "moving",
    "waiting": "waiting",
    "unconfirmed": "waiting",
    "removed": "gone",
    **dict.fromkeys(NEEDING_STATES, "bad"),
}
_OF_USERS: Final[Mapping[UserState, Tone]] = {
    "associated": "good",
    "waiting": "waiting",
    "retired": "gone",
    "failed": "bad",
}
TONES: Final[Mapping[str, Tone]] = {
    **{state: _OF_USERS.get(state, "moving") for state in get_args(UserState)},
    **{state: _TONES.get(state, "moving") for state in INSTALL_STATES},
}
"""Of installs and of users; a word that both have means the same."""

_TONE_ORDER: Final[tuple[Tone, ...]] = ("good", "moving", "waiting", "bad", "gone")
ORDER: Final = sorted(
    INSTALL_STATES,
    key=lambda state: (_TONE_ORDER.index(TONES[state]), -INSTALL_STATES.index(state)),
)
"""From what is done to what is stuck, as bars and areas are stacked."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bar: from where and how wide, of 1000, and what it stands for."""

    name: str
    tone: Tone
    count: int
    x: float
    width: float


def bar(counts: Mapping[str, int]) -> list[Part]:
    """The parts of a bar by state; a part that is there can be seen, however small it is."""
    whole = sum(counts.values())
    found, x = list[Part](), 0.0
    there = [state for state in ORDER if counts.get(state)]
    least = 6.0
    room = 1000.0 - least * len(there)
    for state in there:
        width = least + room * counts[state] / whole
        found.append(Part(state.replace("_", " "), TONES[state], counts[state], x, width))
        x += width
    return found
