"""Every command where there is no database yet: who only looks makes none, and says what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.cli.commands import COMMANDS
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene

PAIR = ("C02XL0GYJGH5", "361309726")

NEED_ONE = [
    ("status",),
    ("status", "--json"),
    ("status", "--serial", PAIR[0]),
    ("why", *PAIR),
    ("why", *PAIR, "--json"),
    ("pause",),
    ("pause", "--all"),
    ("resume", "--all"),
    ("retry", "--serial", PAIR[0]),
    ("unassign", PAIR[0], "--app", PAIR[1]),
    ("reclaim", "--unwanted"),
    ("replace", PAIR[0], "C02YK1GZJGH6"),
    ("update", PAIR[1], "--yes"),
    ("installs",),
    ("installs", "--by", "reason"),
    ("installs", "--csv"),
    ("devices",),
    ("assets",),
    ("audit",),
    ("assignments",),
    ("drift",),
    ("users",),
    ("users", "invite", "client-100"),
    ("subscriptions",),
    ("alerts",),
    ("alerts", "test"),
    ("events",),
    ("events", "replay", "1"),
    ("events", "replay", "1", "--dry-run"),
    ("outbox",),
    ("outbox", "retry", "1"),
]
NEEDS_NO_ROW = {
    "serve": "makes one, and is tried as a process",
    "apply": "makes one: test_cli_apply",
    "assign": "makes one",
    "claim": "makes one",
    "sync": "makes one",
    "plan": "below",
    "doctor": "below",
    "bundle": "test_bundle",
    "init": "needs none",
    "reasons": "needs none",
    "backup": "below",
    "restore": "makes one: test_cli_backup",
    "completion": "needs none",
    "demo": "has its own",
    "import": "prints, and stores nothing",
    "simulate": "needs none",
}


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """A command line whose configuration names a database that is not there."""
    shell = Shell(make_scene(devices=2, apps=1))
    (shell.scene.tmp_path / "empty").mkdir()
    shell.config.write_text(shell.config.read_text().replace("bridge.db", "empty/new.db"))
    return shell


def made(shell: Shell) -> list[Path]:
    """What stands where the database would be: itself, and the lock files beside it."""
    return sorted((shell.scene.tmp_path / "empty").iterdir())


def test_every_command_is_tried() -> None:
    assert {arguments[0] for arguments in NEED_ONE} | set(NEEDS_NO_ROW) == set(COMMANDS)


@pytest.mark.parametrize("arguments", NEED_ONE, ids=" ".join)
def test_who_needs_one_says_what_to_do(shell: Shell, arguments: tuple[str, ...]) -> None:
    if arguments == ("pause",):
        arguments = ("pause", "--app", PAIR[1])
    result = shell.run(*arguments)
    path = shell.scene.tmp_path / "empty" / "new.db"
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"vpp-bridge: no database at {path}: run vpp-bridge apply first"
    ]
    assert result.exit_code == 2
    assert made(shell) == []


def test_a_missing_folder_is_a_missing_database(shell: Shell) -> None:
    shell.config.write_text(shell.config.read_text().replace("empty/new.db", "nowhere/new.db"))
    result = shell.run("status")
    assert (result.exit_code, result.stderr.count("no database at")) == (2, 1)


def test_a_plan_is_made_without_one(shell: Shell) -> None:
    result = shell.run("plan")
    assert result.exit_code == 0, result.output
    assert "2 to add" in result.stdout
    assert made(shell) == []
    assert shell.json("plan", "--offline") is not None
    assert made(shell) == []
    assert shell.run("apply", "--yes").exit_code == 0
    assert shell.run("status").exit_code == 0


def test_doctor_tests_the_rest(shell: Shell) -> None:
    shell.serving = False
    result = shell.run("doctor")
    path = shell.scene.tmp_path / "empty" / "new.db"
    assert result.exit_code == 1
    assert f"fail  database: no database at {path}; run vpp-bridge apply first" in result.stdout
    assert "ok    MDM main: " in result.stdout and "ok    Apple hq: " in result.stdout
    assert made(shell) == []


def test_nothing_is_copied(shell: Shell) -> None:
    result = shell.run("backup", str(shell.scene.tmp_path / "copy.db"))
    assert result.exit_code == 1
    assert "there is no database, and nothing to back up" in result.stderr
    assert made(shell) == []
