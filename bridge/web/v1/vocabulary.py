"""Fixed words that filters take and objects carry."""

from __future__ import annotations

from typing import get_args

from bridge.domain.model import CommandState
from bridge.store.events import Source

COMMAND_STATES = get_args(CommandState)
EVENT_SOURCES = get_args(Source)
EVENT_STATUSES = ("new", "done", "ignored", "set_aside")
OUTBOX_STATES = ("ready", "held", "claimed", "done", "failed")
SERVICES = ("apple", "mdm")
CONFIRMED_BY = ("notification", "status", "read")
PRICING_PARAMS = ("STDQ", "PLUS")
