"""What names a device or a person, replaced by words that tell nothing, the same each time.

A pseudonym is a digest under a key that whoever reads it does not have: who knows a fleet's serial
numbers could try them all against a digest without one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

Kind = str
"""What is named: serial, device, enrolment, user, name, address, account."""

MEMBERS: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("serial", "serial_number", "claimed_serial_number"), "serial"),
    **dict.fromkeys(("udid", "device_udid"), "device"),
    "enrollment_id": "enrolment",
    **dict.fromkeys(("client_user_id", "user"), "user"),
    **dict.fromkeys(("device_name", "location_name", "mdm_name"), "name"),
    **dict.fromkeys(("email", "managed_apple_id"), "address"),
    **dict.fromkeys(("who", "sudo_user"), "account"),
    "mdm_id": "mdm",
}
"""By what members are called, what they name, whatever stands there."""

_LEFT_OUT = frozenset(("invitation_url", "invite_code", "id_hash"))
_PREFIXES: Mapping[str, Kind] = {"user:": "user", "enrolment:": "enrolment"}
_WORD = re.compile(r"(?:user:|enrolment:)?[^\W_](?:[\w.@+:-]*\w)?")
_PART = re.compile(r"[^:.@+]+")
_EDGES = re.compile(r"^\W+|\W+$")
_ADDRESS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_SPOKEN = re.compile(r"\w+")
_LONGEST_NAME = 6
_SHORTEST_NAME = 3
_SHORTEST_ID = 5
"""Characters of what is looked for everywhere; what is shorter is replaced in its member alone."""
_DIGITS = 8


class Pseudonyms:
    """Replaces names under one key, for as long as that is the same."""

    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, kind: Kind, value: str) -> str:
        """What stands for `value`: its kind, and a few digits."""
        digest = hmac.digest(self._key, f"{kind} {value.casefold()}".encode(), hashlib.sha256)
        return f"{kind}-{digest.hex()[:_DIGITS]}"

    def replaced(
        self, document: Any, known: Mapping[str, Kind], names: frozenset[str] | set[str]
    ) -> Any:
        """A document as it may be shown: what its members name (`MEMBERS`) is replaced there, and
        wherever else it stands; so are the words of `known`, the `names` of devices, and addresses
        of mail. Keys of its objects are looked at as well."""
        found = dict(known)
        names = {_plain_name(name) for name in names}
        for kind, value in _named(document):
            if kind == "name":
                names.add(_plain_name(value))
            elif kind != "account":  # such a name may be any word
                found.setdefault(value, kind)
        names = {name for name in names if len(name) >= _SHORTEST_NAME}
        found = {word: kind for word, kind in found.items() if len(word) >= _SHORTEST_ID}
        return self._value(document, found, names)

    def _value(self, value: Any, known: Mapping[str, Kind], names: set[str]) -> Any:
        match value:
            case dict():
                return {
                    self._text(str(key), known, set()): self._member(key, each, known, names)
                    for key, each in value.items()
                    if key not in _LEFT_OUT
                }
            case list() | tuple():
                return [self._value(each, known, names) for each in value]
            case str():
                return self._text(value, known, names)
        return value

    def _member(self, key: Any, value: Any, known: Mapping[str, Kind], names: set[str]) -> Any:
        kind = MEMBERS.get(str(key))
        if kind is None or not isinstance(value, str) or not value:
            return self._value(value, known, names)
        return self.of(known.get(value, kind), value)

    def _text(self, text: str, known: Mapping[str, Kind], names: set[str]) -> str:
        text = _ADDRESS.sub(lambda m: self.of("address", m[0]), text)
        text = _WORD.sub(lambda m: self._word(m[0], known), text)
        for name in sorted(phrases(text) & names, key=len, reverse=True):
            bounded = rf"(?<!\w){re.escape(name)}(?!\w)"
            text = re.sub(bounded, self.of("name", name), text)
        return text

    def _word(self, word: str, known: Mapping[str, Kind]) -> str:
        for prefix, kind in _PREFIXES.items():
            if word.startswith(prefix) and len(word) > len(prefix):
                return prefix + self.of(kind, word.removeprefix(prefix))
        if (kind_of := known.get(word) or known.get(word.upper())) is not None:
            return self.of(kind_of, word)
        return _PART.sub(lambda m: self._part(m[0], known), word)

    def _part(self, part: str, known: Mapping[str, Kind]) -> str:
        kind = known.get(part) or known.get(part.upper())
        return part if kind is None else self.of(kind, part)


def words(document: Any) -> set[str]:
    """Every word of a document that may be an id, whole and in its parts, to look up whether it is
    one; in capitals, too, as serial numbers are kept."""
    found: set[str] = set()
    for text in _texts(document):
        for word in _WORD.findall(text):
            bare = word
            for prefix in _PREFIXES:
                bare = bare.removeprefix(prefix)
            for part in (bare, *_PART.findall(bare)):
                found |= {part, part.upper()}
    return found


def phrases(text: str) -> set[str]:
    """What a text says in one word, and in up to six that follow each other."""
    spans = [match.span() for match in _SPOKEN.finditer(text)]
    return {
        text[begin : spans[last][1]]
        for first, (begin, _) in enumerate(spans)
        for last in range(first, min(first + _LONGEST_NAME, len(spans)))
    }


def _plain_name(name: str) -> str:
    """A name without the signs around it, as it is looked for in a text."""
    return _EDGES.sub("", name)


def _named(document: Any) -> Iterator[tuple[Kind, str]]:
    """What the members of a document name."""
    for key, value in _members(document):
        kind = MEMBERS.get(key)
        if kind is not None and isinstance(value, str) and value:
            yield kind, value


def _members(document: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(document, dict):
        for key, value in document.items():
            yield str(key), value
            yield from _members(value)
    elif isinstance(document, list | tuple):
        for each in document:
            yield from _members(each)


def _texts(document: Any) -> Iterator[str]:
    match document:
        case str():
            yield document
        case dict():
            for key, value in document.items():
                yield str(key)
                yield from _texts(value)
        case list() | tuple():
            for each in document:
                yield from _texts(each)
