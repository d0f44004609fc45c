"""`import`: groups and apps for the file from Apple, Fleet or a table; printed, nothing stored."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene, Scene


def file_of(scene: Scene, name: str, content: bytes | str) -> str:
    path = Path(scene.tmp_path) / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return str(path)


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """Three devices, two of which another tool gave the first app, and one the second, too."""
    scene = make_scene(devices=3, apps=2, macs=0, seats=10)
    apple, location, (first, second) = scene.world.apple, scene.world.location, scene.adam_ids
    apple.portal(location, "ASSOCIATE", first, scene.serials[:2])
    apple.portal(location, "ASSOCIATE", second, scene.serials[:1])
    scene.world.advance(60)
    return Shell(scene)


def test_what_apple_shows_goes_into_the_file_and_nothing_is_asked_for(shell: Shell) -> None:
    scene = shell.scene
    first, second = scene.adam_ids
    shell.write(desired="groups: {}\napps: []\n")
    result = shell.run("import", "apple", "hq")
    assert (result.exit_code, result.stderr) == (0, "")
    found: Any = yaml.safe_load(result.stdout)
    assert found["groups"] == {
        "hq-1": {"serials": scene.serials[:2]},
        "hq-2": {"serials": scene.serials[:1]},
    }
    assert [(a["adam_id"], a["groups"], a["mode"]) for a in found["apps"]] == [
        (first, ["hq-1"], "license_only"),
        (second, ["hq-2"], "license_only"),
    ]
    with scene.bridge.database.read() as db:
        for table in ("installs", "applied", "assignments", "assets"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] == 0, "nothing stored"
    shell.write(desired=result.stdout)
    plan = shell.run("plan")
    assert plan.exit_code == 0, plan.output
    assert "needs 2, holds 2" in plan.stdout
    assert shell.run("apply", "--yes").exit_code == 0
    scene.pass_time(3600)
    assert "There is nothing to do" in shell.run("plan").stdout
    assert scene.states() == {"licensed LICENSED": 3}
    assert scene.world.ledger.requests["apple.associate"] == 0
    assert not any(each["by_us"] for each in scene.bridge.list_assignments().items)
    assert shell.run("drift", "--foreign").exit_code == 0


def test_an_unknown_location_is_told(shell: Shell) -> None:
    result = shell.run("import", "apple", "branch")
    assert result.exit_code == 2
    assert "location branch is unknown; known are hq" in result.stderr


def test_fleet_s_apps_are_printed(shell: Shell) -> None:
    file = file_of(
        shell.scene,
        "team.yml",
        """
name: Workstations
software:
  packages: []
  app_store_apps:
    - app_store_id: '361309726'
      labels_include_any: [Product, Sales & Marketing]
      setup_experience: true
    - app_store_id: 361310739
      self_service: true
      platform: darwin
      labels_exclude_any: [Product]
""",
    )
    result = shell.run("import", "fleet", file)
    assert (result.exit_code, result.stderr) == (0, "")
    assert "# Write the serial numbers of label 'Product' into product.txt, a line each." in (
        result.stdout
    )
    found: Any = yaml.safe_load(result.stdout)
    assert found["groups"] == {
        "product": {"serials_file": "product.txt"},
        "sales-marketing": {"serials_file": "sales-marketing.txt"},
        "everyone": {"all": True},
    }
    assert found["apps"] == [
        {"adam_id": "361309726", "groups": ["product", "sales-marketing"], "setup": "best_effort"},
        {
            "adam_id": "361310739",
            "groups": ["everyone"],
            "exclude": ["product"],
            "platforms": ["macOS"],
            "mode": "license_only",
        },
    ]
    for name in ("product.txt", "sales-marketing.txt"):
        file_of(shell.scene, name, shell.scene.serials[0])
    shell.write(desired=result.stdout)
    assert "361309726" in shell.run("plan", "--offline").stdout


@pytest.mark.parametrize(
    ("head", "separator"),
    [("serial_number{}adam_id{}name", ","), ("Serial Number{}App ID{}Name", ";")],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_table_is_printed(shell: Shell, head: str, separator: str, encoding: str) -> None:
    rows = [head.replace("{}", separator)]
    rows += [separator.join((s, "361309726", "Pages é")) for s in ("sim0000001", "SIM0000002")]
    file = file_of(shell.scene, "some.csv", "\r\n".join([*rows, ""]).encode(encoding))
    result = shell.run("import", "csv", file)
    assert (result.exit_code, result.stderr) == (0, "")
    found: Any = yaml.safe_load(result.stdout)
    assert found == {
        "groups": {"imported-1": {"serials": ["SIM0000001", "SIM0000002"]}},
        "apps": [
            {
                "adam_id": "361309726",
                "name": "Pages é",
                "groups": ["imported-1"],
                "mode": "license_only",
            }
        ],
    }
    shell.write(desired=result.stdout)
    assert "2 to add" in shell.run("plan", "--offline").stdout


@pytest.mark.parametrize(
    ("command", "content", "says"),
    [
        ("csv", "serial,app\nSIM1,361309726\n", "must name the columns serial_number and adam_id"),
        ("csv", "serial,adam_id\nS!M,361309726\n", 'line 2: "S!M" is not a serial number'),
        ("csv", "serial,adam_id\nSIM1,Pages\n", 'line 2: "PAGES" is not'),
        ("csv", "", "it has none"),
        ("csv", b"serial,adam_id\n\xff\xfe\xfa", "is not UTF-8"),
        ("fleet", "software: {packages: []}", "it has no app_store_apps"),
        ("fleet", "app_store_apps: [{app_store_id: Pages}]", "entry 1: app_store_id is no number"),
        ("fleet", "a: [", "is no YAML (line 1)"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    shell: Shell, command: str, content: bytes | str, says: str
) -> None:
    result = shell.run("import", command, file_of(shell.scene, "it.txt", content))
    assert (result.exit_code, result.stdout) == (2, "")
    assert says.lower() in result.stderr.lower()
    assert "it.txt" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_file_that_is_not_there_is_one_sentence(shell: Shell) -> None:
    result = shell.run("import", "csv", "nowhere.csv")
    assert result.exit_code == 2
    assert result.stderr.startswith("nowhere.csv cannot be read")
