"""`serve`, and the two hidden commands that it starts itself with."""

from __future__ import annotations

from functools import partial

import click

from bridge.cli.root import Settings
from bridge.serving import processes


@click.command()
@click.pass_obj
def serve(settings: Settings) -> int:
    """Run the bridge until SIGTERM: the hooks, the API and the engine.

    What is wanted comes from the database, where `apply` stores it; the file's groups and apps are
    not looked at. It starts though Apple or the MDM server cannot be reached.
    """
    return processes.serve(settings.config_path, level=settings.log_level)


@click.command("serve-web", hidden=True)
@click.option("--fd", "fds", type=int, multiple=True, required=True)
@click.option("--bell", type=int)
@click.pass_obj
def serve_web(settings: Settings, fds: tuple[int, ...], bell: int | None) -> int:
    """The web side, on the sockets that `serve` opened."""
    from bridge import app  # noqa: PLC0415 - the supervisor starts half a second sooner without it

    path, level = settings.config_path, settings.log_level
    return processes.run_web_child(path, fds, app.open_bridge, level, bell)


@click.command("serve-engine", hidden=True)
@click.option("--bell", type=int)
@click.pass_obj
def serve_engine(settings: Settings, bell: int | None) -> int:
    """The engine."""
    from bridge.app import running  # noqa: PLC0415 - as above

    path, level = settings.config_path, settings.log_level
    run_engine = partial(running.run_engine, bell=bell)
    return processes.run_engine_child(path, run_engine, level)
