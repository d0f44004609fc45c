"""`backup` and `restore`: nothing is lost, nothing is sent twice, and nobody is surprised."""

import shutil
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.cli import show
from bridge.simulator.devices import script
from bridge.simulator.faults import Fault
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    scene = make_scene(devices=2, apps=2, macs=0)
    scene.apply()
    return Shell(scene)


@pytest.fixture
def copied(shell: Shell) -> Path:
    """Where a backup of the shell's database goes."""
    return shell.scene.tmp_path / "copy.db"


def back_up(shell: Shell, copied: Path) -> None:
    result = shell.run("backup", str(copied))
    assert (result.exit_code, result.stderr) == (0, ""), result.output


def restore(shell: Shell, copied: Path) -> None:
    """Stop the bridge, restore, start it again."""
    shell.scene.bridge.close()
    told = shell.json("restore", str(copied), "--yes")
    assert Path(told["kept"]).exists()
    shell.scene.start()


def rows(path: Path, table: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as db:
        return db.execute(f"SELECT * FROM {table} ORDER BY rowid").fetchall()


def test_a_copy_of_the_live_database(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    scene.bridge.receive_webhook("main", b'{"topic": "mdm.Connect", "event_id": "new"}')
    back_up(shell, copied)
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    assert rows(copied, "events")[:-1] == rows(scene.config.database, "events") != []
    assert "new" in rows(copied, "events")[-1], "what waits in the inbox is a message of the copy"
    scene.settle()
    assert len(rows(copied, "events")) == len(rows(scene.config.database, "events"))
    copied.unlink()
    back_up(shell, copied)
    for table in ("events", "installs", "commands", "outbox", "assignments", "meta"):
        assert rows(copied, table) == rows(scene.config.database, table) != []
    left = [path.name for path in scene.tmp_path.iterdir() if path.name.startswith("copy.db")]
    assert left == ["copy.db"], "one file, and nothing beside it"


def test_a_copy_is_of_one_moment(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    with scene.bridge.database.write() as db:
        db.execute("UPDATE installs SET detail = 'not committed'")
        back_up(shell, copied)
    assert not any("not committed" in row for row in rows(copied, "installs"))


def test_a_file_is_not_overwritten_by_accident(shell: Shell, copied: Path) -> None:
    copied.write_text("precious")
    result = shell.run("backup", str(copied))
    assert (result.exit_code, copied.read_text()) == (1, "precious")
    assert "exists: name another file, or say --force" in result.stderr
    told = shell.json("backup", str(copied), "--force")
    assert told["bytes"] == copied.stat().st_size
    assert stat.S_IMODE(copied.stat().st_mode) == 0o600
    database = shell.scene.config.database
    assert shell.run("backup", str(database), "--force").exit_code == 1
    assert shell.run("status").exit_code == 0


def test_where_nothing_can_be_copied(shell: Shell, copied: Path) -> None:
    result = shell.run("backup", str(copied.parent / "nowhere" / "copy.db"))
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr
    shell.scene.bridge.close()
    shell.scene.config.database.unlink()
    result = shell.run("backup", str(copied))
    assert result.exit_code == 1
    assert "there is no database, and nothing to back up" in result.stderr
    assert not shell.scene.config.database.exists()


def test_a_damaged_database_gives_no_backup(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    scene.bridge.close()
    damage(scene.config.database)
    result = shell.run("backup", str(copied))
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert list(scene.tmp_path.glob("copy.db*")) == []


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[8192:-4096] = b"\x5a" * (len(content) - 8192 - 4096)
    path.write_bytes(bytes(content))


def posted(scene: Scene) -> list[str]:
    found = scene.world.ledger.installs_posted.values()
    return [each.command_uuid for some in found for each in some]


def commands_posted(scene: Scene) -> int:
    """How many commands of any kind, and pushes, the MDM server was sent."""
    requests = scene.world.ledger.requests
    return requests["mdm.command"] + requests["mdm.push"]


def resumed_and_claimed(shell: Shell) -> None:
    """What `restore` says to do next."""
    assert shell.run("resume", "--all").exit_code == 0
    assert shell.run("claim", "hq", "--name", "micromdm-vpp-bridge").exit_code == 0


def back_up_at(shell: Shell, copied: Path, reason: str) -> None:
    """Make the backup when an install has this reason, and go on until all is installed."""
    taken = False

    def at_the_moment() -> bool:
        nonlocal taken
        if not taken and any(state.endswith(f" {reason}") for state in shell.scene.states()):
            back_up(shell, copied)
            taken = True
        return shell.scene.all_installed()

    shell.scene.run(at_the_moment)
    assert taken, f"{reason} did not come"


def nothing_is_done_again(shell: Shell, copied: Path) -> None:
    """Restore, wait, resume and claim: Apple and the devices have it all already."""
    scene = shell.scene
    installs = posted(scene)
    restore(shell, copied)
    before = commands_posted(scene)
    scene.pass_time(7200)
    assert commands_posted(scene) == before, "nothing leaves while all is paused"
    resumed_and_claimed(shell)
    scene.run(scene.all_installed, limit=7200)
    assert posted(scene) == installs
    assert scene.world.ledger.violations() == []
    assert scene.world.missing(scene.world.everything()) == []


MOMENTS = (
    "LIST_FIRST",
    "ASSOCIATE_COLLECTING",
    "ASSOCIATE_REQUESTED",
    "COMMAND_READY",
    "COMMAND_SENT",
    "ACKNOWLEDGED",
    "INSTALLED",
)


@pytest.mark.parametrize("moment", MOMENTS)
def test_what_was_done_since_is_not_done_again(shell: Shell, copied: Path, moment: str) -> None:
    back_up_at(shell, copied, moment)
    nothing_is_done_again(shell, copied)


def test_a_list_from_before_the_backup_is_not_relied_on(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2, macs=0)
    shell, copied = Shell(scene), scene.tmp_path / "copy.db"
    desired = scene.desired()
    scene.apply(replace(desired, apps=desired.apps[:1]))
    scene.run(scene.all_installed)
    scene.apply(desired)
    back_up_at(shell, copied, "ASSOCIATE_COLLECTING")
    nothing_is_done_again(shell, copied)


def count(path: Path, query: str) -> int:
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute(f"SELECT count(*) FROM {query}").fetchone()[0])


OPEN = {
    "ASSOCIATE_REQUESTED": "apple_requests WHERE state IN ('ready', 'sending', 'open')",
    "APPLE_AWAY": "outbox WHERE kind = 'associate' AND state IN ('ready', 'claimed')",
    "COMMAND_READY": "commands WHERE state = 'ready'",
    "NOT_NOW": "commands WHERE state = 'not_now'",
    "LIST_FIRST": "devices WHERE apps_enrolment IS NOT NULL",
}


@pytest.mark.parametrize("moment", OPEN)
def test_what_was_open_is_in_doubt(make_scene: MakeScene, moment: str) -> None:
    busy = Fault("apple.associate", "error", number=9646)
    scene = make_scene(devices=2, apps=2, macs=0, faults=[busy] if moment == "APPLE_AWAY" else [])
    for device in scene.world.devices:
        device.script.add(*[script.not_now()] * (moment == "NOT_NOW"))
    shell, copied = Shell(scene), scene.tmp_path / "copy.db"
    scene.apply()
    if moment == "LIST_FIRST":
        scene.run(scene.all_installed)
    else:
        scene.run(lambda: any(state.endswith(f" {moment}") for state in scene.states()))
    back_up(shell, copied)
    scene.bridge.close()
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    database = scene.config.database
    assert count(copied, OPEN[moment]) > 0
    assert count(database, OPEN[moment]) == 0
    if moment in ("ASSOCIATE_REQUESTED", "APPLE_AWAY"):
        assert count(database, "apple_requests WHERE state = 'in_doubt'") == 1
    assert count(database, "pauses WHERE scope = 'all'") == 1
    assert count(database, "outbox WHERE state = 'claimed'") == 0


def test_an_app_that_is_not_managed_is_looked_for_again(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, macs=1)
    shell, copied = Shell(scene), scene.tmp_path / "copy.db"
    scene.apply(scene.desired(named=True, managed=False))
    scene.run(scene.all_installed)
    back_up(shell, copied)
    assert count(copied, "installed_apps") == 1
    scene.bridge.close()
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    assert count(scene.config.database, "installed_apps") == 0
    scene.start()
    resumed_and_claimed(shell)
    scene.run(lambda: count(scene.config.database, "installed_apps") == 1)
    assert len(posted(scene)) == 1


def test_a_restored_bridge_goes_on_with_what_was_not_done(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(lambda: any("ASSOCIATE_COLLECTING" in state for state in scene.states()))
    back_up(shell, copied)
    restore(shell, copied)
    before = commands_posted(scene)
    scene.pass_time(3600)
    assert commands_posted(scene) == before
    resumed_and_claimed(shell)
    scene.run(scene.all_installed, limit=7200)
    assert scene.world.ledger.violations() == []


def test_it_is_another_bridge_and_says_what_to_do(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    back_up(shell, copied)
    identity = next(row for row in rows(copied, "meta") if row[0] == "instance_id")
    scene.bridge.close()
    result = shell.run("restore", str(copied), "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "vpp-bridge resume --all" in result.stdout
    assert "vpp-bridge claim hq" in result.stdout
    assert identity not in rows(scene.config.database, "meta")
    assert rows(copied, "meta").count(identity) == 1, "the backup is as it was"
    (kept,) = scene.tmp_path.glob("bridge.db.before-restore-*Z")
    assert identity in rows(kept, "meta")
    assert stat.S_IMODE(scene.config.database.stat().st_mode) == 0o600
    assert list(scene.tmp_path.glob("bridge.db.restoring*")) == []
    scene.start()
    scene.run(lambda: shell.json("status")["locations"][0]["stopped"] == "FOREIGN_MDM")


def test_nobody_may_have_the_database_open(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    back_up(shell, copied)
    before = rows(scene.config.database, "meta")
    result = shell.run("restore", str(copied), "--yes")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "has this database open; stop it first" in result.stderr
    scene.bridge.close()
    engine = scene.bridge.database.engine_lock()
    engine.acquire(0.0)
    result = shell.run("restore", str(copied), "--yes")
    assert result.exit_code == 1
    assert "another engine runs on this database" in result.stderr
    engine.release()
    assert rows(scene.config.database, "meta") == before


@pytest.mark.parametrize("content", [b"", b"not a database", b"SQLite format 3\x00" + b"x" * 5000])
def test_what_is_no_backup_is_refused(shell: Shell, copied: Path, content: bytes) -> None:
    scene = shell.scene
    scene.bridge.close()
    before = rows(scene.config.database, "installs")
    copied.write_bytes(content)
    result = shell.run("restore", str(copied), "--yes")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert rows(scene.config.database, "installs") == before
    assert list(scene.tmp_path.glob("bridge.db.[rb]*")) == []


def test_a_backup_of_a_newer_bridge_is_refused(shell: Shell, copied: Path) -> None:
    back_up(shell, copied)
    shell.scene.bridge.close()
    with closing(sqlite3.connect(copied)) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at) "
            "VALUES ('bridge', 'm999_later', '')"
        )
    result = shell.run("restore", str(copied), "--yes")
    assert result.exit_code == 1
    assert "m999_later" in result.stderr
    assert list(shell.scene.tmp_path.glob("bridge.db.[rb]*")) == []


def test_a_damaged_backup_is_refused(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    back_up(shell, copied)
    damage(copied)
    scene.bridge.close()
    result = shell.run("restore", str(copied), "--yes")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1
    assert list(scene.tmp_path.glob("bridge.db.[rb]*")) == []


def test_a_database_that_is_lost_or_damaged_is_replaced(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    back_up(shell, copied)
    scene.bridge.close()
    damage(scene.config.database)
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    scene.config.database.unlink()
    told = shell.json("restore", str(copied), "--yes")
    assert told["kept"] is None
    scene.start()
    assert len(scene.installs()) == 4


def test_two_restores_within_a_second_keep_both(shell: Shell, copied: Path) -> None:
    back_up(shell, copied)
    shell.scene.bridge.close()
    kept = [shell.json("restore", str(copied), "--yes")["kept"] for _ in range(2)]
    assert len(set(kept)) == 2
    assert all(Path(path).exists() for path in kept)


def test_a_copy_of_the_running_files_is_a_backup_too(shell: Shell, copied: Path) -> None:
    scene = shell.scene
    scene.run(scene.all_installed)
    for ending in ("", "-wal"):
        shutil.copy(f"{scene.config.database}{ending}", f"{copied}{ending}")
    restore(shell, copied)
    assert len(scene.installs()) == 4


def test_a_person_is_asked(shell: Shell, copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    back_up(shell, copied)
    shell.scene.bridge.close()
    result = shell.run("restore", str(copied))
    assert result.exit_code == 2
    assert result.stderr == "nothing was restored: say --yes to replace the database\n"
    monkeypatch.setattr(show, "can_ask", lambda: True)
    assert shell.run("restore", str(copied), answer="n\n").exit_code == 1
    assert list(shell.scene.tmp_path.glob("bridge.db.before*")) == []
    assert shell.run("restore", str(copied), answer="y\n").exit_code == 0


def test_a_file_is_looked_at_before_anybody_is_asked(
    shell: Shell, copied: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.scene.bridge.close()
    copied.write_bytes(b"not a database")
    monkeypatch.setattr(show, "can_ask", lambda: True)
    for answer in ("y\n", "n\n", ""):
        result = shell.run("restore", str(copied), answer=answer)
        assert (result.exit_code, result.stdout) == (1, "")
        assert len(result.stderr.splitlines()) == 1, "no question"
        assert "copy.db" in result.stderr
