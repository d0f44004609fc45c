"""What an apply wants of users: who is to be registered where, and who is to go."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.domain.desired.desired import Desired
from bridge.domain.plan.users import Retirement, UserKey, UsersPlan
from bridge.domain.users.decide import needed
from bridge.domain.users.email import EmailRule
from bridge.domain.users.facts import UserFacts
from bridge.domain.users.registration import registrations
from bridge.domain.users.wish import OnUnwantedUser
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.licences import locations
from bridge.store.users import users
from bridge.store.users.users import UserRow, WantedUser


@dataclass(frozen=True, slots=True)
class Registering:
    """How an apply registers users: with which addresses, and what becomes of those whom it no
    longer wants. With `retire_foreign` those go, too, that somebody else registered."""

    emails: EmailRule = field(default_factory=EmailRule)
    on_unwanted: OnUnwantedUser = "keep"
    retire_foreign: bool = False


def wanted(db: Connection, desired: Desired, rule: EmailRule) -> list[WantedUser]:
    """Who is to be registered where, and how. Of an app or book that no location was seen to own,
    nobody knows whether devices can have it: then its users are registered, too."""
    found = []
    assignable = locations.assignable(db)
    by_place = registrations(
        desired,
        device_assignable=lambda app: all(
            (name, app.asset) in assignable for name in app.locations
        ),
    )
    for location, some in by_place.items():
        for user in some:
            email = rule.email(user, location)
            found.append(
                WantedUser(
                    location,
                    user.client_user_id,
                    None if email is None else email.address,
                    None if email is None else email.source,
                    user.managed_apple_id,
                )
            )
    return found


def plan(db: Connection, desired: Desired, registering: Registering) -> UsersPlan:
    """What an apply changes of users."""
    wishes = {(u.location, u.client_user_id): u for u in wanted(db, desired, registering.emails)}
    known = {(u.location, u.client_user_id): u for u in _known(db)}
    whats = {key: _what(wish, known.get(key)) for key, wish in wishes.items()}
    unwanted = [user for key, user in known.items() if key not in wishes and user.is_active]
    going = [user for user in unwanted if _goes(user, registering)]
    placed = {client_user_id for _, client_user_id in wishes}
    return UsersPlan(
        created=_keys(whats, "CREATE"),
        updated=_keys(whats, "UPDATE"),
        known=tuple(key for key, what in whats.items() if what is None),
        emails={
            key: wish.email_from  # type: ignore[misc]  # a source, as the rule names them
            for key, wish in wishes.items()
            if wish.email_from not in (None, "own")
        },
        without_email=tuple(key for key, wish in wishes.items() if wish.email is None),
        retired=tuple(_retirements(db, going)),
        kept=tuple(_key(user) for user in unwanted if user.ours and user not in going),
        foreign=sum(not user.ours and user not in going for user in unwanted),
        nowhere=tuple(
            user.client_user_id for user in desired.users if user.client_user_id not in placed
        ),
        unread=tuple(_unread(db, {location for location, _ in wishes})),
        is_change=_is_change(wishes, known, going),
    )


def _unread(db: Connection, names: Iterable[str]) -> list[str]:
    return [name for name in sorted(names) if locations.get(db, name).users_read_at is None]


def _known(db: Connection) -> Iterable[UserRow]:
    for location in users.locations(db):
        yield from users.at(db, location)


def _key(user: UserRow) -> UserKey:
    return user.location, user.client_user_id


def _keys(whats: dict[UserKey, str | None], what: str) -> tuple[UserKey, ...]:
    return tuple(key for key, found in whats.items() if found == what)


def _what(wish: WantedUser, user: UserRow | None) -> str | None:
    """What Apple is asked for, "left out" for want of an address."""
    facts = UserFacts(
        wanted=True,
        retire=False,
        email=wish.email,
        has_own_email=wish.email_from == "own",
        managed_apple_id=wish.managed_apple_id,
        told_email=None if user is None else user.told_email,
        told_managed_apple_id=None if user is None else user.told_managed_apple_id,
        status=None if user is None else user.status,
        ours=user is not None and user.ours,
    )
    what = needed(facts)
    return "left out" if what == "CREATE" and wish.email is None else what


def _goes(user: UserRow, registering: Registering) -> bool:
    if user.ours:
        return registering.on_unwanted == "retire"
    return registering.retire_foreign


def _retirements(db: Connection, going: Iterable[UserRow]) -> Iterable[Retirement]:
    for user in going:
        ours, others = users.revocable(db, user.location, user.client_user_id)
        yield Retirement(user.location, user.client_user_id, ours, others)


def _is_change(
    wishes: dict[UserKey, WantedUser], known: dict[UserKey, UserRow], going: list[UserRow]
) -> bool:
    stored = {key: user for key, user in known.items() if user.wanted and not user.retire}
    same = stored.keys() == wishes.keys() and all(
        (wish.email, wish.managed_apple_id) == (known[key].email, known[key].managed_apple_id)
        for key, wish in wishes.items()
    )
    retiring = {key for key, user in known.items() if user.retire and user.is_active}
    return not same or retiring != {_key(user) for user in going}


def store(
    db: Connection, desired: Desired, registering: Registering, planned: UsersPlan, now: float
) -> None:
    """Have users registered and retired as planned."""
    users.own_devices(db, desired.user_of)
    wishes = wanted(db, desired, registering.emails)
    keys = {(u.location, u.client_user_id) for u in wishes}
    going = {(each.location, each.client_user_id) for each in planned.retired}
    others = [_key(u) for u in _known(db) if _key(u) not in keys and (u.wanted or u.retire)]
    users.want_no_more(db, [key for key in others if key not in going], now, retire=False)
    users.want_no_more(db, going, now, retire=True)
    users.want(db, wishes, now)
    for location in dict.fromkeys([*users.locations(db)]):
        meta.hasten_job(db, f"{users.DECIDE_JOB}:{location}", now)
        if users.is_any_concerned(db, location):
            meta.hasten_job(db, f"users:{location}", now)
