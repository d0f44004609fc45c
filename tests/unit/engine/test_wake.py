"""What ends the engine's sleep: a thread here, or another process by way of a pipe."""

import os
import threading
from collections.abc import Iterator

import pytest

from bridge.engine.wake import GAP, QUIET, Wake, ring


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            pass


class Clock:
    """Each look at it takes a little."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        self.now += 0.001
        return self.now


def test_it_stays_set_until_it_is_cleared() -> None:
    wake = Wake()
    assert not wake.wait(0.0)
    wake.set()
    wake.set()
    assert wake.wait(60.0)
    assert wake.is_set()
    wake.clear()
    assert not wake.is_set()
    assert not wake.wait(0.0)


def test_a_thread_ends_a_sleep() -> None:
    wake = Wake()
    thread = threading.Thread(target=wake.set)
    thread.start()
    assert wake.wait(60.0)
    thread.join()


def test_another_process_ends_a_sleep_once(pipe: tuple[int, int]) -> None:
    wake = Wake(pipe[0], Clock())
    ring(pipe[1])
    ring(pipe[1])
    assert wake.wait(60.0)
    assert not wake.is_set(), "it was not set here"
    assert not wake.wait(0.0)


def test_who_rings_all_the_time_is_heard_now_and_then(pipe: tuple[int, int]) -> None:
    """Messages that come in a row are taken up together."""
    clock = Clock()
    wake = Wake(pipe[0], clock)
    for _ in range(2):
        ring(pipe[1])
        assert wake.wait(0.01)
    ring(pipe[1])
    assert not wake.wait(0.01)
    wake.set()
    assert wake.wait(0.01), "a call that ended is heard at once"
    wake.clear()
    clock.now += GAP
    assert wake.wait(60.0), "and the ringing is not forgotten"


def test_the_first_two_rings_after_a_rest_are_heard_at_once(pipe: tuple[int, int]) -> None:
    """Apple tells of a licence within milliseconds after somebody wished for it."""
    clock = Clock()
    wake = Wake(pipe[0], clock)
    for _ in range(2):
        for heard in (True, True, False):
            ring(pipe[1])
            assert wake.wait(0.01) == heard
        clock.now += GAP
        assert wake.wait(0.01)
        clock.now += QUIET


def test_a_full_pipe_and_a_closed_one_keep_nobody(pipe: tuple[int, int]) -> None:
    for _ in range(70_000):
        ring(pipe[1])
    wake = Wake(pipe[0], Clock())
    assert wake.wait(60.0)
    assert not wake.wait(0.0)
    os.close(pipe[0])
    ring(pipe[1])


def test_nobody_is_left_to_ring(pipe: tuple[int, int]) -> None:
    wake = Wake(pipe[0], Clock())
    os.close(pipe[1])
    wake.wait(60.0)
    assert not wake.wait(0.01), "and it does not wake for that again and again"
