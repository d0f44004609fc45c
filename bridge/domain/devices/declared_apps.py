"""What a device says of an app that a declaration manages."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeclaredReport:
    """The newest word of a device's declarative status on one app, as it came.

    `removed` tells that no declaration manages it any more; `reason` is the code that says most;
    `since` is when it came to this state, `reported_at` when the device last said so.
    """

    bundle_id: str
    removed: bool
    state: str | None
    update_state: str | None
    reason: str | None
    declaration: str | None
    since: float
    reported_at: float
