"""The pause of what a page is about, and the button that begins or ends it."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.domain.pauses import Scope, by_either
from bridge.web.pages.view import Asker


@dataclass(frozen=True, slots=True)
class Pausing:
    """`path` is the page's; `sentence` says what is paused, if it is."""

    path: str
    sentence: str | None


def of(asker: Asker, scope: Scope, name: str, path: str) -> Pausing:
    """How it stands with the pause of one app, device or location."""
    found = (
        each["sentence"]
        for each in asker.bridge.paused(by_either)
        if (each["scope"], each["name"]) == (scope, name)
    )
    return Pausing(path, next(found, None))
