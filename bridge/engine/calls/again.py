"""A failed outside call made once more, because a person asks for it, where that does no harm."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bridge.domain.times import to_the_second
from bridge.domain.views import traffic as views
from bridge.engine.calls import registry
from bridge.store.database import Connection
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow


@dataclass(frozen=True, slots=True)
class CallAgain:
    """Whether a call is made again; `why_not` is one sentence when it is not."""

    row_id: int
    why_not: str | None

    def as_json(self) -> views.CallAgain:
        """Ready for JSON."""
        return {"outbox": self.row_id, "ok": self.why_not is None, "why_not": self.why_not}


def call_again(
    db: Connection, row_id: int, configured: Mapping[str, tuple[str, ...]], now: float
) -> CallAgain | None:
    """Make a failed call due again, or say why it is not; None for an unknown one.

    `configured` holds, by service, the names of the locations, servers and receivers there are.
    """
    row = outbox.get(db, row_id)
    if row is None:
        return None
    why_not = _unless_failed(row) or _unless_repeatable(db, row)
    if why_not is None and row.scope not in configured.get(row.service, ()):
        why_not = f"{row.scope} is not configured any more"
    if why_not is None and not outbox.revive(db, row.id, now):
        why_not = "the same call is intended already"
    return CallAgain(row.id, why_not)


def _unless_failed(row: OutboxRow) -> str | None:
    if row.state == "done":
        return "it was made, and its answer is kept"
    if row.state == "claimed":
        return "it is being made now"
    if row.state == "held":
        return "it is paused, and made when that ends: vpp-bridge status shows what is paused"
    if row.state == "ready":
        return f"it is made by itself, not before {to_the_second(row.due_at)}"
    return None


def _unless_repeatable(db: Connection, row: OutboxRow) -> str | None:
    call = registry.classes().get(row.kind)
    return registry.unknown(row) if call is None else call.why_not_again(db, row)
