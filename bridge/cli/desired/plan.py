"""`plan`: what an apply would change and cost, before anything is done."""

from __future__ import annotations

from pathlib import Path

import click

from bridge.app import Bridge
from bridge.app.calls import make_calls
from bridge.cli import show
from bridge.cli.acts.sync import run_reads
from bridge.cli.params import Decorated, json_option
from bridge.cli.root import BAD_NEWS, Settings
from bridge.config.foreign import read_text
from bridge.config.places import of_app
from bridge.domain import ages
from bridge.domain.desired.change import Change
from bridge.domain.plan import Plan
from bridge.domain.plan.arriving import serials_of
from bridge.domain.wording import counted
from bridge.engine.client_pool import ClientPool, Transports
from bridge.engine.desired.plan.look import Looking, is_unread, to_read
from bridge.engine.desired.plan.seats import Look
from bridge.engine.sync import Read, Sync
from bridge.errors import ConfigError, ImportRefused


def offline_option(command: Decorated) -> Decorated:
    """Adds `--offline`."""
    return click.option(
        "--offline", is_flag=True, help="Read nothing outside; plan with what is stored."
    )(command)


@click.command()
@offline_option
@click.option("--updates", is_flag=True, help="Show what new versions wait, where and until when.")
@click.option("--tonight", is_flag=True, help="With --updates: only what may go within a day.")
@click.option(
    "--arriving",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also what these devices need once they come: a serial number a line, or CSV.",
)
@json_option
@click.pass_obj
def plan(
    settings: Settings,
    offline: bool,
    updates: bool,
    tonight: bool,
    arriving: Path | None,
    as_json: bool,
) -> int:
    """Show what an apply would change, and what it would cost in licences.

    A seat is counted for every wanted serial number, shown by a server or not. The MDM servers are
    asked for their devices, and Apple for counts that were never read; nothing is sent to a device
    or written at Apple, and nothing is stored. Exit code 1 when seats are short, whatever else is
    to do, and when the plan is blind: a group with `all` or `match` is used, and an MDM server did
    not show its devices.

    With --arriving it also shows what devices that are still to come would need, by app, and which
    serial numbers of that list are there already, or look mistyped: those that are one letter off
    an enrolled device's. A CSV names its column Serial Number, as Apple's portal exports it.

    With --updates it shows instead, of what is stored, which devices wait for the newest version of
    an app, and from when on they may be sent it; the exit code is 0 then.
    """
    if tonight and not updates:
        raise click.UsageError("--tonight goes with --updates")
    if updates and arriving:
        raise click.UsageError("--arriving does not go with --updates")
    if updates:
        return _show_updates(settings, tonight=tonight, as_json=as_json)
    serials = _listed(arriving) if arriving is not None else []
    with settings.open_bridge() as bridge:
        look = look_outside(settings, bridge, offline=offline, quiet=as_json)
        planned = planned_by(bridge, look)
        now = bridge.now()
        desired = bridge.config.desired
        coming = bridge.arriving(desired, serials, planned, look) if arriving else None
    if as_json:
        more = {"arriving": coming.as_json()} if coming is not None else {}
        show.as_json({**planned.as_json(), **more})
    else:
        show_plan(planned, now)
        for line in coming.lines() if coming is not None else ():
            show.line(line)
    is_short = planned.short or (coming is not None and coming.short)
    return BAD_NEWS if is_short or planned.blind else 0


def _listed(file: Path) -> list[str]:
    """The serial numbers of a file; raises click.UsageError with a sentence."""
    try:
        return serials_of(read_text(file))
    except ImportRefused as error:
        text = str(error)
        raise click.UsageError(text if str(file) in text else f"{file}: {text}") from error


def _show_updates(settings: Settings, *, tonight: bool, as_json: bool) -> int:
    with settings.open_bridge() as bridge:
        found = bridge.planned_updates(tonight=tonight)
    if as_json:
        show.as_json({"updates": list(found)})
        return 0
    if not found:
        within = " within a day" if tonight else ""
        show.line(f"No device may be sent a new version{within}.")
        return 0
    show.table(
        ("app", "name", "version", "devices", "family", "ring", "window", "from"),
        [
            (
                *(each["adam_id"], each["name"] or "", each["version"], each["devices"]),
                *(each["family"], each["ring"], each["window"]),
                each["waits_for"] or each["opens_there"],
            )
            for each in found
        ],
    )
    show.line()
    sum_ = counted(sum(each["devices"] for each in found), "install")
    show.line(f"{sum_} in all. Nothing was sent.")
    return 0


def planned_by(
    bridge: Bridge, look: Look, *, limit: int | None = None, retire_foreign: bool = False
) -> Plan:
    """The plan for what the file wants; raises ConfigError for entries that cannot be, by what
    Apple says of their apps."""
    config = bridge.config
    planned = bridge.plan(config.desired, limit=limit, look=look, retire_foreign=retire_foreign)
    if planned.mistakes:
        found = [(m, of_app(config.path, m.entry, m.key)) for m in planned.mistakes]
        raise ConfigError([f"{place}: {mistake.sentence}" for mistake, place in found])
    return planned


def look_outside(
    settings: Settings, bridge: Bridge, *, offline: bool, quiet: bool, keep: bool = False
) -> Look:
    """Read what a plan needs. Devices are read by an engine that runs, and stored; and to `keep`.

    An apply keeps them: the devices that it shows must be known to the rules that it stores. What
    Apple says is not kept, since a location that is not ours yet is read anew when it is.
    """
    wished_at = sorted({name for app in bridge.config.desired.apps for name in app.locations})
    with bridge.database.read() as db:
        reads = to_read(db, bridge.listing_servers, wished_at)
    if offline:
        with bridge.database.read() as db:
            never = [each for each in reads if is_unread(db, each)]
        return Look(notes=_left_out(never), unseen=bridge.unseen(), offline=True)
    by_engine = keep or bridge.engine_lock.held()
    stored = [read for read in reads if read.what == "devices" and by_engine]
    # Without guards, since they store which library a location is seen to be.
    transports = settings.transports or Transports()
    looking = Looking(ClientPool(bridge.config, bridge.clock, transports), bridge.now)
    with show.progress(quiet=quiet or not show.on_terminal()) as view:
        for read in reads:
            if read not in stored:
                view.update({"reading": f"{read.what} of {read.scope}"})
                looking.read(read)
        if stored:
            calls = make_calls(bridge.database, bridge.clients(settings.transports), bridge.config)
            job = Sync(bridge.database, bridge.config.policy, calls, stored, bridge.clock)
            ended = run_reads(bridge, job, stored, view, settings.sleep)
            for each in ended:
                if each.state != "done":
                    looking.failed(each.read, each.error or "it did not end")
    asked = {read.scope for read in reads if read.what == "devices"}
    looking.unseen += [each for each in bridge.unseen() if each.server not in asked]
    return looking.result()


def _left_out(reads: list[Read]) -> tuple[str, ...]:
    """What `--offline` leaves out, in sentences."""
    never = [f"{read.what} of {read.scope}" for read in reads if read.what != "devices"]
    lines = ["Offline: devices count as the bridge knows them."]
    lines += [f"Offline: never read: {', '.join(never)}."] if never else []
    return tuple(lines)


def show_plan(planned: Plan, now: float) -> None:
    """Print a plan for a person."""
    change = planned.change
    for sentence in planned.not_seen():
        show.line(sentence)
    if planned.nothing_to_do:
        show.line(f"There is nothing to do: {counted(change.kept, 'install')} as applied.")
    elif apps := planned.apps():
        show.table(
            ("app", "name", "added", "removed"),
            [(app["adam_id"], app["name"], app["added"], app["removed"]) for app in apps],
        )
        show.line()
    for seats in planned.seats:
        if seats.short or not planned.nothing_to_do:
            show.line(seats.sentence())
    for line in _counted(planned, now):
        show.line(line)
    for remark in planned.remarks():
        show.line(remark)
    if not planned.nothing_to_do:
        _show_sums(change)
    if change.held_back:
        show.line(f"{len(change.held_back)} are held back until an apply without --limit.")


def _counted(planned: Plan, now: float) -> list[str]:
    """How old Apple's counts are that the seats are counted by, a sentence for each location."""
    oldest: dict[str, float] = {}
    for seats in planned.seats:
        if seats.counted_at is not None:
            known = oldest.get(seats.location, seats.counted_at)
            oldest[seats.location] = min(known, seats.counted_at)
    told = {name: ages.ago(max(now - at, 0.0)) for name, at in sorted(oldest.items())}
    return [f"Apple's counts at {name} were read {age}." for name, age in told.items()]


def _show_sums(change: Change) -> None:
    show.line(
        f"{len(change.added)} to add, {len(change.removed)} to remove, "
        f"{len(change.otherwise)} to change, {change.unchanged} unchanged."
    )
    if change.let_go:
        show.line(f"{len(change.let_go)} that were held back go now.")
    if not change.touches_installs:
        show.line("Groups or settings differ from what was applied before.")
