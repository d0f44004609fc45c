"""What waits in the inbox beside a database, read beside the bridge that uses both."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.store.file.inbox_file import InboxFile
from bridge.store.inbox.mark import taken
from bridge.store.inbox.message import Arrived
from bridge.store.inbox.waiting import Waiting


def waiting(database: Path) -> list[Arrived]:
    """The messages that the engine has not taken yet, the oldest first."""
    with InboxFile(database).snapshot() as inbox:
        with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
            last = taken(db)
        return list(Waiting(inbox, last).all())
