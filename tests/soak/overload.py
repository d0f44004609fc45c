"""More comes than the machine can take: many times as many clients as there are threads, and a disk
that stands still for a while.

What must hold: the memory stays bounded, whatever was answered 200 is in the database, nobody waits
until a client gives up, who is refused is told when to come again, and webhooks are refused last.
"""

from __future__ import annotations

import base64
import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager

from bridge.store.file.companions import beside
from bridge.web.patience import OTHERS_WAIT, WEBHOOKS_WAIT
from tests.soak.crowd import Met, crowd, posted, request
from tests.soak.faults import RIGHT_WITHIN, Found, waiting
from tests.soak.scenarios import MEMORY
from tests.soak.served import KEY, Served, until

GIVES_UP = 30.0
"""Seconds after which MicroMDM gives a webhook up."""
WEIGHT = 100 * 1024
"""Bytes of a body of the heavy storm: as much as needs no room of its own."""

_LOCK_WAIT = 5.0
_BREATH = 2.0
_API_KEY = "Basic " + base64.b64encode(b"bridge:api-key").decode()


def overload(served: Served, clients: int, stalls: float, seconds: float) -> Found:
    """A storm of `clients` for `seconds`, then with a disk that stands still for `stalls` seconds,
    then with heavy bodies."""
    found = Found(f"a storm of {clients} clients")
    others = max(clients // 8, 10)
    with _watched(served, found):
        with crowd(served, clients, posted, "storm-a") as met:
            rate = _rate(met, seconds)
            found.figures.append(f"{rate:.0f} a second from {clients} at once: {met.shown}")
        found.check(set(met.answers) == {200}, f"a storm alone was answered {met.shown}")
        _judge(found, served, met, GIVES_UP)
        with (
            crowd(served, clients, posted, "storm-b") as webhooks,
            crowd(served, others, _status, "storm-c") as people,
        ):
            time.sleep(1.0)
            with _disk_stands_still(served):
                time.sleep(stalls)
                heard = people.answers.total()
            until(lambda: _goes_on(webhooks), "webhooks are taken in again", RIGHT_WITHIN)
            until(lambda: people.answers.total() > heard + others, "the API answers", RIGHT_WITHIN)
        found.figures += [
            f"a disk that stood still for {stalls:.0f} s: webhooks {webhooks.shown}",
            f"beside them the API: {people.shown}",
        ]
        found.check(
            people.answers[503] or stalls < OTHERS_WAIT + _BREATH,
            "the API is answered however late that is",
        )
        found.check(
            webhooks.answers[200] or stalls > WEBHOOKS_WAIT, "webhooks are refused before that"
        )
        _judge(found, served, webhooks, WEBHOOKS_WAIT + 2 * _LOCK_WAIT)
        _judge(found, served, people, OTHERS_WAIT + 2 * _LOCK_WAIT)
        with crowd(served, clients, _heavy, "storm-d") as met:
            found.figures.append(f"{_rate(met, seconds):.0f} heavy ones a second: {met.shown}")
        _judge(found, served, met, GIVES_UP)
    waited = until(lambda: not waiting(served), "all of it is handled", 600.0)
    found.figures.append(f"all handled {waited:.0f} s after the storms")
    found.check(not served.trouble(), "not ready at the end")
    return found


def _status(_message: str) -> bytes:
    return request("GET", "/v1/installs?limit=1", _API_KEY)


def _heavy(message: str) -> bytes:
    event = b'{"topic": "soak.Heavy", "event_id": "%s", "filler": "' % message.encode()
    return request("POST", "/hooks/mdm/main", KEY, event + b"x" * (WEIGHT - len(event) - 2) + b'"}')


def _rate(met: Met, seconds: float) -> float:
    """Answers a second."""
    before = met.answers.total()
    time.sleep(seconds)
    return (met.answers.total() - before) / seconds


def _goes_on(met: Met) -> bool:
    before = met.answers[200]
    time.sleep(_BREATH / 4)
    return met.answers[200] > before + 20


def _judge(found: Found, served: Served, met: Met, longest: float) -> None:
    """Nothing lost, nobody kept waiting, nobody refused without a word."""
    lost = {m for m in met.taken if not m.startswith("storm-c")} - served.stored("storm-")
    found.check(not lost, f"{len(lost)} answered 200 and not stored, such as {sorted(lost)[:3]}")
    worst = max(met.waits.values(), default=0.0)
    found.check(met.answers, "nobody was answered")
    found.check(worst < longest, f"somebody waited {worst:.1f} s")
    found.check(not met.untold, f"{met.untold} were answered 503 without Retry-After")
    found.check(not met.broken, f"{met.broken} got no answer")
    odd = set(met.answers) - {200, 503}
    found.check(not odd, f"answered {sorted(odd)}")


@contextmanager
def _watched(served: Served, found: Found) -> Iterator[None]:
    """The highest memory of each process meanwhile."""
    with served.weighed() as highest:
        yield
    for role, size in highest.items():
        found.figures.append(f"{role}: {size // 1024 // 1024} MB at most")
        found.check(size < MEMORY, f"the {role} took {size // 1024 // 1024} MB")


@contextmanager
def _disk_stands_still(served: Served) -> Iterator[None]:
    """Nothing comes into the inbox: somebody keeps its lock."""
    with beside(served.database, ".inbox.lock").open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
