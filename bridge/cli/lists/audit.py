"""`audit`: who changed what."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.listing import Listing, Shown, list_options
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.root import Settings
from bridge.config import values
from bridge.domain.audit import ACTIONS
from bridge.errors import ConfigError


@click.command()
@click.option("--who", metavar="W", help="Only of this key of the API or this local user.")
@click.option(
    "--action",
    type=click.Choice(ACTIONS),
    metavar="NAME",
    help=f"Only this: {', '.join(ACTIONS)}.",
)
@click.option("--since", metavar="T", help="Only since then: 12h or 7d ago, a day or a time.")
@click.option("--serial", type=SERIAL, metavar="S", help="Only about this device.")
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only about this app.")
@list_options
@click.pass_obj
def audit(
    settings: Settings,
    shown: Shown,
    who: str | None,
    action: str | None,
    since: str | None,
    serial: str | None,
    adam_id: str | None,
) -> int:
    """List who changed what, the newest first: by a command, a button or the API.

    `who` is the name of a key of the API, or of the local user who ran a command. Requests that
    were refused since the key has not the role are there, too (`refused`), those within an hour
    together. What was so before and what was so after is shown by --json and --csv. Entries are
    kept as long as policy.retention.audit says.
    """
    try:
        if since is not None:
            values.since(since, settings.clock())
    except ConfigError as error:
        raise click.BadParameter(f"{since!r} {error}", param_hint="--since") from None
    filters = {"who": who, "action": action, "serial": serial, "adam_id": adam_id}
    with settings.open_bridge() as bridge:
        AUDIT.show(bridge.list_audit, shown, since=since, **filters)
    return 0


def _row(entry: Mapping[str, Any]) -> tuple[object, ...]:
    return (
        entry["id"],
        show.at(entry["at"]),
        _who(entry),
        entry["action"],
        entry["sentence"] + (f" ({entry['times']} times)" if entry["times"] > 1 else ""),
        entry["via"],
    )


def _who(entry: Mapping[str, Any]) -> str:
    by = f" ({entry['sudo_user']})" if entry["sudo_user"] else ""
    return f"{entry['actor']} {entry['who']}{by}"


def _flat(entry: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    states = {name: entry[name] for name in ("subject", "before", "after")}
    yield {
        **entry,
        **{name: None if each is None else json.dumps(each) for name, each in states.items()},
    }


AUDIT = Listing(
    "audit",
    ("id", "when", "who", "action", "what was done", "by"),
    _row,
    (
        *("id", "at", "actor", "who", "role", "sudo_user", "via", "action", "sentence"),
        *("subject", "before", "after", "times"),
    ),
    spare=("by",),
    lines=_flat,
    empty="Nobody changed anything of that kind.",
)
