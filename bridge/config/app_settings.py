"""Reading an app's `configuration` and `attributes`, and what Apple's schema forbids beside them.

Only what is forbidden whatever the device is a mistake here; what depends on the device is
decided for each one (`bridge.domain.installs.settings`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.config import values
from bridge.config.read import Reader, Spot
from bridge.config.tree import read_tree
from bridge.domain.installs.attributes import ATTRIBUTES

_SENT_TO_THE_DEVICE = ("take_over", "configuration", "attributes")


def read_settings(
    reader: Reader, found: Mapping[str, Spot], read: Mapping[str, Any]
) -> dict[str, Any]:
    """`configuration` and `attributes` of an app's keys; `read` are its plain values."""
    settings: dict[str, Any] = {}
    if "configuration" in found:
        settings["configuration"] = read_tree(reader, found["configuration"])
    if "attributes" in found:
        settings["attributes"] = _attributes(reader, found["attributes"])
    for key in _SENT_TO_THE_DEVICE:
        if read.get(key) or settings.get(key):
            _fits(reader, found[key], read)
    if read.get("setup") in ("required", "best_effort"):
        _fits_setup(reader, found["setup"], read)
    return settings


def _fits_setup(reader: Reader, spot: Spot, read: Mapping[str, Any]) -> None:
    """In Setup Assistant nobody is signed in, and what is only licensed is not sent there."""
    if read.get("mode") == "license_only":
        reader.wrong(spot, "nothing is sent to devices in mode license_only; leave one of the two")
    elif read.get("license_to") == "user":
        reader.wrong(
            spot,
            "needs the device's own licence, since nobody is signed in during Setup Assistant, and "
            "license_to is user; leave one of the two",
        )


def _fits(reader: Reader, spot: Spot, read: Mapping[str, Any]) -> None:
    if read.get("mode") == "license_only":
        reader.wrong(spot, "nothing is sent to devices in mode license_only; leave one of the two")
    elif read.get("managed") is False:
        reader.wrong(spot, "is for managed apps only, and managed is false; leave one of the two")


def _attributes(reader: Reader, spot: Spot) -> dict[str, Any]:
    found = reader.section(spot, ATTRIBUTES)
    read = {name: _attribute(reader, name, child) for name, child in found.items()}
    return {name: value for name, value in read.items() if value is not None}


def _attribute(reader: Reader, name: str, spot: Spot) -> Any:
    kind = ATTRIBUTES[name].kind
    if kind == "boolean":
        return reader.value(spot, values.boolean)
    if kind == "text":
        return reader.text(spot)
    if spot.is_empty:
        reader.wrong(spot, "is empty; write [one, another] or leave the key out")
    return list(reader.values(spot, str))
