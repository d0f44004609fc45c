"""The scripts of tools/api, each run against a real bridge under gunicorn."""

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from bridge.store.licences import locations
from bridge.web.v1.endpoints import ENDPOINTS
from tests.flow import with_all
from tests.flow.cli_kit import CONFIG
from tests.flow.scene import API_KEY, PUBLIC_URL, WEBHOOK_KEY, Scene
from tests.flow.test_serve_process import free_port, until

SCRIPTS = Path(__file__).parents[2] / "tools" / "api"
SAMPLES = SCRIPTS / "samples"
HOOKS = {"post_webhook", "post_notification"}
NOTIFICATION_TOKEN = 'with "quotes" and \\'
CLOSED = "127.0.0.1:9"  # nothing listens there: Apple and the MDM server are out

NAMES = sorted(
    path.name for path in SCRIPTS.iterdir() if path.is_file() and os.access(path, os.X_OK)
)


@pytest.fixture(scope="module", autouse=True)
def _programs() -> None:
    """What the scripts need."""
    if missing := [name for name in ("bash", "curl", "jq") if shutil.which(name) is None]:
        pytest.skip(f"the scripts of tools/api need {' and '.join(missing)}")


@dataclass
class Live:
    """A bridge that serves, with what it installed before; and the scripts' environment."""

    environ: dict[str, str]
    port: int
    serial: str
    adam_id: str

    def run(self, name: str, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [SCRIPTS / name, *arguments],
            env=self.environ,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def json(self, name: str, *arguments: str) -> Any:
        """What a script prints that must succeed."""
        done = self.run(name, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done.stdout
        return json.loads(done.stdout)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("live")
    scene = Scene(folder, devices=2, apps=1)
    with_all.work(scene)
    with scene.bridge.database.write() as db:
        digest = hashlib.sha256(NOTIFICATION_TOKEN.encode()).hexdigest()
        locations.update(db, "hq", notification_token_sha256=digest)
    scene.bridge.close()
    port = free_port()
    config = CONFIG.replace("9008", str(port)).replace("127.0.0.1:9999", CLOSED)
    config = config.replace("127.0.0.1:9998", CLOSED)
    (folder / "config.yaml").write_text(
        config.format(
            public_url=PUBLIC_URL, api_key=API_KEY, mdm_key="mdm-key", webhook_key=WEBHOOK_KEY
        )
    )
    settings = folder / "bridge.env"
    settings.write_text(
        f"SERVER_URL=http://127.0.0.1:{port}/\nAPI_TOKEN={API_KEY}\nWEBHOOK_KEY={WEBHOOK_KEY}\n"
        f"NOTIFICATION_TOKEN='{NOTIFICATION_TOKEN}'\n"
    )
    found = Live(
        os.environ
        | {"BRIDGE_ENV_PATH": str(settings), "CURL_OPTS": "--max-time 30", "NO_PROXY": "*"},
        port,
        scene.serials[0],
        scene.adam_ids[0],
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "bridge", "--config", folder / "config.yaml", "serve"],
            stderr=log,
            start_new_session=True,
        )
    try:
        until(lambda: found.run("get_openapi").returncode == 0, "the bridge answers")
        until(lambda: rests(found), "the engine has looked at everything once")
        yield found
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def rests(live: Live) -> bool:
    """Whether the engine runs, and what it decides at its start does not change any more."""
    with closing(HTTPConnection("127.0.0.1", live.port, timeout=5)) as connection:
        connection.request("GET", "/readyz")
        parts = json.load(connection.getresponse())["parts"]
    if not all(part["ok"] for part in parts if part["name"] == "engine"):
        return False
    return len({live.run("get_installs").stdout for _ in range(3)}) == 1


def test_every_call_has_its_script() -> None:
    assert set(NAMES) == {call.name for call in ENDPOINTS} | HOOKS


@pytest.mark.parametrize("call", [c for c in ENDPOINTS if c.query], ids=lambda call: call.name)
def test_a_list_names_its_parameters(call: Any) -> None:
    words = (SCRIPTS / call.name).read_text().splitlines()[2].removeprefix("# with the names ")
    assert words.split(", ") == [parameter.name for parameter in call.query]


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("get_")])
def test_reading(live: Live, name: str) -> None:
    pair = (live.serial, live.adam_id) if name == "get_install" else ()
    shown = live.json(name, *pair)
    things = name.removeprefix("get_")
    if "next_cursor" in shown:
        assert shown[things], f"there are {things}"
        assert live.json(name, "limit=1")[things] == shown[things][:1]
    else:
        assert shown.get("serial_number", "") == (pair[0] if pair else "")


def test_a_list_is_filtered(live: Live) -> None:
    shown = live.json("get_installs", f"serial={live.serial.lower()}", "state=installed")
    assert [each["serial_number"] for each in shown["installs"]] == [live.serial]
    assert live.json("get_devices", "enrolled=false")["devices"] == []


def test_a_wish_is_put_and_deleted(live: Live) -> None:
    pair = ("BYHAND1", live.adam_id)
    made = live.json("put_install", *pair, "hq", "STDQ")
    assert (made["serial_number"], made["location"]) == ("BYHAND1", "hq")
    assert live.json("put_install", *pair)["wanted_by"] == made["wanted_by"] is not None
    for _ in range(2):
        done = live.run("delete_install", *pair)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert live.json("get_install", *pair)["wanted_by"] is None


def test_an_install_is_retried(live: Live) -> None:
    assert live.json("retry_install", live.serial, live.adam_id) == {"retried": 0}


def test_the_newest_version_is_sent_ahead(live: Live) -> None:
    assert live.json("update_app", live.adam_id)["asked"] >= 1
    of_one = live.json("update_app", live.adam_id, "serial", live.serial, "--now")
    assert of_one["asked"] <= 1
    refused = live.run("update_app", live.adam_id, "group", "nobody")
    assert "No group nobody was applied" in refused.stdout + refused.stderr


def test_a_message_is_replayed(live: Live) -> None:
    (event,) = live.json("get_events", "topic=mdm.Connect", "limit=1")["events"]
    shown = live.json("replay_event", str(event["id"]), "--dry-run")
    assert (shown["event"], shown["dry_run"], shown["ok"]) == (event["id"], True, True)
    assert live.json("replay_event", str(event["id"]))["dry_run"] is False


def test_what_everybody_shall_have_is_applied(live: Live, tmp_path: Path) -> None:
    file = tmp_path / "wanted.json"
    app = {"adam_id": live.adam_id, "groups": ["them"]}
    file.write_text(json.dumps({"groups": {"them": {"all": True}}, "apps": [app]}))
    planned = live.json("plan", str(file))
    assert (planned["removed"], planned["short"]) == (0, 0)
    done = live.json("apply", str(file), "--allow-removals", "0", "--limit", "9", "--offline")
    assert (done["added"], done["removed"]) == (0, 0)
    file.write_text(json.dumps({"groups": {}, "apps": []}))
    refused = live.run("apply", str(file), "--allow-removals", "0")
    assert (refused.returncode, "remove" in refused.stdout) == (22, True)


def test_a_location_that_nobody_else_holds_needs_no_claim(live: Live) -> None:
    done = live.json("claim_location", "hq", "Other MDM")
    assert done == {"location": "hq", "held_by": None, "asked": False, "outbox": None}


def test_what_is_of_no_use_is_given_back(live: Live) -> None:
    chosen = ("--unwanted", "--serial", live.serial, "--app", live.adam_id, "--silent", "90d")
    told = live.json("reclaim", *chosen, "--dry-run")
    assert told == {"dry_run": True, "licences": [], "stay": []}
    assert live.json("reclaim", "--unenrolled", "--allow-removals", "3")["licences"] == []


def test_a_device_takes_the_place_of_another(live: Live) -> None:
    refused = live.run("replace", "NEVERSEEN1", live.serial)
    assert refused.returncode == 22
    assert "nothing is wanted on NEVERSEEN1" in refused.stdout
    assert "take its own place" in live.run("replace", "A1", "A1", "--force").stdout


def test_a_call_that_has_not_failed_is_not_made_again(live: Live) -> None:
    (call,) = live.json("get_outbox", "state=done", "limit=1")["outbox"]
    refused = live.run("retry_call", str(call["id"]))
    assert (refused.returncode, refused.stderr.count("409")) == (22, 1)
    assert json.loads(refused.stdout)["error"].endswith(".")


@pytest.mark.parametrize("what", [(), ("devices",)])
def test_the_engine_is_asked_to_read(live: Live, what: tuple[str, ...]) -> None:
    reads = live.json("sync", *what)["reads"]
    assert [each["what"] for each in reads][-1] == "devices"
    assert len(reads) == (1 if what else 4), "assets, assignments, users and devices"


@pytest.mark.parametrize(
    "what", [("all",), ("app", "361309726"), ("location", "hq"), ("serial", "C02XL0GYJGH5")]
)
def test_something_is_paused_and_resumed(live: Live, what: tuple[str, ...]) -> None:
    shown = live.json("pause", *what)
    assert shown["paused"] and [each["scope"] for each in shown["pauses"]] == [what[0]]
    assert live.json("resume", *what) == {"resumed": True, "pauses": []}


@pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.stem)
def test_a_sample_is_posted(live: Live, sample: Path) -> None:
    source, name, origin = (
        ("mdm", "post_webhook", "main")
        if sample.stem.startswith("webhook")
        else ("apple", "post_notification", "hq")
    )
    done = live.run(name, origin, str(sample))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    message = json.loads(sample.read_text())
    ids = {message.get("event_id"), message.get("notificationId")}
    shown = live.json("get_events", f"source={source}", "limit=1")["events"]
    assert shown[0]["message_id"] in ids


def test_a_sample_is_changed_on_its_way(live: Live) -> None:
    message = json.loads((SAMPLES / "notification-test.json").read_text())
    uid = live.json("get_locations")["locations"][0]["library_uid"]
    changed = message | {"uId": uid, "notificationId": "by-hand"}
    assert live.run("post_notification", "hq", "-", stdin=json.dumps(changed)).returncode == 0
    (event, *_) = live.json("get_events", "source=apple", "limit=1")["events"]
    assert event["message_id"] == "by-hand"


def test_an_error_is_shown_and_fails(live: Live) -> None:
    done = live.run("get_install", "NOBODY", "1")
    assert done.returncode == 22
    assert json.loads(done.stdout)["error"].endswith(".")
    live.environ = live.environ | {"CURL_OPTS": "--no-such-option"}
    assert live.run("get_devices").returncode == 2, "CURL_OPTS is given to curl"
    live.environ = live.environ | {"CURL_OPTS": ""}


WRONGLY = [
    ("get_install", "S"),
    ("get_devices", "S"),
    ("put_install", "S"),
    ("delete_install",),
    ("retry_install", "S"),
    ("update_app",),
    ("update_app", "361309726", "serial"),
    ("replay_event",),
    ("retry_call",),
    ("plan",),
    ("apply",),
    ("apply", "-", "--limits", "1"),
    ("pause", "app"),
    ("reclaim",),
    ("reclaim", "--silent"),
    ("replace", "S"),
    ("resume",),
    ("post_webhook", "main"),
    ("post_notification",),
    ("claim_location", "hq"),
]


@pytest.mark.parametrize("words", WRONGLY, ids="-".join)
def test_a_script_that_is_called_wrongly_says_how_it_is_called(
    live: Live, words: tuple[str, ...]
) -> None:
    done = live.run(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert words[0] in done.stderr


@pytest.mark.parametrize("name", NAMES)
def test_no_secret_is_an_argument_of_a_program(live: Live, tmp_path: Path, name: str) -> None:
    for program in ("curl", "jq"):
        spy = tmp_path / program
        spy.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >> {tmp_path}/seen\ncat > /dev/null\n')
        spy.chmod(0o755)
    environ = live.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    arguments = {
        "pause": ["all"],
        "reclaim": ["--unwanted"],
        "resume": ["all"],
        "replay_event": ["1"],
        "retry_call": ["1"],
        "apply": ["-"],
        "plan": ["-"],
        "update_app": [live.adam_id],
    }
    listed = name.endswith("s") and name.startswith("get_")
    listed = listed or name in ("get_outbox", "get_audit", "get_drift")
    words = [] if listed else arguments.get(name, ["main", "-"])
    ran = subprocess.run([SCRIPTS / name, *words], env=environ, input="{}", text=True, check=False)
    assert ran.returncode == 0
    seen = (tmp_path / "seen").read_text()
    assert re.search("--config\n/dev/fd/", seen)
    assert not [s for s in (API_KEY, WEBHOOK_KEY, NOTIFICATION_TOKEN) if s in seen]
