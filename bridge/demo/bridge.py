"""The bridge of a demonstration: its files, its processes, and its API as a script sees it."""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bridge.errors import BridgeError

POLICY: Mapping[str, Mapping[str, str]] = {
    "call": {"retry": "[1s, 2s, 5s]"},
    "event_status": {"first_after": "2s", "min_interval": "2s"},
    "associate": {"collect_for": "500ms", "in_doubt_wait": "15s", "retry": "[1s, 2s, 5s]"},
    "command": {"in_doubt_after": "3s"},
    "install": {"license_retry": "[2s, 4s, 8s, 16s]", "not_now_repush": "5s"},
    "verify": {"first_after": "2s"},
}
"""Waits in seconds that are minutes in earnest; everything else is the default."""

STOPS_WITHIN = 6.0
API_TIMEOUT = 1.0

_NOT_OURS = ("BRIDGE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


@dataclass(frozen=True)
class Place:
    """A directory with all that one bridge needs; the secrets are drawn anew each time."""

    directory: Path
    port: int
    api_key: str = field(repr=False)
    webhook_key: str = field(repr=False)
    mdm_api_key: str = field(repr=False)

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.directory / "config.yaml"

    @property
    def log(self) -> Path:
        """What the bridge wrote to its standard error."""
        return self.directory / "bridge.log"

    @property
    def url(self) -> str:
        """Where the bridge listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def webhook_url(self) -> str:
        """What an MDM server is given as its webhook."""
        return f"http://micromdm:{self.webhook_key}@127.0.0.1:{self.port}/hooks/mdm/main"

    def write(
        self,
        *,
        apple_url: str,
        mdm_url: str,
        mdm_kind: str,
        content_token: str,
        apps: Mapping[str, str],
    ) -> None:
        """Write the files; `apps` are names by adam id, wanted on every enrolled device."""
        _write_secret(self.directory / "hq.vpptoken", content_token)
        _write_secret(
            self.config,
            _CONFIG.format(
                port=self.port,
                url=self.url,
                api_key=self.api_key,
                mdm_url=mdm_url,
                mdm_kind=mdm_kind,
                mdm_api_key=self.mdm_api_key,
                webhook_key=self.webhook_key,
                apple_url=apple_url,
                apps="\n".join(
                    f'  - {{adam_id: "{adam_id}", name: {name}, groups: [everyone]}}'
                    for adam_id, name in apps.items()
                ),
                policy="\n".join(f"  {line}" for line in policy_lines()),
            ),
        )


_CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
public_url: {url}
api: {{key: {api_key}}}
servers:
  main: {{kind: {mdm_kind}, url: "{mdm_url}", api_key: {mdm_api_key}, webhook_key: {webhook_key}}}
locations:
  hq: {{content_token_file: hq.vpptoken}}
apple: {{url: "{apple_url}"}}
groups:
  everyone: {{all: true}}
apps:
{apps}
policy:
{policy}
"""


def policy_lines() -> list[str]:
    """The shortened policy as lines of YAML, one for each group."""
    return [
        f"{group}: {{{', '.join(f'{key}: {value}' for key, value in values.items())}}}"
        for group, values in POLICY.items()
    ]


def make_place(directory: Path, mdm_api_key: str) -> Place:
    """A place on a port that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return Place(directory, port, secrets.token_hex(16), secrets.token_hex(16), mdm_api_key)


def _write_secret(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)


class BridgeProcess:
    """A real `vpp-bridge serve` in a process group of its own."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it; `Api.alive` tells when it is there."""
        with self._place.log.open("ab") as log:
            self._process = subprocess.Popen(
                _command(self._place, "serve"),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=_environment(),
                process_group=0,
            )

    def ended(self) -> int | None:
        """Its exit code if it ended by itself."""
        return None if self._process is None else self._process.poll()

    def kill(self) -> None:
        """SIGKILL all of it: supervisor, web side and engine."""
        self._signal(signal.SIGKILL)
        if self._process is not None:
            self._process.wait()

    def stop(self) -> None:
        """End it in peace, or else by force; nothing happens if it does not run."""
        if self._process is None:
            return
        self._signal(signal.SIGTERM)
        try:
            self._process.wait(STOPS_WITHIN)
        except subprocess.TimeoutExpired:
            self.kill()
        self._process = None

    def _signal(self, signum: int) -> None:
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signum)


def apply(place: Place) -> list[str]:
    """Run the real `vpp-bridge apply --yes`; returns what it printed, raises BridgeError."""
    done = subprocess.run(
        _command(place, "apply", "--yes"),
        check=False,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        env=_environment(),
    )
    if done.returncode:
        raise BridgeError(f"`vpp-bridge apply` failed: {done.stderr.strip() or done.stdout}")
    return done.stdout.splitlines()


def _command(place: Place, *arguments: str) -> Sequence[str]:
    return (sys.executable, "-m", "bridge", "--config", str(place.config), *arguments)


def _environment() -> Mapping[str, str]:
    """Ours, without what would change the configuration or send loopback calls to a proxy."""
    return {k: v for k, v in os.environ.items() if not k.upper().startswith(_NOT_OURS)}


class Unreachable(Exception):
    """The API gave no answer: the bridge is starting, or was killed."""


class Api:
    """The bridge's HTTP API, with the user and key of a script."""

    def __init__(self, place: Place) -> None:
        self._port = place.port
        basic = base64.b64encode(f"bridge:{place.api_key}".encode()).decode()
        self._headers = {"Authorization": f"Basic {basic}"}

    def alive(self) -> bool:
        """Whether web side and engine both live."""
        try:
            self.get("/healthz")
        except Unreachable:
            return False
        return True

    def installs(self) -> list[Mapping[str, Any]]:
        """Every install, in pages of the largest size; raises Unreachable."""
        return list(self._pages("/v1/installs?limit=1000", "installs"))

    def install(self, serial_number: str, adam_id: str) -> Mapping[str, Any]:
        """One install with its explanation and timeline; raises Unreachable."""
        return self.get(f"/v1/installs/{serial_number}/{adam_id}")

    def _pages(self, path: str, name: str) -> Iterator[Mapping[str, Any]]:
        cursor = None
        while True:
            page = self.get(path if cursor is None else f"{path}&cursor={cursor}")
            yield from page[name]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def get(self, path: str) -> Mapping[str, Any]:
        """The JSON answer to a GET; raises Unreachable for anything but 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=API_TIMEOUT)
        try:
            connection.request("GET", path, headers=self._headers)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(str(error)) from error
        finally:
            connection.close()
        if response.status != 200:
            raise Unreachable(f"{path}: HTTP status {response.status}")
        answer: Mapping[str, Any] = json.loads(body)
        return answer


def wait_until_alive(api: Api, process: BridgeProcess, patience: float) -> None:
    """Wait until the bridge answers; raises BridgeError when it ended, or took too long."""
    deadline = time.monotonic() + patience
    while not api.alive():
        code = process.ended()
        if code is not None:
            raise BridgeError(f"the bridge ended with exit code {code} while it started")
        if time.monotonic() > deadline:
            raise BridgeError(f"the bridge did not answer within {patience:g} seconds")
        time.sleep(0.02)
