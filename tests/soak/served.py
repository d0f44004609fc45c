"""One real `serve` of this checkout, with nobody at the other ends."""

from __future__ import annotations

import base64
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]
TOKEN = CHECKOUT / "tests" / "samples" / "content-token.vpptoken"
KEY = "Basic " + base64.b64encode(b"mdm:webhook-key").decode()
HOOK = "/hooks/mdm/main"
_START = 30.0
_PSS = "Pss:"

_CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
{outside}
api: {{key: api-key}}
servers: {{main: {{url: "http://127.0.0.1:9", api_key: a, webhook_key: webhook-key}}}}
locations: {{hq: {{content_token_file: hq.vpptoken}}}}
apple: {{url: "http://127.0.0.1:9"}}
"""


@dataclass(frozen=True)
class Served:
    """Where it listens; `outside` is None where it has one listener."""

    process: subprocess.Popen[bytes]
    folder: Path
    port: int
    outside: int | None

    def connect(self, port: int | None = None, timeout: float = 5.0) -> socket.socket:
        """A new connection, to the first listener unless told otherwise."""
        return socket.create_connection(("127.0.0.1", port or self.port), timeout)

    def stored(self, prefix: str) -> set[str]:
        """The ids of the webhooks that are in the database."""
        with sqlite3.connect(f"file:{self.folder / 'bridge.db'}?mode=ro", uri=True) as db:
            rows = db.execute(
                "SELECT message_id FROM seen_messages WHERE message_id GLOB ?", [prefix + "*"]
            )
            return {row[0] for row in rows}

    def memory(self) -> int | None:
        """Bytes of the process that serves, with its share of what it shares. Linux only."""
        sizes = [_pss(pid) for pid in self._web()]
        return max((size for size in sizes if size is not None), default=None)

    def log(self) -> list[str]:
        """What it wrote."""
        return (self.folder / "serve.log").read_text().splitlines()

    def _web(self) -> list[int]:
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):
                if (
                    f"{self.folder}/config.yaml\0serve-web".encode()
                    in (entry / "cmdline").read_bytes()
                ):
                    found.append(int(entry.name))
        return found


def _pss(pid: int) -> int | None:
    with suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith(_PSS):
                return int(line.removeprefix(_PSS).split()[0]) * 1024
    return None


@contextmanager
def serving(folder: Path, *, outside: bool = True) -> Iterator[Served]:
    """Start it in `folder`, and end all of it."""
    port, second = _free_ports()
    config = folder / "config.yaml"
    line = f"listen_outside: 127.0.0.1:{second}" if outside else ""
    for path, text in (
        (config, _CONFIG.format(port=port, outside=line)),
        (folder / "hq.vpptoken", TOKEN.read_text()),
    ):
        path.touch(mode=0o600)
        path.write_text(text)
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "--config", str(config), "serve"],
            cwd=CHECKOUT,
            stderr=log,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )
    try:
        served = Served(process, folder, port, second if outside else None)
        _wait_until_it_answers(served)
        yield served
        process.terminate()
        process.wait(10)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_until_it_answers(served: Served) -> None:
    end = time.monotonic() + _START
    while True:
        with suppress(OSError), served.connect() as connection:
            connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            if b" 200 " in connection.recv(100):
                return
        if served.process.poll() is not None or time.monotonic() > end:
            raise RuntimeError("serve does not answer:\n" + "\n".join(served.log()[-20:]))
        time.sleep(0.05)


def _free_ports() -> tuple[int, int]:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
    ):
        return one.getsockname()[1], two.getsockname()[1]
