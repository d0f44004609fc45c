"""One message that came in, with what of its body people may see."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bridge.domain.redacted import redacted
from bridge.domain.views.traffic import Event
from bridge.engine.context import Context
from bridge.errors import ShapeError
from bridge.logs import redact
from bridge.store import events
from bridge.store.views import fleet
from bridge.wire.json_text import read_object

LONGEST = 100_000
"""Characters of a body that are shown."""


@dataclass(frozen=True, slots=True)
class Message:
    """A message; `body` is None while it waits to be handled."""

    event: Event
    body: str | None


def look(context: Context, event_id: int) -> Message | None:
    """The message of this id; None where it is not kept (any more)."""
    found = fleet.events(context.db, waiting=context.waiting, event_id=event_id, limit=1).items
    if not found:
        return None
    kept = events.get(context.db, event_id)
    return Message(found[0], None if kept is None else _shown(kept.body))


def _shown(body: bytes) -> str:
    try:
        shown = json.dumps(redacted(read_object(body)), indent=2, ensure_ascii=False)
    except ShapeError:
        shown = body.decode("utf-8", "replace")
    more = len(shown) - LONGEST
    return redact(shown[:LONGEST]) + (f"\n… and {more} characters more" if more > 0 else "")
