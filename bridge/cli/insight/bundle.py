"""`bundle`: what somebody who helps from afar needs, in one file that holds no key and no name."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from bridge.app import Bridge
from bridge.app.bundle import bundle as make_bundle
from bridge.cli import show
from bridge.cli.insight.doctor import findings
from bridge.cli.params import json_option
from bridge.cli.root import Settings
from bridge.errors import StoreError

FILE = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("file", type=FILE)
@click.option("--force", is_flag=True, help="Replace the file if it exists.")
@click.option("--offline", is_flag=True, help="Leave doctor out, which asks Apple and MDM servers.")
@click.option(
    "--with-serials",
    is_flag=True,
    help="Leave serial numbers, ids and names as they are.",
)
@json_option
@click.pass_obj
def bundle(
    settings: Settings, file: Path, force: bool, offline: bool, with_serials: bool, as_json: bool
) -> None:
    """Write a support file to FILE: JSON, for you to read before anybody else does.

    It holds versions, the settings without keys, what doctor finds, what status shows, what needs
    somebody and why, the newest 200 messages, calls, commands and audit entries without what they
    held, and how many rows each table has. Serial numbers, device ids and names of devices and
    people are replaced by words such as serial-1f2e3d4c, the same in every bundle of this
    instance. Hosts, names of locations, servers and groups, and adam ids stay. Nothing is changed
    and nothing is sent anywhere.
    """
    if file.exists() and not force:
        raise click.UsageError(f"{file} exists: name another file, or say --force to replace it")
    told = _made(settings, offline=offline, with_serials=with_serials)
    data = json.dumps(told, indent=1, ensure_ascii=False).encode("utf-8", "replace")
    _write(file, data)
    if as_json:
        shown = {"file": str(file), "bytes": len(data), "with_serials": with_serials}
        show.as_json(shown)
        return
    whose = "with serial numbers and names" if with_serials else "without serial numbers and names"
    show.line(f"{file} is written, {whose}, {len(data) / 1e3:.0f} kB; read it before you send it.")


def _made(settings: Settings, *, offline: bool, with_serials: bool) -> Mapping[str, Any]:
    found: Sequence[Mapping[str, Any]] | None = None if offline else findings(settings)
    bridge = Bridge(settings.config(), settings.clock)
    try:
        if not bridge.database.is_missing():
            bridge.open()
    except StoreError:
        pass  # the bundle tells of it
    try:
        return make_bundle(bridge, found, with_serials=with_serials)
    finally:
        bridge.close()


def _write(file: Path, data: bytes) -> None:
    """Readable for its owner only, whole or not at all."""
    part = file.with_name(file.name + ".part")
    part.unlink(missing_ok=True)
    try:
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            out.write(data)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise click.UsageError(f"{file} cannot be written: {error.strerror}") from error
