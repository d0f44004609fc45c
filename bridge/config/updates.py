"""Reading `update:` of an app."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from bridge.config import values
from bridge.config.read import Reader, Spot, nearest
from bridge.domain.updates.rule import UpdateWish
from bridge.errors import ConfigError

UPDATE_KEYS = ("to", "window", "days", "rings", "ring_wait", "max_per_hour", "jitter", "stop_at")

_PLAIN = {
    "window": values.window,
    "ring_wait": values.duration,
    "max_per_hour": values.count,
    "jitter": values.duration,
    "stop_at": values.stop_at,
}


def read_update(
    reader: Reader, spot: Spot, app: Mapping[str, Any], groups: Collection[str]
) -> UpdateWish | None:
    """How an app is brought to its newest version; None for never. `app` are its plain values,
    `groups` the names of all groups."""
    if spot.is_section:
        wish = _read(reader, spot, groups)
    else:
        word = reader.value(spot, values.one_of("never", "latest"))
        wish = UpdateWish() if word == "latest" else None
    if wish is not None:
        _fits(reader, spot, app)
    return wish


def _read(reader: Reader, spot: Spot, groups: Collection[str]) -> UpdateWish | None:
    found = reader.section(spot, UPDATE_KEYS)
    if "to" not in found:
        reader.missing(spot, "to", "write to: latest")
    to = reader.value(found["to"], values.one_of("never", "latest")) if "to" in found else None
    read: dict[str, Any] = {
        key: reader.value(child, _PLAIN[key]) for key, child in found.items() if key in _PLAIN
    }
    if "days" in found:
        if found["days"].is_empty:
            reader.wrong(found["days"], "names no day; write one, or leave the key out")
        read["days"] = tuple(dict.fromkeys(reader.values(found["days"], values.week_day)))
    if "rings" in found:
        if found["rings"].is_empty:
            reader.wrong(found["rings"], "names no group; write one, or leave the key out")
        names = reader.values(found["rings"], lambda text: _group(text, groups))
        if len(set(names)) < len(names):
            reader.wrong(found["rings"], "names a group twice; take one of the two out")
        read["rings"] = tuple(dict.fromkeys(names))
    return UpdateWish(**read) if to == "latest" else None


def _group(text: str, groups: Collection[str]) -> str:
    if text not in groups:
        raise ConfigError([f"is not a group of this file; {nearest(text, groups)}"])
    return text


def _fits(reader: Reader, spot: Spot, app: Mapping[str, Any]) -> None:
    """What is never updated cannot be wished to be."""
    if app.get("mode") == "license_only":
        reader.wrong(spot, "nothing is sent to devices in mode license_only; leave one of the two")
    elif app.get("managed") is False:
        reader.wrong(spot, "is for managed apps only, and managed is false; leave one of the two")
