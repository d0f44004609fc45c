"""`assets`: what the locations own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists import listing
from bridge.cli.params import ADAM_ID
from bridge.cli.root import Settings

COLUMNS = ("location", "app", "name", "price", "total", "free", "assigned", "to devices", "as of")


@click.command()
@click.option("--location", metavar="L", help="Only what this location owns.")
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only this app.")
@listing.list_options
@click.pass_obj
def assets(
    settings: Settings,
    location: str | None,
    adam_id: str | None,
    limit: int,
    everything: bool,
    as_json: bool,
) -> int:
    """List the apps and books that the locations own, with Apple's counts as last read.

    `vpp-bridge sync assets` reads them anew.
    """
    with settings.open_bridge() as bridge:
        page = listing.read(
            bridge.list_assets, limit, everything, location=location, adam_id=adam_id
        )
    listing.print_page("assets", page, COLUMNS, _row, as_json=as_json)
    return 0


def _row(asset: Mapping[str, Any]) -> tuple[object, ...]:
    unlimited = asset["unlimited"]
    return (
        asset["location"],
        asset["adam_id"],
        asset["name"],
        asset["pricing_param"],
        "unlimited" if unlimited else asset["total"],
        "unlimited" if unlimited else asset["available"],
        asset["assigned"],
        "yes" if asset["device_assignable"] else "no",
        show.at(asset["counted_at"]),
    )
