"""The files of docs/deploy and compose.yaml: their commands run, their configuration loads, and
they give no more away than the pages say."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psycopg
import pytest
import yaml
from psycopg import conninfo

from bridge.config import load_config
from bridge.store.database import Where
from tests import postgresql
from tests.flow.test_serve_process import free_port, is_free, until
from tests.web_stand_in import basic

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "docs" / "deploy"
PROGRAM = Path(sys.executable).with_name("vpp-bridge")
COMPOSE = [ROOT / "compose.yaml", *sorted(DEPLOY.glob("compose.*.yaml"))]
TOKEN = ROOT / "tests/samples/content-token.vpptoken"


def services(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(path.read_text())["services"]
    return found


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_ours_has_no_rights_and_nothing_is_shown_but_to_this_machine(path: Path) -> None:
    ours = [each for each in services(path).values() if each.get("image") == "vpp-bridge"]
    assert ours
    for each in ours:
        assert each["read_only"] and each["cap_drop"] == ["ALL"]
        assert each["security_opt"] == ["no-new-privileges:true"]
    for each in services(path).values():
        assert all(port.startswith("127.0.0.1:") for port in each.get("ports", ()))


@pytest.mark.parametrize("path", COMPOSE[1:], ids=lambda path: path.name)
def test_every_secret_of_a_compose_file_has_to_be_given(path: Path) -> None:
    variables = set(re.findall(r"\$\{([^:}]+)\}", path.read_text()))
    asked = set(re.findall(r"\$\{(\w+):\?", path.read_text()))
    assert variables <= asked
    head = path.read_text().partition("\nname:")[0]
    assert all(name in head for name in asked)


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@pytest.mark.slow
def test_the_first_look_shows_what_its_head_says(tmp_path: Path) -> None:
    """The commands of the services run as processes, with what the image sets, on free ports."""
    described = services(ROOT / "compose.yaml")
    assert described["bridge"]["network_mode"] == "service:simulator"
    volume = tmp_path / "db"
    volume.mkdir()
    port, apple, mdm = (free_port() for _ in range(3))
    environment = {
        "PATH": os.environ["PATH"],
        "BRIDGE_DATABASE": str(volume / "bridge.db"),
        "BRIDGE_LISTEN": f"127.0.0.1:{port}",
        "BRIDGE_CONFIG": described["bridge"]["environment"]["BRIDGE_CONFIG"].replace(
            "/app/db", str(volume)
        ),
    }
    words = [word.replace("/app/db", str(volume)) for word in described["simulator"]["command"]]
    ports = [f"--bridge-port={port}", f"--apple-port={apple}", f"--mdm-port={mdm}"]
    _, _, *check = described["simulator"]["healthcheck"]["test"]
    check = [word.replace("9019", str(mdm)) for word in check]
    started = []
    try:
        started.append(start([PROGRAM, *words, *ports], tmp_path, environment))
        until(lambda: is_well([sys.executable, *check]), "the simulator is healthy", 60.0)
        started.append(start([PROGRAM, "serve"], tmp_path, environment))
        until(lambda: not is_free(port), "the bridge listens", 60.0)
        apply = [PROGRAM, "apply", "--yes"]
        subprocess.run(apply, check=True, env=environment, cwd=tmp_path, capture_output=True)
        until(lambda: installed(port) == 60, "all 60 are done", 240.0)
    finally:
        for process in reversed(started):
            end(process)


def is_well(check: list[str]) -> bool:
    return subprocess.run(check, check=False, stderr=subprocess.DEVNULL).returncode == 0


def installed(port: int) -> int:
    """How many installs the API lists as installed, with the password that the head names."""
    found = re.search(r"password (\S+)\.", (ROOT / "compose.yaml").read_text())
    assert found
    time.sleep(1.0)  # each look costs those who work something
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        path = "/v1/installs?state=installed&limit=100"
        connection.request("GET", path, headers=basic(found[1]))
        answer = connection.getresponse()
        assert answer.status == 200
        return len(json.loads(answer.read())["installs"])
    except ConnectionError:  # it does not take requests yet
        return 0
    finally:
        connection.close()


def start(
    command: list[str | Path], folder: Path, environment: dict[str, str]
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def test_the_configuration_of_the_cluster_loads(tmp_path: Path) -> None:
    documents = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text()))
    by_kind: dict[str, Any] = {each["kind"]: each for each in documents}
    secret, tokens = (each["stringData"] for each in documents if each["kind"] == "Secret")
    (tmp_path / "hq.vpptoken").write_text(TOKEN.read_text())
    (tmp_path / "hq.vpptoken").chmod(0o600)
    assert list(tokens) == ["hq.vpptoken"]
    text = by_kind["ConfigMap"]["data"]["config.yaml"]
    path = tmp_path / "config.yaml"
    path.touch(0o600)
    path.write_text(text.replace("/run/tokens", str(tmp_path)))
    config = load_config(path, secret)
    assert not config.mistakes and not config.warnings
    where: Where = config.database
    assert "db.example.org" in str(where)
    ports = {each["containerPort"] for each in container(by_kind)["ports"]}
    assert ports == {9008, 9009}
    assert config.listen_outside is not None and config.listen_outside[1] == 9009
    (rule,) = by_kind["Ingress"]["spec"]["rules"]
    (shown,) = rule["http"]["paths"]
    assert (
        shown["path"] == "/hooks/apple/" and shown["backend"]["service"]["port"]["name"] == "apple"
    )


def container(by_kind: dict[str, Any]) -> dict[str, Any]:
    (found,) = by_kind["Deployment"]["spec"]["template"]["spec"]["containers"]
    return dict(found)


# --- systemd

UNITS = ("vpp-bridge.service", "vpp-bridge-backup.service", "vpp-bridge-backup.timer")


@pytest.fixture
def systemd_analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("systemd-analyze is missing")
    return program


def test_the_units_are_what_systemd_understands(systemd_analyze: str, tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text().replace("/opt/bridge/bin/vpp-bridge", "/bin/true")
        (tmp_path / name).write_text(text)
    told = subprocess.run(
        [systemd_analyze, "verify", "--man=no", *(str(tmp_path / name) for name in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    ours = [line for line in told.stderr.splitlines() if "vpp-bridge" in line]
    assert told.returncode == 0 and not ours, told.stderr


@pytest.mark.parametrize("name", UNITS[:2])
def test_the_page_has_the_exposure_that_systemd_finds(systemd_analyze: str, name: str) -> None:
    told = subprocess.run(
        [systemd_analyze, "security", "--offline=true", "--no-pager", DEPLOY / name],
        capture_output=True,
        text=True,
        check=False,
    )
    if "--offline" in told.stderr:
        pytest.skip("this systemd-analyze cannot look at a file")
    found = re.search(r"Overall exposure level for \S+: (\d+\.\d) ", told.stdout)
    assert found, told.stdout + told.stderr
    page = (ROOT / "docs" / "systemd.md").read_text()
    row = re.search(rf"^\| `{name}` \| (\d+\.\d) ", page, re.MULTILINE)
    assert row and float(found[1]) <= float(row[1]) + 0.3, (
        "another systemd weighs otherwise, not so much"
    )


def test_the_nightly_copy_is_made_as_the_unit_says(tmp_path: Path) -> None:
    """The shell line of the unit, with systemd's own escapes taken away."""
    text = (DEPLOY / "vpp-bridge-backup.service").read_text()
    (line,) = re.findall(r"^ExecStart=/bin/sh -c '(.+)'$", text, re.MULTILINE)
    line = line.replace("%%", "%").replace("/opt/bridge/bin/vpp-bridge", str(PROGRAM))
    line = line.replace("/var/lib/vpp-bridge", str(tmp_path))
    (tmp_path / "backups").mkdir()
    config = tmp_path / "config.yaml"
    config.touch(0o600)
    config.write_text(f"database: bridge.db\nlisten: 127.0.0.1:{free_port()}\n")
    environment = {"PATH": os.environ["PATH"], "BRIDGE_CONFIG": str(config)}
    empty = subprocess.run(
        [PROGRAM, "apply", "--yes"], env=environment, capture_output=True, check=False
    )
    assert empty.returncode == 0, empty.stderr
    for _ in range(2):  # a second one of the day takes the first one's place
        made = subprocess.run(
            ["/bin/sh", "-c", line], env=environment, capture_output=True, check=False
        )
        assert made.returncode == 0, made.stderr
    (copy,) = (tmp_path / "backups").iterdir()
    assert re.fullmatch(r"day-\d\d\.db", copy.name) and copy.stat().st_mode & 0o077 == 0


# --- PostgreSQL


@pytest.mark.slow
def test_the_role_and_the_database_of_the_page_are_all_that_is_needed(tmp_path: Path) -> None:
    """The SQL of docs/postgresql.md, with other names, then an `apply` by that role."""
    if why := postgresql.why_missing():
        pytest.skip(why)
    page = (ROOT / "docs" / "postgresql.md").read_text()
    (sql,) = re.findall(r"^```sql\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    name = f"bridge_of_the_page_{os.getpid()}"
    statements = [each.strip() for each in re.sub(r"\bbridge\b", name, sql).split(";")]
    config = tmp_path / "config.yaml"
    config.touch(0o600)
    with postgresql.server() as server, psycopg.connect(server, autocommit=True) as superuser:
        given = conninfo.conninfo_to_dict(server)
        query = {key: str(given[key]) for key in ("host", "port") if key in given}
        url = f"postgresql:///{name}?{urlencode(query | {'user': name, 'password': '...'})}"
        config.write_text(json.dumps({"database": url}))
        try:
            for statement in filter(None, statements):
                superuser.execute(statement.encode())
            environment = {"PATH": os.environ["PATH"], "BRIDGE_CONFIG": str(config)}
            done = subprocess.run(
                [PROGRAM, "apply", "--yes"], env=environment, capture_output=True, check=False
            )
            assert done.returncode == 0, done.stderr
        finally:
            superuser.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            superuser.execute(f"DROP ROLE IF EXISTS {name}".encode())
