"""An upgrade goes forward by itself, the version before refuses what it cannot know, and the way
back that docs/how-to.md tells works."""

from collections.abc import Callable

import pytest

from bridge.errors import SchemaTooNew
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene
from tests.next_version import NAME, next_version

MakeScene = Callable[..., Scene]
COMMANDS = (["status"], ["installs"], ["drift"], ["apply", "--yes"], ["why", "SIM0000001"])


def made_up(scene: Scene) -> bool:
    with scene.bridge.database.read() as db:
        found = db.execute("SELECT name FROM pragma_table_info('installs')").fetchall()
    return "made_up" in {row[0] for row in found}


def test_there_and_back(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2, macs=0)
    scene.apply()
    scene.run(lambda: "installed INSTALLED" in scene.states())
    shell, copied = Shell(scene), scene.tmp_path / "before-upgrade.db"
    scene.bridge.close()
    assert shell.run("backup", str(copied)).exit_code == 0

    with next_version():  # forward, with installs on their way
        scene.start()
        assert made_up(scene)
        scene.run(scene.all_installed)
        scene.bridge.close()

    scene.world.advance(5.0)
    for command in COMMANDS:  # this one does not touch it, and says so in one line
        result = shell.run(*command)
        assert result.exit_code == 1, command
        (line,) = result.stderr.splitlines()
        assert f"was written by a newer bridge (it has {NAME})" in line
        assert "start that version, or restore a backup made before it" in line
    with pytest.raises(SchemaTooNew):
        scene.start()
    with next_version():
        scene.start()
        assert scene.all_installed(), "whoever goes forward again finds it as it was"
        scene.bridge.close()

    told = shell.json("restore", str(copied), "--yes")  # and the way back
    assert told["kept"] and "vpp-bridge resume --all" in str(told["next"])
    scene.start()
    assert not made_up(scene)
    assert shell.run("resume", "--all").exit_code == 0
    scene.run(scene.all_installed)
    assert scene.world.ledger.violations() == []
    assert scene.world.missing(scene.world.everything()) == []
