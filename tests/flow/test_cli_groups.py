"""Groups and apps in the file, from the command line: what is stored, and every mistake in them."""

from collections.abc import Callable

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    return Shell(make_scene(devices=3, apps=2, macs=0))


def pairs(scene: Scene) -> set[tuple[str, str]]:
    """What is wanted by now."""
    return {
        (each["serial_number"], each["adam_id"])
        for each in scene.installs()
        if each["wanted_by"] == "file"
    }


def test_a_file_of_serials_is_read_by_apply_and_stored(shell: Shell) -> None:
    scene = shell.scene
    listed = scene.tmp_path / "sales.txt"
    listed.write_text(f"\ufeff{scene.serials[0].lower()}\r\n\r\nNOTYETHERE # ordered\r\n")
    first = scene.adam_ids[0]
    shell.write(
        desired="groups: {sales: {serials_file: sales.txt}}\n"
        f"apps: [{{adam_id: {first}, groups: [sales]}}]\n"
    )
    assert shell.run("apply", "--yes").exit_code == 0
    stored = {(scene.serials[0], first), ("NOTYETHERE", first)}
    assert pairs(scene) == stored

    listed.write_text(f"{scene.serials[1]}\n")
    scene.restart()
    scene.pass_time(3600)
    assert pairs(scene) == stored, "the file counts when it is applied, not before"
    shell.run("apply", "--yes")
    assert pairs(scene) == {(scene.serials[1], first)}


def test_every_mistake_in_groups_and_apps_is_a_line_and_nothing_is_stored(shell: Shell) -> None:
    scene = shell.scene
    shell.run("apply", "--yes")
    before = pairs(scene)
    (scene.tmp_path / "sales.txt").write_text("OK1\nnot ok\nOK1\n")
    shell.write()
    start = shell.config.read_text().count("\n")
    mistaken = """\
groups:
  Sales: {all: true}
  sales: {serials_file: sales.txt}
  lost: {serials_file: lost.txt}
  both: {all: true, match: {name: x}}
  new: {match: {os_version: "17+", colour: red}}
  none: {}
apps:
  - {adam_id: "1", groups: [everyone]}
  - {adam_id: "2", groups: [sales], exclude: [kiosks]}
  - {adam_id: "2", groups: [both], location: [hq, branch]}
  - {adam_id: "3", groups: [both], priority: first}
  - {adam_id: "3", groups: [sales]}
"""
    shell.write(desired=mistaken)
    result = shell.run("apply", "--yes")
    assert (result.exit_code, result.stdout) == (2, "")
    found = [line.split(": ")[:2] for line in result.stderr.splitlines()]
    where = [
        (2, "groups.Sales"),
        (4, "groups.lost.serials_file"),
        (5, "groups.both"),
        (6, "groups.new.match.colour"),
        (6, "groups.new.match.os_version"),
        (7, "groups.none"),
        (9, "apps.0.groups.0"),
        (10, "apps.1.exclude.0"),
        (11, "apps.2.location.1"),
        (11, "apps.2.adam_id"),
        (12, "apps.3.priority"),
        (13, "apps.4.adam_id"),
    ]
    expected = [[f"{shell.config}:{start + line}", key] for line, key in where]
    expected.insert(1, [f"{scene.tmp_path}/sales.txt:2", "groups.sales.serials_file"])
    assert found == expected
    assert pairs(scene) == before


def test_why_tells_what_keeps_a_device_out_of_its_groups(shell: Shell) -> None:
    scene = shell.scene
    first, second = scene.adam_ids
    library = scene.world.location.library
    library.assets[second, "STDQ"].platforms = ("tvOS",)
    scene.world.devices[0].reenrol()
    scene.pass_time(2 * 3600)
    shell.write(
        desired="groups:\n  lab: {match: {name: Lab-*, product_name: iPad*}}\n  all: {all: true}\n"
        f"apps: [{{adam_id: {first}, groups: [lab]}}, {{adam_id: {second}, groups: [all]}}]\n"
    )
    shell.run("apply", "--yes")

    def said(serial: str, adam_id: str) -> str:
        result = shell.run("why", serial, adam_id)
        assert result.exit_code == 2
        return result.stderr.strip()

    known, listed, _ = scene.serials
    assert said(listed, first) == f"app {first} is not wanted on {listed}: " + (
        "whether its groups mean the device depends on what was never reported "
        "(product_name, name); run vpp-bridge sync devices, and then apply"
    )
    scene.pass_time(60)
    assert said(known, first) == f"app {first} is not wanted on {known}: " + (
        "none of the groups that get it (lab) means the device"
    )
    assert said(known, second) == f"app {second} is not wanted on {known}: " + (
        "it does not run there, since its product is iPad13,18"
    )
