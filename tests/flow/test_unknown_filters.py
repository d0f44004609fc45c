"""A filter that names what nobody knows is told as that, and not shown as an empty list."""

from __future__ import annotations

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene

UNKNOWN = [
    (("installs", "--app", "999"), "app 999 is unknown: no location owns it"),
    (("installs", "--serial", "NOPE1"), "device NOPE1 is unknown: not enrolled"),
    (("installs", "--group", "nope"), "no group nope was applied; known are them"),
    (("installs", "--reason", "NO_SET"), "did you mean NO_SEAT"),
    (("status", "--app", "999"), "app 999 is unknown"),
    (("status", "--serial", "NOPE1"), "device NOPE1 is unknown"),
    (("devices", "--serial", "NOPE1"), "device NOPE1 is unknown"),
    (("devices", "--server", "mainn"), "server mainn is unknown; did you mean main"),
    (("assets", "--app", "999"), "app 999 is unknown"),
    (("assets", "--location", "hg"), "location hg is unknown"),
    (("assignments", "--app", "999"), "app 999 is unknown"),
    (("assignments", "--serial", "NOPE1"), "device NOPE1 is unknown"),
    (("assignments", "--location", "nope"), "location nope is unknown; known are hq"),
    (("outbox", "--scope", "nope"), "location or server nope is unknown; known are hq, main"),
    (("outbox", "--kind", "comand"), "kind comand is unknown; did you mean command"),
]


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    shell = Shell(make_scene(devices=1, apps=1, macs=0, seats=5))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    return shell


@pytest.mark.parametrize(("arguments", "words"), UNKNOWN, ids=lambda each: "-".join(each[:40]))
def test_what_is_unknown_is_said(shell: Shell, arguments: tuple[str, ...], words: str) -> None:
    for form in ([], ["--json"]):
        result = shell.run(*arguments, *form)
        assert (result.exit_code, result.stdout) == (2, "")
        assert words in result.stderr
        assert len(result.stderr.splitlines()) == 1


def test_what_is_known_and_not_in_the_list_is_no_mistake(shell: Shell) -> None:
    app = shell.scene.adam_ids[0]
    assert shell.run("installs", "--app", app, "--state", "failed").exit_code == 0
    assert shell.run("outbox", "--scope", "main", "--state", "failed").exit_code == 0
    assert shell.run("installs", "--reason", "NO_SEAT").exit_code == 0
    library = shell.scene.world.apple
    library.portal(shell.scene.world.location, "ASSOCIATE", app, ["OTHERTOOL1"])
    shell.run("sync", "assignments")
    held = shell.run("assignments", "--serial", "OTHERTOOL1")
    assert held.exit_code == 0, "a device that only Apple knows"
