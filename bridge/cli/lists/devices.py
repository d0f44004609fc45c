"""`devices`: what the MDM servers showed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from bridge.cli import show
from bridge.cli.lists.known import check
from bridge.cli.lists.listing import Listing, Shown, list_options
from bridge.cli.names import SERIAL, SERVER
from bridge.cli.root import Settings


@click.command()
@click.option("--serial", type=SERIAL, metavar="S", help="Only the device with this serial number.")
@click.option("--server", type=SERVER, metavar="NAME", help="Only those of this MDM server.")
@click.option(
    "--enrolled/--not-enrolled", default=None, help="Only those that are, or are not, enrolled."
)
@list_options
@click.pass_obj
def devices(
    settings: Settings,
    serial: str | None,
    server: str | None,
    enrolled: bool | None,
    shown: Shown,
) -> int:
    """List the devices that the MDM servers showed, in the order in which they came to be known.

    A user-enrolled device has no serial number; its enrolment id stands in its place. A
    device that tells a word in place of one, as virtual machines do, is shown with that word.
    """
    with settings.open_bridge() as bridge:
        check(bridge, serial=serial, server=server)
        filters = {"serial": serial, "server": server, "enrolled": enrolled}
        DEVICES.show(bridge.list_devices, shown, **filters)
    return 0


def _serial(device: Mapping[str, Any]) -> str:
    shown = device["serial_number"] or device["enrollment_id"] or device["udid"]
    claim = device["claimed_serial_number"]
    none_told = device["serial_number"] is None and claim is not None
    return f"{shown} (no serial number: {claim!r})" if none_told else str(shown)


def _row(device: Mapping[str, Any]) -> tuple[object, ...]:
    enrolled = {True: "yes", False: "no", None: "not known"}[device["enrolled"]]
    if device["moved_to"] is not None:
        enrolled = f"moved to {device['moved_to']}"
    return (
        _serial(device),
        device["name"],
        device["product_name"],
        device["os_version"],
        device["server"],
        enrolled,
        show.at(device["last_seen_at"]),
        show.at(device["apps_listed_at"]),
    )


DEVICES = Listing(
    "devices",
    ("serial", "name", "product", "os", "server", "enrolled", "last seen", "apps listed"),
    _row,
    (
        "id",
        "server",
        "serial_number",
        "claimed_serial_number",
        "udid",
        "enrollment_id",
        "name",
        "product_name",
        "model",
        "os_version",
        "enrolled",
        "enrolled_at",
        "last_seen_at",
        "apps_listed_at",
        "moved_to",
        "setup",
    ),
    spare=("apps listed", "os", "server"),
    lines=lambda device: ({**device, "setup": device["setup"] and device["setup"]["state"]},),
)
