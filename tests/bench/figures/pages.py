"""What a status page costs the web side's process on a large fleet."""

from __future__ import annotations

import base64
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from flask.testing import FlaskClient

from bridge.store.views import over_time, totals
from bridge.web import create_app
from tests.bench.figures import Asked
from tests.bench.fleet import DAY, Fleet
from tests.bench.report import Found, Row

_BASIC = base64.b64encode(b"bridge:api-key").decode()
_AT_MOST = 200.0
_DAYS = 60
"""Days of which it is kept how installs stood."""


def pages(asked: Asked) -> Found:
    """Each page once it was opened before: the best of a few times, in processor time."""
    devices = asked.devices or (400 if asked.quick else 10_000)
    apps, rounds = asked.apps or 25, asked.rounds or 3
    with TemporaryDirectory() as folder:
        fleet = Fleet(Path(folder), devices, apps, now=time.time())
        costs = _costs(fleet, rounds)
    slowest = max(costs, key=lambda path: costs[path])
    row = Row(
        f"pages, {devices} × {apps}: processor time of the slowest",
        f"{costs[slowest]:.0f} ms ({slowest})",
        "itself",
        costs[slowest],
        at_most=_AT_MOST,
        unit="ms",
    )
    notes = [f"pages: {', '.join(f'{path} {cost:.0f} ms' for path, cost in costs.items())}"]
    return Found([row], notes=notes)


def _costs(fleet: Fleet, rounds: int) -> dict[str, float]:
    serial, app = fleet.serials[len(fleet.serials) // 2], fleet.adam_ids[len(fleet.adam_ids) // 2]
    with fleet.bridge() as bridge:
        with bridge.database.write() as db:
            db.execute(
                "UPDATE installs SET state = 'failed', reason = 'DEVICE_REFUSED' "
                "WHERE id % 1000 = 0"
            )
            for day in range(_DAYS):
                over_time.keep(db, totals.installs(db), fleet.now - day * DAY)
        client = create_app(bridge).test_client()
        found = {}
        for path in (
            "/",
            "/apps",
            f"/apps/{app}",
            f"/apps/{app}?needs_someone=true",
            "/devices",
            f"/devices/{serial}",
            "/locations/hq",
            "/events",
            "/outbox",
            f"/search?q={serial[-3:]}",
        ):
            found[path] = min(_cost(client, path) for _ in range(rounds + 1))
    return found


def _cost(client: FlaskClient, path: str) -> float:
    began = time.process_time()
    response = client.get(path, headers={"Authorization": f"Basic {_BASIC}"})
    size = len(response.data)
    cost = (time.process_time() - began) * 1e3
    if response.status_code != 200 or not size:
        raise RuntimeError(f"{path} was answered {response.status_code}")
    return cost
