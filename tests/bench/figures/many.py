"""More than one engine, and more than one web side, on one PostgreSQL database."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

from bridge.store.postgresql.database import PostgresqlDatabase
from tests import postgresql
from tests.bench.figures import Asked
from tests.bench.figures.hook import load
from tests.bench.figures.on_postgresql import SETTINGS, used
from tests.bench.report import Found, Row
from tests.bench.setting import (
    CHECKOUT,
    Bridge,
    environment,
    folder_of,
    free_ports,
    get_json,
    until,
)

DELAY = 0.05
FULL = 20_000
CONNECTIONS = 32


def engines(asked: Asked) -> Found:
    """Commands a second from a full outbox to a server that takes 50 ms for each."""
    return _on_a_server("commands, two engines", lambda where: _engines(asked, where))


def web_sides(asked: Asked) -> Found:
    """Webhooks a second by one web side, and by two of them."""
    return _on_a_server("webhooks, two web sides", lambda where: _web_sides(asked, where))


def _on_a_server(name: str, figure: Callable[[str], Found]) -> Found:
    if postgresql.programs() is None:
        return Found([Row(name, skipped="initdb is not installed")])
    with (
        postgresql.own_server(**SETTINGS) as server,
        postgresql.database(server.where) as where,
        used(where),
    ):
        return figure(where)


def _engines(asked: Asked, where: str) -> Found:
    full = 2_000 if asked.quick else FULL
    seconds = asked.seconds or (5.0 if asked.quick else 30.0)
    rates: dict[int, list[float]] = {1: [], 2: []}
    _fill(where, full)
    with _slow_mdm() as (port, mdm):
        for count in (1, 2) * (asked.rounds or 2):
            with _serving(["engine"] * count, port, mdm):
                begin = _taken(port)
                until(lambda begin=begin: _taken(port) > begin + 20, "commands leave", 60)  # type: ignore[misc]
                before, began = _taken(port), time.monotonic()
                time.sleep(seconds)
                rates[count].append((_taken(port) - before) / (time.monotonic() - began))
    one, two = (statistics.median(rates[count]) for count in (1, 2))
    name = f"commands of {full} at {DELAY * 1e3:.0f} ms, two engines: a second"
    return Found([Row(name, f"{two:.0f}", f"{one:.0f} (one engine)", two / one, at_least=1.8)])


def _web_sides(asked: Asked, where: str) -> Found:
    seconds = asked.seconds or (3.0 if asked.quick else 10.0)
    rates: dict[int, list[float]] = {1: [], 2: []}
    [nobody] = free_ports(1)
    with _serving(["web"] * 2, nobody, None) as bridges:
        for count in (1, 2) * (asked.rounds or 3):
            ports = [bridge.port for bridge in bridges[:count]]
            rates[count].append(_rate(ports, seconds))
    one, two = (statistics.median(rates[count]) for count in (1, 2))
    name = f"webhooks over {CONNECTIONS} connections, two web sides: a second"
    return Found([Row(name, f"{two:.0f}", f"{one:.0f} (one web side)", two / one, at_least=1.25)])


def _rate(ports: Sequence[int], seconds: float) -> float:
    share = CONNECTIONS // len(ports)
    with ThreadPoolExecutor(len(ports)) as pool:
        found = list(pool.map(lambda port: load(port, share, seconds), ports))
    return sum(float(str(each["posted"])) / float(str(each["seconds"])) for each in found)


@contextmanager
def _serving(roles: Sequence[str], world: int, mdm: str | None) -> Iterator[list[Bridge]]:
    """These parts, each with a folder of its own, as on machines of their own."""
    with ExitStack() as stack:
        bridges = []
        for role, port in zip(roles, free_ports(len(roles)), strict=True):
            folder = stack.enter_context(folder_of(port, world, 1, mdm))
            bridges.append(Bridge(folder, port, CHECKOUT))
            stack.callback(bridges[-1].kill)
            bridges[-1].start(role)
        yield bridges
        for bridge in bridges:
            bridge.stop()


@contextmanager
def _slow_mdm() -> Iterator[tuple[int, str]]:
    [port] = free_ports(1)
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.bench.bare.slow_mdm", str(port), str(DELAY)],
        cwd=CHECKOUT,
        env=environment(),
    )
    try:
        until(lambda: _answers(port), "the slow server answers", 60)
        yield port, f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        return _taken(port) == 0
    except OSError:
        return False


def _taken(port: int) -> int:
    return int(get_json(port, "/bench/commands"))


def _fill(where: str, count: int) -> None:
    """So many devices, and for each a command that is to leave."""
    database, now = PostgresqlDatabase(where), time.time()
    database.open()
    names = [str(uuid.UUID(int=(0xBE << 120) | n)).upper() for n in range(count)]
    with database.write() as db:
        db.executemany(
            "INSERT INTO devices (server, udid, serial_number, enrolled, enrolment, enrolled_at, "
            "last_seen_at, facts_at, created_at) VALUES ('main', ?, ?, 1, 1, ?, ?, ?, ?)",
            [(name, f"BENCH{n:07}", now, now, now, now) for n, name in enumerate(names)],
        )
        db.execute(
            "INSERT INTO commands (command_uuid, server, device_id, request_type, state, "
            "enrolment, created_at, due_at) "
            "SELECT 'C' || udid, server, id, 'DeviceInformation', 'posting', 1, ?, ? FROM devices",
            (now, now),
        )
        db.execute(
            "INSERT INTO outbox (service, scope, kind, key, subject, state, due_at, created_at) "
            "SELECT 'mdm', server, 'command', command_uuid, command_uuid, 'ready', due_at, due_at "
            "FROM commands",
        )
    database.close()
