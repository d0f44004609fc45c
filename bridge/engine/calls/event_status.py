"""The status of an event: what became of what Apple was asked for, be it licences or users."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Generic, TypeVar

from bridge.clients.apple.replies import EventFailure, StatusReply
from bridge.domain.catalogue import AppleError
from bridge.engine.calls.apple import AppleCall, hear
from bridge.engine.context import Context
from bridge.errors import CallError, UnreadableReply
from bridge.store.licences import requests
from bridge.store.licences.requests import AppleRequest
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

T = TypeVar("T")


class StatusOfEvent(AppleCall, Generic[T], abstract=True):
    """Ask what became of an event. `subject` is the request's id, a `T` one thing it asked for.

    Failures are named, successes are not, and a notification may have been quicker: what is open
    after an answer that is not plainly a success is read. Source: Apple, "Managing Assets" and
    "Managing Users", on asynchronous requests.
    """

    @abstractmethod
    def open_of(self, context: Context, request_id: int) -> Sequence[T]:
        """What of the request is not settled."""

    @abstractmethod
    def meant(self, failure: EventFailure, asked: Sequence[T], *, nothing_done: bool) -> list[T]:
        """Which of what was asked a failure is about; `nothing_done`: the event failed whole."""

    @abstractmethod
    def confirm(self, context: Context, request: AppleRequest, done: Sequence[T]) -> None:
        """Apple did this."""

    @abstractmethod
    def refuse(
        self, context: Context, request: AppleRequest, failed: Sequence[T], number: int | None
    ) -> None:
        """Apple did not do this, with its number for why."""

    @abstractmethod
    def touch(self, context: Context, request: AppleRequest, some: Sequence[T]) -> None:
        """Have what hangs on these decided anew."""

    def begin(self, context: Context, row: OutboxRow) -> None:
        requests.update(context.db, int(row.subject), status_asked_at=context.now)

    def perform(self, row: OutboxRow) -> StatusReply | None:
        with self.database.read() as db:
            request = requests.get(db, int(row.subject))
        if request.state != "open" or request.apple_event_id is None:
            return None
        return self.clients.apple(row.scope).status(request.apple_event_id)

    def settle(self, context: Context, row: OutboxRow, result: StatusReply | None) -> None:
        outbox.done(context.db, row.id, context.now)
        if result is None:
            return
        hear(context, row.scope, result.envelope)
        request = requests.get(context.db, int(row.subject))
        if result.status == "PENDING":
            self._pending(context, request)
            return
        asked = self.open_of(context, request.id)
        nothing_done = result.status == "FAILED" and result.num_completed == 0
        for failure in result.failures:
            failed = self.meant(failure, asked, nothing_done=nothing_done)
            self.refuse(context, request, failed, failure.error_number)
        if _all_done(result, request):
            self.confirm(context, request, asked)
        else:
            detail = f"{result.status}: {result.num_completed} of {result.num_requested} done"
            self._read_the_rest(context, request.id, detail)

    def _pending(self, context: Context, request: AppleRequest) -> None:
        policy = context.policy.event_status
        if context.now - (request.submitted_at or context.now) >= policy.in_doubt_after:
            self._read_the_rest(context, request.id, "Apple has been at it for too long")
            return
        requests.update(context.db, request.id, next_status_at=context.now + policy.min_interval)

    def _read_the_rest(self, context: Context, request_id: int, detail: str) -> None:
        request = requests.get(context.db, request_id)
        if request.state != "open":
            return  # a notification was quicker, or the failures were about all of it
        requests.doubt(context.db, request_id, next_read_at=context.now, detail=detail[:300])
        self.touch(context, request, self.open_of(context, request_id))

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """An answer that cannot be read is not asked for again: what Apple lists tells, too."""
        if not isinstance(error, UnreadableReply):
            return super().not_made(context, row, error)
        self._read_the_rest(context, int(row.subject), str(error))
        return super().give_up(context, row, error)

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """Apple no longer knows the event, or will not tell: what it lists does."""
        self._read_the_rest(context, int(row.subject), str(error))
        return super().give_up(context, row, error)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The location is suspended: asked again when it works again."""
        request_id = int(row.subject)
        if requests.get(context.db, request_id).state == "open":
            later = context.now + context.policy.sync.service_config_every
            requests.update(context.db, request_id, next_status_at=later)
        return super().give_up(context, row, error)


def _all_done(result: StatusReply, request: AppleRequest) -> bool:
    """Complete, and as much as we asked for: an adopted event might not be ours."""
    return (
        result.status == "COMPLETE"
        and not (result.failures or result.odd_failures)
        and result.num_requested == result.num_completed == request.num_requested
    )
