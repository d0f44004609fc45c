"""gunicorn's worker process with a main loop that reads.

What gunicorn keeps: processes and signals, and HTTP (`request`). What is done here: a connection
waits in the main loop, not in a thread, until its request is whole, each wait has one deadline, and
connections beyond the limits go.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from functools import partial
from typing import Any, Protocol

from gunicorn.workers.base import Worker

from bridge.web.connections import refusals
from bridge.web.connections.answering import Answers, Then
from bridge.web.connections.bodies import COUNTED, Turns
from bridge.web.connections.connection import IS_READ, READ, Connection, State
from bridge.web.connections.door import Door
from bridge.web.connections.loop import Loop
from bridge.web.connections.threads import Threads

THREADS = 8
STRANGER_THREADS = 4
OUTSIDE_THREADS = 4
"""Threads for connections that showed a key, for those that did not yet, and for the listener for
Apple. Each have their own, so that the first never wait for the others."""
STAY = 0.005
"""Seconds that a thread stays with a connection whose peer has shown a key. MicroMDM posts what it
has to tell one after the other, the next as soon as it has read the answer."""
OUTSIDE_SHARE = 4
"""One of so many connections may be at the listener for Apple."""
REQUEST_GRACE = 1.0
"""Seconds that requests and kept-alive connections get at the end; then nobody answers until the
next start, so the longer it takes the more is lost."""

_READ_BODY = 256 * 1024
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ACCEPT_AT_ONCE = 32
_LOOK_AT_MOST = 0.05
_TURN = 1.0
"""Seconds that a turn of the main loop takes at most, and between two signs of life to gunicorn."""
_NO_MORE_FILES = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)


class WebApplication(Protocol):
    """What the worker asks of gunicorn's application."""

    @property
    def body_limit(self) -> int:
        """The length of the longest body that anybody may send, in bytes."""

    def wsgi(self) -> Any:
        """What the first listener serves."""

    def outside(self) -> Any:
        """What the second listener serves."""


class WebWorker(Worker):
    """Answers whole requests in threads, and reads and waits in its main loop alone.

    The first listener is served by `app.wsgi()`, the second one by `app.outside()`.
    """

    app: WebApplication  # type: ignore[assignment]

    def init_process(self) -> None:
        """Make loop, pools, doors and turns, in the worker's process."""
        allowed = self.cfg.worker_connections - 1  # what is above would stop accepting
        outside = allowed // OUTSIDE_SHARE if len(self.sockets) > 1 else 0
        self._inside: Door[Connection] = Door(allowed - outside)
        self._outside: Door[Connection] = Door(outside)
        self._loop = Loop()
        self._threads = Threads(THREADS, THREADS // 2)
        self._stranger_threads = Threads(STRANGER_THREADS, STRANGER_THREADS)
        self._outside_threads = Threads(OUTSIDE_THREADS, OUTSIDE_THREADS // 2)
        self._turns: Turns[Connection] = Turns()
        self._seldom = refusals.Seldom(self.log.warning)
        self._answers = Answers(self.cfg, self._seldom.say)
        self._look_at = self._notify_at = 0.0
        self._accepts = False
        super().init_process()

    def load_wsgi(self) -> None:
        """Make the application of the second listener, too."""
        super().load_wsgi()
        self._outside_app = self.app.outside()

    def handle_exit(self, sig: Any, frame: Any) -> None:
        """SIGTERM: end with this turn."""
        super().handle_exit(sig, frame)
        self._loop.ask(lambda: None)

    # Main loop

    def run(self) -> None:
        """Serve until SIGTERM, and for REQUEST_GRACE seconds who is connected then."""
        for listener in self.sockets:
            listener.setblocking(False)
        while self.alive:
            self._accept_more(self._connections() < self.cfg.worker_connections)
            self._turn(_TURN)
        self._accept_more(False)
        end = time.monotonic() + REQUEST_GRACE
        while self._connections() and (left := end - time.monotonic()) > 0:
            self._turn(left)

    def _turn(self, at_most: float) -> None:
        now = time.monotonic()
        if now >= self._notify_at:
            self.notify()
            self._notify_at = now + _TURN
        self._loop.turn(min(self._look_at - now, at_most))
        self._end_what_waited_too_long()

    def _accept_more(self, accepts: bool) -> None:
        if accepts == self._accepts:
            return
        self._accepts = accepts
        for listener in self.sockets:
            if accepts:
                self._loop.watch(listener, partial(self._accept, listener))
            else:
                self._loop.forget(listener)

    def _connections(self) -> int:
        return len(self._inside) + len(self._outside)

    def _accept(self, listener: Any) -> None:
        """Take the connections that wait, and what they have sent already."""
        for _ in range(_ACCEPT_AT_ONCE):
            if not self._accept_one(listener):
                return

    def _accept_one(self, listener: Any) -> bool:
        try:
            sock, client = listener.accept()
        except OSError as error:
            if error.errno in _NO_MORE_FILES:
                self._seldom.say("files", f"a connection cannot be taken: {error.strerror}")
                self._make_room()
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return False
        outside = listener is not self.sockets[0]
        conn = Connection(sock, client, body_limit=self.app.body_limit, outside=outside)
        door = self._door(conn)
        door.add(conn)
        self._wait(conn, State.HEAD)
        self._read(conn)
        surplus = door.too_many(conn)
        if surplus is not None:
            self._seldom.say("connections", f"too many connections, also from {surplus.address}")
            self._drop(surplus)
        return True

    def _end_what_waited_too_long(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        for conn in (*self._inside, *self._outside):
            if conn.deadline <= now:
                self._expire(conn)
        self._look_at = max(
            min((each.deadline for each in (*self._inside, *self._outside)), default=now + _TURN),
            now + _LOOK_AT_MOST,
        )

    def _run(self, conn: Connection) -> None:
        """Give a connection to a thread of those that are for its like."""
        conn.enter(State.RUNNING, time.monotonic())
        inside = self._threads if conn.known else self._stranger_threads
        threads = self._outside_threads if conn.outside else inside
        threads.run(partial(self._serve, conn, threads))

    def _ran(self, conn: Connection, threads: Threads, then: Then) -> None:
        """A thread is done with a connection: read on, keep it or close it."""
        threads.left()
        runs = self._turns.ran(conn)
        if runs is not None:
            self._run(runs)
        if then is Then.READ_ON:
            self._await(conn)
            return
        self._let_others_read(conn)
        if then is Then.LATER:
            conn.enter(State.HELD_BACK, time.monotonic())
            conn.deadline = time.monotonic() + conn.held_back.seconds
            self._note_deadline(conn)
        elif then is Then.NEXT:
            self._wait(conn, State.HEAD if conn.received else State.IDLE)
            self._run_if_whole(conn)
        else:
            self._close(conn)

    def _read(self, conn: Connection) -> None:
        if conn.state not in IS_READ:
            return  # another event of the same turn has ended the wait
        try:
            data = conn.sock.recv(READ if conn.state is State.HEAD else _READ_BODY)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if conn.state is State.CLOSING:
            self._drain(conn, len(data))
        elif data:
            self._take(conn, data)
        elif conn.state is State.BODY:
            conn.received.finish(ConnectionAbortedError("the peer hung up"))
            self._run_if_whole(conn)
        else:
            self._drop(conn)

    def _drain(self, conn: Connection, size: int) -> None:
        """Read what a refused peer still sends, up to a limit; above it, let it be held up.

        It is not reset there: a peer that writes on would be told of the reset, and not of the
        answer that waits for it to be read.
        """
        conn.drained += size
        if not size:
            self._drop(conn)
        elif conn.drained > self.app.body_limit:
            self._loop.forget(conn.sock)

    def _take(self, conn: Connection, data: bytes) -> None:
        conn.received.add(data)
        if conn.state is State.IDLE:
            conn.enter(State.HEAD, time.monotonic())
            self._note_deadline(conn)
        elif conn.state is State.BODY:
            conn.enter(State.BODY, time.monotonic())
        self._run_if_whole(conn)

    def _run_if_whole(self, conn: Connection) -> None:
        if not conn.received.is_promising():
            return
        self._loop.forget(conn.sock)
        conn.waits_since = time.monotonic()
        if not conn.known and not conn.takes_answers():
            self._drop(conn)
        elif self._turns.may_run(conn):
            self._run(conn)
        else:
            conn.enter(State.QUEUED, time.monotonic())

    def _await(self, conn: Connection) -> None:
        """Read on; the thread found that more must come."""
        if not conn.received.in_body:
            self._wait(conn, State.HEAD)
            return
        size = conn.received.whole_at or self.app.body_limit
        if size < COUNTED or self._turns.may_read(conn, size):
            self._read_body(conn)
        else:
            conn.enter(State.QUEUED, time.monotonic())

    def _read_body(self, conn: Connection) -> None:
        if conn.expects_continue and not conn.told_to_continue:
            conn.told_to_continue = True
            conn.sock.setblocking(False)
            with contextlib.suppress(OSError):  # a peer that is gone is met when it is read from
                conn.sock.send(_CONTINUE)
        self._wait(conn, State.BODY)
        self._run_if_whole(conn)

    def _let_others_read(self, conn: Connection) -> None:
        for reader in self._turns.left(conn):
            self._read_body(reader)

    def _make_room(self) -> None:
        oldest = self._outside.oldest() or self._inside.oldest()
        if oldest is not None:
            self._drop(oldest)

    def _expire(self, conn: Connection) -> None:
        if conn.state is State.BODY:
            conn.received.finish(TimeoutError("the body is too slow"))
            self._run_if_whole(conn)
        elif conn.state is State.HEAD and conn.received:
            self._seldom.say("slow", f"a request from {conn.address} did not arrive in time")
            self._loop.forget(conn.sock)
            self._say_last(conn, refusals.as_bytes(*refusals.TOO_SLOW))
        elif conn.state is State.HELD_BACK:
            self._say_last(conn, conn.held_back.data)
        else:
            self._drop(conn)

    def _say_last(self, conn: Connection, answer: bytes | bytearray) -> None:
        """Send a short answer, and close; for the main loop, which waits for nobody."""
        conn.sock.setblocking(False)
        with contextlib.suppress(OSError):  # it may be gone
            conn.sock.send(answer)
        self._close(conn)

    def _close(self, conn: Connection) -> None:
        """Let the peer read the answer: a socket that is closed with unread bytes is reset."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._drop(conn)
            return
        self._wait(conn, State.CLOSING)

    def _wait(self, conn: Connection, state: State) -> None:
        conn.enter(state, time.monotonic())
        conn.sock.setblocking(False)
        self._note_deadline(conn)
        self._loop.watch(conn.sock, partial(self._read, conn))

    def _note_deadline(self, conn: Connection) -> None:
        self._look_at = min(self._look_at, conn.deadline)

    def _drop(self, conn: Connection) -> None:
        if conn.state is State.GONE:
            return
        conn.enter(State.GONE, time.monotonic())
        self._loop.forget(conn.sock)
        self._door(conn).remove(conn)
        conn.close()
        self._let_others_read(conn)
        runs = self._turns.ran(conn)
        if runs is not None:
            self._run(runs)

    def _door(self, conn: Connection) -> Door[Connection]:
        return self._outside if conn.outside else self._inside

    # Threads

    def _serve(self, conn: Connection, threads: Threads) -> None:
        then = Then.CLOSE
        try:
            then = self._answer(conn, threads)
        except Exception:
            self.log.exception("a request failed")
        finally:
            self._loop.ask(partial(self._ran, conn, threads, then))

    def _answer(self, conn: Connection, threads: Threads) -> Then:
        """Answer its request, and those that follow at once as long as this thread may stay."""
        app = self._outside_app if conn.outside else self.wsgi
        server = self.sockets[1 if conn.outside else 0].getsockname()
        while True:
            then = self._answers.give(conn, app, server, last=not self.alive)
            if then is not Then.NEXT:
                return then
            # One that may have had its turn to send a large body must give that back.
            stays = conn.known and conn.received.is_small and threads.may_stay()
            conn.next_request()
            if not (stays and conn.hears_more(STAY)):
                return then
