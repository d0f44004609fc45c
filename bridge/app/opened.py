"""A configuration, its database and a clock: what every part of a bridge works on."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import replace
from typing import Any, Self

from bridge.clients.mdm import adapters
from bridge.clients.mdm.port import Abilities
from bridge.config import Config
from bridge.domain.audit import BY_ITSELF, Actor, Deed
from bridge.engine import audit
from bridge.engine.context import Context
from bridge.store.database import Connection, database_at


class Opened:
    """What the parts of a bridge have in common; `clock` tells seconds since the epoch.

    `actor` is on whose behalf it is changed, for the log and the audit log.
    """

    def __init__(
        self,
        config: Config,
        clock: Callable[[], float] = time.time,
        actor: Actor = BY_ITSELF,
    ) -> None:
        self.config = config
        self.actor = actor
        self.clock = clock
        self.database = database_at(config.database)

    def acting(self, actor: Actor) -> Self:
        """The same bridge, on the same database, on behalf of somebody."""
        found = copy(self)
        found.actor = actor
        return found

    def record(self, db: Connection, deed: Deed) -> None:
        """Put what was done into the log and the audit log, in the transaction that does it."""
        audit.record(db, self.now(), self.actor, deed)

    @property
    def servers(self) -> Mapping[str, Abilities]:
        """What each of the configured MDM servers can do."""
        return adapters.abilities(self.config.servers)

    @property
    def listing_servers(self) -> tuple[str, ...]:
        """The names of the MDM servers that can be asked for all of their devices."""
        return tuple(name for name, can in self.servers.items() if can.device_list)

    @property
    def unlisted_servers(self) -> tuple[str, ...]:
        """The names of the others: their devices are known by what they send only."""
        return tuple(name for name, can in self.servers.items() if not can.device_list)

    @property
    def told_of_servers(self) -> tuple[str, ...]:
        """Those of them of which a file or a database tells what devices they have."""
        servers = self.config.servers
        return tuple(
            name
            for name in self.unlisted_servers
            if servers[name].devices_file or servers[name].has_enrollments_dsn
        )

    def now(self) -> float:
        """The time, in seconds since the epoch."""
        return self.clock()

    @contextmanager
    def looking(self) -> Iterator[Context]:
        """This moment's context for who only looks: with what waits in the inbox, too."""
        with self.database.read_all() as (db, waiting):
            yield replace(self.context(db), waiting=waiting)

    def context(self, db: Any) -> Context:
        """This moment's context on an open transaction."""
        return Context(db, self.config.policy, self.now(), self.servers)
