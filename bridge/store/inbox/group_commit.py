"""Commits that arrive together are one: the first of them commits for all that came meanwhile.

Nobody waits for company: who comes while nobody commits does so at once. Who comes meanwhile waits,
and when the commit is done, the first of these becomes the leader of the next one. It is handed on
by name, since a lock would let the thread that just committed take it again before those who wait.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")

AT_ONCE = 128
"""Members of one commit at most; more would not be faster."""


class GroupCommit(Generic[T, R]):
    """Hands what threads submit to `commit`, some of it at a time, and never two at once.

    `commit` returns what came of each, in the same order: a result, or the exception that its
    submitter meets. What it raises, all of them meet.
    """

    def __init__(self, commit: Callable[[Sequence[T]], Sequence[R | Exception]]) -> None:
        self._commit = commit
        self._lock = threading.Lock()
        self._waiting: deque[_Member[T, R]] = deque()
        self._led = False

    def submit(self, item: T) -> R:
        """Have `item` committed; returns when it is, and raises what kept it from being."""
        member: _Member[T, R] = _Member(item)
        with self._lock:
            self._waiting.append(member)
            leads, self._led = not self._led, True
        if not leads:
            leads = member.wait()
        if leads:
            self._lead()
        return member.result()

    def _lead(self) -> None:
        """Commit those who wait, oneself the first of them, and hand on to the next."""
        with self._lock:
            size = min(len(self._waiting), AT_ONCE)
            group = [self._waiting.popleft() for _ in range(size)]
        try:
            for member, outcome in zip(
                group, self._commit([member.item for member in group]), strict=True
            ):
                member.outcome = outcome
        except Exception as error:  # noqa: BLE001 - each of them meets it
            for member in group:
                member.outcome = error
        finally:
            with self._lock:
                following = self._waiting[0] if self._waiting else None
                self._led = following is not None
            if following is not None:
                following.go_on(leads=True)
            for member in group[1:]:
                member.go_on(leads=False)


class _Member(Generic[T, R]):
    """One thread's item, and the gate at which that thread waits."""

    __slots__ = ("_gate", "_leads", "item", "outcome")

    def __init__(self, item: T) -> None:
        self.item = item
        self.outcome: R | Exception = RuntimeError("it was not committed")
        self._gate = threading.Lock()
        self._gate.acquire()
        self._leads = False

    def wait(self) -> bool:
        """Until it is committed, or (True) this thread is to lead."""
        self._gate.acquire()
        return self._leads

    def go_on(self, *, leads: bool) -> None:
        self._leads = leads
        self._gate.release()

    def result(self) -> R:
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome
