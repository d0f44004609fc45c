"""Reading a mapping whose keys the admin chose: servers, locations, groups."""

from __future__ import annotations

from bridge.config import values
from bridge.config.read import Reader, Spot, tidy
from bridge.errors import ConfigError


def names(reader: Reader, spot: Spot | None) -> dict[str, Spot]:
    """The entries of a mapping whose keys the admin chose; every one must be a fit name."""
    found = reader.mapping(spot)
    for name, child in found.items():
        try:
            values.name(name)
        except ConfigError as error:
            reader.wrong(child, f'"{tidy(name)}" {error}')
    return found
