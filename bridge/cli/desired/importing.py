"""`import`: groups and apps for the file, from Apple, Fleet or a table. Printed, nothing stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from bridge.cli import show
from bridge.cli.names import LOCATION
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.config.foreign import read_text, read_yaml
from bridge.domain import imports
from bridge.domain.imports import Imported
from bridge.engine.client_pool import ClientPool, Transports
from bridge.engine.desired.plan.look import Looking
from bridge.engine.sync import Read
from bridge.errors import ImportRefused
from bridge.store.views import names

FILE = click.Path(path_type=Path)


@click.group(name="import")
def importing() -> None:
    """Print groups and apps for the file, from what another tool has. Nothing is stored.

    What is printed is put into the file by a person, and looked at with `vpp-bridge plan`. No
    licence becomes the bridge's by it.
    """


@importing.command(epilog="Example: vpp-bridge import apple hq > adopted.yaml")
@click.argument("location", type=LOCATION)
@json_option
@click.pass_obj
def apple(settings: Settings, location: str, as_json: bool) -> int:
    """Print what Apple shows as assigned at a location, as `license_only`.

    Devices that hold licences of the same apps are a group. Apple is read anew; licences of users
    are counted and left out. Exit code 1 where Apple could not be read.
    """
    with settings.open_bridge() as bridge:
        if location not in bridge.config.locations:
            known = ", ".join(sorted(bridge.config.locations)) or "none"
            raise click.UsageError(f"location {location} is unknown; known are {known}")
        transports = settings.transports or Transports()
        # Without guards, since they store which library a location is seen to be.
        looking = Looking(ClientPool(bridge.config, bridge.clock, transports), bridge.now)
        looking.read(Read("assignments", location))
        with bridge.database.read() as db:
            called = {each.id: each.name for each in reversed(names.apps(db))}
    if location not in looking.owned:
        for note in looking.notes:
            show.line(note, error=True)
        return BAD_NEWS
    for note in looking.notes:
        show.line(note, error=True)
    _print(imports.of_licences(location, looking.owned[location], called), as_json)
    return 0


@importing.command(epilog="Example: vpp-bridge import fleet teams/workstations.yml")
@click.argument("file", type=FILE)
@json_option
def fleet(file: Path, as_json: bool) -> int:
    """Print Fleet's `app_store_apps`, of a team's file or alone.

    A label becomes a group whose serial numbers are for you to write; an app without labels is for
    all devices. Apps for self-service get their licence alone.
    """
    return _told(lambda: imports.of_fleet(read_yaml(file)), file, as_json)


@importing.command(name="csv", epilog="Example: vpp-bridge import csv licences.csv")
@click.argument("file", type=FILE)
@json_option
def table(file: Path, as_json: bool) -> int:
    """Print a table with a device and an app in each line, as `license_only`.

    The first line names the columns: serial_number (or Serial Number, as Apple's portal has it) and
    adam_id; name and mode if there are any. Commas, semicolons and tabs separate.
    """
    return _told(lambda: imports.of_csv(read_text(file)), file, as_json)


def _told(read: Callable[[], Imported], file: Path, as_json: bool) -> int:
    try:
        found = read()
    except ImportRefused as error:
        text = str(error)
        show.line(text if str(file) in text else f"{file}: {text}", error=True)
        return USAGE
    _print(found, as_json)
    return 0


def _print(found: Imported, as_json: bool) -> None:
    if as_json:
        show.as_json(found.as_json())
    else:
        click.echo(found.as_yaml(), nl=False)
