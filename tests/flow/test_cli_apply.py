"""`apply`: what it shows, what it stores, and when it does not."""

from collections.abc import Callable

import pytest

from bridge.cli import show
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=3, apps=2))


def pairs(scene: Scene) -> set[tuple[str, str]]:
    """What is wanted by now."""
    return {
        (each["serial_number"], each["adam_id"])
        for each in scene.installs()
        if each["wanted_by"] == "file"
    }


def test_it_shows_the_change_and_stores_it(shell: Shell) -> None:
    scene = shell.scene
    result = shell.run("apply", "--yes")
    assert result.exit_code == 0
    assert f"{scene.adam_ids[0]}  Pages        3        0" in result.stdout
    assert "6 to add, 0 to remove, 0 to change, 0 unchanged." in result.stdout
    assert result.stdout.endswith("Stored.\n")
    assert pairs(scene) == {(s, a) for s in scene.serials for a in scene.adam_ids}


def test_a_second_time_there_is_nothing_to_do_and_nobody_is_asked(shell: Shell) -> None:
    shell.run("apply", "--yes")
    result = shell.run("apply")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith("There is nothing to do: 6 installs as applied.\n")


def test_what_the_file_leaves_out_is_removed(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    shell.want(scene.serials[:2], scene.adam_ids[:1])
    result = shell.run("apply", "--yes")
    assert "0 to add, 4 to remove, 0 to change, 2 unchanged." in result.stdout
    assert f"{scene.adam_ids[1]}  Numbers      0        3" in result.stdout
    assert pairs(scene) == {(s, scene.adam_ids[0]) for s in scene.serials[:2]}


def test_other_settings_for_the_same_devices_are_a_change(shell: Shell) -> None:
    shell.run("apply", "--yes")
    shell.want(shell.scene.serials, priority=5)
    assert shell.run("apply").exit_code == 2
    result = shell.run("apply", "--yes")
    assert "0 to add, 0 to remove, 6 to change, 0 unchanged." in result.stdout


def test_without_a_terminal_and_without_yes_nothing_is_stored(shell: Shell) -> None:
    result = shell.run("apply")
    assert result.exit_code == 2
    assert result.stderr == "nothing was stored: say --yes to store it without a question\n"
    assert "6 to add" in result.stdout
    assert not pairs(shell.scene)


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_on_a_terminal_it_asks(
    shell: Shell, answer: str, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(show, "can_ask", lambda: True)
    result = shell.run("apply", answer=answer)
    assert result.exit_code == code
    assert "Store this? [y/N]" in result.stderr
    assert bool(pairs(shell.scene)) == (code == 0)
    assert ("nothing was stored" in result.stderr) == (code == 1)


def test_as_json_it_tells_the_counts_of_each_app(shell: Shell) -> None:
    scene = shell.scene
    told = shell.json("apply", "--yes")
    assert {key: told[key] for key in ("stored", "added", "removed", "unchanged")} == {
        "stored": True,
        "added": 6,
        "removed": 0,
        "unchanged": 0,
    }
    assert told["apps"] == [
        {"adam_id": a, "name": scene.world.catalogue[a][1], "added": 3, "removed": 0}
        | dict.fromkeys(("kept", "licences_back", "apps_deleted"), 0)
        for a in scene.adam_ids
    ]
    assert shell.json("apply")["unchanged"] == 6


def test_it_works_before_the_first_serve(shell: Shell) -> None:
    database = shell.scene.tmp_path / "new.db"
    shell.config.write_text(shell.config.read_text().replace("bridge.db", database.name))
    assert shell.run("apply", "--yes").exit_code == 0
    assert database.exists()
    assert shell.run("apply").stdout.startswith("There is nothing to do: 6")


def test_an_engine_that_runs_takes_it_up(shell: Shell) -> None:
    shell.scene.settle()
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)


def test_mistakes_in_the_file_are_a_line_each(shell: Shell) -> None:
    shell.write("database: b.db\nlisten: x\nnonsense: 1\n")
    result = shell.run("apply", "--yes")
    assert result.exit_code == 2
    first, second = result.stderr.splitlines()
    assert first.startswith(f"{shell.config}:2: listen: ")
    assert second.startswith(f"{shell.config}:3: nonsense: ")


def test_a_database_that_cannot_be_opened_is_one_line(shell: Shell) -> None:
    shell.write("database: missing/bridge.db\n")
    result = shell.run("apply", "--yes")
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert "missing/bridge.db: the database cannot be opened" in line
