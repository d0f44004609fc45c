"""Where a device's list of managed apps, its declarative status and its licence disagree."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.domain.facts import Facts
from bridge.domain.installs.declared import declared, is_listed_since
from bridge.domain.wording import as_sentence

_WAITS_FOR_APPLE = ("collected", "open", "in_doubt")


@dataclass(frozen=True, slots=True)
class Contradiction:
    """One way in which they disagree: `text` is a half sentence, `mend` says what to do."""

    name: str
    text: str
    mend: str


LISTED_TOO: Final = Contradiction(
    "LISTED_AND_DECLARED",
    "its declarative status has the app, and its newest list of managed apps has it, too, which "
    "leaves out what declarations manage",
    "see in the tool that sends declarations whether one is still meant for the device; the list "
    "counts meanwhile",
)
LICENCE_UNSEEN: Final = Contradiction(
    "LICENSED_AND_NOT_FOUND",
    "its declarative status says that there is no licence for the app, and Apple shows one",
    "let the declaration's License.Assignment be Device, or wait an hour for Apple to tell the "
    "device",
)
UNLICENSED: Final = Contradiction(
    "DECLARED_WITHOUT_LICENCE",
    "its declarative status has the app as installed and managed, and Apple shows no licence for "
    "the device",
    "assign one (vpp-bridge assign), or see whether its user's licence is meant",
)
REFUSED: Final = Contradiction(
    "DECLARED_AND_REFUSED",
    "its declarative status has the app, its list of managed apps leaves it out, and it answered "
    "the bridge's InstallApplication with an error",
    "this is so where a declaration manages an app: set mode: license_only for the app, or take "
    "the declaration away; the bridge sends nothing meanwhile",
)

CONTRADICTIONS: Final = {
    each.name: each for each in (LISTED_TOO, LICENCE_UNSEEN, UNLICENSED, REFUSED)
}


def contradiction(facts: Facts) -> Contradiction | None:
    """How what is known of one install disagrees; one finding each, the first that tells most."""
    told = facts.declared
    if told is None or told.removed:
        return None
    if is_listed_since(facts, told.since):
        return LISTED_TOO
    if declared(facts) is None:
        return None
    has_licence = facts.licence.state == "owned"
    if told.reason == "Error.LicenseNotFound" and has_licence:
        return LICENCE_UNSEEN
    if told.state == "managed" and not has_licence and _was_read(facts):
        return UNLICENSED
    refused = facts.attempt is not None and facts.attempt.state == "error"
    return REFUSED if refused and facts.install.desired else None


def shown(of: Contradiction) -> str:
    """A contradiction as a sentence, with its name."""
    return f"{of.name}: {as_sentence(of.text)}"


def _was_read(facts: Facts) -> bool:
    """Whether Apple's assignments are known and nothing is being asked for."""
    ready = facts.location is not None and facts.location.ready
    return ready and facts.licence.state not in _WAITS_FOR_APPLE
