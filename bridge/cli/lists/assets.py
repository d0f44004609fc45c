"""`assets`: what the locations own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Listing, Shown, list_options
from bridge.cli.names import ADAM_ID, LOCATION
from bridge.cli.root import Settings


@click.command()
@click.option("--location", type=LOCATION, metavar="L", help="Only what this location owns.")
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only this app.")
@list_options
@click.pass_obj
def assets(
    settings: Settings,
    location: str | None,
    adam_id: str | None,
    shown: Shown,
) -> int:
    """List the apps and books that the locations own, with Apple's counts as last read.

    `vpp-bridge sync assets` reads them anew.
    """
    with settings.open_bridge() as bridge:
        check(bridge, location=location, adam_id=adam_id)
        ASSETS.show(bridge.list_assets, shown, location=location, adam_id=adam_id)
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


ASSETS = Listing(
    "assets",
    ("location", "app", "name", "price", "total", "free", "assigned", "to devices", "as of"),
    _row,
    (
        "location",
        "adam_id",
        "pricing_param",
        "name",
        "bundle_id",
        "product_type",
        "platforms",
        "unlimited",
        "total",
        "available",
        "assigned",
        "retired",
        "device_assignable",
        "revocable",
        "read_at",
        "counted_at",
    ),
    spare=("as of", "to devices", "price"),
)
