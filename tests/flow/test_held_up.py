"""Whoever holds the writer's lock, a full disk, a database that is taken away: what hooks answer,
what /readyz says, and that all goes on afterwards by itself."""

import fcntl
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bridge.engine.intake import inbox
from bridge.errors import StoreFull, StoreGone, StoreLocked, StoreLost
from bridge.store import meta
from bridge.store.file.database import FileDatabase
from bridge.store.file.writer_lock import WriterLock
from bridge.store.write_probe import WriteProbe
from tests.flow.scene import Scene
from tests.flow.test_messages import BASIC, connect, idle, settled

MakeScene = Callable[..., Scene]

HOLD = """
import fcntl, sys
file = open(sys.argv[1], "r+b")
fcntl.flock(file, fcntl.LOCK_EX)
import os
os.pwrite(file.fileno(), f"{os.getpid():<20}".encode(), 0)
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def holder(scene: Scene, name: str = "bridge.db.lock") -> Iterator[int]:
    """Another process that holds a writer's lock; its process id."""
    path = scene.config.database.with_name(name)
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None and process.stdout.readline() == b"held\n"
        yield process.pid
    finally:
        process.kill()
        process.communicate()


def posted(scene: Scene) -> Any:
    device = scene.world.devices[0]
    body = json.dumps(connect(device.udid, idle(device.udid))).encode()
    return scene.client.post("/hooks/mdm/main", data=body, headers={"Authorization": BASIC})


def part(scene: Scene, name: str) -> dict[str, Any]:
    body = scene.client.get("/readyz").get_json()
    return next(each for each in body["parts"] if each["name"] == name)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test waits for seconds."""
    monkeypatch.setattr("bridge.store.file.writer_lock.WAIT", 0.05)
    for name in (WriterLock.held, WriterLock.turn, FileDatabase.write):
        monkeypatch.setattr(getattr(name, "__wrapped__", name), "__defaults__", (0.05,))
    monkeypatch.setattr("bridge.store.write_probe.PATIENCE", 0.05)
    monkeypatch.setattr("bridge.store.write_probe.EVERY", 0.0)


@pytest.mark.usefixtures("impatient")
def test_a_lock_that_is_held_is_told(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = settled(make_scene)
    with holder(scene, "bridge.db.inbox.lock") as pid:
        answer = posted(scene)
        assert answer.status_code == 503
        assert answer.headers["Retry-After"] == "5"
        assert answer.get_json() == {"error": "The database cannot be used at the moment."}
        assert f"process {pid}" in caplog.text
        assert "has kept the lock for writing" in caplog.text
        ready = scene.client.get("/readyz")
        assert ready.status_code == 503
        assert f"process {pid}" in part(scene, "database")["detail"]
        os.kill(pid, signal.SIGSTOP)
        os.waitid(os.P_PID, pid, os.WSTOPPED)
        assert "is stopped: have it go on (kill -CONT" in part(scene, "database")["detail"]
    assert posted(scene).status_code == 200
    assert scene.client.get("/readyz").get_json()["parts"][0]["ok"]
    assert scene.counters()["mdm.503"] == 1, "the lost one is counted, and looked up"


@pytest.mark.usefixtures("impatient")
def test_what_arrives_waits_for_nobody_who_works_on_the_database(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    with holder(scene) as pid:
        assert posted(scene).status_code == 200
        assert f"process {pid}" in part(scene, "database")["detail"]
        (event, *_) = scene.bridge.list_events(status="new").items
        assert event["topic"] == "mdm.Connect", "it is there at once"
        assert part(scene, "inbox")["detail"] == "1 waiting"
    scene.settle()
    (again,) = scene.bridge.list_events(limit=1).items
    assert (again["id"], again["status"], again["outcome"]) == (event["id"], "done", "idle")


@pytest.mark.usefixtures("impatient")
def test_reading_waits_for_no_writer(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    other = FileDatabase(scene.config.database)
    with holder(scene):
        other.open()
        with other.read() as db:
            assert meta.recall(db, "instance_id")
        other.close()


def test_whoever_waits_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    path.touch()
    with path.open("r+b") as ours, path.open("r+b") as theirs:
        lock = WriterLock(ours, path)
        fcntl.flock(theirs, fcntl.LOCK_EX)
        for _ in range(3):
            with pytest.raises(StoreLocked), lock.held(0.01):
                pass
        fcntl.flock(theirs, fcntl.LOCK_UN)
        for _ in range(3):
            with lock.held(), pytest.raises(BlockingIOError):
                fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)
        until(lambda: not lock._in_line)
        fcntl.flock(theirs, fcntl.LOCK_EX | fcntl.LOCK_NB)


def until(reached: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_payload_is_read_before_the_lock(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = settled(make_scene)
    seen = []

    def storable(*arguments: Any) -> bytes:
        for lock in (scene.bridge.database._lock, scene.bridge.database.inbox.file._lock):
            assert lock is not None
            seen.append(lock._turn.locked())
        return real(*arguments)

    real = inbox.storable_webhook
    monkeypatch.setattr(inbox, "storable_webhook", storable)
    assert posted(scene).status_code == 200
    assert seen == [False, False]


def test_a_message_of_countless_values_is_refused(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    many = b'{"a":[' + b",".join([b"{}"] * 60_000) + b"]}"
    answer = scene.client.post("/hooks/mdm/main", data=many, headers={"Authorization": BASIC})
    assert answer.status_code == 400
    assert answer.get_json() == {"error": "The message has more than 100000 values."}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("put", ["nothing", "another"])
def test_a_database_that_is_taken_away(
    make_scene: MakeScene, put: str, caplog: pytest.LogCaptureFixture
) -> None:
    scene = settled(make_scene)
    path = scene.config.database
    aside = path.with_name("aside.db")
    path.rename(aside)
    if put == "another":
        path.write_bytes(aside.read_bytes())
    answer = posted(scene)
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "5"
    assert "was removed, or another file was put in its place" in caplog.text
    assert scene.client.get("/readyz").status_code == 503
    assert "was removed, or another file" in part(scene, "database")["detail"]
    with pytest.raises(StoreGone):
        scene.engine.run_once()
    aside.rename(path)
    assert posted(scene).status_code == 200
    assert scene.client.get("/readyz").get_json()["parts"][0]["ok"]


def test_a_folder_that_is_taken_away(make_scene: MakeScene, tmp_path: Path) -> None:
    """As a volume that is no longer mounted: a probe is answered, and says so."""
    scene = settled(make_scene)
    folder = scene.config.database.parent
    folder.rename(tmp_path / "aside")
    answers = [scene.client.get("/readyz"), scene.client.get("/healthz"), posted(scene)]
    (tmp_path / "aside").rename(folder)
    assert [each.status_code for each in answers] == [503, 200, 503]
    assert "was removed, or another file" in answers[0].get_json()["parts"][0]["detail"]
    assert posted(scene).status_code == 200


def test_locks_belong_to_the_file_and_not_to_its_name(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    real, link = tmp_path / "real" / "bridge.db", tmp_path / "bridge.db"
    link.symlink_to(real)
    first, second = FileDatabase(link), FileDatabase(real)
    first.open()
    second.open()
    with first.write(), pytest.raises(StoreLocked), second.write(0.01):
        pass
    first.close()
    second.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["bridge.db", "real"]


FULL = 64 * 1024
"""Bytes by which a file may still grow."""


@contextmanager
def full_disk(path: Path) -> Iterator[None]:
    """No file of this process grows beyond what the database's write-ahead log has now."""
    size = path.with_name(path.name + "-wal").stat().st_size
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + FULL, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("impatient")
def test_a_full_disk(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    stored = 0
    with full_disk(scene.bridge.database.inbox.file.path):
        for _ in range(200):
            answer = posted(scene)
            if answer.status_code != 200:
                break
            stored += 1
        assert answer.status_code == 503
        ready = scene.client.get("/readyz")
        assert ready.status_code == 503
        assert "make room on its disk" in part(scene, "database")["detail"]
    assert posted(scene).status_code == 200
    assert scene.client.get("/readyz").get_json()["parts"][0]["ok"]
    assert len(scene.bridge.list_events(limit=1000, topic="mdm.Connect").items) >= stored + 1


def test_a_probe_that_anybody_asks_writes_once_a_second(tmp_path: Path) -> None:
    database, now = FileDatabase(tmp_path / "a.db"), [0.0]
    database.open()
    database.failed = StoreFull("full")
    probe = WriteProbe(database, lambda: now[0])
    tried = []
    for moment in (0.0, 0.2, 0.9, 1.1):
        now[0] = moment
        database.failed = StoreFull("full")
        assert probe.trouble() is None
        tried.append(database.failed is None)
    assert tried == [True, False, False, True]
    database.close()


def test_it_is_told_once_a_minute_however_many_ask(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = settled(make_scene)
    scene.config.database.rename(scene.config.database.with_name("aside.db"))
    assert {posted(scene).status_code for _ in range(20)} == {503}
    told = [each for each in caplog.messages if "the database cannot be used" in each]
    assert len(told) == 1
    assert "move the file back, and the bridge goes on by itself" in told[0]


@pytest.mark.parametrize("put", ["nothing", "another"])
def test_nobody_opens_another_file_for_the_one_that_is_in_use(tmp_path: Path, put: str) -> None:
    path, aside = tmp_path / "bridge.db", tmp_path / "aside.db"
    first, second = FileDatabase(path), FileDatabase(path)
    first.open()
    path.rename(aside)
    if put == "another":
        path.write_bytes(b"")
    with pytest.raises(StoreGone, match="was removed, or another file") as caught:
        second.open()
    assert caught.value.may_retry, "the bridge's processes come back when it is put back"
    assert path.exists() == (put == "another") and (not path.exists() or not path.stat().st_size)
    aside.rename(path)
    second.open()
    second.close()
    first.close()
    path.unlink()
    with pytest.raises(StoreLost, match="was removed or emptied"):
        second.open()  # nobody has it in use, and yet there was one
    assert not path.exists()


def test_the_holder_is_who_has_the_lock_and_not_who_had_it(tmp_path: Path) -> None:
    """Who is stopped while it waits in line gets the lock, and writes nothing."""
    path = tmp_path / "a.lock"
    path.write_bytes(b"1                  \n")
    with path.open("r+b") as ours, path.open("r+b") as theirs:
        lock = WriterLock(ours, path)
        fcntl.flock(theirs, fcntl.LOCK_EX)
        with pytest.raises(StoreLocked) as caught, lock.held(0.01):
            pass
        if Path("/proc/locks").exists():
            assert f"process {os.getpid()} " in str(caught.value)
        fcntl.flock(theirs, fcntl.LOCK_UN)
        until(lambda: not lock._in_line)
