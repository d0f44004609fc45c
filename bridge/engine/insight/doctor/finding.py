"""What a check finds, and what all checks work with."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.config import Config
from bridge.domain.desired.desired import Desired
from bridge.domain.pauses import Pauses
from bridge.engine.client_pool import ClientPool
from bridge.engine.insight.contradictions import Contradicted
from bridge.engine.upkeep.clock_steps import Step
from bridge.errors import StoreError
from bridge.store.database import Database, EngineLock
from bridge.store.licences.locations import Location

Level = Literal["ok", "warn", "fail"]

Ask = Callable[[str, Mapping[str, str], bytes], int]
"""POSTs to a path of an address where the bridge itself listens: headers, body; returns the status.

Raises OSError when nobody answers.
"""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the result: what was looked at, how it is, and what to do about it."""

    part: str
    level: Level
    text: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says, as far as the checks compare with it; `odd` are sentences by location
    about rows of Apple's that cannot be read."""

    instance_id: str
    desired: Desired
    locations: Mapping[str, Location]
    odd: Mapping[str, Sequence[str]]
    pauses: Pauses
    clock_step: Step | None = None
    """That the clock was set within the last day."""
    contradictions: Sequence[Contradicted] = ()
    """Where a device's list, its declarative status and Apple's assignments disagree."""
    claims: Sequence[str] = ()
    """Devices that tell no serial number, in sentences."""
    shared: Sequence[str] = ()
    """Serial numbers of several devices, in sentences."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is examined. `trouble` says why the database could not be opened, if it could not;
    `restart_needed` are the parts of the file that the running engine was not started with."""

    config: Config
    database: Database
    trouble: StoreError | None
    lock: EngineLock
    clients: ClientPool
    ask: Ask
    ask_outside: Ask | None
    now: float
    restart_needed: tuple[str, ...] = ()


def ok(part: str, text: str) -> Finding:
    """All is well."""
    return Finding(part, "ok", text)


def warn(part: str, text: str, mend: str = "") -> Finding:
    """It works, but not as well as it could, or not for long."""
    return Finding(part, "warn", text, mend)


def fail(part: str, text: str, mend: str = "") -> Finding:
    """It does not work."""
    return Finding(part, "fail", text, mend)
