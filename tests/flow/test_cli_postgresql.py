"""Every command on a database of PostgreSQL's that the configuration names by its URL."""

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from bridge.cli.commands import COMMANDS
from bridge.store import meta, pauses
from bridge.store.desired import applied
from tests import postgresql
from tests.flow.cli_kit import Shell
from tests.flow.on_postgresql import Databases
from tests.flow.scene import Scene
from tests.flow.test_cli_backup import commands_posted

MakeScene = Callable[..., Scene]

APP = "361309726"
PUT_BACK = (
    ": its rows were put back, as pg_restore does, and what was done since the copy is not known; "
    "stop the bridge, and run vpp-bridge restore --after-pg-restore before anything else"
)
RUN: dict[str, tuple[tuple[str, ...], int]] = {
    "apply": (("apply", "--yes"), 0),
    "plan": (("plan",), 0),
    "status": (("status",), 0),
    "status all": (("status", "--all"), 0),
    "status filtered": (("status", "--needs-someone"), 0),
    "doctor": (("doctor",), 1),
    "why": (("why", "{serial}", "{app}"), 0),
    "why unknown": (("why", "NOBODY", "{app}"), 2),
    "installs": (("installs",), 0),
    "installs csv": (("installs", "--csv"), 0),
    "installs by": (("installs", "--by", "reason"), 0),
    "devices": (("devices",), 0),
    "assets": (("assets",), 0),
    "assignments": (("assignments",), 0),
    "outbox": (("outbox",), 0),
    "events": (("events",), 0),
    "events replay": (("events", "replay", "1", "--dry-run"), 0),
    "outbox retry": (("outbox", "retry", "999"), 2),
    "assign": (("assign", "{serial}", "--app", "{app}"), 0),
    "unassign": (("unassign", "{serial}", "--app", "{app}"), 0),
    "reclaim": (("reclaim", "--unwanted", "--dry-run"), 0),
    "replace": (("replace", "NEVERSEEN1", "NEVERSEEN2"), 1),
    "update": (("update", "{app}", "--yes"), 0),
    "import": (("import", "apple", "hq"), 0),
    "retry": (("retry", "--yes"), 0),
    "pause": (("pause", "--all"), 0),
    "resume": (("resume", "--all"), 0),
    "sync": (("sync",), 0),
    "claim": (("claim", "hq", "--name", "micromdm-vpp-bridge"), 0),
    "bundle": (("bundle", "support.json", "--offline"), 0),
    "backup": (("backup", "copy.dump"), 2),
    "restore": (("restore", "copy.dump"), 2),
}
"""By name: what is run, in this order, and the exit code. Other commands are run as they are."""
WITHOUT = {"init", "reasons", "completion", "demo", "simulate"}
"""Commands that have no database of the configuration's."""
ELSEWHERE = {"serve"}
"""tests/flow/test_serve_postgresql.py"""


@pytest.fixture
def shell(make_scene: MakeScene, on_a_server: None, server_databases: Databases) -> Shell:
    scene = make_scene(devices=2, apps=1)
    shell = Shell(scene)
    where = postgresql.url(server_databases._made[scene.config.database], password="hunter2")
    text = shell.config.read_text()
    shell.config.write_text(text.replace("database: bridge.db", f"database: {where}"))
    return shell


def test_each_command(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(shell.scene.tmp_path)
    shell.scene.run(lambda: True)
    others = COMMANDS.keys() - {name.split()[0] for name in RUN} - WITHOUT - ELSEWHERE
    for name, (words, code) in (RUN | {name: ((name,), 0) for name in sorted(others)}).items():
        given = [
            word.format(serial=shell.scene.serials[0], app=shell.scene.adam_ids[0])
            for word in words
        ]
        result = shell.run(*given)
        assert result.exit_code == code, f"{name}: {result.output}"
        assert "hunter2" not in result.output, name
        assert "Traceback" not in result.output
        shell.scene.settle()
    shell.scene.run(shell.scene.all_installed)
    shown = shell.json("status")
    assert shown["installs"]["by_state"] == {"installed": 2}
    assert shown["parts"][0]["detail"].startswith("postgresql:///")


def run(line: str) -> None:
    home = postgresql.programs()
    done = subprocess.run(
        ["/bin/sh", "-c", line],
        env=os.environ | {"PATH": f"{home}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr


def test_a_backup_and_back_again(shell: Shell, tmp_path: Path) -> None:
    """As on SQLite: paused, another bridge, and what was under way is doubted, so that nothing is
    sent twice."""
    scene = shell.scene
    if postgresql.programs() is None:
        pytest.skip("no pg_dump")
    scene.apply()
    copy = tmp_path / "copy.dump"
    scene.settle()
    scene.bridge.receive_webhook("main", b'{"topic": "mdm.Connect", "event_id": "late"}')
    told = shell.json("backup", str(copy), code=2)
    (line,) = told["commands"]
    assert told["done"] is False and "hunter2" not in line and not copy.exists()
    run(line)
    assert copy.stat().st_mode & 0o777 == 0o600
    scene.run(scene.all_installed)
    with scene.bridge.database.read() as db:
        before = meta.recall(db, "instance_id")
    refused = shell.run("restore", "--after-pg-restore", "--yes")
    assert refused.exit_code == 1
    assert "has this database open; stop it first" in refused.stderr
    scene.bridge.close()
    told = shell.json("restore", str(copy), code=2)
    restoring, then = told["commands"]
    assert "hunter2" not in restoring
    run(restoring)
    assert shlex.split(then)[0] == "vpp-bridge" and then.endswith("restore --after-pg-restore")
    posted = commands_posted(scene)
    forgotten = shell.run("pause", "--all")
    assert (forgotten.exit_code, forgotten.stdout) == (1, "")
    (line,) = forgotten.stderr.splitlines()
    assert PUT_BACK in line and "hunter2" not in line
    assert shell.run("restore", "--after-pg-restore").exit_code == 2, "nobody agreed"
    told = shell.json("restore", "--after-pg-restore", "--yes")
    assert told["instance_id"] != before and "claim hq" in told["next"][3]
    scene.start()
    with scene.bridge.database.read() as db:
        assert meta.recall(db, "instance_id") == told["instance_id"]
        assert pauses.load(db).all[0].scope == "all"
        assert applied.last(db) is not None
    scene.settle()
    assert commands_posted(scene) == posted, "paused"
    assert shell.run("resume", "--all").exit_code == 0
    assert shell.run("claim", "hq", "--name", "micromdm-vpp-bridge").exit_code == 0
    scene.run(scene.all_installed)
    assert [len(some) for some in scene.world.ledger.installs_posted.values()] == [1, 1]


@pytest.fixture
def copied(shell: Shell, tmp_path: Path, server_databases: Databases) -> Callable[[str], str]:
    """A copy of a bridge's database, which has ended since; calling this fills in a line with the
    copy, and the database where it was."""
    if postgresql.programs() is None:
        pytest.skip("no pg_dump")
    scene = shell.scene
    scene.apply()
    scene.run(scene.all_installed)
    copy = tmp_path / "copy.dump"
    (line,) = shell.json("backup", str(copy), code=2)["commands"]
    run(line)
    scene.bridge.close()
    where = server_databases._made[scene.config.database]
    name = postgresql.name_of(where)
    server = shlex.quote(psycopg.conninfo.make_conninfo(where, dbname="postgres"))
    return lambda line: line.format(copy=copy, where=shlex.quote(where), name=name, server=server)


RESTORES = {
    "over it": "pg_restore --clean --if-exists --no-owner --dbname={where} {copy}",
    "one by one": "pg_restore --clean --if-exists --no-owner --jobs=2 --dbname={where} {copy}",
    "into a new one": "psql -q --dbname={server} -c 'DROP DATABASE {name} WITH (FORCE)' "
    "-c 'CREATE DATABASE {name} TEMPLATE template0' && "
    "pg_restore --single-transaction --dbname={where} {copy}",
    "the rows alone": "psql -q --dbname={where} -c 'DELETE FROM meta' && pg_restore --data-only "
    "--table=meta --dbname={where} {copy}",
    "as statements": "psql -q --dbname={where} -c 'DELETE FROM meta' && pg_restore --data-only "
    "--table=meta -f - {copy} | psql -q --dbname={where}",
}


@pytest.mark.slow
@pytest.mark.parametrize("line", RESTORES.values(), ids=RESTORES)
def test_what_was_put_back_otherwise_is_told(
    shell: Shell, copied: Callable[[str], str], line: str
) -> None:
    run(copied(line))
    refused = shell.run("pause", "--all")
    assert refused.exit_code == 1
    (said,) = refused.stderr.splitlines()
    assert PUT_BACK in said
    found = [each for each in shell.json("doctor", code=1)["findings"] if each["level"] == "fail"]
    assert any("--after-pg-restore" in (each["mend"] or "") for each in found)
    assert shell.run("restore", "--after-pg-restore", "--yes").exit_code == 0
    assert shell.run("resume", "--all").exit_code == 0


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("restore",), "Name a file, or say --after-pg-restore without one"),
        (("restore", "x.dump", "--after-pg-restore"), "Name a file, or say --after-pg-restore"),
    ],
)
def test_what_is_no_way_to_restore(shell: Shell, words: tuple[str, ...], said: str) -> None:
    result = shell.run(*words)
    assert result.exit_code == 2 and said in result.stderr


def test_a_file_is_restored_from_a_file(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    result = shell.run("restore", "--after-pg-restore")
    assert result.exit_code == 2
    assert "--after-pg-restore is for a database on a PostgreSQL server" in result.stderr
    assert "Missing argument 'FILE'" in shell.run("restore").stderr
