"""Which of the calls an engine makes, where several share them.

The engine that has the lock decides, and may make every call. Others help with what there is in
great number, the commands, pushes and looks of MDM servers: these have no limit but what a server
bears. Apple counts the requests of a location, whoever makes them, and alerts are told in turn, so
these are one engine's alone.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.engine.calls import Call
from bridge.engine.claimed import Scope
from bridge.store.database import Connection, Engines


class Share:
    """One engine's part.

    `servers` are those that this engine knows: others may have been started with more of them, as
    with kinds of calls.
    """

    def __init__(
        self, engines: Engines, calls: Mapping[str, Call], servers: Collection[str]
    ) -> None:
        self._engines = engines
        self._calls = calls
        self._servers = servers
        self.helping = False
        """Whether another one decides."""

    @property
    def number(self) -> int:
        """This engine among them; 0 where it only looks after the others."""
        return self._engines.number

    def kinds(self) -> tuple[str, ...]:
        """The kinds of calls that it takes; none: whatever there is."""
        if not self.helping:
            return ()
        return tuple(kind for kind, call in self._calls.items() if call.in_series)

    def takes(self, scope: Scope) -> bool:
        """Whether it calls there."""
        return not self.helping or (scope[0] == "mdm" and scope[1] in self._servers)

    def check(self, db: Connection) -> None:
        """That what it claims in this transaction will be known to be its own; raises
        EngineReplaced."""
        self._engines.check(db)

    def is_heard(self) -> bool:
        """Whether no other engine may take this one for gone, and look up what it begins."""
        return self._engines.is_heard()
