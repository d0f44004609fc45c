"""What is wanted of users becomes what Apple is asked for, in as few requests as its limits allow.

It is a job of the clock, one for each location: whatever touches a user makes it due, so that
nothing else on the road has to look for users.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from bridge.domain.pauses import Scope
from bridge.domain.users.decide import decide_user
from bridge.domain.users.facts import ChangeKind, LastChange, OpenChange, UserFacts
from bridge.engine.calls import registry
from bridge.engine.context import Context
from bridge.store import meta, pauses
from bridge.store.licences import locations
from bridge.store.outbox import kinds, outbox
from bridge.store.users import changes, users
from bridge.store.users.changes import Change
from bridge.store.users.users import Decided, UserRow

JOB = users.DECIDE_JOB
DEFAULT_MAX_USERS = 100
"""Apple's `maxUsers`, as documented."""

AT_ONCE = 1000
"""Users decided in one transaction: ten requests, as Apple's limit is today."""


def touch(context: Context, location: str, client_user_ids: Collection[str]) -> None:
    """Have these users decided anew."""
    users.touch(context.db, location, client_user_ids, context.now)
    hasten(context, location)


def hasten(context: Context, location: str) -> None:
    """Users of a location were touched: have them decided."""
    meta.hasten_job(context.db, f"{JOB}:{location}", context.now)


def touch_location(context: Context, location: str) -> None:
    """Have all users decided anew of whom something is wanted at a location."""
    if users.touch_unsettled(context.db, location, context.now):
        hasten(context, location)


def read_anew(context: Context, location: str) -> None:
    """Ask Apple for nothing about users of a location before they have been read, if there are
    any."""
    if users.touch_unsettled(context.db, location, context.now):
        hasten(context, location)
        meta.hasten_job(context.db, f"users:{location}", context.now)


def touch_paused(context: Context, scope: Scope, name: str) -> None:
    """A pause began or ended: whoever it is about is to be told so."""
    if scope == "location":
        touch_location(context, name)
    elif scope == "all":
        for location in users.locations(context.db):
            touch_location(context, location)


def decide(context: Context, location: str) -> None:
    """Decide the users of a location that were touched, or whose time has come, and ask Apple for
    what is to be asked."""
    db, now = context.db, context.now
    some = users.to_decide(db, location, now, AT_ONCE)
    names = [user.client_user_id for user in some]
    under_way = changes.under_way(db, location, names)
    ended = changes.last(db, location, {user.client_user_id: user.round_at for user in some})
    asked: dict[ChangeKind, list[UserRow]] = defaultdict(list)
    decided, gone, looked_for = list[Decided](), list[int](), list[str]()
    place = _Place(context, location)
    for user in some:
        facts = place.facts(
            user, under_way.get(user.client_user_id), ended.get(user.client_user_id)
        )
        if _is_nothing(user, facts):
            gone.append(user.id)
            continue
        found = decide_user(facts, context.policy, now)
        if found.ask is not None:
            asked[found.ask].append(user)
        if found.look:
            looked_for.append(user.client_user_id)
        decided.append(
            Decided(user.id, found.state, found.reason, found.detail, found.next_check_at)
        )
    users.decide(db, decided, now)
    users.forget(db, gone)
    for kind, meant in asked.items():
        _ask(context, location, kind, meant)
    if looked_for:
        look_for(context, location, looked_for)
    _plan_next(context, location, more=len(some) == AT_ONCE)


def _is_nothing(user: UserRow, facts: UserFacts) -> bool:
    """Whether nobody wants the user, and Apple never had it."""
    unwanted = not (user.wanted or user.retire)
    return unwanted and user.status is None and facts.open is None


def _ask(context: Context, location: str, kind: ChangeKind, some: Sequence[UserRow]) -> None:
    """Make requests of users, as few as can be."""
    most = locations.get(context.db, location).max_users or DEFAULT_MAX_USERS
    for start in range(0, len(some), most):
        asked = [_change(kind, user) for user in some[start : start + most]]
        changes.make(context.db, location, kind, asked, context.now)


def _change(kind: ChangeKind, user: UserRow) -> Change:
    if kind == "RETIRE":
        return Change(user.client_user_id)
    return Change(user.client_user_id, user.email, user.managed_apple_id)


def look_for(
    context: Context, location: str, client_user_ids: Collection[str], *, after: float = 0.0
) -> None:
    """Have these users read, `after` seconds from now."""
    call = registry.classes()[kinds.READ_SOME_USERS]
    call.look_for(context, location, client_user_ids, after=after)  # type: ignore[attr-defined]


def _plan_next(context: Context, location: str, *, more: bool) -> None:
    name = f"{JOB}:{location}"
    again_at = context.now if more else users.next_check(context.db, location)
    if again_at is None:
        meta.forget_job(context.db, name)
    else:
        meta.plan_job(context.db, name, again_at)


class _Place:
    """What all users of a location have in common."""

    def __init__(self, context: Context, name: str) -> None:
        location = locations.get(context.db, name)
        self._location = location
        self._pause = pauses.load(context.db).over_location(name)
        self._trouble = outbox.trouble(context.db, "apple", name)

    def facts(
        self, user: UserRow, under_way: OpenChange | None, ended: LastChange | None
    ) -> UserFacts:
        """The facts of one user."""
        location = self._location
        return UserFacts(
            wanted=user.wanted,
            retire=user.retire,
            email=user.email,
            has_own_email=user.email_from == "own",
            managed_apple_id=user.managed_apple_id,
            told_email=user.told_email,
            told_managed_apple_id=user.told_managed_apple_id,
            status=user.status,
            ours=user.ours,
            registered=location.registered_at is not None,
            read=location.users_read_at is not None,
            suspended=location.suspended,
            suspended_detail=location.suspended_detail or "",
            trouble=self._trouble,
            pause=self._pause,
            open=under_way,
            last=ended,
        )
