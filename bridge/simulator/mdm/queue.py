"""The command queue of one device: MicroMDM's, and that of a plain server.

Source: MicroMDM 1.13.1, platform/queue/queue.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Command:
    """A command as it is stored and sent, byte for byte."""

    command_uuid: str
    payload: bytes = field(repr=False)


class UnknownStatus(ValueError):
    """A device reported a Status that MicroMDM does not know; it answers 500."""


@dataclass
class Queue:
    """Commands to send, and those that the device put off with NotNow."""

    commands: list[Command] = field(default_factory=list)
    parked: list[Command] = field(default_factory=list)
    last_done: Command | None = None

    def __iter__(self) -> Iterator[Command]:
        """What the queue view shows: sent ones too, parked ones not."""
        return iter(self.commands)

    def add(self, command: Command) -> None:
        """Queue it, even if its uuid is there already."""
        self.commands.append(command)

    def clear(self) -> None:
        """Forget everything."""
        self.commands.clear()
        self.parked.clear()

    def next(self, status: str, command_uuid: str) -> Command | None:
        """Take note of what the device says, and choose what to send it.

        The head is sent and moved to the end, so a device that does not answer gets the next
        one when it comes again. One parked command comes back if there is no other and the device
        did not just say NotNow. Raises UnknownStatus.
        """
        if status in {"Acknowledged", "Error", "CommandFormatError"}:
            self.last_done = self._take(command_uuid)
        elif status == "NotNow":
            if refused := self._take(command_uuid):
                self.parked.append(refused)
        elif status != "Idle":
            raise UnknownStatus(f"unknown response status: {status}")
        if not self.commands and self.parked and status != "NotNow":
            self.commands.append(self.parked.pop(0))
            return self.commands[0]
        if self.commands:
            self.commands.append(self.commands.pop(0))
            return self.commands[-1]
        return None

    def _take(self, command_uuid: str) -> Command | None:
        for place, command in enumerate(self.commands):
            if command.command_uuid == command_uuid:
                return self.commands.pop(place)
        return None


class PlainQueue(Queue):
    """Hands commands out in order, and each again until it is answered.

    What was put off with NotNow comes again when the device comes again, or when it has answered
    all else.
    """

    def next(self, status: str, command_uuid: str) -> Command | None:
        """Take note of what the device says, and choose what to send it. Raises UnknownStatus."""
        if status in {"Acknowledged", "Error", "CommandFormatError"}:
            self._take(command_uuid)
        elif status == "NotNow":
            if refused := self._take(command_uuid):
                self.parked.append(refused)
        elif status != "Idle":
            raise UnknownStatus(f"unknown response status: {status}")
        if status == "Idle" or (not self.commands and status != "NotNow"):
            self.commands[:0], self.parked = self.parked, []
        return self.commands[0] if self.commands else None
