"""The settings of a configuration by part, to tell whether two configurations differ.

The engine keeps digests of what it runs with, so that `apply`, `status` and `doctor` can say that
the file was changed since. Keys go into a digest of their own by scrypt with a salt: what is
stored must not help to guess a short one.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

from bridge.config.model import Config

_NO_SETTINGS = ("path", "database", "desired", "warnings", "mistakes", "mistaken")
_NAMED_BY_KEYS = frozenset({"alerts"})
"""Parts whose entries have their names from addresses, which are keys."""
_PART_OF = {"apple_url": "apple"}
_SCRYPT = {"n": 2**14, "r": 8, "p": 1}
"""About 50 ms and 16 MiB for each digest."""


@dataclass(frozen=True, slots=True)
class Digests:
    """Of each part that has any: a digest of what is no secret, and one of its keys. `single` has
    a shorter one of each setting by its dotted key, to tell which of them differ."""

    salt: str
    open: Mapping[str, str]
    keys: Mapping[str, str]
    single: Mapping[str, str]

    def as_json(self) -> dict[str, Any]:
        """A JSON-able form; `Digests(**it)` reads it back."""
        found = {"open": dict(self.open), "keys": dict(self.keys), "single": dict(self.single)}
        return {"salt": self.salt, **found}


def digests(config: Config, salt: str | None = None) -> Digests:
    """The digests of a whole configuration, under a salt of their own unless it is given."""
    salt = os.urandom(16).hex() if salt is None else salt
    open_, keys = _parts(config)
    return Digests(
        salt,
        {part: hashlib.sha256((salt + text).encode()).hexdigest() for part, text in open_.items()},
        {part: _slow(salt, text) for part, text in keys.items()},
        {
            key: hashlib.sha256((salt + key + text).encode()).hexdigest()[:16]
            for part, text in open_.items()
            for key, text in _single(part, json.loads(text))
        },
    )


def differing_keys(before: Digests, after: Digests) -> list[str]:
    """The settings that differ by their dotted keys, and of secrets the part in which one does;
    both must have the same salt."""
    keys = before.single.keys() | after.single.keys()
    found = {key for key in keys if before.single.get(key) != after.single.get(key)}
    parts = before.keys.keys() | after.keys.keys()
    secret = {part for part in parts if before.keys.get(part) != after.keys.get(part)}
    return sorted(found | {f"{part} (a secret)" for part in secret})


def differing(kept: Digests, config: Config, *, with_keys: bool) -> list[str]:
    """The parts of `config` that are not as in `kept`, in the order of the file.

    `with_keys` says that its keys were read. Parts with mistakes are left out: nobody knows what
    they are to be.
    """
    open_, keys = _parts(config)
    found = []
    for part, text in open_.items():
        if part in _NAMED_BY_KEYS and not with_keys:
            continue
        same = hashlib.sha256((kept.salt + text).encode()).hexdigest() == kept.open.get(part)
        if same and with_keys:
            same = part not in keys or _slow(kept.salt, keys[part]) == kept.keys.get(part)
        if not same and part not in config.mistaken:
            found.append(part)
    return found


def changed(before: Config, after: Config) -> list[str]:
    """The parts in which two whole configurations differ, in the order of the file."""
    one, other = _parts(before), _parts(after)
    return [
        part
        for part in one[0]
        if any(mine.get(part) != theirs.get(part) for mine, theirs in zip(one, other, strict=True))
    ]


def without_secrets(config: Config) -> dict[str, Any]:
    """Every setting that is no secret, by its part; groups, apps and users are none."""
    return {part: json.loads(text) for part, text in _parts(config)[0].items()}


def secrets(config: Config) -> list[str]:
    """Every secret that was read, the longest first."""
    found = {
        text
        for hidden in _parts(config)[1].values()
        for _, written in _single("", json.loads(hidden))
        for text in _texts(json.loads(written))
    }
    return sorted(found - {""}, key=len, reverse=True)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _single(key: str, value: Any) -> Iterator[tuple[str, str]]:
    """Every setting below a key, with its value as text."""
    if isinstance(value, dict) and value:
        for name, inner in value.items():
            yield from _single(f"{key}.{name}", inner)
    else:
        yield key, json.dumps(value, sort_keys=True)


def _slow(salt: str, text: str) -> str:
    return hashlib.scrypt(text.encode(), salt=bytes.fromhex(salt), **_SCRYPT).hex()


def _parts(config: Config) -> tuple[dict[str, str], dict[str, str]]:
    """By part, what is no secret and what is, as text that is equal where they are."""
    directory = Path(os.path.abspath(config.path)).parent
    open_, keys = {}, {}
    for field in fields(config):
        if field.name not in _NO_SETTINGS:
            part = _PART_OF.get(field.name, field.name)
            value = getattr(config, field.name)
            open_[part] = json.dumps(_plain(value, directory, secret=False), sort_keys=True)
            hidden = _plain(value, directory, secret=True)
            if hidden:
                keys[part] = json.dumps(hidden, sort_keys=True)
    return open_, keys


def _plain(value: Any, directory: Path, *, secret: bool) -> Any:
    """A setting as JSON: only its secrets (fields that no repr shows), or all but those."""
    if is_dataclass(value):
        found = {}
        for field in fields(value):
            inner = getattr(value, field.name)
            if not field.repr and secret:
                found[field.name] = _json(inner, directory)
            elif field.repr:
                found[field.name] = _plain(inner, directory, secret=secret)
        return {k: v for k, v in found.items() if v or not secret}
    if isinstance(value, Mapping):
        inside = {k: _plain(v, directory, secret=secret) for k, v in value.items()}
        return {k: v for k, v in inside.items() if v or not secret}
    return None if secret else _json(value, directory)


def _json(value: Any, directory: Path) -> Any:
    if isinstance(value, Path):
        # A configuration that is mounted elsewhere is the same.
        whole = Path(os.path.abspath(value))
        return str(whole.relative_to(directory) if whole.is_relative_to(directory) else whole)
    if isinstance(value, tuple | list):
        return [_plain(each, directory, secret=False) for each in value]
    return value
