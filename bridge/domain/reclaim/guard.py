"""How many licences the policy may give back in a day before a person has to say so."""

from __future__ import annotations

from typing import Final

from bridge.domain.policy import DAY
from bridge.domain.wording import counted

WITHIN: Final = DAY
"""Seconds over which it is counted."""

FEW: Final = 10
PART: Final = 0.05
"""More than FEW, and than this part of a location's licences, wait for a person."""


def most(licences: int) -> int:
    """How many of a location's licences may go back within a day."""
    return max(FEW, int(PART * licences))


def held(location: str, licences: int, lately: int, due: int) -> str | None:
    """Why the `due` licences of a location are held, of which so many went back `lately`; None
    where they may go. All are held: what looks like many devices gone may be a fault of ours."""
    allowed = most(licences)
    if lately + due <= allowed:
        return None
    before = f", after {lately} within a day" if lately else ""
    return (
        f"{counted(due, 'licence')} of {location} would go back{before}, and no more than "
        f"{allowed} of them do within a day unless a person says so"
    )
