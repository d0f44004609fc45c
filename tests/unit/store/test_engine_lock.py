"""The engine's lock: one engine on a database, known to be alive by its heartbeat."""

import os
import stat
from pathlib import Path

import pytest

from bridge.errors import StoreError, StoreLocked
from bridge.store.file.engine_lock import EngineLock
from tests.unit import store_processes
from tests.unit.store_processes import LONG, SPAWN, processes


def no_sleep(seconds: float) -> None:
    raise AssertionError("there was nothing to wait for")


class Waiting:
    """A clock that only sleeping moves; `then` happens in the third sleep."""

    def __init__(self, then: object = None) -> None:
        self.now = 100.0
        self.slept = 0
        self.then = then

    def clock(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert 0 < seconds < 1
        self.now += seconds
        self.slept += 1
        if self.slept == 3 and callable(self.then):
            self.then()


def test_one_engine_at_a_time(tmp_path: Path) -> None:
    waiting = Waiting()
    first = EngineLock(tmp_path / "a.db")
    second = EngineLock(tmp_path / "a.db", waiting.clock)
    assert not first.held()
    first.acquire(0.0, sleep=no_sleep)
    assert first.held() and second.held()
    with pytest.raises(StoreLocked, match="another engine") as caught:
        second.acquire(10.0, sleep=waiting.sleep)
    assert 10.0 <= waiting.now - 100.0 < 10.1, "it waited as long as it was told"
    assert caught.value.may_retry
    first.release()
    first.release()
    assert not first.held() and not second.held()
    second.acquire(0.0, sleep=no_sleep)
    assert first.held()
    second.release()


def test_a_predecessor_that_goes_is_waited_for(tmp_path: Path) -> None:
    first = EngineLock(tmp_path / "a.db")
    first.acquire(0.0)
    waiting = Waiting(then=first.release)
    second = EngineLock(tmp_path / "a.db", waiting.clock)
    second.acquire(10.0, sleep=waiting.sleep)
    assert waiting.slept == 3
    assert second.held()
    second.release()


def test_databases_do_not_share_a_lock(tmp_path: Path) -> None:
    first, second = EngineLock(tmp_path / "a.db"), EngineLock(tmp_path / "b.db")
    first.acquire(0.0)
    second.acquire(0.0, sleep=no_sleep)
    first.release()
    second.release()


def test_a_probe_does_not_take_it(tmp_path: Path) -> None:
    lock = EngineLock(tmp_path / "a.db")
    lock.acquire(0.0)
    lock.release()
    assert not EngineLock(tmp_path / "a.db").held()
    lock.acquire(0.0, sleep=no_sleep)
    lock.release()


def test_a_killed_engine_holds_nothing(tmp_path: Path) -> None:
    path, ready = tmp_path / "a.db", SPAWN.Event()
    lock = EngineLock(path)
    with processes(store_processes.hold_engine_lock, [(path, ready)]) as started:
        assert ready.wait(LONG)
        assert lock.held()
        with pytest.raises(StoreLocked):
            lock.acquire(0.0)
        started[0].kill()
        started[0].join()
        assert not lock.held()
        lock.acquire(0.0, sleep=no_sleep)
    lock.release()


def test_the_heartbeat_does_not_go_by_the_wall_clock(tmp_path: Path) -> None:
    monotonic = [500.0]
    lock = EngineLock(tmp_path / "a.db", lambda: monotonic[0])
    other = EngineLock(tmp_path / "a.db", lambda: monotonic[0])
    assert other.silent_for() is None
    lock.acquire(0.0)
    assert other.silent_for() == 0.0, "taking it is a sign of life"
    monotonic[0] += 40.0
    os.utime(lock.path, (1000.0, 1000.0))
    assert other.silent_for() == 40.0
    lock.beat()
    assert other.silent_for() == 0.0
    lock.release()
    monotonic[0] = 3.0  # the machine was started anew
    assert other.silent_for() == 0.0
    lock.acquire(0.0)
    monotonic[0] += 1.0
    assert other.silent_for() == 1.0
    lock.release()
    assert stat.S_IMODE(lock.path.stat().st_mode) == 0o600


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError):
        EngineLock(tmp_path / "nowhere" / "a.db").acquire(0.0)
