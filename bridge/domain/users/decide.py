"""What is to be done for a user, and why not more: pure, the time is an argument."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bridge.domain.backoff import last_delay_for_ever
from bridge.domain.catalogue import apple_error
from bridge.domain.policy import Policy
from bridge.domain.users.facts import (
    ChangeKind,
    LastChange,
    OpenChange,
    UserDecision,
    UserFacts,
    UserState,
)

STATE_OF: Final[Mapping[ChangeKind, UserState]] = {
    "CREATE": "creating",
    "UPDATE": "updating",
    "RETIRE": "retiring",
}
"""The state of a user of whom Apple is asked this."""

LOOKED_FOR: Final = frozenset({9609, 9618, 9620, 9636, 9716})
"""Errors that say that Apple knows otherwise: no such user, retired, or there already. The user is
read, and what then is to do is done."""

FINAL: Final[Mapping[int, str]] = {
    9635: "ACCOUNT_REFUSED",
    9641: "ACCOUNT_TAKEN",
    9717: "BAD_EMAIL",
}
"""Errors that asking again does not mend, each with its reason."""


def decide_user(facts: UserFacts, policy: Policy, now: float) -> UserDecision:
    """The state of a user, and what Apple is asked for."""
    if facts.open is not None:
        return _under_way(facts, facts.open)
    wish = needed(facts)
    if wish is None:
        return _at_rest(facts)
    return _held_up(facts, wish) or _after_failure(facts, wish, policy, now) or _ask(wish)


def needed(facts: UserFacts) -> ChangeKind | None:
    """What Apple has to do for the user to be as wanted."""
    if facts.retire:
        return "RETIRE" if facts.is_active else None
    if not facts.wanted:
        return None
    if not facts.is_active:
        return "CREATE"
    return "UPDATE" if _is_otherwise(facts) else None


def _is_otherwise(facts: UserFacts) -> bool:
    """Whether Apple has another address or account. An address that only stands in for one is not
    put in the place of another; an account is not put to somebody who has one already."""
    known = facts.told_email is not None
    if facts.has_own_email and known and facts.email != facts.told_email:
        return True
    if facts.managed_apple_id in (None, facts.told_managed_apple_id):
        return False
    return facts.status != "Associated" or facts.told_managed_apple_id is not None


def _under_way(facts: UserFacts, change: OpenChange) -> UserDecision:
    if change.request_state == "ready" and facts.pause is not None:
        return UserDecision("waiting", "PAUSED", facts.pause.what)
    if change.request_state == "ready" and change.waits_for is not None:
        return UserDecision("waiting", "APPLE_AWAY", change.waits_for)
    state = STATE_OF[change.kind]
    if change.request_state == "in_doubt":
        return UserDecision(state, "IN_DOUBT")
    return UserDecision(state, "ASKING" if change.request_state == "ready" else "ASKED")


def _at_rest(facts: UserFacts) -> UserDecision:
    if facts.is_active:
        state: UserState = "associated" if facts.status == "Associated" else "registered"
        if not facts.wanted:
            return UserDecision(state, "KEPT" if facts.ours else "FOREIGN")
        if state == "associated":
            return UserDecision(state, "ASSOCIATED")
        tied = facts.told_managed_apple_id is not None
        return UserDecision(state, "ACCOUNT_PENDING" if tied else "INVITED")
    return UserDecision("retired", "RETIRED")


def _held_up(facts: UserFacts, wish: ChangeKind) -> UserDecision | None:
    """What keeps Apple from being asked."""
    if facts.suspended is not None:
        return UserDecision("waiting", facts.suspended, facts.suspended_detail)
    if not facts.registered:
        detail = facts.trouble or "it has not been read yet"
        return UserDecision("waiting", "LOCATION_STARTING", detail)
    if wish == "CREATE" and facts.email is None:
        return UserDecision("waiting", "NO_EMAIL")
    if not facts.read:
        return UserDecision("waiting", "USERS_UNREAD", facts.trouble or "")
    if facts.pause is not None:
        return UserDecision("waiting", "PAUSED", facts.pause.what)
    return None


def _after_failure(
    facts: UserFacts, wish: ChangeKind, policy: Policy, now: float
) -> UserDecision | None:
    last = facts.last
    if last is None or last.kind != wish or last.state != "failed":
        return None
    number = last.error_number
    error = apple_error(number)
    detail = f"{error.cause} ({number})" if number else error.cause
    if number is not None and number in FINAL:
        return UserDecision("failed", FINAL[number], detail)
    if error.kind in ("impossible", "bug", "configuration"):
        return UserDecision("failed", "USER_REFUSED", detail)
    return _again(last, wish, detail, policy, now, is_busy=error.kind == "back_off")


def _again(
    last: LastChange, wish: ChangeKind, detail: str, policy: Policy, now: float, *, is_busy: bool
) -> UserDecision | None:
    delays = policy.associate.retry
    if not is_busy and last.failures > len(delays):
        return UserDecision("failed", "USER_REFUSED", detail)
    again_at = last.settled_at + last_delay_for_ever(delays, last.failures)
    if now >= again_at:
        return None
    reason = "APPLE_BUSY" if is_busy else "USER_RETRY"
    return UserDecision("waiting", reason, detail, again_at, look=last.error_number in LOOKED_FOR)


def _ask(wish: ChangeKind) -> UserDecision:
    return UserDecision(STATE_OF[wish], "ASKING", ask=wish)
