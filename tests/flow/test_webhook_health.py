"""A webhook that is refused, or that fails to come: what the probes, status, doctor and log say."""

from __future__ import annotations

import base64
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.config import ServerConfig
from bridge.domain.webhooks import ENOUGH, PROBE_HEADER
from bridge.engine.insight.webhook_health import TELL_AFTER
from bridge.store.database import Database
from bridge.store.file.database import FileDatabase
from bridge.web import create_app, create_outside_app
from tests.flow.cli_kit import Shell
from tests.flow.scene import DAY, WEBHOOK_KEY, Scene, rarely

HOUR = 3600.0
MAIN = "/hooks/mdm/main"
JSON = {"Content-Type": "application/json"}
PASSWORD = "set the password in MicroMDM's -command-webhook-url to servers.main.webhook_key"
PATH = "let MicroMDM's -command-webhook-url end in /hooks/mdm/main"

MakeScene = Callable[..., Scene]


def basic(password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"mdm:{password}".encode()).decode()}


RIGHT, WRONG = basic(WEBHOOK_KEY) | JSON, basic("wrong") | JSON


class Poster:
    """Posts webhooks to a scene as MicroMDM does, each with an id of its own."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._number = 0

    def post(self, path: str = MAIN, headers: dict[str, str] = RIGHT, count: int = 1) -> set[int]:
        """The answers to so many."""
        return {self._post(path, headers) for _ in range(count)}

    def _post(self, path: str, headers: dict[str, str]) -> int:
        self._number += 1
        self.scene.world.kernel.advance(self.scene.world.now + 0.001)
        event = {"topic": "mdm.Other", "event_id": f"posted-{self._number}"}
        return self.scene.client.post(path, data=json.dumps(event), headers=headers).status_code

    def part(self, name: str = "webhook main") -> dict[str, Any] | None:
        """What /readyz says; it is ready whatever that is."""
        answer = self.scene.client.get("/readyz")
        parts = {each["name"]: each for each in answer.json["parts"]}
        fatal = [each for each in parts.values() if not each["ok"] and each["severity"] == "fatal"]
        assert all(each["name"] == "engine" for each in fatal)
        return parts.get(name)

    def is_well(self) -> bool:
        part = self.part()
        assert part is not None
        return bool(part["ok"])

    def detail(self) -> str:
        part = self.part()
        assert part is not None and not part["ok"] and part["severity"] == "degraded"
        return str(part["detail"])


@pytest.fixture
def shell(make_scene: MakeScene) -> Iterator[Shell]:
    """A bridge whose engine runs, and whose server has sent webhooks."""
    scene = make_scene(devices=1, apps=1, policy=rarely())
    lock = scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    os.utime(lock.path, (scene.world.now, scene.world.now))
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    yield shell
    lock.release()


@pytest.fixture
def poster(shell: Shell) -> Poster:
    return Poster(shell.scene)


def findings(shell: Shell, level: str) -> list[dict[str, str]]:
    """Those of doctor about the webhook."""
    answer = json.loads(shell.run("doctor", "--json").stdout)
    return [f for f in answer["findings"] if f["part"] == "webhook main" and f["level"] == level]


def test_wrong_keys_and_wrong_paths_are_told_everywhere_until_one_is_taken_in(
    shell: Shell, poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    assert poster.is_well() and not findings(shell, "fail")
    caplog.clear()
    assert poster.post(headers=WRONG, count=155) == {401}
    assert poster.post("/hooks/mdm/mian", count=95) == {404}
    detail = poster.detail()
    assert detail.startswith("250 webhooks refused since ")
    assert "wrong or missing password (155 × 401), wrong path (95 × 404)" in detail
    assert PASSWORD in detail and PATH in detail
    assert f"Attention: webhook main: {detail}" in shell.run("status").stdout
    (server,) = shell.json("status")["servers"]
    assert server["webhooks_refused"] == 250
    (failed,) = findings(shell, "fail")
    assert failed["text"].startswith("250 webhooks refused since ")
    assert "the last at 20" in failed["text"] and failed["text"].endswith(" taken in")
    assert PASSWORD in failed["mend"] and PATH in failed["mend"]
    assert shell.run("doctor").exit_code == 1
    shell.scene.pass_time(TELL_AFTER + 1)
    (warning,) = [r for r in caplog.records if "webhook main" in r.getMessage()]
    assert warning.levelno == logging.WARNING and detail in warning.getMessage()
    assert poster.post() == {200}
    shell.scene.settle()
    assert poster.is_well() and not findings(shell, "fail")
    assert WEBHOOK_KEY not in caplog.text + detail


def test_the_log_tells_it_once_an_hour_and_when_it_is_over(
    shell: Shell, poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene = shell.scene

    def said() -> list[str]:
        scene.settle()
        return [r.getMessage() for r in caplog.records if "webhook main" in r.getMessage()]

    for minute in range(120):
        poster.post(headers=WRONG)
        scene.world.advance(60.0)
        scene.settle()
        assert len(said()) == 1 + minute // 60, "once an hour"
    scene.restart()
    poster.post(headers=WRONG)
    before = said()
    assert len(before) == 2
    poster.post()
    assert said() == [*before, "webhook main: they come again"]
    scene.world.advance(HOUR / 2)
    assert len(said()) == 3


def test_it_survives_a_restart_of_the_bridge(shell: Shell, poster: Poster) -> None:
    poster.post(headers=WRONG, count=3)
    shell.scene.restart()
    assert poster.detail().startswith("3 webhooks refused")
    poster.post()
    shell.scene.restart()
    assert poster.is_well()


def test_what_was_refused_before_one_that_was_taken_in_is_over(
    shell: Shell, poster: Poster
) -> None:
    """Also what was not written yet by then."""
    poster.post(headers=WRONG, count=3)
    poster.post()
    assert poster.is_well()
    poster.post(headers=WRONG)
    assert poster.detail().startswith("1 webhook refused at ")


def test_a_stranger_makes_a_working_webhook_degraded_for_a_moment_only(
    shell: Shell, poster: Poster, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(20):
        poster.post(headers=WRONG)
        shell.scene.pass_time(9.0)
        poster.post()
        assert poster.is_well()
    assert "webhook main" not in caplog.text


def test_strangers_cause_few_writes(
    shell: Shell, poster: Poster, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes: list[str] = []
    write = FileDatabase.write

    def counting(database: Database, *wait: float) -> Any:
        writes.append("one")
        return write(database, *wait)

    monkeypatch.setattr(FileDatabase, "write", counting)
    for _ in range(10):
        poster.post(headers=WRONG, count=100)
        shell.scene.world.advance(1.0)
    assert len(writes) <= 3
    assert poster.detail().startswith("1000 webhooks refused")
    assert shell.scene.counters()["mdm.401"] == 1000


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/hooks/mdm/mian", RIGHT, 404),
        ("/hooks/mdm/mian", WRONG, 404),
        ("/hooks/mdm/", WRONG, 404),
        ("/hooks/mdm/", JSON, 404),
        ("/hooks/main", JSON, 404),
        ("/hooks/mdm/main/webhook", JSON, 404),
        ("/webhook", RIGHT, 404),
        ("/", RIGHT, 404),
        ("/healthz", RIGHT, 405),
        ("/v1/installs", RIGHT, 401),
    ],
)
def test_a_webhook_at_any_wrong_path_is_the_only_server_s(
    poster: Poster, path: str, headers: dict[str, str], status: int
) -> None:
    assert poster.post(path, headers) == {status}
    assert "wrong path" in poster.detail() and PATH in poster.detail()


@pytest.mark.parametrize(
    ("path", "headers"),
    [
        ("/", WRONG),
        ("/webhook", JSON),
        ("/hooks/mdm/mian", {}),
        ("/hooks/x", {}),
        ("/v1/installs", WRONG),
        ("/hooks/apple/hq", JSON),
        ("/hooks/apple/nowhere", JSON),
    ],
)
def test_what_does_not_look_like_a_webhook_is_none(
    poster: Poster, path: str, headers: dict[str, str]
) -> None:
    assert poster.post(path, headers) <= {401, 404, 405}
    assert poster.is_well()


def test_a_webhook_of_the_right_key_that_cannot_be_taken_in_is_refused(
    shell: Shell, poster: Poster
) -> None:
    assert shell.scene.client.post(MAIN, data=b"[]", headers=RIGHT).status_code == 400
    assert "not a JSON object (1 × 400)" in poster.detail()
    poster.post()
    assert poster.is_well()


def test_where_the_whole_world_posts_only_the_right_key_tells(shell: Shell, poster: Poster) -> None:
    outside = create_outside_app(shell.scene.bridge).test_client()
    assert outside.post(MAIN, data=b"{}", headers=WRONG).status_code == 404
    assert poster.is_well()
    assert outside.post(MAIN, data=b"{}", headers=RIGHT).status_code == 404
    assert "wrong path (1 × 404)" in poster.detail()


@pytest.fixture
def two(shell: Shell) -> Scene:
    """The scene with a second MDM server, which has a key of its own."""
    scene = shell.scene
    second = ServerConfig("second", "micromdm", "http://127.0.0.1:9997", "k", ("second-secret",))
    scene.config = replace(scene.config, servers={**scene.config.servers, "second": second})
    scene.restart()
    return scene


def test_of_two_servers_the_key_tells_whose_it_is(two: Scene) -> None:
    poster = Poster(two)
    poster.post("/hooks/mdm/scond", basic("second-secret") | JSON)
    assert poster.is_well()
    part = poster.part("webhook second")
    assert part is not None and "end in /hooks/mdm/second" in part["detail"]
    assert poster.part("webhook") is None


def test_of_two_servers_it_may_not_be_known_whose_it_is(
    two: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    poster = Poster(two)
    poster.post("/hooks/mdm/scond", WRONG, count=2)
    part = poster.part("webhook")
    assert part is not None and not part["ok"] and part["severity"] == "degraded"
    assert "2 webhooks refused" in part["detail"] and "main, second" in part["detail"]
    assert poster.is_well()
    two.pass_time(TELL_AFTER + 1)
    assert "webhook: 2 webhooks refused" in caplog.text
    two.world.advance(1.0)
    poster.post()
    assert poster.part("webhook") is not None, "it may be the other one's"
    poster.post("/hooks/mdm/second", basic("second-secret") | JSON)
    assert poster.part("webhook") is None
    two.world.advance(1.0)
    poster.post("/hooks/mdm/scond", WRONG)
    part = poster.part("webhook")
    assert part is not None and part["detail"].startswith("1 webhook refused")


# Silence


def often(poster: Poster, count: int, gap: float) -> None:
    """So many webhooks with this time between them."""
    for _ in range(count):
        poster.scene.pass_time(gap)
        poster.post()


def quiet(make_scene: MakeScene) -> Poster:
    """A bridge to which nothing comes but what a test posts."""
    scene = make_scene(devices=0, apps=1, policy=rarely())
    return Poster(scene)


def test_silence_is_told_everywhere(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    poster = quiet(make_scene)
    shell = Shell(poster.scene)
    often(poster, 25, 600.0)
    often(poster, 1, 2 * HOUR)
    often(poster, 25, 600.0)
    poster.scene.pass_time(6 * HOUR - 1)
    assert poster.is_well() and "webhook main" not in caplog.text
    poster.scene.pass_time(62.0)
    detail = poster.detail()
    assert "none came since " in detail and "6 hours ago" in detail
    assert "the longest gap of 14 days was 2 hours" in detail
    assert f"Attention: webhook main: {detail}" in shell.run("status").stdout
    (warned,) = findings(shell, "warn")
    assert warned["text"].startswith("none came since ") and "doctor shows" in warned["mend"]
    assert caplog.text.count("webhook main: none came since") == 1
    poster.scene.pass_time(5 * HOUR)
    assert caplog.text.count("webhook main: none came since") == 6, "once an hour"
    poster.scene.restart()
    assert not poster.is_well(), "a restart makes it no better"
    poster.post()
    assert poster.is_well()


def test_an_hour_is_the_least(make_scene: MakeScene) -> None:
    poster = quiet(make_scene)
    often(poster, ENOUGH, 10.0)
    poster.scene.pass_time(HOUR - 1)
    assert poster.is_well()
    poster.scene.pass_time(2.0)
    assert "the longest gap of 14 days was less than 20 minutes" in poster.detail()


def test_silence_means_nothing_before_fifty_came(make_scene: MakeScene) -> None:
    poster = quiet(make_scene)
    often(poster, ENOUGH - 1, 10.0)
    poster.scene.pass_time(3 * DAY)
    assert poster.is_well()


def test_gaps_count_for_fourteen_days(make_scene: MakeScene) -> None:
    poster = quiet(make_scene)
    often(poster, ENOUGH, 10.0)
    poster.scene.pass_time(DAY)
    poster.post()
    often(poster, 20, 12 * HOUR)
    poster.scene.pass_time(2.9 * DAY)
    assert poster.is_well(), "the gap of a day ended less than 14 days ago"
    poster.post()
    often(poster, 4 * 14, 6 * HOUR)
    poster.scene.pass_time(19 * HOUR)
    assert not poster.is_well()


# What doctor does itself


def test_probes_of_doctor_are_not_counted(shell: Shell, poster: Poster) -> None:
    scene = shell.scene
    poster.post(headers=WRONG)
    for _ in range(3):
        shell.run("doctor")
    assert poster.detail().startswith("1 webhook refused"), "a probe does not mend it"
    poster.post()
    before = scene.counters()
    shell.write(shell.config.read_text().replace(WEBHOOK_KEY, "another-key"))
    assert "does not accept webhook_key" in shell.run("doctor").stdout
    assert poster.is_well(), "nor does it break it"
    assert scene.counters() == before


def test_probes_are_no_end_of_a_silence(make_scene: MakeScene) -> None:
    poster = quiet(make_scene)
    shell = Shell(poster.scene)
    often(poster, ENOUGH, 10.0)
    poster.scene.pass_time(2 * HOUR)
    shell.run("doctor")
    assert not poster.is_well()


def test_nobody_else_can_say_that_a_refusal_is_a_probe(shell: Shell, poster: Poster) -> None:
    secrets: list[str] = []
    ask = shell.ask

    def listening(path: str, headers: Any, body: bytes) -> int:
        secrets.append(headers[PROBE_HEADER])
        return ask(path, headers, body)

    shell.ask = listening  # type: ignore[method-assign]
    shell.run("doctor")
    assert len(set(secrets)) == 1
    for offered in (secrets[0], "", "x", "ü"):
        poster.post()
        poster.post(headers=WRONG | {PROBE_HEADER: offered})
        assert not poster.is_well()


def test_a_bridge_that_runs_alone_says_that_none_came(make_scene: MakeScene) -> None:
    scene = make_scene(devices=0, apps=1)
    client = create_app(scene.bridge).test_client()
    parts = {each["name"]: each for each in client.get("/readyz").json["parts"]}
    part = parts["webhook main"]
    assert (part["ok"], part["detail"], part["age_s"]) == (True, "none came yet", None)
