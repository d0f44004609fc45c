"""Keeping two processes running: start, watch, start again, end; and the sockets they serve on."""

from __future__ import annotations

import errno
import logging
import os
import queue
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

log = logging.getLogger(__name__)

Signals = queue.SimpleQueue[int]

EXIT_LOCKED = 75
"""How an engine child says that another engine has the database (EX_TEMPFAIL of sysexits.h)."""

EXIT_AGAIN = 74
"""How a child says that the database cannot be used now, and may be later (EX_IOERR)."""

EXIT_FOR_GOOD = 4
"""How a child says that it cannot start, and will not later either; gunicorn says so of an
application that cannot be loaded (`Arbiter.APP_LOAD_ERROR`)."""

PORT_WAIT = 10.0
STOP_WAIT = 4.0
"""Seconds that the children get to end; a SIGTERM to the whole must be done within 5."""

_KILL_WAIT = 0.8
_SETTLED = 5.0
_FORGIVEN = 60.0
_DELAYS = (0.2, 1.0, 2.0, 5.0, 10.0, 30.0)
_PORT_POLL = 0.2
_BACKLOG = 1024
_END = (signal.SIGTERM, signal.SIGINT)
_HANG_UP = signal.SIGHUP
_OURS_ALONE = (signal.SIGINT, signal.SIGHUP)


def restart_delay(exit_code: int, up_for: float, losses: int) -> float | None:
    """How long to wait, in seconds, before a child that ended is started again; None: give up.

    `exit_code` is negative for a signal, `up_for` in seconds, `losses` how often it ended before
    without having been up for a minute. A child that ends by itself right after its start cannot
    start, save with EXIT_AGAIN; one that was killed can. What says EXIT_FOR_GOOD cannot, however
    long a start takes on a busy machine.
    """
    if exit_code in (EXIT_LOCKED, EXIT_FOR_GOOD) or (
        0 <= exit_code != EXIT_AGAIN and up_for < _SETTLED
    ):
        return None
    return _DELAYS[min(losses, len(_DELAYS) - 1)]


@dataclass
class Child:
    """One child, as it is to be started and as it is."""

    name: str
    command: Sequence[str]
    fds: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    losses: int = 0

    def start(self, now: float) -> None:
        """Start it, in our process group, with a pipe as its standard input.

        What a terminal sends to the whole group is held back from it: we alone act on that, and a
        child that is still importing would end by it, with a traceback.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, _OURS_ALONE)
        try:
            self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, pass_fds=self.fds)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        self.started_at = now

    def signal(self, signum: int) -> None:
        """Send a signal, unless it has ended."""
        if self.process is not None:
            os.kill(self.process.pid, signum)

    def ended(self, exit_code: int) -> None:
        """Note that it was reaped."""
        if self.process is not None:
            self.process.returncode = exit_code
            if self.process.stdin is not None:
                self.process.stdin.close()
            self.process = None


class Supervisor:
    """Keeps its children running until a signal ends it or one of them cannot start."""

    def __init__(
        self,
        children: Sequence[Child],
        listeners: Sequence[socket.socket],
        signals: Signals,
        clock: Callable[[], float] = time.monotonic,
        hang_up: Callable[[], None] = lambda: None,
    ) -> None:
        """`hang_up` is called at a SIGHUP, which ends nothing and starts nothing."""
        self._children = children
        self._listeners = listeners
        self._signals = signals
        self._clock = clock
        self._hang_up = hang_up

    def run(self) -> int:
        """Start all, watch them, end all; the exit code."""
        code = self._watch()
        self._end_all()
        return code

    def _watch(self) -> int:
        while True:
            now = self._clock()
            absent = [child for child in self._children if child.process is None]
            for child in absent:
                if child.start_at <= now:
                    child.start(now)
            waits = [child.start_at - now for child in absent if child.process is None]
            got = _next(self._signals, min(waits, default=None))
            if got in _END:
                return 0
            if got == _HANG_UP:
                self._hang_up()
            for child, exit_code in self._reap():
                if not self._plan_restart(child, exit_code):
                    return 1

    def _plan_restart(self, child: Child, exit_code: int) -> bool:
        now = self._clock()
        up_for = now - child.started_at
        if up_for >= _FORGIVEN:
            child.losses = 0
        delay = restart_delay(exit_code, up_for, child.losses)
        how = f"by signal {-exit_code}" if exit_code < 0 else f"with exit code {exit_code}"
        if delay is None:
            if exit_code == EXIT_FOR_GOOD:
                log.error("the %s cannot start; giving up", child.name)
            elif exit_code != EXIT_LOCKED:  # of that the child has said all there is to say
                log.error("the %s ended %s right after its start; giving up", child.name, how)
            return False
        log.error("the %s ended %s; starting it again in %.1f s", child.name, how, delay)
        child.losses += 1
        child.start_at = now + delay
        return True

    def _end_all(self) -> None:
        for listener in self._listeners:
            listener.close()
        for child in self._children:
            child.signal(signal.SIGTERM)
        self._wait_for_end(STOP_WAIT)
        for child in self._running():
            log.warning("the %s did not end in time and is killed", child.name)
            child.signal(signal.SIGKILL)
        self._wait_for_end(_KILL_WAIT)

    def _wait_for_end(self, seconds: float) -> None:
        deadline = self._clock() + seconds
        while self._running() and (left := deadline - self._clock()) > 0:
            _next(self._signals, left)
            self._reap()

    def _running(self) -> list[Child]:
        return [child for child in self._children if child.process is not None]

    def _reap(self) -> list[tuple[Child, int]]:
        """The children that ended, with their exit codes. As the first process of a container we
        also get, and reap, the children of a child that ended before them."""
        found = []
        while self._running():
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                break
            for child in self._running():
                if child.process is not None and child.process.pid == pid:
                    child.ended(os.waitstatus_to_exitcode(status))
                    found.append((child, os.waitstatus_to_exitcode(status)))
        return found


def listen(
    address: tuple[str, int], signals: Signals, wait: float = PORT_WAIT
) -> socket.socket | None:
    """A socket that listens on `address` (host, port); None when a signal to end came meanwhile.

    Waits up to `wait` seconds while the port is in use. Raises OSError.
    """
    host, port = address
    family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
    both = host == "::" and socket.has_dualstack_ipv6()
    deadline = time.monotonic() + wait
    while True:
        try:
            return socket.create_server(
                address, family=family, backlog=_BACKLOG, dualstack_ipv6=both
            )
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() >= deadline:
                raise
        if _next(signals, _PORT_POLL) in _END:
            return None


@contextmanager
def supervisor_signals() -> Iterator[Signals]:
    """A queue of the signals that concern a supervisor; `put` is safe in a signal handler."""
    signals: Signals = queue.SimpleQueue()
    before = {
        signum: signal.signal(signum, lambda got, _frame: signals.put(got))
        for signum in (*_END, _HANG_UP, signal.SIGCHLD)
    }
    try:
        yield signals
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _next(signals: Signals, timeout: float | None) -> int | None:
    """The next signal; None when there is none for `timeout` seconds (None: wait for ever)."""
    try:
        return signals.get(timeout=None if timeout is None else max(timeout, 0.0))
    except queue.Empty:
        return None
