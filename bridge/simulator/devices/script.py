"""Planned answers of a simulated device: what it does instead of what it should do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Deed = Literal[
    "not_now",
    "error",
    "command_format_error",
    "prompting",
    "user_rejected",
    "silent",
    "installs_silently",
    "installs_for_ever",
    "install_fails",
    "never_arrives",
    "answers_twice",
]

MDM_ERROR = "MCMDMErrorDomain"
LICENCE_ERROR = "ASDServerErrorDomain"
STORE_ERROR = "ASDErrorDomain"

DECLARED = 12100
"""The number of an error that stands in no list of Apple's: which one a device gives where a
declaration manages the app is not documented."""

KIOSK_ERROR, KIOSK = "DeviceManagement.error", 1407
"""How a device refuses that shows a single app. Source: reports of administrators."""

TEXTS = {
    (KIOSK_ERROR, KIOSK): "The request can not be answered on the device.",
    (LICENCE_ERROR, 9610): "License not found",
    (STORE_ERROR, 506): "Duplicate request",
    (MDM_ERROR, 12021): "The command is not supported.",
    (MDM_ERROR, 12023): "The iTunes Store ID of the application could not be validated.",
    (MDM_ERROR, 12025): "The app is already installed.",
    (MDM_ERROR, 12029): "The app is not managed.",
    (MDM_ERROR, DECLARED): "The app is managed declaratively.",
    (MDM_ERROR, 12040): "The iTunes Store login is required.",
    ("MDMErrorDomain", 12064): "Could not retrieve license for the app.",
}
"""LocalizedDescription by domain and code. Source: archived Apple MDM Protocol Reference, and what
administrators report."""


@dataclass(frozen=True)
class Planned:
    """One deed, done the next `times` times (0: always) that a matching command comes.

    It matches the request type, and the adam id unless that is "".
    """

    deed: Deed
    adam_id: str = ""
    times: int = 1
    request_type: str = "InstallApplication"
    domain: str = ""
    code: int = 0


def not_now(times: int = 1, adam_id: str = "", request_type: str = "InstallApplication") -> Planned:
    """Busy: ask again later."""
    return Planned("not_now", adam_id, times, request_type)


def error(
    domain: str,
    code: int,
    times: int = 1,
    adam_id: str = "",
    request_type: str = "InstallApplication",
) -> Planned:
    """Status Error with this as the first link of the ErrorChain."""
    return Planned("error", adam_id, times, request_type, domain, code)


def command_format_error(times: int = 1, request_type: str = "InstallApplication") -> Planned:
    """The device does not understand the command."""
    return Planned("command_format_error", "", times, request_type)


def prompting(adam_id: str = "", times: int = 1) -> Planned:
    """Acknowledged with State Prompting; nothing more until `Device.answer_prompt`."""
    return Planned("prompting", adam_id, times)


def user_rejected(adam_id: str = "", times: int = 1) -> Planned:
    """Acknowledged with State Prompting; the user says no, and one list tells it once."""
    return Planned("user_rejected", adam_id, times)


def silent(times: int = 1, adam_id: str = "", request_type: str = "InstallApplication") -> Planned:
    """Takes the command, does nothing and never answers; the connection ends."""
    return Planned("silent", adam_id, times, request_type)


def installs_silently(times: int = 1, adam_id: str = "") -> Planned:
    """Does install, but its answer never reaches the server."""
    return Planned("installs_silently", adam_id, times)


def installs_for_ever(adam_id: str = "", times: int = 1) -> Planned:
    """Starts an install that never ends: every list says Installing."""
    return Planned("installs_for_ever", adam_id, times)


def install_fails(adam_id: str = "", times: int = 1) -> Planned:
    """Acknowledges, installs for a while and fails; one list tells it once."""
    return Planned("install_fails", adam_id, times)


def never_arrives(adam_id: str = "", times: int = 1) -> Planned:
    """Acknowledges and installs nothing: every list says ManagedButUninstalled."""
    return Planned("never_arrives", adam_id, times)


def answers_twice(times: int = 1, request_type: str = "InstallApplication") -> Planned:
    """Sends the same answer two times."""
    return Planned("answers_twice", "", times, request_type)


class Script:
    """Planned deeds with their counters."""

    def __init__(self) -> None:
        self._planned: list[tuple[Planned, int]] = []

    def add(self, *planned: Planned) -> None:
        """Plan more, after what is planned already."""
        self._planned.extend((item, item.times) for item in planned)

    def forget(self) -> None:
        """Do from now on what a device should do."""
        self._planned.clear()

    def take(self, request_type: str, adam_id: str) -> Planned | None:
        """The first deed that matches, counted down; None for what a device should do."""
        for place, (planned, left) in enumerate(self._planned):
            if planned.request_type == request_type and planned.adam_id in {"", adam_id}:
                if left == 1:
                    del self._planned[place]
                elif left:
                    self._planned[place] = (planned, left - 1)
                return planned
        return None
