"""A real MicroMDM in place of the simulated one, and the road to it for simulated devices.

It needs no certificate from Apple and no internet: only pushes fail, so devices connect by
themselves. Needs `micromdm` and `scepclient` on PATH and the extra `real`.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import threading
import time
import weakref
from pathlib import Path
from typing import Literal, Protocol, Self

from bridge.errors import BridgeError
from bridge.simulator.mdm.identity import Identity, enrol_identity, scep_challenge

_START_WITHIN = 30.0  # seconds
_STOP_WITHIN = 5.0


class Enrollable(Protocol):
    """As much of a simulated device as its road to the server needs."""

    @property
    def udid(self) -> str: ...


class RealMicroMdm:
    """A `micromdm serve` on a free port of 127.0.0.1, its files and its log in `workdir`.

    `webhook_url` may carry credentials as userinfo. `queue` is micromdm's: "builtin" (durable,
    with its races) or "inmem". `stop` and `start` again is a restart on the same port and files,
    with whatever `webhook_url` is by then.
    As a context manager it runs inside the block; it never outlives this process's normal end.
    `transport` carries the messages of any number of devices, from any number of threads.
    """

    def __init__(
        self,
        workdir: Path,
        webhook_url: str,
        api_key: str,
        queue: Literal["builtin", "inmem"] = "builtin",
    ) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = workdir / "micromdm.log"
        self._workdir = workdir
        self._queue = queue
        self.webhook_url = webhook_url
        self._api_key = api_key
        self._kill: weakref.finalize[[subprocess.Popen[bytes]], RealMicroMdm] | None = None
        self._challenge: str | None = None
        self.transport = SignedTransport(self)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers. Raises BridgeError if it cannot."""
        (self._workdir / "repo").mkdir(parents=True, exist_ok=True)
        arguments = [
            *("micromdm", "serve", f"-server-url=https://127.0.0.1:{self.port}", "-tls=false"),
            *(f"-http-addr=127.0.0.1:{self.port}", f"-queue={self._queue}"),
            *("-config-path=config", "-filerepo=repo"),
        ]
        secrets = {"MICROMDM_API_KEY": self._api_key, "MICROMDM_WEBHOOK_URL": self.webhook_url}
        try:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    arguments,
                    cwd=self._workdir,
                    env=os.environ | secrets,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    process_group=0,
                )
        except FileNotFoundError as error:
            raise BridgeError("`micromdm` is not on PATH") from error
        self._kill = weakref.finalize(self, end_process, process)
        self._wait_until_ready(process)

    def stop(self) -> None:
        """End it; nothing happens if it does not run."""
        self.transport.close()
        if self._kill:
            self._kill()

    def identity(self, name: str) -> Identity:
        """The identity of that name, issued by this server at first and kept in `workdir`."""
        if self._challenge is None:
            self._challenge = scep_challenge(self._get("/mdm/enroll"))
        directory = self._workdir / "identities" / name
        return enrol_identity(self.url, self._challenge, directory, name)

    def path(self, endpoint: str) -> str:
        """Where devices send their messages: `checkin` or `connect`."""
        return f"/mdm/{endpoint}"

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_WITHIN
        while process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError, http.client.HTTPException):
                self._get("/version")
                return
            time.sleep(0.02)
        self.stop()
        last_words = self.log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise BridgeError(f"micromdm did not start, see {self.log}: {last_words}")

    def _get(self, path: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read()
        finally:
            connection.close()


class Believing(Protocol):
    """As much of a real server as the road to it needs."""

    @property
    def port(self) -> int: ...

    def identity(self, name: str) -> Identity: ...

    def path(self, endpoint: str) -> str: ...


class SignedTransport:
    """Carries devices' messages to a real MDM server, each signed with its device's identity.

    Each thread keeps a connection open. A device gets its identity with its first message
    (0.15 s); a device must not be used by two threads at once.
    """

    def __init__(self, server: Believing) -> None:
        self._server = server
        self._identities: dict[str, Identity] = {}
        self._own = threading.local()
        self._connections: list[http.client.HTTPConnection] = []

    def checkin(self, device: Enrollable, body: bytes) -> int:
        """Send a check-in message; the HTTP status."""
        return self._put(device, "checkin", body)[0]

    def connect(self, device: Enrollable, body: bytes) -> tuple[int, bytes]:
        """Send Idle or an answer; the HTTP status and the next command, empty if there is none."""
        return self._put(device, "connect", body)

    def close(self) -> None:
        """Close the connections; the next message opens them again."""
        for connection in self._connections:
            connection.close()

    def _put(self, device: Enrollable, endpoint: str, body: bytes) -> tuple[int, bytes]:
        if device.udid not in self._identities:
            self._identities[device.udid] = self._server.identity(device.udid)
        suffix = "-checkin" if endpoint == "checkin" else ""
        headers = {"Content-Type": f"application/x-apple-aspen-mdm{suffix}"}
        headers |= self._identities[device.udid].headers(body)
        try:
            return self._exchange(endpoint, body, headers)
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server closes what is idle for a minute; a device, too, just tries again.
            return self._exchange(endpoint, body, headers)

    def _exchange(self, endpoint: str, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        connection: http.client.HTTPConnection | None = getattr(self._own, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._server.port, timeout=60)
            self._own.connection = connection
            self._connections.append(connection)
        try:
            connection.request("PUT", self._server.path(endpoint), body, headers)
            response = connection.getresponse()
            return response.status, response.read()
        except (OSError, http.client.HTTPException):
            connection.close()
            raise


def free_port() -> int:
    """A port of 127.0.0.1 that nobody uses at the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def end_process(process: subprocess.Popen[bytes]) -> None:
    """End a process and its group, at last by force."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(_STOP_WITHIN)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
