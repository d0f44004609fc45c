"""Notifications by the hundred, three times over and in any order: the end is always the same.

Apple's notifications are collected when they are sent, and delivered as each test likes.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from bridge.domain.model import Asset, Pair
from bridge.simulator.faults import Fault
from tests.flow.crowd import crowded, serials
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

NO_STATUS = Fault("apple.status", "gateway", status=503, times=0)
MINUTE = 60.0


@dataclass
class Office:
    """Keeps every notification but the tests of the URL, until it is delivered."""

    scene: Scene
    letters: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scene.world.outgoing.post = self.take

    def take(self, url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int | None:
        if "/hooks/apple/" not in url or b"TEST_NOTIFICATION" in body:
            return self.scene._post(url, headers, body, timeout)
        self.letters.append((url, dict(headers), body))
        return 200

    def deliver(self, number: int, *, under: str | None = None) -> None:
        """Deliver a letter once more, `under` another notificationId if one is given."""
        url, headers, body = self.letters[number]
        if under is not None:
            body = json.dumps(json.loads(body) | {"notificationId": under}).encode()
        assert self.scene._post(url, headers, body, 30.0) == 200

    def content(self, number: int) -> dict[str, Any]:
        """The inner part of a letter."""
        return dict(json.loads(self.letters[number][2])["notification"])


TABLES = {
    "assignments": "location, adam_id, pricing_param, target",
    "request_pairs": "id",
    "apple_requests": "id",
    "installs": "target, adam_id",
    "assets": "adam_id, pricing_param",
}


def stored(scene: Scene) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored of licences, with all times."""
    with scene.bridge.database.read() as db:
        return {
            table: [tuple(row) for row in db.execute(f"SELECT * FROM {table} ORDER BY {order}")]
            for table, order in TABLES.items()
        }


def known(scene: Scene) -> dict[str, list[tuple[Any, ...]]]:
    """What is so, whoever told it and whenever."""
    queries = {
        "held": "SELECT adam_id, target FROM assignments",
        "pairs": "SELECT adam_id, target, kind, state, error_number FROM request_pairs",
        "installs": "SELECT adam_id, target, state, reason FROM installs",
        "requests": "SELECT id, kind, state FROM apple_requests",
    }
    with scene.bridge.database.read() as db:
        return {name: sorted(map(tuple, db.execute(query))) for name, query in queries.items()}


def held(scene: Scene) -> set[Pair]:
    """The licences that the bridge takes to be held."""
    with scene.bridge.database.read() as db:
        found = db.execute("SELECT adam_id, pricing_param, target FROM assignments")
        return {Pair(Asset(row[0], row[1]), row[2]) for row in found}


def held_at_apple(scene: Scene) -> set[Pair]:
    assignments = scene.world.location.library.assignments
    return {Pair(Asset(p.adam_id, p.pricing_param), p.target.name) for p in assignments}


def asked(make_scene: MakeScene, apps: int, devices: int, *more: Fault) -> tuple[Scene, Office]:
    """One event of ours for all apps and devices; Apple is done and has told nobody.

    Of every third app Apple has seats for half of the devices only, which its count did not say.
    """
    scene = crowded(make_scene, apps, serials(0, devices), faults=more)
    scene.world.apple.settings.limits["maxSerialNumbers"] = devices + 1  # a full one leaves at once
    office = Office(scene)
    scene.apply(scene.desired(mode="license_only"))
    scene.run(lambda: set(scene.states()) == {"associating ASSOCIATE_COLLECTING"})
    for adam_id in scene.adam_ids[::3]:
        scene.world.location.library.assets[adam_id, "STDQ"].total = devices // 2
    scene.run(lambda: bool(office.letters))
    assert scene.world.ledger.requests["apple.associate"] == 1
    scene.world.kernel.advance(scene.world.now + 5)
    return scene, office


def at_rest(scene: Scene) -> None:
    """Let it all be taken in, and what follows from it within a few minutes."""
    scene.settle()
    scene.pass_time(3 * MINUTE)


IN_ORDER: dict[tuple[int, int], tuple[Any, Any]] = {}


def in_order(make_scene: MakeScene, apps: int, devices: int) -> tuple[Any, Any]:
    """What is stored after each notification came once, in order; and what is so then. It is the
    same for every test, so it is found out once."""
    if (apps, devices) not in IN_ORDER:
        IN_ORDER[apps, devices] = _in_order(make_scene, apps, devices)
    return IN_ORDER[apps, devices]


def _in_order(make_scene: MakeScene, apps: int, devices: int) -> tuple[Any, Any]:
    scene, office = asked(make_scene, apps, devices, NO_STATUS)
    for number in range(len(office.letters)):
        office.deliver(number)
    at_rest(scene)
    assert scene.world.ledger.violations() == []
    short = len(scene.adam_ids[::3]) * (devices - devices // 2)
    assert scene.states() == {
        "licensed LICENSED": min(apps * devices - short, 10**9),
        "waiting NO_SEAT": short,
    }
    assert held(scene) == held_at_apple(scene)
    return stored(scene), known(scene)


def states_of(scene: Scene) -> Mapping[str, int]:
    with scene.bridge.database.read() as db:
        found = db.execute("SELECT state || ' ' || reason, count(*) FROM installs GROUP BY 1")
        return {row[0]: row[1] for row in found}


@pytest.mark.parametrize(
    ("apps", "devices", "seed"),
    [
        (10, 500, 1),
        pytest.param(10, 500, 2, marks=pytest.mark.slow),
        pytest.param(10, 500, 3, marks=pytest.mark.slow),
        (4, 130, 4),
        pytest.param(25, 1000, 5, marks=pytest.mark.slow),
    ],
)
def test_three_times_over_in_random_order(
    make_scene: MakeScene, apps: int, devices: int, seed: int
) -> None:
    expected, _ = in_order(make_scene, apps, devices)
    scene, office = asked(make_scene, apps, devices, NO_STATUS)
    count = len(office.letters)
    assert count >= apps * devices / 100
    chance = random.Random(seed)
    deliveries = [(n, None) for n in range(count)] * 2
    deliveries += [(n, f"another-id-{n}") for n in range(count)]
    chance.shuffle(deliveries)
    for number, under in deliveries:
        office.deliver(number, under=under)
        if chance.random() < 0.1:
            scene.engine.run_once()
    at_rest(scene)
    assert stored(scene) == expected
    assert scene.counters()["apple.duplicate"] == count


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(6))
def test_a_status_that_races(make_scene: MakeScene, seed: int) -> None:
    """The event's status is asked for in the middle of its notifications, or before them."""
    _, expected = in_order(make_scene, 6, 150)
    scene, office = asked(make_scene, 6, 150)
    chance = random.Random(seed)
    order = chance.sample(range(len(office.letters)), len(office.letters))
    middle = chance.randrange(len(order))
    for place, number in enumerate(order):
        if place == middle:
            status = scene.world.ledger.requests["apple.status"]
            scene.run(lambda: scene.world.ledger.requests["apple.status"] > status)  # noqa: B023
        office.deliver(number)
        if chance.random() < 0.3:
            scene.engine.run_once()
    at_rest(scene)
    assert known(scene) == expected
    assert held(scene) == held_at_apple(scene)
    assert scene.world.ledger.requests["apple.associate"] == 1
    assert scene.world.ledger.violations() == []


def test_a_kill_in_the_middle_of_a_storm(make_scene: MakeScene) -> None:
    _, expected = in_order(make_scene, 6, 150)
    scene, office = asked(make_scene, 6, 150, NO_STATUS)
    for number in reversed(range(len(office.letters))):
        office.deliver(number)
        if number % 4 == 0:
            scene.restart()
    at_rest(scene)
    assert known(scene) == expected
    assert scene.world.ledger.requests["apple.associate"] == 1


# Two events for one pair.


def one(make_scene: MakeScene, *faults: Fault, **wish: Any) -> tuple[Scene, Office]:
    """A single device and app; Apple's notifications are kept back."""
    scene = crowded(make_scene, 1, serials(0, 1), faults=faults)
    office = Office(scene)
    scene.apply(scene.desired(**{"mode": "license_only", "on_unwanted": "release"} | wish))
    return scene, office


def nobody_wants_it(scene: Scene) -> None:
    scene.apply(scene.wanted_for([], mode="license_only", on_unwanted="release"))


def is_now(scene: Scene, state: str, limit: float = 10 * MINUTE) -> None:
    scene.run(lambda: states_of(scene) == {state: 1}, limit)


def told(scene: Scene, office: Office, order: Sequence[int], gap: float) -> None:
    """Deliver in this order, `gap` seconds apart."""
    for number in order:
        office.deliver(number)
        scene.settle()
        if gap:
            scene.pass_time(gap)
    at_rest(scene)


GAPS = [0.0, 20.0]


@pytest.mark.sweep
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), (1,), (0, 1, 0), (1, 0, 1)])
def test_asked_for_and_given_back(
    make_scene: MakeScene, order: tuple[int, ...], gap: float
) -> None:
    """The notification of the first comes with, or after, that of the second."""
    scene, office = one(make_scene)
    is_now(scene, "licensed LICENSED")  # the status told it
    nobody_wants_it(scene)
    scene.run(lambda: len(office.letters) == 2)
    assert [office.content(n)["type"] for n in (0, 1)] == ["ASSOCIATE", "DISASSOCIATE"]
    told(scene, office, order, gap)
    is_now(scene, "removed RELEASED")
    assert held(scene) == held_at_apple(scene) == set()


@pytest.mark.sweep
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_asked_for_given_back_and_asked_for_again(
    make_scene: MakeScene, order: tuple[int, ...], gap: float
) -> None:
    scene, office = one(make_scene)
    is_now(scene, "licensed LICENSED")
    nobody_wants_it(scene)
    is_now(scene, "removed RELEASED")
    scene.apply(scene.desired(mode="license_only", on_unwanted="release"))
    scene.run(lambda: len(office.letters) == 3)
    told(scene, office, order, gap)
    is_now(scene, "licensed LICENSED")
    assert held(scene) == held_at_apple(scene)
    assert len(held(scene)) == 1
    assert scene.world.ledger.violations() == []


@pytest.mark.sweep
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("order", [*itertools.permutations(range(2)), (0, 1, 0)])
def test_failed_and_asked_for_again(
    make_scene: MakeScene, order: tuple[int, ...], gap: float
) -> None:
    scene, office = one(make_scene, Fault("apple.event", "error", number=9603))
    scene.run(lambda: len(office.letters) == 2)
    assert [office.content(n)["result"] for n in (0, 1)] == ["FAILURE", "SUCCESS"]
    told(scene, office, order, gap)
    is_now(scene, "licensed LICENSED")
    assert held(scene) == held_at_apple(scene)
    assert scene.world.ledger.requests["apple.associate"] == 2
    assert scene.world.ledger.violations() == []


# Events of somebody else, while ours are on their way.


def portal(scene: Scene, kind: str) -> None:
    """Somebody gives or takes in Apple's portal, at once; a notification tells of it."""
    scene.world.apple.portal(scene.world.location, kind, scene.adam_ids[0], serials(0, 1))
    scene.world.advance(2)


def before_ours(scene: Scene, kinds: Iterable[str]) -> None:
    for kind in kinds:
        portal(scene, kind)
    scene.world.advance(10)


def after_ours(scene: Scene, kinds: Iterable[str]) -> None:
    scene.world.advance(10)
    for kind in kinds:
        portal(scene, kind)


@pytest.mark.sweep
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
@pytest.mark.parametrize("kind", ["ASSOCIATE", "DISASSOCIATE"])
@pytest.mark.parametrize("when", [before_ours, after_ours])
def test_somebody_else_while_we_ask(
    make_scene: MakeScene,
    when: Callable[[Scene, Iterable[str]], None],
    kind: str,
    order: tuple[int, ...],
    gap: float,
) -> None:
    scene, office = one(make_scene, NO_STATUS)
    scene.run(lambda: scene.world.ledger.requests["apple.associate"] == 1)
    when(scene, [kind])
    assert len(office.letters) == 2
    told(scene, office, order, gap)
    taken = when is after_ours and kind == "DISASSOCIATE"
    is_now(scene, "waiting LICENSE_TAKEN" if taken else "licensed LICENSED")
    assert held(scene) == held_at_apple(scene)
    assert len(held(scene)) == (0 if taken else 1)
    assert scene.world.ledger.requests["apple.associate"] == 1
    assert scene.world.ledger.violations() == []


@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("kinds", [("DISASSOCIATE", "ASSOCIATE"), ("ASSOCIATE", "DISASSOCIATE")])
def test_somebody_takes_and_gives_what_we_hold(
    make_scene: MakeScene, kinds: tuple[str, ...], order: tuple[int, ...], gap: float
) -> None:
    scene, office = one(make_scene)
    is_now(scene, "licensed LICENSED")
    scene.pass_time(MINUTE)
    after_ours(scene, kinds)
    assert len(office.letters) == 3
    told(scene, office, order, gap)
    taken = kinds[-1] == "DISASSOCIATE"
    is_now(scene, "waiting LICENSE_TAKEN" if taken else "licensed LICENSED")
    assert held(scene) == held_at_apple(scene)
    assert scene.world.ledger.requests["apple.associate"] == 1


@pytest.mark.parametrize("order", list(itertools.permutations(range(2))))
def test_somebody_gives_back_what_we_give_back(
    make_scene: MakeScene, order: tuple[int, ...]
) -> None:
    scene, office = one(make_scene)
    is_now(scene, "licensed LICENSED")
    nobody_wants_it(scene)
    scene.run(lambda: scene.world.ledger.requests["apple.disassociate"] == 1)
    del office.letters[0]
    after_ours(scene, ["DISASSOCIATE"])
    assert len(office.letters) == 2
    told(scene, office, order, 0.0)
    is_now(scene, "removed RELEASED")
    assert held(scene) == held_at_apple(scene) == set()
