"""`simulate`: a simulated Apple service and MDM server with devices, alone."""

from __future__ import annotations

import signal
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from queue import SimpleQueue

import click

from bridge.cli import show
from bridge.serving.supervisor import supervisor_signals
from bridge.simulator.faults import demo_faults
from bridge.simulator.serve import Running, run
from bridge.simulator.world import World, build_world

BRIDGE_PORT = 9008
_WEBHOOK_KEY = "simulated-webhook-key"
_CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{bridge_port}
public_url: http://127.0.0.1:{bridge_port}
api:
  key: simulated-api-key
servers:
  main:
    url: {mdm_url}
    api_key: {api_key}
    webhook_key: {webhook_key}
locations:
  hq:
    content_token_file: hq.vpptoken
apple:
  url: {apple_url}
groups:
  everyone: {{all: true}}
apps:
"""
_APP = '  - {{adam_id: "{adam_id}", name: {name}, bundle_id: {bundle_id}, groups: [everyone]}}\n'


@click.command()
@click.option("--apple-port", default=9018, show_default=True, help="0 is any free one.")
@click.option("--mdm-port", default=9019, show_default=True, help="0 is any free one.")
@click.option(
    "--bridge-port", default=BRIDGE_PORT, show_default=True, help="Where webhooks are sent."
)
@click.option("--devices", type=click.IntRange(0), default=20, show_default=True)
@click.option("--apps", type=click.IntRange(0), default=3, show_default=True)
@click.option(
    "--seats", type=click.IntRange(0), metavar="N", help="Licences of each app; otherwise enough."
)
@click.option(
    "--apple-only",
    is_flag=True,
    help="Only Apple, to stand beside a real MDM server; it has no devices then.",
)
@click.option("--seed", default=1, show_default=True, help="One seed gives one world.")
@click.option("--faults", is_flag=True, help="Let the everyday mishaps happen, one of each.")
@click.option(
    "--directory",
    type=click.Path(file_okay=False, path_type=Path),
    default="simulated",
    show_default=True,
    help="Where the content token and a configuration for the bridge are written.",
)
def simulate(
    apple_port: int,
    mdm_port: int,
    bridge_port: int,
    devices: int,
    apps: int,
    seats: int | None,
    apple_only: bool,
    seed: int,
    faults: bool,
    directory: Path,
) -> None:
    """Run a simulated Apple service and MDM server with devices, until Ctrl-C.

    Writes a content token and a configuration with which the bridge talks to them. Nothing is kept
    after the end.
    """
    for port in (apple_port,) if apple_only else (apple_port, mdm_port):
        _see_that_free(port)
    troubles = demo_faults(seed) if faults else []
    if apple_only:
        seats = devices if seats is None else seats  # for as many devices as the others have
        devices = 0
    world = build_world(devices, apps, seed, seats=seats, faults=troubles, clock=time.time)
    world.mdm.webhook.url = f"http://mdm:{_WEBHOOK_KEY}@127.0.0.1:{bridge_port}/hooks/mdm/main"
    with supervisor_signals() as signals:
        running = run(world, apple_port, None if apple_only else mdm_port)
        try:
            if apple_only:
                _write(directory, {"hq.vpptoken": world.location.token})
                _show_apple(world, running, directory)
                _wait(signals)
                return
            config = _config(world, running, bridge_port)
            _write(directory, {"hq.vpptoken": world.location.token, "config.yaml": config})
            _show(world, running, directory, config)
            _wait(signals)
        finally:
            running.stop()


def _wait(signals: SimpleQueue[int]) -> None:
    """Until somebody ends it."""
    while signals.get() not in (signal.SIGINT, signal.SIGTERM):
        pass


def _see_that_free(port: int) -> None:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError) as error:
        raise click.ClickException(f"port {port} cannot be used: {error}") from None


def _config(world: World, running: Running, bridge_port: int) -> str:
    apps = (
        _APP.format(adam_id=adam_id, name=name, bundle_id=bundle_id)
        for adam_id, (bundle_id, name) in world.catalogue.items()
    )
    head = _CONFIG.format(
        bridge_port=bridge_port,
        mdm_url=running.mdm_url,
        apple_url=running.apple_url,
        api_key=world.mdm.settings.api_key,
        webhook_key=_WEBHOOK_KEY,
    )
    return head + ("".join(apps) or "  []\n")


def _write(directory: Path, files: Mapping[str, str]) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            path = directory / name
            path.touch(0o600)
            path.write_text(text)
    except OSError as error:
        raise click.ClickException(f"{directory} cannot be written: {error.strerror}") from None


def _show_apple(world: World, running: Running, directory: Path) -> None:
    token = directory / "hq.vpptoken"
    show.pairs({"Apple": running.apple_url, "Content token": str(token)})
    rows = [
        (adam_id, name, world.location.library.assets[adam_id, "STDQ"].total)
        for adam_id, (_, name) in world.catalogue.items()
    ]
    show.table(("adam id", "name", "seats"), rows)
    show.line("Now, in another terminal, with your MDM server's URL and key:")
    click.echo(
        f"  vpp-bridge init --apple-url {running.apple_url} --token-file {token} --public-url ''"
    )
    show.line("Ctrl-C ends the simulation.")


def _show(world: World, running: Running, directory: Path, config: str) -> None:
    show.pairs(
        {
            "Apple": running.apple_url,
            "MDM server": f"{running.mdm_url}, user micromdm, "
            f"password {world.mdm.settings.api_key}",
            "Webhooks": world.mdm.webhook.url or "",
            "Devices": f"{len(world.devices)} enrolled",
            "Content token": str(directory / "hq.vpptoken"),
            "Configuration": str(directory / "config.yaml"),
        }
    )
    show.line()
    click.echo(config)
    show.line("Now, in another terminal:")
    for command in ("apply --yes", "serve"):
        show.line(f"  vpp-bridge --config {directory / 'config.yaml'} {command}")
    show.line("Ctrl-C ends the simulation.")
