"""Apple's metadata: a help where it comes, and no harm where it does not."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
import requests

from bridge.domain.policy import Policy, SyncPolicy
from bridge.simulator.apple import config as apple_config
from bridge.simulator.apple.apple import AppleSettings
from bridge.simulator.faults import Fault
from bridge.store.views import fleet
from tests.flow import kit
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

HOUR, DAY = 3600.0, 86400.0
LOOKUP = "apple.lookup"
SHY = {"tells_identifier": False}


def nowhere() -> AppleSettings:
    """An Apple whose service configuration names no address at all."""
    return AppleSettings(hidden_keys={"urls"})


def asked(scene: Scene) -> int:
    return scene.world.ledger.requests[LOOKUP]


def known(scene: Scene, columns: str = "adam_id, bundle_id, bundle_id_from") -> list[Any]:
    with scene.bridge.database.read() as db:
        return [tuple(row) for row in db.execute(f"SELECT {columns} FROM apps ORDER BY adam_id")]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[requests.PreparedRequest]:
    """Every request that a scene's bridge makes, with its real address."""
    made: list[requests.PreparedRequest] = []
    send = Scene.start

    def start(scene: Scene) -> None:
        adapter = scene.apple_adapter
        deliver = adapter.send

        def note(request: requests.PreparedRequest, *rest: Any, **more: Any) -> Any:
            made.append(request)
            return deliver(request, *rest, **more)

        monkeypatch.setattr(adapter, "send", note)
        send(scene)

    monkeypatch.setattr(Scene, "start", start)
    return made


def lookups(sent: list[requests.PreparedRequest]) -> list[requests.PreparedRequest]:
    return [each for each in sent if "/wa/lookup" in str(each.url)]


def test_devices_that_never_tell_the_bundle_id_are_verified_by_it(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=2, traits=SHY)
    scene.apply()
    scene.run(scene.all_installed)
    assert scene.world.missing(scene.world.everything()) == []
    assert known(scene) == [
        (adam_id, bundle_id, "metadata")
        for adam_id, (bundle_id, _) in scene.world.catalogue.items()
    ]
    assert asked(scene) == 2, "each app once, however many devices want it"


def test_without_it_such_a_device_needs_the_file(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, traits=SHY, apple=nowhere())
    scene.apply()
    scene.run(lambda: scene.states() == {"unconfirmed BUNDLE_ID_UNKNOWN": 1})
    assert asked(scene) == 0
    why = scene.install()["explanation"]
    assert why["who_must_act"] == "the admin"
    assert why["next"] == "Set bundle_id for Pages in the file and apply it."
    scene.apply(scene.desired(named=True))
    scene.run(scene.all_installed)


def test_it_cures_installs_that_waited_for_it(make_scene: MakeScene) -> None:
    fault = Fault(LOOKUP, "gateway", times=0)
    scene = make_scene(devices=1, apps=1, traits=SHY, faults=[fault])
    scene.apply()
    scene.run(lambda: scene.states() == {"unconfirmed BUNDLE_ID_UNKNOWN": 1})
    scene.world.faults = type(scene.world.faults)()
    scene.run(scene.all_installed, limit=1.1 * HOUR)


def test_an_app_that_becomes_known_frees_others_of_the_device(make_scene: MakeScene) -> None:
    """An entry of unknown origin may be any app, until it is known to be another one's."""
    scene = make_scene(devices=1, apps=2, traits=SHY)
    pages, numbers = scene.adam_ids
    scene.world.faults.add(Fault(LOOKUP, "gateway", times=0, match=f"id={pages}"))
    scene.world.faults.add(Fault("mdm.command", "lose", match=pages))
    scene.world.faults.add(Fault(LOOKUP, "gateway", times=3, match=f"id={numbers}"))
    scene.apply()
    scene.run(lambda: scene.install(adam_id=pages)["reason"] == "BUNDLE_ID_UNKNOWN")
    scene.run(lambda: scene.install(adam_id=numbers)["state"] == "installed", limit=3 * HOUR)
    scene.run(lambda: scene.world.devices[0].installed(pages))


@pytest.mark.parametrize("what", ["gateway", "garbled", "request_lost", "reply_lost", "error"])
def test_no_failure_of_it_fails_anything(make_scene: MakeScene, what: Any) -> None:
    number = 9621 if what == "error" else 0
    fault = Fault(LOOKUP, what, times=0, number=number)
    scene = make_scene(devices=2, apps=2, faults=[fault])
    scene.apply()
    scene.run(scene.all_installed, limit=60)
    report = scene.installs()
    assert all(each["state"] == "installed" for each in report)
    assert scene.counters()["metadata.failed"] == 1
    with scene.bridge.database.read() as db:
        (suspended,) = db.execute("SELECT suspended FROM locations").fetchone()
        waiting = db.execute("SELECT * FROM outbox WHERE state = 'ready' AND error IS NOT NULL")
        assert (suspended, waiting.fetchall()) == (None, []), "no trouble of the location's"
    before = asked(scene)
    scene.pass_time(0.9 * HOUR)
    assert asked(scene) == before
    scene.pass_time(0.2 * HOUR)
    assert asked(scene) > before, "tried again after an hour"
    assert scene.counters()["metadata.failed"] == 2


def test_a_missing_service_is_asked_again_after_an_hour_only(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apple_config, "service_config", naming("http://127.0.0.1:9998/gone"))
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed, limit=60)
    assert scene.counters()["metadata.failed"] == 1
    scene.pass_time(0.9 * HOUR)
    assert scene.counters()["metadata.failed"] == 1


def due_now(scene: Scene) -> None:
    """Let only the metadata be asked for now, as if it never had been."""
    with scene.bridge.database.write() as db:
        db.execute("UPDATE apps SET metadata_at = NULL")
        db.execute("UPDATE schedule SET next_at = 1e10 WHERE name NOT LIKE 'metadata%'")
        db.execute("UPDATE schedule SET next_at = 0 WHERE name LIKE 'metadata%'")


def test_a_token_file_that_is_gone_is_no_failure_of_the_location_here(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    scene.config.locations["hq"].content_token_file.unlink()
    due_now(scene)
    scene.settle()
    assert scene.counters()["metadata.failed"] == 1
    with scene.bridge.database.read() as db:
        assert db.execute("SELECT suspended FROM locations").fetchone()[0] is None


def test_a_location_that_stopped_is_not_asked(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed)
    due_now(scene)
    with scene.bridge.database.write() as db:
        db.execute("UPDATE locations SET suspended = 'TOKEN_EXPIRED'")
    scene.settle()
    assert asked(scene) == 1
    with scene.bridge.database.write() as db:
        db.execute("UPDATE locations SET suspended = NULL")
    due_now(scene)
    scene.settle()
    assert asked(scene) == 2


def test_what_apple_does_not_know_is_asked_again_a_day_later(make_scene: MakeScene) -> None:
    rarely = SyncPolicy(service_config_every=HOUR, changes_every=DAY)
    scene = make_scene(devices=1, apps=2, policy=replace(Policy(), sync=rarely))
    pages, numbers = scene.adam_ids
    entry = scene.world.catalogue.pop(numbers)
    scene.world.faults.add(Fault("device", "silent", times=0, match="InstallApplication"))
    desired = scene.desired()
    (app,) = desired.apps
    scene.apply(replace(desired, apps=(app, replace(app, adam_id=numbers, name="Numbers"))))
    scene.settle()
    assert scene.counters()["metadata.not_found"] == 1
    assert known(scene) == [(pages, "com.example.pages", "metadata"), (numbers, None, None)]
    scene.pass_time(0.9 * DAY)
    assert asked(scene) == 2
    scene.world.catalogue[numbers] = entry
    scene.pass_time(0.2 * DAY)
    assert asked(scene) == 3
    assert known(scene)[1] == (numbers, "com.example.numbers", "metadata")


def test_what_is_known_is_asked_for_as_rarely_as_the_policy_says(make_scene: MakeScene) -> None:
    policy = replace(Policy(), sync=SyncPolicy(metadata_every=2 * HOUR))
    scene = make_scene(devices=1, apps=7, policy=policy)
    scene.apply()
    scene.run(scene.all_installed)
    assert asked(scene) == 7, "in several rows, one after the other"
    scene.pass_time(1.9 * HOUR)
    scene.restart()
    scene.settle()
    assert asked(scene) == 7
    scene.pass_time(0.2 * HOUR)
    assert asked(scene) == 14


def test_nobody_asks_for_what_nobody_wishes(make_scene: MakeScene) -> None:
    policy = replace(Policy(), sync=SyncPolicy(metadata_every=HOUR))
    scene = make_scene(devices=1, apps=2, policy=policy)
    desired = scene.desired()
    scene.apply(replace(desired, apps=desired.apps[:1]))
    scene.run(scene.all_installed)
    scene.pass_time(0.9 * HOUR)
    assert asked(scene) == 1
    scene.apply(replace(desired, apps=()))
    scene.pass_time(2 * HOUR)
    assert asked(scene) == 1


def test_a_new_wish_is_asked_for_at_once(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=2)
    desired = scene.desired()
    scene.apply(replace(desired, apps=desired.apps[:1]))
    scene.run(scene.all_installed)
    scene.pass_time(61)
    scene.apply(desired)
    scene.settle()
    assert asked(scene) == 2


def test_the_files_words_are_kept(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    desired = scene.desired()
    (app,) = desired.apps
    scene.apply(replace(desired, apps=(replace(app, name="Our Pages", bundle_id="our.pages"),)))
    scene.settle()
    assert asked(scene) == 1
    assert known(scene, "name, bundle_id") == [("Our Pages", "our.pages")]


def test_an_app_without_a_name_gets_apples(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    desired = scene.desired()
    (app,) = desired.apps
    scene.apply(replace(desired, apps=(replace(app, name=None),)))
    scene.run(scene.all_installed)
    assert known(scene, "name, name_from") == [("Pages", "metadata")]
    assert scene.install()["explanation"]["sentence"].startswith("Pages is installed")


def test_the_newest_version_is_shown_as_apple_last_told(make_scene: MakeScene) -> None:
    policy = replace(Policy(), sync=SyncPolicy(metadata_every=HOUR))
    scene = make_scene(devices=1, apps=2, policy=policy)
    pages, numbers = scene.adam_ids
    scene.apply()
    scene.run(scene.all_installed)
    assert newest(scene) == {pages: "1.0", numbers: "1.0"}
    scene.world.apple.settings.newest_versions = {pages: "14.1"}
    scene.pass_time(1.1 * HOUR)
    assert newest(scene) == {pages: "14.1", numbers: "1.0"}
    scene.world.apple.settings.newest_versions = {pages: ""}
    scene.pass_time(1.1 * HOUR)
    assert newest(scene) == {pages: "14.1", numbers: "1.0"}, "kept where Apple says none"


def test_the_newest_version_is_null_where_apple_tells_nothing(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, apple=nowhere())
    scene.apply()
    scene.run(scene.all_installed)
    assert newest(scene) == {scene.adam_ids[0]: None}


def newest(scene: Scene) -> dict[str, str | None]:
    """The newest version of each app, as a list of installs shows it."""
    with scene.bridge.database.read() as db:
        shown = fleet.installs(db).items
    return {install["adam_id"]: install["newest_version"] for install in shown}


def test_what_is_sent(make_scene: MakeScene, sent: list[requests.PreparedRequest]) -> None:
    scene = make_scene(devices=1, apps=2)
    scene.world.location.country = "DE"
    mac_only = scene.adam_ids[1]
    scene.world.location.library.assets[mac_only, "STDQ"].platforms = ("macOS",)
    scene.apply()
    scene.settle()
    first, second = lookups(sent)
    assert str(first.url) == (
        "http://127.0.0.1:9998/WebObjects/MZStorePlatform.woa/wa/lookup?version=2"
        f"&id={scene.adam_ids[0]}&p=mdm-lockup&caller=MDM&platform=enterprisestore&cc=de&l=en"
    )
    assert f"id={mac_only}" in str(second.url)
    assert "platform=macappstore" in str(second.url)
    for each in (first, second):
        assert each.headers["Cookie"] == f"itvt={scene.world.location.token}"
        assert "Authorization" not in each.headers


def naming(url: str) -> Callable[..., dict[str, object]]:
    """A service configuration that names this address for metadata."""
    real = apple_config.service_config

    def config(*arguments: Any, **more: Any) -> dict[str, object]:
        answer = real(*arguments, **more)
        urls = answer["urls"]
        assert isinstance(urls, Mapping)
        return answer | {"urls": {**urls, "contentMetadataLookup": url}}

    return config


HOSTILE = [
    "https://evil.example.org/WebObjects/MZStorePlatform.woa/wa/lookup",
    "https://uclient-api.itunes.apple.com.evil.example.org/wa/lookup",
    "https://uclient-api.itunes.apple.com@evil.example.org/wa/lookup",
    "http://uclient-api.itunes.apple.com/wa/lookup",
    "http://127.0.0.1:9997/wa/lookup",
    "https://127.0.0.1:9998/wa/lookup",
    "//evil.example.org/wa/lookup",
    "gopher://127.0.0.1:9998/wa/lookup",
    "http://[::1/wa/lookup",
    "nonsense",
]


@pytest.mark.parametrize("url", HOSTILE)
def test_the_token_goes_to_no_host_that_a_reply_names(
    make_scene: MakeScene,
    sent: list[requests.PreparedRequest],
    monkeypatch: pytest.MonkeyPatch,
    url: str,
) -> None:
    monkeypatch.setattr(apple_config, "service_config", naming(url))
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(scene.all_installed, limit=60)
    assert scene.counters()["metadata.failed"] == 1
    token = scene.world.location.token
    with_token = [each for each in sent if token in str(each.headers) + str(each.url)]
    assert with_token
    assert all(str(each.url).startswith("http://127.0.0.1:9998/mdm/v2/") for each in with_token)
    assert lookups(sent) == []


def test_apples_own_host_is_asked(
    make_scene: MakeScene, sent: list[requests.PreparedRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"https://uclient-api.itunes.apple.com{apple_config.LOOKUP_PATH}"
    monkeypatch.setattr(apple_config, "service_config", naming(url))
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.settle()
    (only,) = lookups(sent)
    assert str(only.url).startswith(url + "?")


def test_the_token_is_kept_nowhere(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, faults=[Fault(LOOKUP, "garbled")])
    scene.apply()
    scene.run(scene.all_installed)
    token = scene.world.location.token
    with scene.bridge.database.read() as db:
        dump = "\n".join(kit.dump(db))
    assert token not in dump
