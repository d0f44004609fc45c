"""What each kind of Apple's notifications changes of what the bridge knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Effect:
    """One kind of notification, or one outcome of it, and what is another way afterwards; `shown`
    says where to see it."""

    kind: str
    outcome: str
    changes: str
    shown: str


_STATUS = "`status --json`, `counters`"

EFFECTS: Final = (
    Effect(
        "TEST_NOTIFICATION",
        "any",
        "when Apple was last heard at the hook",
        "`status`; `GET /v1/locations`, `last_notification_at`",
    ),
    Effect(
        "ASSET_COUNT",
        "as sent",
        "the asset's total and free licences, by the difference; an asset that is not known, or has"
        " no count, has the assets read",
        "`assets`",
    ),
    Effect("ASSET_COUNT", "FAILURE", "nothing by the difference: the assets are read", "`assets`"),
    Effect("UNLIMITED_ASSET", "any", "the assets are read, once", "`assets`"),
    Effect(
        "ASSET_MANAGEMENT",
        "ASSOCIATE SUCCESS",
        "a request of the bridge is settled and its installs go on; of others' the licences are in"
        " use from then on, and Apple is asked about those that are wished for",
        "`assignments`, `why`",
    ),
    Effect(
        "ASSET_MANAGEMENT",
        "DISASSOCIATE SUCCESS, REVOKE SUCCESS",
        "a request of the bridge is settled; of others' the licences are in use no more, and Apple"
        " is asked about those that are wished for",
        "`assignments`, `why`",
    ),
    Effect(
        "ASSET_MANAGEMENT",
        "FAILURE",
        "a request of the bridge is settled, and its installs say why; one of others is counted"
        " (`apple.others_refused`), and the assets are read",
        f"`why`; {_STATUS}",
    ),
    Effect(
        "USER_MANAGEMENT",
        "CREATE SUCCESS, UPDATE SUCCESS, RETIRE SUCCESS",
        "a request of the bridge is settled; of others' the users are known with their state, and"
        " those who were not known are shown as foreign",
        "`users`",
    ),
    Effect(
        "USER_MANAGEMENT",
        "FAILURE",
        "a request of the bridge is settled, and its users say why; one of others is counted"
        " (`apple.others_refused`), and the users are read where the file names any",
        f"`users`; {_STATUS}",
    ),
    Effect(
        "USER_ASSOCIATED",
        "as sent",
        "the users are tied to an Apple Account, and their licences go on",
        "`users`",
    ),
    Effect(
        "USER_ASSOCIATED",
        "FAILURE",
        "it is counted (`apple.others_refused`), and the users are read where the file names any",
        _STATUS,
    ),
    Effect(
        "SUBSCRIPTION_COUNT",
        "as sent",
        "the subscription's counts, as they are now; subscriptions are read where the file names"
        " the location",
        "`subscriptions`",
    ),
    Effect(
        "SUBSCRIPTION_COUNT",
        "FAILURE",
        "it is counted (`apple.others_refused`); subscriptions are read as above",
        _STATUS,
    ),
    Effect(
        "SUBSCRIPTION_MANAGEMENT",
        "ASSOCIATE SUCCESS",
        "the users have the subscription: assigned, or ending where it does not renew",
        "`subscriptions`",
    ),
    Effect(
        "SUBSCRIPTION_MANAGEMENT",
        "DISASSOCIATE SUCCESS",
        "the users' assignments are ended",
        "`subscriptions`",
    ),
    Effect(
        "SUBSCRIPTION_MANAGEMENT",
        "FAILURE",
        "the users' assignments carry the error; who was not known to have one is failed",
        "`subscriptions`",
    ),
)
"""All that Apple documents (Apple, "Subscribing to notifications"), in the order of the page."""


def as_markdown() -> str:
    """The page of Apple's notifications."""
    lines = [
        "# Apple's notifications",
        "",
        "What each kind changes of what the bridge knows, and which command shows it. Each also",
        "moves when Apple was last heard. A notification that came before changes nothing; each is",
        "kept as evidence and may be handled again (`vpp-bridge events replay`). One of another",
        "library than the location's, or of a kind that is not in this table, is kept and changes",
        "nothing. Apple has published no form of UNLIMITED_ASSET, nor of failures of ASSET_COUNT,",
        "USER_ASSOCIATED and SUBSCRIPTION_COUNT: these are taken by their type, and by",
        '`"result": "FAILURE"`.',
        "",
        "| kind | outcome | what changes | shown by |",
        "|---|---|---|---|",
    ]
    lines += [f"| `{e.kind}` | {e.outcome} | {e.changes} | {e.shown} |" for e in EFFECTS]
    return "\n".join(lines) + "\n"
