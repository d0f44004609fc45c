"""What is known when one install is decided.

Times are seconds since the epoch. Field names are the database's columns where a row is meant.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Literal

from bridge.domain.catalogue import Meaning, answer_meaning
from bridge.domain.devices.declared_apps import DeclaredReport
from bridge.domain.devices.installed_apps import InstalledReport
from bridge.domain.devices.unreadable import Unheard, Unreadable
from bridge.domain.installs.options import Options
from bridge.domain.model import ANSWERED_STATES, AppReport, Attempt, Device, Install
from bridge.domain.pauses import Pause
from bridge.domain.updates.facts import UpdateFacts

LicenceState = Literal["none", "collected", "open", "in_doubt", "owned", "refused", "taken"]


@dataclass(frozen=True, slots=True)
class Licence:
    """Where the licence of one pair stands. `since` is when that state was reached.

    `confirmed_by` is who told first that Apple gave it (notification, status or
    read), `read_at` when Apple last showed it, `refusals` how often in a row Apple said no.
    """

    state: LicenceState
    since: float | None = None
    confirmed_by: str | None = None
    read_at: float | None = None
    error_number: int | None = None
    refusals: int = 0
    event_id: str | None = None
    ours: bool = False
    """Whether the bridge asked for it: only such a licence is ever given back."""
    waits_for: str | None = None
    """Why Apple did not take the request yet, and (`waits_until`) when it is sent again."""
    waits_until: float | None = None
    times_taken: int = 0
    """How often others took it away since it was desired."""


NO_LICENCE: Final = Licence("none")


@dataclass(frozen=True, slots=True)
class LocationFacts:
    """What deciding needs to know of a content token's location."""

    name: str
    ready: bool
    suspended: str | None = None
    suspended_detail: str | None = None
    trouble: str | None = None
    """Why calls to Apple for the location are being repeated now, if they are."""
    trouble_passes: bool = False
    """Whether that is likely to go away by itself."""
    is_running: bool = True
    """Whether the engine was started with it."""


@dataclass(frozen=True, slots=True)
class AssetFacts:
    """Apple's counts of one asset; `available` is None for unlimited ones, `retired` are those of
    the total that nobody can be given.

    They were read at `read_at`; `counted_at` is when they last changed: read, or told by an
    ASSET_COUNT.
    """

    total: int | None
    available: int | None
    unlimited: bool
    device_assignable: bool
    product_type: str | None
    platforms: str | None
    read_at: float
    counted_at: float
    retired: int | None = None
    revocable: bool = True


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A registered user as a location's Apple has it; `status` is Apple's word, `state` what the
    bridge is at with the user, for `reason` and `detail`.

    `managed_apple_id` is the Managed Apple Account that Apple associates by itself; whoever has
    none is invited, and accepts with any account. `invite_code` is a secret.
    """

    client_user_id: str
    status: str | None
    state: str
    reason: str
    detail: str
    managed_apple_id: str | None
    invite_code: str | None = field(repr=False)

    @property
    def is_associated(self) -> bool:
        """Whether licences given to the user reach an Apple Account."""
        return self.status == "Associated"


@dataclass(frozen=True, slots=True)
class Unsure:
    """A row of Apple's assignments that cannot be read may be the pair's.

    `looked_at` is when the pair was looked up on its own, and that did not tell it either.
    """

    odd: str
    looked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Probe:
    """The device on which an app is tried first, since then, to learn its bundle id.

    `serial_number` is None once it came back without it; `tried` counts the devices so far.
    """

    serial_number: str | None
    since: float
    tried: int


_set = object.__setattr__


@dataclass(frozen=True, slots=True)
class Facts:
    """All that `decide()` looks at for one install."""

    install: Install
    options: Options
    location: LocationFacts | None
    asset: AssetFacts | None
    licence: Licence
    device: Device | None
    app_name: str | None = None
    bundle_id: str | None = None
    is_ios_app: bool = False
    """Whether Apple's metadata calls it iosSoftware, also where it runs on Macs."""
    report: AppReport | None = None
    installed: InstalledReport | None = None
    declared: DeclaredReport | None = None
    """What the device's declarative status says of the app, if it ever told of it."""
    strangers: bool = False
    """Whether the newest list has an entry that is not known to be another desired app, so that it
    may be this one, where no bundle id is known of it."""
    attempt: Attempt | None = None
    elsewhere: str | None = None
    """The CommandUUID that another device with this serial number was sent and never answered."""
    taken: str | None = None
    """The settings (InstallSettings) of the newest install that the device took since it was
    enrolled; None where it took none, as for an app that was there before."""
    release: Licence = NO_LICENCE
    """Where giving the licence back stands: the newest disassociate, if it is not history."""
    own: Licence = NO_LICENCE
    """Of an install that is made with a user's licence: where that of its device stands."""
    own_release: Licence = NO_LICENCE
    """Where giving that one back stands."""
    needs_user: bool = False
    """Whether it takes the licence of a user."""
    user: UserFacts | None = None
    """The user with whose licence it is made, as registered at its location."""
    others: int = 0
    """Of what is not desired any more: for how many devices of its user it still is."""
    gave_back: bool = False
    """Whether what the bridge got went back, by itself or in Apple's portal, and nothing was asked
    for since; told only of a licence that is not there."""
    removal: Attempt | None = None
    """The newest RemoveApplication since the app is not desired any more."""
    list_open: bool = False
    """Whether a ManagedApplicationList for the device is on its way."""
    installed_open: bool = False
    """Whether an InstalledApplicationList for the device is on its way."""
    list_unread: Unreadable | None = None
    """The ManagedApplicationLists of late that told nothing of the app; where only its own entry
    could not be read, `device` is as it was before them."""
    installed_unread: Unreadable | None = None
    """The same of InstalledApplicationLists."""
    facts_unread: Unreadable | None = None
    """The answers of late to the question what the device is."""
    list_unheard: Unheard | None = None
    installed_unheard: Unheard | None = None
    facts_unheard: Unheard | None = None
    """The same three of answers that never came."""
    free_seats: int | None = None
    """Of the asset, where the licence is yet to be got."""
    odd_asset: str | None = None
    """What is odd about the row of Apple's that is, or may be, the asset's, where none was read."""
    unsure: Unsure | None = None
    """Why it is not known whether the pair holds a licence that none is known of."""
    probe: Probe | None = None
    """Who is tried first, for an app whose bundle id is not known."""
    pause: Pause | None = None
    """What keeps POSTs for this install from leaving, if anything does."""
    update: UpdateFacts | None = None
    """What is known of the newest version of the app; None where nobody wishes for it."""
    meaning: Meaning | None = field(init=False)
    """What the answer to `attempt` says against the install; None while there is none, or when a
    list will tell."""
    is_book: bool = field(init=False)
    """Whether it is a book, which goes to users alone, and is no app to any device."""
    concerns_user: bool = field(init=False)
    """Whether it takes a user's licence, or would have to."""
    is_unmanaged: bool = field(init=False)
    """Whether the app is not to be managed: only Macs have such apps, all others manage what is
    sent to them (Apple, "Install Application")."""
    asked_at: float | None = field(init=False)
    """When the newest list of this enrolment that could show the app was asked for."""
    listed_at: float | None = field(init=False)
    """When it came."""

    def __post_init__(self) -> None:
        """What several rules ask is worked out once."""
        attempt, device, installed = self.attempt, self.device, self.installed
        is_book = self.asset is not None and self.asset.product_type == "Book"
        _set(self, "is_book", is_book)
        named = self.install.client_user_id is not None or self.install.target[:1].islower()
        of_user = is_book or named or self.options.license_to != "device"
        _set(self, "concerns_user", of_user)
        answered = attempt is not None and attempt.state in ANSWERED_STATES
        _set(self, "meaning", answer_meaning(attempt) if attempt and answered else None)
        unmanaged = device is not None and device.is_mac and not self.options.managed
        _set(self, "is_unmanaged", unmanaged)
        if unmanaged:
            _set(self, "asked_at", installed.asked_at if installed else None)
            _set(self, "listed_at", installed.reported_at if installed else None)
        else:
            known = device is not None and device.apps_known
            _set(self, "asked_at", device.apps_asked_at if device and known else None)
            _set(self, "listed_at", device.apps_listed_at if device and known else None)


@dataclass(frozen=True, slots=True)
class DeviceFacts(Facts):
    """The facts of an install whose device is known: all that is sent to one goes by these."""

    device: Device
