"""How few requests a mass of licences takes, counted at the simulated Apple."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import pytest

from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.store.devices import devices
from tests.flow.crowd import crowded, serials
from tests.flow.scene import Scene

pytestmark = pytest.mark.timeout(1800)  # a quarter of a million licences take their time

MakeScene = Callable[..., Scene]

MOST_ASSETS, MOST_SERIALS = 25, 1000
"""What the simulated service config allows, as Apple's does."""


def desired(groups: Mapping[str, Sequence[str]], apps: Mapping[str, Sequence[str]]) -> Desired:
    """Each of `apps` (by adam id: its groups), licences only."""
    return Desired(
        tuple(Group(name, tuple(members)) for name, members in groups.items()),
        tuple(AppWish(a, tuple(g), "hq", mode="license_only") for a, g in apps.items()),
    )


def everybody_wants(scene: Scene) -> Desired:
    return scene.desired(mode="license_only")


def licensed(scene: Scene, expected: Desired) -> int:
    """Let every pair be licensed; returns the requests it took. Nothing else was ever licensed."""
    scene.apply(expected)
    with scene.bridge.database.read() as db:
        known = {s for s, device in devices.by_serial(db).items() if device.enrolled}
        pairs = {
            (serial, app.adam_id)
            for app in expected.apps
            for group in expected.groups
            if group.name in app.groups
            for serial in (known if group.all else group.serials)
        }

    def all_licensed() -> bool:
        with scene.bridge.database.read() as db:
            found = db.execute("SELECT state, count(*) FROM installs GROUP BY state").fetchall()
        return [tuple(row) for row in found] == [("licensed", len(pairs))]

    scene.run(all_licensed, limit=900)
    assignments = scene.world.location.library.assignments
    assert len(assignments) == len(pairs)
    assert {(pair.target.name, pair.adam_id) for pair in assignments} == pairs
    assert scene.world.ledger.violations() == []
    with scene.bridge.database.read() as db:
        made = db.execute("SELECT count(*) FROM apple_requests").fetchone()[0]
    requests = scene.world.ledger.requests["apple.associate"]
    assert made == requests, "each was sent once"
    return requests


def report(what: str, requests: int, most: int) -> None:
    """A line of the table of requests; `pytest -rP` shows it."""
    print(f"{what:<66} {requests:>4} requests (at most {most})")  # noqa: T201


def least(assets: int, names: int) -> int:
    """The fewest requests that Apple's limits allow for one rectangle."""
    return -(-assets // MOST_ASSETS) * -(-names // MOST_SERIALS)


@pytest.mark.parametrize(
    ("count", "apps"),
    [
        pytest.param(10_000, 25, marks=pytest.mark.slow),
        pytest.param(1_000, 40, marks=pytest.mark.slow),
        (1, 26),
    ],
    ids=["10000x25", "1000x40", "1x26"],
)
def test_everybody_gets_the_same(make_scene: MakeScene, count: int, apps: int) -> None:
    # Without notifications, which come for a hundred pairs each: an event's status tells all.
    scene = crowded(make_scene, apps, serials(0, count), public_url=None)
    requests = licensed(scene, everybody_wants(scene))
    report(f"{count:,} devices x the same {apps} apps", requests, least(apps, count))
    assert requests == {(10_000, 25): 10, (1_000, 40): 2, (1, 26): 2}[count, apps]


@pytest.mark.slow
def test_two_groups_that_overlap(make_scene: MakeScene) -> None:
    first, second = serials(0, 3_000), serials(2_000, 2_500)
    scene = crowded(make_scene, 14, serials(0, 4_500))
    only_first, both, only_second = (
        scene.adam_ids[:6],
        scene.adam_ids[6:10],
        scene.adam_ids[10:],
    )
    groups = {"first": first, "second": second}
    apps = (
        {app: ["first"] for app in only_first}
        | {app: ["first", "second"] for app in both}
        | {app: ["second"] for app in only_second}
    )
    requests = licensed(scene, desired(groups, apps))
    report("3,000 x 10 and 2,500 x 8, with 1,000 devices and 4 apps in common", requests, 5)
    assert requests == 5


@pytest.mark.slow
def test_everybody_gets_something_else(make_scene: MakeScene) -> None:
    scene = crowded(make_scene, 40, names := serials(0, 5_000))
    chance = random.Random(7)
    needs = {name: chance.sample(scene.adam_ids, 20) for name in names}
    groups = {a: [name for name in names if a in needs[name]] for a in scene.adam_ids}
    requests = licensed(scene, desired(groups, {a: [a] for a in scene.adam_ids}))
    counted = Counter(adam_id for chosen in needs.values() for adam_id in chosen)
    most = sum(least(1, count) for count in counted.values())
    report("5,000 devices x 20 of 40 apps at random", requests, most)
    assert requests <= most
