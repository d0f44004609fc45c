"""What a word or a number of a device may mean, and what follows: one treatment for each kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

AnswerKind = Literal[
    "there",
    "on_its_way",
    "asks",
    "asks_for_login",
    "in_progress",
    "unclear",
    "license_not_visible",
    "copy",
    "copy_stays",
    "login_required",
    "rejected",
    "deleted",
    "not_arrived",
    "not_managed",
    "passing",
    "busy",
    "network",
    "impossible",
    "malformed",
    "unknown",
]

Again = Literal["never", "looks", "retry", "for_ever", "prompts", "gone"]
"""When the install is sent again: never without a person's retry; `looks`: it is not, lists are
asked for instead; `retry`: as policy.install.license_retry says; `for_ever`: as that says, and then
again and again at its last wait; `prompts`: as policy.prompts.again
says, outside of quiet hours; `gone`: once the copy in the way is gone, and with take_over as
policy.install.license_retry says."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """One word or number: its kind, and the cause in plain words."""

    kind: AnswerKind
    cause: str


@dataclass(frozen=True, slots=True)
class Treatment:
    """What follows an answer of one kind, to an install.

    `reason` is given while the bridge goes on by itself, `at_last` once that has come to its end;
    who must act stands with each reason. `does` is what the bridge does next, in words.
    """

    reason: str
    at_last: str
    does: str
    again: Again


TREATMENTS: Final[dict[AnswerKind, Treatment]] = {
    "there": Treatment("INSTALLED", "INSTALLED", "looks again in every list", "looks"),
    "on_its_way": Treatment("INSTALLING", "NOT_SEEN", "asks for its apps again", "looks"),
    "in_progress": Treatment("ACKNOWLEDGED", "NOT_SEEN", "asks for its apps again", "looks"),
    "unclear": Treatment("ACKNOWLEDGED", "NOT_SEEN", "asks for its apps again", "looks"),
    "asks": Treatment("PROMPTING", "PROMPT_UNANSWERED", "waits, then asks once more", "prompts"),
    "asks_for_login": Treatment(
        "PROMPTING", "LOGIN_REQUIRED", "waits, then tries again", "prompts"
    ),
    "login_required": Treatment(
        "LOGIN_REQUIRED", "LOGIN_REQUIRED", "tries again on another day", "prompts"
    ),
    "rejected": Treatment("USER_REJECTED", "USER_REJECTED", "asks on another day", "prompts"),
    "license_not_visible": Treatment(
        "LICENSE_NOT_VISIBLE",
        "LICENSE_NEVER_VISIBLE",
        "reads the assignment, looks for a copy that is not managed, and tries again",
        "retry",
    ),
    "passing": Treatment("RETRY_LATER", "ATTEMPTS_USED_UP", "tries again", "retry"),
    "busy": Treatment("RETRY_LATER", "ATTEMPTS_USED_UP", "tries again", "retry"),
    "network": Treatment("NETWORK_TROUBLE", "NETWORK_TROUBLE", "tries again", "for_ever"),
    "not_managed": Treatment("RETRY_LATER", "ATTEMPTS_USED_UP", "tries again", "retry"),
    "unknown": Treatment("RETRY_LATER", "ATTEMPTS_USED_UP", "tries again", "retry"),
    "copy": Treatment("UNMANAGED_COPY", "UNMANAGED_COPY", "looks whether the copy is gone", "gone"),
    "copy_stays": Treatment(
        "UNMANAGED_COPY", "UNMANAGED_COPY", "looks whether the copy is gone", "gone"
    ),
    "deleted": Treatment("APP_DELETED", "APP_DELETED", "looks whether it is back", "never"),
    "not_arrived": Treatment(
        "NOT_ARRIVED", "NEVER_ARRIVED", "looks again, then sends it again", "retry"
    ),
    "impossible": Treatment("DEVICE_REFUSED", "DEVICE_REFUSED", "nothing more", "never"),
    "malformed": Treatment("COMMAND_MALFORMED", "COMMAND_MALFORMED", "nothing more", "never"),
}
