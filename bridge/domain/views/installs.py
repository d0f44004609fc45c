"""Installs, and why one is as it is."""

from typing import Annotated, NotRequired, TypedDict

from bridge.domain.model import InstallState
from bridge.domain.reasons.reason import Actor
from bridge.domain.views.members import Reason, Time
from bridge.domain.vocabulary import PricingParam


class StoredInstall(TypedDict):
    """What is stored of one app on one device, or for one user."""

    serial_number: Annotated[str | None, "The device; null for a licence of a user."]
    enrollment_id: Annotated[str | None, "The device, where it is enrolled by its user."]
    device_name: Annotated[str | None, "As the device calls itself."]
    client_user_id: Annotated[str | None, "The user; null for a licence of a device."]
    adam_id: Annotated[str, "The app's number in the App Store."]
    app_name: Annotated[str | None, "As in the file, else as in the App Store."]
    bundle_id: Annotated[str | None, "As the device named it, else as known of the app."]
    version: Annotated[str | None, "What is on the device, as far as it told."]
    newest_version: Annotated[str | None, "In the App Store, as Apple last told; null: not known."]
    pricing_param: PricingParam
    location: Annotated[str, "Whose licence it is to be."]
    server: Annotated[str | None, "The MDM server that shows the device."]
    udid: Annotated[str | None, "The device, as the MDM server names it."]
    state: InstallState
    reason: Annotated[Reason, "Why it is in that state; docs/reasons.md."]
    detail: Annotated[str, "What is special about this one."]
    wanted_by: Annotated[str | None, "The file, a one-off wish, or both; null: wanted no more."]
    attempts: Annotated[int, "How many commands were made for it in this round."]
    since: Annotated[Time, "When it came into its state."]
    updated_at: Time
    next_check_at: Annotated[Time | None, "When it is looked at again if nothing happens."]


class Words(TypedDict):
    """What is so, and whose turn it is."""

    sentence: Annotated[str, "What is so."]
    who_must_act: Actor
    needs_someone: Annotated[bool, "Whether it goes no further before somebody acts."]


class Install(StoredInstall, Words):
    """One app on one device, or for one user."""


class ReasonCount(TypedDict):
    """How many installs are in one state for one reason."""

    state: InstallState
    reason: Reason
    count: int
    who_must_act: Actor
    needs_someone: bool


class Evidence(TypedDict):
    """Something that is known."""

    what: str
    value: str | bool | None
    at: Time | None


class Of(TypedDict):
    """What something can be looked up by."""

    event: NotRequired[Annotated[int, "The message that told it."]]
    outbox: NotRequired[Annotated[int | None, "The call to Apple."]]
    apple_event_id: NotRequired[Annotated[str | None, "Apple's name for the request."]]
    command_uuid: NotRequired[Annotated[str, "The MDM command."]]


class _Happened(TypedDict):
    at: Time
    step: Annotated[str, "What happened."]


class Step(_Happened, Of):
    """Something that happened."""


class Took(TypedDict):
    """How long one step took."""

    at: Time
    step: Annotated[str, "What was reached."]
    took_s: Annotated[float, "Seconds since the step before."]


class Explanation(Words):
    """Why an install is as it is, and how it goes on."""

    next: Annotated[str, "What happens next."]
    next_at: Annotated[Time | None, "When that is, at the latest."]
    when: Annotated[str | None, "What is waited for, where that is no moment of the clock."]
    evidence: Annotated[list[Evidence], "What this rests on."]
    took: Annotated[list[Took], "How long each step took, of what is licensed or installed."]


class ExplainedInstall(Install):
    """An install, why it is so, and what happened."""

    explanation: Explanation
    invitation_url: Annotated[
        str | None, "Where the user accepts, if that is what it waits for: a secret."
    ]
    trail: Annotated[list[Step], "What happened, the oldest first."]


SECRETS = ("invitation_url",)
"""What only they see who may change something."""
