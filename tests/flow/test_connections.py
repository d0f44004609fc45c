"""Connections to the real `serve`: what they may hold up, when they end, how refusals arrive.

These tests wait for real deadlines of a real process, so they poll.
"""

import json
import re
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest

from bridge.domain.policy import LimitsPolicy
from tests.loopback import free_port
from tests.soak.scenarios import MEMORY
from tests.soak.served import HOOK, KEY, Served, serving

LIMIT = LimitsPolicy().mdm_body
LARGE = min(LIMIT, 7 * 1024 * 1024) - 100
WRONG = "Basic bWRtOndyb25n"
EVENT = b'{"topic": "mdm.Connect", "event_id": "%d", "acknowledge_event": {"udid": "u"}}'
HALF = b"POST /hooks/mdm/main HTTP/1.1\r\nHost: x\r\nContent-Le"
OK = b"HTTP/1.1 200 OK\r\n"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with serving(tmp_path_factory.mktemp("served")) as served:
        yield served


def post(body: bytes, *, path: str = HOOK, key: str | None = KEY, **headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x"]
    lines += [f"Authorization: {key}"] if key else []
    headers = {"Content_Length": str(len(body)), **headers}
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items() if value]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def head_of(request: bytes) -> bytes:
    return request.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"


def answer(connection: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer; status 0 where the connection ended."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(1)):
            return 0, {}, data
        data += more
    lines = data.decode().split("\r\n")
    headers = {k.lower(): v for k, _, v in (line.partition(": ") for line in lines[1:] if line)}
    body = b""
    while len(body) < int(headers.get("content-length", 0)):
        body += connection.recv(65536)
    return int(lines[0].split()[1]), headers, body


def sentence(body: bytes) -> str:
    (name, said), *others = json.loads(body).items()
    assert name == "error" and not others and said.endswith(".") and "<" not in said
    return str(said)


def has_come(connection: socket.socket, seconds: float = 0.0) -> bool:
    """Whether an answer, or the end, comes within so many seconds."""
    return bool(select.select([connection], [], [], seconds)[0])


def asks(connection: socket.socket, request: bytes) -> int:
    connection.sendall(request)
    return answer(connection)[0]


def test_eight_halves_of_a_head_hold_up_nobody(served: Served) -> None:
    with ExitStack() as stack:
        for _ in range(16):
            stack.enter_context(served.connect()).sendall(HALF)
        for request in (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", post(EVENT % 1)):
            started = time.monotonic()
            with served.connect() as good:
                assert asks(good, request) == 200
            assert time.monotonic() - started < 2.0


def test_a_head_has_one_deadline_however_it_trickles(served: Served) -> None:
    started = time.monotonic()
    with served.connect(timeout=20) as half, served.connect(timeout=20) as trickling:
        half.sendall(HALF)
        while not has_come(trickling, 0.2) and time.monotonic() - started < 20:
            trickling.sendall(b"x")
        assert 4 < time.monotonic() - started < 8
        assert answer(trickling)[0] == 408
        status, headers, body = answer(half)
    assert (status, headers["connection"]) == (408, "close")
    assert sentence(body) == "The request's head did not arrive in time."


def test_a_connection_that_never_spoke_ends_and_one_that_did_stays(served: Served) -> None:
    started = time.monotonic()
    with served.connect(timeout=20) as silent, served.connect() as kept:
        assert asks(kept, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") == 200
        assert silent.recv(1) == b""
        assert 4 < time.monotonic() - started < 8
        assert asks(kept, post(EVENT % 2)) == 200


def test_a_slow_body_ends_and_holds_up_nobody(served: Served) -> None:
    started = time.monotonic()
    with ExitStack() as stack:
        slow = [stack.enter_context(served.connect(timeout=30)) for _ in range(16)]
        for connection in slow:
            connection.sendall(post(b"{" + b" " * 100)[:-50])
        with served.connect() as good:
            assert asks(good, post(EVENT % 3)) == 200
        assert time.monotonic() - started < 2.0
        found = {answer(connection)[0] for connection in slow}
        assert 9 < time.monotonic() - started < 15
    assert found == {408}


def test_large_bodies_that_come_together_are_all_taken_in(served: Served) -> None:
    body = b'{"topic": "x", "filler": "%s"}' % (b"x" * LARGE)
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    told = post(b"", Content_Length="", Transfer_Encoding="chunked") + chunked

    def send(request: bytes) -> int:
        with served.connect(timeout=60) as connection:
            return asks(connection, request)

    with ThreadPoolExecutor(10) as pool:
        found = pool.map(send, [post(body)] * 8 + [told] * 2)
        started = time.monotonic()
        with served.connect() as good:
            assert asks(good, post(EVENT % 70)) == 200
        assert time.monotonic() - started < 4.0
        assert list(found) == [200] * 10
    memory = served.memory()
    assert memory is None or memory < MEMORY


def test_the_oldest_that_showed_no_key_go_when_an_address_has_too_many(served: Served) -> None:
    with ExitStack() as stack:
        known = stack.enter_context(served.connect())
        assert asks(known, post(EVENT % 4)) == 200
        strangers = [stack.enter_context(served.connect()) for _ in range(120)]
        with served.connect() as new:
            assert asks(new, post(EVENT % 5)) == 200
        assert has_come(strangers[0], 3.0) and not has_come(strangers[-1])
        assert asks(known, post(EVENT % 6)) == 200


def test_requests_sent_one_after_the_other_are_all_answered(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(b"".join(post(EVENT % number) for number in range(10, 15)))
        assert [answer(connection)[0] for _ in range(5)] == [200] * 5


@pytest.mark.parametrize("pieces", [1, 2, 7])
def test_a_body_in_pieces_is_read_whole(served: Served, pieces: int) -> None:
    body = b'{"topic": "x",\r\n\r\n "filler": "%s"}' % (b"x" * 3000)
    size = len(body) // 3 + 1
    chunks = [body[at : at + size] for at in range(0, len(body), size)]
    chunked = b"".join(b"%x\r\n%s\r\n" % (len(each), each) for each in chunks) + b"0\r\n\r\n"
    told = post(b"", Content_Length="", Transfer_Encoding="chunked") + chunked
    for request in (post(body), told):
        with served.connect() as connection:
            step = len(request) // pieces + 1
            for at in range(0, len(request), step):
                connection.sendall(request[at : at + step])
                time.sleep(0.02)
            assert answer(connection)[0] == 200
            assert asks(connection, post(EVENT % 20)) == 200


@pytest.mark.parametrize(
    ("path", "key", "size", "status"),
    [
        (HOOK, WRONG, 5_000_000, 401),
        (HOOK, None, LIMIT, 401),
        (HOOK, KEY, LIMIT + 1, 413),
        ("/hooks/mdm/unknown", KEY, 5_000_000, 404),
        ("/hooks/apple/hq", WRONG, 5_000_000, 401),
        ("/v1/plan", WRONG, 5_000_000, 401),
        ("/nothing", None, 5_000_000, 404),
    ],
)
def test_a_refusal_arrives_at_who_sends_it_all_first(
    served: Served, path: str, key: str | None, size: int, status: int
) -> None:
    with served.connect(timeout=30) as connection:
        connection.sendall(post(b"x" * size, path=path, key=key))
        found, headers, body = answer(connection)
        assert (found, headers["connection"]) == (status, "close")
        assert sentence(body)
        assert connection.recv(1) == b"", "it ends in an orderly way"


def test_a_refusal_waits_for_who_sends_more_than_is_read(served: Served) -> None:
    with served.connect(timeout=1) as connection:
        connection.sendall(head_of(post(b"", Content_Length=str(4 * LIMIT))))
        with pytest.raises(TimeoutError):  # held up, and not reset
            connection.sendall(b"x" * (4 * LIMIT))
        assert answer(connection)[0] == 413
        assert connection.recv(1) == b"", "it ends in an orderly way"


def test_a_refusal_of_a_whole_request_leaves_the_connection_as_it_says(served: Served) -> None:
    with served.connect() as connection:
        connection.sendall(post(EVENT % 30, key=WRONG))
        status, headers, _ = answer(connection)
        assert (status, headers["connection"]) == (401, "keep-alive")
        assert asks(connection, post(EVENT % 30)) == 200


def test_who_asks_first_hears_of_wrong_credentials_before_sending_a_body(served: Served) -> None:
    request = post(EVENT % 40, key=WRONG, Expect="100-continue")
    with served.connect() as connection:
        connection.sendall(head_of(request))
        status, headers, _ = answer(connection)
        assert (status, headers["connection"]) == (401, "close")


def test_who_asks_first_with_the_key_is_told_to_go_on(served: Served) -> None:
    request = post(EVENT % 41, Expect="100-continue")
    with served.connect() as connection:
        connection.sendall(head_of(request))
        assert answer(connection)[0] == 100
        connection.sendall(EVENT % 41)
        assert answer(connection)[0] == 200
        assert asks(connection, post(EVENT % 42)) == 200


@pytest.mark.parametrize(
    ("request_line", "status"),
    [
        ("HEAD /healthz", 200),
        ("OPTIONS /healthz", 200),
        ("OPTIONS /v1/installs", 401),
        ("HEAD /nothing", 404),
        ("OPTIONS *", 404),
        (f"HEAD {HOOK}", 405),
        (f"OPTIONS {HOOK}", 405),
    ],
)
def test_other_methods_work_and_leave_the_connection(
    served: Served, request_line: str, status: int
) -> None:
    with served.connect() as connection:
        connection.sendall(f"{request_line} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        head = b""
        while b"\r\n\r\n" not in head:
            head += connection.recv(1)
        if not request_line.startswith("HEAD") and (
            length := re.search(rb"content-length: (\d+)", head.lower())
        ):
            connection.recv(int(length[1]), socket.MSG_WAITALL)
        assert head.split()[1] == str(status).encode()
        assert asks(connection, post(EVENT % 50)) == 200


REFUSED = [
    (b"nonsense\r\n\r\n", 400, "The request line cannot be read."),
    (b"GET / HTTP/9.9\r\n\r\n", 400, "Only HTTP/1.1 and HTTP/1.0 are spoken here."),
    (b"get / HTTP/1.1\r\n\r\n", 400, "The request's method cannot be read."),
    (b"GET / HTTP/1.1\nHost: x\n\n", 400, "The request line cannot be read."),
    (b"GET / HTTP/1.1\r\nHost\r\n\r\n", 400, "The request's head cannot be read."),
    (b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * 9000), 414, "The request line is too long."),
    (
        b"GET / HTTP/1.1\r\n" + b"X: %s\r\n" % (b"x" * 8000) * 6,
        431,
        "The request's head is too long.",
    ),
    (b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431, "The request's head is too long."),
    (b"GET / HTTP/1.1\r\nExpect: tea\r\n\r\n", 417, "Only 100-continue can be expected here."),
    (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", 400, "The request's head cannot be read."),
    (
        b"POST / HTTP/1.1\r\nTransfer-Encoding: tea\r\n\r\n",
        501,
        "This transfer coding is not supported.",
    ),
]


@pytest.mark.parametrize(("request_", "status", "said"), REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_read_is_refused_as_json(
    served: Served, request_: bytes, status: int, said: str
) -> None:
    with served.connect() as connection:
        connection.sendall(request_)
        found, headers, body = answer(connection)
        assert (found, sentence(body), headers["connection"]) == (status, said, "close")
        assert headers["content-type"] == "application/json"
        assert connection.recv(1) == b""


def test_what_anybody_can_cause_is_logged_once_a_minute(served: Served) -> None:
    for _ in range(30):
        with served.connect() as connection:
            assert asks(connection, b"GET / HTTP/9.9\r\n\r\n") == 400
    lines = [line for line in served.log() if "was refused with 400: Only HTTP/1.1 and" in line]
    assert len(lines) == 1 and "127.0.0.1" in lines[0] and "level=warning" in lines[0]
    assert not [line for line in served.log() if "Traceback" in line]


def test_the_second_listener_serves_apples_hook_alone(served: Served) -> None:
    for path, status in {
        "/hooks/apple/hq": 401,
        "/hooks/apple/hq/": 401,
        "/hooks/apple/unknown": 404,
        HOOK: 404,
        "/healthz": 404,
        "/readyz": 404,
        "/version": 404,
        "/v1/installs": 404,
        "/": 404,
    }.items():
        with served.connect(served.outside) as connection:
            connection.sendall(post(EVENT % 60, path=path))
            found, _, body = answer(connection)
            assert (path, found) == (path, status)
            assert sentence(body)
    with served.connect() as connection:
        assert asks(connection, post(EVENT % 61, path="/hooks/apple/hq")) == 401


def doctor(served: Served, config: str = "config.yaml") -> list[tuple[str, str, str]]:
    """Level, text and what to do of what it finds about the second listener."""
    told = subprocess.run(
        [
            sys.executable,
            "-m",
            "bridge",
            "--config",
            str(served.folder / config),
            "doctor",
            "--json",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    found = json.loads(told.stdout)["findings"]
    return [(f["level"], f["text"], f["mend"]) for f in found if f["part"] == "listen_outside"]


@pytest.mark.slow
def test_doctor_asks_the_second_listener_too(served: Served) -> None:
    assert doctor(served) == [
        ("ok", "/hooks/apple/hq is there, and refuses a wrong token", ""),
        ("ok", "/hooks/mdm/main is not served there", ""),
    ]
    mend = "restart vpp-bridge serve, so that it reads this file"
    config = (served.folder / "config.yaml").read_text()
    for port, expected in (
        (free_port(), [("fail", "nobody answers on 127.0.0.1:{} (Connection refused)", mend)]),
        (
            served.port,
            [
                ("ok", "/hooks/apple/hq is there, and refuses a wrong token", ""),
                (
                    "fail",
                    "/hooks/mdm/main answered 401 instead of 404: more than Apple's hook is served",
                    mend,
                ),
            ],
        ),
    ):
        other = served.folder / "other.yaml"
        other.touch(mode=0o600)
        text = config.replace(f"listen: 127.0.0.1:{served.port}", "listen: 127.0.0.1:9")
        other.write_text(text.replace(f":{served.outside}", f":{port}"))
        assert doctor(served, "other.yaml") == [
            (level, said.format(port), what) for level, said, what in expected
        ]
