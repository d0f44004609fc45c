"""The suite's own guards: no network but this machine's, no skip where none is allowed."""

import socket
from pathlib import Path

import pytest

from tests.conftest import BeyondThisMachine

CONFTEST = Path(__file__).parents[1] / "conftest.py"


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "example.org"])
@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_a_connection_to_another_machine_is_refused(address: str, method: str) -> None:
    with (
        socket.socket() as sock,
        pytest.raises(BeyondThisMachine, match=address.replace(".", r"\.")),
    ):
        getattr(sock, method)((address, 443))


def test_a_connection_to_this_machine_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        server.accept()[0].close()


SKIPPING = {
    "test_mark": "@pytest.mark.skip(reason='no reason')\ndef test_it(): pass",
    "test_call": "def test_it(): pytest.skip('no reason')",
    "test_fixture": "@pytest.fixture\ndef it(): pytest.skip('why')\ndef test_it(it): pass",
    "test_module": "pytest.skip('no reason', allow_module_level=True)",
    "test_subtest": "def test_it(subtests):\n    with subtests.test(): pytest.skip('no reason')",
}


@pytest.fixture
def inner(pytester: pytest.Pytester) -> pytest.Pytester:
    """A made-up suite under this suite's conftest."""
    pytester.makeconftest(CONFTEST.read_text())
    pytester.makeini(
        "[pytest]\naddopts = -p no:cacheprovider -p no:schemathesis\nmarkers = real: x\n"
    )
    return pytester


def test_every_skip_is_a_failure_where_real_servers_are_required(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    inner.makepyfile(**{name: f"import pytest\n{source}" for name, source in SKIPPING.items()})
    monkeypatch.setenv("BRIDGE_REQUIRE_REAL", "")
    assert inner.runpytest().ret == pytest.ExitCode.OK
    monkeypatch.setenv("BRIDGE_REQUIRE_REAL", "1")
    result = inner.runpytest("--continue-on-collection-errors")
    result.stdout.fnmatch_lines_random([f"*{name}*skipped though*" for name in SKIPPING])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_a_thread_left_behind_is_a_failure_and_holds_nothing_up(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(CONFTEST.parents[1]))
    inner.makepyfile(
        "import threading\n"
        "def test_it(): threading.Thread(target=threading.Event().wait).start()\n"
        "def test_other(): pass\n"
    )
    result = inner.runpytest_subprocess(timeout=60)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    assert result.parseoutcomes() == {"passed": 2, "errors": 1}


def test_an_expected_failure_is_no_skip(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_REQUIRE_REAL", "1")
    inner.makepyfile("import pytest\n@pytest.mark.xfail\ndef test_it(): assert False")
    assert inner.runpytest().parseoutcomes() == {"xfailed": 1}


def test_a_test_of_real_servers_says_what_it_misses(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGE_REQUIRE_REAL", "")
    monkeypatch.setattr("tests.real.binaries.why_missing", lambda: "no Go here")
    inner.makepyfile(test_it="import pytest\n@pytest.mark.real\ndef test_it(): pass")
    result = inner.runpytest("-rs", "--no-fold-skipped")
    result.stdout.fnmatch_lines(["SKIPPED test_it.py::test_it - *no Go here"])
