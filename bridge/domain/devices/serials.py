"""What a serial number is, and what devices tell in place of one.

Virtual machines and boards without a number written to them tell words of their maker instead. Such
a word must not take a licence: Apple would take it for a device, and no command could name it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_SERIAL = re.compile(r"[A-Za-z0-9-]{1,64}")

_NO_NUMBER: Final = frozenset(
    {
        "none",
        "null",
        "na",
        "unknown",
        "default",
        "defaultstring",
        "invalid",
        "notapplicable",
        "notspecified",
        "notavailable",
        "serialnumber",
        "systemserialnumber",
    }
)
"""Letters and digits of what stands in place of a number, in small letters. Source: the defaults of
firmware (DMI) and of makers of virtual machines, as administrators report them."""

_TO_BE_FILLED: Final = "tobefilled"

LONGEST_CLAIM: Final = 64


@dataclass(frozen=True, slots=True)
class Told:
    """What a device told of its serial number: the number, or what it `claims` in place of one."""

    serial_number: str | None = None
    claims: str | None = None


def is_written_like_one(text: str) -> bool:
    """Whether the text is 1 to 64 letters, digits and hyphens, as people may name devices."""
    return _SERIAL.fullmatch(text) is not None


def told(text: str | None) -> Told:
    """What a device, or a list of devices, said: upper-cased as Apple has it, if it is one.

    A claim is cut to 64 characters, without what would disturb a terminal.
    """
    words = (text or "").strip()
    if not words:
        return Told()
    if is_written_like_one(words) and not _stands_for_none(words):
        return Told(serial_number=words.upper())
    return Told(claims="".join(c if c.isprintable() else "?" for c in words)[:LONGEST_CLAIM])


def is_word_for_none(words: str) -> bool:
    """Whether this is one of the words that stand in place of a number."""
    plain = _plain(words)
    return plain in _NO_NUMBER or plain.startswith(_TO_BE_FILLED)


_LETTERS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mistyped(serial_number: str) -> list[str]:
    """What may have been meant where a serial number was mistyped: everything that differs by one
    letter that is another, is missing or is too many, or by two neighbours that changed places."""
    text, places = serial_number.upper(), range(len(serial_number))
    found = dict.fromkeys(
        text[:at] + letter + text[at + 1 :] for at in places for letter in _LETTERS
    )
    found |= dict.fromkeys(text[:at] + text[at + 1 :] for at in places)
    found |= dict.fromkeys(
        text[:at] + letter + text[at:] for at in range(len(text) + 1) for letter in _LETTERS
    )
    found |= dict.fromkeys(
        text[:at] + text[at + 1] + text[at] + text[at + 2 :] for at in places[:-1]
    )
    return [each for each in found if each and each != text]


def _stands_for_none(words: str) -> bool:
    alike = len(set(_plain(words))) <= 1
    return alike or is_word_for_none(words)


def _plain(words: str) -> str:
    return "".join(c for c in words if c.isalnum()).lower()
