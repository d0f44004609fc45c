"""What every step of the engine works with: the open transaction, the policy and the time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bridge.clients.mdm.port import NO_ABILITIES, Abilities
from bridge.domain.policy import Policy
from bridge.store.database import Connection
from bridge.store.inbox.waiting import NOTHING, Waiting


@dataclass(frozen=True, slots=True)
class Context:
    """One write transaction at one moment. `now` is seconds since the epoch.

    `servers` are the MDM servers that are configured; whoever sends nothing may leave them out.
    """

    db: Connection
    policy: Policy
    now: float
    servers: Mapping[str, Abilities] = field(default_factory=dict)
    waiting: Waiting = NOTHING
    """What waits in the inbox, for who tells people how things are."""

    def abilities(self, server: str) -> Abilities:
        """What an MDM server can do; nothing, for one that is not configured."""
        return self.servers.get(server, NO_ABILITIES)


ContextOf = Callable[[Connection], Context]
"""Makes the context of a transaction that begins now."""
