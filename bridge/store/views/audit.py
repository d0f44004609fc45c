"""The audit log as people and programs page through it, each entry ready for JSON."""

from __future__ import annotations

import json
from typing import Any, cast

from bridge.domain.devices.targets import shown
from bridge.domain.views import Page
from bridge.domain.views.audit import AuditEntry
from bridge.domain.wording import as_sentence
from bridge.store.database import Connection
from bridge.store.devices.devices import target_of
from bridge.store.paging import Filters, Order, fetch
from bridge.store.views.view import View

_AUDIT = View(
    AuditEntry,
    "audit",
    columns={"before": "state_before", "after": "state_after"},
)
_ABOUT = "id IN (SELECT entry FROM audit_subjects WHERE kind = '{}' AND name = ?)"


def entries(
    db: Connection,
    *,
    who: str | None = None,
    action: str | None = None,
    since: float | None = None,
    serial: str | None = None,
    adam_id: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> Page[AuditEntry]:
    """Entries, the newest first; `since` is seconds since the epoch."""
    filters: Filters = {
        "who = ?": who,
        "action = ?": action,
        "at >= ?": since,
        _ABOUT.format("serial"): serial and shown(target_of(db, serial)),
        _ABOUT.format("app"): adam_id,
    }
    page = fetch(db, _AUDIT, filters, Order(("id",), (int,), newest_first=True), limit, cursor)
    return Page([_read(each) for each in page.items], page.next_cursor)


def _read(entry: AuditEntry) -> AuditEntry:
    read: dict[str, Any] = {"sentence": as_sentence(entry["sentence"])}
    for name, text in entry.items():
        if name in ("subject", "before", "after") and isinstance(text, str):
            read[name] = json.loads(text)
    return cast(AuditEntry, entry | read)
