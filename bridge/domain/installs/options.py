"""How an install is desired, as it is stored with each of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True)
class Options:
    """How one install is desired."""

    mode: Literal["install", "license_only"] = "install"
    managed: bool = True
    take_over: bool = False
    remove_with_profile: bool = True
    prevent_backup: bool = False
    configuration: str | None = None
    """The digest of the managed app configuration."""
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    on_unwanted: Literal["keep", "release", "remove"] = "keep"
