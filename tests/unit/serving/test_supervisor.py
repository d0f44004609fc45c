"""When a child is started again, and the wait for a port."""

import errno
import functools
import queue
import signal
import socket
import sys
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.serving import processes as serve_module
from bridge.serving.supervisor import EXIT_FOR_GOOD, EXIT_LOCKED, Child, listen, restart_delay
from tests.loopback import free_port
from tests.serve_stand_in import write_config


@pytest.mark.parametrize(
    ("exit_code", "up_for", "losses", "delay"),
    [
        (0, 1, 0, None),
        (1, 4.9, 0, None),
        (4, 1, 3, None),
        (0, 5, 0, 0.2),
        (1, 5, 0, 0.2),
        (1, 5, 1, 1.0),
        (1, 5, 4, 10.0),
        (1, 5, 5, 30.0),
        (1, 5, 100_000, 30.0),
        (-9, 0.1, 0, 0.2),
        (-11, 0.1, 2, 2.0),
        (EXIT_LOCKED, 1, 0, None),
        (EXIT_LOCKED, 1000, 0, None),
        (EXIT_FOR_GOOD, 1, 0, None),
        (EXIT_FOR_GOOD, 60, 0, None),
    ],
)
def test_what_cannot_start_is_given_up_and_what_was_lost_comes_back_ever_later(
    exit_code: int, up_for: float, losses: int, delay: float | None
) -> None:
    assert restart_delay(exit_code, up_for, losses) == delay


INTERRUPTED = """
import os, signal
for signum in (signal.SIGINT, signal.SIGHUP):
    os.kill(os.getpid(), signum)
signal.raise_signal(signal.SIGTERM)
"""


def test_a_child_that_still_starts_is_ended_by_sigterm_and_not_by_its_terminal() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    child = Child("engine", (sys.executable, "-c", INTERRUPTED))
    child.start(now=0.0)
    assert child.process is not None and child.process.stdin is not None
    with child.process.stdin:
        assert child.process.wait(timeout=60) == -signal.SIGTERM
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_a_free_port_is_listened_on(host: str) -> None:
    listener = listen((host, 0), queue.SimpleQueue(), wait=0)
    assert listener is not None
    with listener, socket.create_connection(("localhost", listener.getsockname()[1])):
        listener.accept()[0].close()


def test_a_port_that_stays_taken_is_not_waited_for_longer_than_told() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="in use") as caught,
    ):
        listen(taken.getsockname(), queue.SimpleQueue(), wait=0)
    assert caught.value.errno == errno.EADDRINUSE


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_wait_for_a_port(signum: int) -> None:
    signals: queue.SimpleQueue[int] = queue.SimpleQueue()
    signals.put(signum)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert listen(taken.getsockname(), signals, wait=3600) is None


def test_serve_needs_more_than_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serve_module, "listen", functools.partial(listen, wait=0))
    monkeypatch.setattr(serve_module, "setup_logging", lambda *_: None)
    config = tmp_path / "config.yaml"
    config.write_text("{database: bridge.db, listen: '192.0.2.1:1'}")
    with pytest.raises(ConfigError) as caught:
        serve_module.serve(config)
    assert [line.split(": ")[1] for line in caught.value.mistakes] == ["servers", "locations"]


def test_serve_warns_of_what_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module, "listen", functools.partial(listen, wait=0))
    monkeypatch.setattr(serve_module, "setup_logging", lambda *_: None)
    config = tmp_path / "config.yaml"
    config.write_text(
        "{database: bridge.db, listen: '192.0.2.1:1', locations: {hq: {content_token_file: hq}}}"
    )
    assert serve_module.serve(config) == 1, "it cannot listen there"
    warned = [r.getMessage() for r in caplog.records if r.levelname == "WARNING"]
    assert [line.split(": ")[1] for line in warned][-2:] == ["servers", "api.key"]


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:{port}", "127.0.0.1:{port} is in use: stop what listens there"),
        ("192.0.2.1:{port}", "cannot listen on 192.0.2.1:{port}: "),
        ("no.such.host.invalid:{port}", "cannot listen on no.such.host.invalid:{port}: "),
    ],
)
def test_serve_says_in_one_line_why_it_cannot_listen(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    address: str,
    said: str,
) -> None:
    monkeypatch.setattr(serve_module, "listen", functools.partial(listen, wait=0))
    monkeypatch.setattr(serve_module, "setup_logging", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = tmp_path / "config.yaml"
        write_config(config, address.format(port=port))
        assert serve_module.serve(config) == 1
    (record,) = caplog.records
    assert said.format(port=port) in record.getMessage()


def test_serve_says_which_of_its_two_addresses_it_cannot_have(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serve_module, "listen", functools.partial(listen, wait=0))
    monkeypatch.setattr(serve_module, "setup_logging", lambda *_: None)
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        config = tmp_path / "config.yaml"
        write_config(config, f"127.0.0.1:{free_port()}", f"listen_outside: 127.0.0.1:{port}\n")
        assert serve_module.serve(config) == 1
    (record,) = caplog.records
    assert record.getMessage().endswith("or set listen_outside: to another port")
