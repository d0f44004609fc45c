"""`claim`: take a location over from the MDM that holds its content token."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict

import click

from bridge.app import Bridge
from bridge.app.calls import make_calls
from bridge.cli import show
from bridge.cli.names import LOCATION
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.clients.apple.replies import ClientConfig
from bridge.engine.calls import claim as claiming
from bridge.engine.calls.claim import Progress
from bridge.engine.client_pool import ClientPool
from bridge.engine.licences import foreign_mdm
from bridge.engine.licences.foreign_mdm import ForeignMdm
from bridge.errors import StoreLocked
from bridge.store import meta
from bridge.store.licences import locations

POLL = 0.25
"""Seconds between two looks at how far the claim is."""

GONE_AFTER = 5.0
"""Seconds without an engine after which it is not waited for."""


@click.command()
@click.argument("location", type=LOCATION)
@click.option(
    "--name",
    "--yes-name",
    "name",
    metavar="NAME",
    help="The other MDM's name, exactly as shown; without it you are asked for it.",
)
@json_option
@click.pass_obj
def claim(settings: Settings, location: str, name: str | None, as_json: bool) -> int:
    """Take LOCATION over from the MDM that holds its content token, after asking.

    Shows who holds it and writes to Apple only when you type the other MDM's name exactly. Then
    the bridge reads everything of the location anew. Stop the other MDM's use of the location
    first: Apple lets both write. Exit code 0 also when no claim is needed, 1 when nothing was
    taken over.
    """
    with settings.open_bridge() as bridge:
        bridge.config.require("locations")
        if location not in bridge.config.locations:
            known = ", ".join(bridge.config.locations)
            raise click.BadParameter(
                f"{location!r} is not a location of the configuration; known there: {known}",
                param_hint="LOCATION",
            )
        clients = bridge.clients(settings.transports)
        config = clients.apple(location).client_config()
        other = _foreign_mdm(bridge, location, config)
        if not as_json:
            _show(bridge, location, config, other)
        if other is None:
            _look_again(bridge, location)
            return _end(location, None, None, as_json)
        typed = name if name is not None else _ask(other)
        if typed is None:
            show.line("nothing was changed: say --name NAME to be asked nothing", error=True)
            return USAGE
        if typed.strip() != other.title:
            ended = Progress("failed", "that is not its name; nothing was changed")
        else:
            ended = _claim(bridge, clients, location, other, settings.sleep)
        return _end(location, other, ended, as_json)


def _foreign_mdm(bridge: Bridge, location: str, config: ClientConfig) -> ForeignMdm | None:
    with bridge.database.read() as db:
        ours = meta.recall(db, "instance_id") or ""
        told_url = locations.get(db, location).told_url
    urls = (bridge.config.notification_url(location), told_url)
    return foreign_mdm.of_config(config, ours, urls)


def _show(bridge: Bridge, location: str, config: ClientConfig, other: ForeignMdm | None) -> None:
    if other is None:
        owner = "nobody" if config.envelope.mdm_info is None else "this bridge"
        show.line(f"{location} is managed by {owner}: no claim is needed.")
        return
    with bridge.database.read() as db:
        is_former = other.mdm_id in meta.former_ids(db)
    holder = foreign_mdm.EARLIER_COPY if is_former else "another MDM"
    show.line(f"{location} ({config.location_name or 'without a name'}) is held by {holder}:")
    show.pairs(
        {
            "name": other.name,
            "id": other.mdm_id,
            "metadata": other.metadata,
            "notifications go to": other.notification_url,
        }
    )


def _ask(other: ForeignMdm) -> str | None:
    """What the person types; None when nobody is there."""
    show.line(f"To take it over, type its name: {other.title}", error=True)
    try:
        typed: str = click.prompt("Name", default="", show_default=False, err=True)
    except click.Abort:
        return None
    return typed


def _look_again(bridge: Bridge, location: str) -> None:
    """Nobody else holds it: should the bridge believe so, let it find out at once."""
    with bridge.database.read() as db:
        believed = locations.get(db, location).foreign_mdm is not None
    if believed:
        with bridge.database.write() as db:
            meta.hasten_job(db, f"config:{location}", bridge.now())


def _claim(
    bridge: Bridge,
    clients: ClientPool,
    location: str,
    other: ForeignMdm,
    sleep: Callable[[float], object],
) -> Progress:
    try:
        bridge.engine_lock.acquire(0.0)
    except StoreLocked:
        return _hand_over(bridge, location, other, sleep)
    try:
        call = make_calls(bridge.database, clients, bridge.config)[claiming.Claim.kind]
        row_id = bridge.intend_claim(location, other)
        claiming.make(bridge.database, call, row_id, bridge.context)
        return _progress(bridge, row_id)
    finally:
        bridge.engine_lock.release()


def _hand_over(
    bridge: Bridge, location: str, other: ForeignMdm, sleep: Callable[[float], object]
) -> Progress:
    """Let the engine that runs do it, and wait for it."""
    asked_at = seen_at = bridge.now()
    row_id = bridge.intend_claim(location, other)
    while not (found := _progress(bridge, row_id)).ended:
        now = bridge.now()
        if bridge.engine_lock.held():
            seen_at = now
        late = now - seen_at > GONE_AFTER or now - asked_at > claiming.PATIENCE
        if late and claiming.withdraw(bridge.database, row_id, now):
            return Progress("failed", "the engine did not take it up; nothing was changed")
        if now - seen_at > GONE_AFTER:
            return Progress("failed", "the engine has stopped meanwhile; see vpp-bridge status")
        sleep(POLL)
    return found


def _progress(bridge: Bridge, row_id: int) -> Progress:
    with bridge.database.read() as db:
        return claiming.progress(db, row_id)


def _end(location: str, other: ForeignMdm | None, ended: Progress | None, as_json: bool) -> int:
    claimed = ended is not None and ended.state == "done"
    error = ended.error if ended is not None else None
    if as_json:
        shown = asdict(other) if other is not None else None
        show.as_json({"location": location, "holder": shown, "claimed": claimed, "error": error})
    elif claimed:
        show.line(f"{location} is managed by this bridge now, which reads everything of it anew.")
    if error is not None:
        show.line(f"{location}: {error}", error=True)
    return 0 if other is None or claimed else BAD_NEWS
