"""As a new user: the steps of the README beside a real MDM server and a simulated Apple, on to the
first app: MicroMDM on the same machine, and NanoMDM behind nginx with TLS.

The commands are run as `init` prints them. How long each step took is told.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.simulator.mdm.real_mdm import RealMicroMdm, free_port
from bridge.simulator.mdm.real_nano import RealNano
from bridge.simulator.serve import run
from bridge.simulator.world import build_world
from tests.real.bridge_kit import Life, tell, until
from tests.real.certificates import Authority
from tests.real.lab import API_KEY

pytestmark = [pytest.mark.real, pytest.mark.slow]

DEFAULTS_TAKE = 180.0
"""Seconds within which the first app is there under the default policy, on a busy machine."""


class Steps:
    """What a person does, one step after the other, with the time that each took."""

    def __init__(self) -> None:
        self.began = self.last = time.monotonic()
        self.lines: list[str] = []

    def done(self, what: str) -> None:
        """A step is done."""
        now = time.monotonic()
        self.lines.append(f"{now - self.last:6.1f} s  {what}")
        self.last = now


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run a command line in a shell that knows nothing, as it is printed."""
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=bare(folder),
        check=False,
        capture_output=True,
        text=True,
    )


def bare(folder: Path) -> dict[str, str]:
    """The environment of a new shell in which the bridge is installed, with an empty home, and the
    CA of the MDM server, where that is one of its own."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(folder.parent / "home"),
    }
    authority = folder.parent / "ca.pem"
    return environment | ({"REQUESTS_CA_BUNDLE": str(authority)} if authority.exists() else {})


@contextmanager
def behind_tls(folder: Path, url: str) -> Iterator[str]:
    """nginx, which ends TLS before an MDM server at `url`; the URL that it has there. The CA of its
    certificate is left in `ca.pem`."""
    authority, port = Authority(), free_port()
    (folder / "ca.pem").write_bytes(authority.pem)
    pem = authority.issue("localhost").write(folder / "nginx.pem")
    places = " ".join(
        f"{each}_temp_path {folder}/{each};"
        for each in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}}\n"
        f"http {{ access_log off; {places}\n"
        f"server {{ listen 127.0.0.1:{port} ssl; server_name localhost;\n"
        f"ssl_certificate {pem}; ssl_certificate_key {pem}; client_max_body_size 8m;\n"
        f"location / {{ proxy_pass {url}; }} }} }}\n"
    )
    command = ["nginx", "-e", "stderr", "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "nginx.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log)
    try:
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(60)


def test_from_nothing_to_the_first_app(tmp_path: Path) -> None:
    mdm = RealMicroMdm(tmp_path / "micromdm", "", API_KEY)
    walk(tmp_path, mdm, mdm.url, f"MICROMDM_API_KEY={API_KEY} vpp-bridge init")


def test_from_nothing_to_the_first_app_beside_a_nanomdm_behind_nginx(tmp_path: Path) -> None:
    if shutil.which("nginx") is None:
        pytest.skip("nginx is missing")
    mdm = RealNano(tmp_path / "nanomdm", "", API_KEY)
    with behind_tls(tmp_path, mdm.url) as url:
        walk(tmp_path, mdm, url, f"NANOMDM_API_KEY={API_KEY} vpp-bridge init --kind nanomdm")


def walk(tmp_path: Path, mdm: RealMicroMdm | RealNano, url: str, init: str) -> None:
    """Take the steps, in a folder that has the content token alone, and tell how long each took."""
    world = build_world(1, 2, clock=time.time, enrol=False, macs=0.0, install_time=0.8)
    world.devices[0].transport = mdm.transport
    folder, port = tmp_path / "bridge", free_port()
    folder.mkdir()
    (tmp_path / "home").mkdir()
    (folder / "hq.vpptoken").write_text(world.location.token)
    (folder / "hq.vpptoken").chmod(0o600)
    apple = run(world)
    lives: list[Life] = []
    log = (folder / "serve.log").open("wb")
    serve: subprocess.Popen[bytes] | None = None
    try:
        mdm.start()
        steps = Steps()
        asked = shell(
            folder,
            f"{init} --server {url} "
            f"--token-file hq.vpptoken --public-url '' --listen 127.0.0.1:{port} "
            f"--apple-url {apple.apple_url}",
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr
        steps.done("vpp-bridge init, which tests the MDM server, the token and Apple")
        flag, start, apply = re.findall(r"^   (.+)$", asked.stdout, re.MULTILINE)
        looked = shell(folder, apply.replace(" apply", " doctor"))
        assert "engine" in looked.stdout and "Traceback" not in looked.stderr, looked.stdout
        steps.done("vpp-bridge doctor, before anything runs")
        config = folder / "config.yaml"
        wanted = config.read_text().replace("  #- {adam_id:", "  - {adam_id:", 1)
        config.write_text(wanted)
        steps.done("choose the first app in config.yaml")
        name, quoted = flag.split(" ", 1)
        assert name in ("-command-webhook-url", "-webhook-url")
        mdm.stop()
        mdm.webhook_url = quoted.strip("'")
        mdm.start()
        steps.done("restart the MDM server with the flag that was printed")
        serve = subprocess.Popen(
            ["bash", "-c", f"{start.replace('; vpp-bridge', '; exec vpp-bridge')}"],
            cwd=folder,
            env=bare(folder),
            stderr=log,
            process_group=0,
        )
        until(lambda: alive(port), "the bridge runs")
        steps.done("start the bridge")
        stored = shell(folder, f"{apply} --yes")
        assert stored.returncode == 0, stored.stdout + stored.stderr
        steps.done("store what the file wants")
        device = world.devices[0]
        device.enrol()
        lives.append(Life(device, 0.4, always()))
        adam_id = next(iter(world.catalogue))
        why = f"{apply.replace(' apply', ' why')} {device.serial_number} {adam_id}"

        def is_there() -> bool:
            time.sleep(1.0)  # as a person would; each look is a program that starts
            return "is installed on" in shell(folder, why).stdout

        until(is_there, "the app", DEFAULTS_TAKE)
        steps.done("a device enrols, and has the app: told by why")
        doctor = shell(folder, apply.replace(" apply", " doctor"))
        assert doctor.returncode == 0, doctor.stdout
        tell(*steps.lines, f"{steps.last - steps.began:6.1f} s  in all")
    finally:
        for life in lives:
            life.end()
        if serve is not None:
            os.killpg(serve.pid, signal.SIGTERM)
            serve.wait(10)
        log.close()
        apple.stop()
        mdm.stop()


def always() -> threading.Event:
    """An event that is set."""
    event = threading.Event()
    event.set()
    return event


def alive(port: int) -> bool:
    """Whether the bridge says that it lives."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/healthz")
        answer = connection.getresponse()
        return answer.status == 200 and isinstance(json.loads(answer.read()), dict)
    except (OSError, http.client.HTTPException, ValueError):
        return False
    finally:
        connection.close()
