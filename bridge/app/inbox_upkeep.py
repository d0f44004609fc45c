"""What the engine has taken from the inbox is removed from it: by the web side, which writes it."""

from __future__ import annotations

import logging
import threading

from bridge.errors import StoreError
from bridge.store.database import Database
from bridge.store.patience import HOOKS, patient

log = logging.getLogger(__name__)

EVERY = 1.0
"""Seconds between two looks at what can be removed."""


def remove_taken(database: Database) -> int:
    """Remove what was taken, a little at a time; how many messages went. Raises StoreError."""
    removed = 0
    with database.read_all() as (_, waiting):
        last = waiting.taken
        anything = waiting.anything_taken()
    while anything and (some := database.inbox.remove(last)):
        removed += some
    if removed:
        database.inbox.make_small()
    return removed


class InboxUpkeep:
    """Does so in a thread, from `begin` to `stop`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="inbox-upkeep", daemon=True)

    def begin(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop it, and leave nothing that was taken by now."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
            self._look()

    def _run(self) -> None:
        while not self._stop.wait(EVERY):
            self._look()

    def _look(self) -> None:
        try:
            with patient(HOOKS):
                remove_taken(self._database)
        except StoreError as error:  # whoever posts meets it, too, and it is told there
            log.debug("what was taken from the inbox stays in it for now: %s", error)
