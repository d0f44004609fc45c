"""`assignments`: who holds which licence."""

from __future__ import annotations

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Item, Listing, Shown, list_options
from bridge.cli.names import ADAM_ID, LOCATION, SERIAL
from bridge.cli.root import Settings


@click.command()
@click.option("--unwanted", is_flag=True, help="Only those that nothing wants there.")
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only those of this app.")
@click.option("--location", type=LOCATION, metavar="L", help="Only those of this location.")
@click.option("--serial", type=SERIAL, metavar="S", help="Only those of this device.")
@list_options
@click.pass_obj
def assignments(
    settings: Settings,
    unwanted: bool,
    adam_id: str | None,
    location: str | None,
    serial: str | None,
    shown: Shown,
) -> int:
    """List who holds which licence, asked for by us or by others, wanted or not.

    It is what Apple told last; `vpp-bridge sync assignments` reads it anew. Wanted is a licence
    whose app is wanted there with a licence of that location.
    """
    filters = {"adam_id": adam_id, "location": location, "serial": serial}
    with settings.open_bridge() as bridge:
        check(bridge, **filters)
        ASSIGNMENTS.show(bridge.list_assignments, shown, **filters, unwanted=unwanted or None)
    return 0


def _row(assignment: Item) -> tuple[object, ...]:
    return (
        assignment["location"],
        assignment["adam_id"],
        assignment["app_name"],
        assignment["pricing_param"],
        assignment["serial_number"] or assignment["client_user_id"],
        assignment["device_name"],
        "us" if assignment["by_us"] else "others",
        "yes" if assignment["wanted"] else "no",
        show.at(assignment["confirmed_at"]),
    )


ASSIGNMENTS = Listing(
    "assignments",
    ("location", "app", "name", "price", "holder", "device", "by", "wanted", "since"),
    _row,
    (
        "location",
        "adam_id",
        "app_name",
        "pricing_param",
        "serial_number",
        "device_name",
        "client_user_id",
        "by_us",
        "wanted",
        "confirmed_by",
        "confirmed_at",
        "read_at",
    ),
    spare=("since", "price", "device"),
)
