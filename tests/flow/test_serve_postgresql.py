"""`serve` on a database of PostgreSQL, as real processes: it starts, takes in, is alone, and ends.

These tests wait for real processes, so they poll with a deadline.
"""

import base64
import http.client
import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests import postgresql
from tests.flow.test_serve_process import Ground, Served, until

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
    assert second.ends() == 1
    (line,) = second.complaints()
    assert f": another engine runs on this database (process {engine} on " in line
    assert "s ago); stop it first" in line
    assert post(first, 1) == 200
