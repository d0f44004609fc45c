"""The waiting room for seats, and what the history of counts tells of them."""

from collections.abc import Callable

import pytest

from bridge.domain.policy import DAY, HOUR, RetentionPolicy
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene, rarely
from tests.unit.store_kit import prune


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    shell = Shell(make_scene(devices=2, apps=1, seats=2, policy=rarely(assets_every=HOUR)))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    return shell


def remember(scene: Scene, per_day: int, days: int = 10) -> None:
    """Let a number of licences have come into use on each of the last days."""
    today = int(scene.world.now // DAY)
    with scene.bridge.database.write() as db:
        for ago in range(1, days + 1):
            db.execute(
                "INSERT INTO asset_days VALUES ('hq', ?, 'STDQ', ?, ?)",
                (scene.adam_ids[0], today - ago, 100 - per_day * ago),
            )
        db.execute("UPDATE asset_days SET used = 100 WHERE day = ?", (today,))


def test_each_day_leaves_one_count_and_old_ones_go(shell: Shell) -> None:
    scene = shell.scene
    scene.pass_time(2 * DAY)
    with scene.bridge.database.write() as db:
        found = db.execute("SELECT day, used FROM asset_days ORDER BY day").fetchall()
        prune(db, scene.world.now, RetentionPolicy(counts=0.0))
        left = db.execute("SELECT day FROM asset_days").fetchall()
    today = int(scene.world.now // DAY)
    assert [row["day"] for row in found] == [today - 2, today - 1, today]
    assert [row["used"] for row in found] == [2, 2, 2], "the last count of each day"
    assert [row["day"] for row in left] == [today]


def test_a_plan_and_the_status_tell_when_the_last_seat_goes(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=1, apps=1, seats=11)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    assert "at this rate" not in shell.run("status").stdout
    assert shell.json("plan")["seats"][0]["last_seat_at"] is None
    remember(scene, per_day=1)
    assert "at this rate the last seat goes on" in shell.run("status").stdout
    assert shell.json("plan")["seats"][0]["last_seat_at"] is not None
    shell.want([*scene.serials, "NEW1"])
    assert "10 free of 11; at this rate the last seat goes on" in shell.run("plan").stdout


def test_who_waits_for_a_seat_is_told_the_trend(shell: Shell) -> None:
    scene = shell.scene
    shell.want([*scene.serials, scene.world.new_device("LATE1").serial_number])
    scene.world.device("LATE1").enrol()
    shell.run("apply", "--yes")
    scene.run(lambda: "waiting NO_SEAT" in scene.states())
    assert "trend" not in shell.run("why", "LATE1", scene.adam_ids[0]).stdout
    remember(scene, per_day=1)
    told = shell.run("why", "LATE1", scene.adam_ids[0]).stdout
    assert "trend of its licences" in told
    assert "+7.0 in use each week, over 10 days" in told


def test_the_waiting_room_goes_by_priority_then_age_and_is_resumed_by_the_next_read(
    make_scene: Callable[..., Scene],
) -> None:
    scene = make_scene(devices=3, apps=1, seats=0)
    first, second, third = scene.serials
    shell = Shell(scene)
    shell.want([third])
    shell.run("apply", "--yes")
    scene.pass_time(60)
    shell.want([first, third])
    shell.run("apply", "--yes")
    scene.pass_time(60)
    shell.want([first, second, third])
    shell.run("apply", "--yes")
    scene.run(lambda: scene.states() == {"waiting NO_SEAT": 3})
    asset = scene.world.location.library.assets[scene.adam_ids[0], "STDQ"]
    for seats, served in ((1, {third}), (2, {third, first}), (3, set(scene.serials))):
        asset.total = seats
        scene.world.location.library.touch()
        scene.run(
            lambda served=served: (
                {i["serial_number"] for i in scene.installs(state="installed")} == served
            ),
            limit=2 * 3600.0,
        )
