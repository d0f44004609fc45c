"""The simulator's own evidence of what it was asked, kept without any help from the bridge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple


class Asked(NamedTuple):
    """One licence pair in one associate request: asked at `at` (epoch seconds)."""

    at: float
    library_uid: str
    adam_id: str
    pricing_param: str
    holder: str


class Posted(NamedTuple):
    """One InstallApplication that the MDM server took at `at` (epoch seconds)."""

    at: float
    udid: str
    adam_id: str
    command_uuid: str


class Violation(NamedTuple):
    """A broken promise: `kind` to filter by, `detail` for a person."""

    kind: str
    detail: str


@dataclass
class _Posting:
    """The newest InstallApplication of one app on one device, and what the device had told by then.

    `round` is the device's count of answers that justify another one.
    """

    command_uuid: str
    round: int
    refused: bool = False


@dataclass
class _Udid:
    round: int = 0
    postings: dict[str, _Posting] = field(default_factory=dict)
    open_commands: dict[str, tuple[str, str]] = field(default_factory=dict)


class Ledger:
    """Counts requests, and collects what must never happen.

    Kinds of violation: `asked_while_held` and `asked_while_pending` (a licence pair was asked
    though Apple held it or had an event open for it, within the ten minutes that Apple names),
    `posted_before_licence`, `posted_again_unasked` (the same CommandUUID twice) and
    `second_command` (another CommandUUID), the last two though since the first posting the device
    had neither refused it, nor answered a ManagedApplicationList or RemoveApplication, nor
    enrolled again. `too_fast` is a request that Apple refused with 9646.
    """

    def __init__(self) -> None:
        self.requests: Counter[str] = Counter()
        self.asked_while_held: list[Asked] = []
        self.asked_while_pending: list[Asked] = []
        self.installs_posted: dict[tuple[str, str], list[Posted]] = {}
        self.installs_delivered: Counter[tuple[str, str]] = Counter()
        self._violations: list[Violation] = []
        self._udids: dict[str, _Udid] = {}

    def violations(self) -> list[Violation]:
        """What must never have happened, in order; empty is good."""
        return list(self._violations)

    def request(self, endpoint: str) -> None:
        """Somebody called `endpoint`, such as "apple.associate" or "mdm.command"."""
        self.requests[endpoint] += 1

    def too_fast(self, endpoint: str) -> None:
        """Apple refused a call for its rate."""
        self._violations.append(Violation("too_fast", endpoint))

    def asked(self, asked: Asked, *, held: bool, pending: bool) -> None:
        """A pair was asked while Apple held it, or while an event for it was open."""
        what = f"{asked.adam_id} for {asked.holder} at {asked.at:.3f}"
        if held:
            self.asked_while_held.append(asked)
            self._violations.append(Violation("asked_while_held", what))
        if pending:
            self.asked_while_pending.append(asked)
            self._violations.append(Violation("asked_while_pending", what))

    def posted(self, posted: Posted, *, licensed: bool) -> None:
        """The MDM server accepted an InstallApplication; `licensed` is what Apple knew then."""
        udid = self._udids.setdefault(posted.udid, _Udid())
        self.installs_posted.setdefault((posted.udid, posted.adam_id), []).append(posted)
        what = f"{posted.adam_id} on {posted.udid} as {posted.command_uuid} at {posted.at:.3f}"
        if not licensed:
            self._violations.append(Violation("posted_before_licence", what))
        before = udid.postings.get(posted.adam_id)
        if before is not None and before.round == udid.round and not before.refused:
            same = before.command_uuid == posted.command_uuid
            kind = "posted_again_unasked" if same else "second_command"
            self._violations.append(Violation(kind, what))
        udid.postings[posted.adam_id] = _Posting(posted.command_uuid, udid.round)

    def queued(self, udid: str, command_uuid: str, request_type: str, adam_id: str) -> None:
        """A command was accepted, so that its answer can be told from others."""
        record = self._udids.setdefault(udid, _Udid())
        record.open_commands[command_uuid] = (request_type, adam_id)

    def delivered(self, udid: str, command_uuid: str) -> None:
        """The MDM server handed a command to the device."""
        record = self._udids.get(udid)
        if record and record.open_commands.get(command_uuid, ("",))[0] == "InstallApplication":
            self.installs_delivered[udid, command_uuid] += 1

    def answered(self, udid: str, command_uuid: str, status: str) -> None:
        """A device reported `status` for a command."""
        record = self._udids.get(udid)
        if record is None or command_uuid not in record.open_commands:
            return
        request_type, adam_id = record.open_commands[command_uuid]
        if request_type == "InstallApplication":
            posting = record.postings.get(adam_id)
            if posting and posting.command_uuid == command_uuid and status in _REFUSALS:
                posting.refused = True
        elif status in _EVIDENCE.get(request_type, ()):
            record.round += 1

    def enrolled(self, udid: str) -> None:
        """A device sent Authenticate, or its queue was cleared: what was queued is gone."""
        self._udids.setdefault(udid, _Udid()).round += 1

    def delivered_twice(self) -> list[tuple[str, str]]:
        """(udid, command_uuid) of installs that were handed to the device more than once.

        Not a violation by itself: a NotNow, an unanswered command and MicroMDM's own race repeat
        a delivery without anybody's fault.
        """
        return [key for key, count in self.installs_delivered.items() if count > 1]


_REFUSALS = frozenset({"Error", "CommandFormatError"})
_EVIDENCE = {
    "ManagedApplicationList": frozenset({"Acknowledged"}),
    "RemoveApplication": frozenset({"Acknowledged", "Error"}),  # Error: it is not managed
}
