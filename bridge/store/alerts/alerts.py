"""Reading and writing alerts, and what their receivers have been told."""

from __future__ import annotations

import json
from collections.abc import Collection

from bridge.domain.alerts.standing import Standing, Telling
from bridge.store import meta, rows
from bridge.store.database import Connection

_RECEIVERS = "running_receivers"
_STANDING = rows.plain(Standing)
_TELLING = rows.plain(Telling)


def load(db: Connection) -> list[Standing]:
    """All that fires, is about to, or did lately."""
    found = db.execute(f"SELECT {_STANDING} FROM alerts ORDER BY alert, subject")
    return [Standing(*row) for row in found]


def get(db: Connection, alert: str, subject: str) -> Standing | None:
    """One alert, None when it is not kept (any more)."""
    row = db.execute(
        f"SELECT {_STANDING} FROM alerts WHERE alert = ? AND subject = ?", (alert, subject)
    ).fetchone()
    return Standing(*row) if row else None


def keep(db: Connection, standing: Standing) -> None:
    """Keep how an alert stands now."""
    db.execute(
        f"INSERT INTO alerts ({_STANDING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (alert, subject) DO UPDATE SET state = excluded.state, "
        "since = excluded.since, sentence = excluded.sentence, seen_since = excluded.seen_since, "
        "changes = excluded.changes, counted_from = excluded.counted_from, "
        "settles_at = excluded.settles_at",
        (
            standing.alert,
            standing.subject,
            standing.state,
            standing.since,
            standing.sentence,
            standing.seen_since,
            standing.changes,
            standing.counted_from,
            standing.settles_at,
        ),
    )


def forget(db: Connection, alert: str, subject: str) -> None:
    """Keep an alert no longer, nor what was told of it."""
    db.execute("DELETE FROM alert_tellings WHERE alert = ? AND subject = ?", (alert, subject))
    db.execute("DELETE FROM alerts WHERE alert = ? AND subject = ?", (alert, subject))


def tellings(db: Connection) -> list[Telling]:
    """What each receiver has been told of what is kept."""
    found = db.execute(f"SELECT {_TELLING} FROM alert_tellings ORDER BY alert, subject, receiver")
    return [Telling(*row) for row in found]


def telling(db: Connection, receiver: str, alert: str, subject: str) -> Telling:
    """What a receiver has been told of an alert, which may be nothing."""
    row = db.execute(
        f"SELECT {_TELLING} FROM alert_tellings WHERE receiver = ? AND alert = ? AND subject = ?",
        (receiver, alert, subject),
    ).fetchone()
    return Telling(*row) if row else Telling(receiver, alert, subject)


def keep_telling(db: Connection, telling: Telling) -> None:
    """Keep what a receiver has been told."""
    db.execute(
        f"INSERT INTO alert_tellings ({_TELLING}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (receiver, alert, subject) DO UPDATE SET told = excluded.told, "
        "told_since = excluded.told_since, told_at = excluded.told_at, sent = excluded.sent, "
        "sent_since = excluded.sent_since, doubts = excluded.doubts, "
        "tried_at = excluded.tried_at, answer = excluded.answer",
        (
            telling.receiver,
            telling.alert,
            telling.subject,
            telling.told,
            telling.told_since,
            telling.told_at,
            telling.sent,
            telling.sent_since,
            telling.doubts,
            telling.tried_at,
            telling.answer,
        ),
    )


def keep_receivers(db: Connection, names: Collection[str]) -> None:
    """An engine starts with these receivers: what others were told is of no use."""
    meta.keep(db, _RECEIVERS, json.dumps(list(names)))
    db.execute(
        f"DELETE FROM alert_tellings WHERE receiver NOT IN ({rows.marks(len(names))})"
        if names
        else "DELETE FROM alert_tellings",
        tuple(names),
    )


def receivers(db: Connection) -> tuple[str, ...]:
    """The receivers of the newest engine, by their hosts."""
    return tuple(json.loads(meta.recall(db, _RECEIVERS) or "[]"))
