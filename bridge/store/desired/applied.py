"""What the last apply stored: the groups and apps themselves, so that rules go on working.

The document names the apps' configurations by their digests; `configurations` has the values.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass

from bridge.domain.desired.desired import Desired
from bridge.store.database import Connection
from bridge.store.desired import configurations


@dataclass(frozen=True, slots=True)
class Last:
    """When the last apply was, and what it did not do.

    `limited_at` is since when applies had a limit, None when the last had none; `unseen` are the
    MDM servers whose devices it did not see.
    """

    stored_at: float
    limited_at: float | None
    unseen: frozenset[str]


def store(
    db: Connection,
    desired: Desired,
    now: float,
    *,
    limited_at: float | None = None,
    unseen: Collection[str] = (),
) -> None:
    """Replace what is desired; `limited_at` is since when applies had a limit, None without one;
    `unseen` are the MDM servers whose devices this apply did not see."""
    document = desired.as_json()
    for app in document["apps"]:
        app["configuration"] = configurations.keep(db, app["configuration"])
    db.execute(
        "INSERT INTO applied (id, document, stored_at, limited_at, unseen) VALUES (1, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO UPDATE SET document = excluded.document, "
        "stored_at = excluded.stored_at, limited_at = excluded.limited_at, "
        "unseen = excluded.unseen",
        (json.dumps(document), now, limited_at, json.dumps(sorted(unseen))),
    )


def load(db: Connection) -> Desired:
    """What is desired; nothing before the first apply."""
    row = db.execute("SELECT document FROM applied WHERE id = 1").fetchone()
    if row is None:
        return Desired()
    document = json.loads(row[0])
    for app in document["apps"]:
        app["configuration"] = configurations.get(db, app["configuration"])
    return Desired.from_json(document)


def says(db: Connection, words: str) -> bool:
    """Whether the document of what is desired has these words; cheaper than to parse it."""
    row = db.execute("SELECT document FROM applied WHERE id = 1").fetchone()
    return row is not None and words in row[0]


def last(db: Connection) -> Last | None:
    """The last apply; None before the first."""
    row = db.execute("SELECT stored_at, limited_at, unseen FROM applied WHERE id = 1").fetchone()
    return None if row is None else Last(row[0], row[1], frozenset(json.loads(row[2])))
