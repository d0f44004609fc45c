"""What a message costs: as much as it changes, however large the fleet and whatever else its device
is to have."""

from __future__ import annotations

import base64
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from bridge.domain.model import Asset
from bridge.engine.commands import device_queue
from bridge.engine.decide import reconcile
from bridge.engine.insight import drift
from bridge.engine.intake import inbox
from bridge.store import meta, pauses
from bridge.store.catalog import apps
from bridge.store.database import Connection, Database
from bridge.store.devices import devices
from bridge.store.file.database import FileDatabase
from bridge.store.licences import assignments, locations
from bridge.store.views import totals
from tests.intake import process
from tests.unit.engine_kit import at_time, configuration, context
from tests.unit.store_kit import NOW, make_device, make_install, make_posted, pair

LATER = NOW + 60


@dataclass
class Cost:
    """Statements, and the steps that SQLite took for them; how many installs were decided."""

    statements: int = 0
    steps: int = 0
    decided: int = 0

    def watch(self, db: Connection) -> None:
        """Count from here on."""

        def statement(_text: str) -> None:
            self.statements += 1

        def step() -> int:
            self.steps += 1
            return 0

        db.set_trace_callback(statement)
        db.set_progress_handler(step, 1)


def filled(db: Connection, installs: int) -> None:
    """A fleet at rest, 25 apps on each device."""
    row = next(iter(db.execute("SELECT * FROM installs LIMIT 1").fetchall()))
    names = [name for name in row.keys() if name != "id"]  # noqa: SIM118 - a row is no mapping
    values = dict(row) | {"state": "installed", "reason": "INSTALLED", "dirty_at": None}
    values |= {"next_check_at": NOW + 1e6}
    db.executemany(
        f"INSERT INTO installs ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
        (
            tuple(
                (values | {"target": f"OTHER{number // 25}", "adam_id": str(number % 25)}).values()
            )[1:]
            for number in range(installs)
        ),
    )
    held = [pair(f"OTHER{number // 25}", Asset(str(number % 25))) for number in range(installs)]
    assignments.confirm(db, "hq", held, told_by="read", now=0)
    db.executemany(
        "INSERT INTO request_pairs (location, kind, adam_id, pricing_param, target, "
        "state, ready_at, settled_at) "
        "VALUES ('hq', 'ASSOCIATE', ?, 'STDQ', ?, 'confirmed', 0, 0)",
        ((str(number % 25), f"OTHER{number // 25}") for number in range(installs)),
    )
    db.executemany(
        "INSERT INTO devices (server, udid, serial_number, enrolled, created_at) "
        "VALUES ('main', ?, ?, 1, 0)",
        ((f"UDID-OTHER{number}", f"OTHER{number}") for number in range(installs // 25)),
    )


def on_their_way(db: Connection, number: int) -> None:
    """A device that has listed its apps, and so many installs that its server took."""
    device = make_device(db)
    known = {"apps_listed_at": NOW, "apps_asked_at": NOW, "apps_enrolment": 1, "facts_at": NOW}
    devices.update(db, device.id, last_seen_at=NOW, last_connect_at=NOW, **known)
    for each in range(number):
        asset = Asset(str(each))
        apps.learn_app(db, asset.adam_id, bundle_id=f"b{each}", name=None, source="file")
        install_id = make_install(db, "S1", asset)
        assignments.confirm(db, "hq", [pair("S1", asset)], told_by="read", now=NOW)
        make_posted(db, f"c{each}", device, install_id=install_id, settings="{}")


def costs(database: Database, *, fleet: int, on_device: int) -> dict[str, Cost]:
    """Of an Idle, and of an answer to one of `on_device` installs."""
    with database.write() as db:
        on_their_way(db, on_device)
        filled(db, fleet)
        while reconcile.decide_dirty(context(db)):
            pass
    return {
        "Idle": cost_of(database, status="Idle"),
        "Acknowledged": cost_of(database, status="Acknowledged", command_uuid="c0"),
    }


def cost_of(database: Database, **event: str) -> Cost:
    """Of one message: taken up, and all that follows it until commands are to leave."""
    said = f"<key>UDID</key><string>UDID-S1</string><key>Status</key><string>{event['status']}"
    raw = f'<?xml version="1.0"?><plist version="1.0"><dict>{said}</string></dict></plist>'
    body = {
        "topic": "mdm.Connect",
        "event_id": event["status"],
        "created_at": "2027-01-15T08:01:00Z",
        "acknowledge_event": {
            "udid": "UDID-S1",
            "raw_payload": base64.b64encode(raw.encode()).decode(),
            **event,
        },
    }
    inbox.receive_webhook(database, "main", json.dumps(body).encode(), LATER)
    cost = Cost()
    with database.write() as db:
        cost.watch(db)
    process(database, at_time(LATER))
    with database.write() as db:
        cost.decided = reconcile.decide_dirty(context(db, LATER))
        device_queue.start(context(db, LATER), pauses.load(db))
        db.set_trace_callback(None)
        db.set_progress_handler(None, 1)
    return cost


@pytest.fixture
def make_database(tmp_path: Path, empty_database: Path) -> Iterator[Callable[[], Database]]:
    with ExitStack() as stack:

        def make() -> Database:
            path = tmp_path / f"{uuid4()}.db"
            shutil.copy(empty_database, path)
            made = FileDatabase(path)
            made.open()
            stack.callback(made.close)
            return made

        yield make


MakeDatabase = Callable[[], Database]


@pytest.mark.slow
def test_a_message_costs_the_same_in_a_fleet_of_any_size(make_database: MakeDatabase) -> None:
    small = costs(make_database(), fleet=1_000, on_device=3)
    large = costs(make_database(), fleet=100_000, on_device=3)
    for what, cost in small.items():
        assert large[what].statements == cost.statements, what
        assert large[what].steps <= cost.steps + 50, what


def test_a_message_costs_the_same_however_many_apps_its_device_is_to_have(
    make_database: MakeDatabase,
) -> None:
    few = costs(make_database(), fleet=25, on_device=2)
    many = costs(make_database(), fleet=25, on_device=40)
    for what, decided in (("Idle", 0), ("Acknowledged", 1)):
        assert few[what].decided == many[what].decided == decided
        assert many[what].statements == few[what].statements, what


def chunk_cost(database: Database, *, fleet: int) -> Cost:
    """Of deciding as many installs as one transaction does."""
    with database.write() as db:
        on_their_way(db, 1)
        filled(db, fleet)
        while reconcile.decide_dirty(context(db)):
            pass
        db.execute(
            "UPDATE installs SET dirty_at = ? WHERE id IN "
            "(SELECT id FROM installs WHERE target LIKE 'OTHER%' ORDER BY id LIMIT ?)",
            (NOW, reconcile.CHUNK),
        )
    cost = Cost()
    with database.write() as db:
        cost.watch(db)
        cost.decided = reconcile.decide_dirty(context(db))
        db.set_trace_callback(None)
        db.set_progress_handler(None, 1)
    return cost


def test_a_chunk_of_decisions_costs_the_same_in_a_fleet_of_any_size(
    make_database: MakeDatabase,
) -> None:
    small = chunk_cost(make_database(), fleet=1_000)
    large = chunk_cost(make_database(), fleet=50_000)
    assert small.decided == large.decided == reconcile.CHUNK
    assert large.statements == small.statements
    assert large.steps <= 1.05 * small.steps


STEPS_OF_A_DEVICE = 30
"""Steps of SQLite, at most, to see at how many servers a device is enrolled."""


def cost_of_drift(database: Database, *, fleet: int) -> Cost:
    """Of comparing a fleet in which nothing disagrees. The installs are counted before that, as
    they are for all figures."""
    with database.write() as db:
        on_their_way(db, 1)
        filled(db, fleet)
        while reconcile.decide_dirty(context(db)):
            pass
        db.execute("DELETE FROM installs WHERE target = 'S1'")
        db.execute("DELETE FROM assignments WHERE target = 'S1'")
        db.execute("UPDATE assignments SET ours = 1")
        locations.update(db, "hq", assignments_read_at=NOW)
        meta.keep(db, "devices_read_at:main", str(NOW))
    cost = Cost()
    with database.write() as db:
        now, config = context(db), configuration(Path())
        installs = totals.installs(db)
        cost.watch(db)
        found = drift.counts(now, config, installs)
        db.set_trace_callback(None)
        db.set_progress_handler(None, 1)
        assert not any(found.values())
        db.execute("DELETE FROM installs WHERE id = (SELECT max(id) FROM installs)")
        assert drift.counts(now, config, totals.installs(db))["license_unwanted"] == 1
    return cost


@pytest.mark.slow
def test_a_fleet_of_any_size_in_which_nothing_disagrees_is_compared_at_the_same_cost(
    make_database: MakeDatabase,
) -> None:
    small = cost_of_drift(make_database(), fleet=1_000)
    large = cost_of_drift(make_database(), fleet=20_000)
    assert large.statements == small.statements
    devices_more = (20_000 - 1_000) // 25
    assert large.steps - small.steps <= STEPS_OF_A_DEVICE * devices_more
