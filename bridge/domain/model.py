"""The things the bridge knows about, as frozen values.

Times are seconds since the epoch. Field names are the database's columns where a row is meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, get_args

from bridge.domain.devices.platforms import platform_of
from bridge.domain.devices.targets import of_enrolment, of_user, user_of

InstallState = Literal[
    "waiting",
    "associating",
    "licensed",
    "sending",
    "sent",
    "acknowledged",
    "installing",
    "installed",
    "unconfirmed",
    "failed",
    "conflict",
    "needs_user",
    "removing",
    "removed",
]

INSTALL_STATES: Final[tuple[InstallState, ...]] = get_args(InstallState)

CommandState = Literal[
    "ready",
    "posting",
    "posted",
    "queued",
    "not_now",
    "in_doubt",
    "acknowledged",
    "error",
    "dropped",
]
"""`posting` to `not_now` occupy the device's queue, unless the device left the command open;
`in_doubt` frees it."""

IN_DEVICE_QUEUE: Final[tuple[CommandState, ...]] = ("posting", "posted", "queued", "not_now")
ANSWERED_STATES: Final[tuple[CommandState, ...]] = ("acknowledged", "error")


@dataclass(frozen=True, slots=True)
class Target:
    """Who holds a licence: a device by serial number, or a registered user."""

    kind: Literal["serial", "user"]
    value: str

    @property
    def holder(self) -> str:
        """As pairs name it: Apple does not say in which case it gives serial numbers back."""
        return self.value.upper() if self.kind == "serial" else of_user(self.value)


_set = object.__setattr__

DEFAULT_PRICING: Final = "STDQ"


class Asset(NamedTuple):
    """What is licensed: an app in one price class.

    Apple identifies an asset by both (Apple, "Managing Assets"). As a `Pair` it is a tuple, since
    both are looked up by the hundred thousand.
    """

    adam_id: str
    pricing_param: str = DEFAULT_PRICING


class Pair(NamedTuple):
    """One licence for one holder: the unit in which Apple counts and confirms.

    `holder` is a serial number, or a target that stands for a user (domain/devices/targets.py).
    """

    asset: Asset
    holder: str

    @property
    def client_user_id(self) -> str | None:
        """The user who holds it; None for a device."""
        return user_of(self.holder)


def may_be_asked(enrolled: bool | None, filed_serial: str | None) -> bool:
    """Whether a command may be for a device: it is enrolled, or an admin's file says so where
    nobody else said anything."""
    return bool(enrolled) or (enrolled is None and filed_serial is not None)


@dataclass(frozen=True, slots=True)
class Device:
    """A device as its MDM server showed it; `enrolled` is None where nobody said.

    `claimed_serial` is what it tells in place of a serial number (domain/serials.py);
    `enrolment` counts the enrolments that were seen; `enrolled_after` is a time at which it was not
    enrolled yet, None where it may have been for long; `apps_*` belong to the newest
    ManagedApplicationList that the device answered; `installed_refused_at` is when it last would
    not answer an InstalledApplicationList, and `refusal` what it said the last time that it would
    not answer either; `declared_at` is when its declarative status last told of apps; the stamps
    are the server's own times of the newest Authenticate, TokenUpdate and CheckOut. With
    `moved_to` the same device has enrolled with that server since, at its time `moved_at`.
    """

    id: int
    server: str
    udid: str | None
    enrollment_id: str | None
    serial_number: str | None
    claimed_serial: str | None
    name: str | None
    product_name: str | None
    model: str | None
    os_version: str | None
    build_version: str | None
    enrolled: bool | None
    enrolment: int
    enrolled_at: float | None
    enrolled_after: float | None
    last_seen_at: float | None
    last_connect_at: float | None
    apps_asked_at: float | None
    apps_listed_at: float | None
    apps_enrolment: int | None
    apps_refused_at: float | None
    installed_refused_at: float | None
    refusal: str | None
    declared_at: float | None
    serial_asked_at: float | None
    facts_at: float | None
    pushed_at: float | None
    authenticate_stamp: float | None
    token_stamp: float | None
    checkout_stamp: float | None
    moved_to: str | None
    moved_at: float | None
    filed_serial: str | None = None
    """What its server's `devices_file` says of it, which is not its own word."""
    media_asked_at: float | None = None
    """The times of its newest ManagedMediaList, as `apps_*`."""
    media_listed_at: float | None = None
    media_enrolment: int | None = None
    media_refused_at: float | None = None
    setup_since: float | None = None
    """Since when it is in Setup Assistant, by the first TokenUpdate of this enrolment that says
    AwaitingConfiguration; None where none did."""
    setup_ended_at: float | None = None
    """When it left Setup Assistant, as far as anything told."""
    setup_free_at: float | None = None
    """When the last pause ended that held its release up."""
    setup_all: bool = False
    """Whether it was known before that enrolment: all its apps are sent there."""
    supervised: bool | None = None
    """Whether it is supervised, as it said since it enrolled; None where it did not."""
    channel_of: int | None = None
    """The id of the device on which this is the channel of a user."""
    channel_id: str | None = None
    """By what its server addresses that channel."""
    updates_wait: bool = False
    """Whether newer versions of its apps wait until it comes."""
    enrolment_id: str | None = field(init=False)
    """By what its MDM server addresses it: the UDID, or the EnrollmentID of a user enrolment; of a
    user's channel its own."""
    is_reachable: bool = field(init=False)
    """Whether it is enrolled, and something can be sent to it."""
    may_be_asked: bool = field(init=False)
    """Whether a command may be for it: it is enrolled, or an admin says so."""
    apps_known: bool = field(init=False)
    """Whether the device listed its apps since it was last enrolled."""
    is_described: bool = field(init=False)
    """Whether the device said what it is, or was asked and would not say."""
    in_setup: bool = field(init=False)
    """Whether it waits in Setup Assistant, as far as anything told."""
    is_mac: bool = field(init=False)
    """Whether this is a Mac, which needs InstallAsManaged (Apple, "Install Application")."""

    def __post_init__(self) -> None:
        """What each decision asks several times is worked out once."""
        known = self.apps_listed_at is not None and self.apps_enrolment == self.enrolment
        addressed = self.channel_id or self.udid or self.enrollment_id
        _set(self, "enrolment_id", addressed)
        _set(self, "is_reachable", bool(self.enrolled) and addressed is not None)
        _set(self, "may_be_asked", may_be_asked(self.enrolled, self.filed_serial))
        _set(self, "apps_known", known)
        _set(self, "is_described", self.product_name is not None or self.facts_at is not None)
        _set(self, "in_setup", self.setup_since is not None and self.setup_ended_at is None)
        _set(self, "is_mac", platform_of(self.product_name) == "macOS")

    @property
    def target(self) -> str | None:
        """By what installs name it; None as long as it told no serial number."""
        if self.serial_number is None and self.udid is None and self.enrollment_id is not None:
            return of_enrolment(self.enrollment_id)
        return self.serial_number

    @property
    def said(self) -> tuple[object, ...]:
        """What groups and their rules may look at."""
        told = (self.serial_number, self.name, self.product_name, self.model)
        return (*told, self.os_version, self.build_version, self.server, self.enrolled)

    @property
    def is_enrolling(self) -> bool:
        """Whether its newest check-in is an Authenticate, which a TokenUpdate is to follow."""
        began = self.authenticate_stamp
        others = (self.token_stamp or 0.0, self.checkout_stamp or 0.0)
        return not self.enrolled and began is not None and began > max(others)


@dataclass(frozen=True, slots=True)
class AppReport:
    """What a device said of one app. `status` is None once a list left the app out.

    `there_at` is when a list last showed it as there, `once_status` keeps what a device says a
    single time (Failed, UserRejected, ...; Apple, "Managed Application List").
    """

    bundle_id: str
    status: str | None
    reported_at: float
    once_status: str | None
    once_at: float | None
    there_at: float | None
    external_version: str | None = None
    """Apple's number of its version, as the device has it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """The newest InstallApplication of an install: one CommandUUID.

    `attempt` counts those of this round, `asks` those among them that were made because a person
    did not say yes to the one before, `offline` those made because the device had no network.
    """

    command_uuid: str
    device_id: int
    state: CommandState
    attempt: int
    asks: int
    offline: int
    enrolment: int
    posts: int
    settings: str | None
    """What it carries beside the app (InstallSettings), fixed when it was made."""
    renews: bool
    """Whether the device listed the app as Managed when it was made: it is sent for its
    settings."""
    created_at: float
    due_at: float
    posted_at: float | None
    in_doubt_at: float | None
    not_now_since: float | None
    stalled_at: float | None
    odd_answers: int
    """Answers with a status that the MDM server does not take: it keeps the command."""
    answered_at: float | None
    status: str | None
    error_domain: str | None
    error_code: int | None
    error_text: str | None
    app_state: str | None
    rejection_reason: str | None
    unread: str | None
    """Why nothing but the status of the answer could be read."""
    updates: bool = False
    """Whether it is sent for a newer version of an app that is there."""
    not_after: float | None = None
    """When it must have left, if it must."""


OnHold = Literal["NOT_PLANNED", "HELD_BACK", "PLATFORM_UNKNOWN"]


@dataclass(frozen=True, slots=True)
class Install:
    """One desired app on one device, with the decision that was taken last.

    `location` is where the licence comes from, one of the list whose key is `locations`: the same
    text where there is no other.
    `on_hold` is the reason for which nothing is done for it until an apply lets it go, or its
    device's platform is known. `round_at` is when it was desired, or desired otherwise: failures
    from before do not count.
    """

    id: int
    target: str
    adam_id: str
    pricing_param: str
    location: str
    locations: str
    desired: bool
    desired_by: str
    on_hold: OnHold | None
    options: str
    priority: int
    state: InstallState
    reason: str
    detail: str
    attempts: int
    round_at: float
    since: float
    created_at: float
    updated_at: float
    installed_at: float | None
    next_check_at: float | None
    client_user_id: str | None = None
    """Whose licence it is made with; None for the device's own."""
    bundle_id: str | None = None
    """What its device named the app in the answer to an install; a watch has another name for it
    than a phone."""
    update_asked: str | None = None
    """Whether a person asked for the newest version: in_window, or now."""
    reclaim: str | None = None
    """That its licence is to go back though it is desired (domain/reclaim/mark.py); mostly None."""
