"""`plan --arriving`: what devices need that are still to come."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """One app for everybody, on two devices, with two seats to spare."""
    scene = make_scene(devices=2, apps=1, macs=0, seats=4)
    shell = Shell(scene)
    groups = {"everyone": {"all": True}, "named": {"serials": ["NAMED00001"]}}
    apps = [{"adam_id": scene.adam_ids[0], "name": "Pages", "groups": list(groups)}]
    shell.write(desired=f"groups: {json.dumps(groups)}\napps: {json.dumps(apps)}\n")
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: scene.states().get("installed INSTALLED") == 2)
    return shell


LISTS = {
    "lines": "named00001\nNEW0000001 # the first\n\nNEW0000002\nSIM0000001\nSIM000000X\n",
    "portal": "\ufeffModel;Serial Number\niPad;NAMED00001\niPad;NEW0000001\niPad;NEW0000002\n"
    "iPad;SIM0000001\niPad;SIM000000X\n",
}


@pytest.mark.parametrize("kind", LISTS)
def test_seats_are_counted_and_serial_numbers_looked_at(shell: Shell, kind: str) -> None:
    file = Path(shell.scene.tmp_path) / "list.csv"
    file.write_text(LISTS[kind], encoding="utf-8")
    result = shell.run("plan", "--arriving", str(file))
    assert result.exit_code == 1, result.output
    assert result.stdout.splitlines()[-4:] == [
        "5 devices to arrive.",
        "hq, Pages (361309726): 4 of those that arrive need it, 1 of them are counted above, "
        "1 spare, 2 short.",
        "There already: SIM0000001.",
        "Mistyped, perhaps: SIM000000X (like SIM0000001, SIM0000002).",
    ]
    shown = shell.json("plan", "--arriving", str(file), code=1)["arriving"]
    assert shown["there"] == ["SIM0000001"]
    assert shown["seats"][0]["short"] == 2
    file.write_text("NEW0000001\n")
    assert shell.run("plan", "--arriving", str(file)).exit_code == 0


def test_a_list_that_cannot_be_read_is_one_sentence(shell: Shell) -> None:
    file = Path(shell.scene.tmp_path) / "list.csv"
    for content, says in (("A,B\n1,2\n", "Serial Number"), ("N*\n", 'line 1: "N*" is not')):
        file.write_text(content)
        result = shell.run("plan", "--arriving", str(file))
        assert result.exit_code == 2
        assert says in result.stderr
