"""Commands to devices: one CommandUUID each, chosen and stored before anything is posted.

The index `commands_one_install` holds that an install has no second CommandUUID while the first
is not answered; `commands_one_list` that a device is asked one thing once at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import NamedTuple

from bridge.store import rows
from bridge.store.commands import ends, states
from bridge.store.database import Connection
from bridge.store.devices import queue_times


@dataclass(frozen=True, slots=True)
class Command:
    """One command as it stands."""

    command_uuid: str
    server: str
    device_id: int
    install_id: int | None
    request_type: str
    state: str
    enrolment: int
    attempt: int
    identifiers: str | None
    posts: int
    settings: str | None
    suspect: bool
    created_at: float
    due_at: float
    posted_at: float | None
    look_at: float | None
    missed_at: float | None
    in_doubt_at: float | None
    not_now_since: float | None
    not_now_at: float | None
    offered_at: float | None
    stalled_at: float | None
    odd_answers: int
    odd_at: float | None
    answered_at: float | None
    status: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a device said to a command; `error_*` is the first entry of its ErrorChain.

    `unread` says why nothing but the status could be read.
    """

    status: str
    error_domain: str | None = None
    error_code: int | None = None
    error_text: str | None = None
    app_state: str | None = None
    rejection_reason: str | None = None
    unread: str | None = None


class New(NamedTuple):
    """A command that is to be made.

    `asks` is how often before it a person was asked again, `offline` how often its device had no
    network, `identifiers` the bundle ids that a list asks for, `settings` what an install carries:
    the same CommandUUID always stands for the same plist.
    """

    command_uuid: str
    server: str
    device_id: int
    install_id: int | None
    request_type: str
    enrolment: int
    due_at: float
    attempt: int = 1
    asks: int = 0
    offline: int = 0
    identifiers: Sequence[str] = ()
    settings: str | None = None
    renews: bool = False
    updates: bool = False
    not_after: float | None = None


def make(db: Connection, new: Sequence[New], now: float) -> Sequence[New]:
    """Store commands that are to be posted; returns those of which none of their kind was open."""
    made = sum(
        db.execute(
            "INSERT INTO commands (command_uuid, server, device_id, install_id, request_type, "
            "state, enrolment, attempt, asks, offline, identifiers, created_at, due_at, settings, "
            f"renews, updates, not_after) {rows.asked(len(new[part]), _MADE)}SELECT command_uuid, "
            "server, device_id, nullif(install_id, 0), request_type, 'ready', enrolment, "
            "attempt, asks, offline, identifiers, ?, due_at, settings, renews, updates, "
            f"nullif(not_after, {rows.NEVER}) FROM asked WHERE true ON CONFLICT DO NOTHING",
            (*chain.from_iterable(map(_values, new[part])), now),
        ).rowcount
        for part in rows.parts(len(new))
    )
    stored = (
        new if made == len(new) else [each for each in new if are_ours(db, [each.command_uuid])[0]]
    )
    queue_times.wake_all(db, [(each.device_id, each.due_at) for each in stored])
    return stored


_MADE = ", ".join(New._fields)


def _values(new: New) -> New:
    """A new command, with what the database takes."""
    return new._replace(
        install_id=new.install_id or 0,
        identifiers=json.dumps(list(new.identifiers)) if new.identifiers else None,  # type: ignore[arg-type]  # as stored
        not_after=rows.NEVER if new.not_after is None else new.not_after,
    )


def get(db: Connection, command_uuid: str) -> Command | None:
    """One command of ours, or None for a stranger's."""
    row = db.execute(
        f"SELECT {rows.columns(Command)} FROM commands WHERE command_uuid = ?", (command_uuid,)
    ).fetchone()
    return rows.read(Command, row) if row else None


def are_ours(db: Connection, command_uuids: Sequence[str]) -> list[bool]:
    """Of each of these commands, whether the bridge made it."""
    asked = command_uuids if len(command_uuids) == 1 else rows.padded(command_uuids)
    found = db.execute(
        f"SELECT command_uuid FROM commands WHERE command_uuid IN ({rows.marks(len(asked))})", asked
    )
    ours = {row[0] for row in found}
    return [uuid in ours for uuid in command_uuids]


def of_install(db: Connection, install_id: int) -> list[Command]:
    """Every command of an install, oldest first; for its timeline."""
    found = db.execute(
        f"SELECT {rows.columns(Command)} FROM commands WHERE install_id = ? ORDER BY created_at",
        (install_id,),
    )
    return [rows.read(Command, row) for row in found]


def questions_open(db: Connection, device_ids: Sequence[int]) -> dict[tuple[int, str], bool]:
    """What these devices were, or are about to be, asked for, by device and request type: whether
    the question has left our own line."""
    found = db.execute(
        "SELECT device_id, request_type, state <> 'ready' FROM commands "
        f"WHERE device_id IN ({rows.marks(len(device_ids))}) AND install_id IS NULL "
        f"AND (state = 'ready' OR state IN {states.SQL_IN_QUEUE})",
        tuple(device_ids),
    )
    return {(int(row[0]), str(row[1])): bool(row[2]) for row in found}


def posting(db: Connection, going: Iterable[tuple[str, int]]) -> None:
    """These commands, each with its device's enrolment, are in the outbox: from here on they may
    have reached the server."""
    by_enrolment: dict[int, list[str]] = {}
    for command_uuid, enrolment in going:
        by_enrolment.setdefault(enrolment, []).append(command_uuid)
    for enrolment, command_uuids in by_enrolment.items():
        for part in rows.parts(len(command_uuids)):
            some = command_uuids[part]
            db.execute(
                "UPDATE commands SET state = 'posting', posts = posts + 1, enrolment = ?, "
                "look_at = NULL, suspect = 0, not_now_since = NULL, not_now_at = NULL, "
                "in_doubt_at = NULL, push_at = NULL, missed_at = NULL, offered_at = NULL, "
                "stalled_at = NULL, odd_answers = 0, odd_at = NULL "
                f"WHERE command_uuid IN ({rows.marks(len(some))}) AND state = 'ready'",
                (enrolment, *some),
            )


def take_back(db: Connection, command_uuid: str) -> None:
    """The command did not leave after all: it stands in its device's line again."""
    db.execute(
        "UPDATE commands SET state = 'ready', posts = posts - 1 "
        "WHERE command_uuid = ? AND state = 'posting'",
        (command_uuid,),
    )


def posted(db: Connection, command_uuid: str, now: float, *, look_at: float) -> int | None:
    """The server took the command, or may have; a quicker answer of the device stands. Returns the
    id of the install that it is for, None for a question's."""
    found = db.execute(
        "UPDATE commands SET posted_at = ?, look_at = CASE WHEN state = 'posting' THEN ? "
        "ELSE look_at END, state = CASE WHEN state = 'posting' THEN 'posted' ELSE state END "
        "WHERE command_uuid = ? RETURNING install_id",
        (now, look_at, command_uuid),
    ).fetchall()
    return None if not found else found[0][0]


def queued(
    db: Connection, command_uuid: str, *, look_at: float | None, push_at: float | None
) -> None:
    """The server has the command; `push_at` says when the device is pushed to."""
    db.execute(
        "UPDATE commands SET state = 'queued', look_at = ?, missed_at = NULL, "
        "push_at = coalesce(push_at, ?) "
        f"WHERE command_uuid = ? AND state IN {states.SQL_ON_SERVER}",
        (look_at, push_at, command_uuid),
    )


def in_doubt(db: Connection, command_uuid: str, now: float) -> None:
    """Neither queued nor answered: the queue is freed, and the device will be asked."""
    changed = db.execute(
        "UPDATE commands SET state = 'in_doubt', in_doubt_at = ?, look_at = NULL, push_at = NULL "
        f"WHERE command_uuid = ? AND state IN {states.SQL_IN_QUEUE} RETURNING device_id",
        (now, command_uuid),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], now)


def not_now(db: Connection, command_uuid: str, now: float, *, push_at: float) -> None:
    """The device answered NotNow: the server parks the command and hides it from its queue."""
    db.execute(
        "UPDATE commands SET state = 'not_now', status = 'NotNow', not_now_at = ?, "
        "not_now_since = coalesce(not_now_since, ?), push_at = ?, look_at = NULL, "
        "missed_at = NULL "
        f"WHERE command_uuid = ? AND state IN {states.SQL_POSTED}",
        (now, now, push_at, command_uuid),
    )


def answered(
    db: Connection,
    command_uuid: str,
    answer: Answer,
    now: float,
    *,
    room_at: float | None = None,
) -> bool:
    """Keep a device's answer; False when it was answered before: the first answer that could be
    read stands. One of which only the status was readable gives way to it. It makes room in the
    device's queue, now or at `room_at`."""
    changed = db.execute(
        "UPDATE commands SET state = ?, status = ?, answered_at = ?, error_domain = ?, "
        "error_code = ?, error_text = ?, app_state = ?, rejection_reason = ?, unread = ?, "
        "look_at = NULL, "
        f"push_at = NULL WHERE command_uuid = ? AND (state NOT IN {states.SQL_ANSWERED} "
        "OR unread IS NOT NULL AND ? = 1) RETURNING device_id",
        (
            "acknowledged" if answer.status == "Acknowledged" else "error",
            answer.status,
            now,
            answer.error_domain,
            answer.error_code,
            answer.error_text,
            answer.app_state,
            answer.rejection_reason,
            answer.unread,
            command_uuid,
            answer.unread is None,
        ),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], now if room_at is None else room_at)
    return bool(changed)


def doubt_unposted(db: Connection, now: float) -> None:
    """What is ready, or parked by a NotNow, may have been posted and answered unknown to us: a
    question is dropped, since it is asked anew, and all else is in doubt.
    """
    db.execute(
        "UPDATE commands SET state = 'dropped', look_at = NULL, push_at = NULL "
        f"WHERE state IN {states.SQL_NOT_IN_VIEW} AND install_id IS NULL"
    )
    db.execute(
        "UPDATE commands SET state = 'in_doubt', in_doubt_at = ?, look_at = NULL, push_at = NULL "
        f"WHERE state IN {states.SQL_NOT_IN_VIEW}",
        (now,),
    )


def ready_again(db: Connection, command_uuid: str, due_at: float) -> None:
    """Post the same command once more, under the same CommandUUID."""
    changed = db.execute(
        "UPDATE commands SET state = 'ready', due_at = ?, look_at = NULL, push_at = NULL "
        "WHERE command_uuid = ? AND state = 'in_doubt' RETURNING device_id",
        (due_at, command_uuid),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], due_at)


def renew(
    db: Connection, command_uuid: str, new_uuid: str, *, enrolment: int, due_at: float, now: float
) -> None:
    """Post the same command once more, under another CommandUUID; the old one is given up."""
    ends.cancel(db, command_uuid, now, "settled_otherwise")
    changed = db.execute(
        "INSERT INTO commands (command_uuid, server, device_id, install_id, request_type, state, "
        "enrolment, attempt, asks, offline, identifiers, created_at, due_at, settings, renews, "
        "updates, not_after) "
        "SELECT ?, server, device_id, install_id, request_type, 'ready', ?, attempt, asks, "
        "offline, identifiers, ?, ?, settings, renews, updates, not_after FROM commands "
        "WHERE command_uuid = ? "
        "RETURNING device_id",
        (new_uuid, enrolment, now, due_at, command_uuid),
    ).fetchall()
    for row in changed:
        queue_times.wake(db, row[0], due_at)


def on_server(db: Connection, device_id: int) -> list[Command]:
    """A device's commands that the server took, in the order in which they were posted."""
    found = db.execute(
        f"SELECT {rows.columns(Command)} FROM commands WHERE device_id = ? "
        f"AND state IN {states.SQL_ON_SERVER} ORDER BY posted_at, created_at",
        (device_id,),
    )
    return [rows.read(Command, row) for row in found]


def parked(db: Connection, device_id: int) -> list[Command]:
    """A device's commands that it answered NotNow."""
    found = db.execute(
        f"SELECT {rows.columns(Command)} FROM commands WHERE device_id = ? AND state = 'not_now'",
        (device_id,),
    )
    return [rows.read(Command, row) for row in found]
