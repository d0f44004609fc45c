"""Alerts: what the bridge tells people of its own accord. Pure data and decisions."""

from bridge.domain.alerts.alert import Alert, Fault
from bridge.domain.alerts.kinds import ALERTS

__all__ = ["ALERTS", "Alert", "Fault"]
