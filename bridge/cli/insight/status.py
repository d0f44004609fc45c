"""`status`: how everything stands at a glance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.installs import INSTALLS, filtered, filters_of, page
from bridge.cli.lists.listing import Shown
from bridge.cli.params import json_option
from bridge.cli.root import Settings
from bridge.clients.mdm import adapters
from bridge.domain.model import INSTALL_STATES
from bridge.domain.times import day_of
from bridge.domain.wording import counted
from bridge.engine.insight import status as overview


@click.command()
@filtered
@json_option
@click.pass_obj
def status(settings: Settings, /, as_json: bool, **options: Any) -> None:
    """Show installs by state, licences and queues; or list the installs that filters leave.

    It also names the parts of the file that the running bridge does not know until a restart. The
    exit code is 0 whatever it shows. `why SERIAL ADAM_ID` tells more of a single install.
    """
    filters = filters_of(options)
    with settings.open_stored() as stored:
        if filters:
            shown = Shown(None, "json" if as_json else "table")
            INSTALLS.show(partial(page, stored), shown, **filters)
            return
        restart = settings.restart_needed(stored)
        kinds = {name: each.kind for name, each in stored.config.servers.items()}
        with stored.read(adapters.abilities(kinds)) as context:
            report = overview.report(context, stored.config, stored.engine_lock)
    report["restart_needed"] = restart
    show.as_json(report) if as_json else _overview(report, context.now)


def _overview(report: Mapping[str, Any], now: float) -> None:
    _parts(report)
    _installs(report["installs"], report["applied_at"], now)
    _contradictions(report["contradictions"])
    _licences(report["licences"])
    _outside(report, now)
    _queues(report, now)


def _parts(report: Mapping[str, Any]) -> None:
    engine = next(part for part in report["parts"] if part["name"] == "engine")
    show.line(f"Engine: {'running' if engine['ok'] else engine['detail']}")
    if report["restart_needed"]:
        show.line(f"Attention: {show.restart_line(report['restart_needed'])}")
    for part in report["parts"]:
        if not part["ok"] and part is not engine:
            show.line(f"Attention: {part['name']}: {part['detail']}")


def _contradictions(found: Sequence[Mapping[str, Any]]) -> None:
    """Where what devices and Apple tell disagrees; doctor says what to mend."""
    if not found:
        return
    show.heading("Contradictions")
    for each in found:
        show.line(f"{each['sentence']} (vpp-bridge doctor says what to mend)")


def _installs(installs: Mapping[str, Any], applied_at: str | None, now: float) -> None:
    show.heading("Installs")
    show.line(f"{installs['wanted']} wanted, last applied {show.moment(applied_at, now)}")
    if installs["no_longer_wanted"]:
        show.line(f"{installs['no_longer_wanted']} no longer wanted")
    if installs["apps"]:
        states = [state for state in INSTALL_STATES if state in installs["by_state"]]
        show.table(
            ("app", "name", *states),
            [
                (a["adam_id"], a["name"], *(a["by_state"].get(state, 0) for state in states))
                for a in installs["apps"]
            ],
        )
    if installs["not_installed"]:
        show.heading("Not installed")
        show.table(
            ("state", "reason", "installs", "who must act"),
            [
                (n["state"], n["reason"], n["count"], n["who_must_act"])
                for n in installs["not_installed"]
            ],
        )


def _licences(licences: list[Mapping[str, Any]]) -> None:
    if not licences:
        return
    show.heading("Licences")
    shown = [each for each in licences if each["wanted"] or each["held_by_us"]]
    if shown:
        show.table(
            ("location", "app", "name", "price", "total", "free", "held", "by us", "wanted"),
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
    if len(shown) < len(licences):
        more = counted(len(licences) - len(shown), "app")
        show.line(f"{more} more that nobody wants here: see --json")


def _total(licence: Mapping[str, Any]) -> object:
    if licence["unlimited"]:
        return "unlimited"
    if licence["odd"] is not None:
        return "cannot be read"
    return 0 if licence["read_at"] is None else licence["total"]


def _outside(report: Mapping[str, Any], now: float) -> None:
    if report["locations"]:
        show.heading("Locations")
        show.table(
            (
                "location",
                "at Apple",
                "token expires",
                "assets read",
                "assignments read",
                "last notification",
            ),
            [
                (
                    each["name"],
                    each["location_name"],
                    show.age(each["token_expires_at"], now),
                    show.age(each["assets_read_at"], now),
                    show.age(each["assignments_read_at"], now),
                    show.age(each["last_notification_at"], now),
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
                    show.age(each["devices_read_at"], now),
                    show.age(each["last_webhook_at"], now),
                    show.length(each["webhooks_behind_s"]) if each["webhooks_behind_s"] else "no",
                )
                for each in report["servers"]
            ],
        )
        for each in report["servers"]:
            show.line(f"{each['name']}: {each['webhook_flag']} {each['webhook_url']}")
        show.line("(webhook_key percent-encoded: vpp-bridge doctor --webhook-url prints it)")


def _queues(report: Mapping[str, Any], now: float) -> None:
    queues = report["queues"]
    inbox = queues["inbox"]
    since = f", the oldest {show.moment(inbox['oldest_at'], now)}" if inbox["waiting"] else ""
    show.heading("Queues")
    show.pairs(
        {
            "inbox": f"{inbox['waiting']} waiting{since}; {inbox['set_aside']} set aside",
            "outbox": f"{queues['outbox']['open']} open",
            "requests to Apple": _open(queues["requests"]),
            "commands": _open(queues["commands"]),
        }
    )
    if report["counters"]:
        show.heading("Counted since the beginning")
        show.pairs(report["counters"])


def _open(queue: Mapping[str, int]) -> str:
    return f"{queue['open']} open, {queue['in_doubt']} in doubt"
