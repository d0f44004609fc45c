"""What is stored, for a command that only looks at it.

Loading a whole bridge, with its clients and its engine, takes longer than all that such a command
does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import MappingProxyType
from typing import cast

from bridge.clients.mdm.port import Abilities
from bridge.config import Config
from bridge.engine.context import Context
from bridge.store.database import database_at


class Stored:
    """A configuration and its database; `clock` tells seconds since the epoch."""

    def __init__(self, config: Config, clock: Callable[[], float]) -> None:
        self.config = config
        self.clock = clock
        self.database = database_at(config.database)
        self.engine_lock = self.database.engine_lock()

    @contextmanager
    def read(self, servers: Mapping[str, Abilities] = MappingProxyType({})) -> Iterator[Context]:
        """A consistent view of this moment, with what waits in the inbox; `servers` are told by who
        asks what they can do. Raises StoreError."""
        with self.database.read_all() as (db, waiting):
            yield Context(db, self.config.policy, self.clock(), servers, waiting)

    @contextmanager
    def read_with_servers(self) -> Iterator[Context]:
        """The same for who tells what MDM servers do, which takes a while to load."""
        abilities = import_module("bridge.clients.mdm.adapters").abilities
        with self.read(abilities(self.config.servers)) as context:
            yield context

    def restart_needed(self, config: Config, *, with_keys: bool = True) -> list[str]:
        """The parts of the file's `config` that the running engine was not started with."""
        needed = import_module("bridge.engine.insight.restart").needed
        found = needed(self.database, self.engine_lock, config, with_keys=with_keys)
        return cast("list[str]", found)
