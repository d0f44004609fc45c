"""`status`: how everything stands at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.installs import INSTALLS, filtered, filters_of, page
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Shown
from bridge.cli.params import json_option
from bridge.cli.root import Settings
from bridge.domain import ages
from bridge.domain.counters import explained
from bridge.domain.quiet_hours import moment
from bridge.domain.times import day_of
from bridge.domain.wording import named
from bridge.engine.context import Context
from bridge.engine.insight import status as overview

MOST = 10
"""Reasons that are shown in each table."""
BY_REASON = "vpp-bridge installs --by reason shows all, reasons NAME what one means."
NAMED = "vpp-bridge installs --needs-someone names them, reasons NAME tells what to do."


@click.command()
@filtered
@click.option("--all", "everything", is_flag=True, help="Show the counters and webhook URLs, too.")
@json_option
@click.pass_obj
def status(settings: Settings, /, everything: bool, as_json: bool, **options: Any) -> None:
    """Show installs by state, licences and queues; or list the installs that filters leave.

    What needs somebody comes last, and what there is none of is left out. Times are in
    policy.time_zone, in UTC as JSON. It also names the parts of the file that the running bridge
    does not know until a restart. The exit code is 0 whatever it shows.
    """
    filters = filters_of(options)
    with settings.open_stored() as stored:
        check(stored, serial=options["serial"], adam_id=options["adam_id"])
        if filters:
            shown = Shown(None, "json" if as_json else "table")
            INSTALLS.show(partial(page, stored), shown, **filters)
            return
        restart = settings.restart_needed(stored)
        with stored.read_with_servers() as context:
            report = overview.report(context, stored.config, stored.database, stored.engine_lock)
    report["restart_needed"] = restart
    show.as_json(report) if as_json else _Overview(report, context, everything).show()


@dataclass(frozen=True)
class _Overview:
    """What a person sees; with `everything` also what is seldom of use."""

    report: Mapping[str, Any]
    context: Context
    everything: bool

    def show(self) -> None:
        report = self.report
        engine = next(part for part in report["parts"] if part["name"] == "engine")
        show.line(f"Engine: {'running' if engine['ok'] else engine['detail']}")
        self._installs(report["installs"], report["applied_at"])
        _licences(report["licences"])
        self._users(report["users"])
        self._setup(report["setup"])
        self._outside(report)
        self._queues(report["queues"])
        if self.everything and report["counters"]:
            show.heading("Counted since the beginning")
            counters = report["counters"].items()
            show.table(("counter", "times", "what"), [(n, v, explained(n)) for n, v in counters])
        _ways("On their way", report["installs"]["on_its_way"], BY_REASON)
        _contradictions(report["contradictions"])
        self._attention(report)
        self._alerts(report["alerts"])
        _ways("Needs somebody", report["installs"]["needs_someone"], NAMED)

    def _at(self, rfc3339: str | None) -> str:
        """A time in the policy's zone, and how long ago it was."""
        if rfc3339 is None:
            return "never"
        at = datetime.fromisoformat(rfc3339).timestamp()
        return f"{moment(at, self.context.policy)}, {self._ago(rfc3339)}"

    def _ago(self, rfc3339: str | None) -> str:
        return ages.age(rfc3339, self.context.now)

    def _attention(self, report: Mapping[str, Any]) -> None:
        if report["restart_needed"]:
            show.line(f"Attention: {show.restart_line(report['restart_needed'])}")
        for part in report["parts"]:
            if not part["ok"] and part["name"] != "engine":
                show.line(f"Attention: {part['name']}: {part['detail']}")

    def _alerts(self, firing: Sequence[Mapping[str, Any]]) -> None:
        """What people are told of, and whether they have been; Attention says what is so."""
        if firing:
            show.heading("Alerts")
        for each in firing:
            told = [_told(receiver) for receiver in each["receivers"]]
            subject = " ".join(each["subject"].values())
            whom = ", ".join(told) or "nobody is told: alerts in the file names no receiver of it"
            since = self._at(each["since"])
            show.line(f"{each['alert']} {subject}: firing since {since}; {whom}")

    def _installs(self, installs: Mapping[str, Any], applied_at: str | None) -> None:
        show.heading("Installs")
        gone = installs["no_longer_wanted"]
        also = f"; {gone} no longer wanted" if gone else ""
        show.line(f"{installs['wanted']} wanted, last applied {self._at(applied_at)}{also}")
        if installs["apps"]:
            show.table(
                ("app", "name", "wanted", "done", "on its way", "needs somebody"),
                [(a["adam_id"], a["name"], *_counts(a)) for a in installs["apps"]],
                crop=True,
            )

    def _users(self, users: Sequence[Mapping[str, Any]]) -> None:
        """How the users stand of whom something is wanted; nothing where there are none."""
        by_location: dict[str, list[str]] = {}
        for each in users:
            words = f"{each['users']} {each['state']}"
            by_location.setdefault(each["location"], []).append(words)
        if by_location:
            show.heading("Users")
        for location, counts in by_location.items():
            show.line(f"{location}: {', '.join(counts)}; vpp-bridge users lists them")

    def _setup(self, waiting: Sequence[Mapping[str, Any]]) -> None:
        """Who is in Setup Assistant; nothing where nobody is."""
        if not waiting:
            return
        show.heading("In Setup Assistant")
        for each in waiting[:MOST]:
            who = each["serial_number"] or each["udid"]
            show.line(f"{each['name'] or 'device'} ({who}): {each['sentence']}")
        if len(waiting) > MOST:
            show.line(f"{len(waiting) - MOST} devices more: vpp-bridge status --json has them.")

    def _outside(self, report: Mapping[str, Any]) -> None:
        if report["locations"]:
            show.heading("Locations")
            times = ("token_expires_at", "assets_read_at", "assignments_read_at")
            show.table(
                ("location", "at Apple", "token ends", "assets", "assignments", "notified"),
                [
                    (
                        each["name"],
                        each["location_name"],
                        *(self._ago(each[name]) for name in (*times, "last_notification_at")),
                    )
                    for each in report["locations"]
                ],
            )
        if report["servers"]:
            show.heading("MDM servers")
            show.table(
                ("server", "devices", "enrolled", "list read", "last webhook", "behind"),
                [
                    (
                        each["name"],
                        each["devices"],
                        each["enrolled"],
                        self._ago(each["devices_read_at"]),
                        self._ago(each["last_webhook_at"]),
                        ages.length(each["webhooks_behind_s"])
                        if each["webhooks_behind_s"]
                        else "no",
                    )
                    for each in report["servers"]
                ],
            )
            self._urls(report["servers"])

    def _urls(self, servers: Sequence[Mapping[str, Any]]) -> None:
        """What a server is to be started with, for as long as it sent nothing."""
        silent = [each for each in servers if self.everything or each["last_webhook_at"] is None]
        for each in silent:
            show.line(f"{each['name']}: {each['webhook_flag']} {each['webhook_url']}")
        if silent:
            show.line("(webhook_key percent-encoded: vpp-bridge doctor --webhook-url prints it)")

    def _queues(self, queues: Mapping[str, Any]) -> None:
        inbox = queues["inbox"]
        oldest = f", the oldest {self._at(inbox['oldest_at'])}" if inbox["waiting"] else ""
        said = {
            "inbox": _some(waiting=inbox["waiting"], set_aside=inbox["set_aside"]) + oldest,
            "outbox": _some(open=queues["outbox"]["open"]),
            "requests to Apple": _some(**queues["requests"]),
            "commands": _some(**queues["commands"]),
        }
        if any(said.values()):
            show.heading("Queues")
            show.pairs({name: text for name, text in said.items() if text})


def _contradictions(found: Sequence[Mapping[str, Any]]) -> None:
    """Where what devices and Apple tell disagrees; doctor says what to mend."""
    if not found:
        return
    show.heading("Contradictions")
    for each in found:
        show.line(f"{each['sentence']} (vpp-bridge doctor says what to mend)")


def _counts(app: Mapping[str, Any]) -> tuple[int, int, int, int]:
    wanted = sum(app["by_state"].values())
    done, needing = app["done"], app["needs_someone"]
    return wanted, done, wanted - done - needing, needing


def _told(receiver: Mapping[str, Any]) -> str:
    """How it stands with one receiver."""
    if receiver["told"] == "firing":
        return f"{receiver['receiver']} was told"
    return f"{receiver['receiver']} is not told yet: {receiver['answer'] or 'in a moment'}"


def _ways(title: str, ways: Sequence[Mapping[str, Any]], more: str) -> None:
    """How many installs are in which state for which reason; `more` tells all of it."""
    if not ways:
        return
    show.heading(title)
    show.table(
        ("installs", "state", "reason", "who must act"),
        [(n["count"], n["state"], n["reason"], n["who_must_act"]) for n in ways[:MOST]],
        crop=True,
    )
    if len(ways) > MOST:
        show.line(f"{len(ways) - MOST} reasons more.")
    show.line(more)


def _licences(licences: list[Mapping[str, Any]]) -> None:
    if not licences:
        return
    show.heading("Licences")
    shown = [each for each in licences if each["wanted"] or each["held_by_us"]]
    if shown:
        show.table(
            ("location", "app", "name", "price", "total", "free", "in use", "by us", "wanted"),
            [
                (
                    each["location"],
                    each["adam_id"],
                    each["name"],
                    each["pricing_param"],
                    _total(each),
                    "unlimited" if each["unlimited"] else each["free"],
                    each["held"],
                    each["held_by_us"],
                    each["wanted"],
                )
                for each in shown
            ],
            crop=True,
            spare=("price",),
        )
    for each in shown:
        if each["last_seat_at"] is not None:
            day = day_of(datetime.fromisoformat(each["last_seat_at"]).timestamp())
            name = each["name"] or each["adam_id"]
            show.line(f"{each['location']}, {name}: at this rate the last seat goes on {day}.")
        if each["retired"] and not each["unlimited"] and (each["free"] or 0) <= 0:
            name = each["name"] or each["adam_id"]
            retired = f"{each['retired']} of {each['total']} are retired, and nobody can be given"
            show.line(f"{each['location']}, {name}: {retired} them.")
    others = [
        f"{each['name']} ({each['adam_id']})" if each["name"] else each["adam_id"]
        for each in licences
        if each not in shown
    ]
    if others:
        show.line(f"Nobody wants {named(others)}.")


def _total(licence: Mapping[str, Any]) -> object:
    if licence["unlimited"]:
        return "unlimited"
    if licence["odd"] is not None:
        return "cannot be read"
    return 0 if licence["read_at"] is None else licence["total"]


def _some(**counts: int) -> str:
    """`3 open, 1 in doubt`; nothing of what there is none of."""
    return ", ".join(f"{n} {what.replace('_', ' ')}" for what, n in counts.items() if n)
