"""`apply` with limits: how many go, who is held back, and how many removals need a word."""

from collections.abc import Callable

import pytest

from bridge.cli import show
from bridge.errors import WishError
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=4, apps=1))


def going(scene: Scene) -> list[str]:
    """The serial numbers that are not held back."""
    scene.settle()
    return [i["serial_number"] for i in scene.installs() if i["reason"] != "HELD_BACK"]


def test_a_limit_stores_all_and_holds_the_rest_back(shell: Shell) -> None:
    scene = shell.scene
    result = shell.run("apply", "--yes", "--limit", "1")
    assert result.exit_code == 0
    assert "4 to add" in result.stdout
    assert "3 are held back until an apply without --limit." in result.stdout
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "waiting HELD_BACK": 3})
    assert going(scene) == scene.serials[:1]
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)


def test_the_same_limit_again_lets_nobody_else_go_and_a_higher_one_the_next(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes", "--limit", "1")
    scene.pass_time(60)
    again = shell.run("apply", "--limit", "1")
    assert again.stdout.startswith("There is nothing to do: 4 installs as applied.\n")
    assert again.stdout.endswith("3 are held back until an apply without --limit.\n")
    assert going(scene) == scene.serials[:1]
    higher = shell.run("apply", "--yes", "--limit", "3")
    assert "2 that were held back go now." in higher.stdout
    assert going(scene) == scene.serials[:3]
    lower = shell.run("apply", "--yes", "--limit", "2")
    assert lower.exit_code == 0
    assert going(scene) == scene.serials[:3], "what goes is not called back"


def test_after_an_apply_without_a_limit_a_new_one_counts_what_is_new(shell: Shell) -> None:
    scene = shell.scene
    shell.want(scene.serials[:2])
    shell.run("apply", "--yes")
    scene.pass_time(60)
    shell.want(scene.serials)
    shell.run("apply", "--yes", "--limit", "1")
    assert going(scene) == scene.serials[:3]


def test_higher_priorities_go_first(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=2, apps=2)
    shell = Shell(scene)
    low, high = scene.adam_ids
    apps = [
        f"{{adam_id: '{low}', groups: [g]}}",
        f"{{adam_id: '{high}', groups: [g], priority: 1}}",
    ]
    shell.write(desired=f"groups: {{g: {{all: true}}}}\napps: [{', '.join(apps)}]\n")
    scene.settle()
    shell.run("sync", "devices")
    shell.run("apply", "--yes", "--limit", "3")
    scene.settle()
    held = [
        (i["serial_number"], i["adam_id"]) for i in scene.installs() if i["reason"] == "HELD_BACK"
    ]
    assert held == [(scene.serials[1], low)]


def test_what_enrols_under_a_limit_is_held_back_too(shell: Shell) -> None:
    scene = shell.scene
    app = scene.adam_ids[0]
    shell.write(
        desired=f"groups: {{g: {{all: true}}}}\napps: [{{adam_id: '{app}', groups: [g]}}]\n"
    )
    shell.run("apply", "--yes", "--limit", "0")
    scene.world.new_device("LATE1").enrol()
    scene.settle()
    install = scene.install("LATE1", app)
    assert (install["state"], install["reason"]) == ("waiting", "HELD_BACK")
    explanation = install["explanation"]
    assert "is held back: the last apply had a limit" in explanation["sentence"]
    assert explanation["who_must_act"] == "the admin"
    assert "without a limit" in explanation["next"]


def test_a_person_who_asks_for_one_that_is_held_back_gets_it(shell: Shell) -> None:
    scene = shell.scene
    scene.settle()
    shell.run("apply", "--yes", "--limit", "0")
    scene.settle()
    shell.run("assign", scene.serials[2], "--app", scene.adam_ids[0])
    assert going(scene) == [scene.serials[2]]
    scene.run(lambda: "installed INSTALLED" in scene.states())


def test_the_held_keep_their_place_in_the_line_for_seats(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=3, apps=1, seats=1)
    shell = Shell(scene)
    first, second, third = scene.serials
    shell.want([third])
    shell.run("apply", "--yes", "--limit", "0")
    scene.pass_time(60)
    shell.want([first, second, third])
    shell.run("apply", "--yes")
    scene.run(lambda: scene.states() == {"installed INSTALLED": 1, "waiting NO_SEAT": 2})
    assert scene.install(third)["state"] == "installed"


def test_an_emptied_file_does_not_wipe_a_fleet(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=1, apps=1)
    shell = Shell(scene)
    shell.want([f"S{n}" for n in range(20)])
    shell.run("apply", "--yes")
    shell.want(["S0"])
    result = shell.run("apply", "--yes")
    assert (result.exit_code, result.stderr) == (
        2,
        "nothing was stored: it would remove 19 of 20 installs, but no more than 10 "
        "without --allow-removals 19\n",
    )
    assert len([i for i in scene.installs() if i["wanted_by"]]) == 20
    assert shell.run("apply", "--yes", "--allow-removals", "18").exit_code == 2
    assert shell.run("apply", "--yes", "--allow-removals", "19").exit_code == 0
    assert len([i for i in scene.installs() if i["wanted_by"]]) == 1


def test_a_few_removals_need_no_word(shell: Shell) -> None:
    shell.want([f"S{n}" for n in range(11)])
    shell.run("apply", "--yes")
    shell.want(["S0"])
    assert shell.run("apply", "--yes").exit_code == 0


def test_an_apply_writes_only_what_differs(make_scene: Callable[..., Scene]) -> None:
    scene = make_scene(devices=4, apps=2)
    shell = Shell(scene)
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    before = scene.bridge.now()
    scene.world.advance(1)
    shell.want(scene.serials[1:])
    shell.run("apply", "--yes")
    with scene.bridge.database.read() as db:
        changed = db.execute(
            "SELECT DISTINCT target FROM installs WHERE updated_at > ? OR dirty_at IS NOT NULL",
            (before,),
        ).fetchall()
    assert [row[0] for row in changed] == scene.serials[:1]


def test_nobody_is_asked_about_what_is_refused(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.want([f"S{n}" for n in range(12)])
    shell.run("apply", "--yes")
    shell.want(["S0"])
    monkeypatch.setattr(show, "can_ask", lambda: True)
    result = shell.run("apply", answer="y\n")
    assert result.exit_code == 2
    assert "Store this?" not in result.stderr
    with pytest.raises(WishError, match="--allow-removals 11"):
        shell.scene.bridge.apply(shell.scene.wanted_for(["S0"]))
