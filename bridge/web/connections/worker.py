"""gunicorn's threaded worker with a main loop that reads.

What gunicorn keeps: processes and signals, accepting, the parser, WSGI and the answer, the thread
pool and the way back from it. What is done here: a connection waits in the poller, not in a thread,
until its request is whole, each wait has one deadline, and connections beyond the limits go.
Source: gunicorn/workers/gthread.py of 27.0.
"""

from __future__ import annotations

import contextlib
import errno
import selectors
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any, ClassVar, Protocol

from gunicorn.workers.gthread import ThreadWorker

from bridge.web.connections import refusals
from bridge.web.connections.bodies import LARGE, Turns
from bridge.web.connections.connection import IS_READ, Connection, State
from bridge.web.connections.door import Door
from bridge.web.connections.received import RequestAwaited
from bridge.web.credentials import KNOWN

STRANGER_THREADS = 4
OUTSIDE_THREADS = 4
"""Threads for connections that showed no key yet, and for the listener for Apple. The others have
their own, so that they never wait for these."""
OUTSIDE_SHARE = 4
"""One of so many connections may be at the listener for Apple."""

_READ = 64 * 1024
_READ_BODY = 256 * 1024
_AWAITED: Any = object()
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_ACCEPT_AT_ONCE = 32
_LOOK_AT_MOST = 0.05
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


class WebWorker(ThreadWorker):
    """Answers whole requests in threads, and reads and waits in its main loop alone.

    The first listener is served by `app.wsgi()`, the second one by `app.outside()`.
    """

    app: WebApplication  # type: ignore[assignment]
    _serving: ClassVar[threading.local] = threading.local()

    def init_process(self) -> None:
        """Make pools, doors and turns, in the worker's process."""
        allowed = self.cfg.worker_connections - 1  # what is above would stop accepting
        outside = allowed // OUTSIDE_SHARE if len(self.sockets) > 1 else 0
        self._inside: Door[Connection] = Door(allowed - outside)
        self._outside: Door[Connection] = Door(outside)
        self._strangers_pool = ThreadPoolExecutor(STRANGER_THREADS)
        self._outside_pool = ThreadPoolExecutor(OUTSIDE_THREADS)
        self._turns: Turns[Connection] = Turns()
        self._seldom = refusals.Seldom(self.log.warning)
        self._look_at = 0.0
        super().init_process()

    def load_wsgi(self) -> None:
        """Have the application tell whether a request's credentials are right."""
        super().load_wsgi()
        self.wsgi = self._answer
        self._inside_app = self.app.wsgi()
        self._outside_app = self.app.outside()

    # Main loop

    def accept(self, listener: Any) -> None:
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
        conn = Connection(
            self.cfg,
            sock,
            client,
            listener.getsockname(),
            body_limit=self.app.body_limit,
            outside=listener is not self.sockets[0],
        )
        self.nr_conns += 1
        door = self._door(conn)
        door.add(conn)
        self._wait(conn, State.HEAD)
        self._read(conn, sock)
        surplus = door.too_many(conn)
        if surplus is not None:
            self._seldom.say("connections", f"too many connections, also from {surplus.address}")
            self._drop(surplus)
        return True

    def wait_for_and_dispatch_events(self, timeout: float | None) -> None:
        """Wait no longer than until the next deadline."""
        left = max(self._look_at - time.monotonic(), 0.0)
        super().wait_for_and_dispatch_events(left if timeout is None else min(timeout, left))

    def murder_keepalived(self, force: bool = False) -> None:
        """End what waited too long; gunicorn calls this in every turn of its loop."""
        now = time.monotonic()
        if not force and now < self._look_at:
            return
        for conn in (*self._inside, *self._outside):
            if conn.state is State.RUNNING:
                continue
            if force:
                self._drop(conn)
            elif conn.deadline <= now:
                self._expire(conn)
        self._look_at = max(
            min((each.deadline for each in (*self._inside, *self._outside)), default=now + 1.0),
            now + _LOOK_AT_MOST,
        )

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """A thread is done with a connection: read on, keep it or close it."""
        runs = self._turns.ran(conn)
        if runs is not None:
            self.enqueue_req(runs)
        failure = fs.exception()
        if failure is not None:
            self.log.error("a request failed", exc_info=failure)
        result = failure is None and fs.result()
        if result is _AWAITED:
            self._await(conn)
            return
        self._let_others_read(conn)
        if result:
            conn.next_request()
            self._wait(conn, State.HEAD if conn.received else State.IDLE)
            self._run_if_whole(conn)
        else:
            self._close(conn)

    def enqueue_req(self, conn: Any) -> None:
        """Give a connection to a thread of those that are for its like."""
        conn.enter(State.RUNNING, time.monotonic())
        pool = self.tpool if conn.known else self._strangers_pool
        future = (self._outside_pool if conn.outside else pool).submit(self.handle, conn)
        future.add_done_callback(
            lambda done: self.method_queue.defer(self.finish_request, conn, done)
        )

    def _read(self, conn: Connection, sock: socket.socket) -> None:
        if conn.state not in IS_READ:
            return  # another event of the same turn has ended the wait
        try:
            data = sock.recv(_READ if conn.state is State.HEAD else _READ_BODY)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if conn.state is State.CLOSING:
            conn.drained += len(data)
            if not data or conn.drained > self.app.body_limit:
                self._drop(conn)
        elif data:
            self._take(conn, data)
        elif conn.state is State.BODY:
            conn.received.finish(ConnectionAbortedError("the peer hung up"))
            self._run_if_whole(conn)
        else:
            self._drop(conn)

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
        self._unregister(conn)
        if not conn.known and not conn.takes_answers():
            self._drop(conn)
        elif self._turns.may_run(conn):
            self.enqueue_req(conn)
        else:
            conn.enter(State.QUEUED, time.monotonic())

    def _await(self, conn: Connection) -> None:
        """Read on; the thread found that more must come."""
        if not conn.received.in_body:
            self._wait(conn, State.HEAD)
            return
        size = conn.received.whole_at or self.app.body_limit
        if size < LARGE or self._turns.may_read(conn, size):
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
            self._unregister(conn)
            with contextlib.suppress(OSError):  # it may be gone
                conn.sock.send(refusals.as_bytes(*refusals.TOO_SLOW))
            self._close(conn)
        else:
            self._drop(conn)

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
        self.poller.register(conn.sock, selectors.EVENT_READ, partial(self._read, conn))

    def _note_deadline(self, conn: Connection) -> None:
        self._look_at = min(self._look_at, conn.deadline)

    def _drop(self, conn: Connection) -> None:
        if conn.state is State.GONE:
            return
        conn.enter(State.GONE, time.monotonic())
        self._unregister(conn)
        self._door(conn).remove(conn)
        self.nr_conns -= 1
        conn.close()
        self._let_others_read(conn)
        runs = self._turns.ran(conn)
        if runs is not None:
            self.enqueue_req(runs)

    def _unregister(self, conn: Connection) -> None:
        with contextlib.suppress(KeyError, ValueError):  # it is not waited for
            self.poller.unregister(conn.sock)

    def _door(self, conn: Connection) -> Door[Connection]:
        return self._outside if conn.outside else self._inside

    # Threads

    def handle(self, conn: Any) -> Any:
        """Answer one request; _AWAITED where more of it must come."""
        self._serving.connection = conn
        try:
            return super().handle(conn)
        except RequestAwaited:
            return _AWAITED

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Any) -> None:
        """Refuse what gunicorn cannot read, and say so at most once a minute."""
        status, sentence = refusals.refusal(exc)
        if (status, sentence) == refusals.FAILED:
            self.log.exception("a request failed")
        else:
            where = self._serving.connection.address
            self._seldom.say(
                type(exc).__name__, f"a request from {where} was refused with {status}: {sentence}"
            )
        with contextlib.suppress(OSError):  # it may be gone
            client.sendall(refusals.as_bytes(status, sentence))

    def _answer(self, environ: Any, start_response: Any) -> Any:
        conn: Connection = self._serving.connection
        app = self._outside_app if conn.outside else self._inside_app
        try:
            return app(environ, start_response)
        finally:
            conn.known = environ.get(KNOWN, False)
