"""`update`: the newest version of an app, on devices that have it."""

from __future__ import annotations

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.lists import known
from bridge.cli.names import ADAM_ID, GROUP, SERIAL
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.wording import called, counted
from bridge.store.views import names


@click.command()
@click.argument("adam_id", type=ADAM_ID, metavar="APP")
@click.option("--now", is_flag=True, help="Do not wait for the devices' windows.")
@click.option(
    "--serial", "serials", type=SERIAL, multiple=True, metavar="S", help="Only on this device."
)
@click.option("--group", type=GROUP, metavar="G", help="Only on this group's devices.")
@click.option("--yes", is_flag=True, help="Do it without asking.")
@json_option
@click.pass_obj
def update(
    settings: Settings,
    adam_id: str,
    now: bool,
    serials: tuple[str, ...],
    group: str | None,
    yes: bool,
    as_json: bool,
) -> int:
    """Send the newest version of APP ahead, also where the file has `update: never`.

    It goes to devices that have the app and are not known to have its newest version, one app of a
    device at a time: to each in its window once it comes, or with --now at once. Rings are not
    waited for; a version that was stopped goes on, and what failed before does not count any more.
    Apps that are not managed are left alone. You are asked, with the number of devices. Exit code 0
    when it is done, also where there was nothing to do; 1 when you said no; 2 for an app, a device
    or a group that nobody knows, or when nobody could be asked.
    """
    with settings.open_bridge() as bridge:
        if unknown := _unknown(bridge, adam_id, serials):
            show.line(unknown, error=True)
            return USAGE
        behind = len(bridge.behind(adam_id, serials, group))
        with bridge.database.read() as db:
            app = called("app", adam_id, names.called(db, "app", adam_id))
        devices = counted(behind, "device")
        if behind and not yes:
            if not show.can_ask():
                show.line(
                    f"nothing was sent: say --yes to send the newest version of {app} to {devices}",
                    error=True,
                )
                return USAGE
            when = "now" if now else "in its window"
            if not click.confirm(
                f"Send the newest version of {app} to {devices}, each {when}?", err=True
            ):
                show.line("nothing was sent", error=True)
                return BAD_NEWS
        asked = bridge.update(adam_id, serials, group, now=now) if behind else 0
    if as_json:
        show.as_json({"asked": asked})
    elif not asked:
        show.line(f"Nothing to do: no device is known to have an older version of {app}.")
    else:
        when = "at once" if now else "once it comes in its window"
        show.line(f"{counted(asked, 'device')} will be sent the newest version, each {when}.")
    return 0


def _unknown(bridge: Bridge, adam_id: str, serials: tuple[str, ...]) -> str | None:
    with bridge.database.read() as db:
        unknown = (known.unknown_device(db, serial) for serial in serials)
        return known.unknown_app(db, adam_id) or next(filter(None, unknown), None)
