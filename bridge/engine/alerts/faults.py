"""What is wrong now, from what `status`, the overview and the probes show: there is no other
truth for alerts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from bridge.config import Config
from bridge.domain.alerts import ALERTS, Fault
from bridge.domain.reasons import describe
from bridge.domain.wording import counted
from bridge.engine.context import Context
from bridge.engine.insight import health
from bridge.store.catalog import apps
from bridge.store.views import totals

BY_REASON: Mapping[str, str] = {
    reason: alert.name for alert in ALERTS.values() for reason in alert.reasons
}
"""By reason of an install, the alert that fires for it."""


def found(context: Context, config: Config) -> dict[tuple[str, str], Fault]:
    """Every fault by what tells it from others; what two parts say of one stands in one."""
    faults: dict[tuple[str, str], Fault] = {}
    parts = health.parts(context, config)
    for fault in (*(each for part in parts for each in part.faults), *_of_installs(context)):
        before = faults.get(fault.key)
        told = fault.sentence if before is None else f"{before.sentence}; {fault.sentence}"
        faults[fault.key] = replace(fault, sentence=told)
    return faults


def _of_installs(context: Context) -> Iterator[Fault]:
    """A fault for each app, location and reason for which an alert fires."""
    counts = totals.of_reasons(context.db, BY_REASON)
    names = apps.known(context.db, [each.adam_id for each in counts])
    numbers: dict[tuple[str, str, str], int] = {}
    for each in counts:
        key = (each.adam_id, each.location, each.reason)
        numbers[key] = numbers.get(key, 0) + each.count
    for (adam_id, location, reason), number in numbers.items():
        known = names.get(adam_id)
        name = (known.name or known.bundle_id) if known is not None else None
        subject = {"adam_id": adam_id, "location": location}  # a name may be learnt meanwhile
        sentence, following = describe(
            reason,
            app=f"{name} ({adam_id})" if name else f"app {adam_id}",
            device=counted(number, "device"),
            location=location or "its location",
            detail=f"{counted(number, 'install')} {'waits' if number == 1 else 'wait'}",
            adam_id=adam_id,
        )
        yield Fault(BY_REASON[reason], subject, f"{sentence}; {following}")
