"""What `why` says of an install, as it is drawn: the steps in order, each with the time it took."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Literal

from bridge.domain import ages
from bridge.domain.views.installs import ExplainedInstall, Step
from bridge.web.pages import paths
from bridge.web.pages.table import Column, Link, Table
from bridge.web.pages.times import Times

Who = Literal["wish", "apple", "mdm", "device"]
"""Whose step it was, as the drawing marks it: ours, or what Apple, the server or a device said."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One step: when, how long after the one before, what, and where more of it is told."""

    at: str
    after: str
    what: str
    who: Who
    more: Sequence[Link]


@dataclass(frozen=True, slots=True)
class Explained:
    """An install with its explanation. `open` says that it is shown at once, as it is not done."""

    install: ExplainedInstall
    marks: Sequence[Mark]
    when: str
    open: bool
    table: Table


def explained(install: ExplainedInstall, times: Times) -> Explained:
    """What the page of a device shows of one app."""
    explanation, steps = install["explanation"], install["trail"]
    before: list[Step | None] = [None, *steps]
    marks = [_mark(step, was, times) for was, step in pairwise(before) if step is not None]
    name = f"timeline-{install['adam_id']}"
    columns = (Column("at", "time"), Column("step", "words"), Column("of"))
    title = f"What happened for {install['app_name'] or install['adam_id']}"
    rows = [(step["at"], step["step"], _of(step)) for step in steps]
    at, words = explanation["next_at"], explanation["when"] or ""
    moment = "" if at is None else f"{times.shown(at)}, {times.age(at)}"
    return Explained(
        install,
        marks,
        f"{words}; otherwise {moment}" if words and moment else words or moment,
        install["needs_someone"] or install["state"] not in ("installed", "licensed", "removed"),
        Table(name, title, columns, rows),
    )


def _mark(step: Step, before: Step | None, times: Times) -> Mark:
    after = ""
    if before is not None:
        length = _seconds(step["at"]) - _seconds(before["at"])
        after = f"+{ages.length(length)}" if length >= 0.05 else ""
    more = []
    if "event" in step:
        more.append(Link(f"message {step['event']}", paths.event(step["event"])))
    elif (call := step.get("outbox")) is not None:
        more.append(Link(f"call {call}", paths.call(call)))
    return Mark(step["at"], after, step["step"], _who(step), more)


def _who(step: Step) -> Who:
    if "command_uuid" in step:
        return "device" if "event" in step else "mdm"
    if "outbox" in step or "apple_event_id" in step:
        return "apple"
    return "device" if "list from the device" in step["step"] else "wish"


def _of(step: Step) -> str:
    found = [
        f"{word} {value}"
        for word, value in (
            ("message", step.get("event")),
            ("call", step.get("outbox")),
            ("Apple's event", step.get("apple_event_id")),
            ("command", step.get("command_uuid")),
        )
        if value
    ]
    return ", ".join(found)


def _seconds(rfc3339: str) -> float:
    return datetime.fromisoformat(rfc3339).timestamp()
