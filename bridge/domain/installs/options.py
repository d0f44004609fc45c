"""How an install is desired, as it is stored with each of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bridge.domain.installs.text import as_text
from bridge.domain.users.wish import LicenseTo

Setup = Literal["none", "best_effort", "required"]
"""Whether an app is sent in Setup Assistant, and whether the device waits there until it has it."""


@dataclass(frozen=True, slots=True)
class Options:
    """How one install is desired."""

    mode: Literal["install", "license_only"] = "install"
    license_to: LicenseTo = "device"
    managed: bool = True
    take_over: bool = False
    remove_with_profile: bool = True
    prevent_backup: bool = False
    configuration: str | None = None
    """The digest of the managed app configuration."""
    attributes: Mapping[str, Any] = field(default_factory=dict, hash=False)
    on_unwanted: Literal["keep", "release", "remove"] = "keep"
    setup: Setup = "none"
    update: str | None = None
    """The stored form of the rule (UpdateRule) by which new versions are sent; None: never."""
    on_deleted: Literal["ask", "reinstall"] = "ask"
    on_unenrol: Literal["keep", "release"] | None = None
    before_enrolment: bool = False
    """Whether a licence is asked for though the device has not enrolled yet."""

    def as_text(self) -> str:
        """The stored form; equal options give equal text."""
        return as_text(self)

    @classmethod
    def from_text(cls, text: str) -> Options:
        """Read what `as_text` wrote."""
        return cls(**json.loads(text))
