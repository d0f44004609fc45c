"""How long ago something was, and how long it took, for people."""

from __future__ import annotations

from datetime import datetime

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))


def age(rfc3339: str | None, now: float) -> str:
    """How long ago a time was, or `never`."""
    if rfc3339 is None:
        return "never"
    return ago(now - datetime.fromisoformat(rfc3339).timestamp())


def ago(seconds: float) -> str:
    """`3 min ago`, or `in 3 min` for what lies ahead."""
    size = abs(seconds)
    if size < 1.0:
        return "now"
    return f"{_whole(size)} ago" if seconds > 0 else f"in {_whole(size)}"


def length(seconds: float) -> str:
    """How long something took: `0.3 s`, `12.0 s`, `3 min`."""
    return f"{seconds:.1f} s" if seconds < 60 else _whole(seconds)


def exact(seconds: float) -> str:
    """A length as a file writes it, nothing rounded: `12h`, `90m`, `0.5s`."""
    units = ((size, "m" if name == "min" else name) for size, name in _UNITS if size > 1.0)
    fits = next(((size, name) for size, name in units if seconds and not seconds % size), None)
    return f"{seconds / fits[0]:g}{fits[1]}" if fits else f"{seconds:g}s"


def _whole(seconds: float) -> str:
    unit, name = next((u, n) for u, n in _UNITS if seconds >= u)
    return f"{int(seconds // unit)} {name}"
