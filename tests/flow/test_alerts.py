"""Alerts: who is told what, once of each change, and that nothing is lost or told in a burst."""

import logging
from collections.abc import Callable
from typing import Any, cast

import pytest
from werkzeug.wrappers import Response

from bridge.domain.alerts import ALERTS, Alert
from bridge.domain.pauses import RESTORED, Pause
from bridge.engine.alerts.faults import BY_REASON
from bridge.logs import LogfmtFormatter
from bridge.store import meta
from bridge.store import pauses as stored_pauses
from bridge.store.licences import locations
from bridge.store.outbox import outbox
from tests.flow.alerts_kit import HOST, SECRET, URL, Told
from tests.flow.cli_kit import Shell
from tests.flow.kit import stored_bytes
from tests.flow.scene import API_KEY, DAY, HOUR, Killed, Scene, rarely
from tests.flow.test_breaker import UNKNOWN_APP, hopeless, mend, pauses

MakeScene = Callable[..., Scene]


@pytest.fixture
def told(make_scene: MakeScene) -> Told:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    scene.settle()
    return Told(scene)


def expire(scene: Scene, within: float) -> None:
    """The content token ends so soon."""
    with scene.bridge.database.write() as db:
        locations.update(db, "hq", token_file_expires_at=scene.now() + within)


def test_a_token_that_ends_is_told_once_and_again_each_day_and_that_it_is_renewed(
    told: Told,
) -> None:
    scene, chat = told.scene, told.chat
    told.pass_time(120)
    assert chat.take() == []
    expire(scene, 10 * DAY)
    began = scene.now()
    told.pass_time(60)
    (said,) = chat.said
    assert said["alert"] == "token"
    assert said["state"] == "firing"
    assert said["subject"] == {"location": "hq"}
    assert "the content token expires in 9 days" in said["sentence"]
    assert "download a new token" in said["sentence"]
    assert said["bridge"] == "https://bridge.example.org"
    assert set(said) == {"alert", "state", "since", "subject", "sentence", "bridge"}
    chat.take()
    told.pass_time(began + DAY - 120 - scene.now())
    assert chat.take() == []
    told.pass_time(300)
    assert chat.take() == ["token firing"]
    expire(scene, 300 * DAY)
    told.pass_time(60)
    assert "All clear" in chat.said[0]["sentence"]
    assert chat.take() == ["token resolved"]
    told.pass_time(2 * DAY, step=HOUR)
    assert chat.take() == []


def test_an_app_that_is_paused_after_a_wave_of_failures_is_told_until_it_is_resumed(
    make_scene: MakeScene,
) -> None:
    scene = hopeless(make_scene, UNKNOWN_APP)
    told = Told(scene)
    scene.apply()
    scene.run(lambda: pauses(scene) != [])
    told.pass_time(60)
    app = scene.adam_ids[0]
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("wave", {"adam_id": app})
    assert "5 devices failed alike" in said["sentence"]
    assert "vpp-bridge resume --app" in said["sentence"]
    told.chat.take()
    mend(scene)
    assert Shell(scene).run("resume", "--app", app).exit_code == 0
    told.pass_time(60)
    assert told.chat.take() == ["wave resolved"]


def test_a_pause_by_a_person_is_no_alert_and_holds_none_back(told: Told) -> None:
    Shell(told.scene).run("pause", "--all")
    told.pass_time(60)
    assert told.chat.take() == []
    expire(told.scene, DAY)
    told.pass_time(60)
    assert told.chat.take() == ["token firing"]


def test_licences_that_are_short_are_told_until_more_are_bought(make_scene: MakeScene) -> None:
    scene = make_scene(devices=4, apps=1, macs=0, seats=2)
    told = Told(scene)
    scene.apply()
    told.pass_time(10 * 60)
    (said,) = told.chat.said
    app = scene.adam_ids[0]
    assert (said["alert"], said["subject"]) == ("seats", {"adam_id": app, "location": "hq"})
    name = scene.world.catalogue[app][1]
    assert f"No licence for {name} ({app}) is free at hq: 2 installs wait" in said["sentence"]
    assert "buy more" in said["sentence"]
    told.chat.take()
    scene.world.location.library.assets[app, "STDQ"].total += 2
    scene.world.location.library.touch()
    told.pass_time(3 * HOUR)
    assert told.chat.take() == ["seats resolved"]


def test_an_mdm_server_that_is_away_is_told_once_it_lasts(told: Told) -> None:
    scene = told.scene
    scene.mdm_adapter.fail("refused", times=10_000)
    scene.apply()

    def is_away() -> bool:
        (part,) = (each for each in scene.bridge.health() if each.name == "server main")
        return not part.ok

    scene.run(is_away)
    told.pass_time(4 * 60)
    assert told.chat.take() == [], "a restart of the server is nobody's business"
    told.pass_time(3 * 60)
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("silence", {"server": "main", "what": "calls"})
    assert "cannot be reached" in said["sentence"]
    told.chat.take()
    scene.mdm_adapter.heal()
    told.pass_time(HOUR)
    assert told.chat.take() == ["silence resolved"]


def test_apple_that_is_away_is_told_once_it_lasts(told: Told) -> None:
    scene = told.scene
    scene.apple_adapter.fail("refused", times=10_000)
    with scene.bridge.database.write() as db:
        meta.plan_job(db, "config:hq", scene.now())
    told.pass_time(8 * 60)
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("silence", {"location": "hq"})
    told.chat.take()
    scene.apple_adapter.heal()
    told.pass_time(HOUR)
    assert told.chat.take() == ["silence resolved"]


def test_webhooks_with_a_wrong_key_are_told(told: Told) -> None:
    scene = told.scene
    for _ in range(10):
        scene.client.post("/hooks/mdm/main", data=b"{}", headers={"Authorization": "Basic eDp4"})
        scene.bridge.health()
        told.pass_time(60)
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("silence", {"server": "main", "what": "webhooks"})
    assert "wrong or missing password" in said["sentence"]


def test_what_is_in_doubt_for_a_day_is_told_until_it_is_known(told: Told) -> None:
    scene = told.scene
    with scene.bridge.database.write() as db:
        db.execute(
            "INSERT INTO commands (command_uuid, server, device_id, request_type, state, "
            "enrolment, created_at, due_at, in_doubt_at) VALUES ('C', 'main', 999, 'X', "
            "'in_doubt', 1, ?, ?, ?)",
            (scene.now(),) * 3,
        )
    told.pass_time(DAY - 300, step=HOUR)
    assert told.chat.take() == []
    told.pass_time(600)
    (said,) = told.chat.said
    assert (said["alert"], said["subject"]) == ("doubt", {"server": "main"})
    assert "1 MDM command to the devices of MDM server main in doubt since" in said["sentence"]
    parts = {part["name"]: part for part in scene.client.get("/readyz").get_json()["parts"]}
    assert parts["doubt server main"]["ok"] is False
    told.chat.take()
    with scene.bridge.database.write() as db:
        db.execute("DELETE FROM commands WHERE command_uuid = 'C'")
    told.pass_time(60)
    assert told.chat.take() == ["doubt resolved"]


def test_what_comes_and_goes_is_told_when_it_keeps_still(told: Told) -> None:
    scene = told.scene
    for _ in range(10):
        expire(scene, DAY)
        told.pass_time(60)
        expire(scene, 300 * DAY)
        told.pass_time(60)
    said = told.chat.take()
    assert said == ["token firing", "token resolved"] * 2
    expire(scene, DAY)
    told.pass_time(9 * 60)
    assert told.chat.take() == []
    told.pass_time(2 * 60)
    assert told.chat.take() == ["token firing"]


def test_a_receiver_that_was_away_for_a_day_hears_how_things_stand_and_no_history(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1, macs=0, policy=rarely())
    scene.settle()
    told = Told(scene)
    told.adapter.fail("refused", times=100_000)
    expire(scene, 20 * DAY)
    told.pass_time(DAY / 2, step=HOUR / 2)
    shown = Shell(scene).json("status")
    (part,) = [part for part in shown["parts"] if part["name"] == f"alerts {HOST}"]
    assert (part["ok"], f"{HOST} cannot be reached" in part["detail"]) == (False, True)
    printed = " ".join(Shell(scene).run("status").stdout.split())
    assert f"{HOST} is not told yet: {HOST} cannot be reached" in printed
    with scene.bridge.database.read() as db:
        assert len(outbox.open_keys(db, "alerts")) == 1
    expire(scene, 300 * DAY)
    told.pass_time(DAY / 4, step=HOUR / 2)
    expire(scene, 2 * DAY)
    told.pass_time(DAY / 4, step=HOUR / 2)
    expire(scene, 300 * DAY)
    told.pass_time(120)
    told.adapter.heal()
    told.pass_time(HOUR)
    assert told.chat.take() == [], "it fired and ended twice while nobody listened"
    expire(scene, 2 * DAY)
    told.pass_time(120)
    assert told.chat.take() == ["token firing"]
    names = [part["name"] for part in Shell(scene).json("status")["parts"]]
    assert f"alerts {HOST}" not in names


def test_an_all_clear_waits_for_a_receiver_that_heard_it_fire(told: Told) -> None:
    expire(told.scene, DAY)
    told.pass_time(60)
    assert told.chat.take() == ["token firing"]
    told.adapter.fail("refused", times=100_000)
    expire(told.scene, 300 * DAY)
    told.pass_time(DAY, step=HOUR / 2)
    told.adapter.heal()
    told.pass_time(HOUR)
    assert told.chat.take() == ["token resolved"]


BOMB = b"x" * 300_000
ANSWERS: dict[str, Callable[[], Response]] = {
    "500": lambda: Response(f"error {SECRET}", 500),
    "404": lambda: Response("no_service", 404),
    "a redirect": lambda: Response("", 302, headers={"Location": "https://elsewhere.example.org/"}),
    "429": lambda: Response("", 429, headers={"Retry-After": "30"}),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_what_a_receiver_refuses_is_sent_again_until_it_takes_it(told: Told, name: str) -> None:
    told.chat.answer = ANSWERS[name]
    expire(told.scene, DAY)
    told.pass_time(HOUR)
    assert 3 < len(told.chat.said) < 20, "the waits grow"
    assert {url.partition("/hooks")[0] for url in told.chat.paths} == {""}, "nobody else was asked"
    (alert,) = told.scene.bridge.list_alerts().items
    (receiver,) = alert["receivers"]
    assert receiver["told"] is None
    assert f"{HOST} answered" in receiver["answer"]
    if name == "a redirect":
        assert "redirects are not followed" in receiver["answer"]
    told.chat.take()
    told.chat.answer = lambda: Response("ok")
    told.pass_time(HOUR)
    assert told.chat.take() == ["token firing"]


@pytest.mark.parametrize("ends", ["dropped", "timed out"])
def test_what_may_have_arrived_is_sent_once_more_and_no_oftener(told: Told, ends: str) -> None:
    told.adapter.fail(ends, times=100)  # type: ignore[arg-type]
    expire(told.scene, 10 * DAY)
    told.pass_time(6 * HOUR)
    assert told.chat.take() == ["token firing"] * 2
    (alert,) = told.scene.bridge.list_alerts().items
    assert alert["receivers"][0]["told"] == "firing"
    assert "it may have arrived" in alert["receivers"][0]["answer"]
    told.adapter.heal()
    expire(told.scene, 300 * DAY)
    told.pass_time(HOUR)
    assert told.chat.take() == ["token resolved"]


def test_a_body_without_end_counts_as_taken_in_the_end(told: Told) -> None:
    told.chat.answer = lambda: Response(BOMB)
    expire(told.scene, 10 * DAY)
    told.pass_time(HOUR)
    assert told.chat.take() == ["token firing"] * 2
    (alert,) = told.scene.bridge.list_alerts().items
    assert len(alert["receivers"][0]["answer"]) < 300


def test_a_kill_before_it_is_kept_that_it_was_told_doubles_it_once(told: Told) -> None:
    scene = told.scene
    expire(scene, 10 * DAY)

    def killed() -> Response:
        raise Killed

    told.chat.answer = killed
    with pytest.raises(Killed):
        told.pass_time(60)
    told.chat.answer = lambda: Response("ok")
    told.restart()
    told.pass_time(300)
    assert told.chat.take() == ["token firing"] * 2
    told.restart()
    told.pass_time(HOUR)
    assert told.chat.take() == [], "a restart tells nothing anew"


def test_who_is_told_what_is_each_receivers_own(told: Told) -> None:
    other = f"https://pager.example.org/{SECRET}"
    told.receive(URL)
    told.receive(other, on=("silence", "wave"), beside=True)
    expire(told.scene, DAY)
    told.pass_time(60)
    assert told.chat.take() == ["token firing"]
    (alert,) = told.scene.bridge.list_alerts().items
    assert [each["receiver"] for each in alert["receivers"]] == [HOST]


def test_one_dead_receiver_holds_up_no_other(told: Told) -> None:
    told.receive(URL, "https://pager.example.org/x")
    told.adapter.fail("refused", times=100_000, call="/hooks/")
    expire(told.scene, DAY)
    told.pass_time(60)
    assert told.chat.take() == ["token firing"]
    assert told.chat.paths[-1].startswith("/x")


def test_text_is_what_chats_take(told: Told) -> None:
    told.receive(URL, form="text")
    expire(told.scene, 9.5 * DAY)
    told.pass_time(60)
    (said,) = told.chat.said
    assert list(said) == ["text"]
    assert said["text"].startswith("Location hq: the content token expires in 9 days")


def test_a_restored_database_tells_nobody_anything_before_it_is_resumed(told: Told) -> None:
    scene = told.scene
    shell = Shell(scene)
    with scene.bridge.database.write() as db:
        stored_pauses.begin(db, Pause("all", "", since=scene.now(), why=RESTORED))
    expire(scene, DAY)
    told.pass_time(HOUR)
    assert told.chat.take() == []
    assert shell.run("resume", "--all").exit_code == 0
    told.pass_time(60)
    assert told.chat.take() == ["token firing"]


def test_the_same_is_shown_everywhere(told: Told) -> None:
    scene = told.scene
    expire(scene, 9.5 * DAY)
    told.pass_time(60)
    shell = Shell(scene)
    (alert,) = shell.json("alerts")["alerts"]
    assert shell.json("status")["alerts"] == [alert]
    answer = scene.client.get("/v1/alerts?state=firing", auth=("bridge", API_KEY))
    assert answer.get_json()["alerts"] == [alert]
    (said,) = told.chat.said
    for member in ("alert", "state", "since", "subject", "sentence"):
        assert alert[member] == said[member]
    (part,) = [p for p in shell.json("status")["parts"] if p["name"] == "location hq"]
    assert part["detail"] in said["sentence"].removesuffix(".")
    page = scene.client.get("/", auth=("bridge", API_KEY)).get_data(as_text=True)
    assert "the content token expires in 9 days" in page
    assert HOST in page
    assert "answered 200" in page
    listed = shell.run("alerts", "--csv").stdout
    assert listed.splitlines()[0].startswith("alert,subject,state,since,sentence,receiver,told,")
    assert f"{HOST} was told" in shell.run("status").stdout
    assert scene.client.get("/v1/alerts?state=lost", auth=("bridge", API_KEY)).status_code == 422


def test_the_address_is_found_nowhere(told: Told, caplog: pytest.LogCaptureFixture) -> None:
    scene = told.scene
    shell = Shell(scene)
    shell.write(shell.config.read_text() + f'alerts: [{{url: "{URL}"}}]\n')
    with caplog.at_level(logging.DEBUG):
        told.chat.answer = ANSWERS["500"]
        expire(scene, DAY)
        told.pass_time(600)
        told.adapter.fail("dropped", times=1)
        told.pass_time(1200)
        told.adapter.fail("refused", times=3)
        told.pass_time(1200)
        printed = [
            shell.run(*line.split()).output
            for line in (
                *("status --all", "status --json", "alerts", "alerts --json", "alerts --csv"),
                *("outbox", "outbox --json", "doctor", "doctor --json", "alerts test"),
                *("alerts test --json", "events", "serve --help"),
            )
        ]
    paths = ["/", "/outbox", "/locations/hq", "/v1/alerts", "/v1/outbox", "/readyz", "/metrics"]
    paths += ["/v1/audit", "/audit", "/?csv=alerts"]
    shown = [
        scene.client.get(path, auth=("bridge", API_KEY)).get_data(as_text=True) for path in paths
    ]
    logged = [LogfmtFormatter().format(record) for record in caplog.records]
    stored = stored_bytes(scene)
    everything = "\n".join([*printed, *shown, *logged, repr(scene.config), repr(scene.bridge)])
    assert HOST in everything
    assert SECRET not in everything
    assert not [name for name, found in stored.items() if SECRET.encode() in found]


def test_doctor_asks_receivers_without_alarming_anybody(told: Told) -> None:
    shell = Shell(told.scene)
    shell.write(shell.config.read_text() + f'alerts: [{{url: "{URL}"}}]\n')
    told.chat.answer = lambda: Response("", 404)
    found = {f["part"]: f for f in shell.json("doctor", code=1)["findings"]}
    assert found[f"alerts {HOST}"]["level"] == "ok"
    assert told.chat.said == []
    told.adapter.fail("refused", times=3, call="HEAD")
    found = {f["part"]: f for f in shell.json("doctor", code=1)["findings"]}
    assert found[f"alerts {HOST}"]["level"] == "fail"
    assert "cannot be reached" in found[f"alerts {HOST}"]["text"]


def test_a_person_can_have_a_test_sent(told: Told) -> None:
    shell = Shell(told.scene)
    head = shell.config.read_text()
    ran = shell.run("alerts", "test")
    assert (ran.exit_code, "no receiver is configured" in ran.stderr) == (2, True)
    shell.write(head + f'alerts: [{{url: "{URL}"}}, {{url: "{URL}2", form: text}}]\n')
    ran = shell.run("alerts", "test")
    assert (ran.exit_code, ran.stderr) == (0, "")
    assert ran.stdout == f"{HOST}: answered 200\n{HOST}#2: answered 200\n"
    test, text = told.chat.said
    assert (test["alert"], text["text"]) == ("test", test["sentence"])
    told.chat.answer = ANSWERS["404"]
    ran = shell.run("alerts", "test", f"{HOST}#2")
    assert (ran.exit_code, ran.stdout) == (1, "")
    assert ran.stderr.startswith(f"{HOST}#2: {HOST}#2 answered 404 to an alert: see that its")
    ran = shell.run("alerts", "test", "nobody.example.org")
    assert (ran.exit_code, "is no receiver" in ran.stderr) == (2, True)


def test_a_kind_is_one_declaration(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry more, with the reasons that it is about, and people are told of it."""
    assert set(BY_REASON.values()) <= set(ALERTS)
    monkeypatch.setitem(cast(Any, ALERTS), "setup", Alert("setup", "x", "y", "z"))
    monkeypatch.setitem(cast(Any, BY_REASON), "LOCATION_TROUBLE", "setup")
    told.receive(URL)
    told.scene.apply()
    with told.scene.bridge.database.write() as db:
        db.execute("UPDATE installs SET reason = 'LOCATION_TROUBLE'")
    told.pass_time(1)
    assert told.chat.take() == ["setup firing"]


def test_metrics_count_what_waits_for_all_receivers_together(told: Told) -> None:
    told.receive(URL, "https://pager.example.org/x")
    told.adapter.fail("refused", times=100_000)
    expire(told.scene, DAY)
    told.pass_time(60)
    shown = told.scene.client.get("/metrics").get_data(as_text=True)
    (line,) = [e for e in shown.splitlines() if "send_alert" in e and "outbox_rows" in e]
    assert line == ('bridge_outbox_rows{kind="send_alert",location="",server="",state="ready"} 2.0')
    assert HOST not in shown
