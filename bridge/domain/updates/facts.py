"""What deciding needs to know of the newest version of an app, and of what was tried for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from bridge.domain.updates.newest import Version

TriedState = Literal["waiting", "sent", "taken", "done", "failed", "put_off", "refused"]
"""`waiting`: the device has its turn to come; `sent`: a command was made; `taken`: the device
accepted it, and the app is in use; `done`: the device has the version, or has had its install;
`failed`: it refused it, `refused`: for good; `put_off`: it could not take it in that window."""

OPEN: Final = ("waiting", "failed", "put_off")
"""States in which a device has its turn to come."""

MOST_TRIES: Final = 3
"""Windows in which a version is tried that a device refuses."""

Asked = Literal["in_window", "now"]
"""A person asked for the newest version: in the device's window, or at once."""


@dataclass(frozen=True, slots=True)
class Rollout:
    """The newest version of an app in one storefront for one family of devices, and how far it has
    gone: `ring` is the last ring that has begun, `stopped` says why it goes no further.

    `number` counts the versions that were seen; all else is of the newest.
    """

    adam_id: str
    storefront: str
    family: str
    number: int
    version: str | None
    external_version: int | None
    minimum_os: str | None
    found_at: float
    ring: int
    stopped: str | None

    @property
    def newest(self) -> Version:
        """The version itself."""
        return Version(self.version, self.external_version)


@dataclass(frozen=True, slots=True)
class Tried:
    """What was tried on one device for a version, by its number; `had` is what the device said
    before, `tries` how many commands were made, `done_at` when it was last listed with a version
    that it had been sent."""

    number: int
    state: TriedState
    tries: int
    opens_at: float
    started_at: float | None
    had: str | None
    done_at: float | None = None

    @property
    def stands_since(self) -> float:
        """What the device told before this is of a version that it may have no more."""
        return max(self.started_at or 0.0, self.done_at or 0.0)


@dataclass(frozen=True, slots=True)
class UpdateFacts:
    """All of it for one install: `scope` is the storefront and the family, `busy` whether another
    app of the device is being updated."""

    scope: tuple[str, str] | None
    rollout: Rollout | None
    tried: Tried | None
    busy: bool
