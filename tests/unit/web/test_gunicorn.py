"""All that the bridge takes from gunicorn beyond its documented settings, each with the reason.

A release of gunicorn that no longer has one of these fails here, by its name, before anything else
fails in a way that is hard to read. tests/flow/test_gunicorn_versions.py runs this with the lowest
and the newest release that pyproject.toml allows.
"""

import ast
import inspect
import io
import socket
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from gunicorn.arbiter import Arbiter
from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.http import errors, wsgi
from gunicorn.http.body import ChunkedReader, LengthReader
from gunicorn.http.message import Request
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.base import Worker

from bridge.serving.supervisor import EXIT_FOR_GOOD
from bridge.web.connections.refusals import _BY_ERROR
from bridge.web.server import _Application

ROOT = Path(__file__).parents[3]

IMPORTED = {
    "gunicorn.app.base.BaseApplication": "settings from code, and no command line",
    "gunicorn.arbiter.Arbiter": "the exit code for a worker that cannot start",
    "gunicorn.http.errors": "what the parser refuses, for words of our own",
    "gunicorn.http.errors.LimitRequestHeaders": "raised by us for a head without an end",
    "gunicorn.http.errors.ParseException": "all refusals of the parser, heads and chunks",
    "gunicorn.http.body.LengthReader": "how long a body is to be",
    "gunicorn.http.message.Request": "the parser",
    "gunicorn.http.unreader.SocketUnreader": "the parser's source, over what has come",
    "gunicorn.http.wsgi": "environ and the answer",
    "gunicorn.workers.base.Worker": "a process that the arbiter starts, watches and ends",
}

WORKER = {
    "app": "our application, with both listeners' WSGI callables",
    "alive": "whether to go on",
    "booted": "whether it came as far as serving; where not, the exit code is left alone",
    "cfg": "the settings",
    "log": "gunicorn's logger",
    "pid": "to tell the worker's own end from the arbiter's view of it",
    "sockets": "the listeners",
    "handle_exit": "SIGTERM",
    "init_process": "what is made after the fork",
    "load_wsgi": "what is made with the application",
    "notify": "the sign of life",
    "run": "the main loop",
}

REQUEST = {
    "body": "its reader says whether there is a length",
    "headers": "whether a connection is to be closed, in should_close",
    "should_close": "made stricter",
    "unreader": "what was read too far",
    "_expected_100_continue": "taken away: nobody is asked for a body before the key is seen",
}

RESPONSE = {
    "start_response": "WSGI",
    "write": "WSGI",
    "close": "the end of chunks",
    "force_close": "for a worker that ends",
    "headers_sent": "whether a refusal can still be sent",
    "should_close": "what the answer said of the connection",
}

PARAMETERS = {
    Request: ["cfg", "unreader", "peer_addr", "req_number"],
    SocketUnreader: ["sock"],
    wsgi.create: ["req", "sock", "client", "server", "cfg"],
}


@pytest.fixture
def worker() -> Iterator[Worker]:
    """A worker before its fork."""
    cfg = Config()
    found = Worker(1, 2, [], None, 30, cfg, Logger(cfg))  # type: ignore[arg-type]
    yield found
    found.tmp.close()


def read(head: bytes) -> Any:
    """gunicorn's request from these bytes."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(head)
        return Request(Config(), SocketUnreader(ours), ("192.0.2.1", 5))  # type: ignore[arg-type]


def imports() -> set[str]:
    """What the bridge imports from gunicorn, with its full name."""
    return {
        f"{node.module}.{alias.name}"
        for path in (ROOT / "bridge").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "gunicorn"
        for alias in node.names
    }


def test_nothing_else_is_imported() -> None:
    assert imports() == set(IMPORTED)


@pytest.mark.parametrize("name", IMPORTED)
def test_gunicorn_has(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    assert hasattr(import_module(module), attribute) or import_module(name)


def test_a_worker_that_cannot_start_has_an_exit_code() -> None:
    assert Arbiter.APP_LOAD_ERROR == EXIT_FOR_GOOD


@pytest.mark.parametrize("name", WORKER)
def test_a_worker_has(worker: Worker, name: str) -> None:
    assert hasattr(worker, name), WORKER[name]


@pytest.mark.parametrize("name", REQUEST)
def test_a_request_has(name: str) -> None:
    assert hasattr(read(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), name), REQUEST[name]


@pytest.mark.parametrize("name", RESPONSE)
def test_an_answer_has(name: str) -> None:
    request = read(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    response, _ = wsgi.create(request, io.BytesIO(), ("192.0.2.1", 5), ("::1", 9008), Config())
    assert hasattr(response, name), RESPONSE[name]


@pytest.mark.parametrize("what", PARAMETERS, ids=lambda what: what.__name__)
def test_parameters_are_in_this_order(what: Any) -> None:
    names = list(inspect.signature(what).parameters)
    assert names[: len(PARAMETERS[what])] == PARAMETERS[what]


def test_a_body_says_how_long_it_is() -> None:
    told = read(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n")
    assert isinstance(told.body.reader, LengthReader) and told.body.reader.length == 5
    none = read(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert isinstance(none.body.reader, LengthReader) and none.body.reader.length == 0


def test_a_body_in_chunks_says_when_all_was_read() -> None:
    head = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
    request = read(head + b"2\r\nok\r\n0\r\n\r\nGET")
    reader = request.body.reader
    assert isinstance(reader, ChunkedReader) and reader.parser is not None
    assert request.body.read() == b"ok"
    assert reader.parser is None
    assert request.unreader.buf.getvalue() == b"GET", "what was read too far"


def test_who_waits_to_be_told_to_go_on_is_told_apart() -> None:
    expects = b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
    assert read(expects)._expected_100_continue is True
    assert read(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")._expected_100_continue is False


@pytest.mark.parametrize(("kind", "status", "sentence"), _BY_ERROR)
def test_a_refusal_is_one_of_the_parsers(kind: type, status: int, sentence: str) -> None:
    assert issubclass(kind, errors.ParseException) and status and sentence


def settings() -> dict[str, Any]:
    application = _Application(lambda: None, [], 100, lambda: None)  # type: ignore[arg-type, return-value]
    return application._settings()


@pytest.mark.parametrize("name", settings())
def test_a_setting_is_known(name: str) -> None:
    Config().set(name, settings()[name])


def test_what_gunicorn_logs_goes_to_one_logger() -> None:
    assert Logger(Config()).error_log.name == "gunicorn.error"
