"""`drift`: what disagrees between the file, Apple, the MDM servers and the devices."""

from __future__ import annotations

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Item, Listing, Shown, list_options, read
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.root import BAD_NEWS, Settings
from bridge.domain.drift import DRIFT_KINDS, DriftKind
from bridge.domain.wording import as_sentence


@click.command()
@click.option("--foreign", is_flag=True, help="Also what people and other tools assigned.")
@click.option(
    "--kind",
    type=click.Choice(DRIFT_KINDS),
    metavar="K",
    help=f"Only of this kind: {', '.join(DRIFT_KINDS)}.",
)
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only those of this app.")
@click.option("--serial", type=SERIAL, metavar="S", help="Only those of this device.")
@list_options
@click.pass_obj
def drift(
    settings: Settings,
    foreign: bool,
    kind: DriftKind | None,
    adam_id: str | None,
    serial: str | None,
    shown: Shown,
) -> int:
    """List what disagrees: wanted, licensed at Apple, queued at the MDM server, on the device.

    Each with its evidence and the command that mends it; docs/drift.md tells of the kinds. It looks
    at what is stored: `vpp-bridge sync` reads Apple and the MDM servers anew. What is on its way is
    no drift. Exit code 1 where something of ours disagrees, or was never read; others' licences are
    listed with --foreign alone, and do not count.
    """
    with settings.open_bridge() as bridge:
        check(bridge, serial=serial, adam_id=adam_id)
        filters = {"kind": kind, "adam_id": adam_id, "serial": serial}
        blind = bridge.drift_blind()
        for why in blind:
            show.line(f"Blind: {as_sentence(why)}", error=True)
        if shown.form == "json":
            page = read(bridge.list_drift, shown.limit, foreign=foreign, **filters)
            show.as_json(
                {"drift": list(page.items), "blind": blind, "next_cursor": page.next_cursor}
            )
        else:
            DRIFT.show(bridge.list_drift, shown, foreign=foreign, **filters)
        ours = bridge.list_drift(**filters, limit=1).items
    return BAD_NEWS if ours or blind else 0


_WORDS = {True: "yes", False: "no", None: "-"}


def _row(each: Item) -> tuple[object, ...]:
    return (
        each["kind"],
        each["serial_number"] or each["enrollment_id"] or each["client_user_id"],
        each["device_name"],
        each["adam_id"],
        each["app_name"],
        _WORDS[each["wanted"]],
        _WORDS[each["licensed"]],
        _WORDS[each["queued"]],
        _WORDS[each["on_device"]],
        show.at(each["since"]),
        each["cause"],
        each["mend"],
    )


DRIFT = Listing(
    "drift",
    (
        "kind",
        "serial",
        "device",
        "app",
        "name",
        "wanted",
        "licensed",
        "queued",
        "on device",
        "since",
        "cause",
        "mend",
    ),
    _row,
    (
        "kind",
        "serial_number",
        "adam_id",
        "wanted",
        "licensed",
        "queued",
        "on_device",
        "since",
        "cause",
        "mend",
        "enrollment_id",
        "client_user_id",
        "device_name",
        "app_name",
        "location",
        "by_others",
    ),
    spare=("since", "device", "name"),
)
