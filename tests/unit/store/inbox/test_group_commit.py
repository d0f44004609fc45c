"""Commits that arrive together are one, none waits for company, and each meets its own end."""

import threading
import time
from collections.abc import Callable, Sequence

import pytest

from bridge.store.inbox.group_commit import AT_ONCE, GroupCommit


class Disk:
    """Notes its groups; with its gate closed a commit takes until it is opened."""

    def __init__(self) -> None:
        self.groups: list[list[int]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.at_work = 0

    def __call__(self, group: Sequence[int]) -> Sequence[int | Exception]:
        self.groups.append(list(group))
        self.at_work += 1
        assert self.at_work == 1, "never two at once"
        assert self.may_go_on.wait(20)
        self.at_work -= 1
        if -2 in group:
            raise OSError("the disk fails")
        return [ValueError("bad") if item < 0 else item * 10 for item in group]


def until(reached: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not reached():
        assert time.monotonic() < deadline
        time.sleep(0.001)


class Posters:
    """Threads that submit, and what they met."""

    def __init__(self, disk: Disk) -> None:
        self.disk = disk
        self.group = GroupCommit(disk)
        self.met: dict[int, object] = {}
        self._threads: list[threading.Thread] = []

    def post(self, *items: int) -> None:
        for item in items:
            waiting = len(self.group._waiting)
            begun = len(self.disk.groups)
            thread = threading.Thread(target=self._post, args=(item,))
            thread.start()
            self._threads.append(thread)
            until(
                lambda begun=begun, waiting=waiting: (  # type: ignore[misc]
                    len(self.disk.groups) > begun or len(self.group._waiting) > waiting
                )
            )

    def join(self) -> None:
        for thread in self._threads:
            thread.join(20)
            assert not thread.is_alive()

    def _post(self, item: int) -> None:
        try:
            self.met[item] = self.group.submit(item)
        except (ValueError, OSError) as error:
            self.met[item] = str(error)


@pytest.fixture
def posters() -> Posters:
    return Posters(Disk())


def test_who_comes_alone_commits_at_once(posters: Posters) -> None:
    assert [posters.group.submit(item) for item in (1, 2)] == [10, 20]
    assert posters.disk.groups == [[1], [2]]


def test_who_comes_meanwhile_is_committed_together(posters: Posters) -> None:
    posters.disk.may_go_on.clear()
    posters.post(1, 2, 3, 4)
    posters.disk.may_go_on.set()
    posters.join()
    assert posters.disk.groups == [[1], [2, 3, 4]]
    assert posters.met == {1: 10, 2: 20, 3: 30, 4: 40}


def test_a_bad_one_fails_alone(posters: Posters) -> None:
    posters.disk.may_go_on.clear()
    posters.post(1, 2, -1, 3)
    posters.disk.may_go_on.set()
    posters.join()
    assert posters.met == {1: 10, 2: 20, -1: "bad", 3: 30}


def test_what_fails_all_is_met_by_all_and_the_next_group_goes_on(posters: Posters) -> None:
    posters.disk.may_go_on.clear()
    posters.post(1, -2, 3)
    posters.disk.may_go_on.set()
    posters.join()
    assert posters.met == {1: 10, -2: "the disk fails", 3: "the disk fails"}
    assert posters.group.submit(4) == 40


def test_a_group_has_an_end(posters: Posters) -> None:
    posters.disk.may_go_on.clear()
    posters.post(*range(AT_ONCE + 3))
    posters.disk.may_go_on.set()
    posters.join()
    assert [len(group) for group in posters.disk.groups] == [1, AT_ONCE, 2]


def test_many_at_once_each_get_their_own(posters: Posters) -> None:
    def post(first: int) -> None:
        for item in range(first, first + 200):
            assert posters.group.submit(item) == item * 10
            posters.met[item] = True

    threads = [threading.Thread(target=post, args=(number * 1000,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(posters.met) == 1600
    assert sorted(item for group in posters.disk.groups for item in group) == sorted(posters.met)
