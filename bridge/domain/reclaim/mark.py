"""What an install is marked with when the licence of its device is to go back, though the app is
still wanted there."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

from bridge.domain.model import Device
from bridge.domain.reclaim.verdict import Kind


@dataclass(frozen=True, slots=True)
class Mark:
    """`held` until a person allows it, or `due`; since `at`, for the reason `why`."""

    state: Literal["held", "due"]
    kind: Kind
    at: float
    why: str

    def as_text(self) -> str:
        """The stored form."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_text(cls, text: str) -> Mark:
        """Read what `as_text` wrote."""
        return _read(text)

    def is_past(self, device: Device | None, round_at: float) -> bool:
        """Whether the device came back since, or a person asked for the app anew."""
        if round_at > self.at:
            return True
        if device is None:
            return False
        heard = device.last_seen_at is not None and device.last_seen_at > self.at
        return device.is_reachable and (self.kind == "unenrolled" or heard)


@lru_cache(maxsize=256)
def _read(text: str) -> Mark:
    return Mark(**json.loads(text))
