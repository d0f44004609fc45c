"""What is known of registered users."""

from typing import Annotated, TypedDict

from bridge.domain.reasons.reason import Actor
from bridge.domain.users.facts import UserState
from bridge.domain.users.inviting import Outcome
from bridge.domain.views.members import Time


class User(TypedDict):
    """One user in one location."""

    location: str
    client_user_id: str
    state: UserState
    reason: Annotated[str, "A fixed word; `sentence` says it in full."]
    sentence: str
    next: Annotated[str, "What happens next, or what is to be done."]
    who_must_act: Actor
    email: Annotated[str | None, "As Apple is to have it, or showed it."]
    email_from: Annotated[
        str | None, "Whose address it is: own, managed_apple_id, location or host."
    ]
    managed_apple_id: str | None
    status: Annotated[str | None, "Apple's word: Registered, Associated, Retired."]
    id_hash: Annotated[str | None, "Apple's hash of the Apple Account."]
    invite_code: Annotated[str | None, "A secret: null for a key that may only read."]
    invitation_url: Annotated[
        str | None, "Where the person accepts, if there is something to: a secret like the code."
    ]
    invited_at: Annotated[Time | None, "When a device was last to show the invitation."]
    invitation: Annotated[str | None, "How that stands, in words."]
    devices: Annotated[list[str], "Serial numbers and enrolment ids, as last applied."]
    wanted: Annotated[bool, "Whether the file, as last applied, names the user here."]
    by_us: Annotated[bool, "Whether the bridge registered the user."]
    since: Annotated[Time, "Since when it is in this state for this reason."]
    heard_at: Annotated[Time | None, "When Apple last told of the user."]


class Invited(TypedDict):
    """What came of inviting one user in one location."""

    location: str
    client_user_id: str
    outcome: Annotated[Outcome, "A fixed word; `sentence` says it in full."]
    sentence: str
    device: Annotated[str | None, "Where the invitation is shown, if it is sent now."]
    invitation_url: Annotated[
        str | None, "What to hand over to the person where no device shows it: a secret."
    ]


SECRETS = ("invite_code", "invitation_url")
"""What only they see who may change something."""
