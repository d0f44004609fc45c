"""What the newest engine was started with: the names of what it asks, and digests of settings."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import Any

from bridge.store import meta
from bridge.store.database import Connection

_LOCATIONS = "running_locations"
_SETTINGS = "running_settings"


def keep_locations(db: Connection, names: Collection[str]) -> None:
    """An engine starts with these locations."""
    meta.keep(db, _LOCATIONS, json.dumps(sorted(names)))


def knows_location(db: Connection, name: str) -> bool:
    """Whether the newest engine was started with a location; before the first, nobody knows."""
    text = meta.recall(db, _LOCATIONS)
    return text is None or name in json.loads(text)


def keep_settings(db: Connection, digests: Mapping[str, Any]) -> None:
    """An engine starts with settings of these digests."""
    meta.keep(db, _SETTINGS, json.dumps(digests))


def settings(db: Connection) -> dict[str, Any] | None:
    """The digests of the newest engine's settings; None before the first."""
    text = meta.recall(db, _SETTINGS)
    return None if text is None else json.loads(text)
