"""`apply`: store what the file's groups and apps want, after showing what that changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.change import Change
from bridge.engine import status


@click.command()
@click.option("--yes", is_flag=True, help="Store without asking.")
@click.option(
    "--limit",
    type=click.IntRange(min=0),
    metavar="N",
    help="Let N installs go, and hold the rest back until an apply without a limit.",
)
@click.option(
    "--allow-removals",
    type=click.IntRange(min=0),
    metavar="N",
    help="Remove up to N installs; otherwise 10, or one in twenty if that is more.",
)
@json_option
@click.pass_obj
def apply(
    settings: Settings, yes: bool, limit: int | None, allow_removals: int | None, as_json: bool
) -> int:
    """Store what the file's groups and apps want, after showing what that changes.

    With --limit, the installs of the highest priority go first, then by serial number; a later
    apply with a higher limit lets more go. Works before the first `serve`, and while it runs: the
    bridge then acts at once. Exit code 0 when it was stored, 1 when you said no, 2 when nobody
    could be asked, or when it would remove too many installs.
    """
    with settings.open_bridge() as bridge:
        wanted = bridge.config.wanted
        with bridge.database.read() as db:
            same = status.applied(bridge.context(db)) == wanted
        planned = bridge.change(wanted, limit=limit)
        nothing = same and not planned.touches_installs
        if not as_json:
            _show(planned, _apps(bridge, planned), nothing=nothing)
        if not (yes or nothing):
            if not show.can_ask():
                show.line(
                    "nothing was stored: say --yes to store it without a question", error=True
                )
                return USAGE
            if not click.confirm("Store this?", err=True):
                show.line("nothing was stored", error=True)
                return BAD_NEWS
        stored = bridge.apply(wanted, limit=limit, allow_removals=allow_removals)
        if as_json:
            show.as_json(_as_json(stored, _apps(bridge, stored)))
        elif not nothing:
            show.line("Stored.")
    return 0


def _apps(bridge: Bridge, change: Change) -> list[dict[str, Any]]:
    """The apps that the change touches, each with how many devices get and lose it."""
    added = Counter(adam_id for _, adam_id in change.added)
    removed = Counter(adam_id for _, adam_id in change.removed)
    touched = sorted({*added, *removed})
    with bridge.database.read() as db:
        names = status.app_names(bridge.context(db), touched)
    wanted = {app.adam_id: app.name for app in bridge.config.wanted.apps}
    return [
        {
            "adam_id": adam_id,
            "name": wanted.get(adam_id) or names.get(adam_id),
            "added": added[adam_id],
            "removed": removed[adam_id],
        }
        for adam_id in touched
    ]


def _as_json(change: Change, apps: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {
        "stored": True,
        "added": len(change.added),
        "removed": len(change.removed),
        "unchanged": change.kept,
        "let_go": len(change.let_go),
        "held_back": len(change.held),
        "apps": apps,
    }


def _show(change: Change, apps: Sequence[dict[str, Any]], *, nothing: bool) -> None:
    if nothing:
        show.line(f"Nothing to do: {show.counted(change.kept, 'install')} as applied before.")
        _show_held(change)
        return
    if apps:
        show.table(
            ("app", "name", "added", "removed"),
            [(app["adam_id"], app["name"], app["added"], app["removed"]) for app in apps],
        )
        show.line()
    show.line(
        f"{len(change.added)} to add, {len(change.removed)} to remove, {change.kept} unchanged."
    )
    if not apps:
        show.line("Groups or settings differ from what was applied before.")
    if change.let_go:
        show.line(f"{len(change.let_go)} that were held back go now.")
    _show_held(change)


def _show_held(change: Change) -> None:
    if change.held:
        show.line(f"{len(change.held)} are held back until an apply without --limit.")
