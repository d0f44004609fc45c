"""`simulate`: both services, a token and a configuration that fits them, until a signal."""

import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from bridge.config import load_config
from bridge.engine.client_pool import ClientPool, Transports

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a simulation; what still runs at the end is killed."""
    with ExitStack() as stack:

        def run(*options: str) -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "bridge", "simulate", "--directory", "world"]
            process = subprocess.Popen(
                [*command, *options],
                cwd=tmp_path,
                env={"PYTHONPATH": str(Path(__file__).parents[2]), "PATH": "/usr/bin:/bin"},
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            stack.callback(process.communicate)
            stack.callback(process.kill)
            return process

        yield run


def until_ready(process: subprocess.Popen[str]) -> list[str]:
    """What it prints until it runs."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line.rstrip())
        if line.startswith("Ctrl-C"):
            return lines
    raise AssertionError(f"it ended early: {lines} {process.communicate()}")


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_what_its_configuration_names(start: Start, tmp_path: Path, signum: int) -> None:
    ports = ("--apple-port", "0", "--mdm-port", "0", "--bridge-port", "9100")
    process = start(*ports, "--devices", "4", "--apps", "2", "--faults")
    lines = until_ready(process)
    path = tmp_path / "world" / "config.yaml"
    assert path.read_text().rstrip() in "\n".join(lines)
    config = load_config(path, {})
    assert config.warnings == ()
    assert (config.listen, config.public_url) == (("127.0.0.1", 9100), "http://127.0.0.1:9100")
    assert [app.name for app in config.desired.apps] == ["Pages", "Numbers"]
    clients = ClientPool(config, lambda: 0.0, Transports())
    assert clients.apple("hq").client_config().location_name == "hq"
    assert len(clients.mdm("main").devices()) == 4
    assert any("/hooks/mdm/main" in line for line in lines)
    process.send_signal(signum)
    assert process.communicate()[1] == ""
    assert process.returncode == 0


def test_a_world_without_apps_has_a_configuration_too(start: Start, tmp_path: Path) -> None:
    until_ready(start("--apple-port", "0", "--mdm-port", "0", "--apps", "0", "--devices", "0"))
    assert load_config(tmp_path / "world" / "config.yaml", {}).desired.apps == ()


def test_a_port_in_use_is_one_line(start: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = start("--apple-port", str(port), "--mdm-port", "0")
        output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert errors.startswith(f"vpp-bridge: port {port} cannot be used: ")
    assert len(errors.splitlines()) == 1


def test_a_directory_that_cannot_be_written_is_one_line(start: Start, tmp_path: Path) -> None:
    (tmp_path / "world").mkdir()
    (tmp_path / "world" / "config.yaml").mkdir()
    process = start("--apple-port", "0", "--mdm-port", "0")
    output, errors = process.communicate()
    assert (process.returncode, output) == (1, "")
    assert errors == "vpp-bridge: world cannot be written: Is a directory\n"


def test_apple_alone_stands_beside_a_real_mdm_server(start: Start, tmp_path: Path) -> None:
    process = start("--apple-port", "0", "--apple-only", "--seats", "7", "--apps", "2")
    lines = until_ready(process)
    (init,) = [line.split() for line in lines if "vpp-bridge init" in line]
    assert not any("MDM server  " in line for line in lines)
    assert [path.name for path in (tmp_path / "world").iterdir()] == ["hq.vpptoken"]
    url = init[init.index("--apple-url") + 1]
    config = tmp_path / "config.yaml"
    config.write_text(
        f"database: bridge.db\napple: {{url: '{url}'}}\n"
        "locations: {hq: {content_token_file: world/hq.vpptoken}}\n"
    )
    client = ClientPool(load_config(config, {}, ("apple",)), lambda: 0.0, Transports()).apple("hq")
    assets = [each for step in client.walk_assets() for each in step.page.assets]
    assert [(each.total, each.available) for each in assets] == [(7, 7), (7, 7)]
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=10)
    assert process.returncode == 0
