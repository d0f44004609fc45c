"""Calls that change licences, and the status of the events that follow."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence

from bridge.clients.apple.client import AppleClient
from bridge.clients.apple.replies import EventFailure, EventReply
from bridge.domain.catalogue import AppleError
from bridge.domain.devices.targets import of_user, user_of
from bridge.domain.model import Asset, Pair
from bridge.domain.pauses import Pause, Pauses
from bridge.engine.calls import TAKEN_BACK
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.calls.event_status import StatusOfEvent
from bridge.engine.context import Context
from bridge.engine.licences import settle
from bridge.engine.licences.batch import DEFAULT_MAX_ASSETS, max_serials, max_users
from bridge.errors import AppleRefused, CallError, OutcomeUnknown
from bridge.store import meta, pauses
from bridge.store.database import Connection
from bridge.store.installs import installs
from bridge.store.licences import locations, request_pairs, requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import kinds, outbox
from bridge.store.outbox.outbox import OutboxRow

TOO_MANY_ASSETS = 9700


class Manage(AppleCall, abstract=True):
    """Ask for licences, or give them back: one request, whose result comes later under the
    eventId in the reply.

    There is no idempotency key: what may have left is never sent again by itself.
    """

    @classmethod
    def paused_by(cls, context: Context, row: OutboxRow, paused: Pauses) -> Pause | None:
        """A request goes as a whole, or not: one paused pair keeps it back."""
        over = (
            paused.over(serial_number=pair.holder, adam_id=pair.asset.adam_id, location=row.scope)
            for pair in request_pairs.open_pairs(context.db, row.id)
        )
        return next((pause for pause in over if pause is not None), None)

    @classmethod
    def withdraw(cls, context: Context, row: OutboxRow, pause: Pause) -> None:
        """Its pairs that are not paused are asked for anew."""
        pairs = request_pairs.open_pairs(context.db, row.id)
        requests.take_back(context.db, row.id, context.now)
        requests.update(context.db, row.id, state="refused", settled_at=context.now)
        outbox.failed(context.db, row.id, context.now, TAKEN_BACK)
        for each in pauses.load(context.db).all:
            request_pairs.withdraw_paused(context.db, each.scope, each.name, context.now)
        _touch(context, pairs)

    @classmethod
    def scope_gone(cls, context: Context, row: OutboxRow) -> None:
        """What it was to ask for may be asked for anew should the location come back."""
        request = requests.get(context.db, row.id)
        pairs = request_pairs.open_pairs(context.db, row.id)
        settle.given_up(context, request, pairs, state="withdrawn")

    @classmethod
    def why_not_again(cls, db: Connection, row: OutboxRow) -> str | None:
        if requests.get(db, row.id).state == "in_doubt":
            return (
                "Apple may have got it: its assignments are read, and what they do not show in "
                "time is asked again in a new request by itself"
            )
        return (
            "what it asked for was settled when it failed, and is asked again in a new request: "
            "vpp-bridge retry gives installs that stopped another round"
        )

    def begin(self, context: Context, row: OutboxRow) -> None:
        """From here on Apple may hold the request, unless the location was suspended meanwhile."""
        requests.update(context.db, row.id, state="sending", submitted_at=context.now)
        if locations.get(context.db, row.scope).suspended is not None:
            request = requests.get(context.db, row.id)
            pairs = request_pairs.open_pairs(context.db, row.id)
            settle.given_up(context, request, pairs, state="withdrawn")

    def perform(self, row: OutboxRow) -> EventReply | None:
        with self.database.read() as db:
            pairs = request_pairs.open_pairs(db, row.id)
        if not pairs:
            return None
        assets = sorted({pair.asset for pair in pairs})
        holders = sorted({pair.holder for pair in pairs})
        users = [user for each in holders if (user := user_of(each)) is not None]
        serial_numbers = [] if users else holders
        return self.ask(self.clients.apple(row.scope), assets, serial_numbers, users)

    @abstractmethod
    def ask(
        self,
        client: AppleClient,
        assets: Sequence[Asset],
        serial_numbers: Sequence[str],
        client_user_ids: Sequence[str],
    ) -> EventReply:
        """Ask Apple for every pair of these assets and devices, or users; raises CallError."""

    def settle(self, context: Context, row: OutboxRow, result: EventReply | None) -> None:
        outbox.done(context.db, row.id, context.now)
        if result is None:
            return
        hear(context, row.scope, result.envelope)
        requests.update(
            context.db,
            row.id,
            apple_event_id=result.apple_event_id,
            answered_at=context.now,
        )
        settle.wait_for_event(context, row.id)
        requests.finish(context.db, row.id, "notification", context.now)
        _touch(context, request_pairs.open_pairs(context.db, row.id))

    def lost(self, context: Context, row: OutboxRow) -> None:
        """Apple may have it: look at once."""
        self._look(context, row, context.now, "the bridge was stopped while it was asking")

    def doubt(self, context: Context, row: OutboxRow, error: OutcomeUnknown) -> None:
        look_at = context.now + context.policy.event_status.min_interval
        self._look(context, row, look_at, str(error))

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        requests.update(context.db, row.id, state="ready", submitted_at=None)
        rest_until = super().not_made(context, row, error)
        _touch(context, request_pairs.open_pairs(context.db, row.id))
        return rest_until

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """A synchronous error means that nothing at all is processed (Apple)."""
        assert isinstance(error, AppleRefused), "only Apple's refusals have a verdict"
        pairs = request_pairs.open_pairs(context.db, row.id)
        if not self._ask_for_less(context, row, verdict, error.number, pairs):
            named = [pair for pair in pairs if _is_named(error.info, pair)] or pairs
            request = requests.get(context.db, row.id)
            settle.refused(context, request, named, told_by="reply", error_number=error.number)
            self._take_back(context, row)
        return super().give_up(context, row, error)

    def _ask_for_less(
        self,
        context: Context,
        row: OutboxRow,
        verdict: AppleError,
        number: int | None,
        pairs: Sequence[Pair],
    ) -> bool:
        """Ask again in smaller requests, if that may help: too much for one, or something wrong
        with one of several assets without a word which. Apple's limits are read again soon."""
        location = locations.get(context.db, row.scope)
        assets = len({pair.asset for pair in pairs})
        holders = len({pair.holder for pair in pairs})
        if verdict.kind == "split" and number != TOO_MANY_ASSETS and holders > 1:
            of_users = pairs[0].client_user_id is not None
            limit = max_users(location) if of_users else max_serials(location)
            half = max(min(limit, holders) // 2, 1)
            column = "max_client_user_ids" if of_users else "max_serial_numbers"
            locations.update(context.db, row.scope, **{column: half})
        elif verdict.kind == "split" and number == TOO_MANY_ASSETS and assets > 1:
            half = max(min(location.max_assets or DEFAULT_MAX_ASSETS, assets) // 2, 1)
            locations.update(context.db, row.scope, max_assets=half)
        else:
            return False
        soon = context.now + context.policy.sync.service_config_every
        meta.hasten_job(context.db, f"limits:{row.scope}", soon)
        self._take_back(context, row)
        return True

    def _take_back(self, context: Context, row: OutboxRow) -> None:
        """What of the request was not settled waits to be asked for anew."""
        pairs = request_pairs.open_pairs(context.db, row.id)
        if not pairs:
            return
        requests.take_back(context.db, row.id, context.now)
        requests.update(context.db, row.id, state="refused", settled_at=context.now)
        _touch(context, pairs)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The location is suspended: nothing was asked, and nothing is being asked."""
        request = requests.get(context.db, row.id)
        pairs = request_pairs.open_pairs(context.db, row.id)
        settle.given_up(context, request, pairs, state="withdrawn")
        return super().give_up(context, row, error)

    def _look(self, context: Context, row: OutboxRow, look_at: float, why: str) -> None:
        """Have its assignments read, from `look_at` on."""
        requests.doubt(context.db, row.id, next_read_at=look_at, detail=why[:300])
        self._doubt(context, row, why)
        _touch(context, request_pairs.open_pairs(context.db, row.id))


class Associate(Manage):
    """Ask for licences."""

    kind = kinds.ASSOCIATE
    effect = "write"

    def ask(
        self,
        client: AppleClient,
        assets: Sequence[Asset],
        serial_numbers: Sequence[str],
        client_user_ids: Sequence[str],
    ) -> EventReply:
        return client.associate(
            assets, serial_numbers=serial_numbers, client_user_ids=client_user_ids
        )


class Disassociate(Manage):
    """Give licences back."""

    kind = kinds.DISASSOCIATE
    effect = "write"

    def ask(
        self,
        client: AppleClient,
        assets: Sequence[Asset],
        serial_numbers: Sequence[str],
        client_user_ids: Sequence[str],
    ) -> EventReply:
        return client.disassociate(
            assets, serial_numbers=serial_numbers, client_user_ids=client_user_ids
        )


class EventStatus(StatusOfEvent[Pair]):
    """Ask what became of an event about licences."""

    kind = "event_status"
    effect = "read"

    def open_of(self, context: Context, request_id: int) -> Sequence[Pair]:
        return request_pairs.open_pairs(context.db, request_id)

    def meant(
        self, failure: EventFailure, asked: Sequence[Pair], *, nothing_done: bool
    ) -> list[Pair]:
        return [pair for pair in asked if nothing_done or _names(failure, pair)]

    def confirm(self, context: Context, request: AppleRequest, done: Sequence[Pair]) -> None:
        settle.confirmed(context, request, done, told_by="status")

    def refuse(
        self, context: Context, request: AppleRequest, failed: Sequence[Pair], number: int | None
    ) -> None:
        settle.refused(context, request, failed, told_by="status", error_number=number)

    def touch(self, context: Context, request: AppleRequest, some: Sequence[Pair]) -> None:
        _touch(context, some)


def _names(failure: EventFailure, pair: Pair) -> bool:
    """Whether a failure is about this pair; one that names nothing is about nobody for sure."""
    holders = {serial.upper() for serial in failure.serial_numbers}
    holders |= {of_user(each) for each in failure.client_user_ids}
    if not holders and not failure.assets:
        return False
    return (not holders or pair.holder in holders) and (
        not failure.assets or pair.asset in failure.assets
    )


def _is_named(info: Mapping[str, object], pair: Pair) -> bool:
    """Whether Apple's errorInfo names this pair; one without names is about nobody for sure."""
    serials, users, assets = (
        info.get(name) for name in ("serialNumbers", "clientUserIds", "assets")
    )
    named = {str(each).upper() for each in serials} if isinstance(serials, list) else set()
    named |= {of_user(str(each)) for each in users} if isinstance(users, list) else set()
    named_assets = (
        {str(each.get("adamId")) for each in assets or () if isinstance(each, Mapping)}
        if isinstance(assets, list)
        else set()
    )
    if not named and not named_assets:
        return False
    return (not named or pair.holder in named) and (
        not named_assets or pair.asset.adam_id in named_assets
    )


def _touch(context: Context, pairs: Sequence[Pair]) -> None:
    installs.touch_pairs(context.db, [(p.holder, p.asset.adam_id) for p in pairs], context.now)
