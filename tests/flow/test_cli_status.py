"""`status` and `why`: what they tell at each stage, to people and to programs."""

from collections.abc import Callable
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.domain.counters import explained
from bridge.domain.webhooks import PROBE_TOPIC
from bridge.engine.insight import webhook_health
from bridge.store.file.database import FileDatabase
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=3, apps=2, seats=2))


def test_a_new_database_is_shown_as_it_is(shell: Shell) -> None:
    shell.write("database: new.db\n")
    database = FileDatabase(shell.scene.tmp_path / "new.db")
    database.open()
    database.close()
    result = shell.run("status")
    assert result.exit_code == 0
    assert "Engine: no engine runs: start vpp-bridge serve" in result.stdout
    assert "0 wanted, last applied never" in result.stdout
    assert shell.json("status")["installs"]["by_state"] == {}


def test_installs_are_counted_by_state_and_reason(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(lambda: scene.states().get("installed INSTALLED") == 4)
    scene.settle()
    report = shell.json("status")
    assert report["installs"]["by_state"] == {"installed": 4, "waiting": 2}
    assert report["installs"]["not_installed"] == [
        {"state": "waiting", "reason": "NO_SEAT", "count": 2, "who_must_act": "the admin"}
    ]
    assert [(a["name"], a["by_state"]) for a in report["installs"]["apps"]] == [
        (name, {"installed": 2, "waiting": 1}) for name in ("Pages", "Numbers")
    ]
    text = shell.run("status").stdout
    assert text.splitlines()[-3:] == [
        "installs  state    reason   who must act",
        "       2  waiting  NO_SEAT  the admin",
        "vpp-bridge installs --needs-someone names them, reasons NAME tells what to do.",
    ], "what needs somebody comes last"
    assert "app        name     wanted  done  on its way  needs somebody" in text
    assert f"{scene.adam_ids[0]}  Pages         3     2           0               1" in text


def test_licences_are_counted_with_who_holds_them(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials[:1], scene.adam_ids[:1])
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    first, second = shell.json("status")["licences"]
    assert {k: first[k] for k in ("total", "free", "held", "held_by_us", "wanted")} == {
        "total": 2,
        "free": 1,
        "held": 1,
        "held_by_us": 1,
        "wanted": 1,
    }
    assert (second["free"], second["held"], second["wanted"]) == (2, 0, 0)
    text = shell.run("status").stdout
    assert f"Nobody wants {scene.adam_ids[1]}." in text


def test_a_wanted_app_that_no_location_owns_has_no_licences(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials[:1])
    text = shell.config.read_text().replace(scene.adam_ids[0], "77")
    shell.write(text)
    shell.run("apply", "--yes")
    scene.pass_time(60)
    licence = next(e for e in shell.json("status")["licences"] if e["adam_id"] == "77")
    assert (licence["total"], licence["read_at"], licence["wanted"]) == (None, None, 1)


def test_queues_locations_and_servers_are_shown(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(lambda: scene.states().get("installed INSTALLED") == 4)
    report = shell.json("status")
    assert report["queues"]["inbox"]["set_aside"] == 0
    (location,) = report["locations"]
    assert location["name"] == "hq" and location["assets_read_at"].endswith("Z")
    assert location["last_notification_at"] is not None
    (server,) = report["servers"]
    assert (server["devices"], server["enrolled"]) == (3, 3)
    assert server["last_webhook_at"] is not None
    text = shell.run("status").stdout
    assert "MDM servers" in text and "Locations" in text
    assert "Queues" not in text, "there is nothing in any of them"
    assert "Counted" not in text and "webhook_url" not in text
    counted = shell.run("status", "--all").stdout
    for name, times in report["counters"].items():
        (line,) = [line for line in counted.splitlines() if line.startswith(f"{name} ")]
        assert line.split(maxsplit=2)[1:] == [str(times), explained(name)]


def test_open_commands_and_requests_are_counted(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(lambda: bool(scene.states().get("associating ASSOCIATE_REQUESTED")))
    assert shell.json("status")["queues"]["requests"] == {"open": 1, "in_doubt": 0}
    scene.run(lambda: shell.json("status")["queues"]["commands"]["open"] > 0)


def test_a_probe_of_doctor_is_no_webhook(shell: Shell) -> None:
    scene = shell.scene
    before = last_webhook(scene)
    body = b'{"topic": "%s", "event_id": "1"}' % PROBE_TOPIC.encode()
    scene.bridge.receive_webhook("main", body)
    assert last_webhook(scene) == before
    scene.bridge.receive_webhook("main", b'{"topic": "mdm.Connect", "event_id": "2"}')
    assert last_webhook(scene) == scene.world.now


def last_webhook(scene: Scene) -> float | None:
    with scene.bridge.looking() as context:
        return webhook_health.last_at(context, "main")


def test_an_engine_that_runs_is_shown(shell: Shell) -> None:
    lock = shell.scene.bridge.engine_lock
    lock.acquire(0.0)
    try:
        assert "Engine: no engine" not in shell.run("status").stdout
        engine = next(p for p in shell.json("status")["parts"] if p["name"] == "engine")
        assert "no engine runs" not in engine["detail"]
    finally:
        lock.release()


@pytest.mark.parametrize(
    ("options", "count"),
    [(["--serial", "sim0000001"], 2), (["--app", "361309726"], 3)],
)
def test_the_installs_of_a_device_or_an_app_are_listed(
    shell: Shell, options: list[str], count: int
) -> None:
    shell.run("apply", "--yes")
    shell.scene.settle()
    installs = shell.json("status", *options)["installs"]
    assert len(installs) == count
    result = shell.run("status", *options)
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == count + 1
    assert all(each["serial_number"] in result.stdout for each in installs)


def test_both_filters_together(shell: Shell) -> None:
    shell.run("apply", "--yes")
    options = ["--serial", shell.scene.serials[1], "--app", shell.scene.adam_ids[1]]
    (install,) = shell.json("status", *options)["installs"]
    assert install["state"] == "waiting"


def test_why_tells_of_an_app_that_is_there(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials[:1], scene.adam_ids[:1])
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    result = shell.run("why", scene.serials[0].lower(), scene.adam_ids[0])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].startswith("Pages is installed on Device 1 (SIM0000001): ")
    assert any(line.startswith("Must act") and "nobody" in line for line in lines)
    assert "asked Apple for the licence" in result.stdout
    assert "What is known" in result.stdout and "What happened" in result.stdout


def test_why_on_its_way_is_no_bad_news(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(lambda: bool(scene.states().get("associating ASSOCIATE_REQUESTED")))
    assert shell.run("why", scene.serials[0], scene.adam_ids[0]).exit_code == 0


def test_why_says_when_somebody_must_act(shell: Shell) -> None:
    scene = shell.scene
    shell.want([*scene.serials, "NEVERSEEN1"])
    shell.run("apply", "--yes")
    scene.settle()
    result = shell.run("why", "NEVERSEEN1", scene.adam_ids[0])
    assert result.exit_code == 1
    assert "NEVERSEEN1 is not enrolled" in result.stdout
    answer = shell.json("why", "NEVERSEEN1", scene.adam_ids[0], code=1)
    assert (answer["reason"], answer["explanation"]["who_must_act"]) == (
        "NOT_ENROLLED",
        "the admin",
    )


@pytest.mark.parametrize(
    ("serial", "adam_id", "said"),
    [
        ("NOSUCH1", "361309726", "device NOSUCH1 is unknown: not enrolled"),
        ("SIM0000001", "99", "app 99 is unknown: no location owns it"),
        ("SIM0000001", "361310739", "app 361310739 is not wanted on SIM0000001"),
        ("NOSUCH1", "99", "device NOSUCH1 is unknown: not enrolled, and no app is wanted on it; "),
    ],
)
def test_why_of_an_unknown_pair_says_what_is_unknown(
    shell: Shell, serial: str, adam_id: str, said: str
) -> None:
    scene = shell.scene
    shell.want(scene.serials[1:])
    shell.run("apply", "--yes")
    scene.settle()
    result = shell.run("why", serial, adam_id)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert line.startswith(said)


def test_times_are_those_of_the_zone_and_utc_for_programs(shell: Shell) -> None:
    shell.write(shell.config.read_text() + 'policy: {time_zone: "Asia/Tokyo"}\n')
    shell.run("apply", "--yes")
    applied_at = shell.json("status")["applied_at"]
    assert applied_at.endswith("Z")
    tokyo = datetime.fromisoformat(applied_at).astimezone(ZoneInfo("Asia/Tokyo"))
    assert f"last applied {tokyo:%Y-%m-%d %H:%M} JST, now" in shell.run("status").stdout
