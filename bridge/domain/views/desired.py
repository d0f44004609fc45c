"""What an apply changes, would change, and would cost; what is paused."""

from typing import Annotated, TypedDict

from bridge.domain.pauses import PausedBy, Scope
from bridge.domain.views.members import Time


class Applied(TypedDict):
    """How many installs a change is about, in each way."""

    added: Annotated[int, "Installs that are new."]
    removed: Annotated[int, "Installs that are wanted no more."]
    changed: Annotated[int, "Installs that are wanted in another way."]
    unchanged: int
    let_go: Annotated[int, "Installs that were held back, and go now."]
    held_back: Annotated[
        int, "Installs that wait for an apply with a higher limit, or without one."
    ]


class PlannedApp(TypedDict):
    """An app that a plan changes."""

    adam_id: str
    name: str | None
    added: Annotated[int, "How many devices get it."]
    removed: Annotated[int, "How many are not to have it any more: the sum of the next three."]
    kept: Annotated[int, "Where nothing happens: app and licence stay."]
    licences_back: Annotated[int, "Where the licence goes back, and the app stays."]
    apps_deleted: Annotated[int, "Where the licence goes back, then the app is deleted."]


ChangedSetting = TypedDict(
    "ChangedSetting",
    {
        "adam_id": str,
        "key": Annotated[str, "As in the file."],
        "from": str,
        "to": Annotated[str, "The new value; of a configuration only whether there is one."],
        "installs": Annotated[int, "On how many devices."],
    },
)
"""A setting of an app's wish that is another afterwards."""


class Seats(TypedDict):
    """What a plan costs of one asset."""

    location: str
    adam_id: str
    pricing_param: str
    name: str | None
    needs: Annotated[int, "Every device that is to have it, shown by a server or not."]
    holds: Annotated[int, "How many of those have a licence."]
    asked: Annotated[int, "For how many of them one was asked for."]
    counted: Annotated[bool, "Whether Apple's counts were ever read."]
    counted_at: Annotated[Time | None, "When they were read, or changed by a notification."]
    total: int | None
    retired: Annotated[int, "How many of the total nobody can be given."]
    odd: Annotated[str | None, "Why nobody knows the counts: what is odd about Apple's row."]
    free: Annotated[int | None, "Null where it is unlimited, or was never counted."]
    reclaimable: Annotated[int, "Licences that the bridge asked for and no wish needs."]
    returning: Annotated[int, "How many of those come back by themselves."]
    short: int
    waiting: Annotated[list[str], "The serial numbers that would wait for a seat."]
    for_good: Annotated[int, "Licences that are asked for and that Apple never takes back."]
    last_seat_at: Annotated[Time | None, "When the last seat goes, at the rate of the last weeks."]


class Cannot(TypedDict):
    """A device that cannot have an app."""

    serial_number: str
    adam_id: str
    reason: str


class Pair(TypedDict):
    """One app on one device."""

    serial_number: str
    adam_id: str


class Blind(TypedDict):
    """An MDM server that did not show its devices."""

    server: Annotated[str, "The MDM server."]
    why: Annotated[str, "Why its devices are not known."]


class PlannedUser(TypedDict):
    """A user in a location."""

    location: str
    client_user_id: str


class PlannedEmail(PlannedUser):
    """A user without an address of its own."""

    email_from: Annotated[str, "Whose address stands in: managed_apple_id, location or host."]


class PlannedRetirement(PlannedUser):
    """A user who is to be retired."""

    licences: Annotated[int, "How many licences go back that the bridge asked for."]
    licences_of_others: Annotated[int, "How many go back that somebody else assigned."]


class PlannedUsers(TypedDict):
    """What an apply changes of registered users."""

    created: Annotated[list[PlannedUser], "Whom Apple is asked to register."]
    updated: Annotated[list[PlannedUser], "Of whom Apple gets another address or account."]
    emails: Annotated[list[PlannedEmail], "Who has no e-mail address in the file."]
    without_email: Annotated[list[PlannedUser], "Who is left out for want of an address."]
    retired: list[PlannedRetirement]
    kept: Annotated[list[PlannedUser], "Who is registered, and no longer in the file."]
    foreign: Annotated[int, "How many others are registered that the bridge did not register."]
    registered_nowhere: Annotated[list[str], "Users of the file for whom nothing is wanted."]


class _NothingToDo(TypedDict):
    nothing_to_do: bool


class Plan(_NothingToDo, Applied):
    """What an apply would change and cost."""

    apps: Annotated[list[PlannedApp], "The apps that change."]
    short: Annotated[int, "How many seats are missing in all."]
    for_good: Annotated[int, "How many licences are asked for that Apple never takes back."]
    seats: list[Seats]
    cannot: Annotated[list[Cannot], "Named devices that cannot have an app, and the reason."]
    tried_once: Annotated[
        list[Pair], "Named devices for which Apple does not list an app that may run there."
    ]
    platform_unknown: Annotated[
        list[Pair],
        "Installs that wait until their device has told of which platform it is.",
    ]
    excluded: Annotated[list[Pair], "What the file means and a one-off wish keeps out."]
    not_shown: Annotated[list[str], "Serial numbers that no server has shown yet."]
    facts_missing: Annotated[int, "Devices of which nobody knows what a `match` needs."]
    devices_of_unknown_platform: Annotated[
        int, "Devices that are to have an app and have not told what they are."
    ]
    settings: Annotated[list[ChangedSetting], "What of the wishes that stay is another."]
    groups: Annotated[list[str], "The groups that differ."]
    without_serial_number: Annotated[int, "User-enrolled devices, which no group means."]
    without_bundle_id: Annotated[list[str], "Apps whose bundle id a device must tell first."]
    users: PlannedUsers
    notes: Annotated[list[str], "What could not be looked at."]
    blind: Annotated[list[Blind], "Devices that are not known, though a group may mean them."]


class Pause(TypedDict):
    """Something that is paused."""

    scope: Scope
    name: Annotated[str | None, "The adam id, location or serial number; null for all."]
    since: Time
    by: Annotated[PausedBy, "A person, or the bridge after a wave of failures."]
    why: Annotated[str | None, "What failed."]
    next_probe_at: Annotated[Time | None, "When one device is tried again."]
    probe: Annotated[str | None, "The device that is being tried."]
    installs: Annotated[int, "How many wanted installs it is about."]
    sentence: str
