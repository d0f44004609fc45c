"""What others do at Apple beside the bridge."""

from __future__ import annotations

from bridge.engine.context import Context
from bridge.store import meta


def refused(context: Context) -> None:
    """Apple refused something that others asked for: that is known, and has changed nothing."""
    meta.count(context.db, "apple.others_refused", context.now)
