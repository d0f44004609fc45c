"""`sync`: full reads now."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace
from typing import Any

import click

from bridge.app import Bridge
from bridge.app.calls import make_calls
from bridge.cli import show
from bridge.cli.commands import SYNC
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, Settings
from bridge.domain.plan.unlisted import MENDS
from bridge.engine.sync import WHATS, Progress, Read, Sync, chosen
from bridge.errors import StoreError, StoreLocked, WishError

POLL = 0.25
"""Seconds between two looks at how far a read is."""

GONE_AFTER = 5.0
"""Seconds without an engine after which it is not waited for; a restart takes less."""

NO_LIST = "this server has no list of them to read"

AT_ONCE = 5
"""Reads at once, as many as Apple allows to one location."""


@click.command()
@click.argument("what", type=click.Choice([*WHATS, "all"]), default="all")
@json_option
@click.pass_obj
def sync(settings: Settings, what: str, as_json: bool) -> int:
    """Read everything anew: the apps each location owns, who holds licences, and all devices.

    Users and subscriptions, too, where the file names some; Apple is not asked for them elsewhere.
    Nothing is written at Apple. Devices of which a `match` needs to know more are asked what they
    are, some in each minute, and so are those without a serial number; nothing else is sent to a
    device. While the bridge runs, its engine does all this; otherwise this command reads, and the
    devices are asked when the bridge runs. Exit code 1 when something could not be read.
    """
    settings = replace(settings, needs=SYNC.get(what, settings.needs))
    with settings.open_bridge() as bridge:
        reads = _reads(bridge, what)
        clients = bridge.clients(settings.transports)
        calls = make_calls(bridge.database, clients, bridge.config)
        job = Sync(
            bridge.database, bridge.config.policy, calls, reads, bridge.clock, record=bridge.record
        )
        with show.progress(quiet=as_json) as view:
            ended = run_reads(bridge, job, reads, view, settings.sleep)
        of_devices = what in ("devices", "all")
        untold = bridge.ask_unlisted() if of_devices else []
        known = bridge.known_devices() if of_devices else []
    counts = {each.server: each.enrolled for each in known}
    ended += [Progress(Read("devices", name), "done", counts[name]) for name in untold]
    if as_json:
        show.as_json({"reads": [_as_json(each) for each in ended]})
    else:
        for server in known:
            show.line(f"devices of {server.server}: {server.known}; {NO_LIST}")
        if known:
            show.line(f"Who else is enrolled there is not known: {MENDS}.")
    failed = [each for each in ended if each.state == "failed"]
    for each in failed:
        show.line(f"{_name(each.read)}: {each.error}", error=True)
    return BAD_NEWS if failed else 0


def _reads(bridge: Bridge, what: str) -> list[Read]:
    config = bridge.config
    reads = chosen(what, bridge.readable())
    if not reads and what in _NAMED:
        raise WishError(f"nothing is read: {_NAMED[what]}")
    if not reads and not (bridge.unlisted_servers and what in ("devices", "all")):
        if what == "all":
            config.require("locations", "servers")
        config.require("servers" if what == "devices" else "locations")
    return reads


_NAMED = {
    "users": "no user was applied; name some under users: in the file and apply",
    "subscriptions": "no location is named under subscriptions: in the file",
}
"""By what is read where the file names some only, what it is for want of."""


def run_reads(
    bridge: Bridge,
    job: Sync,
    reads: Sequence[Read],
    view: show.View,
    sleep: Callable[[float], object],
) -> list[Progress]:
    """Let the engine that runs make the reads, or make them here; how each ended."""
    try:
        bridge.engine_lock.acquire(0.0)
    except StoreLocked:
        return _hand_over(bridge, job, view, sleep)
    try:
        return _alone(bridge, job, reads, view)
    finally:
        bridge.engine_lock.release()


def _hand_over(
    bridge: Bridge, job: Sync, view: show.View, sleep: Callable[[float], object]
) -> list[Progress]:
    """Wait for the engine that runs."""
    seen_at = bridge.now()
    while True:
        job.ask()
        found = job.progress()
        view.update(_lines(found))
        if all(each.ended for each in found):
            return found
        if bridge.engine_lock.held():
            seen_at = bridge.now()
        elif bridge.now() - seen_at > GONE_AFTER:
            raise StoreError("the engine has stopped meanwhile; run it again")
        sleep(POLL)


def _alone(bridge: Bridge, job: Sync, reads: Sequence[Read], view: show.View) -> list[Progress]:
    """Make the reads here; no engine runs, and none starts meanwhile."""
    job.ask(alone=True)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        pending = {pool.submit(job.perform, read) for read in reads}
        while pending:
            done, pending = wait(pending, timeout=POLL)
            for future in done:
                future.result()
            bridge.engine_lock.beat()
            view.update(_lines(job.progress()))
    return job.progress()


def _name(read: Read) -> str:
    return f"{read.shown} of {read.scope}"


def _lines(found: Sequence[Progress]) -> dict[str, str]:
    return {_name(each.read): _text(each) for each in found}


def _text(progress: Progress) -> str:
    if progress.state == "done":
        return f"{progress.count}, done"
    if progress.state == "reading" and progress.read.what == "assignments" and show.on_terminal():
        return f"reading {show.bar(progress.count, progress.before)} {progress.count} so far"
    return progress.state


def _as_json(progress: Progress) -> dict[str, Any]:
    return {
        "what": progress.read.shown,
        "of": progress.read.scope,
        "ok": progress.state == "done",
        "count": progress.count,
        "error": progress.error,
    }
