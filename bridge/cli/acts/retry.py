"""`retry`: another round for installs that stopped."""

from __future__ import annotations

from collections.abc import Sequence

import click

from bridge.app import Bridge
from bridge.cli import show
from bridge.cli.lists import known
from bridge.cli.names import ADAM_ID, SERIAL
from bridge.cli.params import json_option
from bridge.cli.root import BAD_NEWS, USAGE, Settings
from bridge.domain.wording import called, counted
from bridge.store.installs import retry as stopped_installs
from bridge.store.views import names

Stopped = Sequence[tuple[str, str, int]]
"""How many installs there are by (state, reason)."""


@click.command()
@click.option("--serial", type=SERIAL, metavar="S", help="Only the installs of this device.")
@click.option("--app", "adam_id", type=ADAM_ID, metavar="A", help="Only the installs of this app.")
@click.option("--yes", is_flag=True, help="Retry everything without asking.")
@json_option
@click.pass_obj
def retry(
    settings: Settings, serial: str | None, adam_id: str | None, yes: bool, as_json: bool
) -> int:
    """Give installs that stopped another round: those that are failed, needs_user or conflict.

    What failed before does not count any more; attempts start anew. All other installs are left
    alone. Without --serial and --app it is for everything, after asking. Works while the bridge
    runs, which then acts at once. Exit code 0 when it is done, also when nothing had stopped; 1
    when you said no; 2 for a device or an app that nobody knows, or when nobody could be asked.
    """
    with settings.open_bridge() as bridge:
        if unknown := _unknown(bridge, serial, adam_id):
            show.line(unknown, error=True)
            return USAGE
        with bridge.database.read() as db:
            stopped = stopped_installs.stopped(db, serial, adam_id)
        of = _of(bridge, serial, adam_id)
        if not as_json:
            _show(stopped, of)
        if stopped and not (yes or serial or adam_id):
            if not show.can_ask():
                show.line(
                    "nothing was retried: say --yes to retry everything, or which device or app",
                    error=True,
                )
                return USAGE
            if not click.confirm("Give all of these another round?", err=True):
                show.line("nothing was retried", error=True)
                return BAD_NEWS
        retried = bridge.retry(serial, adam_id) if stopped else 0
    if as_json:
        show.as_json({"retried": retried, "reasons": _as_json(stopped)})
    elif stopped:
        show.line(f"{counted(retried, 'install')}{of} got another round.")
    return 0


def _unknown(bridge: Bridge, serial: str | None, adam_id: str | None) -> str | None:
    with bridge.database.read() as db:
        device = None if serial is None else known.unknown_device(db, serial)
        return device or (None if adam_id is None else known.unknown_app(db, adam_id))


def _of(bridge: Bridge, serial: str | None, adam_id: str | None) -> str:
    """Of which app and on which device, by their names."""
    with bridge.database.read() as db:
        app = adam_id and f" of {called('app', adam_id, names.called(db, 'app', adam_id))}"
        device = serial and f" on {called('device', serial, names.called(db, 'serial', serial))}"
    return f"{app or ''}{device or ''}"


def _show(stopped: Stopped, of: str) -> None:
    if not stopped:
        show.line(f"Nothing to retry: no install{of} is failed, needs_user or conflict.")
        return
    show.table(("state", "reason", "installs"), stopped)
    show.line()


def _as_json(stopped: Stopped) -> list[dict[str, object]]:
    return [{"state": state, "reason": reason, "count": count} for state, reason, count in stopped]
