"""Calls that change users at Apple, and the status of the events that follow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import cast

from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import EventFailure, EventReply
from bridge.clients.apple.requests import RequestedUser
from bridge.domain.catalogue import AppleError
from bridge.domain.pauses import Pause, Pauses
from bridge.domain.users.decide import FINAL, LOOKED_FOR
from bridge.domain.users.facts import ChangeKind, ToldUser
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.calls.event_status import StatusOfEvent
from bridge.engine.context import Context
from bridge.engine.licences import settle
from bridge.engine.users import deciding, told
from bridge.errors import AppleRefused, CallError, OutcomeUnknown
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.licences import locations, requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import kinds, outbox
from bridge.store.outbox.outbox import OutboxRow
from bridge.store.users import changes
from bridge.store.users.changes import Change

TOO_MANY_USERS = 9714
INVALID_ARGUMENT = 9602


class ManageUsers(AppleCall, abstract=True):
    """Ask for users to be registered, changed or retired: one request, whose result comes later
    under the eventId in the reply.

    There is no idempotency key: what may have left is never sent again by itself.
    """

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """Users belong to a location; no app and no device is meant."""
        return paused.over_location(row.scope)

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        super().withdraw(context, row, pause)
        _touch(context, row.scope, changes.open_of(context.db, row.id))

    @classmethod
    def scope_gone(cls, context: Context, row: OutboxRow) -> None:
        """What it was to ask for may be asked for anew should the location come back."""
        _withdraw(context, row)

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        if requests.get(db, row.id).state == "in_doubt":
            return (
                "Apple may have got it: its users are read, and what they do not show in time is "
                "asked again in a new request by itself"
            )
        return (
            "what it asked for was settled when it failed, and is asked again in a new request: "
            "vpp-bridge users shows how each user stands"
        )

    def begin(self, context: Context, row: OutboxRow) -> None:
        """From here on Apple may hold the request, unless the location was suspended meanwhile."""
        requests.update(context.db, row.id, state="sending", submitted_at=context.now)
        if locations.get(context.db, row.scope).suspended is not None:
            _withdraw(context, row)
        _touch(context, row.scope, changes.open_of(context.db, row.id))

    def perform(self, row: OutboxRow) -> EventReply | None:
        with self.database.read() as db:
            users = changes.open_of(db, row.id)
        if not users:
            return None
        asked = [RequestedUser(u.client_user_id, u.email, u.managed_apple_id) for u in users]
        return self.ask(self.clients.apple(row.scope), asked)

    @abstractmethod
    def ask(self, client: AppleClient, users: Sequence[RequestedUser]) -> EventReply:
        """Ask Apple for it; raises CallError."""

    def settle(self, context: Context, row: OutboxRow, result: EventReply | None) -> None:
        outbox.done(context.db, row.id, context.now)
        if result is None:
            return
        hear(context, row.scope, result.envelope)
        event_id = result.apple_event_id
        requests.update(context.db, row.id, apple_event_id=event_id, answered_at=context.now)
        settle.wait_for_event(context, row.id)
        users = changes.open_of(context.db, row.id)
        if not users:  # a notification was quicker
            requests.finish_users(context.db, row.id, "notification", context.now)
        _touch(context, row.scope, users)

    def lost(self, context: Context, row: OutboxRow) -> None:
        """Apple may have it: look at once."""
        self._look(context, row, context.now, "the bridge was stopped while it was asking")

    def doubt(self, context: Context, row: OutboxRow, error: OutcomeUnknown) -> None:
        look_at = context.now + context.policy.event_status.min_interval
        self._look(context, row, look_at, str(error))

    def _look(self, context: Context, row: OutboxRow, look_at: float, why: str) -> None:
        """Have its users read, from `look_at` on."""
        requests.doubt(context.db, row.id, next_read_at=look_at, detail=why[:300])
        self._doubt(context, row, why)
        _touch(context, row.scope, changes.open_of(context.db, row.id))

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        requests.update(context.db, row.id, state="ready", submitted_at=None)
        rest_until = super().not_made(context, row, error)
        _touch(context, row.scope, changes.open_of(context.db, row.id))
        return rest_until

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """A synchronous error means that nothing at all is processed (Apple). Where it names users,
        the others are asked for anew; where it is about one of several and does not say which, each
        half of them."""
        assert isinstance(error, AppleRefused), "only Apple's refusals have a verdict"
        users = changes.open_of(context.db, row.id)
        request = requests.get(context.db, row.id)
        given = error.info.get("clientUserIds")
        named = {str(each) for each in given} if isinstance(given, list) else set()
        meant = [u.client_user_id for u in users if u.client_user_id in named]
        about_one = error.number in (*FINAL, *LOOKED_FOR, INVALID_ARGUMENT)
        if error.number == TOO_MANY_USERS and len(users) > 1:
            _fewer_at_once(context, row.scope, len(users))
        elif not meant and about_one and len(users) > 1:
            self._halve(context, row, users)
        else:
            told.refused(
                context,
                request,
                meant or [user.client_user_id for user in users],
                told_by="reply",
                error_number=error.number,
            )
        return self.give_up(context, row, error)

    def _halve(self, context: Context, row: OutboxRow, users: Sequence[Change]) -> None:
        _withdraw(context, row)
        kind = cast(ChangeKind, requests.get(context.db, row.id).kind)
        middle = len(users) // 2
        for half in (users[:middle], users[middle:]):
            changes.make(context.db, row.scope, kind, half, context.now)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """Nothing was asked, and nothing is being asked."""
        _withdraw(context, row)
        return super().give_up(context, row, error)


class CreateUsers(ManageUsers):
    """Register users."""

    kind = kinds.CREATE_USERS
    effect = "write"

    def ask(self, client: AppleClient, users: Sequence[RequestedUser]) -> EventReply:
        return client.create_users(users)


class UpdateUsers(ManageUsers):
    """Change what Apple has of users."""

    kind = kinds.UPDATE_USERS
    effect = "write"

    def ask(self, client: AppleClient, users: Sequence[RequestedUser]) -> EventReply:
        return client.update_users(users)


class RetireUsers(ManageUsers):
    """Retire users, who give back every licence that can be taken back."""

    kind = kinds.RETIRE_USERS
    effect = "write"

    def ask(self, client: AppleClient, users: Sequence[RequestedUser]) -> EventReply:
        return client.retire_users([user.client_user_id for user in users])


class UserEventStatus(StatusOfEvent[Change]):
    """Ask what became of an event about users."""

    kind = "user_event_status"
    effect = "read"

    def open_of(self, context: Context, request_id: int) -> Sequence[Change]:
        return changes.open_of(context.db, request_id)

    def meant(
        self, failure: EventFailure, asked: Sequence[Change], *, nothing_done: bool
    ) -> list[Change]:
        named = failure.client_user_ids
        if nothing_done and not named:
            return list(asked)
        return [each for each in asked if each.client_user_id in named]

    def confirm(self, context: Context, request: AppleRequest, done: Sequence[Change]) -> None:
        users = [ToldUser(each.client_user_id) for each in done]
        told.confirmed(context, request, users, told_by="status")

    def refuse(
        self, context: Context, request: AppleRequest, failed: Sequence[Change], number: int | None
    ) -> None:
        names = [each.client_user_id for each in failed]
        told.refused(context, request, names, told_by="status", error_number=number)

    def touch(self, context: Context, request: AppleRequest, some: Sequence[Change]) -> None:
        _touch(context, request.location, some)


def _fewer_at_once(context: Context, location: str, count: int) -> None:
    """Apple takes fewer users in one request than it said: its limits are read again soon."""
    limit = locations.get(context.db, location).max_users or deciding.DEFAULT_MAX_USERS
    locations.update(context.db, location, max_users=max(min(limit, count) // 2, 1))
    soon = context.now + context.policy.sync.service_config_every
    meta.hasten_job(context.db, f"limits:{location}", soon)


def _withdraw(context: Context, row: OutboxRow) -> None:
    """What of the request was not settled may be asked for anew."""
    users = changes.open_of(context.db, row.id)
    request = requests.get(context.db, row.id)
    names = [user.client_user_id for user in users]
    told.given_up(context, request, names, state="withdrawn")


def _touch(context: Context, location: str, users: Sequence[Change]) -> None:
    deciding.touch(context, location, [user.client_user_id for user in users])
