"""An MDM server that behaves like NanoMDM 0.9.0, or NanoHUB 0.2.0, traps included.

`nano_http.py` puts it on HTTP. Source: NanoMDM's storage/kv, storage/pgsql and service packages,
and tests/real.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from bridge.errors import PlistError
from bridge.simulator.mdm.commands import from_raw
from bridge.simulator.mdm.mdm import Mdm, Repeated
from bridge.simulator.mdm.queue import Command, Queue
from bridge.simulator.plists import Value, read_plist, text


class NotEnrolledThere(Exception):
    """A command for somebody of whom the database knows nothing."""


@dataclass
class LinkedQueue(Queue):
    """The queue on file storage: a list of links, which is cut and mended at each answer.

    It believes of what it does not know that it is the last one that it has: an answer to a command
    that is not queued empties it. And of the last command that is taken out, the link to it stays:
    it comes back once the one before it is answered.
    """

    _all: dict[str, Command] = field(default_factory=dict)
    _after: dict[str, str] = field(default_factory=dict)
    _before: dict[str, str] = field(default_factory=dict)
    _said: dict[str, str] = field(default_factory=dict)
    _ends: tuple[str, str] | None = None

    def __iter__(self) -> Iterator[Command]:
        place, seen = self._ends[0] if self._ends else "", set[str]()
        while place and place not in seen:
            seen.add(place)
            yield self._all[place]
            place = self._after.get(place, "")

    def add(self, command: Command) -> None:
        """Link it behind the last one."""
        uuid = command.command_uuid
        self._all[uuid] = command
        if self._ends is None:
            self._ends = (uuid, uuid)
            return
        first, last = self._ends
        self._after[last], self._before[uuid] = uuid, last
        self._ends = (first, uuid)

    def clear(self) -> None:
        """Forget everything."""
        self._after.clear()
        self._before.clear()
        self._ends = None

    def next(self, status: str, command_uuid: str) -> Command | None:
        """Take note of what the device says, and choose what to send it: the first one, but for
        those that were put off if this is put off, too."""
        if status != "Idle":
            self._said[command_uuid] = status
            if status != "NotNow":
                self._unlink(command_uuid)
        waiting = (
            each
            for each in self
            if status != "NotNow" or self._said.get(each.command_uuid) != "NotNow"
        )
        return next(waiting, None)

    def _unlink(self, uuid: str) -> None:
        before, after = self._before.pop(uuid, ""), self._after.pop(uuid, "")
        if before and after:
            self._after[before], self._before[after] = after, before
        elif before and self._ends:
            self._ends = (self._ends[0], before)
        elif after and self._ends:
            self._before.pop(after, None)
            self._ends = (after, self._ends[1])
        elif not before and not after:
            self._ends = None


class TableQueue(Queue):
    """The queue on a database: what is not answered is handed out in order."""

    def next(self, status: str, command_uuid: str) -> Command | None:
        """Take note of what the device says, and choose what to send it."""
        if status == "NotNow":
            put_off = [each for each in self.commands if each.command_uuid == command_uuid]
            self.parked += [each for each in put_off if each not in self.parked]
        elif status != "Idle":
            self._take(command_uuid)
        skipped = self.parked if status == "NotNow" else []
        return next((each for each in self.commands if each not in skipped), None)


class NanoMdm(Mdm):
    """The server. Call it while holding the kernel's lock.

    Queues are keyed by its ids: UDID, `UDID:UserID`, EnrollmentID, `EnrollmentID:EnrollmentUserID`.
    """

    checkins = Mdm.checkins | {"DeclarativeManagement"}

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.settings.plain = True
        self.webhook.form = "nanohub" if self.settings.kind == "nanohub" else "nanomdm"
        self._tallies: Counter[str] = Counter()

    def accept_for(self, keys: Iterable[str], payload: bytes, *, lose: bool = False) -> None:
        """Take one command for these devices, or for none of them.

        On a database everybody must have enrolled. Raises what `accept` does, and
        NotEnrolledThere.
        """
        names = list(keys)
        known = self.settings.storage == "file" or all(map(self._has_enrolled, names))
        if not known:
            raise NotEnrolledThere(
                "pq: insert or update on table violates foreign key constraint "
                '"enrollment_queue_id_fkey"'
            )
        command_uuid = from_raw(payload)[0]
        for name in names:
            self.accept(name, payload, lose=lose)
            self._had.discard(command_uuid)
        self._had.add(command_uuid)

    def accept(self, key: str, payload: bytes, *, lose: bool = False) -> Command:
        """As `Mdm.accept`; the words about a repeated CommandUUID are the storage's."""
        try:
            return super().accept(key, payload, lose=lose)
        except Repeated:
            if self.settings.storage == "file":
                raise
            said = 'pq: duplicate key value violates unique constraint "commands_pkey"'
            raise Repeated(said) from None

    def _has_enrolled(self, key: str) -> bool:
        return key in self._channels and self._channels[key].pushable

    def _new_queue(self) -> Queue:
        return LinkedQueue() if self.settings.storage == "file" else TableQueue()

    def _key(self, values: dict[str, Value]) -> str:
        name, user = _speaker(values)
        return f"{name}:{user}" if user else name

    def _describe(self, event: dict[str, object], body: bytes) -> dict[str, object]:
        """An event as its webhook has it: `ids` say who speaks, nothing is null, and a TokenUpdate
        tells how many there were since the enrolment."""
        try:
            values = read_plist(body)
        except PlistError:
            values = {}
        key, (name, user) = self._key(values), _speaker(values)
        ids = {"id": key} | ({"parent_id": name} if user else {}) | {"type": _type_of(values)}
        told = {k: v for k, v in event.items() if v is not None} | {"ids": ids}
        kind = text(values, "MessageType")
        if kind == "Authenticate":
            self._tallies[key] = 0
        elif kind == "TokenUpdate":
            self._tallies[key] += 1
            told["token_update_tally"] = self._tallies[key]
        return told


def _speaker(values: dict[str, Value]) -> tuple[str, str]:
    udid, enrollment_id = text(values, "UDID"), text(values, "EnrollmentID")
    if udid:
        return udid, text(values, "UserID")
    return enrollment_id, text(values, "EnrollmentUserID")


def _type_of(values: dict[str, Value]) -> str:
    _, user = _speaker(values)
    if text(values, "UDID"):
        return "User" if user else "Device"
    return "User Enrollment" if user else "User Enrollment (Device)"
