"""What all calls to Apple have in common: whose location it is, and what an error number means."""

from __future__ import annotations

import json

from bridge.clients.apple.replies import Envelope, MdmInfo
from bridge.domain.catalogue import AppleError, apple_error
from bridge.domain.policy import DAY
from bridge.engine.calls import Call, wait_after
from bridge.engine.context import Context
from bridge.engine.licences import suspension
from bridge.engine.licences.foreign_mdm import of_info
from bridge.errors import (
    AppleRefused,
    CallError,
    TokenOfOtherLibrary,
    TokenUnusable,
    UnreadableReply,
)
from bridge.store import meta
from bridge.store.installs import installs
from bridge.store.licences import locations
from bridge.store.outbox import outbox
from bridge.store.outbox.outbox import OutboxRow

DENIED_FOR = DAY
"""Seconds for which another MDM in a reply counts for nothing once the client configuration, which
is read every hour, did not have it."""


class AppleCall(Call, abstract=True):
    """A call to Apple."""

    service = "apple"

    def not_made(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """Wait and try again, or stop the location, or give the call up."""
        digest = self.clients.token_digest(row.scope)
        if isinstance(error, TokenUnusable):
            other = isinstance(error, TokenOfOtherLibrary)
            reason = "TOKEN_OTHER_LIBRARY" if other else "TOKEN_INVALID"
            suspension.refuse_token(context, row.scope, reason, str(error), digest)
            return self.give_up(context, row, error)
        verdict = verdict_of(error)
        if verdict is not None and verdict.kind == "stop":
            detail = f"{verdict.cause}: {error}"
            suspension.refuse_token(context, row.scope, verdict.reason, detail, digest)
            return self.give_up(context, row, error)
        if verdict is not None and verdict.kind not in ("back_off", "way"):
            return self.refused(context, row, error, verdict)
        return self.again(context, row, error, rest=verdict is not None)

    def again(
        self, context: Context, row: OutboxRow, error: CallError, *, rest: bool
    ) -> float | None:
        """Make the call once more, later; with `rest`, the location is left alone until then."""
        until = context.now + wait_after(context, row, error)
        meta.count(context.db, "apple.retried", context.now)
        verdict = verdict_of(error)
        text = str(error) if verdict is None else f"{verdict.cause}: {error}"
        unreadable = isinstance(error, UnreadableReply) and row.tries > 1
        passing = verdict.kind == "back_off" if verdict is not None else not unreadable
        outbox.again(context.db, row.id, until, text, passing=passing)
        if text != row.error and not locations.get(context.db, row.scope).ready:
            installs.touch_location(context.db, row.scope, context.now)  # this is what holds it up
        return until if rest else None

    def refused(
        self, context: Context, row: OutboxRow, error: CallError, verdict: AppleError
    ) -> float | None:
        """Apple said no to this very call."""
        return self.give_up(context, row, error)

    def give_up(self, context: Context, row: OutboxRow, error: CallError) -> float | None:
        """The call is not made again by itself."""
        outbox.failed(context.db, row.id, context.now, str(error))
        return None


def verdict_of(error: CallError) -> AppleError | None:
    """What Apple's refusal means, or None when it did not refuse."""
    return apple_error(error.number, error.status) if isinstance(error, AppleRefused) else None


def _shows_nobody(context: Context, location: str, mdm: MdmInfo) -> bool:
    """Whether an mdmInfo tells nothing of a location that is ours: its id cannot be read, or the
    client configuration, which alone decides, has denied it lately. Otherwise two answers that
    contradict each other would have everything read again and again."""
    if locations.get(context.db, location).registered_at is None:
        return False
    denied, at = json.loads(meta.recall(context.db, f"denied_mdm:{location}") or '["", 0]')
    return not mdm.id or (mdm.id == denied and context.now < at + DENIED_FOR)


def deny(context: Context, location: str, mdm_id: str) -> None:
    """The client configuration does not name this MDM, which another reply had named."""
    meta.keep(context.db, f"denied_mdm:{location}", json.dumps([mdm_id, context.now]))


def hear(context: Context, location: str, envelope: Envelope) -> None:
    """Keep what every reply says: the library, the token's end, and who manages the location.

    A foreign mdmInfo in any reply stops all writes: Apple enforces nothing (Apple, "Getting
    Started with the Management API"). That the reply is one of the location's own library was
    seen before.
    """
    values: dict[str, object] = {"heard_at": context.now}
    if locations.get(context.db, location).library_uid is None:
        values["library_uid"] = envelope.library_uid
    if envelope.token_expires_at is not None:
        values["token_apple_expires_at"] = envelope.token_expires_at
    mdm = envelope.mdm_info
    if mdm is not None and _shows_nobody(context, location, mdm):
        mdm = None
    if mdm is not None:
        values["mdm_id"], values["mdm_name"] = mdm.id, mdm.name
    locations.update(context.db, location, **values)
    suspension.token_works(context, location)
    if mdm is not None and mdm.id != meta.instance_id(context.db):
        shown = of_info(mdm).shown_to(meta.former_ids(context.db))
        suspension.held_by_another(context, location, shown)
