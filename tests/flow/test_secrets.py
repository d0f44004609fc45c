"""Recognisable secrets are planted wherever there are any, and looked for in all that was written.

A bridge works with them, beside an outside that repeats whatever it is sent; then whatever it ever
wrote is searched: logs of every level in both forms, errors, pages, the API, metrics, alerts, what
commands print, the database's files, a backup and a bundle. Another test looks through the
processes of a real `serve`.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import stat
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient

from bridge.cli.commands import COMMANDS
from bridge.config import load_config
from bridge.logs import JsonFormatter, LogfmtFormatter
from bridge.web.pages import PAGES
from bridge.web.v1.endpoints import ENDPOINTS
from tests.flow.alerts_kit import Chat
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene, Scene
from tests.flow.test_serve_process import Ground, until
from tests.wsgi_adapter import WsgiAdapter

WORDS = (
    *("api", "read", "named", "webhook-new", "webhook-old", "hmac", "dsn", "forward-user"),
    *("forward-password", "forward-path", "forward-query", "alert-user", "alert-path"),
    *("alert-query", "proxy-password", "offered-password", "offered-bearer", "settings"),
)
PLANTED = {
    word: f"Planted{number:02d}{word.title().replace('-', '')}Zq"
    for number, word in enumerate(WORDS)
}

CONFIG = """\
database: bridge.db
public_url: https://bridge.example.org
api:
  key: {api}
  read_key: {read}
  keys: [{{name: ops, key: {named}, role: operate}}]
servers:
  main:
    url: "http://127.0.0.1:9999"
    api_key: {mdm}
    webhook_key: [{webhook-new}, {webhook-old}]
    forward_to: ["http://{forward-user}:{forward-password}@127.0.0.1:9/{forward-path}?k={forward-query}"]
  nano:
    kind: nanomdm
    url: "http://127.0.0.1:9"
    api_key: {mdm}
    webhook_hmac_key: {hmac}
    enrollments_dsn: "postgres://reader:{dsn}@127.0.0.1:9/nanomdm"
locations: {{hq: {{content_token_file: hq.vpptoken}}}}
apple: {{url: "http://127.0.0.1:9998/mdm/v2"}}
alerts: [{{url: "https://{alert-user}:x@chat.example.org/{alert-path}?k={alert-query}"}}]
groups: {{them: {{all: true}}}}
apps: [{{adam_id: "{app}", groups: [them], configuration: {{key: {settings}}}}}]
"""


class Repeating:
    """An outside that answers as it should, or repeats what it was sent, with its credentials."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.repeats = False

    def __call__(self, environ: dict[str, Any], start: Callable[..., object]) -> Iterable[bytes]:
        if not self.repeats:
            answer: Iterable[bytes] = self._app(environ, start)
            return answer
        said = {key: str(value) for key, value in environ.items() if key.startswith("HTTP_")}
        body = json.dumps({"error": said, "errorMessage": str(said), "errorNumber": 9999})
        start("500 BAD", [("Content-Type", "application/json")])
        return [body.encode()]


class Written(logging.Handler):
    """Every line of the log, in both forms."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += [LogfmtFormatter().format(record), JsonFormatter().format(record)]


@dataclass
class Planted:
    """A bridge that has worked with planted secrets, and what it wrote, by where."""

    scene: Scene
    shell: Shell
    chat: Chat
    secrets: Mapping[str, str]
    written: dict[str, str]


def forms(secret: str) -> set[str]:
    """A secret as it may be written: as it is, quoted, and as a part of base64."""
    data = secret.encode()
    inside = (base64.b64encode(b"x" * shift + data).decode()[4:-4] for shift in range(3))
    return {secret, quote(secret, safe=""), data.hex(), *inside}


def found(secrets: Mapping[str, str], text: str) -> list[str]:
    return [name for name, secret in secrets.items() if any(form in text for form in forms(secret))]


def test_a_planted_secret_is_found_in_each_form() -> None:
    secret = PLANTED["forward-password"]
    basic = base64.b64encode(f"mdm:{secret}".encode()).decode()
    for text in (secret, basic, secret.encode().hex()):
        assert found(PLANTED, f"said {text} there") == ["forward-password"]


@pytest.fixture
def planted(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Planted:
    log = Written()
    logging.getLogger().addHandler(log)
    monkeypatch.setattr(logging.getLogger("bridge"), "level", logging.DEBUG)
    monkeypatch.setenv("HTTPS_PROXY", f"http://u:{PLANTED['proxy-password']}@127.0.0.1:9")
    scene = make_scene(devices=2, apps=1)
    shell, chat = Shell(scene), Chat()
    values = PLANTED | {"mdm": scene.world.mdm.settings.api_key, "app": scene.adam_ids[0]}
    shell.write(CONFIG.format(**values))
    config = load_config(shell.config, os.environ)
    main = replace(config.servers["main"], kind=scene.config.servers["main"].kind)
    scene.config = replace(
        scene.config,
        api=config.api,
        servers={**config.servers, "main": main},
        alerts=config.alerts,
    )
    hook = f"http://mdm:{PLANTED['webhook-old']}@bridge.example.org/hooks/mdm/main"
    scene.world.mdm.webhook.url = hook
    scene.transports = replace(scene.transports, alerts=WsgiAdapter(chat))
    scene.restart()
    apple, mdm = (Repeating(each._app) for each in (scene.apple_adapter, scene.mdm_adapter))
    scene.apple_adapter._app, scene.mdm_adapter._app = apple, mdm
    scene.bridge.apply(config.desired)
    scene.run(scene.all_installed)
    apple.repeats = mdm.repeats = True
    scene.bridge.apply(replace(config.desired, apps=()))
    scene.bridge.sync("all")
    scene.pass_time(600.0)
    secrets = PLANTED | {
        "token": scene.world.location.token,
        "notification token": scene.world.location.client.notification_token,
    }
    assert secrets["notification token"]
    written: dict[str, str] = {}
    client = scene.client
    _visit(scene, client, written)
    apple.repeats = mdm.repeats = False
    _run_commands(scene, shell, written)
    _copy_files(scene, shell, written)
    scene.pass_time(7200.0)
    written["alerts"] = json.dumps([chat.said, "".join(map(str, chat.said))])
    captured = capfd.readouterr()
    written["standard output and error"] = captured.out + captured.err
    written["log"] = "\n".join(log.lines)
    logging.getLogger().removeHandler(log)
    return Planted(scene, shell, chat, secrets, written)


def _basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"bridge:{password}".encode()).decode()}


def _visit(scene: Scene, client: FlaskClient, written: dict[str, str]) -> None:
    """Every page and every list, with a key, without one and with wrong ones; wrong messages."""
    paths = [
        *(call.path for call in ENDPOINTS if call.method == "GET"),
        *(page.rule.replace("<", "{").replace(">", "}") for page in PAGES),
        *("/metrics", "/readyz", "/healthz", "/version", "/nowhere"),
    ]
    named = {"serial": scene.serials[0], "adam_id": scene.adam_ids[0], "name": "hq", "id": "1"}
    right, wrong = _basic(PLANTED["api"]), _basic(PLANTED["offered-password"])
    for path in paths:
        for headers in (right, {}, wrong):
            answer = client.get(path.format(**named), headers=headers)
            written[f"GET {path} {answer.status_code}"] = f"{answer.headers}{answer.get_data(True)}"
    for path in ("/hooks/mdm/main", "/hooks/apple/hq", "/hooks/mdm/nano", "/hooks/mdm/nowhere"):
        bearer = {"Authorization": f"Bearer {PLANTED['offered-bearer']}"}
        for headers in (bearer, wrong):
            answer = client.post(path, data=b"{}", headers=headers)
            written[f"POST {path} {answer.status_code}"] = answer.get_data(True)


def _run_commands(scene: Scene, shell: Shell, written: dict[str, str]) -> None:
    """Every command that looks, as text and as JSON, and some that act."""
    pair = (scene.serials[0], scene.adam_ids[0])
    tried: list[tuple[str, ...]] = [
        *((name,) for name in COMMANDS if name not in ("serve", "init", "demo", "simulate", "why")),
        *(("why", *pair), ("status", "--all"), ("installs", "--csv"), ("alerts", "test")),
        ("events", "replay", "1", "--dry-run"),
    ]
    for arguments in tried:
        for more in ((), ("--json",)):
            result = shell.run(*arguments, *more)
            written[" ".join((*arguments, *more))] = result.output + result.stderr


def _copy_files(scene: Scene, shell: Shell, written: dict[str, str]) -> None:
    """What is on the disk, and what is copied from it."""
    for options in ((), ("--with-serials",)):
        file = scene.tmp_path / f"bundle{len(options)}.json"
        assert shell.run("bundle", str(file), *options).exit_code == 0
        written[f"bundle {options}"] = file.read_text()
    shell.run("backup", str(scene.tmp_path / "copy.db"))
    for path in sorted(scene.tmp_path.glob("*.db*")):
        written[f"file {path.name}"] = path.read_bytes().decode("latin-1")
    with scene.bridge.database.read() as db:
        from bridge.store.schema import tables  # noqa: PLC0415

        for table in tables():
            rows = [tuple(row) for row in db.execute(f"SELECT * FROM {table}")]
            written[f"table {table}"] = repr(rows)


PATIENCE = 120.0
"""Seconds for a start on a machine that does much else."""

STORED = {"settings"}
"""The settings of an app are stored, as the bridge must send them; a backup has them for that."""


@pytest.mark.slow
def test_none_is_in_anything_that_was_ever_written(planted: Planted) -> None:
    leaks = {
        where: names
        for where, text in planted.written.items()
        if (names := set(found(planted.secrets, text)) - _may_stand(where))
    }
    assert leaks == {}
    said = planted.written
    assert "a request to Apple" in said["log"] and "9999" in said["log"], "it was repeated to us"
    assert sum(where.startswith("GET") for where in said) > 60
    assert planted.chat.said, "somebody was told of what went wrong"


def _may_stand(where: str) -> set[str]:
    in_database = where.startswith(("file ", "table "))
    return STORED if in_database else set()


def test_files_are_for_their_owner_alone(make_scene: MakeScene) -> None:
    before = os.umask(0o022)
    try:
        shell = Shell(make_scene(devices=1, apps=1))
        folder = shell.scene.tmp_path / "own"
        folder.mkdir()
        shell.config.write_text(
            shell.config.read_text().replace("database: bridge.db", "database: own/bridge.db")
        )
        assert shell.run("apply", "--yes").exit_code == 0
        assert shell.run("backup", str(folder / "copy.db")).exit_code == 0
        assert shell.run("bundle", str(folder / "bundle.json"), "--offline").exit_code == 0
    finally:
        os.umask(before)
    made = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert {"bridge.db", "copy.db", "bundle.json"} <= set(made)
    assert {name: mode for name, mode in made.items() if mode & 0o077} == {}


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ExitStack() as stack:
        yield Ground(tmp_path, stack)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks at processes in /proc")
@pytest.mark.slow
def test_the_process_list_shows_none(ground: Ground) -> None:
    """What the file has is in no command line and no environment; what the environment has, which
    its owner alone may read, is in no command line."""
    more = f"alerts: [{{url: 'https://chat.example.org/{PLANTED['alert-path']}'}}]\n"
    given = {"HTTPS_PROXY": f"http://u:{PLANTED['proxy-password']}@127.0.0.1:9"}
    program = (sys.executable, "-m", "bridge")
    served = ground.serve(program=program, more=more, **given)
    until(lambda: served.is_alive() and len(served.family()) == 4, "it serves", PATIENCE)
    processes = _of_group(served.process.pid)
    assert len(processes) >= 4
    for pid in processes:
        line = Path(f"/proc/{pid}/cmdline").read_bytes().decode("latin-1")
        environ = Path(f"/proc/{pid}/environ").read_bytes().decode("latin-1")
        assert found(PLANTED, line) == []
        assert set(found(PLANTED, environ)) <= {"proxy-password"}
        assert stat.S_IMODE(os.stat(f"/proc/{pid}/environ").st_mode) & 0o077 == 0
    assert found(PLANTED, served.errors.read_text()) == []


def _of_group(leader: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if os.getpgid(int(path.name)) == leader:
                found.append(int(path.name))
        except ProcessLookupError:
            continue
    return found
