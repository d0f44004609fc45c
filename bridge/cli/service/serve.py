"""`serve`, and the two hidden commands that it starts itself with."""

from __future__ import annotations

from functools import partial
from typing import get_args

import click

from bridge.cli.root import Settings
from bridge.serving import processes
from bridge.serving.processes import ServeRole


@click.command()
@click.option(
    "--role",
    type=click.Choice(get_args(ServeRole)),
    help="Run only this part, beside others on the same PostgreSQL database.",
)
@click.pass_obj
def serve(settings: Settings, role: ServeRole | None) -> int:
    """Run the bridge until SIGTERM: the hooks, the API and the engine.

    What is wanted comes from the database, where `apply` stores it; the file's groups and apps are
    not looked at. It starts though Apple or the MDM server cannot be reached.
    """
    return processes.serve(settings.config_path, level=settings.log_level, role=role)


@click.command("serve-web", hidden=True)
@click.option("--fd", "fds", type=int, multiple=True, required=True)
@click.option("--bell", type=int)
@click.option("--engine-elsewhere", is_flag=True)
@click.pass_obj
def serve_web(
    settings: Settings, fds: tuple[int, ...], bell: int | None, engine_elsewhere: bool
) -> int:
    """The web side, on the sockets that `serve` opened."""
    from bridge import app  # noqa: PLC0415 - the supervisor starts half a second sooner without it

    path, level = settings.config_path, settings.log_level
    open_bridge = partial(app.open_bridge, engine_elsewhere=engine_elsewhere)
    return processes.run_web_child(path, fds, open_bridge, level, bell)


@click.command("serve-engine", hidden=True)
@click.option("--bell", type=int)
@click.option("--shares", is_flag=True)
@click.pass_obj
def serve_engine(settings: Settings, bell: int | None, shares: bool) -> int:
    """The engine."""
    from bridge.app import running, sharing  # noqa: PLC0415 - as above

    path, level = settings.config_path, settings.log_level
    alone = partial(running.run_engine, bell=bell)
    run_engine = sharing.run_sharing_engine if shares else alone
    return processes.run_engine_child(path, run_engine, level)
