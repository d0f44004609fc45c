"""What a reason is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bridge.domain.model import InstallState

Actor = Literal["nobody", "the admin", "somebody at the device", "Apple"]


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: what is so, who must act, what happens next, and the states that it explains."""

    sentence: str
    actor: Actor
    next: str
    states: tuple[InstallState, ...] = ("waiting",)
