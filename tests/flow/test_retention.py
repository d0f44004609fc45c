"""What is old goes in small steps beside all other work, and the disk gets its room back."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

import pytest

from bridge.domain.policy import DAY
from bridge.store.database import Connection, Database
from bridge.store.file.database import FileDatabase
from tests.flow.scene import Scene
from tests.flow.test_held_up import posted
from tests.flow.test_messages import settled

MakeScene = Callable[..., Scene]
MANY = 10_000
BODY = b"x" * 1500
AT_ONCE = 500
"""Rows that no transaction deletes more of."""


COLUMNS = "source, origin, topic, message_id, received_at, status, body"
NEXT_ID = "(SELECT coalesce(max(id), 0) + 1 FROM events)"


def old_messages(scene: Scene, count: int, at: float) -> None:
    """So many webhooks that came in at that time and were processed."""
    with scene.bridge.database.write() as db:
        db.executemany(
            "INSERT INTO seen_messages VALUES ('mdm', 'main', '', ?, ?)",
            ((f"old-{number}", at) for number in range(count)),
        )
        db.executemany(
            f"INSERT INTO events (id, {COLUMNS}) "
            f"VALUES ({NEXT_ID}, 'mdm', 'main', 'mdm.Connect', ?, ?, 'done', ?)",
            ((f"old-{number}", at, BODY) for number in range(count)),
        )


def sizes(scene: Scene) -> tuple[int, int]:
    path = scene.config.database
    return path.stat().st_size, path.with_name(f"{path.name}-wal").stat().st_size


def count(scene: Scene, query: str) -> int:
    with scene.bridge.database.read() as db:
        return int(db.execute(query).fetchone()[0])


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many rows each transaction changed."""
    changed: list[int] = []
    write = FileDatabase.write

    @contextmanager
    def watched(self: Database, *wait: float) -> Iterator[Connection]:
        with write(self, *wait) as db:
            before = db.total_changes
            yield db
            changed.append(db.total_changes - before)

    monkeypatch.setattr(FileDatabase, "write", watched)
    return changed


def test_a_mass_of_messages_goes_in_small_steps(make_scene: MakeScene, deleted: list[int]) -> None:
    scene = settled(make_scene)
    old_messages(scene, MANY, scene.world.now - 61 * DAY)
    scene.bridge.database.fold()
    large, _ = sizes(scene)
    del deleted[:]
    scene.clock_ahead += 3600.0
    between, highest = [], 0
    while scene.engine.run_once():
        highest = max(highest, sizes(scene)[1])
        left = count(scene, "SELECT count(*) FROM events WHERE message_id LIKE 'old-%'")
        if left and len(between) < 5:
            between.append(left)
            assert posted(scene).status_code == 200
            waiting = "SELECT count(*) FROM events WHERE status = 'new'"
            scene.engine.run_once()
            assert count(scene, waiting) == 0, "messages are processed meanwhile"
    assert len(between) == 5
    assert max(deleted) <= AT_ONCE
    assert count(scene, "SELECT count(*) FROM events WHERE message_id LIKE 'old-%'") == 0
    assert count(scene, "SELECT count(*) FROM seen_messages WHERE message_id LIKE 'old-%'") == 0
    small, wal = sizes(scene)
    assert small < large / 10 and wal == 0
    assert highest < 16 * 1024 * 1024
    assert count(scene, "PRAGMA freelist_count") == 0


def test_large_messages_go_few_at_a_time(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    with scene.bridge.database.write() as db:
        db.executemany(
            f"INSERT INTO events (id, {COLUMNS}) "
            f"VALUES ({NEXT_ID}, 'mdm', 'main', 'mdm.Connect', ?, 0, 'done', ?)",
            ((str(number), bytes(3_000_000)) for number in range(5)),
        )
    scene.clock_ahead += 3600.0
    left = [5]
    while scene.engine.run_once():
        left.append(count(scene, "SELECT count(*) FROM events WHERE received_at = 0"))
    assert sorted(set(left)) == [0, 1, 2, 3, 4, 5]


def test_whoever_reads_only_delays_that_the_log_is_emptied(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    old_messages(scene, 3000, scene.world.now - 61 * DAY)
    scene.clock_ahead += 3600.0
    reader = FileDatabase(scene.config.database)
    reader.open()
    with reader.read() as db:
        assert db.execute("SELECT count(*) FROM events").fetchone()[0] > 3000
        scene.settle()
        assert sizes(scene)[1] > 0
    scene.engine.run_once()
    assert sizes(scene)[1] == 0
    reader.close()


def test_a_file_that_was_made_otherwise_keeps_its_pages(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    scene.bridge.close()
    with closing(sqlite3.connect(scene.config.database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
        db.execute("PRAGMA auto_vacuum = NONE")
        db.execute("VACUUM")
    scene.start()
    old_messages(scene, 3000, scene.world.now - 61 * DAY)
    scene.clock_ahead += 3600.0
    scene.settle()
    assert count(scene, "SELECT count(*) FROM events WHERE message_id LIKE 'old-%'") == 0
    assert count(scene, "PRAGMA freelist_count") > 1000
    assert sizes(scene)[1] == 0


def test_a_clock_that_is_set_back_does_not_put_it_off(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    scene.set_clock(-30 * DAY)
    old_messages(scene, 10, scene.now() - 61 * DAY)
    scene.pass_time(3700)
    assert count(scene, "SELECT count(*) FROM events WHERE message_id LIKE 'old-%'") == 0
