"""What a whole answer to an InstallApplication means: its status, error, state and rejection."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from bridge.domain.catalogue.app_statuses import app_status
from bridge.domain.catalogue.device_errors import device_error
from bridge.domain.catalogue.meaning import Meaning
from bridge.domain.catalogue.rejections import rejection
from bridge.domain.model import Attempt

FORMAT_ERROR: Final = "CommandFormatError"

MALFORMED: Final = Meaning("malformed", "the device could not read the command")

_GOOD: Final = ("there", "on_its_way", "asks", "asks_for_login", "deleted")
"""A state of one of these kinds is a promise, which a list has to show. So is `deleted`: that the
app is managed and not there is what an install begins with."""


def answer_meaning(attempt: Attempt) -> Meaning | None:
    """What an answer says against the install; None when it was accepted and a list will tell.

    An error number that is known tells most; then why it was rejected; then the app's state.
    """
    return _meaning(
        attempt.status,
        attempt.state == "acknowledged",
        attempt.error_domain,
        attempt.error_code,
        attempt.rejection_reason,
        attempt.app_state,
    )


@lru_cache(maxsize=1024)
def _meaning(
    status: str | None,
    accepted: bool,
    error_domain: str | None,
    error_code: int | None,
    rejection_reason: str | None,
    app_state: str | None,
) -> Meaning | None:
    """A fleet has few different answers, and each decision asks for one several times."""
    if status == FORMAT_ERROR:
        return MALFORMED
    if accepted and _is_good(rejection_reason, app_state):
        return None
    told = [device_error(error_domain, error_code)]
    if rejection_reason is not None:
        told.append(rejection(rejection_reason))
    if app_state is not None:
        told.append(app_status(app_state))
    known = (meaning for meaning in told if meaning.kind not in ("unknown", "unclear", *_GOOD))
    return next(known, told[0])


def _is_good(rejection_reason: str | None, app_state: str | None) -> bool:
    """Whether an accepted install is on its way: a state that nobody knows is no refusal."""
    if rejection_reason is None:
        return app_status(app_state).kind in (*_GOOD, "unclear")
    return app_status(app_state).kind in _GOOD


def telling_link(chain: Sequence[tuple[str | None, int | None]]) -> int:
    """Which link of an ErrorChain says most: the first that is known, else the first.

    A device that could not reach the App Store cannot know of a licence: the network says more
    than what failed for it, which Apple puts before its cause.
    """
    kinds = [device_error(*link).kind for link in chain]
    known = next((n for n, kind in enumerate(kinds) if kind != "unknown"), 0)
    if "network" in kinds and kinds[known] in ("license_not_visible", "passing"):
        return kinds.index("network")
    return known
