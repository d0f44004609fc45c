"""`outbox`: the calls to Apple, MDM servers and receivers; a failed one made again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Listing, Shown, list_options
from bridge.cli.names import SCOPE
from bridge.cli.params import ID, json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.vocabulary import OUTBOX_STATES, SERVICES


@click.group(invoke_without_command=True)
@click.option("--service", type=click.Choice(SERVICES), help="Only calls to these.")
@click.option(
    "--scope",
    type=SCOPE,
    metavar="NAME",
    help="Only to this location, server or receiver.",
)
@click.option("--kind", metavar="K", help="Only this kind of call, such as associate or command.")
@click.option("--state", type=click.Choice(OUTBOX_STATES), help="Only calls in this state.")
@list_options
@click.pass_context
def outbox(
    ctx: click.Context,
    service: str | None,
    scope: str | None,
    kind: str | None,
    state: str | None,
    shown: Shown,
) -> int:
    """List the calls that were made, are being made or are still to be made, the newest first.

    `ready` waits for its turn, or for another try after the error shown; `held` for the end of a
    pause; `failed` is not made again by itself.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    settings: Settings = ctx.obj
    with settings.open_bridge() as bridge:
        check(bridge, scope=scope, kind=kind)
        filters = {"service": service, "scope": scope, "kind": kind, "state": state}
        OUTBOX.show(bridge.list_outbox, shown, **filters)
    return 0


def _row(call: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        call["id"],
        f"{call['service']} {call['scope']}",
        call["kind"],
        call["state"],
        call["tries"],
        show.at(call["created_at"]),
        show.at(call["settled_at"] or call["due_at"]),
        call["error"],
    )


OUTBOX = Listing(
    "outbox",
    ("id", "to", "call", "state", "tries", "made", "due or ended", "error"),
    _row,
    (
        "id",
        "service",
        "scope",
        "kind",
        "key",
        "state",
        "tries",
        "error",
        "created_at",
        "due_at",
        "claimed_at",
        "settled_at",
    ),
    spare=("made", "tries"),
)


@outbox.command(epilog="Example: vpp-bridge outbox retry 17")
@click.argument("row_id", metavar="ID", type=ID)
@json_option
@click.pass_obj
def retry(settings: Settings, row_id: int, as_json: bool) -> int:
    """Make a failed call again, now.

    Only where that does no harm, such as for a read: what may have reached Apple or an MDM server
    is looked up first, by itself. Exit code 1, and one sentence, when the call is not made again; 2
    for an unknown call.
    """
    with settings.open_bridge() as bridge:
        done = bridge.call_again(row_id)
    if done is None:
        show.line(f"call {row_id} is unknown: vpp-bridge outbox lists what is kept", error=True)
        return USAGE
    if as_json:
        show.as_json(done)
    if not done["ok"]:
        show.line(f"call {row_id} is not made again: {done['why_not']}", error=True)
        return BAD_NEWS
    if not as_json:
        show.line(f"Call {row_id} is made as soon as the engine takes it up.")
    return 0
