"""Fixed words by which lists are filtered, and which their items carry."""

from __future__ import annotations

from typing import Literal, get_args

from bridge.domain.model import DEFAULT_PRICING, CommandState

EventSource = Literal["mdm", "apple"]
Service = Literal["apple", "mdm"]

COMMAND_STATES = get_args(CommandState)
EVENT_SOURCES = get_args(EventSource)
EVENT_STATUSES = ("new", "done", "ignored", "set_aside")
OUTBOX_STATES = ("ready", "held", "claimed", "done", "failed")
SERVICES = get_args(Service)
CONFIRMED_BY = ("notification", "status", "read")
PRICING_PARAMS = (DEFAULT_PRICING, "PLUS")
