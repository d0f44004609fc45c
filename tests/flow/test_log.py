"""The log of a whole flow: what it tells at each level, and that it never tells a secret."""

from __future__ import annotations

import ast
import base64
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import bridge
from bridge.clients.http import HttpClient
from bridge.domain.webhooks import PROBE_HEADER
from bridge.logs import KEYS, setup_logging
from bridge.simulator.faults import Fault
from bridge.web import refusals
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, WEBHOOK_KEY, MakeScene, Scene
from tests.flow.test_serve_process import DEADLINE, Served, end, until
from tests.loopback import free_port, read_request, serving
from tests.serve_stand_in import TOKEN

SECRET = "correct-horse-battery"
CONFIGURATION = {"licence": SECRET}
BOOTSTRAP = b"bootstrap-token-of-a-mac"

Line = Mapping[str, Any]
Lines = Callable[..., list[Line]]


class Log:
    """What is written from `begin` on, as JSON lines."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._stream = io.StringIO()
        self.records: list[logging.LogRecord] = []

    def begin(self, level: Any = "info") -> None:
        self._monkeypatch.setattr("sys.stderr", self._stream)
        setup_logging({"BRIDGE_LOG_FORMAT": "json"}, level)
        keeper = logging.Handler()
        keeper.emit = self.records.append  # type: ignore[method-assign]
        logging.getLogger().addHandler(keeper)

    @property
    def text(self) -> str:
        return self._stream.getvalue()

    def lines(self, **named: object) -> list[Line]:
        """The lines that have all of these; `msg` is what it begins with."""
        begins = str(named.pop("msg", ""))
        return [
            line
            for line in map(json.loads, self.text.splitlines())
            if line["msg"].startswith(begins)
            and all(line.get(key) == value for key, value in named.items())
        ]


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[Log]:
    loggers = [logging.getLogger(name) for name in (None, "bridge", "urllib3")]
    before = [(each, list(each.handlers), each.level, each.propagate) for each in loggers]
    yield Log(monkeypatch)
    logging.captureWarnings(False)
    for each, handlers, level, propagate in before:
        each.handlers[:], each.propagate = handlers, propagate
        each.setLevel(level)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def auth() -> dict[str, str]:
    return {"Authorization": basic("bridge", API_KEY)}


def api(scene: Scene, path: str, body: Mapping[str, object], key: str = API_KEY) -> int:
    headers = {"Authorization": basic("bridge", key)}
    return scene.client.post(path, json=body, headers=headers).status_code


def hook(scene: Scene, path: str, key: str, body: bytes = b"{}") -> int:
    headers = {"Authorization": basic("mdm", key)}
    return scene.client.post(path, data=body, headers=headers).status_code


def test_no_call_waits_for_the_log(make_scene: MakeScene, log: Log) -> None:
    """A log that stalls, or a kill while it does, must leave no call claimed that nobody made."""
    log.begin("debug")
    scene = make_scene(devices=3, apps=2)
    claimed: list[int] = []

    def count(record: logging.LogRecord) -> None:
        if record.getMessage().startswith("an install "):
            with scene.bridge.database.read() as db:
                query = "SELECT count(*) FROM outbox WHERE state = 'claimed'"
                claimed.append(db.execute(query).fetchone()[0])

    keeper = logging.Handler()
    keeper.emit = count  # type: ignore[method-assign]
    logging.getLogger().addHandler(keeper)
    scene.apply()
    scene.run(scene.all_installed)
    assert len(claimed) > 6
    assert set(claimed) == {0}


def test_each_install_is_told_once_when_it_ends(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    scene = make_scene(devices=3, apps=2)
    scene.apply()
    scene.run(scene.all_installed)
    ends = log.lines(msg="an install has ended")
    assert len(ends) == 6, "one for each install, and none for the decisions on the way"
    assert {line["state"] for line in ends} == {"installed"}
    assert {(line["device_serial"], line["adam_id"]) for line in ends} == {
        (serial, adam_id) for serial in scene.serials for adam_id in scene.adam_ids
    }
    first = ends[0]
    assert (first["level"], first["location"], first["server"]) == ("info", "hq", "main")
    assert first["reason"] == "INSTALLED" and first["device_udid"] and first["attempts"] == 1
    assert not log.lines(level="debug")
    scene.pass_time(3600)
    assert len(log.lines(msg="an install has ended")) == 6


def test_an_install_that_fails_is_told_with_its_reason(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    refusal = Fault(
        "device",
        "error",
        match="InstallApplication",
        domain="MCMDMErrorDomain",
        number=12023,
        times=0,
    )
    scene = make_scene(devices=1, apps=1, faults=[refusal])
    scene.apply()
    scene.run(lambda: bool(scene.installs(state="failed")), limit=7 * 86400)
    (line,) = log.lines(msg="an install has ended")
    assert (line["state"], line["reason"]) == ("failed", "DEVICE_REFUSED")
    assert "12023" in line["detail"] and line["device_serial"] == scene.serials[0]


def test_at_debug_each_step_is_told(make_scene: MakeScene, log: Log) -> None:
    log.begin("debug")
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    steps = [line["state"] for line in log.lines(msg="an install goes on")]
    assert steps[-1] in ("acknowledged", "installing") and "associating" in steps
    sent = log.lines(msg="a request to the MDM server", method="POST", status=201)
    assert sent and sent[0]["server"] == "main" and sent[0]["path"].startswith("/v1/commands/")
    handled = log.lines(msg="a message is handled", topic="mdm.Connect")
    assert handled and handled[0]["event_id"] and handled[0]["server"] == "main"


def test_each_request_to_apple_is_told(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    refused = Fault("apple.associate", "error", number=9644)
    scene = make_scene(devices=1, apps=1, faults=[refused])
    scene.apply()
    scene.run(scene.all_installed, limit=86400)
    said = log.lines(msg="a request to Apple", path="/assets/associate")
    assert [(line.get("error_number"), line["method"]) for line in said] == [
        (9644, "POST"),
        (None, "POST"),
    ]
    assert all(line["location"] == "hq" and line["duration_ms"] >= 0 for line in said)
    assert said[1]["status"] == 200
    reads = log.lines(msg="a request to Apple", method="GET")
    assert reads and not any("?" in line["path"] for line in reads)
    assert not log.lines(msg="a request to the MDM server"), "hundreds of thousands in a fleet"
    (failed,) = log.lines(msg="a call failed", request_type="associate")
    assert failed["error_number"] == 9644 and "Apple refused POST" in failed["error"]


def test_a_failed_call_says_why(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    scene = make_scene(devices=1, apps=1)
    scene.world.faults.add(Fault("mdm.command", "gateway", match="InstallApplication"))
    scene.apply()
    scene.run(scene.all_installed, limit=86400)
    (failed,) = log.lines(msg="a call failed")
    assert (failed["server"], failed["status"]) == ("main", 502)
    assert "cannot be used: 201 was expected" in failed["error"]


def test_what_people_do_is_told_by_the_engine(make_scene: MakeScene, log: Log) -> None:
    """Commands are other processes than the engine, whose log is the one that is kept."""
    log.begin()
    scene = make_scene(devices=2, apps=1)
    shell = Shell(scene)
    assert shell.run("apply", "--yes").exit_code == 0
    assert shell.run("pause", "--all").exit_code == 0
    scene.settle()
    (applied,) = log.lines(msg="groups and apps are applied")
    assert applied["who"].startswith("cli:")
    assert (applied["adds"], applied["removes"], applied["changes"]) == (2, 0, 0)
    (paused,) = log.lines(msg="everything is paused since")
    assert paused["level"] == "warning" and paused["who"] == applied["who"]
    moment = scene.world.now
    assert api(scene, "/v1/resume", {"all": True}) == 200
    assert api(scene, "/v1/pause", {"app": scene.adam_ids[0]}) == 200
    scene.world.advance(90)
    scene.settle()
    (resumed,) = log.lines(msg="everything is resumed")
    assert resumed["who"] == "key:api.key"
    (paused,) = log.lines(msg=f"app {scene.adam_ids[0]} is paused", adam_id=scene.adam_ids[0])
    times = {logging.Formatter().formatTime(r) for r in log.records if "is resumed" in r.msg}
    assert len(times) == 1
    assert [r.created for r in log.records if "is resumed" in r.msg] == [moment]


def test_what_was_not_stored_is_not_told(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    scene = make_scene(devices=12, apps=1)
    shell = Shell(scene)
    assert shell.run("apply", "--yes").exit_code == 0
    shell.want([])
    assert shell.run("apply", "--yes").exit_code == 2
    shell.run("apply", "--yes", "--allow-removals", "12")
    scene.settle()
    applied = log.lines(msg="groups and apps are applied")
    assert [(line["adds"], line["removes"]) for line in applied] == [(12, 0), (0, 12)]


def test_one_off_wishes_and_retries_are_told(make_scene: MakeScene, log: Log) -> None:
    log.begin()
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    serial, adam_id = scene.serials[0], scene.adam_ids[0]
    for command in ("assign", "unassign"):
        assert shell.run(command, serial, "--app", adam_id).exit_code == 0
    scene.settle()
    (wished,) = log.lines(msg="an app is wished for beside the file on 1 device")
    assert (wished["device_serial"], wished["adam_id"]) == (serial, adam_id)
    (withdrawn,) = log.lines(msg="an app is no longer wished for beside the file on 1 device")
    assert withdrawn["who"] == wished["who"]


def test_refusals_are_told_at_a_bounded_rate(
    make_scene: MakeScene, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    log.begin("warning")
    now = [1000.0]
    monkeypatch.setattr(refusals.register, "__defaults__", (lambda: now[0],))
    scene = make_scene(devices=1, apps=1)
    for _ in range(50):
        assert hook(scene, "/hooks/mdm/main", "wrong-key") == 401
        assert hook(scene, "/hooks/mdm/mian", WEBHOOK_KEY) == 404
    (refused,) = log.lines(status=401)
    assert refused["msg"] == "a webhook is refused: The webhook's key is missing or wrong"
    assert (refused["server"], refused["times"]) == ("main", 1)
    (unknown,) = log.lines(status=404)
    assert unknown["path"] == "/hooks/mdm/mian" and "server" not in unknown
    now[0] += refusals.EVERY
    assert hook(scene, "/hooks/mdm/main", "wrong-key") == 401
    assert [line["times"] for line in log.lines(status=401)] == [1, 50]
    assert hook(scene, "/hooks/mdm/main", WEBHOOK_KEY, b"[") == 400
    assert hook(scene, "/hooks/apple/hq", "wrong-key") == 401
    assert api(scene, "/v1/pause", {"all": True}, "wrong-key") == 401
    assert hook(scene, "/webhook", WEBHOOK_KEY) == 404
    assert [line["msg"].partition(" is refused")[0] for line in log.lines()[-4:]] == [
        "a webhook",
        "a notification",
        "a request",
        "a request",
    ]
    before = len(log.lines())
    assert scene.client.get("/v1/installs/X/1", headers=auth()).status_code == 404
    assert len(log.lines()) == before, "an answer to whoever asked is no news"


def test_what_doctor_is_refused_is_not_told(make_scene: MakeScene, log: Log) -> None:
    log.begin("warning")
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    scene.settle()
    before = len(log.lines())
    told = shell.run("doctor").stdout
    assert "/hooks/apple/hq is there, and refuses a wrong token" in told
    assert log.lines()[before:] == []
    forged = {"Authorization": "Bearer wrong", PROBE_HEADER: "forged"}
    assert scene.client.post("/hooks/apple/hq", data=b"{}", headers=forged).status_code == 401
    (refused,) = log.lines()[before:]
    assert refused["msg"].startswith("a notification is refused")
    assert refused["times"] == 1, "doctor's own are no part of the number"


def test_no_secret_is_told_at_any_level(make_scene: MakeScene, log: Log) -> None:
    log.begin("debug")
    scene = make_scene(devices=2, apps=2)
    shell = Shell(scene)
    for fault in (
        Fault("apple.associate", "garbled"),
        Fault("apple.assignments", "gateway"),
        Fault("apple.set_client_config", "error", number=9619),
        Fault("mdm.command", "error", match="InstallApplication"),
        Fault("mdm.queue", "reply_lost"),
        Fault("mdm.devices", "garbled"),
        Fault("mdm.webhook", "duplicate", times=3),
        Fault("device", "error", match="InstallApplication", domain="Odd", number=7),
    ):
        scene.world.faults.add(fault)
    shell.run("sync", "all")
    scene.apply(scene.desired(configuration=CONFIGURATION))
    scene.world.devices[0].escrow_bootstrap_token(BOOTSTRAP)
    scene.run(scene.all_installed, limit=2 * 86400)
    notification_token = scene.world.location.client.notification_token
    hook(scene, "/hooks/mdm/main", WEBHOOK_KEY, b"[" + API_KEY.encode())
    hook(scene, "/hooks/mdm/main", API_KEY)
    hook(scene, "/hooks/apple/hq", WEBHOOK_KEY)
    api(scene, "/v1/apply", {"groups": API_KEY})
    api(scene, "/v1/pause", {"all": True})
    scene.restart()
    shell.run("resume", "--all")
    (scene.tmp_path / "hq.vpptoken").write_text("no token at all")
    scene.pass_time(7200)
    assert {"debug", "info", "warning"} <= {line["level"] for line in log.lines()}
    assert log.lines(msg="a request to the MDM server") and log.lines(msg="a call failed")

    token = scene.world.location.token
    mdm_key = scene.world.mdm.settings.api_key
    planted = [token, token[20:60], SECRET, API_KEY, WEBHOOK_KEY, mdm_key, notification_token]
    planted += [json.loads(base64.b64decode(token))["token"], BOOTSTRAP.decode(), "unlock-"]
    planted += [basic("micromdm", mdm_key)[6:], basic("bridge", API_KEY)[6:]]
    planted += [base64.b64encode(each).decode().rstrip("=")[:-1] for each in (BOOTSTRAP, b"unlock")]
    for secret in planted:
        assert len(secret) > 5
        assert not re.search(rf"\b{re.escape(secret)}", log.text), secret
    own = set(vars(logging.makeLogRecord({}))) | {"message", "asctime"}
    named = {key for record in log.records for key in vars(record)} - own
    assert named <= set(KEYS), "the log would leave these out"


def test_a_command_logs_where_it_is_asked_to(make_scene: MakeScene, log: Log) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    said = shell.run("--log-level", "Debug", "plan")
    assert said.exit_code == 0
    assert 'level=info msg="a request to Apple"' in said.stderr
    assert 'level=debug msg="a request to the MDM server"' in said.stderr
    assert "level=" not in said.stdout
    assert "level=" not in shell.run("plan").stderr


@pytest.mark.parametrize("by", ["option", "environment"])
def test_an_unknown_level_is_one_sentence(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    if by == "environment":
        monkeypatch.setenv("BRIDGE_LOG_LEVEL", "loud")
        said = shell.run("status")
    else:
        said = shell.run("--log-level", "loud", "status")
    assert said.exit_code == 2
    (line,) = said.stderr.splitlines()
    where = " (in BRIDGE_LOG_LEVEL)" if by == "environment" else ""
    assert f"'loud'{where} is unknown; write debug, info, warning or error" in line
    monkeypatch.setenv("BRIDGE_LOG_LEVEL", "")
    assert shell.run("plan").exit_code == 0, "empty is not set"


CONFIG = """\
database: bridge.db
listen: 127.0.0.1:{port}
api: {{key: {api_key}}}
locations: {{hq: {{content_token_file: hq.vpptoken}}}}
apple: {{url: "http://127.0.0.1:1"}}
servers:
  main:
    url: http://127.0.0.1:1
    api_key: {mdm_key}
    webhook_key: {key}
    forward_to: ["http://user:pw-hush@{listener}/path-hush?key=query-hush"]
"""


def test_the_real_program_tells_no_secret_at_debug(tmp_path: Path) -> None:
    """With gunicorn, requests and urllib3 in it, which have much to say at debug."""
    passed_on = threading.Semaphore(0)

    def odd_header(connection: socket.socket) -> None:
        read_request(connection)
        connection.sendall(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 0\r\n\r\n")
        passed_on.release()

    with serving(odd_header) as listener, ExitStack() as stack:
        port, path, errors = free_port(), tmp_path / "config.yaml", tmp_path / "log"
        token = tmp_path / "hq.vpptoken"
        token.write_text(TOKEN.read_text())
        path.write_text(
            CONFIG.format(
                port=port,
                api_key=API_KEY,
                mdm_key="mdm-hush",
                key=WEBHOOK_KEY,
                listener=f"127.0.0.1:{listener.port}",
            )
        )
        for file in (path, token):
            file.chmod(0o600)
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "--config", str(path), "serve"],
            stderr=stack.enter_context(errors.open("wb")),
            start_new_session=True,
            env=os.environ | {"BRIDGE_LOG_LEVEL": "debug"},
        )
        served = Served(process, path, port, errors)
        stack.callback(end, served)
        served.ready()
        client = HttpClient(f"http://127.0.0.1:{port}", service="mdm")
        body = json.dumps({"topic": "mdm.Connect", "event_id": "e-1"}).encode()
        headers = {"Authorization": basic("m", WEBHOOK_KEY)}
        hooked = client.request("POST", "/hooks/mdm/main", content=body, headers=headers)
        assert hooked.status == 200
        refused = {"Authorization": basic("m", "wrong-hush")}
        assert client.request("POST", "/hooks/mdm/main", headers=refused).status == 401
        client.close()
        assert passed_on.acquire(timeout=DEADLINE)
        until(lambda: "a message is handled" in errors.read_text(), "it is handled")
        until(lambda: "a call failed" in errors.read_text(), "Apple is not there")
        process.send_signal(signal.SIGTERM)
        assert process.wait(DEADLINE) == 0
    text = errors.read_text()
    assert "level=debug" in text and "event_id=e-1" in text and "a webhook is refused" in text
    for secret in ("hush", API_KEY, WEBHOOK_KEY, TOKEN.read_text().strip(), basic("m", "")[6:]):
        assert secret not in text, secret
    assert all(line.startswith("ts=") for line in text.splitlines()), "one event a line"
    assert not re.search("urllib3|gunicorn|HTTP/1.1", text)


def test_every_key_that_the_code_names_is_written() -> None:
    named = set()
    for path in Path(bridge.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.keyword) and node.arg == "extra":
                parts = [each for each in ast.walk(node.value) if isinstance(each, ast.Dict)]
                named |= {k.value for d in parts for k in d.keys if isinstance(k, ast.Constant)}
    assert len(named) > 10
    assert named <= set(KEYS)
