"""`reclaim`: licences that nobody wants any more go back to their location."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.params import COUNT, json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.desired.change import FEW_REMOVALS
from bridge.domain.devices.targets import shown
from bridge.domain.model import Install
from bridge.domain.wording import counted
from bridge.store.views import names

COLUMNS = ("serial", "device", "app", "name", "location")


@click.command()
@click.option("--unwanted", is_flag=True, help="All licences that nobody wants any more.")
@click.option(
    "--serial", "serials", type=SERIAL, multiple=True, metavar="S", help="Of this device."
)
@click.option("--app", "adam_ids", type=ADAM_ID, multiple=True, metavar="A", help="Of this app.")
@click.option("--dry-run", is_flag=True, help="Only show which these are.")
@click.option("--yes", is_flag=True, help="Give them back without asking.")
@click.option(
    "--allow-removals",
    type=COUNT,
    default=FEW_REMOVALS,
    show_default=True,
    metavar="N",
    help="Give back up to N licences.",
)
@json_option
@click.pass_obj
def reclaim(
    settings: Settings,
    unwanted: bool,
    serials: tuple[str, ...],
    adam_ids: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    allow_removals: int,
    as_json: bool,
) -> int:
    """Give back licences that nobody wants any more.

    An app that leaves the file under `on_unwanted: keep` keeps its licence (KEPT). This gives it
    back: all of them with --unwanted, or those of devices and apps that are named. Only licences
    that the bridge got are meant; what is wanted keeps its own. An app that stays on its device
    stops working after 30 days. Exit code 0, also where there is none; 1 when you said no; 2 when
    nobody could be asked, or there are more than --allow-removals.
    """
    if not (unwanted or serials or adam_ids):
        raise click.UsageError("say which: --unwanted, --serial S or --app A")
    with settings.open_bridge() as bridge:
        found = bridge.kept(serials, adam_ids)
        listed = [] if as_json else _rows(bridge, found)
        if found and not dry_run:
            if not as_json:
                show.table(COLUMNS, listed)
            code = _ask(len(found), allow_removals, yes=yes)
            if code:
                return code
            bridge.reclaim(found)
    if as_json:
        show.as_json({"dry_run": dry_run, "licences": [_as_json(each) for each in found]})
        return 0
    if not found:
        show.line("No licence that the bridge got is left where nobody wants its app.")
        return 0
    licences = counted(len(found), "licence")
    if dry_run:
        show.table(COLUMNS, listed)
        show.line(f"{licences} would be given back.")
    else:
        show.line(f"{licences} will be given back, as soon as Apple takes them.")
    return 0


def _ask(number: int, allowed: int, *, yes: bool) -> int:
    """The exit code with which it ends here; 0 when the licences may be given back."""
    if number > allowed:
        show.line(
            f"nothing was given back: it would be {counted(number, 'licence')}, but no more than "
            f"{allowed} without --allow-removals {number}",
            error=True,
        )
        return USAGE
    if yes:
        return 0
    if not show.can_ask():
        show.line(
            "nothing was given back: say --yes to give them back without a question", error=True
        )
        return USAGE
    if not click.confirm("Give these licences back?", err=True):
        show.line("nothing was given back", error=True)
        return BAD_NEWS
    return 0


def _rows(bridge: Bridge, found: Sequence[Install]) -> list[tuple[str | None, ...]]:
    """Each licence with the names of its device and its app, as `COLUMNS`."""
    with bridge.database.read() as db:
        apps = {each.adam_id: names.called(db, "app", each.adam_id) for each in found}
        devices = {each.target: names.called(db, "serial", each.target) for each in found}
    return [
        (shown(i.target), devices[i.target], i.adam_id, apps[i.adam_id], i.location) for i in found
    ]


def _as_json(install: Install) -> dict[str, str]:
    return {
        "serial_number": install.target,
        "adam_id": install.adam_id,
        "pricing_param": install.pricing_param,
        "location": install.location,
    }
