"""What Apple's side shows: assets, licences in use, locations."""

from typing import Annotated, TypedDict

from bridge.domain.views.members import Time
from bridge.domain.vocabulary import ConfirmedBy


class Asset(TypedDict):
    """What a location owns of one app or book."""

    location: str
    adam_id: str
    pricing_param: str
    name: str | None
    bundle_id: str | None
    product_type: Annotated[str | None, "App or Book."]
    platforms: Annotated[str | None, "As Apple names them: iOS,macOS."]
    unlimited: Annotated[bool, "Whether seats are not counted."]
    total: int | None
    available: int | None
    assigned: int | None
    retired: Annotated[int | None, "Of the total, those that nobody can be given."]
    device_assignable: bool
    revocable: bool
    read_at: Annotated[Time, "When it was read."]
    counted_at: Annotated[Time, "When it was last counted: read, or told by Apple."]


class Assignment(TypedDict):
    """One licence in use."""

    location: str
    adam_id: str
    pricing_param: str
    serial_number: Annotated[str | None, "The device that holds it, or"]
    client_user_id: Annotated[str | None, "the user."]
    device_name: str | None
    app_name: str | None
    by_us: Annotated[bool, "Whether a request of the bridge got it."]
    wanted: Annotated[bool, "Whether the app is wanted there, with a licence of this location."]
    confirmed_by: Annotated[ConfirmedBy, "Who told first that Apple gave it."]
    confirmed_at: Time
    read_at: Annotated[Time, "When Apple last showed it."]


class Claimed(TypedDict):
    """What came of asking for a location."""

    location: str
    held_by: Annotated[str | None, "The other MDM's name; null: nobody else holds it."]
    asked: Annotated[bool, "Whether it is taken over; not, where nobody else holds it."]
    outbox: Annotated[int | None, "The call that does it: /v1/outbox tells how it ended."]


class Location(TypedDict):
    """The location of a content token."""

    name: Annotated[str, "As in the configuration."]
    library_uid: Annotated[str | None, "Apple's uId."]
    location_name: Annotated[str | None, "As Apple has it."]
    country: str | None
    platform: str | None
    stopped: Annotated[str | None, "The reason why nothing is written there."]
    stopped_detail: str | None
    mdm_id: Annotated[str | None, "Whose the location is, as Apple last said."]
    mdm_name: str | None
    notification_url: Annotated[str | None, "Where Apple sends notifications."]
    registered_at: Time | None
    token_expires_at: Time | None
    max_assets: Annotated[int | None, "How many assets a request may name."]
    max_serial_numbers: Annotated[int | None, "How many devices a request may name."]
    heard_at: Annotated[Time | None, "When Apple last answered."]
    assets_read_at: Time | None
    assignments_read_at: Time | None
    last_notification_at: Time | None
