"""What a comparison goes by beside the facts of an install, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from bridge.domain.drift.kinds import DriftKind


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that disagrees. `adam_id` is empty where it is about the device as a whole.

    `on_device` is None where nobody knows. `mend` is the command that mends it; with `by_others` it
    is about what people or other tools did, which is not the bridge's to mend.
    """

    kind: DriftKind
    target: str
    adam_id: str
    wanted: bool
    licensed: bool
    queued: bool
    on_device: bool | None
    since: float | None
    cause: str
    mend: str
    location: str = ""
    by_others: bool = False

    @property
    def key(self) -> tuple[str, str, str, str]:
        """By what it is listed, and told from all others."""
        return self.target, self.adam_id, self.kind, self.location


@dataclass(frozen=True, slots=True)
class Around:
    """What a comparison needs to know beside the facts of one app on one device.

    `read` are the locations of which Apple's assignments were read; with `sees_devices` all MDM
    servers that can were asked for their devices. `gone` are targets that no server knows, `likely`
    maps such a serial number to those that may be meant. `one_offs` are the pairs that a person
    wished for, `queued` those for which somebody else has a command in a queue; with `expects_all`
    any device may come later.
    """

    read: frozenset[str] = frozenset()
    sees_devices: bool = False
    gone: frozenset[str] = frozenset()
    likely: Mapping[str, Sequence[str]] = field(default_factory=dict)
    one_offs: frozenset[tuple[str, str]] = frozenset()
    expects_all: bool = False
    queued: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class HeldLicence:
    """A licence in use that no wish needs: who has it since when, and who told of it first."""

    location: str
    adam_id: str
    target: str
    ours: bool
    confirmed_at: float
    confirmed_by: str
