"""What `decide()` returns: what is so for an install, why, and the steps that follow."""

from __future__ import annotations

from dataclasses import dataclass, field

from bridge.domain.model import InstallState
from bridge.domain.updates.facts import TriedState
from bridge.domain.updates.newest import Version


@dataclass(frozen=True, slots=True)
class TakeSeat:
    """Step: a licence is needed; a seat is to be allocated."""


@dataclass(frozen=True, slots=True)
class SendInstall:
    """Step: make a new attempt, with a CommandUUID of its own.

    `asks_again` when it is made because a person did not say yes to the one before, `was_offline`
    because the device had no network for it.
    """

    asks_again: bool = False
    was_offline: bool = False


@dataclass(frozen=True, slots=True)
class PostAgain:
    """Step: post the same command again, under the same CommandUUID."""

    command_uuid: str


@dataclass(frozen=True, slots=True)
class AskApps:
    """Step: ask the device for its ManagedApplicationList."""


@dataclass(frozen=True, slots=True)
class AskInstalled:
    """Step: ask the device for its InstalledApplicationList, which has unmanaged apps, too."""


@dataclass(frozen=True, slots=True)
class AskFacts:
    """Step: ask the device what it is (DeviceInformation)."""


@dataclass(frozen=True, slots=True)
class BeginProbe:
    """Step: the app goes to this device first, to learn its bundle id."""


@dataclass(frozen=True, slots=True)
class EndProbe:
    """Step: the app went to this device first, and its bundle id was not learnt."""


@dataclass(frozen=True, slots=True)
class ReadAssignment:
    """Step: look at Apple whether the licence is really there."""


@dataclass(frozen=True, slots=True)
class GiveBack:
    """Step: the licence is to be given back to Apple."""


@dataclass(frozen=True, slots=True)
class GiveDeviceLicenceBack:
    """Step: the licence that the device had is to be given back; the app has its user's."""


@dataclass(frozen=True, slots=True)
class SendRemove:
    """Step: have the device remove the app, under a CommandUUID of its own."""


@dataclass(frozen=True, slots=True)
class LeaveLine:
    """Step: the licence is not desired any more; nobody was asked for it yet."""


@dataclass(frozen=True, slots=True)
class CancelAttempt:
    """Step: the attempt is of a past enrolment, or no longer desired; it will not be posted."""

    command_uuid: str


@dataclass(frozen=True, slots=True)
class CancelElsewhere:
    """Step: the command went to another device, which carried the serial number before; nobody
    waits for its answer any more."""

    command_uuid: str


@dataclass(frozen=True, slots=True)
class AwaitUpdate:
    """Step: there is a newer version; the device has its turn from `opens_at` on, and if it does
    not come, from `next_at` on."""

    opens_at: float
    next_at: float


@dataclass(frozen=True, slots=True)
class StartUpdate:
    """Step: send the newest version, if the pace allows it; it must leave by `not_after`, and if it
    comes to nothing its device has its turn again from `next_at` on."""

    not_after: float | None
    next_at: float


@dataclass(frozen=True, slots=True)
class NoteUpdate:
    """Step: what came of a version on this device; `never_again` where it cannot take it."""

    state: TriedState
    never_again: bool = False


@dataclass(frozen=True, slots=True)
class NoteVersion:
    """Step: the device has a version that is newer than the newest that was known; `adopts` where
    it is what was sent to it, under no name."""

    version: Version
    adopts: bool


@dataclass(frozen=True, slots=True)
class Wake:
    """Step: push to the device, for which nothing else is intended."""


Step = (
    TakeSeat
    | SendInstall
    | PostAgain
    | AskApps
    | AskInstalled
    | AskFacts
    | BeginProbe
    | EndProbe
    | ReadAssignment
    | GiveBack
    | GiveDeviceLicenceBack
    | SendRemove
    | LeaveLine
    | CancelAttempt
    | CancelElsewhere
    | AwaitUpdate
    | StartUpdate
    | NoteUpdate
    | NoteVersion
    | Wake
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What is so for an install, why, and what happens next.

    The same value drives what the bridge does and what it tells, so that they cannot disagree.
    `recheck_at` is when the clock alone may change the decision.
    """

    state: InstallState
    reason: str
    detail: str = ""
    steps: tuple[Step, ...] = ()
    recheck_at: float | None = None
    evidence: tuple[tuple[str, str | float | int | None], ...] = field(default=())

    def looked_at_by(self, at: float) -> Decision:
        """The same, looked at again at that time or before."""
        if self.recheck_at is not None and self.recheck_at <= at:
            return self
        return Decision(self.state, self.reason, self.detail, self.steps, at, self.evidence)
