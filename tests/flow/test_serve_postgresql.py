"""`serve` on a database of PostgreSQL, as real processes: it starts, takes in, is alone, and ends.

These tests wait for real processes, so they poll with a deadline.
"""

import base64
import http.client
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgresql
from tests.flow.test_serve_process import Ground, Served, until
from tests.serve_stand_in import write_config

BRIDGE = (sys.executable, "-m", "bridge")
BASIC = "Basic " + base64.b64encode(b"mdm:w").decode()


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
def own() -> Iterator[postgresql.Server]:
    """A server of the test's own, which it stops and starts."""
    if why := postgresql.why_missing():
        pytest.skip(why)
    if postgresql.programs() is None:
        pytest.skip("no PostgreSQL of the test's own: initdb is not installed")
    with postgresql.own_server() as made, psycopg.connect(made.where, autocommit=True) as db:
        db.execute("CREATE DATABASE vpp")
        db.close()
        yield made


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    with ExitStack() as stack:
        yield Ground(tmp_path, stack)


def serving(ground: Ground, where: str, **more: str) -> Served:
    return ground.serve(program=BRIDGE, BRIDGE_DATABASE=postgresql.url(where, **more))


def ask(served: Served, method: str, path: str, body: bytes = b"") -> tuple[int, Any, Any]:
    """Status, body as JSON and headers of an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=20)
    try:
        connection.request(method, path, body, {"Authorization": BASIC})
        answer = connection.getresponse()
        text = answer.read()
        return answer.status, json.loads(text) if text else None, answer.headers
    finally:
        connection.close()


def is_ready(served: Served) -> bool:
    try:
        return ask(served, "GET", "/readyz")[0] == 200
    except OSError:
        return False


def message(number: int) -> bytes:
    event = {"udid": f"U{number}", "raw_payload": ""}
    told = {"topic": "mdm.Connect", "event_id": f"E{number}", "acknowledge_event": event}
    return json.dumps(told).encode()


def post(served: Served, number: int) -> int:
    return ask(served, "POST", "/hooks/mdm/main", message(number))[0]


def stored(where: str) -> set[str]:
    """The ids of all messages that are there, handled or not."""
    with psycopg.connect(where) as connection:
        rows = connection.execute(
            "SELECT message_id FROM inbox WHERE body IS NOT NULL "
            "UNION SELECT message_id FROM events"
        )
        return {row[0] for row in rows}


def test_it_takes_in_what_comes_and_ends_with_0(ground: Ground, where: str) -> None:
    served = serving(ground, where).ready()
    until(lambda: is_ready(served), "it is ready")
    assert [post(served, number) for number in range(5)] == [200] * 5
    until(lambda: {f"E{n}" for n in range(5)} <= stored(where), "all of it is stored")
    parts = {part["name"]: part for part in ask(served, "GET", "/readyz")[1]["parts"]}
    assert parts["database"]["detail"].startswith("postgresql:///bridge_test_")
    assert parts["engine"]["ok"] and parts["engine"]["age_s"] < 5
    served.process.terminate()
    assert served.ends() == 0
    assert not served.complaints()


def test_a_second_one_says_who_is_there_and_ends(ground: Ground, where: str) -> None:
    first = serving(ground, where).ready()
    until(lambda: is_ready(first), "it is ready")
    engine = first.one("engine").pid
    second = serving(ground, where)
    assert second.process.wait(60.0) == 1, "it waited for ten seconds"
    assert second.ends() == 1
    (line,) = second.complaints()
    assert f": another engine runs on this database (process {engine} on " in line
    assert "s ago); stop it first" in line
    assert post(first, 1) == 200


def part(served: Served, name: str = "database") -> dict[str, Any]:
    (found,) = (p for p in ask(served, "GET", "/readyz")[1]["parts"] if p["name"] == name)
    return dict(found)


def vpp(own: postgresql.Server) -> str:
    return own.where.replace("dbname=postgres", "dbname=vpp")


def test_a_server_that_is_away_and_comes_back(
    ground: Ground, own: postgresql.Server, tmp_path: Path
) -> None:
    """What was answered 200 is there, what could not be is answered at once, and nobody has to do
    anything."""
    served = serving(ground, vpp(own)).ready()
    until(lambda: is_ready(served), "it is ready")
    taken = {f"E{number}" for number in range(3) if post(served, number) == 200}
    assert len(taken) == 3
    own.stop("immediate")
    began = time.monotonic()
    status, told, headers = ask(served, "POST", "/hooks/mdm/main", message(3))
    assert (status, headers["Retry-After"]) == (503, "5")
    assert time.monotonic() - began < 2.0
    assert "try again" in told["error"].lower() or "database" in told["error"].lower()
    until(lambda: not part(served)["ok"], "what was asked last is over")
    assert ask(served, "GET", "/readyz")[0] == 503
    database = part(served)
    assert database["severity"] == "fatal"
    assert "No such file or directory" in database["detail"] and "by itself" in database["detail"]
    assert ask(served, "GET", "/healthz")[0] == 200, "no restart brings the server back"
    own.start()
    until(lambda: is_ready(served), "it is ready again", 60.0)
    assert post(served, 4) == 200
    until(lambda: {*taken, "E4"} <= stored(vpp(own)), "all is there")
    assert served.process.poll() is None
    served.process.terminate()
    assert served.ends() == 0


SOON = 5.0
"""Seconds in which a hook is answered beside a silent server."""
LOAD = 4.0
"""And those that a busy machine adds."""


@pytest.mark.slow
def test_a_server_that_stands_still(ground: Ground, own: postgresql.Server) -> None:
    """It takes what is sent and answers nothing: as with one that is away, nobody waits for ever,
    nothing that was answered 200 is lost, and all goes on when it does."""
    served = serving(ground, vpp(own)).ready()
    until(lambda: is_ready(served), "it is ready")
    assert [post(served, number) for number in range(3)] == [200] * 3
    engine, worker = served.one("engine").pid, served.one("worker").pid
    with own.standing_still(), ThreadPoolExecutor(16) as threads:
        began = time.monotonic()
        asked = [
            threads.submit(ask, served, "POST", "/hooks/mdm/main", message(number))
            for number in range(3, 18)
        ]
        answers = [each.result() for each in asked]
        assert time.monotonic() - began < SOON + LOAD
        assert {(status, headers["Retry-After"]) for status, _, headers in answers} == {(503, "5")}
        for _ in range(2):
            began = time.monotonic()
            status, told, _ = ask(served, "GET", "/readyz")
            assert time.monotonic() - began < SOON + LOAD
            assert status == 503
            (database,) = (each for each in told["parts"] if each["name"] == "database")
            assert (database["ok"], database["severity"]) == (False, "fatal")
            assert "server" in database["detail"] and "by itself" in database["detail"]
        assert ask(served, "GET", "/healthz")[0] == 200, "no restart has the server go on"
        began = time.monotonic()
        assert post(served, 18) == 503
        assert time.monotonic() - began < SOON + LOAD
    until(lambda: is_ready(served), "it is ready again", 60.0)
    assert post(served, 19) == 200
    until(lambda: {"E0", "E1", "E2", "E19"} <= stored(vpp(own)), "all is there")
    until(lambda: part(served, "engine")["ok"], "the engine goes on")
    assert (served.one("engine").pid, served.one("worker").pid) == (engine, worker)
    served.process.terminate()
    assert served.ends() == 0


@pytest.mark.slow
def test_it_ends_beside_a_server_that_stands_still(ground: Ground, own: postgresql.Server) -> None:
    served = serving(ground, vpp(own)).ready()
    until(lambda: is_ready(served), "it is ready")
    with own.standing_still():
        assert post(served, 1) == 503
        began = time.monotonic()
        served.process.terminate()
        assert served.ends() == 0
        assert time.monotonic() - began < SOON + LOAD


def test_a_start_beside_a_server_that_is_away(
    ground: Ground, own: postgresql.Server, tmp_path: Path
) -> None:
    own.stop("fast")
    served = serving(ground, vpp(own))
    until(served.is_alive, "it answers, and wants no restart")
    status, _, headers = ask(served, "POST", "/hooks/mdm/main", message(1))
    assert (status, headers["Retry-After"]) == (503, "5")
    until(lambda: len(served.complaints()) >= 2, "both say so")
    for line in served.complaints():
        assert "No such file or directory" in line, "and no process is started again for it"
    own.start()
    until(lambda: is_ready(served), "it is ready", 10.0)
    assert post(served, 2) == 200
    served.process.terminate()
    assert served.ends() == 0


def test_a_lock_whose_connection_is_cut_is_taken_again(
    ground: Ground, own: postgresql.Server
) -> None:
    served = serving(ground, vpp(own)).ready()
    until(lambda: is_ready(served), "it is ready")
    until(lambda: "a call failed" in served.errors.read_text(), "its passes have begun")
    with psycopg.connect(own.where, autocommit=True) as db:
        db.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'vpp'")
    text = "the connection of the engine's lock was lost; the lock is ours again"
    until(lambda: text in served.errors.read_text(), "it has it again", 60.0)
    assert post(served, 1) == 200
    assert is_ready(served)
    assert len({each.pid for each in served.family("serve-engine")}) == 1


def command(tmp_path: Path, where: str, *words: str) -> subprocess.CompletedProcess[str]:
    config = tmp_path / "c.yaml"
    write_config(config, "127.0.0.1:9")
    return subprocess.run(
        [*BRIDGE, "--config", str(config), *words],
        env=os.environ | {"BRIDGE_DATABASE": where},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"dbname": "none"}, 'database "none" does not exist; make it, or name another'),
        ({"user": "nobody-here"}, 'role "nobody-here" does not exist; make it, or name another'),
        ({"host": "/nowhere"}, "No such file or directory"),
        ({"user": "guest"}, "permission denied for schema public"),
        ({"sslmode": "wrong"}, "invalid sslmode value"),
        ({"no_such_key": "1"}, "invalid URI query parameter"),
    ],
    ids=["database", "role", "host", "rights", "value", "key"],
)
def test_what_is_wrong_is_one_sentence_without_the_password(
    where: str, tmp_path: Path, change: dict[str, str], said: str
) -> None:
    with psycopg.connect(where, autocommit=True) as db:
        db.execute("DROP ROLE IF EXISTS guest")
        db.execute("CREATE ROLE guest LOGIN")
    given = postgresql.url(where, **{**change, "password": "hunter2"})
    done = command(tmp_path, given, "apply", "--yes")
    assert done.returncode in (1, 2) and done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert said in line, line
    assert "hunter2" not in line
    if "permission" in said:
        return  # there is nothing yet that doctor might not read
    done = command(tmp_path, given, "doctor", "--json")
    assert done.returncode == 1
    assert "hunter2" not in done.stdout + done.stderr
    found = [each for each in json.loads(done.stdout)["findings"] if each["part"] == "database"]
    assert found[0]["level"] == "fail" and (said.partition(";")[0] in found[0]["text"])


def test_a_wrong_password(tmp_path: Path, own: postgresql.Server) -> None:
    with psycopg.connect(own.where, autocommit=True) as db:
        db.execute("CREATE ROLE locked LOGIN PASSWORD 'right'")
    (own.folder / "data" / "pg_hba.conf").write_text("local all all scram-sha-256\n")
    own.stop("fast")
    own.start()
    where = postgresql.url(vpp(own), user="locked", password="hunter2")
    done = command(tmp_path, where, "why", "S1", "1")
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert 'password authentication failed for user "locked"; see to the user and the pass' in line
    assert "hunter2" not in line


def test_an_encoding_in_which_not_all_can_be_stored(server: str, tmp_path: Path) -> None:
    with psycopg.connect(server, autocommit=True) as db:
        db.execute("DROP DATABASE IF EXISTS old")
        db.execute("CREATE DATABASE old ENCODING 'SQL_ASCII' TEMPLATE template0 LOCALE 'C'")
    old = psycopg.conninfo.make_conninfo(server, dbname="old")
    done = command(tmp_path, postgresql.url(old), "apply", "--yes")
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert "its encoding is SQL_ASCII, in which not every name can be stored; make another" in line
