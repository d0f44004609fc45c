"""What every step of the engine works with: the open transaction, the policy and the time."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.policy import Policy
from bridge.store.database import Connection


@dataclass(frozen=True, slots=True)
class Context:
    """One write transaction at one moment. `now` is seconds since the epoch."""

    db: Connection
    policy: Policy
    now: float
