"""What is measured: right, for ever, quick to ask for, and without anybody's name in it."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from bridge.app.metrics import COUNT_EVERY
from bridge.config import ApiConfig
from bridge.domain.metrics import METRICS
from bridge.simulator.faults import Fault
from bridge.web import create_app
from tests.flow.scene import API_KEY, DAY, WEBHOOK_KEY, Scene, rarely

MakeScene = Callable[..., Scene]
Samples = Mapping[tuple[str, frozenset[tuple[str, str]]], float]

DOCS = Path(__file__).parents[2] / "docs"
GROWING = ("_total", "_bucket", "_count", "_sum")


def scrape(scene: Scene) -> str:
    answer = scene.client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain; version=")
    return answer.get_data(as_text=True)


def samples(text: str) -> Samples:
    """Every sample by its name and labels, as Prometheus reads them."""
    return {
        (each.name, frozenset(each.labels.items())): each.value
        for family in text_string_to_metric_families(text)
        for each in family.samples
    }


def of(found: Samples, metric: str, /, **labels: str) -> float:
    """The sum of the samples of this name that have these labels."""
    return sum(
        value
        for (sample, has), value in found.items()
        if sample == metric and labels.items() <= set(has)
    )


def fresh(scene: Scene) -> Samples:
    """What is measured now, whenever it was counted last."""
    scene.world.kernel.advance(scene.world.now + COUNT_EVERY + 1)
    return samples(scrape(scene))


@pytest.fixture
def busy(make_scene: MakeScene) -> Scene:
    """Ten devices have two apps each, after some mishaps."""
    faults = [Fault("apple.associate", "error", number=9646), Fault("mdm.command", "lose")]
    scene = make_scene(devices=10, apps=2, seats=9, faults=faults)
    scene.apply()
    scene.run(lambda: scene.states().get("installed INSTALLED") == 18)
    return scene


def test_all_that_is_described_is_there_and_as_described(busy: Scene) -> None:
    families = {each.name: each for each in text_string_to_metric_families(scrape(busy))}
    assert list(families) == [metric.name for metric in METRICS]
    for metric in METRICS:
        family = families[metric.name]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), sample
            assert sample.name.startswith(metric.sample)


def test_the_numbers_are_those_of_status_and_lists(busy: Scene) -> None:
    found = fresh(busy)
    app = busy.adam_ids[0]
    assert of(found, "bridge_installs") == 20
    assert of(found, "bridge_installs", state="installed", app=app, location="hq") == 9
    assert of(found, "bridge_installs", reason="NO_SEAT", state="waiting") == 2
    assert of(found, "bridge_app_info", app=app, name=busy.world.catalogue[app][1]) == 1
    kinds = ("total", "available", "held", "held_by_us")
    assert [of(found, "bridge_licenses", app=app, kind=kind) for kind in kinds][::2] == [9, 9]
    events = busy.bridge.list_events(limit=1000).items
    for source, place in (("mdm", {"server": "main"}), ("apple", {"location": "hq"})):
        stored = [each for each in events if each["source"] == source]
        assert of(found, "bridge_events_total", **place) == len(stored)
    with busy.bridge.database.read() as db:
        done = db.execute("SELECT kind, count(*) FROM outbox WHERE state = 'done' GROUP BY kind")
        for kind, number in done.fetchall():
            assert of(found, "bridge_calls_total", kind=kind, result="done") == number
            assert of(found, "bridge_call_seconds_count", kind=kind) == number
        confirmed = db.execute(
            "SELECT count(*) FROM request_pairs WHERE state = 'confirmed'"
        ).fetchone()[0]
    assert of(found, "bridge_calls_total", kind="associate", result="again") == 1
    assert of(found, "bridge_confirmation_seconds_count") == confirmed == 18
    assert of(found, "bridge_confirmation_seconds_bucket", le="+Inf") == 18
    assert 0 < of(found, "bridge_confirmation_seconds_sum") < 18 * 3600
    assert of(found, "bridge_token_expires_seconds", location="hq") > 300 * DAY
    assert 0 < of(found, "bridge_last_webhook_seconds", server="main") < 3600
    assert 0 < of(found, "bridge_last_notification_seconds", location="hq") < 3600
    assert of(found, "bridge_lag_seconds", server="main") == 0


def test_what_waits_is_told_with_the_age_of_the_oldest(make_scene: MakeScene) -> None:
    away = Fault("apple.assets", "gateway", status=503, times=0)
    scene = make_scene(devices=1, apps=1, faults=[away])
    scene.apply()
    scene.pass_time(1800)
    found = fresh(scene)
    assert of(found, "bridge_outbox_rows", location="hq", kind="read_assets", state="ready") == 1
    assert 1500 < of(found, "bridge_outbox_oldest_seconds", location="hq") < 2000
    assert of(found, "bridge_outbox_oldest_seconds", server="main") == 0
    assert of(found, "bridge_calls_total", kind="read_assets", result="again") > 2


def test_what_is_refused_is_counted(busy: Scene) -> None:
    busy.client.post("/hooks/mdm/main", data=b"{}", headers={"Authorization": "Basic eDp5"})
    busy.client.post("/hooks/apple/hq", data=b"{}", headers={"Authorization": "Bearer wrong"})
    busy.bridge.refusals.flush()
    found = fresh(busy)
    assert of(found, "bridge_hooks_refused_total", kind="mdm", result="401") == 1
    assert of(found, "bridge_hooks_refused_total", kind="apple", result="401") == 1


def test_the_numbers_are_fifteen_seconds_old_at_most(busy: Scene) -> None:
    before = fresh(busy)
    assert of(before, "bridge_snapshot_age_seconds") == 0
    busy.world.location.library.assets[busy.adam_ids[0], "STDQ"].total += 1
    busy.world.kernel.advance(busy.world.now + COUNT_EVERY - 1)
    same = samples(scrape(busy))
    assert of(same, "bridge_snapshot_age_seconds") == COUNT_EVERY - 1
    ages = "bridge_last_webhook_seconds"
    assert of(same, ages) == of(before, ages) + COUNT_EVERY - 1, "times go on meanwhile"
    busy.world.kernel.advance(busy.world.now + 1)
    assert of(samples(scrape(busy)), "bridge_snapshot_age_seconds") == 0


def test_whether_the_engine_lives(busy: Scene) -> None:
    assert of(samples(scrape(busy)), "bridge_engine_up") == 0
    busy.bridge.engine_lock.acquire(1.0)
    busy.bridge.engine_lock.beat()
    assert of(samples(scrape(busy)), "bridge_engine_up") == 1
    busy.bridge.engine_lock.release()


def test_nothing_of_it_goes_back_in_a_year_with_retention(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    before, kept = fresh(scene), list[int]()
    for week in range(53):
        if week % 10 == 5:
            scene.world.devices[0].enrol()
        if week == 20:
            scene.restart()
        scene.pass_time(7 * DAY)
        now = fresh(scene)
        for key, value in before.items():
            if key[0].endswith(GROWING):
                assert now.get(key, -1.0) >= value, key
        before = now
        with scene.bridge.database.read() as db:
            kept.append(db.execute("SELECT count(*) FROM events").fetchone()[0])
    assert kept[-1] < of(before, "bridge_events_total") / 3, "the messages themselves are forgotten"


def test_a_call_that_did_not_begin_and_a_replay_count_nothing(busy: Scene) -> None:
    before = fresh(busy)
    (event,) = busy.bridge.list_events(source="apple", limit=1).items
    assert busy.bridge.replay_event(event["id"])
    busy.bridge.pause("location", "hq")
    busy.world.apple.buy(busy.world.location, busy.adam_ids[0], 5)
    busy.pass_time(5)
    busy.settle()
    assert of(fresh(busy), "bridge_events_total") == of(before, "bridge_events_total") + 1


# Who may ask


def basic(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"bridge:{key}".encode()).decode()}


def test_everybody_may_ask_unless_the_file_says_otherwise(busy: Scene) -> None:
    assert busy.client.get("/metrics").status_code == 200
    assert busy.client.post("/metrics").status_code == 405
    api = ApiConfig(API_KEY, "read-secret", open_metrics=False)
    busy.bridge.config = replace(busy.bridge.config, api=api)
    client = create_app(busy.bridge).test_client()
    for path in ("/metrics", "/metrics/", "/version"):
        answer = client.get(path)
        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"].startswith("Basic")
        assert client.get(path, headers=basic("wrong")).status_code == 401
        for key in (API_KEY, "read-secret"):
            assert client.get(path, headers=basic(key)).status_code == 200
        assert client.post(path, headers=basic("read-secret")).status_code == 403
    assert client.get("/healthz").status_code in (200, 503), "probes stay open"


def test_no_serial_number_no_user_and_no_secret_is_in_it(busy: Scene) -> None:
    location = busy.world.location
    busy.world.mdm.webhook.url = busy.world.mdm.webhook.url.replace(WEBHOOK_KEY, "planted-key")
    busy.world.devices[0].enrol()
    location.subscriptions.buy(12345, 2)
    location.subscriptions.associate(12345, "planted-user")
    busy.pass_time(600)
    text = scrape(busy)
    secrets = [
        *(API_KEY, WEBHOOK_KEY, "planted-key", "planted-user", busy.world.mdm.settings.api_key),
        *(location.token, location.token[:40], location.client.notification_token),
        *(each for device in busy.world.devices for each in (device.serial_number, device.udid)),
    ]
    assert [secret for secret in secrets if secret in text] == []


def test_a_database_that_cannot_be_read_is_no_numbers(busy: Scene) -> None:
    busy.bridge.close()
    answer = busy.client.get("/metrics")
    assert (answer.status_code, answer.mimetype) == (503, "application/json")
    busy.bridge.open()


# The dashboard and the rules


def named(text: str) -> set[str]:
    return set(re.findall(r"\bbridge_[a-z_]+\b", text))


def known() -> set[str]:
    """The names of all samples."""
    return {
        name
        for metric in METRICS
        for name in (
            [f"{metric.name}{end}" for end in ("_bucket", "_sum", "_count")]
            if metric.kind == "histogram"
            else [metric.sample]
        )
    }


def expressions() -> list[str]:
    dashboard = json.loads((DOCS / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((DOCS / "prometheus-rules.yaml").read_text())
    return [
        *(target["expr"] for panel in dashboard["panels"] for target in panel["targets"]),
        *(rule["expr"] for group in rules["groups"] for rule in group["rules"]),
    ]


def test_dashboard_and_rules_name_only_what_there_is() -> None:
    used = set().union(*map(named, expressions()))
    assert used <= known()
    left_out = {metric.name for metric in METRICS if not any(metric.name in e for e in used)}
    assert left_out == set(), "a metric that nobody looks at"


def test_dashboard_and_rules_ask_only_for_labels_that_there_are() -> None:
    by_name = {metric.name: {*metric.labels, "le"} for metric in METRICS}
    for expression in expressions():
        labels = set().union(*(by_name[n] for n in by_name if n in expression), {"job"})
        chosen = re.findall(r"(\w+)\s*(?:=~|!=|=(?!=)|!~)\s*\"", expression)
        grouped = re.findall(r"(?:by|on|group_left) \(([^)]*)\)", expression)
        asked = {*chosen, *(each.strip() for some in grouped for each in some.split(","))}
        assert asked <= labels, expression


def test_every_rule_says_what_is_wrong_and_what_to_do() -> None:
    rules = yaml.safe_load((DOCS / "prometheus-rules.yaml").read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            assert set(rule["annotations"]) == {"summary", "action"}
            assert set(rule["labels"]) == {"severity"}
