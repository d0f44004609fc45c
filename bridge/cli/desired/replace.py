"""`replace`: a device takes another's place."""

from __future__ import annotations

import click

from bridge.cli import show
from bridge.cli.names import SERIAL
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, Settings
from bridge.config.naming import lines_naming
from bridge.domain.devices.targets import shown
from bridge.domain.wording import counted
from bridge.errors import WishError


@click.command()
@click.argument("old", type=SERIAL)
@click.argument("new", type=SERIAL)
@click.option("--force", is_flag=True, help="Though OLD was heard of within a day.")
@json_option
@click.pass_obj
def replace(settings: Settings, old: str, new: str, force: bool, as_json: bool) -> int:
    """Give a device the apps of another one, whose place it takes.

    NEW gets a one-off wish for each app that is wanted on OLD, and gets them when it enrols. The
    licences of OLD that the bridge got go back, each once NEW has its own. Groups that were applied
    do not mean OLD any more, until an apply shows it again: so change the lines of the file that
    are printed. Exit code 1 when OLD was heard of within a day, or nothing is wanted on it.
    """
    with settings.open_bridge() as bridge:
        if not force and (why := bridge.replace_refusal(old, new)):
            show.line(f"nothing was replaced: {why}; --force replaces it anyway", error=True)
            return BAD_NEWS
        try:
            done = bridge.replace(old, new)
        except WishError as error:
            show.line(f"nothing was replaced: {error}", error=True)
            return BAD_NEWS
        lines = lines_naming(bridge.config.path, shown(done.old), shown(done.new))
    if as_json:
        show.as_json(
            {
                "old": shown(done.old),
                "new": shown(done.new),
                "adam_ids": list(done.adam_ids),
                "lines": [{"file": e.file, "line": e.line, "text": e.text} for e in lines],
            }
        )
        return 0
    apps = counted(len(done.adam_ids), "app")
    show.line(f"{shown(done.new)} gets {apps} of {shown(done.old)}, whose licences then go back.")
    if not lines:
        show.line(f"The file names {shown(done.old)} nowhere, so nothing is to be changed in it.")
        return 0
    show.line("Change these lines, or the next apply wants the apps on both:")
    for each in lines:
        show.line(f"{each.file}:{each.line}: {each.text}")
    return 0
