"""What a reason is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.domain.model import InstallState

Actor = Literal["nobody", "the admin", "somebody at the device", "Apple"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what is so, who must act, what happens next, and the states that it explains.

    `when` says what it waits for, where that is no moment of the clock; after what `is_end` nothing
    follows by itself, ever.
    """

    sentence: str
    actor: Actor
    next: str
    states: tuple[InstallState, ...] = ("waiting",)
    when: str = ""
    is_end: bool = False
