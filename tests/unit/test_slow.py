"""What a run leaves out, what it says of that, and how many processes it takes."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT_OUT = "*{} left out: tools/test --all runs all, and a file that is named runs whole"


@pytest.fixture
def inner(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    """A made-up suite with two quick tests and two slow ones in two files, and a quick file."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # loading them takes longest
    pytester.makeconftest("pytest_plugins = ['tests.slow']")
    pytester.makeini(
        "[pytest]\naddopts = -p no:cacheprovider -p xdist\nmarkers =\n  slow: x\n  sweep: x\n"
    )
    both = "import pytest\ndef test_quick(): pass\n@pytest.mark.slow\ndef test_slow(): pass\n"
    pytester.makepyfile(test_one=both, test_other=both, test_quick="def test_it(): pass")
    return pytester


def test_what_is_slow_is_left_out_and_counted(inner: pytest.Pytester) -> None:
    result = inner.runpytest()
    assert result.parseoutcomes() == {"passed": 3, "deselected": 2}
    result.stdout.fnmatch_lines([LEFT_OUT.format("2 slow tests were")])


SWEEP = """
import pytest
@pytest.mark.sweep
@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("way", ["there", "back"])
def test_all(number, way): pass
def test_other(): pass
"""


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        ([], {"passed": 4, "deselected": 9}),
        (["--all"], {"passed": 13}),
        (["test_sweep.py"], {"passed": 13}),
        (["-m", "slow"], {"passed": 9, "deselected": 4}),
    ],
    ids=str,
)
def test_one_in_four_of_a_sweep_is_quick(
    inner: pytest.Pytester, arguments: list[str], outcomes: dict[str, int]
) -> None:
    for old in inner.path.glob("test_*.py"):
        old.unlink()
    inner.makepyfile(test_sweep=SWEEP)
    assert inner.runpytest(*arguments).parseoutcomes() == outcomes


def test_workers_count_it_once(inner: pytest.Pytester) -> None:
    result = inner.runpytest_subprocess("-n", "2", "--dist", "worksteal")
    assert result.parseoutcomes() == {"passed": 3}
    result.stdout.fnmatch_lines([LEFT_OUT.format("2 slow tests were")])


@pytest.mark.parametrize("arguments", [["--all"], ["--all", "-n", "2"]], ids=" ".join)
def test_all_leaves_nothing_out(inner: pytest.Pytester, arguments: list[str]) -> None:
    result = inner.runpytest_subprocess(*arguments)
    assert result.parseoutcomes() == {"passed": 5}
    assert "left out" not in result.stdout.str()


@pytest.mark.parametrize(
    ("arguments", "outcomes"),
    [
        (["test_one.py"], {"passed": 2}),
        (["test_one.py", "test_quick.py"], {"passed": 3}),
        (["test_one.py::test_slow"], {"passed": 1}),
        (["test_one.py", "-k", "slow"], {"passed": 1, "deselected": 1}),
        (["-m", "slow"], {"passed": 2, "deselected": 3}),
        (["-m", "not slow"], {"passed": 3, "deselected": 2}),
    ],
)
def test_what_is_asked_for_runs(
    inner: pytest.Pytester, arguments: list[str], outcomes: dict[str, int]
) -> None:
    result = inner.runpytest(*arguments)
    assert result.parseoutcomes() == outcomes
    assert "left out" not in result.stdout.str()


def test_a_name_that_differs_in_each_process_is_refused(inner: pytest.Pytester) -> None:
    inner.makepyfile(
        "import pytest\n"
        "@pytest.mark.parametrize('value', [object()], ids=repr)\n"
        "def test_it(value): pass\n"
    )
    result = inner.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["ERROR: a name that differs in each process: *object at 0x*"])


@pytest.mark.parametrize(("cores", "workers"), [(1, 0), (2, 3), (3, 4), (64, 8)])
def test_there_is_a_worker_for_each_core(
    inner: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, cores: int, workers: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(cores)))
    assert workers_of(inner) == workers
    assert workers_of(inner, ".") == workers


@pytest.mark.parametrize("arguments", [["test_one.py"], ["test_one.py::test_slow"], ["-s"]])
def test_a_named_file_and_what_is_watched_run_in_one_process(
    inner: pytest.Pytester, arguments: list[str]
) -> None:
    assert workers_of(inner, *arguments) == 0


def workers_of(inner: pytest.Pytester, *arguments: str) -> int:
    """How many worker processes `-n auto` means."""
    config = inner.parseconfigure(*arguments)
    return int(config.hook.pytest_xdist_auto_num_workers(config=config))
