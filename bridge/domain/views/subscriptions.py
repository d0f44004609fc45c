"""What is known of subscriptions and who has them."""

from typing import Annotated, Literal, TypedDict

from bridge.domain.views.members import Time
from bridge.domain.vocabulary import SubscriptionState


class SubscriptionAssignment(TypedDict):
    """One user's assignment of a subscription."""

    client_user_id: str
    state: Annotated[
        SubscriptionState,
        "assigned; ending: it does not renew, or its disassociation was deferred; ended; or"
        " failed: Apple refused it and the user is not known to have had it.",
    ]
    ends_on: Annotated[str | None, "The day on which one that is ending ends, where it is known."]
    since: Annotated[Time, "When it came to this state, as far as is known."]
    told_by: Annotated[Literal["notification", "read"], "Who told last."]
    told_at: Time
    error_number: Annotated[int | None, "Apple's, where the newest request was refused."]
    error: Annotated[str | None, "What that number means."]


class Subscription(TypedDict):
    """One subscription of a location. Counts are null where Apple has not told them."""

    location: str
    adam_id: str
    parent_adam_id: Annotated[str | None, "The app that it belongs to."]
    app_name: Annotated[str | None, "The name of that app."]
    status: Annotated[str | None, "As Apple has it: ACTIVE, INACTIVE or PAUSED."]
    period_ends_on: Annotated[str | None, "The last day of the period: YYYY-MM-DD."]
    assigned_renewing: Annotated[int | None, "Seats in use that renew when the period ends,"]
    assigned_expiring: Annotated[int | None, "and those that end with it."]
    available_renewing: int | None
    available_expiring: int | None
    total_renewing: int | None
    total_expiring: int | None
    counted_at: Annotated[Time | None, "When it was last counted: read, or told by Apple."]
    read_at: Annotated[Time | None, "When a full read showed it last."]
    assignments: Annotated[list[SubscriptionAssignment], "By clientUserId."]
