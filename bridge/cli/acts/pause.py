"""`pause` and `resume`: nothing is sent for everything, an app, a location or a device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.names import ADAM_ID, LOCATION, SERIAL
from bridge.cli.params import json_option
from bridge.cli.root import USAGE, Settings
from bridge.domain.pauses import Pause, Scope
from bridge.domain.wording import as_sentence, counted
from bridge.store.views.names import called

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def _scope_options(command: Decorated) -> Decorated:
    for option in (
        click.option("--serial", type=SERIAL, metavar="S", help="This device."),
        click.option(
            "--location",
            type=LOCATION,
            metavar="L",
            help="This location, and the installs of it.",
        ),
        click.option("--app", type=ADAM_ID, metavar="A", help="This app."),
        click.option("--all", "everything", is_flag=True, help="Everything."),
    ):
        command = option(command)
    return command


@click.command()
@_scope_options
@json_option
@click.pass_obj
def pause(
    settings: Settings,
    everything: bool,
    app: str | None,
    location: str | None,
    serial: str | None,
    as_json: bool,
) -> int:
    """Send nothing for an app, a location, a device, or at all, until it is resumed.

    From the moment this returns, no POST leaves for it: no command, push or list to the MDM
    server, nothing to Apple except a new notification token. A call that had begun is finished.
    Webhooks are taken in, what only reads goes on, and a restart changes nothing. Exit code 0, also
    where it was paused already; 2 unless exactly one thing is named, or for a location that is not
    configured.
    """
    scope, name = _chosen(everything, app, location, serial)
    with settings.open_bridge() as bridge:
        if scope == "location" and name not in bridge.config.locations:
            known = ", ".join(bridge.config.locations) or "none"
            show.line(f"location {name} is not configured; configured are: {known}", error=True)
            return USAGE
        new = bridge.pause(scope, name)
        _tell(bridge, as_json, {"paused": new})
    return 0


@click.command()
@_scope_options
@json_option
@click.pass_obj
def resume(
    settings: Settings,
    everything: bool,
    app: str | None,
    location: str | None,
    serial: str | None,
    as_json: bool,
) -> int:
    """End a pause: what it held up is due at once, paced as ever.

    It ends the pause that was made with the same option; the others stay, and are shown. Exit code
    0, also where nothing was paused; 2 unless exactly one thing is named.
    """
    scope, name = _chosen(everything, app, location, serial)
    with settings.open_bridge() as bridge:
        ended = bridge.resume(scope, name)
        if not as_json:
            with bridge.database.read() as db:
                what = Pause(scope, name, since=0.0).what_called(called(db, scope, name))
            said = f"{what} is resumed" if ended else f"{what} was not paused"
            show.line(as_sentence(said))
        _tell(bridge, as_json, {"resumed": ended})
    return 0


def _chosen(
    everything: bool, app: str | None, location: str | None, serial: str | None
) -> tuple[Scope, str]:
    given: dict[Scope, str | None] = {
        "all": "" if everything else None,
        "app": app,
        "location": location,
        "serial": serial,
    }
    named = [(scope, name) for scope, name in given.items() if name is not None]
    if len(named) != 1:
        raise click.UsageError("say exactly one of --all, --app A, --location L and --serial S")
    return named[0]


def _tell(bridge: Bridge, as_json: bool, done: dict[str, Any]) -> None:
    """Everything that is paused now, and how much waits for it."""
    paused = bridge.paused()
    if as_json:
        show.as_json(done | {"pauses": paused})
        return
    for each in paused:
        show.line(f"{each['sentence']} {_about(each['installs'])}")
    if not paused:
        show.line("Nothing is paused.")


def _about(installs: int) -> str:
    return f"It is about {counted(installs, 'wanted install')}."
