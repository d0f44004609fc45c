"""`bundle`: what a helper needs is in it, and nothing that names anybody, and no key."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest

from bridge.store.devices import devices
from tests.flow import with_all
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, WEBHOOK_KEY, MakeScene, Scene

NAME = "Ann's own iPad"
MAIL = "ann@example.org"


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    """Two devices with their apps, one of them named, a user, and one wish that cannot be met."""
    scene = make_scene(devices=2, apps=2)
    with_all.work(scene)
    with scene.bridge.database.write() as db:
        found = devices.by_serial(db)[scene.serials[0]]
        devices.learn(db, found.id, {"name": NAME}, scene.now())
    scene.bridge.assign(["NEVERSEEN1"], scene.adam_ids[0])
    scene.settle()
    return scene


@pytest.fixture
def shell(scene: Scene) -> Shell:
    return Shell(scene)


def written(shell: Shell, *options: str, code: int = 0) -> dict[str, Any]:
    file = shell.scene.tmp_path / "support.json"
    result = shell.run("bundle", str(file), "--force", *options)
    assert result.exit_code == code, result.output
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def test_what_a_helper_needs_is_in_it(shell: Shell) -> None:
    told = written(shell)
    assert told["versions"]["bridge"] and told["versions"]["flask"]
    assert {each["part"] for each in told["doctor"]} > {"database", "hook main"} or told["doctor"]
    assert told["configuration"]["policy"]["command"]["window"] == 200
    assert told["configuration"]["servers"]["main"]["url"] == "http://127.0.0.1:9999"
    assert told["database"]["rows"]["devices"] == 2 and told["database"]["rows"]["installs"] == 5
    assert told["status"]["installs"]["wanted"] == 5
    for part in ("events", "commands", "outbox", "audit", "locations"):
        assert told[part], part
    assert not any("body" in each for each in told["events"])
    assert told["configuration"]["desired"]["apps"][0]["adam_id"] == shell.scene.adam_ids[0]


def test_what_needs_somebody_is_explained_as_why_does(shell: Shell, scene: Scene) -> None:
    told = written(shell, "--offline", "--with-serials")
    needing = shell.json("installs", "--needs-someone")
    assert [each["sentence"] for each in told["needs_somebody"]] == [
        each["sentence"] for each in needing["installs"]
    ]


def test_nobody_is_named(shell: Shell, scene: Scene) -> None:
    told = json.dumps(written(shell), ensure_ascii=False)
    known = written(shell, "--with-serials")
    for device in scene.world.devices:
        assert device.serial_number not in told and device.udid not in told
        assert device.serial_number in json.dumps(known)
    for gone in ("NEVERSEEN1", NAME, with_all.ANN, MAIL):
        assert gone not in told, gone
    assert NAME in json.dumps(known, ensure_ascii=False)
    for stays in (scene.adam_ids[0], "hq", "main"):
        assert stays in told


def test_the_same_device_has_the_same_word_in_every_bundle(shell: Shell) -> None:
    one, other = written(shell, "--offline"), written(shell, "--offline")
    serials = [{each["serial_number"] for each in told["commands"]} for told in (one, other)]
    assert serials[0] == serials[1] and len(serials[0]) == 2
    assert all(each.startswith("serial-") for each in serials[0])


@pytest.mark.parametrize("options", [(), ("--with-serials",)])
def test_no_key_is_in_it(shell: Shell, scene: Scene, options: tuple[str, ...]) -> None:
    told = json.dumps(written(shell, *options))
    location = scene.world.location
    for each in (API_KEY, WEBHOOK_KEY, location.token, location.client.notification_token):
        assert each and each not in told
    with scene.bridge.database.read() as db:
        identity = db.execute("SELECT value FROM meta WHERE key = 'instance_id'").fetchone()[0]
    assert str(identity).strip('"') not in told


def test_it_can_be_read_by_its_owner_alone_and_replaces_nothing(shell: Shell) -> None:
    file = shell.scene.tmp_path / "b.json"
    result = shell.run("bundle", str(file), "--offline")
    assert result.exit_code == 0
    assert "without serial numbers and names" in result.stdout and "read it before" in result.stdout
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    before = file.read_bytes()
    again = shell.run("bundle", str(file), "--offline")
    assert again.exit_code == 2 and "--force" in again.stderr
    assert file.read_bytes() == before and list(file.parent.glob("*.part")) == []


def test_offline_nobody_is_asked(shell: Shell, scene: Scene) -> None:
    before = len(scene.apple_adapter.calls), len(scene.mdm_adapter.calls)
    assert written(shell, "--offline")["doctor"] is None
    assert (len(scene.apple_adapter.calls), len(scene.mdm_adapter.calls)) == before


def test_without_a_database_it_tells_the_rest(shell: Shell) -> None:
    nowhere = shell.scene.tmp_path / "empty"
    nowhere.mkdir()
    text = shell.config.read_text().replace("database: bridge.db", "database: empty/new.db")
    shell.config.write_text(text)
    told = written(shell, "--offline")
    assert "no database at" in told["database"]["cannot_be_read"]
    assert told["versions"]["bridge"] and "status" not in told
    assert list(nowhere.iterdir()) == []


def test_it_says_why_it_cannot_be_written(shell: Shell, tmp_path: Path) -> None:
    result = shell.run("bundle", str(tmp_path / "nowhere" / "b.json"), "--offline")
    assert result.exit_code == 2 and "No such file or directory" in result.stderr
