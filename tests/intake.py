"""Messages that wait, handled as a pass of the engine does."""

from __future__ import annotations

from bridge.engine.context import ContextOf
from bridge.engine.intake import inbox
from bridge.store.database import Database


def process(database: Database, context_of: ContextOf) -> int:
    """Handle what is due in one transaction; returns how many messages there were."""
    with database.read_all() as (_, waiting):
        arrivals = waiting.first(inbox.AT_ONCE)
    with database.write() as db:
        context = context_of(db)
        return inbox.process_again(context) + inbox.process(context, arrivals)
