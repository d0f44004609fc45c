"""Charts as geometry: what templates draw as SVG, in a box of 1000 by 1000, zero below.

The box is stretched to its place, so nothing in it has a width of its own: the stylesheet draws all
lines as wide as they are meant. Labels stand beside it, as text. Behind each chart is a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from bridge.domain import ages
from bridge.engine.insight.charts import Confirmations, Moment, Usage
from bridge.web.pages.states import ORDER, TONES
from bridge.web.pages.table import Column, Table
from bridge.web.pages.times import Times

SIZE = 1000.0
LEAST_POINTS = 2


@dataclass(frozen=True, slots=True)
class Shape:
    """A path of SVG, drawn as the stylesheet says for its class."""

    cls: str
    path: str


@dataclass(frozen=True, slots=True)
class Chart:
    """`sentence` says what it shows, `key` what each class of shapes is; the labels are those of
    the axes."""

    name: str
    title: str
    sentence: str
    shapes: Sequence[Shape]
    key: Sequence[tuple[str, str]]
    top: str
    left: str
    right: str
    table: Table
    bottom: str = field(default="0")


def states(moments: Sequence[Moment], times: Times) -> Chart | None:
    """How many installs were in each state; None as long as there is nothing to compare."""
    if len(moments) < LEAST_POINTS:
        return None
    most = max(sum(each.counts.values()) for each in moments) or 1
    begin, end = moments[0].at, moments[-1].at
    across = [SIZE * (each.at - begin) / (end - begin or 1.0) for each in moments]
    there = [state for state in ORDER if any(each.counts.get(state) for each in moments)]
    floor = [0.0] * len(moments)
    shapes = []
    for state in there:
        ceiling = [
            low + SIZE * each.counts.get(state, 0) / most
            for low, each in zip(floor, moments, strict=True)
        ]
        upper = [*zip(across, ceiling, strict=True)]
        lower = [*zip(across, floor, strict=True)]
        shapes.append(Shape(f"area t-{TONES[state]} s-{state}", _path(upper + lower[::-1]) + "Z"))
        floor = ceiling
    installed = moments[-1].counts.get("installed", 0)
    table = Table(
        "states-over-time",
        "Installs by state over time",
        [Column("time"), *(Column(_words(state), "number") for state in there)],
        [
            (times.minute(each.at), *(each.counts.get(state, 0) for state in there))
            for each in moments
        ],
    )
    whole = sum(moments[-1].counts.values())
    return Chart(
        "states",
        "Installs by state",
        f"From {times.minute(begin)} to {times.minute(end)}; now {installed} of {whole} are "
        "installed.",
        shapes,
        [(f"t-{TONES[state]} s-{state}", _words(state)) for state in there],
        f"{most}",
        times.minute(begin),
        "now",
        table,
    )


def confirmations(found: Confirmations, times: Times) -> Chart | None:
    """How soon each of the newest requests was confirmed, and by whom; None if none was."""
    if not found.times:
        return None
    took = [each.settled_at - each.submitted_at for each in found.times]
    most = max(*took, 0.001)
    begin, end = found.times[0].submitted_at, found.times[-1].submitted_at
    shapes = []
    for who in found.medians:
        marks = [
            f"M{_at(SIZE * (each.submitted_at - begin) / (end - begin or 1.0))} "
            f"{_at(SIZE - SIZE * length / most)}h.01"
            for each, length in zip(found.times, took, strict=True)
            if each.settled_by == who
        ]
        shapes.append(Shape(f"dot w-{who}", "".join(marks)))
    middles = ", ".join(f"{ages.length(m)} by {who}" for who, m in found.medians.items())
    table = Table(
        "confirmations",
        "Confirmations of Apple's",
        [
            Column("asked"),
            Column("location"),
            Column("licences", "number"),
            Column("told first by"),
            Column("seconds", "number"),
        ],
        [
            (times.at(c.submitted_at), c.location, c.count, c.settled_by, round(length, 1))
            for c, length in reversed([*zip(found.times, took, strict=True)])
        ],
    )
    return Chart(
        "confirmations",
        "How soon Apple confirmed",
        f"Half of the requests were confirmed within: {middles}.",
        shapes,
        [(f"w-{who}", f"told by {who}") for who in found.medians],
        ages.length(most),
        times.minute(begin),
        times.minute(end),
        table,
    )


def licences(usage: Usage, times: Times, app: str) -> Chart | None:
    """How many licences were in use, how many there are, and when the last one goes."""
    if len(usage.days) < LEAST_POINTS:
        return None
    begin = usage.days[0][0]
    end = usage.days[-1][0]
    newest = usage.days[-1][1]
    forecast: list[tuple[float, float]] = []
    if usage.last_seat_at is not None and usage.total is not None:
        shown_to = min(usage.last_seat_at, end + 2 * (end - begin))
        part = (shown_to - end) / (usage.last_seat_at - end or 1.0)
        forecast = [(end, newest), (shown_to, newest + part * (usage.total - newest))]
        end = shown_to
    most = max(*(used for _, used in usage.days), usage.total or 0, 1) * 1.05

    def place(at: float, used: float) -> tuple[float, float]:
        return SIZE * (at - begin) / (end - begin or 1.0), SIZE * used / most

    shapes = [Shape("line used", _path([place(*day) for day in usage.days]))]
    key = [("used", "in use")]
    if usage.total is not None:
        shapes.append(Shape("line total", _path([place(at, usage.total) for at in (begin, end)])))
        key.append(("total", "owned"))
    if forecast:
        shapes.append(Shape("line forecast", _path([place(*each) for each in forecast])))
        key.append(("forecast", "forecast"))
    goes = usage.last_seat_at
    ahead = f" The last one goes about {times.day(goes)}." if goes is not None else ""
    owned = "" if usage.total is None else f" of {usage.total}"
    table = Table(
        f"licences-{usage.location}-{usage.pricing_param.lower()}",
        f"Licences of {usage.location} ({usage.pricing_param}) in use",
        [Column("day"), Column("in use", "number"), Column("more than before", "number")],
        [
            (times.day(day), used, used - before)
            for (_, before), (day, used) in pairwise([usage.days[0], *usage.days])
        ],
    )
    return Chart(
        table.name,
        f"Licences of {app}, {usage.location}",
        f"{newest}{owned} are in use.{ahead}",
        shapes,
        key,
        f"{most / 1.05:.0f}",
        times.day(begin),
        times.day(end),
        table,
    )


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{_at(x)} {_at(SIZE - y)}" for x, y in points)


def _at(place: float) -> str:
    return f"{place:.1f}".removesuffix(".0")


def _words(state: str) -> str:
    return state.replace("_", " ")
