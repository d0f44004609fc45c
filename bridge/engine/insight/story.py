"""What the log tells of installs and of what people did; docs/logs.md says at which level.

An install's line is written after its decision is committed, and only when its state or reason is
another one: in a fleet that is one line at `info` for each install, when it ends.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass

from bridge.domain.decision import Decision
from bridge.domain.devices import targets
from bridge.domain.facts import Facts
from bridge.store.database import Database
from bridge.store.service import acts

log = logging.getLogger(__name__)

_ENDS = ("installed", "unconfirmed", "failed", "conflict", "needs_user", "removed")
"""The states in which an install rests until something changes from outside."""


@dataclass(frozen=True, slots=True)
class Moved:
    """An install that was decided: on what grounds, and how."""

    facts: Facts
    decision: Decision


def tell(moved: Iterable[Moved]) -> None:
    """Log every install whose state or reason is another one than before."""
    for each in moved:
        install, decision = each.facts.install, each.decision
        if (install.state, install.reason) != (decision.state, decision.reason):
            _tell(each)


def _tell(moved: Moved) -> None:
    install, decision, device = moved.facts.install, moved.decision, moved.facts.device
    license_only = moved.facts.options.mode == "license_only"
    ended = decision.state in _ENDS or (decision.state == "licensed" and license_only)
    level = logging.INFO if ended else logging.DEBUG
    if not log.isEnabledFor(level):
        return
    log.log(
        level,
        "an install has ended" if ended else "an install goes on",
        extra={
            "device_serial": targets.shown(install.target),
            "device_udid": device.udid if device else None,
            "location": install.location,
            "server": device.server if device else None,
            "adam_id": install.adam_id,
            "state": decision.state,
            "reason": decision.reason,
            "detail": decision.detail or None,
            "attempts": install.attempts or None,
        },
    )


def tell_acts(database: Database) -> int:
    """Log what people did, here or by a command beside this process; returns how much it was.

    Each line has the time at which it was done. Should the process die in between, a line may be
    written twice.
    """
    with database.read() as db:
        found = acts.waiting(db)
    if not found:
        return 0
    for act in found:
        _tell_act(act)
    with database.write() as db:
        acts.logged(db, found)
    return len(found)


def _tell_act(act: acts.Act) -> None:
    level = logging.WARNING if act.level == "warning" else logging.INFO
    if not log.isEnabledFor(level):
        return
    record = log.makeRecord(
        log.name, level, __file__, 0, act.message, (), None, extra=dict(act.about)
    )
    record.created = act.at
    log.handle(record)
