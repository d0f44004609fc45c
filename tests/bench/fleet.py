"""A large fleet as its road leaves it: a configuration, and the database of its finished installs.

The rows are made by SQL, a table at a time, and have in each column what a real road leaves there;
250,000 installs take about twenty seconds.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from bridge.app import Bridge
from bridge.config import load_config
from bridge.domain.installs.settings import InstallSettings
from bridge.store import meta
from bridge.store.database import Connection
from bridge.store.licences import locations

DAY = 86400.0

CONFIG = """\
database: bridge.db
listen: "{listen}"
api: {{key: api-key}}
servers:
  main: {{url: "{mdm_url}", api_key: mdm-key, webhook_key: hook-key}}
locations:
  hq: {{content_token_file: hq.vpptoken}}
apple: {{url: "{apple_url}"}}
groups:
  everyone: {{all: true}}
  ipads: {{match: {{product_name: "iPad*", os_version: ">=17"}}}}
  named: {{serials_file: named.txt}}
policy: {{command: {{window: 1000000}}}}
apps:
"""
GROUPS = ("everyone", "ipads", "named")
NOWHERE = "http://127.0.0.1:9"

_UUID = (
    "lower(hex(randomblob(4)) || '-' || hex(randomblob(2)) || '-4' || substr(hex(randomblob(2)), 2)"
    " || '-a' || substr(hex(randomblob(2)), 2) || '-' || hex(randomblob(6)))"
)
_JITTER = "abs(random() % 3600000) / 1000.0"
"""Seconds within the hour in which the road was gone; no two moments are alike."""


class Fleet:
    """A folder with a configuration and the database of a fleet that has its apps.

    The installs were wished for at `wished_at`, and all were there within an hour. Nothing is kept
    of the messages and calls of the road: `since` seconds later they are forgotten.
    """

    def __init__(
        self,
        folder: Path,
        devices: int,
        apps: int,
        *,
        now: float,
        since: float = 31 * DAY,
        listen: str = "127.0.0.1:9008",
        mdm_url: str = NOWHERE,
        apple_url: str = NOWHERE,
    ) -> None:
        self.folder = folder
        self.config = folder / "config.yaml"
        self.database = folder / "bridge.db"
        self.serials = [f"SERIAL{number:06}" for number in range(devices)]
        self.adam_ids = [str(300000000 + number) for number in range(apps)]
        self.now = now
        self.wished_at = now - since
        self._write(listen, mdm_url, apple_url)
        with self.bridge(self.wished_at) as bridge:
            with bridge.database.write() as db:
                self._enrol(db)
            bridge.apply(bridge.config.desired)
            with bridge.database.write() as db:
                self._own(db, self.adam_ids, devices)
                self._license(db)
                self._install(db)
                self._rest(db)
            bridge.database.fold()

    def _write(self, listen: str, mdm_url: str, apple_url: str) -> None:
        entries = [
            f'  - {{adam_id: "{a}", name: "App {n}", groups: [{GROUPS[n % len(GROUPS)]}]}}\n'
            for n, a in enumerate(self.adam_ids)
        ]
        self.config.touch(0o600)
        head = CONFIG.format(listen=listen, mdm_url=mdm_url, apple_url=apple_url)
        self.config.write_text(head + "".join(entries))
        self.name_devices(self.serials)
        token = self.folder / "hq.vpptoken"
        token.touch(0o600)
        token.write_text("eyJ0b2tlbiI6ICJiZW5jaCJ9")

    def want_more(self, count: int) -> None:
        """Let everybody be given so many further apps, of which there are enough seats, by the
        file: nothing is applied."""
        known = len(self.adam_ids)
        more = [str(300000000 + number) for number in range(known, known + count)]
        self.adam_ids += more
        with self.config.open("a") as file:
            file.writelines(
                f'  - {{adam_id: "{a}", bundle_id: com.example.app{a}, groups: [everyone]}}\n'
                for a in more
            )
        with self.bridge() as bridge, bridge.database.write() as db:
            self._own(db, more, 0)

    def name_devices(self, serials: list[str]) -> None:
        """Let the file's list of serial numbers be this."""
        (self.folder / "named.txt").write_text("\n".join(serials) + "\n")

    @contextmanager
    def bridge(self, now: float | None = None) -> Iterator[Bridge]:
        """A bridge on the database, in this process; its clock stands at `now`."""
        at = self.now if now is None else now
        bridge = Bridge(load_config(self.config, os.environ), clock=lambda: at).open()
        try:
            yield bridge
        finally:
            bridge.close()

    def _enrol(self, db: Connection) -> None:
        at = self.wished_at
        db.executemany(
            "INSERT INTO devices (server, udid, serial_number, name, product_name, model, "
            "os_version, enrolled, enrolment, enrolled_at, last_seen_at, last_connect_at, "
            "apps_asked_at, apps_listed_at, apps_enrolment, facts_at, created_at) VALUES ('main', "
            f"upper({_UUID}), ?, ?, 'iPad14,1', 'MK2K3LL/A', '17.5', 1, 1, ?, ?, ?, "
            f"? + {_JITTER}, ? + {_JITTER}, 1, ? + {_JITTER}, ?)",
            [(s, f"iPad {n}", *[at] * 7) for n, s in enumerate(self.serials)],
        )
        for fact in ("serial_number", "name", "product_name", "model", "os_version"):
            db.execute(
                f"INSERT INTO first_facts (device_id, fact, value, learnt_at) "
                f"SELECT id, ?, {fact}, ? + {_JITTER} FROM devices",
                (fact, at - DAY),
            )

    def _own(self, db: Connection, adam_ids: list[str], used: int) -> None:
        """There are ten more seats of each app than devices, and so many are in use."""
        seats = len(self.serials) + 10
        read = {"assets_read_at": self.now, "assignments_read_at": self.now}
        locations.update(db, "hq", registered_at=self.wished_at, config_read_at=self.now, **read)
        db.executemany(
            "INSERT INTO assets (location, adam_id, pricing_param, product_type, total, available, "
            "retired, assigned, platforms, read_at, counted_at) "
            "VALUES ('hq', ?, 'STDQ', 'App', ?, ?, 0, ?, 'iOS', ?, ?)",
            [(a, seats, seats - used, used, self.now, self.now) for a in adam_ids],
        )
        db.execute(
            "UPDATE apps SET bundle_id = 'com.example.app' || adam_id, bundle_id_from = 'metadata'"
        )

    def _license(self, db: Connection) -> None:
        at = self.wished_at
        db.execute(
            "INSERT INTO assignments (location, adam_id, pricing_param, target, "
            "confirmed_at, confirmed_by, read_at, ours) SELECT location, adam_id, pricing_param, "
            f"target, ? + {_JITTER}, 'notification', ?, 1 FROM installs",
            (at, self.now),
        )
        db.execute(
            "INSERT INTO licences_held (location, adam_id, pricing_param, held, ours) "
            "SELECT location, adam_id, pricing_param, count(*), sum(ours) FROM assignments "
            "GROUP BY location, adam_id, pricing_param"
        )
        asked = "(i.id - 1) / 1000 + 1"
        db.execute(
            "INSERT INTO apple_requests (id, location, kind, state, apple_event_id, num_requested, "
            "created_at, submitted_at, answered_at, settled_at, settled_by) "
            f"SELECT {asked}, 'hq', 'ASSOCIATE', 'done', {_UUID}, count(*), ?, ?, ?, ?, "
            f"'notification' FROM installs i GROUP BY {asked}",
            (at, at + 1.25, at + 1.5, at + 4.75),
        )
        db.execute(
            "INSERT INTO request_pairs (request_id, location, kind, adam_id, pricing_param, "
            "target, state, ready_at, settled_at, settled_by) "
            f"SELECT {asked}, location, 'ASSOCIATE', adam_id, pricing_param, target, "
            f"'confirmed', ? + {_JITTER}, ? + {_JITTER}, 'notification' FROM installs i",
            (at, at),
        )

    def _install(self, db: Connection) -> None:
        at, settings = self.wished_at, InstallSettings(management_flags=1).as_text()
        db.execute(
            "INSERT INTO commands (command_uuid, server, device_id, install_id, request_type, "
            "state, enrolment, posts, settings, created_at, due_at, posted_at, offered_at, "
            f"answered_at, status, app_state) SELECT {_UUID}, 'main', d.id, i.id, "
            f"'InstallApplication', 'acknowledged', 1, 1, ?, ? + {_JITTER}, ? + {_JITTER}, "
            f"? + {_JITTER}, ? + {_JITTER}, ? + {_JITTER}, 'Acknowledged', 'Installing' "
            "FROM installs i JOIN devices d ON d.serial_number = i.target",
            (settings, at, at, at, at, at),
        )
        db.execute(
            "INSERT INTO app_reports (device_id, bundle_id, status, reported_at, there_at) "
            f"SELECT d.id, 'com.example.app' || i.adam_id, 'Managed', ? + {_JITTER}, "
            f"? + {_JITTER} FROM installs i JOIN devices d ON d.serial_number = i.target",
            (at, at),
        )
        db.execute(
            "UPDATE installs SET state = 'installed', reason = 'INSTALLED', dirty_at = NULL, "
            "attempts = 1, bundle_id = 'com.example.app' || adam_id, "
            f"since = ? + {_JITTER}, updated_at = ? + {_JITTER}, installed_at = ? + {_JITTER}, "
            f"next_check_at = ? + {DAY / 2} + 24 * {_JITTER}",
            (at, at, at, self.now),
        )

    def _rest(self, db: Connection) -> None:
        """Every job of the clock was done just now; new calls get new numbers."""
        meta.keep(db, "devices_read_at:main", str(self.now))
        db.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT 'outbox', max(id) FROM apple_requests"
        )


if __name__ == "__main__":
    began = time.perf_counter()
    made = Fleet(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), now=time.time())
    size = made.database.stat().st_size / 1e6
    click.echo(f"{made.config}: {size:.0f} MB, made in {time.perf_counter() - began:.1f} s")
