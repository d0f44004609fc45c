"""`subscriptions`: how many there are, and who has them."""

from __future__ import annotations

from collections.abc import Iterator

import click

from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Item, Listing, Shown, list_options
from bridge.cli.names import LOCATION
from bridge.cli.root import Settings


@click.command()
@click.option("--location", type=LOCATION, metavar="L", help="Only those of this location.")
@click.option("--user", "client_user_id", metavar="U", help="Only those of this clientUserId.")
@list_options
@click.pass_obj
def subscriptions(
    settings: Settings, location: str | None, client_user_id: str | None, shown: Shown
) -> int:
    """List subscriptions with Apple's counts, and who has them.

    A line for each user of a subscription, or one for a subscription that nobody has. Counts are
    written as those that renew when the period ends + those that expire with it. The bridge only
    looks: it reads those of the locations that the file names under `subscriptions`, and keeps what
    Apple's notifications tell of others. It assigns and enables none.
    """
    with settings.open_bridge() as bridge:
        check(bridge, location=location)
        filters = {"location": location, "client_user_id": client_user_id}
        SUBSCRIPTIONS.show(bridge.list_subscriptions, shown, **filters)
    return 0


_NOBODY = {
    "client_user_id": None,
    "state": None,
    "ends_on": None,
    "since": None,
    "told_by": None,
    "told_at": None,
    "error_number": None,
    "error": None,
}


def _lines(subscription: Item) -> Iterator[Item]:
    """The subscription once for each who has it, and once at least."""
    for assignment in subscription["assignments"] or [_NOBODY]:
        yield {**subscription, **assignment}


def _row(line: Item) -> tuple[object, ...]:
    state = line["state"]
    if line["ends_on"] is not None:
        state = f"{state} on {line['ends_on']}"
    if line["error_number"] is not None:
        state = f"{state}, {line['error_number']}: {line['error']}"
    return (
        line["location"],
        line["adam_id"],
        line["app_name"] or line["parent_adam_id"],
        line["status"],
        line["period_ends_on"],
        _seats(line, "assigned"),
        _seats(line, "available"),
        _seats(line, "total"),
        line["client_user_id"],
        state,
    )


def _seats(line: Item, kind: str) -> str | None:
    renewing, expiring = line[f"{kind}_renewing"], line[f"{kind}_expiring"]
    if renewing is None and expiring is None:
        return None
    return f"{'?' if renewing is None else renewing}+{'?' if expiring is None else expiring}"


SUBSCRIPTIONS = Listing(
    "subscriptions",
    (
        *("location", "subscription", "app", "status", "period ends"),
        *("assigned", "available", "total", "user", "state"),
    ),
    _row,
    (
        "location",
        "adam_id",
        "parent_adam_id",
        "app_name",
        "status",
        "period_ends_on",
        "assigned_renewing",
        "assigned_expiring",
        "available_renewing",
        "available_expiring",
        "total_renewing",
        "total_expiring",
        "counted_at",
        "read_at",
        "client_user_id",
        "state",
        "ends_on",
        "since",
        "told_by",
        "told_at",
        "error_number",
        "error",
    ),
    spare=("period ends", "status", "app"),
    lines=_lines,
)
