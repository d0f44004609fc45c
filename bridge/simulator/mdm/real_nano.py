"""A real NanoMDM or NanoHUB, and the road to it for simulated devices.

As with a real MicroMDM it needs no certificate from Apple and no internet, and only pushes fail.
Needs `nanomdm` or `nanohub` on PATH and the extra `real`. It issues no certificates itself, so
devices get theirs from an authority that is made here.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import subprocess
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Self

from bridge.errors import BridgeError
from bridge.simulator.mdm.identity import Authority, Identity
from bridge.simulator.mdm.real_mdm import SignedTransport, end_process, free_port

_START_WITHIN = 30.0  # seconds

Program = Literal["nanomdm", "nanohub"]


class RealNano:
    """A `nanomdm` or `nanohub` on a free port of 127.0.0.1, its files and its log in `workdir`.

    `webhook_url` may carry credentials as userinfo; with `hmac_key` its webhooks are signed, which
    NanoHUB 0.2.0 cannot do. `storage` are its options for that, file storage in `workdir` by
    default. `stop` and `start` again is a restart on the same port and files.
    As a context manager it runs inside the block; it never outlives this process's normal end.
    """

    def __init__(
        self,
        workdir: Path,
        webhook_url: str,
        api_key: str,
        program: Program = "nanomdm",
        *,
        hmac_key: str = "",
        storage: Sequence[str] = (),
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.program = program
        self.log = workdir / f"{program}.log"
        self.webhook_url = webhook_url
        self.api = "/v1" if program == "nanomdm" else "/api/v1/nanomdm"
        self.user = program
        self.authority = Authority()
        self._workdir = workdir
        self._api_key = api_key
        self._hmac_key = hmac_key
        kind = "filekv" if program == "nanomdm" else "file"
        self._storage = tuple(storage) or ("-storage", kind, "-storage-dsn", "db")
        self._kill: weakref.finalize[[subprocess.Popen[bytes]], RealNano] | None = None
        self.transport = SignedTransport(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. Raises BridgeError if it cannot."""
        self._workdir.mkdir(parents=True, exist_ok=True)
        (self._workdir / "ca.pem").write_bytes(self.authority.certificate)
        key_flag = "-api" if self.program == "nanomdm" else "-api-key"
        arguments = [
            *(self.program, "-listen", f"127.0.0.1:{self.port}", "-ca", "ca.pem"),
            *(key_flag, self._api_key, "-webhook-url", self.webhook_url, *self._storage),
        ]
        if self._hmac_key:
            arguments += ["-webhook-hmac-key", self._hmac_key]
        try:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    arguments,
                    cwd=self._workdir,
                    env=dict(os.environ),
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                )
        except FileNotFoundError as error:
            raise BridgeError(f"`{self.program}` is not on PATH") from error
        self._kill = weakref.finalize(self, end_process, process)
        self._wait_until_ready(process)

    def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        self.transport.close()
        if self._kill:
            self._kill()

    def identity(self, name: str) -> Identity:
        """A new identity of that name, which this server believes."""
        return self.authority.issue(name)

    def path(self, endpoint: str) -> str:
        """Check-ins and connections have one place; their Content-Type tells them apart."""
        return "/mdm"

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", "/version")
                connection.getresponse().read()
                connection.close()
                return
            time.sleep(0.02)
        self.stop()
        last_words = self.log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise BridgeError(f"{self.program} did not start, see {self.log}: {last_words}")
