"""The clock of the bridge's machine is set, and servers whose clocks are wrong."""

import base64
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.domain.policy import DAY
from tests.flow.scene import API_KEY, Scene, scenes
from tests.flow.test_messages import connect, deliver, idle, settled
from tests.flow.test_road import done

MakeScene = Callable[..., Scene]

HOUR = 3600.0
API = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}
WITHIN = 60.0
"""Seconds beyond the time that it takes anyhow."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> float:
    """How long it takes where the clock is left alone, in seconds."""
    with contextmanager(scenes)(tmp_path_factory.mktemp("whole")) as make:
        scene = make(devices=6, apps=4)
        began = scene.world.now
        scene.apply()
        done(scene)
        return scene.world.now - began


def set_at(make_scene: MakeScene, moment: float, *steps: tuple[float, float]) -> Scene:
    """24 installs, and the clock is set on the way: by so much, after so long."""
    scene = make_scene(devices=6, apps=4)
    scene.apply()
    scene.pass_time(moment)
    for by, after in steps:
        scene.pass_time(after)
        scene.set_clock(by)
    return scene


@pytest.mark.sweep
@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.65, 0.9])
@pytest.mark.parametrize(
    "steps",
    [
        [(-HOUR, 0.0)],
        [(DAY, 0.0)],
        [(DAY, 0.0), (-DAY, 5.0)],
        [(-400 * DAY, 0.0)],
    ],
    ids=["an hour back", "a day ahead", "a day ahead for five seconds", "more than a year back"],
)
def test_the_clock_is_set_in_the_middle(
    make_scene: MakeScene, whole: float, share: float, steps: list[tuple[float, float]]
) -> None:
    scene = set_at(make_scene, whole * share, *steps)
    scene.run(scene.all_installed, limit=whole + WITHIN)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []


def test_what_is_looked_at_weekly_goes_on_weekly(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    scene.set_clock(30 * DAY)
    scene.pass_time(60)
    scene.set_clock(-30 * DAY)
    scene.settle()
    next_at = datetime.fromisoformat(scene.install()["next_check_at"]).timestamp()
    assert scene.now() < next_at <= scene.now() + 7 * DAY


def test_the_clock_is_set_back_while_no_bridge_runs(make_scene: MakeScene, whole: float) -> None:
    scene = make_scene(devices=6, apps=4)
    scene.clock_ahead = DAY
    scene.apply()
    scene.pass_time(whole / 2)
    scene.clock_ahead = 0.0
    scene.restart()
    scene.run(scene.all_installed, limit=whole + WITHIN)
    assert scene.world.missing(scene.world.everything()) == []


def test_it_is_shown_for_a_while_that_the_clock_was_set(make_scene: MakeScene) -> None:
    scene = settled(make_scene)

    def part() -> dict[str, Any] | None:
        body = scene.client.get("/readyz").get_json()
        return next((each for each in body["parts"] if each["name"] == "clock"), None)

    assert part() is None
    scene.set_clock(-HOUR)
    answer = scene.client.get("/readyz")
    assert answer.status_code in (200, 503)
    found = part()
    assert found is not None and not found["ok"] and found["severity"] == "degraded"
    assert found["detail"].startswith("the clock went back by 3600 s; see that its time is kept")
    assert scene.counters()["clock.stepped"] == 1
    scene.pass_time(HOUR + 60)
    assert part() is None


def checkin(udid: str, topic: str, created_at: str) -> dict[str, Any]:
    payload = (
        '<?xml version="1.0"?><plist version="1.0"><dict><key>UDID</key><string>'
        f"{udid}</string></dict></plist>"
    )
    raw = base64.b64encode(payload.encode()).decode()
    return {
        "topic": topic,
        "event_id": f"{topic} {created_at}",
        "created_at": created_at,
        "checkin_event": {"udid": udid, "url_params": None, "raw_payload": raw},
    }


def at(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat().replace("+00:00", "Z")


@pytest.mark.parametrize("told", ["2099-01-01T00:00:00Z", "9999-12-31T23:59:59.9Z", "in an hour"])
def test_a_server_that_is_ahead_does_not_hide_what_follows(
    make_scene: MakeScene, told: str
) -> None:
    scene = settled(make_scene)
    udid = scene.world.devices[0].udid
    if told == "in an hour":
        told = at(scene.world.now + HOUR)
    assert deliver(scene, checkin(udid, "mdm.CheckOut", told)) == 200
    scene.settle()
    assert scene.bridge.list_devices().items[0]["enrolled"] is False
    scene.pass_time(10)
    created_at = at(scene.world.now)
    assert deliver(scene, checkin(udid, "mdm.Authenticate", created_at)) == 200
    assert deliver(scene, checkin(udid, "mdm.TokenUpdate", created_at)) == 200
    scene.settle()
    assert scene.bridge.list_devices().items[0]["enrolled"] is True


def last_seen(scene: Scene) -> list[float]:
    """When each device was last seen, as the API says."""
    told = [each["last_seen_at"] for each in scene.bridge.list_devices().items]
    return [datetime.fromisoformat(each).timestamp() for each in told]


@pytest.mark.parametrize("year", [2027, 2100, 9999])
def test_a_server_whose_clock_is_ahead(make_scene: MakeScene, year: int) -> None:
    scene = make_scene(devices=2, apps=2)
    end_of_year = datetime(year, 12, 31, 23, tzinfo=UTC).timestamp()
    scene.world.mdm.webhook.clock_ahead = end_of_year - scene.world.now
    scene.apply()
    done(scene)
    assert max(last_seen(scene)) <= scene.world.now
    assert scene.client.get("/v1/devices", headers=API).status_code == 200


def test_a_list_that_saw_a_device_in_the_year_9999(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.mdm.webhook.url = None  # nobody tells, so that only the list does
    scene.world.mdm.webhook.clock_ahead = datetime(9999, 12, 31, tzinfo=UTC).timestamp() - 2e9
    scene.apply()
    scene.run(lambda: len(scene.bridge.list_devices().items) == 1)
    assert last_seen(scene)[0] <= scene.world.now


HUGE = 2**80


def answer(udid: str, command_uuid: str, members: str) -> bytes:
    return (
        '<?xml version="1.0"?><plist version="1.0"><dict><key>Status</key><string>Error</string>'
        f"<key>UDID</key><string>{udid}</string><key>CommandUUID</key><string>{command_uuid}"
        f"</string>{members}</dict></plist>"
    ).encode()


def test_integers_beyond_a_column_set_nothing_aside(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: scene.received("InstallApplication") == 1)
    device = scene.world.devices[0]
    command = next(c for c in device.received if c.request_type == "InstallApplication")
    chain = (
        "<key>ErrorChain</key><array><dict><key>ErrorCode</key><integer>18446744073709551615"
        "</integer><key>ErrorDomain</key><string>Odd</string></dict></array>"
    )
    webhook = connect(
        device.udid,
        answer(device.udid, command.command_uuid, chain),
        status="Error",
        command_uuid=command.command_uuid,
    )
    assert deliver(scene, webhook) == 200
    assert deliver(scene, connect(device.udid, idle(device.udid), odd=HUGE)) == 200
    scene.run(scene.all_installed)
    assert not [name for name in scene.counters() if name.endswith("set_aside")]
