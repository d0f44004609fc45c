"""Licences that Apple never takes back (`revocable: false`, as of every book): what a plan says of
them. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from bridge.domain.desired.anyway import BY_OPTIONS
from bridge.domain.desired.desired import Desired
from bridge.domain.model import Asset
from bridge.domain.wording import counted


@dataclass(frozen=True, slots=True)
class Mistake:
    """What cannot be, of an entry of `apps:`: its place among them, its key, and what to write."""

    entry: int
    key: str
    sentence: str


def mistakes(desired: Desired, irrevocable: Collection[tuple[str, Asset]]) -> tuple[Mistake, ...]:
    """The entries that would give back what Apple never takes back; `irrevocable` by location."""
    return tuple(
        Mistake(
            place,
            "on_unwanted",
            f'"{app.on_unwanted}" cannot be: Apple takes no licence of {app.adam_id} back (it is '
            "not revocable); write keep, or leave the key out",
        )
        for place, app in enumerate(desired.apps)
        if app.on_unwanted != "keep"
        and any((name, app.asset) in irrevocable for name in app.locations)
    )


def for_good_refusal(
    number: int, allowed: int | None, anyway: str = BY_OPTIONS.irrevocable
) -> str | None:
    """Why so many licences for good are not asked for without a word more; None if they may be.

    `anyway` is how to ask for them, with `{}` for the number.
    """
    if number <= (allowed or 0):
        return None
    them, most = "it" if number == 1 else "them", f"no more than {allowed}" if allowed else "none"
    return (
        f"it would ask for {counted(number, 'licence')} for good (Apple never takes {them} back), "
        f"but for {most} without {anyway.format(number)}"
    )


def for_good_lines(found: Sequence[tuple[str, int]]) -> list[str]:
    """What a plan says of them: for each app, in words, how many licences."""
    return [
        f"{name}: {counted(number, 'licence')} for good; Apple never takes "
        f"{'it' if number == 1 else 'them'} back."
        for name, number in found
    ]
