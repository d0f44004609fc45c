"""Whether a user is to be invited on a device, and on which. Pure.

Source: Apple, mdm/commands/application.invitetoprogram.yaml: iPhone and iPad on the channel of the
device, Mac and Shared iPad on that of the user, no User Enrolment. Account-driven Device Enrolment,
which refuses it too, looks like any other to an MDM server: there the device's answer tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from bridge.domain.devices.platforms import platform_of
from bridge.domain.devices.targets import shown
from bridge.domain.model import IN_DEVICE_QUEUE, Device
from bridge.domain.times import rfc3339
from bridge.domain.users.facts import ACTIVE

Outcome = Literal[
    "sent",
    "not_needed",
    "under_way",
    "too_soon",
    "paused",
    "not_registered",
    "no_link",
    "no_device",
]
FINE: Final[tuple[Outcome, ...]] = ("sent", "not_needed", "under_way")
"""What leaves nothing to do for who asked."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """One that was to be shown on the device `target`; `answer` is what the device said, and
    `state` that of its command, None once that is forgotten."""

    target: str
    created_at: float
    shown: bool
    answer: str | None
    state: str | None

    @property
    def is_open(self) -> bool:
        """Whether the device may still answer it."""
        return self.answer is None and self.state in ("ready", "in_doubt", *IN_DEVICE_QUEUE)

    @property
    def words(self) -> str:
        """How it stands, for people."""
        device = shown(self.target)
        if self.shown:
            return f"shown on {device}"
        if self.answer is not None:
            return f"{device} did not show it: {self.answer}"
        if self.state == "not_now":
            return f"waits until {device} can show it"
        return f"on its way to {device}" if self.is_open else f"no answer of {device}"


@dataclass(frozen=True, slots=True)
class Invitee:
    """Somebody who is to be invited in a location.

    `status` is Apple's word, `stands` the sentence on how the user stands; `link` where the
    invitation is accepted; `pause` what keeps it from leaving; `last` the newest invitation;
    `devices` those of the user that enrolled, a user's channel in place of the device that has one.
    """

    client_user_id: str
    location: str
    status: str | None
    managed_apple_id: str | None
    stands: str
    link: str | None = field(repr=False)
    pause: str | None
    last: Invitation | None
    devices: Sequence[Device]


@dataclass(frozen=True, slots=True)
class Inviting:
    """What is to be done: an outcome with its sentence, and the device if it is to be sent. With
    `hand_over` the link reaches the person only by hand."""

    outcome: Outcome
    sentence: str
    device: Device | None = None
    hand_over: bool = False


def decide_inviting(user: Invitee, again_after: float, now: float) -> Inviting:
    """Whether an invitation goes out, and where; at most one in `again_after` seconds."""
    settled = _settled(user)
    if settled is not None:
        return settled
    waits = None if user.last is None else _waits(user, user.last, again_after, now)
    if waits is not None:
        return waits
    able = [device for device in user.devices if unable(device) is None]
    if not able:
        return Inviting("no_device", _no_device(user), hand_over=True)
    device = max(able, key=lambda each: each.last_seen_at or 0.0)
    name = shown(device.target or "")
    sentence = (
        f"user {user.client_user_id} is invited on {name}, which shows it when it next connects"
    )
    return Inviting("sent", sentence, device)


def _settled(user: Invitee) -> Inviting | None:
    """What makes an invitation needless, or impossible, wherever it would go."""
    name, place = user.client_user_id, user.location
    if user.status == "Associated":
        already = (
            f"user {name} is tied to an Apple Account at {place} already and needs no invitation"
        )
        return Inviting("not_needed", already)
    if user.managed_apple_id is not None:
        needs_none = (
            f"user {name} has a Managed Apple Account and needs no invitation: {user.stands}"
        )
        return Inviting("not_needed", needs_none)
    if user.status not in ACTIVE:
        return Inviting(
            "not_registered", f"user {name} cannot be invited at {place}: {user.stands}"
        )
    if user.pause is not None:
        return Inviting("paused", f"user {name} is not invited: {user.pause}", hand_over=True)
    if user.link is None:
        unknown = f"Apple has not told the link for user {name} at {place} yet; try again later"
        return Inviting("no_link", unknown)
    return None


def _waits(user: Invitee, last: Invitation, again_after: float, now: float) -> Inviting | None:
    """The last invitation stands, or the person was bothered lately."""
    name, at = user.client_user_id, rfc3339(last.created_at)
    if last.is_open:
        return Inviting(
            "under_way", f"user {name} was invited at {at}: {last.words}", hand_over=True
        )
    again_at = last.created_at + again_after
    if last.answer is None or now >= again_at:
        return None
    earliest = f"at the earliest at {rfc3339(again_at)} (policy.users.invite_again)"
    sentence = f"user {name} was invited at {at}: {last.words}; another one goes {earliest}"
    return Inviting("too_soon", sentence, hand_over=True)


def unable(device: Device) -> str | None:
    """Why a device cannot show an invitation; None where it can, as far as is known."""
    if device.enrollment_id is not None:
        return "a user enrolment shows no invitation"
    if not device.is_reachable:
        return "it is not enrolled"
    platform = platform_of(device.product_name)
    if platform is None and not device.is_described:
        return "it has not told what it is, and is asked now: invite again in a minute"
    if platform == "macOS":
        no_user = "no user of this Mac is known to its MDM server"
        return None if device.channel_of is not None else no_user
    what = platform or "what is neither an iPhone, an iPad nor a Mac"
    return None if platform == "iOS" else f"{what} shows no invitation"


def _no_device(user: Invitee) -> str:
    if not user.devices:
        return f"no device of user {user.client_user_id} that enrolled is named in the file"
    why = "; ".join(f"{shown(each.target or '')}: {unable(each)}" for each in user.devices)
    return f"no device of user {user.client_user_id} can show the invitation ({why})"
