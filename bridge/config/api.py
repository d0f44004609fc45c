"""The section `api`: the keys that open the API, and what each may do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bridge.config import values
from bridge.config.keys import FILE, Key, KeyReader
from bridge.config.model import ApiConfig, NamedKey
from bridge.config.read import Reader, Spot, nearest
from bridge.domain.roles import ROLES, Role
from bridge.errors import ConfigError

KEYS = ("key", "key_file", "read_key", "read_key_file", "open_metrics", "keys")
NAMED_KEYS = ("name", "key", "key_file", "role")

SHORTEST = 8
"""Characters that a key of `api.keys` has at least."""

Opening = Mapping[str, Key]
"""The keys that open the API, by their dotted names below `api`."""


def read_api(
    reader: Reader, keys: KeyReader, spot: Spot | None, *, with_keys: bool
) -> tuple[ApiConfig, Opening]:
    """The section, and its keys with the places where they stand, to which others may be compared.

    Without `with_keys` no variable and no file of a key is asked for.
    """
    found = reader.section(spot, KEYS)
    several = _Several(reader, keys, with_keys)
    read = {name: several.key(found, name) for name in ("key", "read_key")}
    opening = {name: key for name, key in read.items() if key is not None}
    named = several.named(found["keys"]) if "keys" in found else {}
    opening |= {f"keys.{place}.key": key for place, key in several.places.items()}
    _see_that_they_differ(reader, opening)
    is_open: bool | None = True
    if "open_metrics" in found:
        is_open = reader.value(found["open_metrics"], values.boolean)
    texts = {name: key.text for name, key in read.items() if key is not None}
    return ApiConfig(**texts, open_metrics=is_open is not False, keys=named), opening


def _see_that_they_differ(reader: Reader, opening: Opening) -> None:
    seen: dict[str, str] = {}
    for name, key in opening.items():
        first = seen.setdefault(key.text, name)
        if first != name:
            reader.wrong(key.spot, f"is the same as api.{first}; draw another one")


class _Several:
    """Reads keys; `places` has those of the list by where they stand in it."""

    def __init__(self, reader: Reader, keys: KeyReader, with_keys: bool) -> None:
        self._reader = reader
        self._keys = keys
        self._with_keys = with_keys
        self.places: dict[str, Key] = {}

    def key(self, found: Mapping[str, Spot], name: str) -> Key | None:
        """A key, where it is asked for."""
        read = self._keys.read(found, name) if self._with_keys else ()
        return read[0] if read else None

    def named(self, spot: Spot) -> dict[str, NamedKey]:
        """The list of keys with names and roles."""
        items = self._reader.items(spot)
        if not items and (spot.is_list or spot.is_null):
            sentence = "is empty; write at least one {name: …, key: …, role: …}, or leave it out"
            self._reader.wrong(spot, sentence)
        found: dict[str, NamedKey] = {}
        lines: dict[str, Spot] = {}
        for place, item in enumerate(items):
            for name, at, key in self._one(str(place), item):
                first = lines.setdefault(name, at)
                if first is not at:
                    sentence = (
                        f'"{name}" is the name of another key, {self._reader.both(first, at)}'
                    )
                    self._reader.wrong(at, f"{sentence}; give each its own")
                found[name] = key
        return found

    def _one(self, place: str, item: Spot) -> Iterator[tuple[str, Spot, NamedKey]]:
        found = self._reader.section(item, NAMED_KEYS)
        name = self._value(item, found, "name", "write what the audit log shall call this key")
        role = self._value(item, found, "role", f"write one of {', '.join(ROLES)}")
        if not {"key", "key" + FILE} & found.keys():
            self._reader.missing(
                item, "key", "write the key, or key_file: and the file that has it"
            )
        key = self.key(found, "key")
        if key is not None and len(key.text) < SHORTEST:
            sentence = f"is shorter than {SHORTEST} characters; draw a longer one"
            self._reader.wrong(key.spot, sentence)
        if key is not None:
            self.places[place] = key
        if name is not None and role is not None:
            yield name, found["name"], NamedKey(_role(role), "" if key is None else key.text)

    def _value(self, item: Spot, found: Mapping[str, Spot], key: str, sentence: str) -> str | None:
        if key not in found:
            self._reader.missing(item, key, sentence)
            return None
        return self._reader.value(found[key], values.name if key == "name" else _role)


def _role(text: str) -> Role:
    for role in ROLES:
        if text == role:
            return role
    raise ConfigError([f"is no role; {nearest(text, ROLES)}"])
