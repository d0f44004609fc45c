"""The audit log: who changed what, kept with what it changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from bridge.domain.audit import Actor, Deed
from bridge.domain.devices import targets
from bridge.domain.roles import Role
from bridge.store.database import Connection

TOGETHER = 3600.0
"""Seconds within which the like of what was refused is told by one entry."""

_SERIAL, _ADAM_ID = "device_serial", "adam_id"


def add(db: Connection, now: float, actor: Actor, deed: Deed) -> None:
    """Keep who did what; it counts once the transaction of `db` is committed."""
    entry = _insert(db, now, actor, deed, 1)
    serials = {targets.shown(each) for each in deed.serials}
    adam_ids = set(deed.adam_ids)
    if _SERIAL in deed.about:
        serials.add(str(deed.about[_SERIAL]))
    if _ADAM_ID in deed.about:
        adam_ids.add(str(deed.about[_ADAM_ID]))
    rows = [("serial", each) for each in sorted(serials)]
    rows += [("app", each) for each in sorted(adam_ids)]
    db.executemany(
        "INSERT INTO audit_subjects (kind, name, entry, at) VALUES (?, ?, ?, ?)",
        [(kind, name, entry, now) for kind, name in rows],
    )


def refuse(db: Connection, now: float, actor: Actor, needed: Role, number: int) -> None:
    """Keep that `actor` was refused so often for want of a role; what is like it and was lately is
    told together, so that nobody can fill the database with it."""
    last = db.execute(
        "SELECT id FROM audit WHERE action = 'refused' AND who = ? AND actor = ? AND via = ? "
        "AND at > ? AND at <= ? ORDER BY id DESC LIMIT 1",
        (actor.name, actor.kind, actor.via, now - TOGETHER, now),
    ).fetchone()
    if last is not None:
        db.execute("UPDATE audit SET times = times + ? WHERE id = ?", (number, last[0]))
        return
    text = f"refused: this needs the role {needed}"
    _insert(db, now, actor, Deed("refused", text), number)


def _insert(db: Connection, now: float, actor: Actor, deed: Deed, times: int) -> int:
    row = db.execute(
        "INSERT INTO audit (at, actor, who, role, sudo_user, via, action, sentence, subject, "
        "state_before, state_after, times) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "RETURNING id",
        (
            *(now, actor.kind, actor.name, actor.role, actor.sudo_user, actor.via),
            *(deed.action, deed.text, json.dumps(dict(deed.about))),
            *(_json(deed.before), _json(deed.after), times),
        ),
    ).fetchone()
    return int(row[0])


def _json(state: Mapping[str, Any] | None) -> str | None:
    return None if state is None else json.dumps(state)
