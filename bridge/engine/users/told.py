"""What follows when Apple tells of users: of what was asked of it, or of what else became of them.

Nothing that Apple says has a time or a number, and notifications are lost, doubled and late. So the
outcome of a request of ours is taken from whoever tells it first. Anything else moves a user
forward within one registration: registered, tied to an Apple Account, retired; the invite code
tells one registration from the next. What does not fit is not guessed at: the user is read.
Source: Apple, "Managing Users", "Subscribing to notifications".
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from bridge.domain.users.decide import LOOKED_FOR
from bridge.domain.users.facts import ACTIVE, GONE, ToldUser
from bridge.engine.context import Context
from bridge.engine.licences import suspension
from bridge.engine.users import deciding
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.licences import requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.users import changes, users
from bridge.store.users.changes import Change
from bridge.store.users.users import UserRow

LOOK_AGAIN_AFTER = 5.0
"""Seconds after which users are read again that changed while they were being read."""


def confirmed(
    context: Context, request: AppleRequest, shown_as: Sequence[ToldUser], *, told_by: str
) -> int:
    """Apple did what was asked for these users; how many this settled. What was settled before is
    left alone: a late repetition must not undo what came since."""
    by_id = {each.client_user_id: each for each in shown_as}
    settled = changes.settle(
        context.db, request.id, by_id, state="confirmed", told_by=told_by, now=context.now
    )
    known = users.of(context.db, request.location, [c.client_user_id for c in settled])
    moved: dict[str, dict[str, Any]] = {}
    for change in settled:
        user = known.get(change.client_user_id)
        if user is not None:
            moved[change.client_user_id] = _done(
                request.kind, change, user, by_id[change.client_user_id]
            )
    _keep(context, request.location, known, moved, by=told_by)
    if any(each.status is None for each in shown_as) and request.kind != "RETIRE":
        # An event's status names nobody, and so tells no invite code.
        meta.hasten_job(context.db, f"user_changes:{request.location}", context.now)
    _finish(context, request, told_by)
    done = {change.client_user_id for change in settled}
    repeated = [each for each in shown_as if each.client_user_id not in done]
    if repeated and told_by == "notification":  # the status, which has no codes, came first
        news(context, request.location, repeated)
    return len(settled)


def _done(kind: str, change: Change, user: UserRow, told: ToldUser) -> dict[str, Any]:
    """What is known of a user by the end of a request of ours."""
    if kind == "RETIRE":
        return {"status": told.status or GONE, "id_hash": None, "ours": 0}
    values: dict[str, Any] = {
        "told_email": change.email or user.told_email,
        "told_managed_apple_id": change.managed_apple_id or user.told_managed_apple_id,
    }
    if kind == "CREATE":
        values["ours"] = 1
    status = told.status or ("Registered" if kind == "CREATE" else user.status)
    if not (user.is_associated and status in ACTIVE):  # who accepted meanwhile has done so
        values["status"] = status
    new = kind == "CREATE" and not user.is_active
    return values | _account(told, keep=not new)


def _account(told: ToldUser, *, keep: bool) -> dict[str, Any]:
    """The codes that Apple told; with `keep` those that it left out stay."""
    found = {"id_hash": told.id_hash, "invite_code": told.invite_code}
    return {key: value for key, value in found.items() if value is not None or not keep}


def refused(
    context: Context,
    request: AppleRequest,
    client_user_ids: Collection[str],
    *,
    told_by: str,
    error_number: int | None,
) -> None:
    """Apple did not do what was asked for these users, and said why."""
    if suspension.stopped_by(context, request.location, error_number):
        given_up(context, request, client_user_ids, state="withdrawn")
        return
    settled = changes.settle(
        context.db,
        request.id,
        client_user_ids,
        state="failed",
        told_by=told_by,
        now=context.now,
        error_number=error_number,
    )
    names = [change.client_user_id for change in settled]
    deciding.touch(context, request.location, names)
    if names and error_number in LOOKED_FOR:
        deciding.look_for(context, request.location, names)
    _finish(context, request, told_by)


def given_up(
    context: Context, request: AppleRequest, client_user_ids: Collection[str], *, state: str
) -> None:
    """Users of a request that ended without effect: `missing` or `withdrawn`."""
    settled = changes.settle(
        context.db, request.id, client_user_ids, state=state, told_by="read", now=context.now
    )
    deciding.touch(context, request.location, [change.client_user_id for change in settled])
    _finish(context, request, "read")


def _finish(context: Context, request: AppleRequest, told_by: str) -> None:
    if not changes.is_any_open(context.db, request.id):
        requests.finish_users(context.db, request.id, told_by, context.now)


def news(context: Context, location: str, told: Sequence[ToldUser]) -> int:
    """Apple told of users beside what we asked: others' doing, a repetition, or somebody who
    accepted. Returns how many are another way by it.

    Users of whom nothing is known are kept, too. Where the file names no users, nobody is read.
    """
    users.see(context.db, location, [each.client_user_id for each in told], context.now)
    known = users.of(context.db, location, [each.client_user_id for each in told])
    moved: dict[str, dict[str, Any]] = {}
    unsure = list[str]()
    for each in told:
        user = known[each.client_user_id]
        if _is_known(user, each):
            continue
        if _moves_forward(user, each):
            moved[each.client_user_id] = _moved(user, each)
        if not _fits(user, each):
            unsure.append(each.client_user_id)
    _keep(context, location, known, moved, by="notification")
    doubted(context, location, unsure)
    return len(moved)


def doubted(context: Context, location: str, client_user_ids: Collection[str]) -> None:
    """What Apple has of these users may be another way: they are read, where the file names any."""
    if client_user_ids and users.is_any_concerned(context.db, location):
        deciding.look_for(context, location, client_user_ids)


def _is_known(user: UserRow, told: ToldUser) -> bool:
    """Whether all that is told is known already."""
    pairs = (
        (told.status, user.status),
        (told.id_hash, user.id_hash),
        (told.invite_code, user.invite_code),
    )
    return all(said is None or said == known for said, known in pairs)


def _rank(status: str | None) -> int:
    if status is None:
        return 0
    return {"Associated": 2}.get(status, 1 if status in ACTIVE else 3)


def _is_same(user: UserRow, told: ToldUser) -> bool:
    """Whether both are of one registration, as far as invite codes tell."""
    return None in (user.invite_code, told.invite_code) or user.invite_code == told.invite_code


def _moves_forward(user: UserRow, told: ToldUser) -> bool:
    """Whether what is told comes after what is known."""
    if _is_same(user, told):
        return _rank(told.status or user.status) >= _rank(user.status)
    return not user.is_active and told.is_active


def _fits(user: UserRow, told: ToldUser) -> bool:
    """Whether what is told is a step on the road of what is known: registered, then tied to an
    account, by the same code."""
    if user.status is None:
        return True
    return user.is_active and told.is_active and user.invite_code in (None, told.invite_code)


def _moved(user: UserRow, told: ToldUser) -> dict[str, Any]:
    values: dict[str, Any] = {} if told.status is None else {"status": told.status}
    if told.status is not None and not told.is_active:
        values |= {"ours": 0, "told_managed_apple_id": None}
    return values | _account(told, keep=_is_same(user, told))


def shown(
    context: Context,
    location: str,
    told: Iterable[ToldUser],
    asked_for: Collection[str],
    *,
    began_at: float,
) -> None:
    """Apple's list was read from `began_at` on: whoever is in it is so, and those `asked_for` who
    are not are not registered."""
    entries = _entries(told)
    names = [*entries, *(each for each in asked_for if each not in entries)]
    users.see(context.db, location, entries, context.now)
    known = users.of(context.db, location, names)
    moved: dict[str, dict[str, Any]] = {}
    same, too_early = list[str](), list[str]()
    for name in names:
        user = known.get(name)
        if user is None:
            continue
        values = _as_shown(user, entries.get(name))
        if not values:
            same.append(name)
        elif user.heard_at is not None and user.heard_at >= began_at:
            too_early.append(name)  # Apple told of it while its answer was under way
        else:
            moved[name] = values
    users.heard(context.db, location, same, began_at)
    _keep(context, location, known, moved, by="read")
    if too_early:
        deciding.look_for(context, location, too_early, after=LOOK_AGAIN_AFTER)
    _settle_doubtful(context, location, names, entries, began_at)


def _entries(told: Iterable[ToldUser]) -> dict[str, ToldUser]:
    """By clientUserId, the entry that counts: the active one, else the last that is listed."""
    found: dict[str, ToldUser] = {}
    for each in told:
        before = found.get(each.client_user_id)
        if before is None or not before.is_active or each.is_active:
            found[each.client_user_id] = each
    return found


def _as_shown(user: UserRow, entry: ToldUser | None) -> dict[str, Any]:
    """What of a user is another way than it is known; nothing, where all is as known."""
    if entry is None:
        return {"status": GONE, "id_hash": None, "ours": 0} if user.is_active else {}
    if not entry.is_active:
        if not user.is_active and user.status is not None:
            return {}
        gone = {"status": entry.status, "id_hash": None, "ours": 0, "told_managed_apple_id": None}
        return gone if entry.email is None else {**gone, "told_email": entry.email}
    values: dict[str, Any] = {"status": entry.status, "id_hash": entry.id_hash}
    known: dict[str, Any] = {"status": user.status, "id_hash": user.id_hash}
    if entry.email is not None:
        values["told_email"], known["told_email"] = entry.email, user.told_email
    if entry.invite_code is not None or not user.is_active:
        values["invite_code"], known["invite_code"] = entry.invite_code, user.invite_code
    return {} if values == known else values


def _settle_doubtful(
    context: Context,
    location: str,
    names: Collection[str],
    entries: Mapping[str, ToldUser],
    began_at: float,
) -> None:
    """Requests in doubt about these users: what the list shows done is done."""
    for request_id, asked in changes.doubtful(context.db, location, names).items():
        request = requests.get(context.db, request_id)
        done = [c for c in asked if _is_done(request.kind, c, entries.get(c.client_user_id))]
        told = [entries.get(c.client_user_id, ToldUser(c.client_user_id, GONE)) for c in done]
        confirmed(context, request, told, told_by="read")
        rest = [c.client_user_id for c in asked if c not in done]
        if not rest:
            continue
        policy = context.policy
        until = (request.submitted_at or request.created_at) + policy.associate.in_doubt_wait
        if began_at >= until:
            given_up(context, request, rest, state="missing")
            name = f"{request.kind.lower()}_users.missing"
            meta.count(context.db, name, context.now, len(rest))
            continue
        later = min(context.now + policy.event_status.min_interval, until)
        requests.update(context.db, request.id, next_read_at=max(later, context.now))


def _is_done(kind: str, change: Change, entry: ToldUser | None) -> bool:
    """Whether a list shows what was asked. It shows no Managed Apple Account: an update of one is
    done when the user is tied to an account, and asked again otherwise, which does no harm."""
    if kind == "RETIRE":
        return entry is None or not entry.is_active
    if entry is None or not entry.is_active:
        return False
    if kind == "CREATE":
        return True
    same = change.email is None or change.email == entry.email
    return same and (change.managed_apple_id is None or entry.status == "Associated")


def _keep(
    context: Context,
    location: str,
    known: Mapping[str, UserRow],
    moved: Mapping[str, Mapping[str, Any]],
    *,
    by: str,
) -> None:
    """Keep what Apple said of users, and have decided anew what hangs on it."""
    if not moved:
        return
    users.tell(context.db, location, moved, by=by, now=context.now)
    deciding.hasten(context, location)
    for name, values in moved.items():
        user = known.get(name)
        if user is None or values.get("status", user.status) != user.status:
            installs.touch_user(context.db, name, context.now)
