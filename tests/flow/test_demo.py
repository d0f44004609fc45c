"""The demonstration: run whole as a person runs it, and its parts that judge and plan."""

import os
import re
import signal
import stat
import subprocess
import sys
import time
import urllib.request
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest

from bridge.cli import cli
from bridge.cli.service import demo
from bridge.config import load_config
from bridge.demo.bridge import POLICY, Api, BridgeProcess, make_place, wait_until_alive
from bridge.demo.kills import Kills
from bridge.demo.outside import Outside
from bridge.demo.report import Now, Result, summary, verdict
from bridge.demo.watch import Watch
from bridge.errors import BridgeError
from bridge.simulator.faults import demo_faults
from bridge.simulator.ledger import Violation
from tests.flow.test_serve_process import Process, processes
from tests.web_stand_in import basic

PROGRAM = (sys.executable, "-m", "bridge", "demo")
APPS = {"1": "Pages", "2": "Keynote"}
SERIALS = ("A", "B")
PAIRS = [(serial, adam_id) for serial in SERIALS for adam_id in APPS]
GOOD = Result(
    apps=APPS,
    serials=SERIALS,
    missing=(),
    states=dict.fromkeys(PAIRS, "installed"),
    violations=(),
    times={pair: number + 1.0 for number, pair in enumerate(PAIRS)},
    elapsed=5.0,
)


@pytest.mark.slow
def test_faults_and_a_kill_are_overcome_and_told() -> None:
    options = ["--devices", "3", "--apps", "2", "--faults", "--kills", "1", "--seed", "3"]
    # What is set for another bridge on this machine must not get into the demonstration's own.
    environ = {"BRIDGE_LISTEN": "127.0.0.1:1", "HTTP_PROXY": "http://127.0.0.1:1"}
    run = subprocess.run(
        [*PROGRAM, *options],
        check=False,
        env=os.environ | environ,
        capture_output=True,
        text=True,
    )
    told = run.stdout
    assert run.returncode == 0, told + run.stderr
    assert re.search(r"^Pages +361309726 +3 of 3 +\d", told, re.M)
    assert re.search(r"^Numbers +361310739 +3 of 3 +\d", told, re.M)
    assert re.search(r"^Licences +6 by \d+ requests? to Apple; confirmed: \d by", told, re.M)
    (overcome,) = re.findall(r"^Overcome +(.*)$", told, re.M)
    assert set(overcome.split(", ")) == {f"1 {fault.word}" for fault in demo_faults(3)}
    assert re.search(r"^Kills +1 × SIGKILL .* back after \d+\.\d s", told, re.M)
    assert "command posted again" in told
    assert told.rstrip().splitlines()[-1].startswith("Done: 2 apps really installed on all 3")
    assert demo.STAY_HINT in told.splitlines()[-2]
    assert not run.stderr


MINDFUL = """
import signal
from bridge.cli import main
signal.signal(signal.SIGINT, signal.default_int_handler)
main()
"""
"""A shell may have let us ignore Ctrl-C, and a child inherits that."""


@pytest.mark.slow
@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_demonstration_that_is_broken_off_leaves_nothing(
    tmp_path: Path, signum: int, code: int
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", MINDFUL, "demo", "--devices", "2", "--apps", "1"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout
        assert any("licences" in line for line in run.stdout), "it never began"
        (directory,) = tmp_path.iterdir()
        assert len(family(directory)) == 4, "supervisor, engine, arbiter and worker"
        run.send_signal(signum)
        run.communicate(timeout=20)
        assert run.returncode == code
    finally:
        run.terminate()
        run.communicate()
    assert not list(tmp_path.iterdir())
    assert not family(directory)


@pytest.mark.slow
def test_with_stay_it_goes_on_until_ctrl_c(tmp_path: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", MINDFUL, "demo", "--devices", "2", "--apps", "1", "--stay"],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert run.stdout
        told = []
        for line in run.stdout:
            told.append(line)
            if line.startswith("  curl "):
                break
        (directory,) = tmp_path.iterdir()
        shown = [line.split(" --config ", 1)[1].split() for line in told if " --config " in line]
        assert {words[0] for words in shown} == {f"{directory}/config.yaml"}
        tried = {words[1]: words[1:] for words in shown}
        assert {"status", "installs", "why", "pause", "resume"} <= set(tried)
        for name in ("status", "why"):
            command = [sys.executable, "-m", "bridge", "--config", f"{directory}/config.yaml"]
            done = subprocess.run([*command, *tried[name]], check=False, capture_output=True)
            assert done.returncode == 0, done
        assert any(line.startswith("Done: 1 app really installed") for line in told)
        assert "All is well: 2 of 2 installs are done." in first_page(told)
        run.send_signal(signal.SIGINT)
        run.communicate(timeout=20)
        assert run.returncode == 0
    finally:
        run.terminate()
        run.communicate()
    assert not list(tmp_path.iterdir())
    assert not family(directory)


def first_page(told: list[str]) -> str:
    """The status page of which a demonstration tells."""
    (line,) = [line for line in told if line.startswith("Status pages ")]
    url, password = re.fullmatch(
        r"Status pages (\S+) for user bridge, password (\S+)\n", line
    ).groups()
    request = urllib.request.Request(url, headers=basic(password))
    with urllib.request.urlopen(request) as page:
        return str(page.read().decode())


def family(directory: Path) -> list[Process]:
    """The bridge's processes with their configuration in this directory."""
    return [each for each in processes() if f"{directory}/config.yaml" in each.command]


def test_what_a_real_micromdm_needs_is_named_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", "--mdm", "micromdm"], prog_name="vpp-bridge")
    assert ended.value.code == 2
    error = capsys.readouterr().err
    assert "needs `micromdm` on PATH and `scepclient` on PATH" in error
    assert error.count("\n") == 1


BAD = {
    "an app is missing on a device": (
        replace(GOOD, missing={("A", "1")}),
        ["1 of 4 apps are not installed on their devices."],
    ),
    "the bridge says something else": (
        replace(GOOD, states=GOOD.states | {("B", "2"): "unconfirmed"}),
        ["The bridge does not see 1 of 4 apps installed."],
    ),
    "the bridge does not know of it": (
        replace(GOOD, states=dict.fromkeys(PAIRS[1:], "installed")),
        ["The bridge does not see 1 of 4 apps installed."],
    ),
    "a rule was broken": (
        replace(GOOD, violations=[Violation("second_command", "2 on A")] * 2),
        ["The simulated services saw second_command 2 times."],
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_news_is_exit_code_1_with_its_reasons(
    case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    result, complaints = BAD[case]
    assert verdict(result) == complaints
    assert demo.conclude(result, ["Because."]) == 1
    told = capsys.readouterr().out.splitlines()
    at = told.index(complaints[0])
    violations = [f"- {each.kind}: {each.detail}" for each in result.violations]
    assert told[at:] == [*complaints, *violations, "- Because."]


def test_good_news_is_exit_code_0(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(GOOD) == []
    assert demo.conclude(GOOD, []) == 0
    told = capsys.readouterr().out
    assert "Done: 2 apps really installed on all 2 devices, 5 s after the wish." in told
    assert re.search(r"^Pages +1 +2 of 2 +1\.0 s +2\.0 s +3\.0 s$", told, re.M)


def test_what_is_still_to_do_is_told_by_devices_and_by_the_bridge() -> None:
    result = replace(
        GOOD, missing={("A", "1")}, states=GOOD.states | {("A", "1"): "sent", ("B", "1"): "sent"}
    )
    assert result.unfinished == [("A", "1"), ("B", "1")]


def test_the_summary_counts_in_words() -> None:
    lines = summary(
        replace(
            GOOD,
            told_by={"status": 1, "notification": 3},
            requests={"apple.associate": 1, "apple.assets": 2, "mdm.command": 9},
            overcome={"lost notification": 1, "lost command": 2},
            counters={"command.in_doubt": 2, "apple.retried": 1, "mdm.pushed": 7},
            kills=2,
            revivals=[0.8, 1.25],
        )
    )
    assert lines == {
        "Licences": "4 by 1 request to Apple; confirmed: 3 by notification, 1 by status",
        "Calls": "3 to Apple, 9 to the MDM server",
        "Overcome": "1 lost notification, 2 lost commands",
        "Kills": "2 × SIGKILL to all processes of the bridge; back after 1.2 s at most",
        "Counted": "1 call to Apple made again, 2 commands in doubt",
    }


def test_a_line_of_progress_tells_what_went_wrong_since_the_last() -> None:
    before = Now(3.0, 4, 2, 8, 5, {"sent": 2}, {"status": 5}, {"kill": 1})
    now = replace(before, elapsed=6.0, overcome={"kill": 2, "lost command": 1})
    assert before.line(None) == {
        "  3.0 s": "2/4 devices; 5/8 licences (confirmed: 5 by status); 2 sent of 8; "
        "went wrong: 1 kill"
    }
    assert now.line(before)["  6.0 s"].endswith("; went wrong: 1 kill, 1 lost command")
    assert now.lines()["overcome"] == "2 kills, 1 lost command"


def test_every_kill_happens_before_all_is_done() -> None:
    kills = Kills(5, Random(1))
    shares = []
    for step in range(101):
        while kills.due(step / 100, now=0.0, works=True):
            kills.happened(now=0.0)
            shares.append(step / 100)
    assert (kills.left, kills.done) == (0, 5)
    assert all(number / 5 <= share <= (number + 1) / 5 for number, share in enumerate(shares))


@pytest.mark.parametrize(("works", "pace"), [(True, 2.5), (False, 10.0)])
def test_work_that_stands_still_is_killed_all_the_same(works: bool, pace: float) -> None:
    kills = Kills(2, Random(1))
    moments = []
    for tick in range(2100):
        if kills.due(0.0, now=100.0 + tick / 100, works=works):
            kills.happened(now=100.0 + tick / 100)
            moments.append(tick / 100)
    assert len(moments) == 2 and 0 < moments[0] <= pace <= moments[1] <= 2 * pace


def test_a_revival_is_counted_from_the_newest_kill() -> None:
    kills = Kills(2, Random(1))
    assert not kills.recovering
    kills.happened(now=1.0)
    kills.happened(now=3.0)
    assert kills.recovering
    kills.recovered(now=3.5)
    assert not kills.recovering
    assert kills.revivals == [0.5]


def test_the_files_make_a_configuration_without_a_warning(tmp_path: Path) -> None:
    place = make_place(tmp_path, "mdm-key")
    place.write(
        apple_url="http://127.0.0.1:1/mdm/v2",
        mdm_url="http://127.0.0.1:2",
        mdm_kind="micromdm",
        content_token="token",
        apps={"361309726": "Pages 8", "2": "Keynote"},
    )
    config = load_config(place.config, {})
    assert config.warnings == ()
    assert config.listen == ("127.0.0.1", place.port)
    assert config.servers["main"].url == "http://127.0.0.1:2"
    assert [(app.adam_id, app.name) for app in config.desired.apps] == [
        ("361309726", "Pages 8"),
        ("2", "Keynote"),
    ]
    for group, values in POLICY.items():
        assert values.keys() <= {f for f in dir(getattr(config.policy, group)) if f[0] != "_"}
    assert config.policy.event_status.first_after == 2.0
    for file in tmp_path.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_bridge_that_cannot_start_is_an_error_at_once(tmp_path: Path) -> None:
    place = make_place(tmp_path, "mdm-key")
    place.config.write_text("nonsense: true\n")
    process = BridgeProcess(place)
    process.start()
    try:
        with pytest.raises(BridgeError, match="ended with exit code 2 while it started"):
            wait_until_alive(Api(place), process, 20.0)
    finally:
        process.stop()
    assert "nonsense" in place.log.read_text()


class Ended:
    """A bridge that is not there."""

    def __init__(self, code: int | None) -> None:
        self.code = code

    def ended(self) -> int | None:
        return self.code


class Silent:
    def update(self, lines: object) -> None:
        """Show nothing."""


@pytest.mark.parametrize(
    ("exit_code", "time_left"), [(3, 1000.0), (None, 0.0)], ids=["it ended", "time is over"]
)
def test_a_bridge_that_will_not_do_it_any_more_ends_the_watch(
    tmp_path: Path, exit_code: int | None, time_left: float
) -> None:
    outside = Outside(2, 1, seed=1, faults=False)
    place = make_place(tmp_path, outside.mdm_api_key)
    process: Any = Ended(exit_code)
    watch = Watch(outside, place, process, 0, 1, time.monotonic() + time_left)
    watch.follow(Silent(), in_place=False)
    assert len(watch.unfinished()) == 2
    assert (watch.result({}).states, len(watch.result({}).missing)) == ({}, 2)
