"""Which bridge this is."""

from __future__ import annotations

from importlib import metadata

_DISTRIBUTION = "micromdm-vpp-bridge"


def version() -> str:
    """The version of the installed bridge; `unknown` where it runs from a bare checkout."""
    try:
        return metadata.version(_DISTRIBUTION)
    except metadata.PackageNotFoundError:
        return "unknown"
