"""What the log tells of a call: its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bridge.errors import AppleRefused, CallError
from bridge.store.outbox.outbox import OutboxRow


def why(error: CallError) -> dict[str, Any]:
    """Why a call failed."""
    number = error.number if isinstance(error, AppleRefused) else None
    return {"status": error.status, "error_number": number, "error": str(error)}


_NAMED: Mapping[str, str] = {"apple": "location", "mdm": "server", "alerts": "receiver"}
"""By service, the log's key for the scope of a call."""


def log_keys(row: OutboxRow) -> dict[str, Any]:
    """Which call it is."""
    return {_NAMED[row.service]: row.scope, "request_type": row.kind, "outbox_id": row.id}
