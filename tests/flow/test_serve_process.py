"""`serve` as real processes: how it starts, ends, is killed, and gets up again.

These tests wait for real processes, so they poll with a deadline.
"""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from bridge.serving.supervisor import EXIT_FOR_GOOD
from tests.serve_stand_in import PROGRAM as STAND_IN
from tests.serve_stand_in import write_config

DEADLINE = 20.0
ENDS_WITHIN = 5.0


class Process(NamedTuple):
    pid: int
    parent: int
    group: int
    command: str


def processes() -> list[Process]:
    """All living processes of this machine; zombies have no command line."""
    if Path("/proc/self/stat").exists():
        return [found for entry in Path("/proc").glob("[0-9]*") if (found := from_proc(entry))]
    listed = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,pgid=,command="], capture_output=True, text=True, check=True
    )
    rows = [line.split(maxsplit=3) for line in listed.stdout.splitlines()]
    return [Process(int(row[0]), int(row[1]), int(row[2]), row[3]) for row in rows if len(row) > 3]


def from_proc(entry: Path) -> Process | None:
    try:
        command = entry.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode()
        fields = entry.joinpath("stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return Process(int(entry.name), int(fields[1]), int(fields[2]), command) if command else None


def until(holds: Callable[[], object], what: str, deadline: float = DEADLINE) -> None:
    end = time.monotonic() + deadline
    while not holds():
        assert time.monotonic() < end, f"not so within {deadline} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@dataclass
class Served:
    """One `serve`, its configuration and what it wrote."""

    process: subprocess.Popen[bytes]
    config: Path
    port: int
    errors: Path

    def family(self, role: str = "serve") -> list[Process]:
        """Its processes, the supervisor among them, whose command line names `role`."""
        return [each for each in processes() if f"{self.config} {role}" in each.command]

    def one(self, role: str) -> Process:
        """The child with this role: `engine`, `web` (gunicorn's arbiter) or `worker`."""
        known = {each.pid for each in self.family("serve-web")}
        command = "serve-engine" if role == "engine" else "serve-web"
        (found,) = (
            each
            for each in self.family(command)
            if role == "engine" or (each.parent in known) == (role == "worker")
        )
        return found

    def is_alive(self) -> bool:
        """Whether the probe answers 200."""
        try:
            return self.ask("GET", "/healthz") == 200
        except OSError:
            return False

    def ask(self, method: str, path: str) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        try:
            connection.request(method, path)
            return connection.getresponse().status
        finally:
            connection.close()

    def ready(self) -> "Served":
        until(lambda: self.is_alive() and self.family("serve-engine"), "it answers")
        until(lambda: len(self.family()) == 4, "supervisor, engine, arbiter and worker run")
        return self

    def ends(self) -> int:
        """Its exit code; nothing of it may be left."""
        code = self.process.wait(DEADLINE)
        until(lambda: not self.family(), "all of its processes are gone", 1.0)
        until(lambda: is_free(self.port), "its port is free", 1.0)
        return code

    def complaints(self) -> list[str]:
        """The lines above the level info."""
        return [line for line in self.lines() if " level=info " not in line]

    def lines(self) -> list[str]:
        return self.errors.read_text().splitlines()


class Ground:
    """Where `serve` is started, and all that was started is ended."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._count = 0

    def serve(
        self,
        port: int = 0,
        program: tuple[str, ...] = STAND_IN,
        more: str = "",
        words: tuple[str, ...] = (),
        **environ: str,
    ) -> Served:
        port = port or free_port()
        self._count += 1
        config = self.folder / f"{self._count}.yaml"
        write_config(config, f"127.0.0.1:{port}", more)
        errors = self.folder / f"{self._count}.log"
        with errors.open("wb") as stream:
            process = subprocess.Popen(
                [*program, "--config", str(config), "serve", *words],
                stderr=stream,
                start_new_session=True,
                env=os.environ | {"XDG_RUNTIME_DIR": str(self.folder)} | environ,
            )
        served = Served(process, config, port, errors)
        self._stack.callback(end, served)
        return served


def end(served: Served) -> None:
    with suppress(ProcessLookupError):  # all of it is gone already
        os.killpg(served.process.pid, signal.SIGKILL)
    served.process.wait()


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ExitStack() as stack:
        yield Ground(tmp_path, stack)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_all_in_time_and_with_0(ground: Ground, signum: int) -> None:
    served = ground.serve().ready()
    with (
        socket.create_connection(("127.0.0.1", served.port)) as silent,
        socket.create_connection(("127.0.0.1", served.port)) as kept_alive,
        socket.create_connection(("127.0.0.1", served.port)) as half,
    ):
        kept_alive.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert kept_alive.recv(100).startswith(b"HTTP/1.1 200")
        half.sendall(b"POST /hooks/mdm/main HTTP/1.1\r\nHost: x\r\nContent-Le")
        silent.sendall(b"")
        started = time.monotonic()
        served.process.send_signal(signum)
        assert served.process.wait(DEADLINE) == 0
        assert time.monotonic() - started < ENDS_WITHIN
    assert served.ends() == 0
    assert not served.complaints()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_whole_group_ends_it_with_0(ground: Ground, signum: int) -> None:
    served = ground.serve().ready()
    os.killpg(served.process.pid, signum)
    assert served.ends() == 0
    assert not served.complaints()


def test_mistakes_in_groups_and_apps_are_one_warning_and_stop_nothing(ground: Ground) -> None:
    wrong = "groups: {sales: {serials_file: sales.txt}}\napps: [{adam: 1}]\n"
    served = ground.serve(more=wrong).ready()
    served.process.terminate()
    assert served.ends() == 0
    (line,) = served.complaints()
    assert f"{served.config}:7: groups.sales.serials_file: " in line
    assert "the bridge goes on with the groups and apps that were applied last" in line


def test_a_hang_up_names_what_a_restart_would_change_and_ends_nothing(ground: Ground) -> None:
    served = ground.serve().ready()
    until(lambda: "the engine works" in served.errors.read_text(), "the engine works")
    before = {each.pid for each in served.family()}
    text = served.config.read_text()
    served.config.write_text(
        text.replace("hq:", "branch:") + "policy: {command: {window: 7}}\ngroups: [nonsense]\n"
    )
    os.killpg(served.process.pid, signal.SIGHUP)
    until(served.complaints, "it says so")
    (line,) = served.complaints()
    assert "SIGHUP is ignored; since the start these changed: locations, policy; restart" in line
    assert served.is_alive()
    assert {each.pid for each in served.family()} == before
    served.process.terminate()
    assert served.ends() == 0


def test_an_engine_that_does_not_listen_is_killed_in_time(ground: Ground) -> None:
    served = ground.serve(STAND_IN_ENGINE="deaf").ready()
    until(lambda: "the engine works" in served.errors.read_text(), "the engine works")
    started = time.monotonic()
    served.process.terminate()
    assert served.process.wait(DEADLINE) == 0
    assert time.monotonic() - started < ENDS_WITHIN
    assert served.ends() == 0
    (line,) = served.complaints()
    assert "the engine did not end in time" in line


def test_peers_that_do_not_hang_up_hold_up_nobody(ground: Ground) -> None:
    served = ground.serve().ready()
    with ExitStack() as stack:
        for _ in range(4):  # each could hold everything up for 2 s
            peer = stack.enter_context(socket.create_connection(("127.0.0.1", served.port)))
            peer.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
            assert peer.recv(100).startswith(b"HTTP/1.0 200")
        started = time.monotonic()
        assert served.ask("GET", "/healthz") == 200
        assert time.monotonic() - started < 4.0


def test_it_stays_in_one_group_and_opens_no_control_socket(ground: Ground) -> None:
    served = ground.serve().ready()
    assert {each.group for each in served.family()} == {served.process.pid}
    assert not list(ground.folder.rglob("*.ctl"))


def test_children_go_with_a_supervisor_that_is_killed(ground: Ground) -> None:
    served = ground.serve().ready()
    served.process.kill()
    assert served.ends() == -signal.SIGKILL
    again = ground.serve(served.port).ready()
    again.process.terminate()
    assert again.ends() == 0


def test_it_starts_again_after_all_of_it_was_killed(ground: Ground) -> None:
    served = ground.serve(STAND_IN_ENGINE="lock").ready()
    os.killpg(served.process.pid, signal.SIGKILL)
    ground.serve(served.port, STAND_IN_ENGINE="lock").ready()


@pytest.mark.parametrize("role", ["engine", "web", "worker"])
def test_what_is_killed_alone_is_started_again(ground: Ground, role: str) -> None:
    served = ground.serve().ready()
    before = {each.pid for each in served.family()}
    os.kill(served.one(role).pid, signal.SIGKILL)
    gone = {"engine": 1, "web": 2, "worker": 1}[role]
    until(
        lambda: (
            len(served.family()) == 4
            and len(before & {each.pid for each in served.family()}) == 4 - gone
        ),
        f"a new {role}",
    )
    assert served.ready().process.poll() is None


def test_connections_wait_while_the_web_side_is_started_again(ground: Ground) -> None:
    served = ground.serve().ready()
    worker = served.one("worker").pid
    os.kill(served.one("web").pid, signal.SIGKILL)
    until(lambda: worker not in {each.pid for each in served.family()}, "the worker goes", 1.0)
    assert served.ask("GET", "/healthz") == 200


def test_a_second_engine_on_the_database_is_refused_in_one_line(ground: Ground) -> None:
    first = ground.serve(STAND_IN_ENGINE="lock").ready()
    second = ground.serve(STAND_IN_ENGINE="lock")
    assert second.ends() == 1
    (line,) = second.complaints()
    assert "another engine runs on this database" in line
    assert first.is_alive() and len(first.family()) == 4


def test_a_start_waits_for_the_port(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        served = ground.serve(taken.getsockname()[1])
        until(lambda: served.family("serve"), "it runs")
    served.ready()


def test_a_start_waits_for_the_second_port_too(ground: Ground) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = taken.getsockname()[1]
        served = ground.serve(more=f"listen_outside: 127.0.0.1:{second}\n")
        until(lambda: served.family("serve"), "it runs")
        until(lambda: not is_free(served.port), "it listens on the first")
    served.ready()
    until(lambda: f"taken in on 127.0.0.1:{second}" in served.errors.read_text(), "it says so")
    with socket.create_connection(("127.0.0.1", second)) as silent:
        started = time.monotonic()
        served.process.terminate()
        assert served.process.wait(DEADLINE) == 0
        assert time.monotonic() - started < ENDS_WITHIN
        assert silent.recv(1) == b""
    assert served.ends() == 0
    assert is_free(second) and not served.complaints()


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"STAND_IN_ENGINE": "fail"}, "ValueError: a mistake"),
        ({"STAND_IN_WEB": "fail"}, "the stand-in's database cannot be opened"),
    ],
)
def test_a_child_that_cannot_start_ends_the_whole(
    ground: Ground, environ: dict[str, str], said: str
) -> None:
    served = ground.serve(**environ)
    assert served.ends() == 1
    assert said in served.errors.read_text()
    assert all(line.startswith("ts=") for line in served.lines())


@pytest.mark.parametrize("command", ["serve-engine", "serve-web"])
def test_a_child_that_no_start_anew_mends_says_so(ground: Ground, command: str) -> None:
    """By its exit code, since on a busy machine a start takes as long as others are up."""
    config = ground.folder / "config.yaml"
    write_config(config, "127.0.0.1:9008")
    damaged = ground.folder / "bridge.db"
    damaged.write_bytes(b"this is no database, and long enough\n" * 200)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        words = ["--config", str(config), command]
        words += ["--fd", str(listener.fileno())] if command == "serve-web" else []
        child = subprocess.Popen(
            [sys.executable, "-m", "bridge", *words],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(listener.fileno(),),
        )
        with child:
            assert child.stderr is not None
            said = child.stderr.read().decode()
            assert child.wait(DEADLINE) == EXIT_FOR_GOOD
    assert f"{damaged}: file is not a database; stop the bridge and put a backup" in said


def test_the_real_program_serves(ground: Ground) -> None:
    real = (sys.executable, "-m", "bridge")
    served = ground.serve(program=real).ready()
    served.process.kill()
    assert served.ends() == -signal.SIGKILL
    again = ground.serve(served.port, program=real).ready()
    second = ground.serve(program=real)
    assert second.ends() == 1
    (line,) = second.complaints()
    assert "another engine runs on this database" in line
    again.process.terminate()
    assert again.ends() == 0
