"""After an end that was none in order the database file is looked through: what is seen of it."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.app import Bridge
from bridge.app.running import run_engine
from bridge.config import Config
from bridge.engine.upkeep import file_check
from bridge.store import events
from bridge.store.database import Connection
from bridge.store.file import backup
from bridge.store.file.database import FileDatabase
from bridge.store.file.engine_lock import EngineLock
from bridge.store.file.soundness import Look, Soundness
from bridge.store.inbox.message import NewMessage
from bridge.web import create_app
from tests.flow.cli_kit import Shell
from tests.flow.scene import WEBHOOK_KEY, Scene
from tests.flow.test_forward import CONFIG, PROCESS_DEADLINE, deliver
from tests.flow.test_serve_process import Served, end, until
from tests.loopback import free_port
from tests.unit.store_kit import take

MEND = "put a backup in its place with vpp-bridge restore"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A bridge that has nobody to call."""
    return Config(path=tmp_path / "config.yaml", database=tmp_path / "bridge.db")


@contextmanager
def engine(config: Config) -> Iterator[None]:
    """An engine's process, as a thread; it ends in order."""
    stop = threading.Event()
    thread = threading.Thread(target=run_engine, args=(config, stop))
    thread.start()
    try:
        until(EngineLock(config.database).held, "the engine runs")
        yield
    finally:
        stop.set()
        thread.join(20)
        assert not thread.is_alive()


def run_and_end(config: Config) -> None:
    with engine(config):
        until(lambda: EngineLock(config.database).silent_for() is not None, "it lives")


def kill(config: Config) -> None:
    """What an engine that was killed leaves."""
    lock = EngineLock(config.database)
    lock.acquire(0.0)
    lock.begin()
    lock.release()


def part(config: Config) -> dict[str, Any] | None:
    """What /readyz says of the database file; it is ready whatever that is."""
    bridge = Bridge(config).open()
    try:
        answer = create_app(bridge).test_client().get("/readyz")
    finally:
        bridge.close()
    found = {each["name"]: each for each in answer.json["parts"]}
    assert found["database"]["ok"]
    return found.get("database file")


def message(db: Connection, number: int) -> None:
    new = NewMessage("mdm", "main", "mdm.Connect", "", f"e{number}", b"{}" * 30)
    take(db, new, 1_800_000_000.0 + number)


def made_of_two(path: Path) -> None:
    """A database as it is after a backup was copied by hand over it, beside its `-wal`."""
    database = FileDatabase(path)
    database.open()
    for number in range(500):
        with database.write() as db:
            message(db, number)
    old = path.with_name("old.db")
    backup.back_up(path, old, replace=False, report=lambda _done, _all: None)
    for number in range(500, 1042):
        with database.write() as db:
            message(db, number)
    database.fold()
    with database.write() as db:
        message(db, 5000)
    wal = path.with_name(f"{path.name}-wal").read_bytes()  # a kill leaves it
    database.close()
    shutil.copy(old, path)
    path.with_name(f"{path.name}-wal").write_bytes(wal)


def test_a_backup_that_was_copied_by_hand_is_found_out(
    config: Config, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    made_of_two(config.database)
    with engine(config):
        until(lambda: part(config), "it was looked through")
    found = part(config)
    assert found is not None
    assert (found["ok"], found["severity"]) == (False, "degraded")
    assert "it is damaged: " in found["detail"] and "missing from index" in found["detail"]
    assert MEND in found["detail"] and "the old -wal" in found["detail"]
    errors = [r.getMessage() for r in caplog.records if r.levelno >= logging.ERROR]
    (error,) = (said for said in errors if MEND in said)  # the engine may stumble over it, too
    assert "missing from index" in error
    with closing(sqlite3.connect(config.database)) as db:
        assert db.execute("PRAGMA quick_check").fetchone() == ("ok",), "which sees nothing of it"


def test_status_and_doctor_tell_of_it(
    make_scene: Callable[..., Scene], caplog: pytest.LogCaptureFixture
) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    config = shell.scene.config
    shell.scene.bridge.close()
    for ending in ("", "-wal", "-shm", ".open"):
        config.database.with_name(f"bridge.db{ending}").unlink(missing_ok=True)
    made_of_two(config.database)
    bare = Config(path=config.path, database=config.database)
    with engine(bare):
        until(lambda: part(bare), "it was looked through")
    assert "Attention: database file: it is damaged: " in shell.run("status").stdout
    result = shell.run("doctor")
    assert result.exit_code == 1
    (line,) = (each for each in result.stdout.splitlines() if "is damaged" in each)
    assert line.startswith("fail  database: ") and "missing from index" in line and MEND in line


def test_an_end_in_order_needs_no_look(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run_and_end(config)
    assert (
        not (wal := config.database.with_name("bridge.db-wal")).exists() or not wal.stat().st_size
    )
    run_and_end(config)
    assert part(config) is None
    assert "looked through" not in caplog.text


def test_a_kill_needs_one_look(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    run_and_end(config)
    kill(config)
    with engine(config):
        until(lambda: part(config), "it was looked through")
    found = part(config)
    assert found is not None and (found["ok"], found["detail"]) == (True, "sound")
    assert caplog.text.count("looked through meanwhile") == 1
    assert "the database file is sound" in caplog.text
    run_and_end(config)
    assert caplog.text.count("looked through meanwhile") == 1


def test_a_wal_that_is_left_needs_a_look(config: Config, caplog: pytest.LogCaptureFixture) -> None:
    """The engine ended in order, the web side was killed."""
    caplog.set_level(logging.INFO)
    run_and_end(config)
    config.database.with_name("bridge.db-wal").write_bytes(b"left")
    with engine(config):
        until(lambda: part(config), "it was looked through")
    assert "looked through meanwhile" in caplog.text


def test_damage_is_looked_after_until_it_is_gone(config: Config) -> None:
    made_of_two(config.database)
    with engine(config):
        until(lambda: part(config), "it was looked through")
    with closing(sqlite3.connect(config.database)) as db:
        db.execute("REINDEX")
        db.commit()
    with engine(config):
        until(lambda: (part(config) or {})["ok"], "it is sound")


def test_nothing_waits_for_the_look(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    run_and_end(config)
    kill(config)
    begun, may_end = threading.Event(), threading.Event()

    def run(look: Look, within: float) -> Soundness:
        begun.set()
        assert may_end.wait(20)
        return Soundness("is something that nobody shall hear of")

    monkeypatch.setattr(Look, "run", run)
    monkeypatch.setattr(Look, "end", lambda _look: may_end.set())
    bridge = Bridge(config).open()
    with engine(config):
        assert begun.wait(20)
        bridge.receive_webhook("main", b'{"topic": "mdm.Connect", "event_id": "1"}')
        until(lambda: not unhandled(bridge), "the engine handled it")
        assert not may_end.is_set()
    bridge.close()
    assert part(config) is None, "a look that was given up tells nothing"


def unhandled(bridge: Bridge) -> int:
    with bridge.looking() as context:
        return events.backlog(context.db, context.waiting)[0]


def test_a_file_that_is_too_large_is_said_to_be_so(
    config: Config, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "run", lambda _look, _within: Soundness(finished=False))
    database = FileDatabase(config.database)
    database.open()
    file_check.FileCheck(database, lambda: 0.0).wait(20)
    database.close()
    found = part(config)
    assert found is not None and found["ok"]
    assert "too large" in found["detail"] and "vpp-bridge backup" in found["detail"]
    assert "too large" in caplog.text


def test_doctor_says_when_it_did_not_look_at_all(
    make_scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Look, "run", lambda _look, _within: Soundness(finished=False))
    said = Shell(make_scene(devices=1, apps=1)).run("doctor").stdout
    assert "was not looked through: 60 s are over; run vpp-bridge backup" in said


def test_doctor_names_the_sqlite_in_use(make_scene: Callable[..., Scene]) -> None:
    said = Shell(make_scene(devices=1, apps=1)).run("doctor").stdout
    assert f"ok    database: SQLite {sqlite3.sqlite_version}, which " in said
    assert "WAL-reset fault" in said


@pytest.mark.slow
def test_the_real_program_leaves_nothing_beside_the_file(tmp_path: Path) -> None:
    """After `kill -9` it looks, and says so in its log; after SIGTERM it need not."""
    port, path = free_port(), tmp_path / "config.yaml"
    path.write_text(CONFIG.format(port=port, key=WEBHOOK_KEY, url="http://127.0.0.1:1"))
    path.chmod(0o600)
    told = []
    with ExitStack() as stack:
        for number, signum in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGTERM)):
            errors = tmp_path / f"{number}.log"
            process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "--config", str(path), "serve"],
                stderr=stack.enter_context(errors.open("wb")),
                start_new_session=True,
            )
            served = Served(process, path, port, errors)
            stack.callback(end, served)
            served.ready()
            assert deliver(port, number) == 200
            if number == 1:
                until(lambda: "file is sound" in errors.read_text(), "it has looked")  # noqa: B023
            os.killpg(process.pid, signum)
            process.wait(PROCESS_DEADLINE)
            until(lambda: not served.family(), "all of it is gone")  # noqa: B023
            told.append("looked through meanwhile" in errors.read_text())
    assert told[1:] == [True, False]  # at the first start the web side may be there first
    wal = tmp_path / "bridge.db-wal"
    assert not wal.exists() or wal.stat().st_size == 0
