"""The first page: does the fleet have its apps, what is stuck, and whose turn is it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from bridge.domain import ages
from bridge.domain.licences.token_end import warning_due
from bridge.domain.pauses import by_either
from bridge.domain.wording import as_sentence, counted
from bridge.web.pages import charts, installs, paths, states
from bridge.web.pages.table import EXPORTED_AT_ONCE, Column, Row, Table
from bridge.web.pages.times import Times
from bridge.web.pages.view import Asker, View

MOST = 20
"""Installs that need somebody and are named; the others are counted, and stand in the CSV."""

Light = Literal["good", "bad", "waiting"]


@dataclass(frozen=True, slots=True)
class Lamp:
    """How one thing does: a light, what it says, and how old that is."""

    name: str
    light: Light
    text: str
    age: str = ""
    path: str | None = None


@dataclass(frozen=True, slots=True)
class AppBar:
    """An app with its installs by state and its seats."""

    name: str
    path: str
    parts: Sequence[states.Part]
    done: int
    wanted: int
    needing: int
    seats: str
    seats_used: float | None


def page(asker: Asker) -> View:
    """The overview."""
    report = asker.bridge.overview()
    apps = report["installs"]["apps"]
    light, sentence = verdict(report)
    confirmed = asker.bridge.confirmations()
    moments = asker.bridge.moments(report["installs"]["by_state"])
    drawn = [charts.states(moments, asker.times), charts.confirmations(confirmed, asker.times)]
    found = [chart for chart in drawn if chart is not None]
    alerts = alerts_table(report)
    tables = [_needing(asker, apps), apps_table(report), alerts, *(chart.table for chart in found)]
    context = {
        "light": light,
        "sentence": sentence,
        "needing": tables[0],
        "apps": bars(report),
        "lamps": list(lamps(report, asker.times)),
        "alerts": alerts,
        "pauses": report["pauses"],
        "ways": report["installs"]["needs_someone"],
        "charts": found,
        "applied": asker.times.age(report["applied_at"]),
    }
    return View("overview.html", "Overview", tables, context)


def verdict(report: Mapping[str, Any]) -> tuple[Light, str]:
    """Whether all is well, in one sentence."""
    wrong = [part for part in report["parts"] if not part["ok"]]
    fatal = [part for part in wrong if part["severity"] == "fatal"]
    counts = report["installs"]
    wanted, done = counts["wanted"], sum(app["done"] for app in counts["apps"])
    needing = sum(app["needs_someone"] for app in counts["apps"])
    if fatal:
        return "bad", as_sentence(f"{fatal[0]['name']}: {fatal[0]['detail']}")
    if needing:
        also = f", and {_looked_at(wrong)}" if wrong else ""
        verb = "needs" if needing == 1 else "need"
        return "bad", f"{needing} of {counted(wanted, 'install')} {verb} somebody{also}."
    if wrong:
        return "bad", as_sentence(_looked_at(wrong))
    if not wanted:
        return "good", "No app is wanted yet: vpp-bridge apply stores what the file wants."
    if done == wanted:
        return "good", f"All is well: {done} of {counted(wanted, 'install')} are done."
    left = wanted - done
    return "good", (
        f"All goes by itself: {done} of {counted(wanted, 'install')} are done, {left} on the way."
    )


def _looked_at(wrong: Sequence[Mapping[str, Any]]) -> str:
    names = ", ".join(part["name"] for part in wrong)
    return f"{names} {'needs' if len(wrong) == 1 else 'need'} a look"


def _needing(asker: Asker, apps: Sequence[Mapping[str, Any]]) -> Table:
    stuck = [app["adam_id"] for app in apps if app["needs_someone"]]
    whole = sum(app["needs_someone"] for app in apps)

    def every() -> Iterator[Row]:
        for adam_id in stuck:
            cursor = None
            while True:
                page = _needing_of(asker, adam_id, EXPORTED_AT_ONCE, cursor)
                yield from map(installs.needing, page.items)
                cursor = page.next_cursor
                if cursor is None:
                    break

    rows: list[Row] = []
    for adam_id in stuck:
        if len(rows) < MOST:
            found = _needing_of(asker, adam_id, MOST - len(rows), None)
            rows += map(installs.needing, found.items)
    note = f"The first {MOST} of {whole}; the CSV has all." if whole > MOST else ""
    empty = "Nobody has to do anything."
    return Table(
        "needs-somebody",
        "Needs somebody",
        installs.NEEDS,
        rows,
        empty=empty,
        note=note,
        every=every,
    )


def _needing_of(asker: Asker, adam_id: str, limit: int, cursor: str | None) -> Any:
    return asker.bridge.list_installs(
        adam_id=adam_id, needs_someone=True, limit=limit, cursor=cursor, way=by_either
    )


def seats_of(report: Mapping[str, Any]) -> dict[str, tuple[int | None, int]]:
    """By adam id, how many seats all locations own (None: without a limit), and how many are in
    use."""
    found: dict[str, tuple[int | None, int]] = {}
    for each in report["licences"]:
        total, held = found.get(each["adam_id"], (0, 0))
        own = None if each["unlimited"] or total is None else total + (each["total"] or 0)
        found[each["adam_id"]] = own, held + each["held"]
    return found


def bars(report: Mapping[str, Any]) -> list[AppBar]:
    """A bar for each app that is wanted."""
    seats = seats_of(report)
    found = []
    for app in report["installs"]["apps"]:
        total, held = seats.get(app["adam_id"], (0, 0))
        found.append(
            AppBar(
                app["name"] or app["adam_id"],
                paths.app(app["adam_id"]),
                states.bar(app["by_state"]),
                app["done"],
                sum(app["by_state"].values()),
                app["needs_someone"],
                f"{held} in use, without a limit" if total is None else f"{held} of {total} seats",
                None if not total else min(1000.0 * held / total, 1000.0),
            )
        )
    return sorted(found, key=lambda bar: (-bar.needing, bar.name.lower()))


def apps_table(report: Mapping[str, Any]) -> Table:
    """The apps that are wanted, as a table."""
    seats = seats_of(report)
    there = [state for state in states.ORDER if report["installs"]["by_state"].get(state)]
    columns = [Column("app"), Column("adam id"), Column("wanted", "number")]
    columns += [Column(state.replace("_", " "), "number") for state in there]
    columns += [Column("needs somebody", "number"), Column("seats", "number")]
    columns += [Column("seats in use", "number")]
    rows = [
        (
            paths.to_app(app, "name"),
            app["adam_id"],
            sum(app["by_state"].values()),
            *(app["by_state"].get(state, 0) for state in there),
            app["needs_someone"],
            *seats.get(app["adam_id"], (0, 0)),
        )
        for app in report["installs"]["apps"]
    ]
    return Table("apps", "Apps", columns, rows, empty="No app is wanted yet.")


_ALERTS = (
    Column("alert"),
    Column("what is so", "words"),
    Column("firing since", "time"),
    Column("told to"),
    Column("last answer", "words"),
)


def alerts_table(report: Mapping[str, Any]) -> Table:
    """What fires, and who was told of it: a row for each receiver, or one for nobody."""
    rows: list[Row] = []
    for alert in report["alerts"]:
        for told in alert["receivers"] or [{"receiver": None, "answer": "nobody is told of it"}]:
            given = (told["receiver"], told["answer"])
            rows.append((alert["alert"], alert["sentence"], alert["since"], *given))
    return Table("alerts", "Alerts", _ALERTS, rows, empty="No alert fires.")


def lamps(report: Mapping[str, Any], times: Times) -> Iterator[Lamp]:
    """The engine, each server's webhooks, each location's notifications and token; and whatever
    else is wrong."""
    parts = {part["name"]: part for part in report["parts"]}
    yield _of_part("Engine", parts["engine"], "runs")
    for server in report["servers"]:
        name = f"webhook {server['name']}"
        if name in parts:
            yield _of_part(f"Webhooks of {server['name']}", parts[name], "come in")
    for location in report["locations"]:
        yield _notification(location, times)
        yield _token(location, times)
    shown = {"engine", *(f"webhook {server['name']}" for server in report["servers"])}
    for part in report["parts"]:
        if not part["ok"] and part["name"] not in shown:
            yield _of_part(part["name"].capitalize(), part, "")


def _of_part(name: str, part: Mapping[str, Any], good: str) -> Lamp:
    age = part["age_s"]
    light: Light = "good" if part["ok"] else "bad"
    if part["ok"] and age is None:
        light = "waiting"
    shown = "" if age is None else ages.ago(age)
    return Lamp(name, light, part["detail"] or good, shown)


def _notification(location: Mapping[str, Any], times: Times) -> Lamp:
    at, name = location["last_notification_at"], location["name"]
    path = paths.location(name)
    if at is None:
        return Lamp(f"Apple’s notifications to {name}", "waiting", "none came yet", path=path)
    return Lamp(f"Apple’s notifications to {name}", "good", "come in", times.age(at), path)


def _token(location: Mapping[str, Any], times: Times) -> Lamp:
    ends, name = location["token_expires_at"], location["name"]
    path = paths.location(name)
    if ends is None:
        return Lamp(f"Token of {name}", "waiting", "its end is not known yet", path=path)
    end = datetime.fromisoformat(ends).timestamp()
    text = f"{'ended' if end <= times.now else 'ends'} {times.day(end)}"
    light: Light = "bad" if warning_due(end, times.now) is not None else "good"
    return Lamp(f"Token of {name}", light, text, times.age(ends), path)
