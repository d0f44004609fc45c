"""A database that cannot be opened just now: it is tried again beside those who answer that."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from bridge.errors import StoreError

log = logging.getLogger(__name__)

AGAIN = 2.0
"""Seconds between two tries."""


class Opening:
    """Calls `open_` until it succeeds, or somebody says `stop`."""

    def __init__(self, open_: Callable[[], object]) -> None:
        self._open = open_
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._try_on, name="opening", daemon=True)
        self._said = ""

    def begin(self) -> None:
        """Try it now, and from then on in a thread. Raises StoreError where waiting is no use."""
        try:
            self._open()
        except StoreError as error:
            if not error.may_retry:
                raise
            self._say(error)
            self._thread.start()

    def stop(self) -> None:
        """Try no more; waits for a try that is under way."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()

    def _try_on(self) -> None:
        while not self._stop.wait(AGAIN):
            try:
                self._open()
            except StoreError as error:
                self._say(error)
            else:
                log.info("the database could be opened")
                return

    def _say(self, error: StoreError) -> None:
        """Once, not at every try: and what cannot be retried may be mended all the same."""
        text = f"the database cannot be opened: {error}; {error.mend}"
        if text != self._said:
            self._said = text
            log.error("%s", text)
