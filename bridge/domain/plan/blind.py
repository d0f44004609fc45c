"""A plan that cannot see what its rules mean: an MDM server did not show its devices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bridge.domain.desired.desired import Desired


@dataclass(frozen=True, slots=True)
class Blind:
    """An MDM server whose devices are not known, and why: the end of a sentence."""

    server: str
    why: str


def uses_rules(desired: Desired) -> bool:
    """Whether an app's groups mean devices by a rule (`all` or `match`), not by their names.

    A rule under `exclude` counts: who is excluded by it cannot be told either.
    """
    used = {name for app in desired.apps for name in (*app.groups, *app.exclude)}
    return any(
        group.all or group.match is not None for group in desired.groups if group.name in used
    )


def unseen_lines(unseen: Iterable[Blind]) -> list[str]:
    """What could not be seen, a sentence for each server."""
    return [f"The devices of {each.server} could not be read: {_end(each)}." for each in unseen]


def blind_lines(blind: Sequence[Blind]) -> list[str]:
    """What a blind plan says before anything else."""
    if not blind:
        return []
    return [
        *(f"Blind: {line[0].lower()}{line[1:]}" for line in unseen_lines(blind)),
        "Groups with all or match may mean more devices than are shown here. Mend that and plan "
        "again; until then an apply is refused, save with --offline.",
    ]


def blind_refusal(blind: Iterable[Blind], anyway: str) -> str:
    """Why a blind apply is refused, without a full stop; `anyway` is how to ask for it."""
    whose = "; ".join(f"those of {each.server} could not be read ({_end(each)})" for each in blind)
    return (
        f"groups with all or match mean devices that are not known: {whose}; mend that, or say "
        f"{anyway} to store it all the same, and what it could not show waits for another apply"
    )


def _end(each: Blind) -> str:
    return " ".join(each.why.split()).rstrip(".")
