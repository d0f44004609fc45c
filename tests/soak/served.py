"""One real `serve` of this checkout, with nobody at the other ends."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests import inbox_file

CHECKOUT = Path(__file__).parents[2]
TOKEN = CHECKOUT / "tests" / "samples" / "content-token.vpptoken"
KEY = "Basic " + base64.b64encode(b"mdm:webhook-key").decode()
HOOK = "/hooks/mdm/main"
PROGRAM = (sys.executable, "-m", "bridge")
_START = 240.0
_PSS = "Pss:"

CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
{outside}
api: {key: api-key}
servers: {main: {url: "http://127.0.0.1:9", api_key: a, webhook_key: webhook-key}}
locations: {hq: {content_token_file: hq.vpptoken}}
apple: {url: "http://127.0.0.1:9"}
"""


@dataclass
class Served:
    """Where it listens; `outside` is None where it has one listener.

    `environ` is what its processes find besides our own environment, `program` what runs as
    `serve`.
    """

    folder: Path
    port: int
    outside: int | None
    environ: Mapping[str, str] = field(default_factory=dict)
    program: Sequence[str] = PROGRAM
    process: subprocess.Popen[bytes] = field(init=False)

    def start(self) -> None:
        """Start it, for the first time or again."""
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [*self.program, *self._words("serve")],
                cwd=CHECKOUT,
                stderr=log,
                start_new_session=True,
                env=self._environment(),
            )

    def command(self, *words: str) -> list[str]:
        """The command line of one of our commands."""
        return [*PROGRAM, *self._words(*words)]

    def _words(self, *words: str) -> list[str]:
        return ["--config", str(self.folder / "config.yaml"), *words]

    def says(self, *words: str) -> str:
        """What a command prints on both its streams."""
        done = subprocess.run(
            self.command(*words),
            cwd=CHECKOUT,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            text=True,
        )
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(CHECKOUT), **self.environ}

    def wait_until_it_answers(self) -> None:
        """Raises RuntimeError when it ended, or takes too long."""
        end = time.monotonic() + _START
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError("serve does not answer:\n" + "\n".join(self.log()[-20:]))
            time.sleep(0.05)

    def answers(self) -> bool:
        """Whether the web side and the engine live."""
        with suppress(OSError), self.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            return b" 200 " in connection.recv(100)
        return False

    def readyz(self, timeout: float = 30.0) -> Mapping[str, Any]:
        """What /readyz says; raises OSError."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        try:
            connection.request("GET", "/readyz")
            answer: Mapping[str, Any] = json.loads(connection.getresponse().read())
            return answer
        finally:
            connection.close()

    def trouble(self) -> str:
        """Why it is not ready, as /readyz says; empty when it is."""
        body = self.readyz()
        fatal = [
            f"{part['name']}: {part['detail']}"
            for part in body["parts"]
            if not part["ok"] and part["severity"] == "fatal"
        ]
        assert bool(fatal) != body["ready"]
        return "; ".join(fatal)

    def kill(self) -> None:
        """SIGKILL all of it."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self) -> None:
        """End it in order; raises where it does not."""
        self.process.terminate()
        if code := self.process.wait(10):
            raise RuntimeError(f"serve ended with {code}:\n" + "\n".join(self.log()[-20:]))

    @property
    def database(self) -> Path:
        """The database's file."""
        return self.folder / "bridge.db"

    def connect(self, port: int | None = None, timeout: float = 5.0) -> socket.socket:
        """A new connection, to the first listener unless told otherwise."""
        return socket.create_connection(("127.0.0.1", port or self.port), timeout)

    def stored(self, prefix: str) -> set[str]:
        """The ids of the webhooks that are in the database."""
        arrived = inbox_file.waiting(self.database)
        rows = self.rows(
            "SELECT message_id FROM seen_messages WHERE message_id GLOB ?", f"{prefix}*"
        )
        waiting = {each.message_id for each in arrived if each.message_id.startswith(prefix)}
        return waiting | {row[0] for row in rows}

    def rows(self, statement: str, *values: str) -> list[tuple[Any, ...]]:
        """What the database says."""
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as db:
            return db.execute(statement, values).fetchall()

    def memory(self) -> int | None:
        """Bytes of the process that serves, with its share of what it shares. Linux only."""
        sizes = [pss(pid) for pid in self._running("serve-web")]
        return max((size for size in sizes if size is not None), default=None)

    def family(self) -> Mapping[str, Sequence[int]]:
        """All of its processes, by what they are. Linux only."""
        commands = {"supervisor": "serve", "engine": "serve-engine", "web side": "serve-web"}
        return {role: self._running(command) for role, command in commands.items()}

    @contextmanager
    def weighed(self) -> Iterator[Mapping[str, int]]:
        """The most bytes that a process of each role takes while this lasts. Linux only."""
        highest: dict[str, int] = {}
        stop = threading.Event()

        def look() -> None:
            while not stop.wait(0.25):
                for role, pids in self.family().items():
                    sizes = [size for pid in pids if (size := pss(pid)) is not None]
                    highest[role] = max([highest.get(role, 0), *sizes])

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield highest
        finally:
            stop.set()
            thread.join()

    def log(self) -> list[str]:
        """What it wrote."""
        return (self.folder / "serve.log").read_text().splitlines()

    def pid(self, role: str) -> int | None:
        """The process with a role: `engine`, `web` (gunicorn's arbiter) or `worker`. Linux only."""
        if role == "engine":
            return next(iter(self._running("serve-engine")), None)
        web = self._running("serve-web")
        found = (pid for pid in web if (_parent(pid) in web) == (role == "worker"))
        return next(found, None)

    def _running(self, command: str) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (
                    f"{self.folder}/config.yaml\0{command}\0".encode()
                    in (entry / "cmdline").read_bytes()
                ):
                    found.append(int(entry.name))
        return found


def pss(pid: int) -> int | None:
    """Bytes of a process, with its share of what it shares; None where that cannot be told."""
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(_PSS):
                return int(line.removeprefix(_PSS).split()[0]) * 1024
    return None


def _parent(pid: int) -> int | None:
    with suppress(OSError):
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return None


def until(holds: Callable[[], object], what: str, seconds: float = 60.0) -> float:
    """Wait until it holds; the seconds that took. Raises RuntimeError after `seconds`."""
    started = time.monotonic()
    while not holds():
        if time.monotonic() - started > seconds:
            raise RuntimeError(f"not so within {seconds:g} s: {what}")
        time.sleep(0.05)
    return time.monotonic() - started


@contextmanager
def serving(
    folder: Path,
    *,
    outside: bool = True,
    config: str | None = None,
    environ: Mapping[str, str] | None = None,
    program: Sequence[str] = PROGRAM,
) -> Iterator[Served]:
    """Start it in `folder`, and end all of it. In `config` {port} and {outside} are filled in."""
    port, second = _free_ports()
    line = f"listen_outside: 127.0.0.1:{second}" if outside else ""
    text = (config or CONFIG).replace("{port}", str(port)).replace("{outside}", line)
    for path, content in (
        (folder / "config.yaml", text),
        (folder / "hq.vpptoken", TOKEN.read_text()),
    ):
        if not path.exists():
            path.touch(mode=0o600)
            path.write_text(content)
    served = Served(folder, port, second if outside else None, environ or {}, program)
    served.start()
    try:
        served.wait_until_it_answers()
        yield served
        served.stop()
    finally:
        served.kill()


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]
