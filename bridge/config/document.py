"""Groups, apps and users out of a JSON document, read as the file's are."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from bridge.config.desired import read_desired
from bridge.config.read import TAG, Reader, Spot
from bridge.domain.desired.desired import Desired
from bridge.domain.users.wish import UserWish
from bridge.errors import ConfigError

_START = yaml.Mark("", 0, 0, 0, None, 0)


def read_document(
    groups: object,
    apps: object,
    locations: Collection[str],
    users: object = None,
    *,
    standing: Sequence[UserWish] = (),
) -> Desired:
    """What `groups:`, `apps:` and `users:` of the file would mean with this JSON under them.

    `locations` are the names of the configured ones. Without `users` the `standing` ones stay:
    whoever writes only groups and apps says nothing of them. The document comes from elsewhere, so
    that no file and no variable may be named in it. Raises ConfigError whose mistakes are lines
    `dotted.key: what is wrong and what to write`.
    """
    try:
        document = {"groups": groups, "apps": apps}
        reader = _DocumentReader(document if users is None else {**document, "users": users})
    except RecursionError:
        raise ConfigError(["groups and apps are nested too deeply"]) from None
    desired = read_desired(reader, reader.mapping(reader.root), locations, standing)
    reader.stop_at_mistakes()
    return desired


class _DocumentReader(Reader):
    def __init__(self, document: Mapping[str, object]) -> None:
        super().__init__(Path(), {}, _node(document))

    def beside(self, spot: Spot) -> Path | None:
        """No file of this machine is read for somebody elsewhere."""
        self.wrong(spot, "names a file; write the serial numbers themselves")
        return None

    def both(self, first: Spot, second: Spot) -> str:
        """A document has no lines."""
        return f"at {first.key} and {second.key}"

    def _line(self, spot: Spot, sentence: str) -> str:
        return f"{spot.key}: {sentence}"

    def _fill(self, spot: Spot, raw: str) -> str | None:
        if "${" in raw:
            self.wrong(spot, "names a variable; write the value itself")
            return None
        return raw


def _node(value: Any) -> yaml.Node:
    """A JSON value as the YAML library would have parsed it."""
    match value:
        case dict():
            pairs = [(_scalar("str", name), _node(child)) for name, child in value.items()]
            return yaml.MappingNode(TAG + "map", pairs, _START)
        case list():
            return yaml.SequenceNode(TAG + "seq", [_node(child) for child in value], _START)
        case bool():
            return _scalar("bool", str(value).lower())
        case int():
            return _scalar("int", str(value))
        case float():
            return _scalar("float", repr(value))
        case None:
            return _scalar("null", "")
        case _:
            return _scalar("str", str(value))


def _scalar(kind: str, text: str) -> yaml.ScalarNode:
    # Text in JSON is quoted: "8443" is no number.
    style = '"' if kind == "str" else None
    return yaml.ScalarNode(TAG + kind, text, _START, style=style)
