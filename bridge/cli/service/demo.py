"""`demo`: the whole road with a real bridge between simulated services, and what came of it."""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from bridge.cli import show
from bridge.cli.root import BAD_NEWS, Settings
from bridge.demo import report
from bridge.demo.bridge import (
    BridgeProcess,
    Place,
    Unreachable,
    make_place,
    policy_lines,
)
from bridge.demo.outside import (
    ENROL_WITHIN,
    PROGRAMS,
    Outside,
    OutsideWithRealMdm,
    missing_for,
)
from bridge.demo.report import Pair, Result
from bridge.demo.watch import Watch
from bridge.domain.wording import counted
from bridge.engine.insight import status
from bridge.errors import BridgeError

LIMIT = 80.0
"""Seconds after which a demonstration of the usual size is given up."""

_USUAL, _EACH_FURTHER = 60, 0.5
_EACH_KILL = 5.0
_LOG_LINES = 15
_LOOK_AFTER_IT = 0.5
STAY_HINT = "With --stay all of it goes on running, for you to try status, why and the rest."
_TERMINATED = 128 + signal.SIGTERM


@click.command()
@click.option("--devices", type=click.IntRange(1), default=20, show_default=True, metavar="N")
@click.option("--apps", type=click.IntRange(1), default=3, show_default=True, metavar="M")
@click.option("--faults", is_flag=True, help="Let things go wrong on the way.")
@click.option(
    "--kills",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Kill (SIGKILL) and restart the bridge N times on the way.",
)
@click.option("--keep", is_flag=True, help="Keep the files: configuration, database, log.")
@click.option("--stay", is_flag=True, help="Leave all of it running until Ctrl-C, to try it.")
@click.option("--seed", type=int, default=1, show_default=True, help="What chance is made of.")
@click.option(
    "--mdm",
    type=click.Choice(["simulated", *PROGRAMS]),
    default="simulated",
    show_default=True,
    help="A real one needs its program on PATH (micromdm also scepclient) and the extra `real`.",
)
def demo(
    devices: int,
    apps: int,
    faults: bool,
    kills: int,
    keep: bool,
    stay: bool,
    seed: int,
    mdm: str,
) -> int:
    """Show the bridge at work between a simulated Apple and a simulated MDM server with devices.

    Needs no configuration and no network. Exit code 0 only if every app was really installed on
    every device, the bridge says so, too, and nothing was asked or sent that must not be.
    """
    began_at = time.monotonic()
    missing = [] if mdm == "simulated" else missing_for(mdm)
    if missing:
        raise click.UsageError(f"--mdm {mdm} needs {' and '.join(missing)}")
    words = [counted(devices, "device"), counted(apps, "app")]
    words += ["with faults"] if faults else []
    words += [counted(kills, "kill")] if kills else []
    show.line(f"Demonstration: {', '.join(words)}, seed {seed}")
    further = max(devices * apps - _USUAL, 0)
    with _end_on_sigterm(), _directory(keep=keep) as directory:
        if mdm == "simulated":
            outside = Outside(devices, apps, seed, faults=faults)
        else:
            outside = OutsideWithRealMdm(devices, apps, seed, faults=faults, kind=mdm)
        deadline = began_at + LIMIT + further * _EACH_FURTHER + kills * _EACH_KILL
        return _run(outside, directory, kills, seed, deadline, stay=stay)


@contextmanager
def _end_on_sigterm() -> Iterator[None]:
    """Let SIGTERM end the demonstration as Ctrl-C does: with nothing left behind."""
    before = signal.signal(signal.SIGTERM, lambda *_: sys.exit(_TERMINATED))
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _directory(*, keep: bool) -> Iterator[Path]:
    directory = Path(tempfile.mkdtemp(prefix="vpp-bridge-demo-"))
    try:
        yield directory
    finally:
        if keep:
            show.line(f"Kept: {directory}")
        else:
            shutil.rmtree(directory, ignore_errors=True)


def _run(
    outside: Outside, directory: Path, kills: int, seed: int, deadline: float, *, stay: bool
) -> int:
    place = make_place(directory, outside.mdm_api_key)
    process = BridgeProcess(place)
    with ExitStack() as cleanup:
        cleanup.callback(outside.stop)
        cleanup.callback(process.stop)
        outside.start(directory / "mdm", place.webhook_url)
        place.write(
            apple_url=outside.apple_url,
            mdm_url=outside.mdm_url,
            mdm_kind=outside.mdm_kind,
            content_token=outside.world.location.token,
            apps=outside.app_names,
        )
        _introduce(place, outside)
        watch = Watch(outside, place, process, kills, seed, deadline)
        try:
            for line in filter(None, watch.begin()):
                show.line(f"  {line}")
        except BridgeError:
            _show_log(place)
            raise
        later = counted(outside.later, "more device")
        show.line(f"{later} will enrol in the next {ENROL_WITHIN:g} s. Since the wish:")
        with show.progress() as view:
            watch.follow(view, in_place=show.on_terminal())
        return _finish(watch, process, stay=stay)


def _introduce(place: Place, outside: Outside) -> None:
    show.line(f"Bridge {place.url} between Apple, simulated, {outside.apple_url}")
    show.line(f"and {outside.mdm_name} {outside.mdm_url}")
    lines = policy_lines()
    half = len(lines) // 2
    show.line(f"Waits are shortened. policy: {', '.join(lines[:half])},")
    show.line(f"  {', '.join(lines[half:])}")
    show.line(f"Status pages {place.url}/ for user bridge, password {place.api_key}")
    show.line("$ vpp-bridge serve & vpp-bridge apply --yes")


def _finish(watch: Watch, process: BridgeProcess, *, stay: bool) -> int:
    """Stop the bridge, later if all is to `stay`, and print how it ended; the exit code."""
    ended = process.ended()
    watch.settle()
    reasons = [_why(watch, pair) for pair in watch.unfinished()[: report.SHOWN]]
    if ended is not None:
        reasons.append(f"The bridge ended by itself with exit code {ended}.")
    if not stay:
        process.stop()
    result = watch.result(_counters(watch.place))
    code = conclude(result, reasons, hint=None if stay else STAY_HINT)
    if result.unfinished:
        _show_log(watch.place)
    if stay and ended is None:
        _stay(watch, process)
    return code


def _stay(watch: Watch, process: BridgeProcess) -> None:
    """Let everything run, and say what to try on it, until Ctrl-C or until the bridge ends."""
    place, serial = watch.place, watch.outside.world.devices[0].serial_number
    adam_id = next(iter(watch.outside.app_names))
    show.heading("To look at in a browser, until Ctrl-C here")
    click.echo(f"  {place.url}/")
    click.echo(f"  user bridge, password {place.api_key}")
    show.heading("To try in another shell")
    for command in (
        "status",
        "installs",
        f"why {serial} {adam_id}",
        f"assign --not {serial} --app {adam_id}",
        f"unassign {serial} --app {adam_id}",
        "pause --all",
        "resume --all",
    ):
        click.echo(f"  {_program()} --config {place.config} {command}")
    click.echo(f"  curl -u bridge:{place.api_key} {place.url}/v1/installs")
    sys.stdout.flush()
    try:
        while process.ended() is None:
            time.sleep(_LOOK_AFTER_IT)
    except KeyboardInterrupt:
        show.line()
        show.line("Stopped.")
    else:
        show.line(f"The bridge ended by itself with exit code {process.ended()}.")


def _program() -> str:
    """How this program was called, so that a person can call it again."""
    name = Path(sys.argv[0])
    return f"{sys.executable} -m bridge" if name.suffix == ".py" else str(name)


def conclude(result: Result, reasons: Sequence[str], *, hint: str | None = None) -> int:
    """Print how it ended, with `reasons` if it did not end well, else a `hint`; the exit code."""
    show.line()
    columns = ("app", "adam id", "installed", "first", "median", "last")
    show.table(columns, report.app_rows(result))
    show.line()
    show.pairs(report.summary(result))
    show.line()
    complaints = report.verdict(result)
    if not complaints:
        if hint is not None:
            show.line(hint)
        show.line(report.good_news(result))
        return 0
    for line in complaints:
        show.line(line)
    for violation in result.violations:
        show.line(f"- {violation.kind}: {violation.detail}")
    for reason in reasons:
        show.line(f"- {reason}")
    return BAD_NEWS


def _why(watch: Watch, pair: Pair) -> str:
    serial_number, adam_id = pair
    app = watch.outside.app_names[adam_id]
    try:
        install = watch.api.install(serial_number, adam_id)
    except Unreachable as error:
        return f"{app} on {serial_number}: the bridge does not say why ({error})"
    explanation = install["explanation"]
    return f"{install['state']}: {explanation['sentence']} {explanation['next']}"


def _counters(place: Place) -> Mapping[str, int]:
    with Settings(place.config).open_bridge() as bridge, bridge.looking() as context:
        report = status.report(context, bridge.config, bridge.database, bridge.engine_lock)
        counters: Mapping[str, int] = report["counters"]
        return counters


def _show_log(place: Place) -> None:
    show.line()
    show.line("The last lines of the bridge's log:")
    for line in place.log.read_text(errors="replace").splitlines()[-_LOG_LINES:]:
        show.line(f"  {line}")
