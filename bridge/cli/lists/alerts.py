"""`alerts`: what is wrong and who was told, and a test of the receivers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import click

from bridge.cli import show
from bridge.cli.commands import TELLING
from bridge.cli.lists.listing import Item, Listing, Shown, list_options
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.vocabulary import ALERT_STATES


@click.group(invoke_without_command=True)
@click.option("--state", type=click.Choice(ALERT_STATES), help="Only those that fire, or are over.")
@list_options
@click.pass_context
def alerts(ctx: click.Context, state: str | None, shown: Shown) -> int:
    """List what is wrong, or was lately, and who was told of it.

    A line for each receiver that `alerts` in the configuration names, by its host, or one for an
    alert that nobody is told of. docs/alerts.md says what makes each kind fire and what to do.
    """
    if ctx.invoked_subcommand is not None:
        return 0
    settings: Settings = ctx.obj
    with settings.open_bridge() as bridge:
        ALERTS.show(bridge.list_alerts, shown, state=state)
    return 0


_NOBODY = {"receiver": None, "told": None, "told_at": None, "tried_at": None, "answer": None}


def _lines(alert: Item) -> Iterator[Item]:
    """The alert once for each receiver, and once at least."""
    for told in alert["receivers"] or [_NOBODY]:
        subject = ", ".join(f"{name} {text}" for name, text in alert["subject"].items())
        yield {**alert, **told, "subject": subject}


def _row(line: Item) -> tuple[object, ...]:
    told = None if line["told"] is None else f"{line['told']} {show.at(line['told_at'])}"
    return (
        line["alert"],
        line["state"],
        show.at(line["since"]),
        line["sentence"],
        line["receiver"],
        told,
        line["answer"],
    )


ALERTS = Listing(
    "alerts",
    ("alert", "state", "since", "what is so", "receiver", "told", "answer"),
    _row,
    (
        *("alert", "subject", "state", "since", "sentence"),
        *("receiver", "told", "told_at", "tried_at", "answer"),
    ),
    spare=("answer", "told"),
    lines=_lines,
)


@alerts.command(epilog="Example: vpp-bridge alerts test")
@click.argument("receivers", metavar="[HOST]...", nargs=-1)
@json_option
@click.pass_obj
def test(settings: Settings, receivers: tuple[str, ...], as_json: bool) -> int:
    """Send all receivers, or those of these hosts, one message that says it is a test.

    In the form that they are told alerts in. Exit code 1 when one of them cannot be told.
    """
    settings = replace(settings, needs=TELLING)
    with settings.open_bridge() as bridge:
        known = bridge.config.alerts
        unknown = [name for name in receivers if name not in known]
        if unknown or not known:
            names = f"; known are {', '.join(known)}" if known else ""
            what = f"{unknown[0]} is no receiver" if unknown else "no receiver is configured"
            show.line(f"vpp-bridge alerts test: {what}: see alerts in the file{names}", error=True)
            return USAGE
        tried = bridge.test_receivers(receivers or tuple(known), settings.transports)
    if as_json:
        show.as_json({"receivers": list(tried)})
    for each in tried:
        if not as_json:
            show.line(f"{each['receiver']}: {each['answer']}", error=not each["ok"])
    return 0 if all(each["ok"] for each in tried) else BAD_NEWS
