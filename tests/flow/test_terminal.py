"""Every command in a terminal of 80x24, of a small world and of 5,000 devices: nothing is broken
over lines, what is piped can be read by others, and exit codes are as promised."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from rich.cells import cell_len

from bridge.cli.commands import COMMANDS
from tests.bench.fleet import Fleet

COLUMNS, LINES = 80, 24
STYLE = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


@dataclass(frozen=True)
class World:
    """A database to look at; `fine` is a pair of device and app that is there."""

    folder: Path
    fine: tuple[str, str]

    def command(self, *arguments: str) -> list[str]:
        program = [sys.executable, "-m", "bridge", "--config", str(self.folder / "config.yaml")]
        return [*program, *arguments]


def environment() -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if k not in ("COLUMNS", "LINES", "NO_COLOR")}
    return kept | {"TERM": "xterm-256color"}


SIZES = [
    pytest.param(20, id="the demo's world"),
    pytest.param(5000, id="5,000 devices", marks=pytest.mark.slow),
]


@pytest.fixture(scope="module", params=SIZES)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("world")
    fleet = Fleet(folder, request.param, 3, now=time.time())
    with fleet.bridge() as bridge:
        with bridge.database.write() as db:
            db.execute("UPDATE devices SET name = 'iPad of somebody with a long name ' || id")
            db.execute("UPDATE apps SET name = 'Office Suite for Schools and Enterprises'")
            for number, (state, reason) in enumerate(STATES):
                db.execute(
                    "UPDATE installs SET state = ?, reason = ?, detail = ? WHERE id % 20 = ?",
                    (state, reason, "what Apple or a device said of it, in words", number),
                )
            db.execute("UPDATE installs SET desired = 0 WHERE target = 'SERIAL000003'")
            rows = {
                (row[2], row[3]): (row[0], row[1])
                for row in db.execute(
                    "SELECT target, adam_id, state, reason FROM installs ORDER BY id DESC"
                )
            }
            outbox = ("apple", "hq", "read_assets", "failed", "Apple answered 503: " + "word " * 30)
            db.execute(
                "INSERT INTO outbox (service, scope, kind, key, subject, state, error, due_at, "
                "created_at, settled_at) VALUES (?, ?, ?, '', '', ?, ?, 1, 1, 1)",
                outbox,
            )
        bridge.receive_webhook("main", b'{"topic": "mdm.Odd", "event_id": "1"}')
    return World(folder, rows["installed", "INSTALLED"])


STATES = (
    ("waiting", "NO_SEAT"),
    ("waiting", "NOT_ENROLLED"),
    ("failed", "ATTEMPTS_USED_UP"),
    ("needs_user", "NOT_NOW_FOR_LONG"),
    ("acknowledged", "ACKNOWLEDGED"),
    ("waiting", "ASSIGNMENT_UNREADABLE"),
)


@dataclass(frozen=True)
class Terminal:
    """Runs commands in a terminal, each as a process of its own."""

    program: subprocess.Popen[str]
    errors: Path

    def __call__(self, world: World, *arguments: str) -> tuple[int, list[str], str]:
        """The exit code, the lines on the screen, and what was said on standard error."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        config = str(world.folder / "config.yaml")
        asked = {"arguments": ["--config", config, *arguments], "terminal": os.ttyname(theirs)}
        assert self.program.stdin is not None and self.program.stdout is not None
        self.program.stdin.write(json.dumps(asked | {"errors": str(self.errors)}) + "\n")
        self.program.stdin.flush()
        assert self.program.stdout.readline() == "begins\n"
        os.close(theirs)
        shown = b"".join(_read(ours))
        os.close(ours)
        code = int(self.program.stdout.readline())
        text = STYLE.sub("", shown.decode())
        lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        return code, lines, self.errors.read_text()


@pytest.fixture(scope="module")
def in_terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with subprocess.Popen(
        [sys.executable, "-m", "tests.flow.forked"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment(),
        text=True,
    ) as program:
        yield Terminal(program, tmp_path_factory.mktemp("said") / "errors")
        assert program.stdin is not None
        program.stdin.close()


def _read(terminal: int) -> Iterator[bytes]:
    while True:
        try:
            some = os.read(terminal, 65536)
        except OSError:  # Linux, when the other side is closed
            return
        if not some:
            return
        yield some


def piped(world: World, *arguments: str, into: str) -> tuple[str, str]:
    """What the rest of a pipeline puts out, and what was said on standard error."""
    program = " ".join(f"'{each}'" for each in world.command(*arguments))
    run = subprocess.run(
        ["bash", "-c", f"{program} | {into}"],
        check=True,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=60,
    )
    return run.stdout, run.stderr


LOOKS: dict[str, tuple[Sequence[str], int]] = {
    "status": ((), 0),
    "status all": (("--all",), 0),
    "status filtered": (("--needs-someone",), 0),
    "installs": ((), 0),
    "installs all": (("--limit", "300"), 0),
    "installs counted": (("--by", "reason"), 0),
    "installs of one": (("--serial", "iPad of somebody with a long name 1"), 0),
    "devices": ((), 0),
    "assets": ((), 0),
    "assignments": ((), 0),
    "assignments unwanted": (("--unwanted",), 0),
    "events": ((), 0),
    "outbox": ((), 0),
    "users": ((), 0),
    "subscriptions": ((), 0),
    "alerts": ((), 0),
    "alerts test": (("test",), 2),
    "drift": ((), 1),
    "drift foreign": (("--foreign",), 1),
    "audit": ((), 0),
    "reasons": ((), 0),
    "reasons one": (("LIST_REFUSED",), 0),
    "reclaim": (("--unwanted", "--dry-run"), 0),
    "replace": (("NEVERSEEN1", "NEVERSEEN2"), 1),
    "completion": (("bash",), 0),
    "installs of nobody": (("--app", "Ofice Suite for Schools and Enterprises"), 2),
    "events replay": (("replay", "99"), 2),
    "outbox retry": (("retry", "99"), 2),
    "why unknown": (("NEVERSEEN1", "1"), 2),
}
"""Command lines, and how they end."""


ACTS: dict[str, tuple[Sequence[str], int]] = {
    "pause": (("--app", "300000000"), 0),
    "resume": (("--app", "300000000"), 0),
    "retry": (("--app", "300000000"), 0),
    "assign": (("SERIAL000000", "--app", "300000001"), 0),
    "unassign": (("SERIAL000000", "--app", "300000001"), 0),
    "plan": ((), 1),
    "apply": (("--yes",), 2),
    "doctor": ((), 1),
    "backup": (("copy.db",), 0),
    "bundle": (("support.db",), 0),
    "restore": (("nothing.db", "--yes"), 1),
    "update": (("300000000", "--yes"), 0),
    "import": (("apple", "hq"), 1),
    "claim": (("nowhere",), 2),
    "sync": (("devices",), 1),
}
"""The same of commands that change something, or ask others, of whom nobody answers here."""
ELSEWHERE = {
    "serve": "prints nothing",
    "init": "asks: test_cli_init",
    "demo": "has its own",
    "simulate": "runs until it is stopped",
    "why": "below",
    "events": "above",
}


def test_every_command_is_tried() -> None:
    looked = {name.split()[0] for name in LOOKS}
    assert looked | set(ACTS) | set(ELSEWHERE) == set(COMMANDS)


@pytest.mark.parametrize("name", ACTS)
def test_an_act_fits_the_screen(in_terminal: Terminal, world: World, name: str) -> None:
    arguments, code = ACTS[name]
    arguments = [str(world.folder / each) if each.endswith(".db") else each for each in arguments]
    ended, lines, said = in_terminal(world, name, *arguments)
    check_lines(lines)
    assert ended == code, said
    assert "Traceback" not in said


def check_lines(lines: Sequence[str]) -> None:
    """No line is longer than the screen, save for one word that is; then no word was broken."""
    for line in lines:
        assert cell_len(line) <= COLUMNS or " " not in line.strip(), line


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_fits_the_screen(in_terminal: Terminal, world: World, name: str) -> None:
    arguments, code = LOOKS[name]
    ended, lines, said = in_terminal(world, name.split(maxsplit=1)[0], *arguments)
    assert ended == code, said
    if name != "completion":
        check_lines(lines)
    assert "Traceback" not in said
    assert code != 2 or len(said.splitlines()) == 1


@pytest.mark.parametrize("name", ["installs", "devices", "assignments"])
def test_a_list_has_a_line_for_each_row_and_whole_ids(
    in_terminal: Terminal, world: World, name: str
) -> None:
    _, (header, *lines), said = in_terminal(world, name, "--limit", "30")
    rows = [line for line in lines if line]
    number = 20 if name == "devices" and "There are more" not in said else 30
    assert len(rows) == number and all(re.search(r"\bSERIAL\d{6}\b", line) for line in rows)
    if name != "devices":
        assert all(re.search(r"\b30000000\d\b", line) for line in rows)
    assert header.split()[0] in ("serial", "location")


def test_why_is_told_between_words(in_terminal: Terminal, world: World) -> None:
    code, lines, _ = in_terminal(world, "why", *world.fine)
    check_lines(lines)
    assert code == 0
    assert f"({world.fine[0]})" in " ".join(lines)


def test_what_needs_somebody_stays_on_the_screen(in_terminal: Terminal, world: World) -> None:
    _, lines, _ = in_terminal(world, "status")
    last = lines[-LINES:]
    assert "Needs somebody" in last
    assert any(re.search(r"NO_SEAT +the admin", line) for line in last)
    assert not any(re.match(r" *0  ", line) for line in lines), "no rows of nothing"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_help_fits_the_screen(in_terminal: Terminal, world: World, name: str) -> None:
    code, lines, _ = in_terminal(world, name, "--help")
    check_lines(lines)
    assert code == 0
    assert any("Example: vpp-bridge" in line for line in lines)


LISTS = ("installs", "devices", "assets", "assignments", "events", "outbox")


@pytest.mark.parametrize("name", LISTS)
def test_lists_can_be_piped(world: World, name: str) -> None:
    """Into `head`, which goes before all is written, and into what reads JSON or CSV."""
    for form in (("--all",), ("--csv",), ("--json", "--all")):
        shown, said = piped(world, name, *form, into="head -n 2")
        assert len(shown.splitlines()) == 2
        assert said == "", "nothing is said of a reader that had enough"
    shown, said = piped(world, name, "--json", into=READS_JSON.format(f".{name}|length"))
    assert int(shown) > 0 and said in ("", MORE)


MORE = "There are more than these 50: --all shows them, --limit N more.\n"
COUNTS = "import json, sys; print(len(next(iter(json.load(sys.stdin).values()))))"
READS_JSON = "jq '{0}'" if shutil.which("jq") else f"{sys.executable} -c '{COUNTS}'"


def test_status_and_reasons_are_json_too(world: World) -> None:
    for arguments in (
        ("status",),
        ("reasons",),
        ("installs", "--by", "reason"),
        ("why", *world.fine),
    ):
        shown, said = piped(world, *arguments, "--json", into="cat")
        assert json.loads(shown) and said == ""
