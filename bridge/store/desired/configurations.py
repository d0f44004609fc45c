"""The values of managed app configurations: secrets, and the only table that holds them.

A configuration has a digest for its name; everything else in the database holds that alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridge.domain.installs.configuration import as_text, digest
from bridge.store.database import Connection


def keep(db: Connection, configuration: Mapping[str, Any]) -> str | None:
    """Keep these values; returns their name, None where there are none."""
    name = digest(configuration)
    if name is not None:
        db.execute(
            "INSERT INTO configurations (digest, document) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (name, as_text(configuration)),
        )
    return name


def get(db: Connection, name: str | None) -> dict[str, Any]:
    """The values with this name; none for None."""
    if name is None:
        return {}
    row = db.execute("SELECT document FROM configurations WHERE digest = ?", (name,)).fetchone()
    assert row is not None, "a configuration is kept for as long as anything names it"
    values: dict[str, Any] = json.loads(row[0])
    return values
