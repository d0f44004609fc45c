"""`why`: one app on one device, explained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from bridge.cli import show
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain import ages
from bridge.engine.insight import explain

if TYPE_CHECKING:
    from bridge.app import Bridge


@click.command()
@click.argument("serial", type=SERIAL)
@click.argument("adam_id", type=ADAM_ID)
@json_option
@click.pass_obj
def why(settings: Settings, serial: str, adam_id: str, as_json: bool) -> int:
    """Explain why an app is, or is not, on a device.

    Tells who must act, what happens next and when, what is known, and what happened so far; of an
    app that is there, how long each step took. Exit code 0 when it is installed or on its way, 1
    when somebody must act, 2 when nothing is known of this app on this device.
    """
    with settings.open_stored() as stored, stored.read_with_servers() as context:
        install = explain.explain(context, serial, adam_id)
        now = context.now
    if install is None:
        with settings.open_bridge() as bridge:
            show.line(_unknown(bridge, serial, adam_id), error=True)
        return USAGE
    if as_json:
        show.as_json(install)
    else:
        _show(install, now)
    return BAD_NEWS if install["explanation"]["needs_someone"] else 0


def _unknown(bridge: Bridge, serial: str, adam_id: str) -> str:
    from bridge.store.views import totals  # noqa: PLC0415

    with bridge.database.read() as db:
        known_serial = totals.knows_device(db, serial)
        known_app = totals.knows_app(db, adam_id)
    if known_serial and known_app:
        reason = bridge.why_not(serial, adam_id) or "nothing that was applied asks for it"
        return f"app {adam_id} is not wanted on {serial}: {reason}"
    missing = []
    if not known_serial:
        missing.append(f"device {serial} is unknown: not enrolled, and no app is wanted on it")
    if not known_app:
        missing.append(f"app {adam_id} is unknown: no location owns it, and nothing applied asks")
    return "; ".join(missing)


def _show(install: Mapping[str, Any], now: float) -> None:
    explanation = install["explanation"]
    show.line(explanation["sentence"])
    show.line()
    shown = {
        "State": f"{install['state']}, {install['reason']}, "
        f"since {show.moment(install['since'], now)}",
        "Must act": explanation["who_must_act"],
        "Next": explanation["next"],
    }
    if install["invitation_url"] is not None:
        shown["Invitation"] = install["invitation_url"]
    if when := _when(explanation, now):
        shown["When"] = when
    show.pairs(shown)
    if explanation["evidence"]:
        show.heading("What is known")
        show.table(
            ("what", "value", "as of"),
            [(e["what"], _value(e["value"]), show.at(e["at"])) for e in explanation["evidence"]],
        )
    if explanation["took"]:
        show.heading("How long it took")
        took = explanation["took"]
        rows = [(show.at(each["at"]), each["step"], ages.length(each["took_s"])) for each in took]
        whole = ages.length(sum(each["took_s"] for each in took))
        show.table(
            ("at", "step", "took"), [*rows, (None, "in all, since it was wished for", whole)]
        )
    if install["trail"]:
        show.heading("What happened")
        show.table(
            ("at", "step", "of"),
            [(show.at(step["at"]), step["step"], _of(step)) for step in install["trail"]],
        )


def _when(explanation: Mapping[str, Any], now: float) -> str:
    """When it goes on; nothing of what has come to its end."""
    at, words = explanation["next_at"], explanation["when"]
    if at is None:
        return words or ""
    moment = show.moment(at, now)
    return f"{words}; otherwise {moment}" if words else moment


def _of(step: Mapping[str, Any]) -> str:
    """What a step can be looked up by."""
    found = [f"{name} {step[key]}" for key, name in _NAMES.items() if step.get(key)]
    return ", ".join(found)


_NAMES = {
    "event": "event",
    "outbox": "outbox",
    "apple_event_id": "Apple's event",
    "command_uuid": "command",
}


def _value(value: object) -> object:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not known" if value is None else value
