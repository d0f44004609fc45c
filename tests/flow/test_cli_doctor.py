"""`doctor`: every part of it, well and ill, without a secret in what it says."""

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from bridge.engine.insight.doctor.hooks import over_http
from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.faults import Fault
from bridge.store.file import noticed
from bridge.store.file.database import FileDatabase
from bridge.store.file.soundness import Look, Soundness
from bridge.store.outbox import outbox
from tests.flow.cli_kit import Shell
from tests.flow.scene import PUBLIC_URL, WEBHOOK_KEY, Scene
from tests.wsgi_adapter import WsgiAdapter

DAY = 86400.0
HOOK = f"{PUBLIC_URL}/hooks/apple/hq"
NO_LIST = "it cannot list its devices: "


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Iterator[Shell]:
    """A bridge that runs and has installed what is wanted."""
    shell = Shell(make_scene(devices=2, apps=1))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    lock = shell.scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    yield shell
    lock.release()


def findings(shell: Shell, code: int) -> list[dict[str, str]]:
    answer = shell.json("doctor", code=code)
    assert answer["ok"] == (code == 0)
    found: list[dict[str, str]] = answer["findings"]
    if Scene.plain:  # what there is without a list of devices: test_second_mode
        found = [each for each in found if not each["text"].startswith(NO_LIST)]
    return found


def only(shell: Shell, level: str) -> dict[str, str]:
    """The one finding of this level, the worst there is."""
    code = 1 if level == "fail" else 0
    (found,) = (each for each in findings(shell, code) if each["level"] == level)
    return found


def test_all_is_well(shell: Shell) -> None:
    found = findings(shell, 0)
    assert {each["level"] for each in found} == {"ok"}
    assert {each["part"] for each in found} == {
        "configuration",
        "database",
        "token hq",
        "Apple",
        "Apple hq",
        "MDM main",
        "clock",
        "engine",
        "webhook main",
        "notifications hq",
    }


def test_a_person_reads_a_line_for_each_finding(shell: Shell) -> None:
    shell.serving = False
    result = shell.run("doctor")
    assert result.exit_code == 1
    *lines, _, last = result.stdout.splitlines()
    assert all(line[:6] in ("ok    ", "warn  ", "fail  ") for line in lines)
    assert (
        "fail  hooks: nobody answers on 127.0.0.1:9008 (Connection refused); "
        "start vpp-bridge serve" in lines
    )
    assert last.endswith(", 0 warn, 1 fail")


def test_no_secret_is_told(shell: Shell) -> None:
    scene = shell.scene
    scene.mdm_adapter.fail("refused", times=9)
    said = shell.run("doctor").output + json.dumps(findings(shell, 1))
    for secret in (scene.world.location.token, WEBHOOK_KEY, scene.config.api.key):
        assert secret is not None and secret not in said


def test_nothing_is_written_outside(shell: Shell) -> None:
    scene = shell.scene
    del scene.apple_adapter.calls[:], scene.mdm_adapter.calls[:]
    before = scene.installs()
    findings(shell, 0)
    scene.settle()
    assert scene.installs() == before
    assert scene.apple_adapter.calls == ["GET /mdm/v2/service/config", "GET /mdm/v2/client/config"]
    assert scene.mdm_adapter.calls == [
        "GET /version",
        "POST /v1/devices",
        "GET /v1/commands/BRIDGE-DOCTOR",
        "GET /v1/config/certificate",
    ]


def test_what_the_file_warns_of_is_told(shell: Shell) -> None:
    (shell.scene.tmp_path / "hq.vpptoken").chmod(0o644)
    assert "hq.vpptoken" in only(shell, "warn")["text"]


def test_parts_that_the_file_leaves_out_are_told(shell: Shell) -> None:
    shell.write("database: bridge.db\n")
    found = findings(shell, 1)
    left_out = [
        each for each in found if each["part"] == "configuration" and "none" in each["text"]
    ]
    assert [each["level"] for each in left_out] == ["fail", "fail"]
    (api,) = (each for each in found if "api.key: missing" in each["text"])
    assert api["level"] == "warn"


def test_a_file_that_was_not_applied_is_told(shell: Shell) -> None:
    shell.want(["OTHER1"])
    assert only(shell, "warn")["mend"] == "run vpp-bridge apply"


def test_a_database_that_cannot_be_opened(shell: Shell) -> None:
    shell.write(shell.config.read_text().replace("bridge.db", "missing/bridge.db"))
    found = findings(shell, 1)
    (database,) = (each for each in found if each["part"] == "database")
    assert "cannot be opened" in database["text"]
    assert any(each["part"] == "MDM main" and each["level"] == "ok" for each in found)


def test_a_damaged_database(shell: Shell) -> None:
    scene = shell.scene
    copy = scene.tmp_path / "copy.db"
    with closing(sqlite3.connect(scene.config.database)) as db:
        db.execute("VACUUM INTO ?", (str(copy),))
    content = bytearray(copy.read_bytes())
    content[4096 * 20 : 4096 * 55] = b"\xff" * (4096 * 35)
    copy.write_bytes(content)
    shell.write(shell.config.read_text().replace("bridge.db", "copy.db"))
    found = findings(shell, 1)
    (database,) = (each for each in found if each["part"] == "database")
    assert "damaged" in database["text"]


def test_a_database_that_breaks_its_own_rules(shell: Shell) -> None:
    with closing(sqlite3.connect(shell.scene.config.database)) as db, db:
        db.execute("PRAGMA ignore_check_constraints = ON")
        db.execute("INSERT INTO applied (id, document, stored_at) VALUES (2, '', 0)")
    failed = only(shell, "fail")
    assert failed["text"].endswith("is damaged: CHECK constraint failed in applied")


def test_a_database_without_write_ahead_log(tmp_path: Path) -> None:
    database = FileDatabase(tmp_path / "bridge.db")
    database.open()
    assert Look(database).run(60.0) == Soundness()
    assert database._writer is not None
    database._writer.execute("PRAGMA journal_mode = DELETE")
    found = Look(database).run(60.0)
    assert found == Soundness("is in journal mode delete, not in WAL")
    database.close()


def test_a_clock_that_was_set(shell: Shell) -> None:
    shell.scene.set_clock(-3600.0)
    found = only(shell, "warn")
    assert found["part"] == "clock"
    assert found["text"] == "the clock went back by 3600 s"
    assert found["mend"] == "see that the machine's time is kept (NTP)"


@pytest.mark.parametrize(("free", "level"), [(500, "warn"), (50, "fail")])
def test_a_disk_that_fills_up(
    shell: Shell, free: int, level: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(shell.scene.tmp_path)
    little = usage._replace(free=free * 1024 * 1024)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: little)
    found = only(shell, level)
    assert (found["part"], found["text"]) == ("database", f"only {free}.0 MiB are free on its disk")


def test_a_large_write_ahead_log(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noticed, "LARGE_WAL", 0)
    assert "write-ahead log" in only(shell, "warn")["text"]


@pytest.mark.parametrize(
    ("content", "said"), [(None, "No such file"), (b"{}", "decoded JSON"), (b"x", "not a content")]
)
def test_a_token_file_that_cannot_be_used(shell: Shell, content: bytes | None, said: str) -> None:
    path = shell.scene.tmp_path / "hq.vpptoken"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
        path.chmod(0o600)
    failed = [each for each in findings(shell, 1) if each["level"] == "fail"]
    assert [each["part"] for each in failed] == ["token hq", "Apple hq"]
    assert said in failed[0]["text"]


@pytest.mark.parametrize(("days", "level"), [(-1, "fail"), (10, "warn")])
def test_a_token_that_ends(shell: Shell, days: int, level: str) -> None:
    scene = shell.scene
    expires_at = scene.world.now + days * DAY
    token = scene.world.apple.issue_token(scene.world.location, expires_at)
    (scene.tmp_path / "hq.vpptoken").write_text(token.text)
    found = [each for each in findings(shell, int(days < 0)) if each["level"] == level]
    assert found[0]["part"] == "token hq"
    assert "expire" in found[0]["text"] and "download a new token" in found[0]["mend"]


def test_apple_out_of_reach(shell: Shell) -> None:
    shell.scene.apple_adapter.fail("refused", times=9)
    failed = only(shell, "fail")
    assert failed["part"] == "Apple"
    assert failed["mend"].startswith("see that apple.url is right and no firewall between")


def test_a_token_that_apple_refuses(shell: Shell) -> None:
    shell.scene.world.location.tokens[-1].revoked = True
    failed = only(shell, "fail")
    assert failed["part"] == "Apple hq"
    assert "download a new token" in failed["mend"]


CLIENTS = [
    (ClientConfig({"id": "x", "name": "Other MDM", "metadata": ""}), "fail", "MDM: Other MDM"),
    (
        ClientConfig(None, "https://other.example.org/", "t", ()),
        "fail",
        "https://other.example.org/",
    ),
]


@pytest.mark.parametrize(("client", "level", "said"), CLIENTS)
def test_a_location_of_another_mdm(
    shell: Shell, client: ClientConfig, level: str, said: str
) -> None:
    shell.scene.world.location.client = client
    found = only(shell, level)
    assert found["part"] == "Apple hq" and said in found["text"] and found["mend"]


@pytest.mark.parametrize("url", ["", "https://old.example.org/hooks/apple/hq"])
def test_notifications_that_go_elsewhere(shell: Shell, url: str) -> None:
    location = shell.scene.world.location
    location.client = replace(location.client, notification_url=url)
    found = only(shell, "warn")
    assert found["part"] == "Apple hq" and HOOK in found["text"] and "serve" in found["mend"]


def test_a_location_that_is_nobodys_is_well(make_scene: Callable[..., Scene]) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    said = shell.run("doctor").stdout
    assert "ok    Apple hq: managed by nobody; the bridge registers when" in said
    assert "warn  webhook main: the MDM server has not sent any yet" in said
    assert "warn  notifications hq: Apple has not sent any yet" in said
    assert "fail  engine: no engine runs" in said


def test_a_token_of_another_library(shell: Shell) -> None:
    scene = shell.scene
    other = scene.world.apple.add_location("elsewhere")
    (scene.tmp_path / "hq.vpptoken").write_text(other.token)
    found = only(shell, "fail")
    assert found["text"].startswith("the token is now one of another library than before")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (Fault("mdm.devices", "error", status=401, times=0), "401"),
        (Fault("mdm.version", "garbled", times=0), "/version"),
        (Fault("mdm.queue", "error", times=0), "refused GET /v1/commands"),
        (Fault("mdm.queue", "garbled", times=0), "cannot be used"),
    ],
)
def test_an_mdm_server_that_answers_ill(shell: Shell, fault: Fault, said: str) -> None:
    shell.scene.world.faults.add(fault)
    failed = only(shell, "fail")
    assert failed["part"] == "MDM main" and said in failed["text"]


def test_an_mdm_server_that_is_too_old(shell: Shell) -> None:
    shell.scene.world.mdm.settings.queue_view = False
    assert only(shell, "fail")["mend"] == "update it to MicroMDM 1.12 or newer"


def test_an_mdm_server_out_of_reach(shell: Shell) -> None:
    shell.scene.mdm_adapter.fail("refused", times=9)
    assert only(shell, "fail")["part"] == "MDM main"


def test_a_key_that_the_running_bridge_does_not_know(shell: Shell) -> None:
    shell.write(shell.config.read_text().replace(WEBHOOK_KEY, "another-key"))
    failed = only(shell, "fail")
    assert failed["text"] == "its hook does not accept webhook_key"
    assert failed["mend"].startswith("restart vpp-bridge serve")


@pytest.mark.parametrize(
    ("path", "part"), [("/hooks/mdm", "webhook main"), ("/hooks/apple", "notifications hq")]
)
def test_a_hook_that_answers_something_else(
    shell: Shell, path: str, part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = shell.ask
    monkeypatch.setattr(shell, "ask", lambda p, h, b: 404 if p.startswith(path) else ask(p, h, b))
    failed = only(shell, "fail")
    assert failed["part"] == part and "answered 404 instead of" in failed["text"]


def test_a_bridge_on_another_database(shell: Shell) -> None:
    shell.write(shell.config.read_text().replace("bridge.db", "other.db"))
    assert shell.run("apply", "--yes").exit_code == 0
    failed = [each["text"] for each in findings(shell, 1) if each["level"] == "fail"]
    assert "its hook took a message in, but not into this database" in failed


def test_no_public_url(shell: Shell) -> None:
    text = shell.config.read_text().replace(f"public_url: {PUBLIC_URL}\n", "")
    shell.write(text)
    assert only(shell, "warn")["mend"].startswith("set public_url")


def test_a_message_of_doctor_has_no_effect(shell: Shell) -> None:
    scene = shell.scene
    before = len(scene.bridge.list_devices(limit=100).items)
    findings(shell, 0)
    scene.settle()
    assert len(scene.bridge.list_devices(limit=100).items) == before
    (event,) = scene.bridge.list_events(topic="bridge.doctor").items
    assert event["status"] == "done" and "no effect" in event["outcome"]


class _Page(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.send_response(200 if self.headers["X-Said"] == "yes" else 400)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_the_listen_address_is_asked_over_http(shell: Shell, host: str) -> None:
    with HTTPServer(("127.0.0.1", 0), _Page) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        ask = over_http((host, server.server_port))
        assert ask("/x", {"X-Said": "yes"}, b"{}") == 200
        server.shutdown()
        thread.join()
    with pytest.raises(ConnectionRefusedError):
        ask("/x", {}, b"{}")


def test_what_is_no_http_is_nobody(shell: Shell) -> None:
    class Garbled(_Page):
        def do_POST(self) -> None:
            self.wfile.write(b"nonsense\r\n\r\n")

    with HTTPServer(("127.0.0.1", 0), Garbled) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        with pytest.raises(OSError, match="no HTTP answer"):
            over_http(("127.0.0.1", server.server_port))("/x", {}, b"{}")
        thread.join()


def push_failed(shell: Shell, number: int, *, sent_after: bool = False) -> None:
    """So many pushes that the bridge asked for could not be sent."""
    scene = shell.scene
    now = scene.world.now
    with scene.bridge.database.write() as db:
        for each in range(number + sent_after):
            at = now - number + each
            row = outbox.add(
                db,
                service="mdm",
                scope="main",
                kind="push",
                key=str(each),
                subject="{}",
                due_at=at,
                now=at,
            )
            if each < number:
                outbox.failed(db, row, at, "it cannot reach Apple's push service: let it out")
            else:
                outbox.done(db, row, at)


@pytest.mark.parametrize(
    ("number", "level", "said"), [(1, "warn", "1 push failed"), (3, "fail", "3 pushes failed")]
)
def test_pushes_that_fail_are_told_with_their_reason(
    shell: Shell, number: int, level: str, said: str
) -> None:
    push_failed(shell, number)
    found = only(shell, level)
    assert found["part"] == "push main" and found["text"].startswith(said)
    assert found["text"].endswith("it cannot reach Apple's push service: let it out")


def test_a_push_that_was_sent_ends_it(shell: Shell) -> None:
    push_failed(shell, 4, sent_after=True)
    (found,) = (each for each in findings(shell, 0) if each["part"] == "push main")
    assert found["level"] == "ok" and "was sent at" in found["text"]


@pytest.mark.parametrize("ahead", [3600.0, -3600.0])
def test_a_clock_that_is_off_by_apples(shell: Shell, ahead: float) -> None:
    shell.scene.world.apple.settings.clock_ahead = ahead
    found = only(shell, "fail")
    way = "behind" if ahead > 0 else "ahead of"
    assert found["part"] == "clock"
    assert found["text"] == f"this machine's clock is 1 hour {way} Apple's"
    assert "timedatectl set-ntp true" in found["mend"]


def test_a_public_url_that_is_not_reached_from_here(shell: Shell) -> None:
    shell.public.fail("refused", times=9)
    found = only(shell, "warn")
    assert found["part"] == "notifications hq"
    assert found["text"].startswith(f"{HOOK} does not answer from here: bridge.example.org cannot")


@pytest.mark.parametrize(
    ("status", "level", "said"),
    [
        (403, "ok", "it lets in whom it knows, which must be all of Apple (17.0.0.0/8)"),
        (404, "warn", "let the proxy pass /hooks/apple/hq on to 127.0.0.1:9008 with its path"),
        (301, "warn", "without a redirect"),
        (502, "warn", "have serve run"),
        (407, "warn", "NO_PROXY"),
        (200, "warn", "something else answers there"),
    ],
)
def test_what_answers_at_the_public_url(shell: Shell, status: int, level: str, said: str) -> None:
    def app(_environ: object, start: Callable[..., object]) -> list[bytes]:
        start(f"{status} X", [])
        return [b""]

    shell.public = WsgiAdapter(app)
    code = 0
    found = [each for each in findings(shell, code) if each["text"].startswith(HOOK)]
    (line,) = found
    assert line["level"] == level and said in line["text"] + line["mend"]


def test_the_public_url_is_asked_without_being_counted(shell: Shell) -> None:
    findings(shell, 0)
    assert shell.public.calls == ["POST /hooks/apple/hq"]
    counters = shell.json("status")["counters"]
    assert not [name for name in counters if name.startswith("apple.4")]


ODD_KEY = "a#b/c?d%e f@g:h"


def test_what_micromdm_is_to_be_given_is_shown_without_the_key(shell: Shell) -> None:
    url = "https://mdm:<webhook_key>@bridge.example.org/hooks/mdm/main"
    said = shell.run("doctor").stdout
    assert f"ok    webhook main: MicroMDM's -command-webhook-url is to be {url}\n" in said
    assert "-command-webhook-url" not in shell.run("status").stdout, "a webhook came already"
    status = shell.run("status", "--all").stdout
    assert f"main: -command-webhook-url {url}" in status and "percent-encoded" in status
    assert shell.json("status")["servers"][0]["webhook_url"] == url
    assert WEBHOOK_KEY not in said + status


def test_a_key_that_must_be_encoded_is_said_to_be_so(shell: Shell) -> None:
    text = shell.config.read_text().replace(WEBHOOK_KEY, json.dumps(ODD_KEY))
    shell.write(text)
    said = shell.run("doctor").stdout
    assert "must be percent-encoded there: vpp-bridge doctor --webhook-url prints it so" in said
    assert "a#b" not in said and "%23" not in said
    url = "https://mdm:a%23b%2Fc%3Fd%25e%20f%40g%3Ah@bridge.example.org/hooks/mdm/main"
    result = shell.run("doctor", "--webhook-url")
    assert (result.exit_code, result.stdout) == (0, url + "\n")
    assert shell.json("doctor", "--webhook-url") == {"webhook_urls": {"main": url}}


def test_without_a_server_there_is_no_address(shell: Shell) -> None:
    shell.write("database: bridge.db\n")
    result = shell.run("doctor", "--webhook-url")
    assert result.exit_code == 2 and "servers: none is configured" in result.stderr
