"""docs/how-to.md: every command there is run in a small world, and prints what stands there.

A yaml block replaces these keys of the configuration. In a console block `$ ` begins a command, and
what follows is what it prints; `...` is anything. After each command some minutes pass. To write
what commands print into the page, set HOW_TO_FILL=1; then put `...` for what is another each time.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import load_config
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene, Scene

PAGE = Path(__file__).parents[2] / "docs" / "how-to.md"
FILL = "HOW_TO_FILL" in os.environ
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
PAGES = "361309726"
MINUTES = 600.0


@dataclass
class Section:
    """One wish: its number, its title and its blocks, each with its kind."""

    number: int
    title: str
    blocks: list[tuple[str, str]]


def sections() -> dict[int, Section]:
    """The wishes of the page."""
    found = {}
    for text in re.split(r"^## ", PAGE.read_text(), flags=re.MULTILINE)[1:]:
        number, title = text.splitlines()[0].split(". ", 1)
        blocks = [(kind, body) for kind, body in BLOCK.findall(text)]
        found[int(number)] = Section(int(number), title, blocks)
    return found


@dataclass
class World:
    """A scene with a command line, and what happens beside the bridge."""

    scene: Scene
    shell: Shell = field(init=False)
    serving: bool = True

    def __post_init__(self) -> None:
        self.shell = Shell(self.scene)

    def want(self, text: str) -> None:
        """Replace these keys of the configuration."""
        config = yaml.safe_load(self.shell.config.read_text())
        self.shell.write(json.dumps(config | yaml.safe_load(text)))

    def run(self, command: str) -> str:
        """Run a command line of the page; returns what it prints."""
        if command.startswith("vpp-bridge"):
            return self._bridge(command)
        words = shlex.split(command)
        folder = self.scene.tmp_path
        if words[0] == "cp":
            shutil.copy(folder / words[1], folder / words[2])
        elif words[:2] == ["systemctl", "restart"]:
            servers = load_config(self.shell.config, os.environ).servers
            self.scene.config = replace(self.scene.config, servers=servers)
            self.scene.restart()
        elif words[:2] == ["systemctl", "stop"]:
            self.scene.bridge.close()
            self.serving = False
        elif words[:2] == ["systemctl", "start"]:
            self.scene.start()
            self.serving = True
        elif words[0] == "cat":
            return (folder / words[1]).read_text()
        elif words[:3] == ["#", "the", "next"]:
            self.scene.pass_time(24 * 3600.0)
        elif words[0] == "#":
            self.scene.world.apple.buy(self.scene.world.location, PAGES, int(words[1]))
        else:
            assert words[0].endswith("/pip"), f"the test does not know how to do: {command}"
        return ""

    def _bridge(self, command: str) -> str:
        ours, _, filtered = command.partition(" | ")
        before = Path.cwd()
        os.chdir(self.scene.tmp_path)
        try:
            result = self.shell.run(*shlex.split(ours)[1:])
        finally:
            os.chdir(before)
        if not filtered:
            return result.output
        done = subprocess.run(
            shlex.split(filtered), input=result.stdout, capture_output=True, text=True, check=True
        )
        return done.stdout

    def go_on(self) -> None:
        """Let some minutes pass."""
        if self.serving:
            self.scene.pass_time(MINUTES)


Prepare = Callable[[MakeScene], World]
WORLDS: dict[int, Prepare] = {}


def wish(number: int) -> Callable[[Prepare], Prepare]:
    """Registers the function below as what makes the world of a wish."""

    def register(prepare: Prepare) -> Prepare:
        WORLDS[number] = prepare
        return prepare

    return register


def installed(make_scene: MakeScene, devices: int = 2, **further: Any) -> World:
    """A world in which Pages is installed on all devices."""
    scene = make_scene(**{"devices": devices, "apps": 1, "macs": 0, "seats": 10} | further)
    world = World(scene)
    assert world.shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    return world


@wish(1)
def with_licences_of_others(make_scene: MakeScene) -> World:
    scene = make_scene(devices=3, apps=1, macs=0, seats=10)
    serials = scene.serials[:2]
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", PAGES, serials)
    return World(scene)


@wish(2)
def in_one_group(make_scene: MakeScene) -> World:
    scene = make_scene(devices=2, apps=1, macs=0, seats=10)
    world = World(scene)
    world.want(
        "groups: {sales: {serials: [SIM0000001]}, staff: {serials: [SIM0000002]}}\n"
        'apps: [{adam_id: "361309726", name: Pages, groups: [sales]}]'
    )
    assert world.shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    return world


@wish(3)
def on_seven(make_scene: MakeScene) -> World:
    world = installed(make_scene, 7)
    world.want(
        "groups: {everyone: {all: true}}\n"
        'apps: [{adam_id: "361309726", name: Pages, groups: [everyone]}]'
    )
    assert world.shell.run("apply", "--yes").exit_code == 0
    return world


@wish(4)
def one_to_replace(make_scene: MakeScene) -> World:
    world = in_one_group(make_scene)
    world.want("groups: {sales: {serials: [SIM0000001]}}")
    assert world.shell.run("apply", "--yes").exit_code == 0
    return world


@wish(5)
def short(make_scene: MakeScene) -> World:
    return World(make_scene(devices=3, apps=1, macs=0, seats=2))


@wish(6)
def with_a_new_token(make_scene: MakeScene) -> World:
    world = installed(make_scene)
    token = world.scene.world.apple.issue_token(world.scene.world.location)
    renewed = world.scene.tmp_path / "renewed.vpptoken"
    renewed.touch(0o600)
    renewed.write_text(token.text)
    return world


@wish(7)
def held_by_another(make_scene: MakeScene) -> World:
    scene = make_scene(devices=1, apps=1, macs=0, seats=10)
    location = scene.world.location
    info = {"id": "other-id", "name": "OtherMDM", "metadata": ""}
    location.client = replace(location.client, mdm_info=info)
    world = World(scene)
    assert world.shell.run("apply", "--yes").exit_code == 0
    world.go_on()
    return world


@wish(8)
@wish(11)
@wish(12)
@wish(14)
@wish(15)
def one_installed(make_scene: MakeScene) -> World:
    return installed(make_scene, 1)


@wish(11)
def nothing_wanted(make_scene: MakeScene) -> World:
    scene = make_scene(devices=1, apps=1, macs=0, seats=10)
    scene.pass_time(MINUTES)
    return World(scene)


@wish(9)
def in_trouble(make_scene: MakeScene) -> World:
    scene = make_scene(devices=3, apps=1, macs=0, seats=2)
    world = World(scene)
    world.shell.want([*scene.serials, "NEVERSEEN1"])
    assert world.shell.run("apply", "--yes").exit_code == 0
    world.go_on()
    return world


@wish(10)
def with_unwanted_licences(make_scene: MakeScene) -> World:
    world = installed(make_scene, 2)
    world.shell.want(world.scene.serials[:1])
    assert world.shell.run("apply", "--yes").exit_code == 0
    world.scene.world.devices[0].check_out()
    world.go_on()
    return world


@wish(13)
def two_days(make_scene: MakeScene) -> World:
    world = installed(make_scene, 2)
    world.scene.pass_time(2 * 86400.0)
    world.scene.world.devices[0].check_out()
    world.shell.run("assign", "NEVERSEEN1", "--app", PAGES)
    world.go_on()
    return world


@wish(16)
def where_three_things_disagree(make_scene: MakeScene) -> World:
    scene = make_scene(devices=3, apps=1, macs=0, seats=10)
    world = World(scene)
    for wanted in (
        [*scene.serials, "SIM000003"],
        [scene.serials[0], scene.serials[2], "SIM000003"],
    ):
        world.want(
            f"groups: {{sales: {{serials: [{', '.join(wanted)}]}}}}\n"
            'apps: [{adam_id: "361309726", name: Pages, groups: [sales]}]'
        )
        assert world.shell.run("apply", "--yes").exit_code == 0
        world.go_on()
    scene.world.apple.portal(scene.world.location, "DISASSOCIATE", PAGES, scene.serials[:1])
    return world


@wish(17)
def with_a_list_of_what_arrives(make_scene: MakeScene) -> World:
    scene = make_scene(devices=2, apps=1, macs=0, seats=4)
    world = World(scene)
    world.want(
        "groups: {everyone: {all: true}}\n"
        'apps: [{adam_id: "361309726", name: Pages, groups: [everyone]}]'
    )
    assert world.shell.run("apply", "--yes").exit_code == 0
    world.go_on()
    lines = ["Model,Serial Number"]
    lines += [f"iPad,{each}" for each in ("NEW0000001", "NEW0000002", "NEW0000003", "SIM0000001")]
    lines.append("iPad,SIM000000X")
    (scene.tmp_path / "arriving.csv").write_text("".join(f"{line}\n" for line in lines))
    return world


TEAM = """\
name: Workstations
software:
  app_store_apps:
    - app_store_id: "361309726"
      labels_include_any: [Product]
"""


@wish(18)
def with_another_tool(make_scene: MakeScene) -> World:
    scene = make_scene(devices=3, apps=1, macs=0, seats=10)
    scene.world.apple.portal(scene.world.location, "ASSOCIATE", PAGES, scene.serials[:2])
    (scene.tmp_path / "team.yml").write_text(TEAM)
    table = "serial_number,adam_id,name\nSIM0000001,361309726,Pages\nSIM0000003,361309726,Pages\n"
    (scene.tmp_path / "licences.csv").write_text(table)
    return World(scene)


@wish(19)
def a_newer_version(make_scene: MakeScene) -> World:
    """It is noon, three iPads have version 1.0, and the store has 2.0."""
    noon = datetime(2027, 1, 17, 11, tzinfo=UTC).timestamp()
    scene = make_scene(devices=3, apps=1, macs=0, seats=10, start=noon)
    scene.world.release(PAGES, "1.0", 100)
    world = World(scene)
    assert world.shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    scene.pass_time(25 * 3600.0)
    scene.world.release(PAGES, "2.0", 200)
    return world


def commands(block: str) -> Iterator[tuple[str, list[str]]]:
    """The commands of a console block, each with the lines that it is to print."""
    command: str | None = None
    lines: list[str] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            if command is not None:
                yield command, lines
            command, lines = line[2:], []
        else:
            lines.append(line)
    if command is not None:
        yield command, lines


def as_pattern(lines: list[str]) -> re.Pattern[str]:
    """What a command may print: a line of `...` is any lines, within a line it is anything."""
    parts = []
    for line in lines:
        if line.strip() == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(re.escape(line).replace(re.escape("..."), ".*") + r"[ ]*\n")
    return re.compile("".join(parts))


def test_every_wish_has_a_world() -> None:
    assert list(sections()) == list(range(1, 20)) == sorted(WORLDS)
    assert all(section.blocks for section in sections().values())


@pytest.mark.parametrize("number", range(1, 20))
def test_a_wish_of_an_operator(
    make_scene: MakeScene, number: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    section = sections()[number]
    if shutil.which("jq") is None and any("| jq" in body for _, body in section.blocks):
        pytest.skip("jq is missing")
    world = WORLDS[number](make_scene)
    monkeypatch.setenv("MICROMDM_API_KEY", world.scene.world.mdm.settings.api_key)
    for kind, body in section.blocks:
        if kind == "yaml":
            world.want(body)
            continue
        told = [(command, lines, play(world, command)) for command, lines in commands(body)]
        if FILL:
            fill(body, told)
            continue
        for command, lines, printed in told:
            assert as_pattern(lines).fullmatch(printed), (
                f"{section.title}: {command} prints\n{printed}"
            )


def test_both_webhook_keys_count_until_the_old_one_is_taken_away(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS[8](make_scene)
    monkeypatch.setenv("MICROMDM_API_KEY", world.scene.world.mdm.settings.api_key)
    first, second = (body for kind, body in sections()[8].blocks if kind == "yaml")
    for body, expected in ((first, (200, 200)), (second, (401, 200))):
        world.want(body)
        world.run("systemctl restart vpp-bridge")
        answers = []
        for key in ("hook-secret", "the-new-key"):
            basic = base64.b64encode(f"mdm:{key}".encode()).decode()
            posted = world.scene.client.post(
                "/hooks/mdm/main", data=b"{}", headers={"Authorization": f"Basic {basic}"}
            )
            answers.append(posted.status_code)
        assert tuple(answers) == expected


def play(world: World, command: str) -> str:
    """Run a command and let time pass; what it prints, without a trailing empty line."""
    printed = world.run(command)
    world.go_on()
    return "".join(f"{line.rstrip()}\n" for line in printed.rstrip().splitlines())


def fill(body: str, told: list[tuple[str, list[str], str]]) -> None:
    """Write what the commands of a block print into the page."""
    new = "".join(f"$ {command}\n{printed}" for command, _, printed in told)
    PAGE.write_text(PAGE.read_text().replace(f"```console\n{body}```", f"```console\n{new}```", 1))
