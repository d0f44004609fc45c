"""`assign` and `unassign`: an app on some devices, beside what the file wants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.names import ADAM_ID, LOCATION, SERIAL
from bridge.cli.params import Decorated, json_option
from bridge.cli.root import USAGE, Settings
from bridge.domain.desired.desired import OnUnwanted
from bridge.domain.devices.targets import shown
from bridge.domain.plan.changes import WHAT_FOLLOWS
from bridge.domain.vocabulary import PRICING_PARAMS
from bridge.domain.wording import called, counted, named
from bridge.store.views import names

_MEMBERS = ("serial_number", "enrollment_id", "adam_id", "pricing_param", "location", "wanted_by")


def _pairs(command: Decorated) -> Decorated:
    """The devices and the app, of both commands."""
    options: Sequence[Callable[[Decorated], Decorated]] = (
        click.argument("serials", type=SERIAL, nargs=-1, required=True, metavar="SERIAL..."),
        click.option("--app", "adam_id", type=ADAM_ID, required=True, metavar="ADAM_ID"),
        json_option,
    )
    for option in reversed(options):
        command = option(command)
    return command


@click.command()
@_pairs
@click.option("--not", "without", is_flag=True, help="These devices without this app.")
@click.option(
    "--location", type=LOCATION, metavar="L", help="Whose licences; needed when there are several."
)
@click.option("--pricing-param", type=click.Choice(PRICING_PARAMS), help="The price class.")
@click.option("--force", is_flag=True, help="Also an app that no location owns.")
@click.pass_obj
def assign(
    settings: Settings,
    serials: tuple[str, ...],
    adam_id: str,
    as_json: bool,
    without: bool,
    location: str | None,
    pricing_param: str | None,
    force: bool,
) -> int:
    """Wish for an app on some devices, or against it, beside what the file wants.

    Such a one-off wish stays until `unassign` withdraws it; `apply` leaves it alone. A device that
    no MDM server has shown yet gets the app when it enrols. Settings that the file has for the app
    count here, too. With --not the devices are without the app, whatever the file says; what is
    there is treated as `on_unwanted` says. Works while the bridge runs, which then acts at once.
    Exit code 2 for an app that no location owns, where Apple listed that lately: --force.
    """
    with settings.open_bridge() as bridge:
        chosen = bridge.targets(serials)
        if without:
            if location or pricing_param or force:
                raise click.UsageError("--not goes with a device and an app alone")
            return _exclude(bridge, chosen, adam_id, as_json=as_json)
        if not force and (why := bridge.assign_refusal(adam_id)):
            show.line(
                f"nothing was wished for: {why}; vpp-bridge sync assets reads them anew, --force "
                "wishes for it all the same",
                error=True,
            )
            return USAGE
        new = bridge.assign(chosen, adam_id, location=location, pricing_param=pricing_param)
        wishes = _wishes(bridge, chosen, adam_id, new)
        unseen = bridge.not_shown(chosen)
    if as_json:
        show.as_json({"assigned": wishes, "not_shown": unseen})
        return 0
    known = len(chosen) - len(new)
    old = f", {known} as before" if known else ""
    show.line(f"{counted(len(new), 'new one-off wish', 'new one-off wishes')}{old}.")
    by_file = [
        each["serial_number"] or each["enrollment_id"]
        for each in wishes
        if each["wanted_by"] != "one-off"
    ]
    if by_file:
        show.line(f"The file wants it, too, and its settings count, on {', '.join(by_file)}.")
    if unseen:
        show.line(
            f"No server has shown {named(unseen)} yet: the app goes there when it enrols. See that "
            "the serial number is right.",
            error=True,
        )
    return 0


def _exclude(bridge: Bridge, serials: Sequence[str], adam_id: str, *, as_json: bool) -> int:
    """Let devices be without an app."""
    found = bridge.exclude(serials, adam_id)
    if as_json:
        new = [{"serial_number": shown(s), "on_unwanted": way} for s, way in found.items()]
        show.as_json({"excluded": new, "adam_id": adam_id, "not_shown": bridge.not_shown(serials)})
        return 0
    known = len(serials) - len(found)
    old = f", {known} as before" if known else ""
    with bridge.database.read() as db:
        app = called("app", adam_id, names.called(db, "app", adam_id))
    show.line(f"{counted(len(found), 'device')} without {app} from now on{old}.")
    ways: dict[OnUnwanted, list[str]] = {}
    for serial, way in found.items():
        if way is not None:
            ways.setdefault(way, []).append(shown(serial))
    for way, some in ways.items():
        show.line(f"On {named(some)} {WHAT_FOLLOWS[way]}.")
    return 0


def _wishes(
    bridge: Bridge, serials: Sequence[str], adam_id: str, new: Collection[str]
) -> list[dict[str, Any]]:
    found = []
    for serial in serials:
        install: Mapping[str, Any] = bridge.get_install(serial, adam_id) or {}
        members = {key: install.get(key) for key in _MEMBERS}
        found.append(members | {"new": serial in new})
    return found


@click.command()
@_pairs
@click.pass_obj
def unassign(settings: Settings, serials: tuple[str, ...], adam_id: str, as_json: bool) -> int:
    """Withdraw one-off wishes for an app on some devices, or against it.

    What the file wants stays, or comes back after `assign --not`. What nobody wants any more is
    treated as `on_unwanted` says in the file's entry for the app: kept, unless it says otherwise.
    """
    with settings.open_bridge() as bridge:
        chosen = bridge.targets(serials)
        gone = bridge.unassign(chosen, adam_id)
        still = [shown(each) for each in chosen if _is_desired(bridge, each, adam_id)]
    if as_json:
        show.as_json({"unassigned": sorted(map(shown, gone)), "still_wanted_by_file": still})
        return 0
    without = len(chosen) - len(gone)
    rest = f", {without} had none" if without else ""
    show.line(f"{counted(len(gone), 'one-off wish', 'one-off wishes')} withdrawn{rest}.")
    if still:
        show.line(f"The file still wants it on {', '.join(still)}.")
    return 0


def _is_desired(bridge: Bridge, serial: str, adam_id: str) -> bool:
    install = bridge.get_install(serial, adam_id)
    return install is not None and install["wanted_by"] is not None
