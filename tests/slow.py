"""Which tests a run leaves out, and how many processes it takes.

A test marked `slow` runs with `--all`, where its file is named (`tests/flow/test_pace.py`, with or
without a test behind it) or where `-m` speaks of the mark. What is left out is counted at the end.
Of a test marked `sweep`, which does the same with many values, each EVERY-th is quick, the others
are slow.
"""

import os
from collections import Counter
from pathlib import Path

import pytest
from xdist.workermanage import WorkerController

MOST_WORKERS = 8
"""Each collects all tests for itself: more take longer to begin than they save."""

EVERY = 4

_left_out = pytest.StashKey[int]()
_of_sweeps = pytest.StashKey[Counter[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run the tests marked slow too")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_left_out] = 0


def named_files(config: pytest.Config) -> set[Path]:
    """The files among what the command line names; a folder names no file."""
    paths = (config.invocation_params.dir / one.partition("::")[0] for one in config.args)
    return {path.resolve() for path in paths if path.is_file()}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark as slow all but a share of what sweeps over many values."""
    if item.get_closest_marker("sweep"):
        name = item.nodeid.partition("[")[0]
        seen = item.session.stash.setdefault(_of_sweeps, Counter())
        if seen[name] % EVERY:
            item.add_marker("slow")
        seen[name] += 1


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is slow and was not asked for; refuse what workers could not agree upon."""
    if nameless := [item.nodeid for item in items if " at 0x" in item.nodeid]:
        raise pytest.UsageError(f"a name that differs in each process: {nameless[0]}")
    if config.option.all or "slow" in config.option.markexpr:
        return
    named = named_files(config)
    left_out = [
        item for item in items if item.get_closest_marker("slow") and item.path not in named
    ]
    if left_out:
        config.stash[_left_out] = len(left_out)
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in set(left_out)]


def pytest_sessionfinish(session: pytest.Session) -> None:
    """A worker tells the process that prints how many it left out."""
    if hasattr(session.config, "workeroutput"):
        session.config.workeroutput["left_out"] = session.config.stash[_left_out]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: WorkerController) -> None:
    """Every worker collects the same; one that crashed tells nothing."""
    left_out = getattr(node, "workeroutput", {}).get("left_out", 0)
    node.config.stash[_left_out] = max(node.config.stash[_left_out], left_out)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    if count := config.stash[_left_out]:
        what = "1 slow test was" if count == 1 else f"{count} slow tests were"
        terminalreporter.write_line(
            f"{what} left out: tools/test --all runs all, and a file that is named runs whole"
        )


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """For `-n auto`: none where files are named or output is not to be caught, else one a core and
    one more, since tests of real processes wait for them."""
    if named_files(config) or config.option.capture == "no":
        return 0
    cores = len(os.sched_getaffinity(0))
    return min(cores + 1, MOST_WORKERS) if cores > 1 else 0
