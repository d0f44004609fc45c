"""Where in the file a key of an app's entry stands, for what turns out to be a mistake later."""

from __future__ import annotations

from pathlib import Path

from bridge.config.read import Reader


def of_app(path: Path, entry: int, key: str) -> str:
    """The beginning of a line about a key of the `entry`th app: `FILE:LINE: apps.0.key`.

    The file is read anew, since hardly anybody asks. Raises ConfigError where it cannot be read.
    """
    reader = Reader(path, {})
    spot = reader.items(reader.mapping(reader.root)["apps"])[entry]
    spot = reader.mapping(spot).get(key, spot)
    return f"{path}:{spot.line}: {spot.key}"
