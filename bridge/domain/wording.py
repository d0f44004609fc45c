"""Pieces of the sentences that people read."""

from __future__ import annotations

from collections.abc import Sequence

SHOWN = 10
"""Serial numbers or apps that a sentence names; more are counted."""
FEW = 20
"""Known words that a sentence lists."""


def as_sentence(text: str) -> str:
    """`text` as a sentence of its own: a capital letter first, one full stop last."""
    return text[:1].upper() + text[1:].rstrip(".") + "."


def called(what: str, id: str, name: str | None) -> str:
    """`app Pages (361309726)`, or `app 361309726` where it has no name."""
    return f"{what} {name} ({id})" if name else f"{what} {id}"


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 device`, `2 devices`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def named(names: Sequence[str]) -> str:
    """The first of several names, and how many more there are."""
    more = len(names) - SHOWN
    text = ", ".join(names[:SHOWN])
    return f"{text} and {more} more" if more > 0 else text


def nearest(word: str, known: Sequence[str]) -> str:
    """What to append to "… is unknown": the nearest of the known words, or all if they are few."""
    from difflib import get_close_matches  # noqa: PLC0415 - only mistakes need it

    near = get_close_matches(word, known, n=1, cutoff=0.6)
    if near:
        return f"; did you mean {near[0]}"
    return f"; known are {', '.join(known)}" if known and len(known) <= FEW else ""
