"""The disk is full for a while: what the bridge answers, and that it goes on by itself afterwards.

Where a file system can be mounted (as root), it is a small one of its own; elsewhere the limit of
the size of files stands for it, which running processes are given from outside. Linux only.
"""

from __future__ import annotations

import http.client
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from bridge.store.write_probe import EVERY
from tests.soak.served import CHECKOUT, HOOK, KEY, Served, serving

WITHIN = 60.0
"""Seconds within which all must be well again once there is room."""

_SIZE = "16m"
_ANSWER = 30.0
_MESSAGES = 2000
_DOWN = 6.0
_INBOX = ("bridge.db.inbox", "bridge.db.inbox-wal")
_PROGRAM = "config.yaml\0serve"


@dataclass
class Seen:
    """What was answered; `wrong` holds a sentence for all that was not as it should be."""

    taken: set[str] = field(default_factory=set)
    readyz: str = ""
    doctor: str = ""
    status: str = ""
    log: list[str] = field(default_factory=list)
    well_after: float | None = None
    wrong: list[str] = field(default_factory=list)

    def expect(self, right: bool, otherwise: str) -> None:
        """Note what is wrong."""
        if not right:
            self.wrong.append(otherwise)


def run(folder: Path) -> Seen:
    """One full disk beneath a `serve` in `folder`, which is empty, with its engine killed in it."""
    seen = Seen()
    with _disk(folder) as mounted, serving(folder) as served:
        for number in range(20):
            seen.expect(_post(served, seen, f"before-{number}")[0] == 200, "a hook was refused")
        with _full(served, mounted):
            _look(served, seen)
        _wait_until_well(served, seen)
        seen.expect(not (seen.taken - served.stored("")), "what was answered 200 is not there")
        seen.log = served.log()
    return seen


def _look(served: Served, seen: Seen) -> None:
    """What is said while the disk is full."""
    for number in range(_MESSAGES):
        status, retry_after = _post(served, seen, f"full-{number}")
        if status != 200:
            break
    seen.expect((status, retry_after) == (503, "5"), f"a hook answered {status}, {retry_after}")
    time.sleep(EVERY)  # for so long an answer of the probe stands
    for pid in _processes(served, "-engine"):
        os.kill(pid, signal.SIGKILL)
    end = time.monotonic() + _DOWN
    while time.monotonic() < end:
        status, seen.readyz = _get(served, "/readyz")
        seen.expect(status == 503, f"/readyz answered {status}")
        seen.expect("make room on its disk" in seen.readyz, f"/readyz said {seen.readyz}")
        seen.expect(_get(served, "/healthz")[0] == 200, "/healthz asked for a restart")
        time.sleep(0.5)
    seen.doctor, seen.status = _command(served, "doctor"), _command(served, "status")
    seen.expect("restart vpp-bridge serve" not in seen.doctor, "doctor advised a restart")
    seen.expect("see what /readyz says" in seen.doctor, "doctor did not name the database")
    seen.expect("if that runs, its log says why" in seen.status, "status did not name the log")
    for pid in _processes(served, "-web"):  # a worker and its parent: what starts anew has no room
        os.kill(pid, signal.SIGKILL)
    time.sleep(_DOWN)
    seen.expect(served.process.poll() is None, "serve gave up")


def _wait_until_well(served: Served, seen: Seen) -> None:
    start, count = time.monotonic(), 0
    while (waited := time.monotonic() - start) < WITHIN:
        count += 1
        with suppress(OSError, http.client.HTTPException):
            took = _post(served, seen, f"after-{count}")[0] == 200
            if took and _get(served, "/readyz")[0] == 200:
                seen.well_after = waited
                return
        time.sleep(0.25)
    seen.wrong.append(f"not well {WITHIN:.0f} s after there was room")


@contextmanager
def _disk(folder: Path) -> Iterator[bool]:
    """A small file system on `folder`; False where none can be mounted."""
    if not _mounts("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(folder)):
        yield False
        return
    try:
        yield True
    finally:
        # Lazily: what was just killed may be there yet.
        subprocess.run(["umount", "-l", str(folder)], check=False)


def _code(command: tuple[str, ...]) -> int:
    return subprocess.run(command, capture_output=True, check=False).returncode


def _mounts(*command: str) -> bool:
    try:
        return os.geteuid() == 0 and not _code(command)
    except FileNotFoundError:
        return False


@contextmanager
def _full(served: Served, mounted: bool) -> Iterator[None]:
    """Nothing can be written more than the file system, or the files, hold now."""
    with _filled(served.folder) if mounted else _limited(served):
        yield


@contextmanager
def _filled(folder: Path) -> Iterator[None]:
    filler = folder / "filler"
    try:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4096)
        yield
    finally:
        filler.unlink()


@contextmanager
def _limited(served: Served) -> Iterator[None]:
    """The supervisor gets the limit, too, so that what it starts anew has it."""
    size = max((served.folder / name).stat().st_size for name in _INBOX)
    limit(served, size + 4096)
    try:
        yield
    finally:
        limit(served, resource.RLIM_INFINITY)


def limit(served: Served, size: int) -> None:
    """No process of this `serve` lets a file grow beyond so many bytes."""
    for pid in _processes(served, ""):
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def _processes(served: Served, which: str) -> list[int]:
    """The processes of this `serve` whose command begins so: its engine, its web side, or all."""
    found = []
    wanted = f"{served.folder}/{_PROGRAM}{which}".encode()
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if wanted in (entry / "cmdline").read_bytes():
                found.append(int(entry.name))
    return found


def _post(served: Served, seen: Seen, message: str) -> tuple[int, str | None]:
    event = {"udid": "u", "filler": "x" * 1000}
    body = json.dumps({"topic": "mdm.Connect", "event_id": message, "acknowledge_event": event})
    status, retry_after, _ = _exchange(
        served, lambda to: to.request("POST", HOOK, body, {"Authorization": KEY})
    )
    if status == 200:
        seen.taken.add(message)
    return status, retry_after


def _get(served: Served, path: str) -> tuple[int, str]:
    status, _, text = _exchange(served, lambda to: to.request("GET", path))
    return status, text


def _exchange(
    served: Served, ask: Callable[[http.client.HTTPConnection], None]
) -> tuple[int, str | None, str]:
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=_ANSWER)
    try:
        ask(connection)
        answer = connection.getresponse()
        return answer.status, answer.getheader("Retry-After"), answer.read().decode()
    finally:
        connection.close()


def _command(served: Served, name: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "bridge", "--config", str(served.folder / "config.yaml"), name]
    return subprocess.run(
        command, cwd=CHECKOUT, capture_output=True, text=True, timeout=60, check=False
    ).stdout
