"""A script that breaks a promise becomes a short one that breaks it, too."""

from __future__ import annotations

from collections.abc import Callable

from tests.soak.world.script import Event, Script

Fails = Callable[[Script], bool]


def shrunk(script: Script, fails: Fails, tries: int = 200) -> Script:
    """Drop events while it still `fails`: halves, then quarters, then one by one until none can be
    dropped, or it was tried so many times."""
    left = list(script.events)
    size = max(len(left) // 2, 1)
    while size and tries > 0:
        dropped = False
        start = 0
        while start < len(left) and tries > 0:
            fewer = left[:start] + left[start + size :]
            tries -= 1
            if fails(script.with_events(tuple(fewer))):
                left, dropped = fewer, True
            else:
                start += size
        if not (dropped and size == 1):
            size //= 2
    return script.with_events(tuple[Event, ...](left))
