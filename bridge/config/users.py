"""Reading `users:` and `users_file:`."""

from __future__ import annotations

import csv
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from typing import Any

from bridge.config import values
from bridge.config.read import Reader, Spot, nearest, tidy
from bridge.domain.users.wish import UserWish
from bridge.errors import ConfigError

USER_KEYS = (
    "client_user_id",
    "email",
    "managed_apple_id",
    "location",
    "serials",
    "enrollment_ids",
)
_LISTS: Mapping[str, Callable[[str], str]] = {
    "serials": values.listed_serial_number,
    "enrollment_ids": values.enrollment_id,
}
_TEXTS: Mapping[str, Callable[[str], str]] = {
    "client_user_id": values.client_user_id,
    "email": values.email,
    "managed_apple_id": values.email,
}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One user, and where a mistake about it is told: `wrong` gets the key and the sentence."""

    user: UserWish
    place: str
    wrong: Callable[[str], None]


def read_users(
    reader: Reader, users: Spot | None, file: Spot | None, locations: Collection[str]
) -> tuple[UserWish, ...]:
    """The users of the file and of its `users_file`; `locations` are the configured ones.

    Nobody stands there twice, and no device is of two users: whoever does so is a mistake, with
    both lines.
    """
    listed = [_entry(reader, spot, locations) for spot in (reader.items(users) if users else ())]
    filed = list(_filed(reader, file, locations)) if file is not None else []
    entries = [entry for entry in (*listed, *filed) if entry is not None]
    owners: dict[str, _Entry] = {}
    devices: dict[str, _Entry] = {}
    for entry in entries:
        first = owners.setdefault(entry.user.client_user_id, entry)
        if first is not entry:
            entry.wrong(f"the user is written twice, first {first.place}; make them one entry")
            continue
        for target in entry.user.targets:
            owner = devices.setdefault(target, entry)
            if owner is not entry:
                whose = owner.user.client_user_id
                entry.wrong(f"has a device of {whose} ({owner.place}); a device has one user")
    return tuple(entry.user for entry in entries)


def _entry(reader: Reader, spot: Spot, locations: Collection[str]) -> _Entry | None:
    found = reader.section(spot, USER_KEYS)
    read: dict[str, Any] = {
        key: reader.value(child, _TEXTS[key]) for key, child in found.items() if key in _TEXTS
    }
    if "location" in found:
        read["location"] = reader.value(found["location"], _location(locations))
    for key in (key for key in _LISTS if key in found):
        read[key] = tuple(dict.fromkeys(reader.values(found[key], _LISTS[key])))
    if "client_user_id" not in found:
        sentence = "write your own name for the person, like client_user_id: client-100"
        reader.missing(spot, "client_user_id", sentence)
    given = {key: value for key, value in read.items() if value is not None}
    if "client_user_id" not in given:
        return None
    return _Entry(UserWish(**given), f"on line {spot.line}", lambda text: reader.wrong(spot, text))


def _location(known: Collection[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in known:
            raise ConfigError([f"is not a location of this file; {nearest(text, known)}"])
        return text

    return read


def _filed(reader: Reader, spot: Spot, locations: Collection[str]) -> Iterator[_Entry]:
    """The users in a CSV file with a header; every bad line is a mistake with its number."""
    path = reader.beside(spot)
    text = None if path is None else _text(reader, spot, path)
    if path is None or text is None:
        return
    rows = _rows(text)
    first, head = next(rows, (1, []))
    names = [word.lower() for word in head]
    odd = next((name for name in names if name not in USER_KEYS), None)
    if names.count("client_user_id") != 1 or odd is not None or len(set(names)) < len(names):
        known = ",".join(USER_KEYS)
        reader.wrong_in(path, first, spot, f"must begin with a line of column names: {known}")
        return
    reads = {**_TEXTS, "location": _location(locations)}
    for number, words in rows:

        def wrong(sentence: str, number: int = number) -> None:
            reader.wrong_in(path, number, spot, sentence)

        user = _row(dict(zip(names, words, strict=False)), reads, len(words) > len(names), wrong)
        if user is not None:
            yield _Entry(user, f"in {path.name} on line {number}", wrong)


def _row(
    cells: Mapping[str, str],
    reads: Mapping[str, Callable[[str], str]],
    too_long: bool,
    wrong: Callable[[str], None],
) -> UserWish | None:
    """One line; an empty cell is a key left out."""
    if too_long:
        wrong("has more columns than the first line; put a cell with a comma in quotes")
        return None
    given: dict[str, Any] = {}
    for key, cell in cells.items():
        found = []
        for word in cell.split() if key in _LISTS else [cell] if cell else []:
            try:
                found.append((_LISTS if key in _LISTS else reads)[key](word))
            except ConfigError as error:
                wrong(f'{key}: "{tidy(word)}" {error}')
        if found:
            given[key] = tuple(dict.fromkeys(found)) if key in _LISTS else found[0]
    if not cells.get("client_user_id"):
        wrong("has no client_user_id; write your own name for the person there")
    return UserWish(**given) if "client_user_id" in given else None


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each line that says anything, with its number."""
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            yield number, [word.strip() for word in next(csv.reader([line]), [])]


def _text(reader: Reader, spot: Spot, path: Path) -> str | None:
    try:
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a plain file")  # a pipe would be waited for
        return path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        reader.wrong(spot, f"{spot.shown} is not UTF-8 (line {line}); save it as UTF-8 text")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no such path"
        reader.wrong(spot, f"{spot.shown} cannot be read ({why}); write the path of a CSV file")
    return None
