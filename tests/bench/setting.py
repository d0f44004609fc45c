"""The real `serve` of a checkout, with the world around it, in a folder of its own."""

from __future__ import annotations

import base64
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

from tests.bench import processes
from tests.bench.world.__main__ import adam_ids

CHECKOUT = Path(__file__).parents[2]
UNFINISHED = (
    "waiting associating licensed sending sent acknowledged installing unconfirmed failed conflict"
    " needs_user"
).split()
"""States of an install that is not there yet, in the words of the API."""
_API = "Basic " + base64.b64encode(b"bridge:api-key").decode()
_START = 60.0
_DECIDES = "engine decides"
"""What the log of an engine has that runs by itself: this one does, or another one."""
_CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
public_url: http://127.0.0.1:{port}
api: {{key: api-key}}
servers: {{main: {{url: "{mdm}", api_key: mdm-key, webhook_key: webhook-key}}}}
locations: {{hq: {{content_token_file: hq.vpptoken}}}}
apple: {{url: "http://127.0.0.1:{world}/mdm/v2"}}
groups: {{everyone: {{all: true}}}}
apps:"""
_APPS = "apps:"


def free_ports(count: int) -> list[int]:
    """Ports that nobody has now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def environment(more: Mapping[str, str] | None = None, code: Path = CHECKOUT) -> dict[str, str]:
    """What a Python process of the checkout `code` finds: its bytecode, too, as where it was
    installed, from its second start on."""
    found = {**os.environ, "PYTHONPATH": str(code), "PYTHONPYCACHEPREFIX": _bytecode().name}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found | dict(more or {})


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Where it is kept as long as this process lives; a checkout is left as it is."""
    return tempfile.TemporaryDirectory(prefix="bench-bytecode-")


def get_json(port: int, path: str, headers: Mapping[str, str] | None = None) -> Any:
    """What a GET answers; raises OSError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers=dict(headers or {}))
        return json.loads(connection.getresponse().read())
    finally:
        connection.close()


def until(holds: Callable[[], object], what: str, seconds: float, pause: float = 0.05) -> None:
    """Wait until it holds. Raises RuntimeError after `seconds`."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError(f"not so within {seconds:g} s: {what}")
        time.sleep(pause)


class World:
    """The world's process, and what it is asked."""

    def __init__(self, port: int, bridge: int, devices: int, apps: int) -> None:
        self.port = port
        settings = {"port": port, "bridge": bridge, "devices": devices, "apps": apps}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.world", json.dumps(settings)],
            cwd=CHECKOUT,
            env=environment(),
        )
        until(self._answers, "the world answers", _START)

    def ask(self, word: str = "stats") -> Any:
        """Have it do something, or say how far it is."""
        return get_json(self.port, f"/bench/{word}")

    def _answers(self) -> bool:
        with suppress(OSError):
            return bool(self.ask())
        return False

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(10)


class Bridge:
    """One `serve` of the checkout `code`; `environ` is what its processes find besides ours."""

    def __init__(
        self, folder: Path, port: int, code: Path, environ: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.port = port
        self._code = code
        self._environ = environment(environ, code)
        self.process: subprocess.Popen[bytes] | None = None

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run one of its commands to its end."""
        done = subprocess.run(
            self._command(*words),
            cwd=self._code,
            env=environment(code=self._code),
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            raise RuntimeError(f"{words[0]} ended with {done.returncode}: {done.stderr[-1000:]}")
        return done

    def start(self, role: str | None = None) -> float:
        """Start `serve`, or a part of it; the seconds until it was ready for work (it answers, or
        an engine has said what it does)."""
        began = time.perf_counter()
        words = ("--role", role) if role else ()
        with (self.folder / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                self._command("serve", *words),
                cwd=self._code,
                env=self._environ,
                stderr=log,
                start_new_session=True,
            )
        if role == "engine":
            until(lambda: _DECIDES in self.log(), "the engine begins", _START)
        else:
            until(self.answers, "serve answers", _START, 0.02)
        return time.perf_counter() - began

    def _command(self, *words: str) -> list[str]:
        config = str(self.folder / "config.yaml")
        return [sys.executable, "-m", "bridge", "--config", config, *words]

    def answers(self) -> bool:
        """Whether both the web side and the engine live."""
        assert self.process is not None
        if self.process.poll() is not None:
            raise RuntimeError("serve ended:\n" + self.log()[-2000:])
        with suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
            connection.request("GET", "/healthz")
            return connection.getresponse().status == 200
        return False

    def log(self) -> str:
        """What it wrote."""
        return (self.folder / "serve.log").read_text()

    def get(self, path: str) -> Any:
        """What its API answers."""
        return get_json(self.port, path, {"Authorization": _API})

    def send(self, method: str, path: str, body: object) -> None:
        """Have its API do something; raises RuntimeError where it does not."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"Authorization": _API, "Content-Type": "application/json"}
        connection.request(method, path, json.dumps(body), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path}: {answer.status} {said!r}")

    def want(self, wanted: Sequence[str]) -> None:
        """Let its file want these apps for every device; nothing is applied."""
        want(self.folder, wanted)

    def unfinished(self) -> bool:
        """Whether the API shows an install that is not there yet."""
        return any(
            self.get(f"/v1/installs?state={state}&limit=1")["installs"] for state in UNFINISHED
        )

    def installed(self) -> int:
        """How many installs the API calls installed, counted page by page."""
        count, cursor = 0, ""
        while True:
            page = self.get(f"/v1/installs?state=installed&limit=1000{cursor}")
            count += len(page["installs"])
            if page["next_cursor"] is None:
                return count
            cursor = f"&cursor={page['next_cursor']}"

    def roles(self) -> dict[int, str]:
        """Its processes."""
        assert self.process is not None
        return processes.roles(self.process.pid)

    def stop(self) -> float:
        """End it in order; the seconds that took."""
        assert self.process is not None
        began = time.perf_counter()
        self.process.terminate()
        self.process.wait(15)
        return time.perf_counter() - began

    def kill(self) -> None:
        """Leave nothing of it."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextmanager
def folder_of(port: int, world: int, apps: int, mdm: str | None = None) -> Iterator[Path]:
    """A folder with configuration and content token for `apps` apps for every device.

    `mdm` is the MDM server's URL, where that is not the world's.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        for path, text in (
            (
                folder / "config.yaml",
                _CONFIG.format(port=port, world=world, mdm=mdm or f"http://127.0.0.1:{world}"),
            ),
            (folder / "hq.vpptoken", base64.b64encode(b'{"token": "bench"}').decode()),
        ):
            path.touch(mode=0o600)
            path.write_text(text)
        want(folder, adam_ids(apps))
        yield folder


def want(folder: Path, wanted: Sequence[str]) -> None:
    """Let the file want these apps, in place of others, for every device."""
    config = folder / "config.yaml"
    head = config.read_text().partition(_APPS)[0]
    lines = "".join(f'  - {{adam_id: "{adam_id}", groups: [everyone]}}\n' for adam_id in wanted)
    tail = f"\n{lines}" if lines else " []"
    config.write_text(f"{head}{_APPS}{tail}")


@contextmanager
def setting(
    devices: int,
    apps: int,
    code: Path = CHECKOUT,
    environ: Mapping[str, str] | None = None,
    *,
    wanted: bool = True,
    mdm: str | None = None,
) -> Iterator[tuple[Bridge, World]]:
    """The world, and a bridge that has applied its apps and serves; all ends with the block.

    Without `wanted` no app is wanted yet, of those that the location owns. `mdm` is the URL of
    another MDM server than the world's.
    """
    port, world_port = free_ports(2)
    with folder_of(port, world_port, apps if wanted else 0, mdm) as folder:
        world = World(world_port, port, devices, apps)
        bridge = Bridge(folder, port, code, environ)
        try:
            bridge.run("apply", "--yes")
            bridge.start()
            yield bridge, world
            bridge.stop()
        finally:
            bridge.kill()
            world.stop()
