"""Fixed words by which lists are filtered, and which their items carry."""

from __future__ import annotations

from typing import Literal, get_args

from bridge.domain.model import CommandState

EventSource = Literal["mdm", "apple"]
EventStatus = Literal["new", "done", "ignored", "set_aside"]
OutboxState = Literal["ready", "held", "claimed", "done", "failed"]
AlertState = Literal["firing", "resolved"]
Service = Literal["apple", "mdm", "alerts"]
ConfirmedBy = Literal["notification", "status", "read"]
PricingParam = Literal["STDQ", "PLUS"]
SubscriptionState = Literal["assigned", "ending", "ended", "failed"]

COMMAND_STATES = get_args(CommandState)
EVENT_SOURCES = get_args(EventSource)
EVENT_STATUSES = get_args(EventStatus)
OUTBOX_STATES = get_args(OutboxState)
ALERT_STATES = get_args(AlertState)
SERVICES = get_args(Service)
CONFIRMED_BY = get_args(ConfirmedBy)
PRICING_PARAMS = get_args(PricingParam)
