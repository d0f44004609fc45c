"""`assign` and `unassign`: an app on some devices, beside what the file wants."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.params import ADAM_ID, SERIAL, Decorated, json_option
from bridge.cli.root import Settings
from bridge.domain.vocabulary import PRICING_PARAMS
from bridge.domain.wording import counted


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
@click.option("--location", metavar="L", help="Whose licences; needed when there are several.")
@click.option("--pricing-param", type=click.Choice(PRICING_PARAMS), help="The price class.")
@click.pass_obj
def assign(
    settings: Settings,
    serials: tuple[str, ...],
    adam_id: str,
    as_json: bool,
    location: str | None,
    pricing_param: str | None,
) -> int:
    """Wish for an app on some devices, beside what the file wants.

    Such a one-off wish stays until `unassign` withdraws it; `apply` leaves it alone. A device that
    no MDM server has shown yet gets the app when it enrols. Settings that the file has for the app
    count here, too. Works while the bridge runs, which then acts at once.
    """
    chosen = tuple(dict.fromkeys(serials))
    with settings.open_bridge() as bridge:
        new = bridge.assign(chosen, adam_id, location=location, pricing_param=pricing_param)
        wishes = _wishes(bridge, chosen, adam_id, new)
    if as_json:
        show.as_json({"assigned": wishes})
        return 0
    known = len(chosen) - len(new)
    old = f", {known} as before" if known else ""
    show.line(f"{counted(len(new), 'new one-off wish', 'new one-off wishes')}{old}.")
    by_file = [each["serial_number"] for each in wishes if each["wanted_by"] != "one-off"]
    if by_file:
        show.line(f"The file wants it, too, and its settings count, on {', '.join(by_file)}.")
    return 0


def _wishes(
    bridge: Bridge, serials: Sequence[str], adam_id: str, new: Collection[str]
) -> list[dict[str, Any]]:
    found = []
    for serial in serials:
        install: Mapping[str, Any] = bridge.get_install(serial, adam_id) or {}
        shown = ("serial_number", "adam_id", "pricing_param", "location", "wanted_by")
        found.append({key: install.get(key) for key in shown} | {"new": serial in new})
    return found


@click.command()
@_pairs
@click.pass_obj
def unassign(settings: Settings, serials: tuple[str, ...], adam_id: str, as_json: bool) -> int:
    """Withdraw one-off wishes for an app on some devices.

    What the file wants stays. What nobody wants any more is treated as `on_unwanted` says in the
    file's entry for the app: kept, unless it says otherwise.
    """
    chosen = tuple(dict.fromkeys(serials))
    with settings.open_bridge() as bridge:
        gone = bridge.unassign(chosen, adam_id)
        still = [each for each in chosen if _is_desired(bridge, each, adam_id)]
    if as_json:
        show.as_json({"unassigned": sorted(gone), "still_wanted_by_file": still})
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
