"""One app, whole: how its installs stand and why, its licences, and how both went over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from bridge.domain.views.installs import ReasonCount
from bridge.engine.context import Context
from bridge.engine.insight import charts, installs, status, versions
from bridge.engine.insight.charts import Moment, Usage
from bridge.engine.insight.versions import Held
from bridge.store.catalog import apps
from bridge.store.views import totals


@dataclass(frozen=True, slots=True)
class OneApp:
    """An app as its page shows it; `licences` are entries as in `status`."""

    adam_id: str
    name: str | None
    bundle_id: str | None
    reasons: Sequence[ReasonCount]
    licences: Sequence[dict[str, Any]]
    moments: Sequence[Moment]
    usage: Sequence[Usage]
    versions: Sequence[Held]


def look(context: Context, adam_id: str) -> OneApp | None:
    """The app of this number; None where nobody wants or owns it."""
    if not totals.knows_app(context.db, adam_id):
        return None
    known = apps.known(context.db, [adam_id]).get(adam_id)
    names = {adam_id: None if known is None else known.name or known.bundle_id}
    licences = status.licences(context, totals.licences(context.db, adam_id), names)
    by_state: dict[str, int] = {}
    for each in totals.installs(context.db, adam_id):
        by_state[each.state] = by_state.get(each.state, 0) + each.count
    return OneApp(
        adam_id,
        names[adam_id],
        None if known is None else known.bundle_id,
        installs.by_reason(context, adam_id=adam_id),
        licences,
        charts.installs(context, by_state, adam_id),
        [charts.usage_of(context, each) for each in licences],
        versions.of_app(context.db, adam_id),
    )
