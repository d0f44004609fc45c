"""`events`: the messages that came in, and one of them handled again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.listing import Listing, Shown, list_options
from bridge.cli.params import ID, json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.vocabulary import EVENT_SOURCES, EVENT_STATUSES


@click.group(invoke_without_command=True)
@click.option(
    "--source", type=click.Choice(EVENT_SOURCES), help="Only an MDM server's, or Apple's."
)
@click.option("--topic", metavar="T", help="Only these, such as mdm.Connect or ASSET_COUNT.")
@click.option("--status", type=click.Choice(EVENT_STATUSES), help="Only those that came to this.")
@list_options
@click.pass_context
def events(
    ctx: click.Context,
    source: str | None,
    topic: str | None,
    status: str | None,
    shown: Shown,
) -> int:
    """List the webhooks and notifications that came in, the newest first.

    `set_aside` are those that could not be handled in three tries; `events replay ID` handles one
    again. Their bodies are not shown: they may hold what is nobody's business.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    settings: Settings = ctx.obj
    with settings.open_bridge() as bridge:
        EVENTS.show(bridge.list_events, shown, source=source, topic=topic, status=status)
    return 0


def _row(event: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        event["id"],
        show.at(event["received_at"]),
        f"{event['source']} {event['origin']}",
        event["topic"],
        event["status"],
        event["error"] or event["outcome"],
    )


EVENTS = Listing(
    "events",
    ("id", "received", "from", "about", "status", "what came of it"),
    _row,
    (
        "id",
        "source",
        "origin",
        "topic",
        "message_id",
        "received_at",
        "processed_at",
        "status",
        "tries",
        "error",
        "outcome",
        "udid",
        "command_uuid",
        "apple_event_id",
    ),
    spare=("from",),
)


@events.command(epilog="Example: vpp-bridge events replay 17 --dry-run")
@click.argument("event_id", metavar="ID", type=ID)
@click.option("--dry-run", is_flag=True, help="Only say what it would change.")
@json_option
@click.pass_obj
def replay(settings: Settings, event_id: int, dry_run: bool, as_json: bool) -> int:
    """Handle one stored message again, as if it came in now.

    For one that was set aside, after what it failed on was mended, or to see with --dry-run what a
    message does. Handling a message twice does no harm. Works while the bridge runs. Exit code 0
    when it was handled, 1 when it could not be, which changes nothing; 2 for an unknown message.
    """
    with settings.open_bridge() as bridge:
        done = bridge.replay_event(event_id, dry_run)
    if done is None:
        show.line(f"event {event_id} is unknown: vpp-bridge events lists what is kept", error=True)
        return USAGE
    if as_json:
        show.as_json(done)
    elif done["ok"]:
        _show(done)
    if not done["ok"]:
        show.line(
            f"event {event_id} could not be handled, and changed nothing: {done['error']}",
            error=True,
        )
        return BAD_NEWS
    return 0


def _show(done: Mapping[str, Any]) -> None:
    would = "would be handled" if done["dry_run"] else "was handled"
    show.line(f"Event {done['event']} {would}: {done['outcome']}.")
    if not done["changes"]:
        show.line("Nothing changes by it." if done["dry_run"] else "Nothing was changed by it.")
        return
    show.heading("Would change" if done["dry_run"] else "Changed")
    rows = [
        (change["table"], change["row"], column, *map(_value, values))
        for change in done["changes"]
        for column, values in change["columns"].items()
    ]
    show.table(("in", "row", "column", "from", "to"), rows)
    if done["decisions"]:
        show.heading("Follows for the installs")
        show.table(
            ("serial", "app", "is", "becomes"),
            [
                (d["serial_number"], d["adam_id"], d["before"], d["after"])
                for d in done["decisions"]
            ],
        )


def _value(value: object) -> object:
    """Numbers as text: a column of times and counts is not one of figures."""
    return None if value is None else str(value)
