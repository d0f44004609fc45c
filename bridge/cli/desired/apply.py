"""`apply`: store what the file's groups and apps want, after showing what that changes."""

from __future__ import annotations

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.desired.plan import look_outside, offline_option, planned_by, show_plan
from bridge.cli.params import COUNT, json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.desired.change import refusal
from bridge.domain.plan.blind import blind_refusal
from bridge.domain.plan.for_good import for_good_refusal
from bridge.domain.views.desired import Pause


@click.command()
@click.option("--yes", is_flag=True, help="Store without asking.")
@click.option(
    "--limit",
    type=COUNT,
    metavar="N",
    help="Let N installs go, and hold the rest back until an apply without a limit.",
)
@click.option(
    "--allow-removals",
    type=COUNT,
    metavar="N",
    help="Remove up to N installs; otherwise 10, or one in twenty if that is more.",
)
@click.option(
    "--allow-irrevocable",
    type=COUNT,
    metavar="N",
    help="Ask for up to N licences that Apple never takes back, as of books; otherwise none.",
)
@click.option(
    "--retire-foreign",
    is_flag=True,
    help="Retire registered users, too, whom the bridge did not register and the file does not "
    "name.",
)
@offline_option
@json_option
@click.pass_obj
def apply(
    settings: Settings,
    yes: bool,
    limit: int | None,
    allow_removals: int | None,
    allow_irrevocable: int | None,
    retire_foreign: bool,
    offline: bool,
    as_json: bool,
) -> int:
    """Store what the file's groups and apps want, after showing what that changes.

    With --limit, the installs of the highest priority go first, then by serial number; a later
    apply with a higher limit lets more go. Works before the first `serve`, and while it runs: the
    bridge then acts at once. Exit code 0 when it was stored, 1 when you said no, 2 when nobody
    could be asked, when it would remove too many installs or ask for licences that Apple never
    takes back, or when an MDM server did not show its
    devices and a group with `all` or `match` is used. With --offline it is stored all the same;
    devices that it could not show get nothing by these groups until another apply shows them.
    """
    with settings.open_bridge() as bridge:
        look = look_outside(settings, bridge, offline=offline, quiet=as_json, keep=True)
        planned = planned_by(bridge, look, limit=limit, retire_foreign=retire_foreign)
        if not as_json:
            show_plan(planned, bridge.now())
        if planned.blind:
            why_blind = blind_refusal(planned.blind, "--offline")
            show.line(f"nothing was stored: {why_blind}", error=True)
            return USAGE
        why = refusal(planned.change, allow_removals, of_users=planned.users.removals)
        if why := why or for_good_refusal(planned.for_good, allow_irrevocable):
            show.line(f"nothing was stored: {why}", error=True)
            return USAGE
        if not (yes or planned.nothing_to_do):
            if not show.can_ask():
                show.line(
                    "nothing was stored: say --yes to store it without a question", error=True
                )
                return USAGE
            if not click.confirm("Store this?", err=True):
                show.line("nothing was stored", error=True)
                return BAD_NEWS
        bridge.apply(
            bridge.config.desired,
            limit=limit,
            allow_removals=allow_removals,
            allow_irrevocable=allow_irrevocable,
            unseen=look.unseen,
            retire_foreign=retire_foreign,
        )
        restart = settings.restart_needed(bridge)
        paused = _paused(bridge)
    if as_json:
        told = {"restart_needed": restart, "pauses": paused}
        show.as_json({"stored": True} | planned.as_json() | told)
    else:
        if not planned.nothing_to_do:
            show.line("Stored.")
        for pause in paused:
            show.line(f"Attention: {pause['sentence']}")
        if restart:
            show.line(f"Attention: {show.restart_line(restart)}.")
    return 0


def _paused(bridge: Bridge) -> list[Pause]:
    """The pauses that keep something of the file back; of single devices `status` tells."""
    apps = bridge.config.desired.apps
    named = {app.adam_id for app in apps} | {name for app in apps for name in app.locations}
    return [p for p in bridge.paused() if p["scope"] == "all" or p["name"] in named]
