"""`vpp-bridge doctor` beside set-ups that are broken, each in one way: the line, and the mend in it.

The command is the real one, in a process of its own; it meets a real MicroMDM, a real NanoMDM, a
real `serve`, and the simulated Apple. What it must say stands in docs/doctor.md, which is held
against these tests.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from bridge.demo.bridge import wait_until_alive
from bridge.simulator.mdm.real_mdm import RealMicroMdm, free_port
from bridge.simulator.mdm.real_nano import RealNano
from tests.real.bridge_kit import WITHIN, Rig, tell, until
from tests.real.lab import API_KEY

pytestmark = [pytest.mark.real, pytest.mark.slow]

HOUR, DAY = 3600.0, 86400.0
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE")


@dataclass(frozen=True)
class Said:
    """What doctor printed, as its findings."""

    code: int
    findings: tuple[Mapping[str, str], ...]

    def line(self, part: str, level: str) -> str:
        """The one line of a part with this level, as a person reads it."""
        found = [e for e in self.findings if (e["part"], e["level"]) == (part, level)]
        assert len(found) == 1, self.findings
        return f"{found[0]['text'].rstrip('.')}; {found[0]['mend']}".rstrip("; ")

    def failed(self) -> set[str]:
        return {each["part"] for each in self.findings if each["level"] == "fail"}


class Stand:
    """A bridge that is well, and the doctor of set-ups that differ from it in one thing."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.apple = rig._apple.apple_url
        config: dict[str, Any] = json.loads(rig.place.config.read_text())
        config["apple"]["url"] = self.apple
        config["servers"]["main"]["url"] = rig.mdm.url
        self.config = config
        self._number = 0

    @property
    def directory(self) -> Path:
        return self.rig.place.directory

    def secret(self, name: str, text: str | bytes, mode: int = 0o600) -> Path:
        path = self.directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        return path

    def doctor(
        self,
        change: Mapping[str, Any] | None = None,
        *,
        main: Mapping[str, Any] | None = None,
        hq: Mapping[str, Any] | None = None,
        environ: Mapping[str, str] | None = None,
        wrap: tuple[str, ...] = (),
        mode: int = 0o600,
    ) -> Said:
        """Run it; `change` is of the whole file, `main` of the MDM server's part, `hq` of the
        location's."""
        config = json.loads(json.dumps(self.config)) | dict(change or {})
        config["servers"]["main"] |= main or {}
        config["locations"]["hq"] |= hq or {}
        self._number += 1
        path = self.secret(f"broken-{self._number}.yaml", json.dumps(config), mode)
        command = (*wrap, sys.executable, "-m", "bridge", "--config", str(path), "doctor", "--json")
        kept = {k: v for k, v in os.environ.items() if k.upper() not in _PROXIES}
        done = subprocess.run(
            command, check=False, capture_output=True, text=True, env=kept | dict(environ or {})
        )
        assert done.stdout, done.stderr
        answer = json.loads(done.stdout)
        for each in answer["findings"]:
            tell(f"{each['level']:4}  {each['part']}: {each['text']}; {each['mend']}")
        return Said(done.returncode, tuple(answer["findings"]))


@pytest.fixture(scope="module")
def stand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    with Rig(tmp_path_factory.mktemp("doctor")) as rig:
        rig.start()
        until(rig.all_installed, "it is well")
        yield Stand(rig)


def test_x(stand: Stand) -> None:
    said = stand.doctor()
    raise AssertionError
