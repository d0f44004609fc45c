"""What holds for every test: this machine's network only, no wait for the disk, no thread left, no
forbidden skip."""

import gc
import ipaddress
import os
import socket
import sys
import threading
from collections.abc import Generator, Iterator
from typing import Any

import pytest
from hypothesis import settings
from werkzeug.routing import Rule

from bridge.store.file import connection
from tests.real import binaries

pytest_plugins = ["pytester", "tests.slow"]

settings.register_profile("untimed", deadline=None)  # a busy machine fails nothing
settings.load_profile("untimed")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--mdm",
        choices=["micromdm", "plain"],
        default="micromdm",
        help="plain: flows run on a server without a queue view and a list of devices",
    )
    parser.addoption(
        "--database",
        choices=["sqlite", "postgresql"],
        default="sqlite",
        help="postgresql: flows keep what they store in a database of PostgreSQL",
    )


class BeyondThisMachine(RuntimeError):
    """A test tried to reach another machine; no OSError, lest code take it for an outage."""


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> Iterator[None]:
    """Refuse every connection but to loopback and to Unix sockets."""
    guarded = {name: getattr(socket.socket, name) for name in ("connect", "connect_ex")}

    def guard(name: str) -> Any:
        def connect(self: socket.socket, address: Any) -> Any:
            if self.family != socket.AF_UNIX and not is_loopback(address[0]):
                raise BeyondThisMachine(f"a test tried to connect to {address!r}")
            return guarded[name](self, address)

        return connect

    with pytest.MonkeyPatch.context() as patch:
        for name in guarded:
            patch.setattr(socket.socket, name, guard(name))
        yield


@pytest.fixture(scope="session", autouse=True)
def ways_to_a_url_when_asked() -> Iterator[None]:
    """Compile what makes a URL of a route when it is first asked for: thousands of applications are
    made here, and hardly one is ever asked."""
    compiled = Rule._compile_builder

    def when_asked(self: Rule, append_unknown: bool = True) -> Any:
        def build(rule: Rule, **values: Any) -> Any:
            return compiled(self, append_unknown)(rule, **values)

        return build

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rule, "_compile_builder", when_asked)
        yield


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A commit in this process is with the system, not on the disk: no test cuts the power.

    Programs that a test starts wait, as they do in earnest.
    """
    relaxed = (*connection._PRAGMAS, "PRAGMA synchronous = OFF")
    monkeypatch.setattr(connection, "_PRAGMAS", relaxed)


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind for which the process would wait at its end."""
    before = set(threads_in_the_way())
    yield
    left = [thread for thread in threads_in_the_way() if thread not in before]
    assert not left, f"the test left {left} running"


def threads_in_the_way() -> list[threading.Thread]:
    return [one for one in threading.enumerate() if not one.daemon and one.is_alive()]


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Thousands of tests were collected and live to the end: from here on no garbage is looked for
    among them, and less often among the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    """End at once if a test left such a thread: it has failed by now, and the rest is waiting."""
    in_the_way = [one for one in threads_in_the_way() if one is not threading.main_thread()]
    if in_the_way and not hasattr(config, "workerinput"):
        sys.stdout.flush()
        os._exit(pytest.ExitCode.TESTS_FAILED)


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("real") and (reason := binaries.why_missing()):
        pytest.skip(reason)


def no_skip_allowed() -> bool:
    return os.environ.get("BRIDGE_REQUIRE_REAL") == "1"


def fail_if_skipped(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Where BRIDGE_REQUIRE_REAL=1, a skip for whatever reason is a failure (an xfail is none)."""
    if report.skipped and no_skip_allowed() and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{report.nodeid}: skipped though BRIDGE_REQUIRE_REAL=1: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> Generator[None, None, None]:
    fail_if_skipped(report)
    return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    fail_if_skipped(report)
    return report
