"""Why a user is in its state: every reason, what it means, and who must act.

The names are part of the API. `sentence` and `next` may use {user}, {location} and {detail}.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.reasons.location import LOCATION_REASONS
from bridge.domain.reasons.reason import Actor


@dataclass(frozen=True, slots=True)
class UserReason:
    """One reason: what is so, who must act, and what happens next."""

    sentence: str
    actor: Actor
    next: str


_ASKED = "the bridge takes Apple's word from a notification, or asks for it"

USER_REASONS: Final[dict[str, UserReason]] = {
    "NEW": UserReason("{user} has not been looked at yet", "nobody", "the bridge does so at once"),
    "ASKING": UserReason("Apple is about to be asked about {user}", "nobody", _ASKED),
    "ASKED": UserReason("Apple has been asked about {user} and is at it", "Apple", _ASKED),
    "IN_DOUBT": UserReason(
        "nobody knows whether Apple got what it was asked about {user}",
        "nobody",
        "the bridge reads the users, and asks again what they do not show",
    ),
    "INVITED": UserReason(
        "{user} is registered, and has not accepted the invitation",
        "somebody at the device",
        "the person opens the invitation's link and signs in; vpp-bridge users invite has a device "
        "of theirs show it",
    ),
    "ACCOUNT_PENDING": UserReason(
        "{user} is registered, and Apple has not tied the Managed Apple Account yet",
        "Apple",
        "Apple does so by itself; if it does not, look whether the account is in Apple's portal",
    ),
    "ASSOCIATED": UserReason(
        "{user} is tied to an Apple Account", "nobody", "licences can be given to {user}"
    ),
    "KEPT": UserReason(
        "{user} is not in the file any more and stays registered",
        "nobody",
        "nothing; policy.users.on_unwanted: retire and an apply would retire {user}",
    ),
    "FOREIGN": UserReason(
        "{user} was registered by somebody else and is not in the file",
        "nobody",
        "nothing; vpp-bridge apply --retire-foreign would retire {user}",
    ),
    "RETIRED": UserReason(
        "{user} is retired", "nobody", "nothing; an apply that names {user} registers it again"
    ),
    "NO_EMAIL": UserReason(
        "{user} has no e-mail address, and Apple registers nobody without one",
        "the admin",
        "write an email for the user, or for {location}, or give public_url a host name; then"
        " apply",
    ),
    "USERS_UNREAD": UserReason(
        "Apple's users of {location} have not been read yet: {detail}",
        "nobody",
        "the bridge registers whoever is missing when they have been read",
    ),
    "PAUSED": UserReason(
        "{detail} is paused, so that nothing is asked about {user}",
        "the admin",
        "run vpp-bridge resume; vpp-bridge status shows what is paused",
    ),
    "APPLE_AWAY": UserReason(
        "Apple has not taken the request about {user} yet: {detail}",
        "Apple",
        "the bridge sends it again by itself",
    ),
    "APPLE_BUSY": UserReason(
        "Apple asked the bridge to wait: {detail}", "Apple", "the bridge asks again by itself"
    ),
    "USER_RETRY": UserReason(
        "Apple did not do what it was asked about {user}: {detail}",
        "nobody",
        "the bridge reads the user and asks again",
    ),
    "USER_REFUSED": UserReason(
        "Apple refused what it was asked about {user}: {detail}",
        "the admin",
        "mend the cause, then change the user's line and apply",
    ),
    "ACCOUNT_REFUSED": UserReason(
        "Apple cannot tie the Managed Apple Account to {user}: {detail}",
        "the admin",
        "mend managed_apple_id in the user's line, or take it out, and apply",
    ),
    "ACCOUNT_TAKEN": UserReason(
        "the Apple Account of {user} is tied to another user: {detail}",
        "the admin",
        "mend managed_apple_id in the user's line, or retire the other user, and apply",
    ),
    "BAD_EMAIL": UserReason(
        "Apple does not take the e-mail address of {user}: {detail}",
        "the admin",
        "mend email in the user's line and apply",
    ),
    **{
        name: UserReason(reason.sentence, reason.actor, reason.next)
        for name, reason in LOCATION_REASONS.items()
    },
}


def describe_user(reason: str, *, user: str, location: str, detail: str) -> tuple[str, str]:
    """The sentence and the next step for a reason, with the names filled in."""
    entry = USER_REASONS[reason]
    names = {"user": user, "location": location, "detail": detail.rstrip(". ") or "no detail"}
    return entry.sentence.format(**names), entry.next.format(**names)


def as_markdown() -> str:
    """Every reason of users that locations do not have anyway, as a part of a page for people."""
    lines = [
        "## Users",
        "",
        "Why a registered user is in its state (`vpp-bridge users`, `GET /v1/users`). What holds a",
        "whole location up has the same names as above.",
        "",
        "| reason | what is so | who must act | what happens next |",
        "|---|---|---|---|",
    ]
    names = {"user": "the user", "location": "the location", "detail": "…"}
    for name, reason in sorted(USER_REASONS.items()):
        if name not in LOCATION_REASONS:
            says = reason.sentence.replace(": {detail}", "").format(**names)
            next_ = reason.next.format(**names)
            lines.append(f"| `{name}` | {says} | {reason.actor} | {next_} |")
    return "\n".join(lines) + "\n"
