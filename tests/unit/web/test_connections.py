"""What has come in of a request, who must go, whose turn it is, and what is said how often."""

import errno
import itertools
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
from gunicorn.config import Config
from gunicorn.http import errors
from hypothesis import given
from hypothesis import strategies as st

from bridge.web.connections.answering import HELD_BACK, WAITED, Answers, Then
from bridge.web.connections.bodies import Turns
from bridge.web.connections.connection import Connection, State
from bridge.web.connections.door import Door
from bridge.web.connections.loop import Loop
from bridge.web.connections.received import HEAD_LIMIT, Received, RequestAwaited
from bridge.web.connections.refusals import FAILED, Seldom, as_bytes
from bridge.web.connections.threads import Threads
from bridge.web.connections.worker import WebWorker
from bridge.web.credentials import KNOWN
from bridge.web.server import connections_allowed

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n"


def received(*pieces: bytes) -> Received:
    found = Received(body_limit=1000)
    for piece in pieces:
        found.add(piece)
    return found


@given(st.lists(st.integers(0, len(HEAD))))
def test_a_head_is_tried_when_its_empty_line_is_there_and_not_before(cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(HEAD)]
    found = received()
    for start, end in itertools.pairwise(edges):
        assert not found.is_promising()
        found.add(HEAD[start:end])
        if end == len(HEAD):
            break
    assert found.is_promising()


def test_the_parser_reads_it_as_a_socket_and_may_begin_anew() -> None:
    found = received(b"abc", b"def")
    assert (found.recv(4), found.recv(4)) == (b"abcd", b"ef")
    with pytest.raises(RequestAwaited):
        found.recv(1)
    found.add(b"g")
    found.begin()
    assert found.recv(100) == b"abcdefg"


def test_what_follows_an_answered_request_stays() -> None:
    found = received(HEAD, b"12345GET / HT")
    found.begin_body(len(HEAD), 5)
    assert found.is_promising()
    assert found.recv(1000).endswith(b"GET / HT")
    found.next_request(unread=8)
    assert len(found) == 8 and not found.is_promising() and not found.in_body
    assert found.recv(100) == b"GET / HT"


def test_a_body_of_known_length_is_tried_once() -> None:
    found = received(HEAD, b"\r\n\r\n")
    found.begin_body(len(HEAD), 5)
    assert not found.is_promising()
    found.add(b"5")
    assert found.is_promising()


def test_a_body_in_chunks_is_tried_after_each_empty_line_and_at_the_limit() -> None:
    found = received(HEAD)
    assert found.is_promising()
    found.begin_body(len(HEAD), None)
    for piece, promising in ((b"5\r\n12345\r\n", False), (b"0\r\n\r", False), (b"\n", True)):
        found.add(piece)
        assert found.is_promising() == promising
    assert not found.is_promising(), "nothing new came"
    found.add(b"x" * (HEAD_LIMIT + 1000))
    assert found.is_promising()
    found.recv(100_000)
    with pytest.raises(OSError, match="too much room"):
        found.recv(1)


def test_a_head_that_is_too_long_is_refused() -> None:
    found = received(b"GET / HTTP/1.1\r\n" + b"x" * HEAD_LIMIT)
    assert found.is_promising()
    found.recv(100_000)
    with pytest.raises(errors.LimitRequestHeaders):
        found.recv(1)


def test_the_end_of_it_is_told_by_what_ended_it() -> None:
    found = received(b"x")
    found.finish(TimeoutError("slow"))
    assert found.is_promising() and found.recv(10) == b"x"
    with pytest.raises(TimeoutError):
        found.recv(1)


@dataclass(eq=False)
class Peer:
    address: str
    is_dispensable: bool = True


def test_the_oldest_stranger_goes_when_a_door_is_full_and_never_who_showed_a_key() -> None:
    door: Door[Peer] = Door(limit=3)
    known, first, second, new = Peer("a", False), Peer("b"), Peer("c"), Peer("d")
    for peer in (known, first, second):
        door.add(peer)
        assert door.too_many(peer) is None
    door.add(new)
    assert door.too_many(new) is first
    door.remove(first)
    second.is_dispensable = new.is_dispensable = False
    served = Peer("e", False)
    door.add(served)
    assert door.too_many(served) is None, "who is being served is not cut off"
    door.remove(served)
    late = Peer("f")
    door.add(late)
    assert door.too_many(late) is late


def test_an_address_has_so_many_strangers_and_others_are_not_its_matter() -> None:
    door: Door[Peer] = Door(limit=100, per_address=2)
    known, other = Peer("a", False), Peer("b")
    first, second, third = Peer("a"), Peer("a"), Peer("a")
    for peer in (other, known, first, second):
        door.add(peer)
        assert door.too_many(peer) is None
    door.add(third)
    assert door.too_many(third) is first
    door.remove(first)
    shown = Peer("a", False)
    door.add(shown)
    assert door.too_many(shown) is None


def test_large_bodies_are_read_while_there_is_room_and_answered_one_at_a_time() -> None:
    turns: Turns[str] = Turns(room=10, large=1)
    assert turns.may_read("a", 6) and turns.may_read("b", 4) and turns.may_read("a", 6)
    assert not turns.may_read("c", 5)
    assert not turns.may_read("d", 1), "nobody overtakes"
    assert turns.may_run("small") and turns.may_run("b") and turns.may_run("b")
    assert not turns.may_run("a")
    assert turns.ran("b") == "a" and turns.left("b") == []
    assert turns.ran("a") is None and turns.left("a") == ["c", "d"]
    assert turns.left("c") == turns.left("d") == []
    assert turns.may_read("larger than all the room", 11)
    assert not turns.may_read("e", 1)


def test_bodies_that_are_not_large_need_room_and_no_turn_to_be_answered() -> None:
    turns: Turns[str] = Turns(room=10, large=6)
    assert turns.may_read("a", 5) and turns.may_read("b", 5)
    assert turns.may_run("a") and turns.may_run("b"), "side by side"
    assert not turns.may_read("large", 6)
    assert turns.left("a") == [] and turns.left("b") == ["large"]
    assert turns.may_run("large") and turns.ran("large") is None


def test_who_is_gone_keeps_nobody_waiting() -> None:
    turns: Turns[str] = Turns(room=10, large=1)
    assert turns.may_read("a", 5) and turns.may_read("b", 5)
    assert not turns.may_read("c", 5) and not turns.may_read("d", 5)
    assert turns.may_run("a") and not turns.may_run("b")
    assert turns.ran("b") is None and turns.left("b") == ["c"]
    assert turns.ran("c") is None and turns.left("c") == ["d"]
    assert turns.ran("a") is None
    assert turns.may_run("d")


def test_one_line_of_a_kind_comes_in_a_minute_and_counts_the_others() -> None:
    now = [1000.0]
    said: list[str] = []
    seldom = Seldom(said.append, clock=lambda: now[0])
    for _ in range(3):
        seldom.say("a", "something")
    seldom.say("b", "another")
    assert said == ["something", "another"]
    now[0] += 60
    seldom.say("a", "something")
    seldom.say("b", "another")
    assert said[2:] == ["something; and 2 more since the last line", "another"]


@pytest.fixture
def connection() -> Iterator[Connection]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        yield Connection(ours, ("192.0.2.1", 5), body_limit=1000)


GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class Asked:
    """A request that has come, and what its peer and the log get of it."""

    conn: Connection
    peer: socket.socket
    said: list[str]

    def give(self, app: Any, *, last: bool = False) -> Then:
        answers = Answers(Config(), lambda kind, text: self.said.append(text))
        return answers.give(self.conn, app, ("127.0.0.1", 9008), last=last)

    def told(self) -> bytes:
        return self.peer.recv(65536)


@pytest.fixture
def asked() -> Iterator[Asked]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conn = Connection(ours, ("192.0.2.1", 5), body_limit=1000)
        yield Asked(conn, theirs, [])


def fine(environ: Any, start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]


@pytest.mark.parametrize(("last", "then"), [(False, Then.NEXT), (True, Then.CLOSE)])
def test_an_answer_is_followed_by_another_unless_it_is_the_last(
    asked: Asked, last: bool, then: Then
) -> None:
    asked.conn.received.add(GET)
    assert asked.give(fine, last=last) is then
    told = asked.told()
    assert told.startswith(b"HTTP/1.1 200 OK\r\n") and told.endswith(b"\r\n\r\nok")
    assert (b"Connection: close\r\n" in told) == last


@pytest.mark.parametrize(
    "headers", [[("bad name", "x")], [("X", "bad\nvalue")]], ids=["name", "value"]
)
def test_our_own_mistakes_are_not_the_peers(asked: Asked, headers: list[tuple[str, str]]) -> None:
    def mistaken(environ: Any, start_response: Any) -> list[bytes]:
        start_response("200 OK", headers)
        return []

    asked.conn.received.add(GET)
    with pytest.raises(errors.ParseException):
        asked.give(mistaken)
    assert asked.told() == as_bytes(*FAILED)
    assert as_bytes(*FAILED).startswith(b"HTTP/1.1 500 Internal Server Error\r\n")
    assert asked.said == []


def test_an_answer_that_was_begun_gets_no_other_behind_it(asked: Asked) -> None:
    def breaks(environ: Any, start_response: Any) -> Iterator[bytes]:
        start_response("200 OK", [("Content-Length", "4")])
        yield b"ok"
        raise KeyError("x")

    asked.conn.received.add(GET)
    with pytest.raises(KeyError):
        asked.give(breaks)
    assert asked.told().endswith(b"\r\n\r\nok")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimeoutError("slow"), ["an answer was not read in time and was given up"]),
        (BrokenPipeError(errno.EPIPE, "gone"), []),
        (ConnectionResetError(errno.ECONNRESET, "gone"), []),
    ],
)
def test_a_peer_that_does_not_read_its_answer_is_no_failure(
    asked: Asked, error: OSError, said: list[str]
) -> None:
    def unread(environ: Any, start_response: Any) -> list[bytes]:
        raise error

    asked.conn.received.add(GET)
    assert asked.give(unread) is Then.CLOSE
    assert asked.said == said


def test_a_body_that_nobody_looked_at_is_not_the_next_request(asked: Asked) -> None:
    body = GET * 4000  # more than gunicorn would read and throw away
    head = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body)
    asked.conn.received.add(head + body + b"GET /next HT")
    assert asked.give(fine) is Then.NEXT
    assert b"Connection: close" not in asked.told()
    asked.conn.next_request()
    assert asked.conn.received.recv(100) == b"GET /next HT"


def test_a_request_that_is_not_whole_is_read_on_and_its_body_not_asked_for(asked: Asked) -> None:
    def reads(environ: Any, start_response: Any) -> list[bytes]:
        environ["wsgi.input"].read()
        return fine(environ, start_response)

    head = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    asked.conn.received.add(head[:-2])
    assert asked.give(reads) is Then.READ_ON
    assert not asked.conn.received.in_body and not asked.conn.expects_continue
    asked.conn.received.add(head[-2:])
    assert asked.give(reads) is Then.READ_ON
    assert asked.conn.received.in_body and asked.conn.expects_continue
    asked.conn.received.add(b"12345")
    assert asked.give(reads) is Then.NEXT
    assert asked.told().startswith(b"HTTP/1.1 200 OK\r\n")


def test_what_a_thread_asks_is_done_by_the_loop_in_its_turn() -> None:
    loop, done = Loop(), []
    thread = threading.Thread(target=lambda: loop.ask(lambda: done.append(threading.get_ident())))
    thread.start()
    thread.join()
    assert done == []
    loop.turn(timeout=60)
    assert done == [threading.get_ident()]
    for number in range(100_000):
        loop.ask(partial(done.append, number))
    loop.turn(timeout=60)
    assert done[1:] == list(range(100_000)), "though not each could wake it"


def test_a_head_and_a_body_have_one_deadline_however_often_they_are_waited_for(
    connection: Connection,
) -> None:
    for now in (100.0, 103.0):
        connection.enter(State.HEAD, now)
        assert connection.deadline == 105.0
        connection.enter(State.RUNNING, now)
        assert connection.deadline == float("inf")
    connection.received.add(b"x" * 512 * 1024)
    for now in (104.0, 110.0):
        connection.enter(State.BODY, now)
        assert connection.deadline == 104 + 10 + 2


def test_a_connection_rests_longer_than_gos_client_lets_it(connection: Connection) -> None:
    connection.enter(State.IDLE, 100.0)
    assert connection.deadline > 100 + 90
    connection.enter(State.IDLE, 200.0)
    assert connection.deadline > 200 + 90


def test_who_showed_a_key_or_is_served_is_not_dispensable(connection: Connection) -> None:
    assert connection.is_dispensable
    connection.enter(State.RUNNING, 0.0)
    assert not connection.is_dispensable
    connection.enter(State.IDLE, 0.0)
    assert connection.is_dispensable
    connection.known = True
    assert not connection.is_dispensable


class Stand(WebWorker):
    """The worker's main loop alone, without processes and threads."""

    def __init__(self) -> None:
        self._loop = Loop()
        self._inside, self._outside, self._turns = Door(10), Door(0), Turns()
        self._look_at = self._notify_at = 0.0


def test_an_event_of_a_connection_that_another_event_ended_does_nothing(
    connection: Connection,
) -> None:
    worker = Stand()
    worker._inside.add(connection)
    worker._wait(connection, State.HEAD)
    for _ in range(2):
        worker._drop(connection)
        worker._read(connection)
    assert worker._connections() == 0 == len(worker._inside)
    assert connection.state is State.GONE


@contextmanager
def running(threads: Threads) -> Iterator[Threads]:
    """Threads that end with the block."""
    before = set(threading.enumerate())
    yield threads
    threads.end()
    for thread in set(threading.enumerate()) - before:
        thread.join()


class Listener:
    """The socket that a request came in at."""

    def getsockname(self) -> tuple[str, int]:
        return "127.0.0.1", 9008


class Answering(Stand):
    """A worker that answers with `app`; each answer is counted, and `meanwhile` called after it."""

    def __init__(self, app: Any, meanwhile: Callable[[int], object]) -> None:
        super().__init__()
        self.wsgi = app
        self.alive = True
        self.given = 0
        self.sockets = [Listener()]
        self._answers = Answers(Config(), lambda kind, text: None)
        give = self._answers.give

        def counted(*args: Any, **kwargs: Any) -> Then:
            then = give(*args, **kwargs)
            self.given += 1
            meanwhile(self.given)
            return then

        self._answers.give = counted  # type: ignore[method-assign]

    def _ran(self, conn: Connection, threads: Threads, then: Then) -> None:
        self.ran = then


@pytest.mark.parametrize(
    ("spare", "known", "given"),
    [
        pytest.param(1, True, 3, id="the next request is on its way"),
        pytest.param(2, True, 1, id="all threads are for others"),
        pytest.param(1, False, 1, id="no key was shown"),
    ],
)
def test_a_thread_stays_with_who_has_more_to_tell_and_a_key(
    asked: Asked, spare: int, known: bool, given: int
) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ[KNOWN] = known
        environ["wsgi.input"].read()
        return fine(environ, start_response)

    def next_one(done: int) -> None:
        if done < 3:
            asked.peer.sendall(HEAD + b"12345")

    worker = Answering(app, next_one)
    asked.conn.received.add(HEAD + b"12345")
    with running(Threads(2, spare)) as threads:
        threads.run(lambda: worker._serve(asked.conn, threads))
    worker._loop.turn(60.0)
    assert worker.ran is Then.NEXT
    assert worker.given == given
    assert asked.told().count(b"HTTP/1.1 200 OK\r\n") == given
    assert not asked.conn.received.in_body, "what comes next is a request of its own"


def test_who_may_have_taken_a_turn_for_a_large_body_gives_it_back(asked: Asked) -> None:
    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ[KNOWN] = True
        environ["wsgi.input"].read()
        return fine(environ, start_response)

    worker = Answering(app, lambda done: asked.peer.sendall(GET))
    chunked = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    asked.conn.received.add(chunked)
    assert worker._answer(asked.conn, Threads(2, 1)) is Then.NEXT
    assert worker.given == 1


def test_a_request_tells_how_long_it_waited_and_the_next_one_begins_anew(asked: Asked) -> None:
    waited: list[float] = []

    def app(environ: Any, start_response: Any) -> list[bytes]:
        environ[KNOWN] = True
        waited.append(environ[WAITED])
        return fine(environ, start_response)

    worker = Answering(app, lambda done: done < 2 and asked.peer.sendall(HEAD + b"12345"))
    asked.conn.received.add(HEAD + b"12345")
    asked.conn.waits_since -= 100
    assert worker._answer(asked.conn, Threads(2, 1)) is Then.NEXT
    first, second = waited
    assert 100 <= first < 200 and second < 50


def test_the_wait_begins_when_what_came_is_whole(connection: Connection) -> None:
    worker = Stand()
    worker._threads = worker._stranger_threads = Threads(0, 0)
    connection.waits_since -= 100
    connection.received.add(GET)
    before = connection.waits_since
    worker._run_if_whole(connection)
    assert connection.waits_since > before + 50
    assert connection.state is State.RUNNING


def test_threads_stay_while_half_of_them_are_free_for_others() -> None:
    may = []
    with running(Threads(4, 2)) as threads:
        for _ in range(3):
            threads.run(lambda: None)
            may.append(threads.may_stay())
        assert may == [True, True, False]
        threads.left()
        assert threads.may_stay()


@pytest.mark.parametrize(
    ("sent", "whole", "kept"),
    [(GET, True, len(GET)), (GET[:9], False, 9), (b"", False, 0)],
    ids=["whole", "half", "nothing"],
)
def test_what_a_thread_hears_is_begun_when_it_is_whole_and_never_lost(
    asked: Asked, sent: bytes, whole: bool, kept: int
) -> None:
    asked.peer.sendall(sent)
    assert asked.conn.hears_more(0.01) == whole
    assert len(asked.conn.received) == kept
    if not whole:
        asked.conn.received.add(GET[kept:])
        assert asked.conn.received.is_promising()


def test_a_peer_that_hung_up_is_left_to_the_main_loop(asked: Asked) -> None:
    asked.peer.close()
    assert not asked.conn.hears_more(10.0)
    assert asked.conn.sock.recv(1) == b""


def test_a_busy_worker_tells_gunicorn_once_a_second_that_it_lives() -> None:
    worker = Stand()
    told: list[None] = []
    worker.notify = lambda: told.append(None)  # type: ignore[method-assign]
    for _ in range(20):
        worker._turn(0.0)
    assert len(told) == 1


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_ipv6_address_stands_for_its_network(host: str, address: str) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        conn = Connection(ours, (host, 5, 0, 0), body_limit=1000)
    assert conn.address == address


@pytest.mark.parametrize(
    ("soft", "hard", "set_to", "allowed"),
    [
        (256, -1, 1300, 1200),
        (1024, 4096, 1300, 1200),
        (1024, 1024, 1024, 924),
        (128, 128, 128, 64),
        (4096, 4096, None, 1200),
        (-1, -1, None, 1200),
    ],
)
def test_as_many_files_may_be_open_as_connections_need(
    monkeypatch: pytest.MonkeyPatch, soft: int, hard: int, set_to: int | None, allowed: int
) -> None:
    done: list[tuple[int, int]] = []
    monkeypatch.setattr("resource.RLIM_INFINITY", -1)
    monkeypatch.setattr("resource.getrlimit", lambda what: (soft, hard))
    monkeypatch.setattr("resource.setrlimit", lambda what, limits: done.append(limits))
    assert connections_allowed() == allowed
    assert done == ([] if set_to is None else [(set_to, hard)])


def refuses(environ: Any, start_response: Any) -> list[bytes]:
    environ[HELD_BACK] = 3.0
    start_response("401 UNAUTHORIZED", [("Content-Length", "2")])
    return [b"no"]


def test_an_answer_that_is_held_back_is_not_sent_yet(asked: Asked) -> None:
    asked.conn.received.add(GET)
    assert asked.give(refuses) is Then.LATER
    asked.peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        asked.told()
    assert asked.conn.held_back.seconds == 3.0
    kept = bytes(asked.conn.held_back.data)
    assert b"Connection: close" in kept and kept.endswith(b"\r\n\r\nno")


def test_the_main_loop_sends_it_when_its_time_has_come_and_closes(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr("bridge.web.connections.worker.time.monotonic", lambda: now)
    worker = Stand()
    worker._inside.add(asked.conn)
    asked.conn.received.add(GET)
    asked.conn.enter(State.RUNNING, now)
    threads = Threads(1, 1)
    threads._with_them = 1
    worker._ran(asked.conn, threads, asked.give(refuses))
    asked.peer.setblocking(False)
    worker._end_what_waited_too_long()
    with pytest.raises(BlockingIOError):
        asked.told()
    assert asked.conn.is_dispensable, "it may go for another"
    now += 3.0
    worker._end_what_waited_too_long()
    assert asked.told().startswith(b"HTTP/1.1 401 UNAUTHORIZED\r\n")
    assert asked.conn.state is State.CLOSING and asked.peer.recv(1) == b""
