"""`reclaim`: licences that are of no use go back to their location."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.app import Bridge
from bridge.app.reclaims import too_many
from bridge.cli import show
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.params import COUNT, DURATION, json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.desired.change import FEW_REMOVALS
from bridge.domain.devices.targets import shown
from bridge.domain.reclaim.selection import Selection
from bridge.domain.wording import counted
from bridge.engine.desired import reclaim as reclaiming
from bridge.engine.desired.reclaim import Found
from bridge.engine.licences.giving_back import Candidate
from bridge.store.views import names

COLUMNS = ("serial", "device", "app", "name", "location", "why")
STAY_COLUMNS = ("serial", "licences", "why they stay")


@click.command()
@click.option("--unwanted", is_flag=True, help="All licences that nobody wants any more.")
@click.option("--unenrolled", is_flag=True, help="Those of devices that left.")
@click.option(
    "--silent", type=DURATION, metavar="DURATION", help="Of devices not heard of for so long."
)
@click.option(
    "--serial", "serials", type=SERIAL, multiple=True, metavar="S", help="Of this device."
)
@click.option("--app", "adam_ids", type=ADAM_ID, multiple=True, metavar="A", help="Of this app.")
@click.option("--dry-run", is_flag=True, help="Only show which these are, and which stay.")
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
    unenrolled: bool,
    silent: float | None,
    serials: tuple[str, ...],
    adam_ids: tuple[str, ...],
    dry_run: bool,
    yes: bool,
    allow_removals: int,
    as_json: bool,
) -> int:
    """Give back licences that are of no use any more.

    --unwanted means what nobody wants, as `plan` calls it reclaimable: an app that leaves the file
    under `on_unwanted: keep` keeps its licence (KEPT). --unenrolled means all licences of devices
    that left, and --silent 90d of those that nothing was heard of, while their MDM server was heard
    of; such a device gets its apps again once it is back. --serial and --app narrow that, and alone
    mean what nobody wants there. Only licences that the bridge got are meant. An app that stays on
    its device stops working after 30 days. Exit code 0, also where there is none; 1 when you said
    no; 2 when nobody could be asked, or there are more than --allow-removals.
    """
    chosen = Selection(unwanted, unenrolled, silent, serials, adam_ids)
    if chosen.is_empty:
        raise click.UsageError(
            "say which: --unwanted, --unenrolled, --silent DURATION, --serial S or --app A"
        )
    with settings.open_bridge() as bridge:
        chosen = Selection(unwanted, unenrolled, silent, bridge.targets(serials), adam_ids)
        found = bridge.reclaimable(chosen)
        if not as_json:
            _show(bridge, found, with_staying=dry_run or not found.candidates)
        if found.candidates and not dry_run:
            code = _ask(len(found.candidates), allow_removals, yes=yes)
            if code:
                return code
            found = bridge.reclaim(chosen, allow_removals, "--allow-removals {}")
    if as_json:
        show.as_json(reclaiming.as_json(found, dry_run=dry_run))
        return 0
    if not found.candidates:
        show.line(_none(chosen))
        return 0
    licences_ = counted(len(found.candidates), "licence")
    if dry_run:
        show.line(f"{licences_} would be given back.")
    else:
        show.line(f"{licences_} will be given back, as soon as Apple takes them.")
    return 0


def _none(chosen: Selection) -> str:
    if chosen.is_of_devices:
        return "No licence that the bridge got is of a device that is surely gone."
    return "No licence that the bridge got is left where nobody wants its app."


def _ask(number: int, allowed: int, *, yes: bool) -> int:
    """The exit code with which it ends here; 0 when the licences may be given back."""
    if number > allowed:
        show.line(too_many(number, allowed, "--allow-removals {}"), error=True)
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


def _show(bridge: Bridge, found: Found, *, with_staying: bool) -> None:
    if found.candidates:
        rows, of_devices = _rows(bridge, found.candidates), any(c.kind for c in found.candidates)
        width = len(COLUMNS) if of_devices else len(COLUMNS) - 1  # nobody wants them: that is why
        show.table(COLUMNS[:width], [row[:width] for row in rows])
    if found.stays and with_staying:
        rows = [(shown(each.target), each.licences, each.why) for each in found.stays]
        show.table(STAY_COLUMNS, rows)


def _rows(bridge: Bridge, found: Sequence[Candidate]) -> list[tuple[object, ...]]:
    """Each licence with the names of its device and its app, as `COLUMNS`."""
    with bridge.database.read() as db:
        adam_ids = {each.licence.adam_id for each in found}
        apps = {each: names.called(db, "app", each) for each in adam_ids}
        targets = {each.target for each in found}
        devices = {each: names.called(db, "serial", each) for each in targets}
    return [
        (
            shown(c.target),
            devices[c.target],
            c.licence.adam_id,
            apps[c.licence.adam_id],
            c.licence.location,
            c.why,
        )
        for c in found
    ]
