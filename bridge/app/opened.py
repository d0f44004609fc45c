"""A configuration, its database and a clock: what every part of a bridge works on."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from bridge.config import Config
from bridge.engine.context import Context
from bridge.store.database import Database


class Opened:
    """What the parts of a bridge have in common; `clock` tells seconds since the epoch.

    `who` is on whose behalf it is changed, for the log: the bridge itself, the API, or somebody at
    the command line.
    """

    def __init__(
        self, config: Config, clock: Callable[[], float] = time.time, who: str = "bridge"
    ) -> None:
        self.config = config
        self.who = who
        self.clock = clock
        self.database = Database(config.database)

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self.clock()

    def context(self, db: Any) -> Context:
        """This moment's context on an open transaction."""
        return Context(db, self.config.policy, self.now())
