"""`serve --role`: web sides and engines as services of their own, on one database of a server.

These tests wait for real processes, so they poll with a deadline.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest

from tests import postgresql
from tests.flow.test_serve_postgresql import BRIDGE, ask, post, stored
from tests.flow.test_serve_process import Ground, Served, until

LONG = 60.0
"""Seconds that a busy machine may take for what takes one."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    if why := postgresql.why_missing():
        pytest.skip(why)
    with postgresql.server() as where:
        yield where


@pytest.fixture
def where(server: str) -> Iterator[str]:
    with postgresql.database(server) as made:
        yield made


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ExitStack() as stack:
        yield Ground(tmp_path, stack)


def serve(ground: Ground, where: str, role: str) -> Served:
    words = ("--role", role)
    return ground.serve(program=BRIDGE, words=words, BRIDGE_DATABASE=postgresql.url(where))


def leads(served: Served) -> bool:
    return "this engine decides from now on" in served.errors.read_text()


def helps(served: Served) -> bool:
    return "another engine decides: this one makes calls" in served.errors.read_text()


def handled(where: str) -> int:
    """How many messages an engine has taken up."""
    with psycopg.connect(where) as db:
        row = db.execute("SELECT count(*) FROM events").fetchone()
        return int(row[0]) if row else 0


@pytest.mark.parametrize("role", ["web", "engine"])
def test_a_file_serves_one_machine(ground: Ground, role: str) -> None:
    served = ground.serve(program=BRIDGE, words=("--role", role))
    assert served.process.wait(LONG) == 2
    (line,) = served.lines()
    assert f"serve --role {role} is for a bridge of several processes on PostgreSQL" in line
    assert "run vpp-bridge serve without --role, or set database: to a postgresql:// URL" in line


@pytest.mark.slow
def test_web_sides_take_in_what_engines_take_up(ground: Ground, where: str) -> None:
    """Two web sides of which neither needs an engine; two engines of which one decides, until it
    is killed and the other one does."""
    webs = [serve(ground, where, "web") for _ in range(2)]
    for web in webs:
        until(web.is_alive, "it wants no restart", LONG)
        until(lambda web=web: ask(web, "GET", "/readyz")[0] == 200, "it takes in", LONG)  # type: ignore[misc]
        assert not web.family("serve-engine")
    assert [post(webs[n % 2], n) for n in range(4)] == [200] * 4
    assert post(webs[1], 0) == 200, "it came to the other one before"
    assert stored(where) == {f"E{n}" for n in range(4)}
    (part,) = (p for p in ask(webs[0], "GET", "/readyz")[1]["parts"] if p["name"] == "engine")
    assert (part["ok"], part["severity"]) == (False, "degraded")

    first = serve(ground, where, "engine")
    until(lambda: leads(first), "it decides", LONG)
    until(lambda: handled(where) == 4, "each message is taken up once", LONG)
    second = serve(ground, where, "engine")
    until(lambda: helps(second), "it helps", LONG)
    assert not leads(second)
    assert not first.family("serve-web")

    os.killpg(first.process.pid, signal.SIGKILL)
    until(lambda: leads(second), "it has taken over", LONG)
    assert post(webs[1], 5) == 200
    until(lambda: handled(where) == 5, "it decides", LONG)

    for each in (*webs, second):
        each.process.terminate()
        assert each.ends() == 0
    with psycopg.connect(where) as db:
        assert db.execute("SELECT count(*) FROM engines").fetchone() == (0,)


@pytest.mark.slow
def test_an_engine_whose_lock_another_one_has_begins_anew(ground: Ground, where: str) -> None:
    """Its connections are cut, and the other one is quicker: it helps from then on."""
    first = serve(ground, where, "engine")
    until(lambda: leads(first), "it decides", LONG)
    second = serve(ground, where, "engine")
    until(lambda: helps(second), "it helps", LONG)
    os.kill(first.one("engine").pid, signal.SIGSTOP)
    with psycopg.connect(where, autocommit=True) as db:
        db.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' "
            "AND granted AND objsubid = 2 AND pid <> pg_backend_pid()"
        )
    until(lambda: leads(second), "it has taken over", LONG)
    os.kill(first.one("engine").pid, signal.SIGCONT)
    until(lambda: helps(first), "it was started again, and helps", LONG)
    assert "heard nothing of this one" in first.errors.read_text()
