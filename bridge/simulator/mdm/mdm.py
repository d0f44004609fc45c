"""An MDM server that behaves like MicroMDM 1.13.1, traps included; http.py puts it on HTTP.

It may also be a plain one (`MdmSettings.plain`), with less to ask it for.

Source: MicroMDM's platform/queue, platform/device, platform/apns and mdm packages.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from bridge.errors import PlistError
from bridge.simulator.faults import Faults
from bridge.simulator.kernel import Kernel
from bridge.simulator.ledger import Ledger, Posted
from bridge.simulator.mdm.answers import is_readable
from bridge.simulator.mdm.commands import from_raw
from bridge.simulator.mdm.queue import Command, PlainQueue, Queue, UnknownStatus
from bridge.simulator.mdm.webhook import Webhook
from bridge.simulator.outgoing import Outgoing
from bridge.simulator.plists import Value, read_plist, text

Wake = Callable[[float | None], object]
"""Reaches a device with a push; the argument is until when APNs keeps it (None: one try)."""

Licensed = Callable[[str, str], bool]


@dataclass
class MdmSettings:
    """How the server behaves; may be changed while it runs. Times in seconds.

    `race_window` and `race_loss` simulate that MicroMDM reads and writes a device's queue in two
    transactions: a command stored within the window after the device connected is lost with this
    probability, or else resurrects the command that was answered last.

    A `plain` server has neither a queue view nor a list of devices. It stores a command before it
    answers, refuses a CommandUUID that it had before, and hands commands out in order, each until
    it is answered. All else is as MicroMDM has it.

    `kind` is the server's; one that is not MicroMDM is a `NanoMdm`, which is plain and has its own
    API, webhooks and traps, and `storage` is where that one keeps its queues.
    """

    api_key: str = "secret"
    store_delay: float = 0.001
    push_delay: float = 0.05
    push_certificate: bool = True
    queue_view: bool = True  # since 1.12
    version: str = "1.13.1"
    race_window: float = 0.0
    race_loss: float = 0.0
    plain: bool = False
    kind: Literal["micromdm", "nanomdm", "nanohub"] = "micromdm"
    storage: Literal["file", "sql"] = "file"


@dataclass
class Record:
    """A device as POST /v1/devices lists it; DEP-only ones have no UDID."""

    serial_number: str
    udid: str = ""
    enrolled: bool = False
    last_seen: float | None = None


class PushFailed(Exception):
    """A push that cannot be sent, in MicroMDM's words."""


class Repeated(Exception):
    """A command with a CommandUUID that a plain server had before."""


@dataclass
class _Memory:
    """What a crash loses: commands on their way to the database."""

    free_at: float = 0.0
    waiting: int = 0


@dataclass
class _Channel:
    """A queue key's state: a device's, a user's or a user enrolment's."""

    queue: Queue
    pushable: bool = False
    connected_at: float = float("-inf")


class Mdm:
    """The server. Call it while holding the kernel's lock.

    Queues are keyed as MicroMDM does it: by UserID, else UDID, else EnrollmentID.
    """

    checkins = frozenset(
        "Authenticate TokenUpdate CheckOut GetBootstrapToken SetBootstrapToken".split()
    )

    def __init__(
        self,
        kernel: Kernel,
        outgoing: Outgoing,
        faults: Faults,
        ledger: Ledger,
        settings: MdmSettings | None = None,
    ) -> None:
        self.settings = settings or MdmSettings()
        self.webhook = Webhook(kernel, outgoing, faults)
        self.records: list[Record] = []
        self.licensed: Licensed = lambda serial_number, adam_id: True
        self._kernel = kernel
        self._ledger = ledger
        self._by_udid: dict[str, Record] = {}
        self._channels: dict[str, _Channel] = {}
        self._wake: dict[str, Wake] = {}
        self._memory = _Memory()
        self._had: set[str] = set()

    # What an administrator asks

    def accept(self, key: str, payload: bytes, *, lose: bool = False) -> Command:
        """Take a command: the answer is 201 though it is stored only in a while.

        Commands are stored one after the other in the order they came. Unknown keys and repeated
        uuids are welcome, but to a plain server: Repeated. Raises Malformed or PlistError for what
        is no command. `lose` accepts and forgets it.
        """
        command_uuid, request_type, adam_id = from_raw(payload)
        if self.settings.plain and command_uuid in self._had:
            raise Repeated(f"command already exists: {command_uuid}")
        self._had.add(command_uuid)
        command = Command(command_uuid, payload)
        self._ledger.queued(key, command_uuid, request_type, adam_id)
        if request_type == "InstallApplication" and adam_id:
            record = self._by_udid.get(key)
            serial = record.serial_number if record is not None else ""
            licensed = not serial or self.licensed(serial, adam_id)  # the server need not know it
            posted = Posted(self._kernel.now, key, adam_id, command_uuid)
            self._ledger.posted(posted, licensed=licensed)
        if self.settings.plain and not lose:
            self._memory.waiting += 1
            self._store(self._memory, key, command)
        elif not lose:
            memory = self._memory
            memory.free_at = max(memory.free_at, self._kernel.now) + self.settings.store_delay
            memory.waiting += 1
            self._kernel.at(memory.free_at, lambda: self._store(memory, key, command))
        return command

    def _store(self, memory: _Memory, key: str, command: Command) -> None:
        if memory is not self._memory:
            return
        memory.waiting -= 1
        channel = self._channel(key)
        if self._kernel.now - channel.connected_at < self.settings.race_window:
            if self._kernel.random.random() < self.settings.race_loss:
                return
            if channel.queue.last_done is not None:
                channel.queue.add(channel.queue.last_done)
                channel.queue.last_done = None
        channel.queue.add(command)
        self._kernel.after(self.settings.push_delay, lambda: self._push_quietly(key))

    def queued(self, key: str) -> list[Command]:
        """The queue view: queued and sent commands; those put off with NotNow are hidden."""
        return list(self._channels[key].queue) if key in self._channels else []

    def clear(self, key: str) -> None:
        """Forget a queue, put-off commands too."""
        self._ledger.enrolled(key)
        if key in self._channels:
            self._channels[key].queue.clear()

    def restart(self) -> None:
        """Stop and start: commands not yet stored and webhooks not yet sent are lost."""
        self._memory = _Memory(self._kernel.now)
        self.webhook.forget()

    def push(self, key: str, expiration: float | None = None, *, lose: bool = False) -> str:
        """Push a device; returns the push's id. Raises PushFailed for one that never enrolled.

        `expiration` (epoch seconds) lets APNs keep the push for a device that is away; `lose` is
        a push that APNs takes and never delivers.
        """
        channel = self._channels.get(key)
        if channel is None or not channel.pushable:
            raise PushFailed(f"retrieving PushInfo by UDID: not found: PushInfo udid {key}")
        wake = self._wake.get(key)
        if wake is not None and not lose:
            wake(expiration)
        return self._kernel.uuid().upper()

    def _push_quietly(self, key: str) -> None:
        channel = self._channels.get(key)
        if channel and channel.pushable and self.settings.push_certificate:
            self.push(key)

    def add_dep_device(self, serial_number: str) -> Record:
        """A device that Apple's enrolment programme lists and that never enrolled."""
        record = Record(serial_number)
        self.records.append(record)
        return record

    def reach(self, key: str, wake: Wake) -> None:
        """How a push gets to the device with this queue key."""
        self._wake[key] = wake

    # What devices send

    def checkin(self, body: bytes) -> int:
        """PUT /mdm/checkin; returns the HTTP status."""
        try:
            values = _members(body)
        except PlistError:
            return 500
        kind = text(values, "MessageType")
        if kind == "UserAuthenticate":
            return 410
        if kind not in self.checkins:
            return 500
        udid, user_id = text(values, "UDID"), text(values, "UserID")
        enrollment_id = text(values, "EnrollmentID")
        key = self._key(values)
        if kind == "Authenticate":
            self.clear(key)
        self._publish_checkin(kind, udid, enrollment_id, body)
        if kind == "TokenUpdate":
            self._channel(key).pushable = True
        if udid and not user_id:
            self._keep_record(kind, udid, text(values, "SerialNumber"))
        return 200

    def _publish_checkin(self, kind: str, udid: str, enrollment_id: str, body: bytes) -> None:
        event = self._describe(_identity(udid, enrollment_id) | {"url_params": None}, body)
        self.webhook.publish(f"mdm.{kind}", "checkin_event", event, body)

    def _keep_record(self, kind: str, udid: str, serial_number: str) -> None:
        record = self._by_udid.get(udid) or self._new_record(udid, serial_number)
        record.last_seen = self._kernel.now
        if kind == "Authenticate":
            record.serial_number = serial_number  # overwritten even by nothing
            record.enrolled = False
        elif kind == "TokenUpdate":
            record.enrolled = True
        elif kind == "CheckOut":
            record.enrolled = False

    def _new_record(self, udid: str, serial_number: str) -> Record:
        dep_only = [
            record
            for record in self.records
            if not record.udid and serial_number and record.serial_number == serial_number
        ]
        record = dep_only[0] if dep_only else Record(serial_number)
        if not dep_only:
            self.records.append(record)
        record.udid = udid
        self._by_udid[udid] = record
        return record

    def connect(self, body: bytes) -> tuple[int, bytes]:
        """PUT /mdm/connect; returns HTTP status and the next command, b"" if there is none.

        The webhook is published before the queue moves on.
        """
        try:
            values = _members(body)
        except PlistError:
            return 500, b""
        if not is_readable(values):
            return 500, b""
        udid, enrollment_id = text(values, "UDID"), text(values, "EnrollmentID")
        status, command_uuid = text(values, "Status"), text(values, "CommandUUID")
        key = self._key(values)
        event = _identity(udid, enrollment_id) | {"status": status}
        if command_uuid:
            event["command_uuid"] = command_uuid
        event = self._describe(event, body)
        self.webhook.publish("mdm.Connect", "acknowledge_event", event, body)
        if udid in self._by_udid:
            self._by_udid[udid].last_seen = self._kernel.now
        channel = self._channel(key)
        channel.connected_at = self._kernel.now
        self._ledger.answered(key, command_uuid, status)
        try:
            command = channel.queue.next(status, command_uuid)
        except UnknownStatus:
            return 500, b""
        if command is None:
            return 200, b""
        self._ledger.delivered(key, command.command_uuid)
        return 200, command.payload

    def _channel(self, key: str) -> _Channel:
        if key not in self._channels:
            self._channels[key] = _Channel(self._new_queue())
        return self._channels[key]

    def _new_queue(self) -> Queue:
        return PlainQueue() if self.settings.plain else Queue()

    def user_key(self, udid: str, user_id: str) -> str:
        """The key of the queue of a user's channel."""
        return self._key({"UDID": udid, "UserID": user_id})

    def _key(self, values: dict[str, Value]) -> str:
        """The key of the queue of whoever sent these members."""
        return text(values, "UserID") or text(values, "UDID") or text(values, "EnrollmentID")

    def _describe(self, event: dict[str, object], body: bytes) -> dict[str, object]:
        """An event about a device's message as its webhook has it."""
        return event


def _members(body: bytes) -> dict[str, Value]:
    """The members of a device's message. MicroMDM reads much that no property list may be
    (docs/dialects.md): where ours cannot, the texts are found by their keys.

    Raises PlistError where none of them says who speaks.
    """
    try:
        return read_plist(body)
    except PlistError:
        found: dict[str, Value] = {
            key.decode(): value.decode(errors="replace") for key, value in _TEXT.findall(body)
        }
        if not {"UDID", "EnrollmentID"} & set(found):
            raise
        return found


_TEXT = re.compile(rb"<key>(\w+)</key>\s*<string>([^<\0]*)</string>")


def _identity(udid: str, enrollment_id: str) -> dict[str, object]:
    members = {"udid": udid, "enrollment_id": enrollment_id}
    return {name: value for name, value in members.items() if value}
