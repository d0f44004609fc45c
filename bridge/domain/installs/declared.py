"""Whether a declaration manages an app on its device, by what the device said last.

Apart from what is decided of it, so that a look at it loads no rules.
"""

from __future__ import annotations

from bridge.domain.catalogue import app_status
from bridge.domain.devices.declared_apps import DeclaredReport
from bridge.domain.facts import Facts


def declared(facts: Facts) -> DeclaredReport | None:
    """What the device said of an app that a declaration manages; None where none does.

    A list of managed apps that was made since, and has the app, is the newer word: who took the
    declaration away may not have been heard.
    """
    told = facts.declared
    if told is None or told.removed or is_listed_since(facts, told.reported_at):
        return None
    return told


def is_listed_since(facts: Facts, moment: float) -> bool:
    """Whether a list of managed apps that was asked for since then has the app."""
    device, report = facts.device, facts.report
    if device is None or not device.apps_known or report is None or report.status is None:
        return False
    is_managed = app_status(report.status).kind not in ("copy", "deleted")
    return is_managed and (device.apps_asked_at or 0.0) > moment
