"""Alerts, as people and programs page through them."""

from __future__ import annotations

import json

from bridge.domain.alerts.message import sentence_of
from bridge.domain.views import Page
from bridge.domain.views.alerts import Alert, Told
from bridge.store.database import Connection
from bridge.store.paging import Filters, Order, fetch
from bridge.store.rows import asked
from bridge.store.views.view import View

_TOLD = View(Told, "asked CROSS JOIN alert_tellings t", "t.")
_ALERTS = View(Alert, "alerts", columns={"receivers": "NULL"})


def alerts(
    db: Connection,
    *,
    state: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[Alert]:
    """Alerts that fire, or did within the retention of calls; by kind and subject."""
    filters: Filters = {"state = ?": state, "state <> ?": "pending"}
    page = fetch(db, _ALERTS, filters, Order(("alert", "subject"), (str, str)), limit, cursor)
    keys = [(item["alert"], str(item["subject"])) for item in page.items]
    told = _told(db, keys)
    for item, key in zip(page.items, keys, strict=True):
        item["receivers"] = told.get(key, [])
        item["subject"] = json.loads(key[1])
        item["sentence"] = sentence_of(item["state"], item["sentence"])
    return page


def _told(db: Connection, keys: list[tuple[str, str]]) -> dict[tuple[str, str], list[Told]]:
    found: dict[tuple[str, str], list[Told]] = {}
    query = (
        f"{asked(len(keys))}SELECT {_TOLD.selected}, t.alert, t.subject FROM {_TOLD.source} "
        "WHERE t.alert = asked.one AND t.subject = asked.other "
        "ORDER BY t.alert, t.subject, t.receiver"
    )
    for row in db.execute(query, tuple(text for key in keys for text in key)) if keys else ():
        found.setdefault((row[-2], row[-1]), []).append(_TOLD.read(row))
    return found
