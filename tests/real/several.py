"""Several web sides and engines in place of one `serve`, behind a balancer, killed at random."""

from __future__ import annotations

import itertools
import json
import os
import random
import signal
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

from tests.postgresql import Server
from tests.real.bridge_kit import Rig, Serve, until

WITHIN = 600.0
SIDES = 3


class Balancer:
    """Gives each connection to the next of some ports that takes it."""

    def __init__(self, port: int, ports: list[int]) -> None:
        self._listener = socket.create_server(("127.0.0.1", port))
        self._ports = itertools.cycle(ports)
        self._count = len(ports)
        self._open: set[socket.socket] = set()
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for each in list(self._open):
            _end(each)

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = self._next()
            if server is None:
                client.close()
                continue
            threading.Thread(target=self._talk, args=(client, server), daemon=True).start()

    def _talk(self, client: socket.socket, server: socket.socket) -> None:
        with client, server:
            self._open |= {client, server}
            back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
            back.start()
            _pass_on(client, server)
            back.join()
            self._open -= {client, server}

    def _next(self) -> socket.socket | None:
        for port in itertools.islice(self._ports, self._count):
            with suppress(OSError):
                return socket.create_connection(("127.0.0.1", port), 1.0)
        return None


def _pass_on(one: socket.socket, other: socket.socket) -> None:
    with suppress(OSError):
        one.settimeout(None)
        while some := one.recv(65536):
            other.sendall(some)
    for each in (one, other):
        _end(each)


def _end(each: socket.socket) -> None:
    with suppress(OSError):
        each.shutdown(socket.SHUT_RDWR)


class Several(Serve):
    """Three web sides and three engines, each a `serve` of its own in a group of its own."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.place)
        self._ports = [_free_port() for _ in range(SIDES)]
        self._parts: dict[str, subprocess.Popen[bytes]] = {}
        self._balancer: Balancer | None = None
        self.kills = 0

    def start(self) -> None:
        self._balancer = Balancer(self._place.port, self._ports)
        for name in self.names:
            self.start_part(name)

    @property
    def names(self) -> list[str]:
        return [f"{role} {number}" for role in ("engine", "web") for number in range(SIDES)]

    def start_part(self, name: str) -> None:
        role, _, number = name.partition(" ")
        config = self._place.config
        if role == "web":
            config = self._listening(int(number))
        words = (sys.executable, "-m", "bridge", "--config", str(config), "serve", "--role", role)
        with self._place.log.open("ab") as log:
            self._parts[name] = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, process_group=0
            )

    def _listening(self, number: int) -> Path:
        path = self._place.directory / f"web{number}.yaml"
        settings = json.loads(self._place.config.read_text())
        path.write_text(json.dumps(settings | {"listen": f"127.0.0.1:{self._ports[number]}"}))
        path.chmod(0o600)
        return path

    def kill_part(self, name: str) -> None:
        self.kills += 1
        self._send(self._parts[name], signal.SIGKILL)
        self._parts[name].wait()

    def again(self) -> None:
        """Start again what is not there."""
        for name, process in self._parts.items():
            if process.poll() is not None:
                self.start_part(name)

    def ended(self) -> int | None:
        return None

    def stop(self) -> None:
        for process in self._parts.values():
            self._send(process, signal.SIGTERM)
        for process in self._parts.values():
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                self._send(process, signal.SIGKILL)
                process.wait()
        self._parts = {}
        if self._balancer is not None:
            self._balancer.close()
            self._balancer = None

    @staticmethod
    def _send(process: subprocess.Popen[bytes], signum: int) -> None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signum)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


class Chaos:
    """At outside calls that a seed chooses, one part is killed, or the database is stopped as in a
    crash; what was killed is started again, and so is the database."""

    def __init__(
        self, rig: Rig, several: Several, server: Server, seed: int, kills: int, crashes: int
    ) -> None:
        self._rig, self._several, self._server = rig, several, server
        self._random = random.Random(seed)
        self._due = ["kill"] * kills + ["crash"] * crashes
        self._random.shuffle(self._due)
        self._lock = threading.Lock()
        self.struck: list[str] = []
        self._wait = self._random.randrange(4)

    def strikes(self, call: str, when: str) -> bool:
        """See `Gate`; no call is cut off by us, but by who dies."""
        with self._lock:
            if not self._due or len(self.struck) > self._seen:
                return False  # what was struck last is not up again
            self._wait -= 1
            if self._wait > 0:
                return False
            self._wait = self._random.randrange(1, 6)
            deed = self._due.pop()
            if deed == "crash":
                self._server.stop("immediate")
            else:
                deed = self._random.choice(self._several.names)
                self._several.kill_part(deed)
            self.struck.append(f"{deed} {when} {call}")
        return False

    _seen = 0

    def until_all_is_installed(self) -> None:
        """Start again what fell, each time."""

        def ended() -> bool:
            with self._lock:
                if len(self.struck) > self._seen:
                    if not self._server.runs:
                        self._server.start()
                    self._several.again()
                    self._seen = len(self.struck)
            return not self._due and self._rig.all_installed()

        until(ended, "everything is installed", WITHIN)
