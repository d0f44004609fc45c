"""MicroMDM's webhook URL: what a wrong one looks like from here, and which keys may stand in it.

Seen of MicroMDM 1.13.1.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest

from bridge.demo.bridge import wait_until_alive
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from tests.real import bridge_kit
from tests.real.bridge_kit import WITHIN, Rig, tell, until
from tests.real.lab import API_KEY, a_device

pytestmark = [pytest.mark.real, pytest.mark.slow]

ODD_KEY = "a#b/c?d%e@f:g h"
PART = "webhook main"


def command(rig: Rig, *arguments: str) -> str:
    """What a command of the bridge prints."""
    whole = (sys.executable, "-m", "bridge", "--config", str(rig.place.config), *arguments)
    return subprocess.run(whole, check=False, capture_output=True, text=True).stdout


def ready(rig: Rig) -> dict[str, Any]:
    """What /readyz says of the webhooks; it is ready all the while."""
    answer = rig.api.get("/readyz")
    assert answer["ready"]
    parts: dict[str, dict[str, Any]] = {each["name"]: each for each in answer["parts"]}
    return parts[PART]


def logged(rig: Rig) -> list[str]:
    lines = rig.place.log.read_text().splitlines()
    return [line for line in lines if f'msg="{PART}: ' in line]


def point_to(rig: Rig, url: str) -> None:
    """Restart MicroMDM with another webhook URL, and let a device come."""
    rig.stop_mdm()
    rig.mdm.webhook_url = url
    rig.start_mdm()
    assert rig.device.connect() >= 0


def show(rig: Rig, when: str) -> str:
    """What doctor, status, readyz and the log say; doctor's lines about the webhook."""
    doctor = [line for line in command(rig, "doctor").splitlines() if PART in line]
    status = [line for line in command(rig, "status").splitlines() if PART in line]
    tell(f"== {when}", "doctor:", *doctor, "status:", *status)
    tell("readyz:", json.dumps(ready(rig)), "log:", *logged(rig))
    return "\n".join([*doctor, *status])


def test_a_wrong_key_then_a_wrong_path_then_right_again(tmp_path: Path) -> None:
    with Rig(tmp_path) as rig:
        right = rig.webhook_url()
        rig.mdm.webhook_url = right.replace("hook:", "hook:no")
        rig.process.start()
        rig.start_mdm()
        wait_until_alive(rig.api, rig.process, WITHIN)
        rig.device.enrol()
        until(lambda: not ready(rig)["ok"], "it is degraded")
        until(lambda: logged(rig), "the log tells of it")
        said = show(rig, "a wrong key")
        assert "401" in ready(rig)["detail"] and ready(rig)["severity"] == "degraded"
        assert f"fail  {PART}: " in said and "none was ever taken in" in said
        assert f"Attention: {PART}: " in said
        assert "set the password in MicroMDM's -command-webhook-url" in said
        (line,) = logged(rig)
        assert "level=warning" in line and "servers.main.webhook_key" in line

        point_to(rig, right.replace("/hooks/mdm/main", "/hooks/mdm/mian"))
        until(lambda: "404" in ready(rig)["detail"], "the wrong path is told, too")
        said = show(rig, "a wrong path")
        assert f"fail  {PART}: " in said
        assert "let MicroMDM's -command-webhook-url end in /hooks/mdm/main" in said
        assert len(logged(rig)) == 1, "once an hour"

        point_to(rig, right)
        until(lambda: ready(rig)["ok"], "it is well again")
        until(lambda: len(logged(rig)) == 2, "the log tells of that")
        said = show(rig, "right again")
        assert f"fail  {PART}" not in said and f"Attention: {PART}" not in said
        assert f"ok    {PART}: the MDM server's last one came at " in said
        assert "they come again" in logged(rig)[1]
        everything = rig.place.log.read_text() + said
        assert rig.place.webhook_key not in everything
        assert quote(rig.place.webhook_key, safe="") not in everything


def test_with_any_key_in_it_as_doctor_prints_it_no_event_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_kit, "WEBHOOK_KEY", ODD_KEY)
    with Rig(tmp_path) as rig:
        url = command(rig, "doctor", "--webhook-url").strip()
        assert unquote(url.partition("mdm:")[2].rpartition("@")[0]) == ODD_KEY
        assert "must be percent-encoded there" in command(rig, "doctor")
        rig.mdm.webhook_url = url
        rig.start()
        rig.ends_well()
        assert rig.rows("SELECT * FROM counters WHERE name LIKE 'mdm.4%'") == []
        assert rig.rows("SELECT * FROM webhook_refusals") == []


class Door:
    """Takes every webhook, and keeps the passwords that came with them."""

    def __init__(self) -> None:
        self.authorizations: list[str | None] = []
        door = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["Content-Length"]))
                door.authorizations.append(self.headers["Authorization"])
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def door() -> Iterator[Door]:
    door = Door()
    yield door
    door.server.shutdown()
    door.server.server_close()


@pytest.mark.parametrize("character", ["#", "/", "?", "%", " "])
def test_with_such_a_character_as_it_is_micromdm_serves_and_loses_every_event(
    tmp_path: Path, door: Door, character: str
) -> None:
    """It starts, answers its devices as ever, and says so in its own log alone."""
    url = f"http://hook:a{character}b@127.0.0.1:{door.server.server_port}/webhook"
    with RealMicroMdm(tmp_path, url, API_KEY) as mdm:
        device = a_device(mdm)
        device.enrol()
        assert device.connect() == 0
        until(lambda: mdm.log.read_text().count('msg="post webhook event"') >= 3, "it is lost")
        tell(*(li for li in mdm.log.read_text().splitlines() if "post webhook event" in li))
        assert door.authorizations == []


@pytest.mark.parametrize("character", ["@", ":"])
def test_with_these_as_they_are_it_loses_none(tmp_path: Path, door: Door, character: str) -> None:
    url = f"http://hook:a{character}b@127.0.0.1:{door.server.server_port}/webhook"
    with RealMicroMdm(tmp_path, url, API_KEY) as mdm:
        device = a_device(mdm)
        device.enrol()
        until(lambda: len(door.authorizations) >= 2, "they come")
        assert "post webhook event" not in mdm.log.read_text()
