"""A database that is gone when nobody has it open: no command, and no start, makes an empty one.

An empty one would look like a fleet without apps, and all that is open at Apple would be forgotten.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bridge.app import Bridge, open_bridge
from bridge.app.opening import Opening
from bridge.errors import StoreError, StoreFull, StoreLost
from bridge.store.file.database import FileDatabase
from bridge.web import create_app
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene
from tests.flow.test_cli_no_database import NEED_ONE, PAIR
from tests.flow.test_messages import BASIC
from tests.flow.test_serve_process import Ground, ground, until

__all__ = ["ground"]

OTHERS = [
    ("apply", "--yes"),
    ("plan",),
    ("assign", PAIR[0], "--app", PAIR[1]),
    ("claim", "hq"),
    ("sync",),
]
ABSENT = ["removed", "emptied"]


def lose(path: Path, how: str = "removed") -> None:
    for file in (path, *path.parent.glob(f"{path.name}-*")):
        file.unlink()
    if how == "emptied":
        path.touch()


def is_there(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def sentence(path: Path) -> str:
    return (
        f"{path}: the database that was here was removed or emptied; move it back, or run "
        "vpp-bridge restore with a backup; or, to begin anew without all that it knew, "
        f"remove {path}.open"
    )


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """A command line beside a bridge that has just ended."""
    shell = Shell(make_scene(devices=2, apps=1))
    assert shell.run("apply", "--yes").exit_code == 0
    shell.scene.bridge.close()
    return shell


@pytest.mark.sweep
@pytest.mark.parametrize("how", ABSENT)
@pytest.mark.parametrize("arguments", [*NEED_ONE, *OTHERS], ids=" ".join)
def test_every_command_says_so_and_makes_none(
    shell: Shell, arguments: tuple[str, ...], how: str
) -> None:
    path = shell.scene.config.database
    lose(path, how)
    if arguments == ("pause",):
        arguments = ("pause", "--app", PAIR[1])
    result = shell.run(*arguments)
    assert result.stdout == ""
    assert result.stderr.splitlines() == [f"vpp-bridge: {sentence(path)}"]
    assert result.exit_code == 1
    assert not is_there(path)


def test_doctor_says_so(shell: Shell) -> None:
    path = shell.scene.config.database
    lose(path)
    shell.serving = False
    result = shell.run("doctor")
    assert result.exit_code == 1
    assert f"fail  database: {sentence(path)}" in result.stdout


def test_the_ways_out(shell: Shell, tmp_path: Path) -> None:
    path, copied = shell.scene.config.database, tmp_path / "copy.db"
    assert shell.run("backup", str(copied)).exit_code == 0
    lose(path)
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    assert shell.json("status")["installs"]["wanted"] == 2
    path.rename(tmp_path / "aside.db")
    assert shell.run("status").exit_code == 1
    (tmp_path / "aside.db").rename(path)
    assert shell.run("status").exit_code == 0
    lose(path)
    path.with_name("bridge.db.open").unlink()
    assert shell.run("apply", "--yes").exit_code == 0, "it begins anew"


def test_a_start_that_failed_before_there_was_a_database_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk without room: what was made by then is an empty file."""

    def no_room(_path: object, _cache: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "bridge.db"
    with monkeypatch.context() as broken:
        broken.setattr("bridge.store.file.database.connect", no_room)
        with pytest.raises(StoreFull):
            FileDatabase(path).open()
    assert not is_there(path)
    for _ in range(2):
        database = FileDatabase(path)
        database.open()
        database.close()


def test_another_file_by_the_name_is_a_database_like_any(tmp_path: Path) -> None:
    """Who moves a bridge to another disk copies its file; nobody has it in use."""
    path = tmp_path / "bridge.db"
    database = FileDatabase(path)
    database.open()
    database.close()
    copied = path.read_bytes()
    lose(path)
    path.write_bytes(copied)
    database.open()
    database.close()


@pytest.mark.parametrize("how", ABSENT)
def test_serve_does_not_begin(ground: Ground, how: str) -> None:
    path = ground.folder / "bridge.db"
    database = FileDatabase(path)
    database.open()
    database.close()
    lose(path, how)
    served = ground.serve()
    assert served.ends() == 1
    (line,) = served.lines()
    assert sentence(path) in line and "level=error" in line
    assert not is_there(path)


def test_hooks_are_answered_while_a_web_side_that_starts_has_no_database(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.app.opening.AGAIN", 0.01)
    caplog.set_level("INFO")
    scene = make_scene(devices=1, apps=1)
    scene.bridge.close()
    path, aside = scene.config.database, scene.tmp_path / "aside.db"
    path.rename(aside)
    bridge = open_bridge(scene.config)
    client = create_app(bridge).test_client()

    def post(key: str = BASIC) -> int:
        headers = {"Authorization": key}
        return client.post("/hooks/mdm/main", data=b'{"topic": "t"}', headers=headers).status_code

    def fatal() -> list[str]:
        parts = client.get("/readyz").get_json()["parts"]
        return [p["detail"] for p in parts if p["name"] == "database" and not p["ok"]]

    assert (post(), post("Basic eDp5")) == (503, 401)
    assert client.get("/readyz").status_code == 503
    assert fatal() == [sentence(path)]
    assert client.get("/healthz").status_code == 200, "a restart would bring nothing back"
    assert caplog.text.count("the database cannot be opened") == 1
    aside.rename(path)
    until(lambda: post() == 200, "it goes on by itself")
    assert "the database could be opened" in caplog.text
    with bridge.database.read() as db:
        (lost,) = db.execute("SELECT value FROM counters WHERE name = 'mdm.503'").fetchone()
    assert lost >= 1
    bridge.close()


def test_what_no_wait_mends_ends_a_start(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.bridge.close()
    scene.config.database.write_bytes(b"this is no database, and long enough\n" * 200)
    with pytest.raises(StoreError):
        open_bridge(scene.config)


def test_nobody_goes_on_trying_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.app.opening.AGAIN", 0.001)
    tries: list[int] = []

    def open_() -> None:
        tries.append(1)
        raise StoreLost("a", "b")

    opening = Opening(open_)
    opening.begin()
    until(lambda: len(tries) > 2, "it is tried again")
    opening.stop()
    before = len(tries)
    opening.stop()
    assert len(tries) == before


def test_a_bridge_that_never_opened_can_be_closed(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.bridge.close()
    lose(scene.config.database)
    bridge = Bridge(scene.config)
    with pytest.raises(StoreLost):
        bridge.open()
    bridge.close()
