"""Reading a location's users: all of them, what changed, or some."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from bridge.clients.apple.client import AppleClient, WalkStep
from bridge.clients.apple.replies import Envelope, UsersPage
from bridge.domain.catalogue import AppleError
from bridge.domain.users.facts import ToldUser
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.calls.locations import LocationRead
from bridge.engine.context import Context
from bridge.engine.users import deciding, told
from bridge.errors import CallError
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.licences import locations, requests
from bridge.store.outbox import kinds, outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.users import changes, users

ONE_BY_ONE = 5
"""Of so many users each is asked for; of more, the whole list is read, which takes fewer calls."""


@dataclass(frozen=True, slots=True)
class UsersRead:
    """What a walk over users brought. `is_whole` says that nobody can have been passed over."""

    envelope: Envelope | None
    version_id: str | None
    users: tuple[ToldUser, ...]
    is_whole: bool
    began_at: float


def _walk(steps: Iterable[WalkStep[UsersPage]], began_at: float) -> UsersRead:
    envelope, version_id, found, is_whole = None, None, list[ToldUser](), True
    for step in steps:
        envelope, version_id = step.page.envelope, step.version_id
        found += step.page.users
        is_whole = is_whole and not (step.page.odd or step.missing or step.version_changed)
    return UsersRead(envelope, version_id, tuple(found), is_whole, began_at)


class ReadUsers(LocationRead):
    """All users of a location, retired ones among them."""

    kind = "read_users"
    effect = "read"
    job = "users"

    def perform(self, row: OutboxRow) -> UsersRead:
        return _walk(self.clients.apple(row.scope).walk_users(), row.claimed_at or 0.0)

    def settle(self, context: Context, row: OutboxRow, result: UsersRead) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        told.shown(context, row.scope, result.users, (), began_at=result.began_at)
        if result.is_whole:
            gone = users.not_shown(context.db, row.scope, result.began_at)
            names = [user.client_user_id for user in gone]
            told.shown(context, row.scope, (), names, began_at=result.began_at)
        locations.update(
            context.db, row.scope, users_read_at=context.now, users_version=result.version_id
        )
        deciding.touch_location(context, row.scope)


class ReadUserChanges(AppleCall):
    """The users that changed since the version that the last walk ended with."""

    kind = "read_user_changes"
    effect = "read"

    def perform(self, row: OutboxRow) -> UsersRead | None:
        with self.database.read() as db:
            since = locations.get(db, row.scope).users_version
        if since is None:
            return None
        client = self.clients.apple(row.scope)
        return _walk(client.walk_users(since_version_id=since), row.claimed_at or 0.0)

    def settle(self, context: Context, row: OutboxRow, result: UsersRead | None) -> None:
        outbox.done(context.db, row.id, context.now)
        if result is None:
            return
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        told.shown(context, row.scope, result.users, (), began_at=result.began_at)
        if result.version_id is not None:
            locations.update(context.db, row.scope, users_version=result.version_id)

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """Apple no longer knows the version: read everyone."""
        locations.update(context.db, row.scope, users_version=None)
        meta.hasten_job(context.db, f"{ReadUsers.job}:{row.scope}", context.now)
        return self.give_up(context, row, error)


class ReadSomeUsers(AppleCall):
    """Some users, because what was told of them does not fit, or a request about them is in doubt.

    `subject` is JSON: {"users": [clientUserId, …]}, or {"request": ID} for those of a request.
    """

    kind = kinds.READ_SOME_USERS
    effect = "read"

    @classmethod
    def look_for(
        cls, context: Context, location: str, client_user_ids: Collection[str], *, after: float
    ) -> None:
        """Have these users read, `after` seconds from now; what is told of them meanwhile may make
        another read needed, so that each intention is one of its own."""
        names = sorted(client_user_ids)
        cls.intend(
            context.db,
            location,
            key=f"{context.now:.3f} {','.join(names)}"[:200],
            subject=json.dumps({"users": names}),
            now=context.now,
            after=after,
        )

    @classmethod
    def of_request(cls, context: Context, location: str, request_id: int) -> None:
        """Have the users of a request read."""
        subject = json.dumps({"request": request_id})
        cls.intend(
            context.db, location, key=f"request {request_id}", subject=subject, now=context.now
        )

    def perform(self, row: OutboxRow) -> UsersRead:
        client, began_at = self.clients.apple(row.scope), row.claimed_at or 0.0
        with self.database.read() as db:
            names = _meant(db, row)
        if len(names) > ONE_BY_ONE:
            return _walk(client.walk_users(), began_at)
        return _joined([_walk(_of(client, each), began_at) for each in names], began_at)

    def settle(self, context: Context, row: OutboxRow, result: UsersRead) -> None:
        outbox.done(context.db, row.id, context.now)
        if result.envelope is not None:
            hear(context, row.scope, result.envelope)
        meant = dict.fromkeys(_meant(context.db, row))
        asked_for = meant if result.is_whole else ()
        shown = [user for user in result.users if user.client_user_id in meant]
        told.shown(context, row.scope, shown, asked_for, began_at=result.began_at)

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        return self.give_up(context, row, error)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """A request in doubt is looked up again later."""
        subject = json.loads(row.subject)
        if "request" in subject:
            later = context.now + context.policy.sync.service_config_every
            requests.update(context.db, subject["request"], next_read_at=later)
        return super().give_up(context, row, error)


def _meant(db: Connection, row: OutboxRow) -> list[str]:
    """Whom a read is about; of a request, those who are not settled by now."""
    subject = json.loads(row.subject)
    if "users" in subject:
        return list(subject["users"])
    return [user.client_user_id for user in changes.open_of(db, subject["request"])]


def _of(client: AppleClient, client_user_id: str) -> Iterable[WalkStep[UsersPage]]:
    return client.walk_users(client_user_id=client_user_id)


def _joined(reads: Collection[UsersRead], began_at: float) -> UsersRead:
    envelopes = [read.envelope for read in reads if read.envelope is not None]
    return UsersRead(
        envelopes[-1] if envelopes else None,
        None,
        tuple(user for read in reads for user in read.users),
        all(read.is_whole for read in reads),
        began_at,
    )
