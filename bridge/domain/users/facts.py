"""What is known of one user in one location, and what is decided of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from bridge.domain.pauses import Pause

UserState = Literal[
    "waiting",
    "creating",
    "registered",
    "associated",
    "updating",
    "retiring",
    "retired",
    "failed",
]
USER_STATES: Final[tuple[UserState, ...]] = get_args(UserState)

ChangeKind = Literal["CREATE", "UPDATE", "RETIRE"]
CHANGE_KINDS: Final[tuple[ChangeKind, ...]] = get_args(ChangeKind)
"""What Apple is asked for of a user, in its own words for events."""

REGISTERED: Final = ("Registered", "Created")
"""Apple's words for a user who is not tied to an Apple Account: the one in its lists and
notifications, and the one in its prose ("Managing Users")."""
ACTIVE: Final = frozenset({*REGISTERED, "Associated"})
"""Apple's words for a user to whom licences can be given; of one clientUserId there is at most one
such entry, and any number of retired ones."""
GONE: Final = "Retired"


@dataclass(frozen=True, slots=True)
class ToldUser:
    """What Apple said of one user: in a list, or in a notification; what it left out is None."""

    client_user_id: str
    status: str | None = None
    email: str | None = field(default=None, repr=False)
    id_hash: str | None = field(default=None, repr=False)
    invite_code: str | None = field(default=None, repr=False)

    @property
    def is_active(self) -> bool:
        """Whether it is of the entry to which licences can be given."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True)
class OpenChange:
    """What Apple is being asked of the user; `request_state` is that of its request."""

    kind: ChangeKind
    request_state: str
    waits_for: str | None = None
    waits_until: float | None = None


@dataclass(frozen=True, slots=True)
class LastChange:
    """What Apple was asked of the user last, since the round began: how it ended, and how often in
    a row it failed."""

    kind: ChangeKind
    state: str
    error_number: int | None
    settled_at: float
    failures: int


@dataclass(frozen=True, slots=True)
class UserFacts:
    """One user, as `decide` needs it.

    `read` says that the location's users were read, `suspended` why nothing is written there.
    """

    wanted: bool
    retire: bool
    email: str | None
    has_own_email: bool
    managed_apple_id: str | None
    told_email: str | None
    told_managed_apple_id: str | None
    status: str | None
    ours: bool
    registered: bool = True
    read: bool = True
    suspended: str | None = None
    suspended_detail: str = ""
    trouble: str | None = None
    pause: Pause | None = None
    open: OpenChange | None = None
    last: LastChange | None = None

    @property
    def is_active(self) -> bool:
        """Whether Apple has the user."""
        return self.status in ACTIVE


@dataclass(frozen=True, slots=True)
class UserDecision:
    """The state of a user, why, and what Apple is asked for now, if anything; `look` says that the
    user is to be read."""

    state: UserState
    reason: str
    detail: str = ""
    next_check_at: float | None = None
    ask: ChangeKind | None = None
    look: bool = False
