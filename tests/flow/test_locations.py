"""Content tokens and their locations: several, renewed, ending, shared, held by somebody else."""

import base64
import json
import logging
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bridge.config import LocationConfig, load_config
from bridge.domain.desired.desired import AppWish, Desired, Group
from bridge.domain.views import HealthPart
from bridge.engine.calls.registering import NOTIFICATION_TYPES
from bridge.engine.client_pool import Transports
from bridge.errors import ConfigError
from bridge.simulator.apple.apple import ContentToken, Location
from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.library import Asset
from bridge.simulator.faults import Fault
from bridge.store.licences import locations
from bridge.store.licences.locations import Location as Stored
from tests.flow.cli_kit import Shell
from tests.flow.scene import PUBLIC_URL, Killed, Scene
from tests.flow.test_kills import Reaper

MakeScene = Callable[..., Scene]

MINUTE = 60.0
HOUR = 3600.0
DAY = 86400.0
BRANCH_APP = "900000001"
HOOK = f"{PUBLIC_URL}/hooks/apple/hq"
OTHER = {"id": "other-id", "name": "Other MDM", "metadata": "mdm.example.com"}


def settled(make_scene: MakeScene, **arguments: Any) -> Scene:
    """A location that is ours, with everything installed."""
    scene = make_scene(**{"devices": 1, "apps": 1} | arguments)
    scene.apply()
    scene.run(scene.all_installed)
    return scene


def stored(scene: Scene, name: str = "hq") -> Stored:
    with scene.bridge.database.read() as db:
        return locations.get(db, name)


def part(scene: Scene, name: str = "hq") -> HealthPart:
    (found,) = (each for each in scene.bridge.health() if each.name == f"location {name}")
    return found


def jump(scene: Scene, seconds: float) -> None:
    """Let time pass while the bridge sleeps, then let it do what is due."""
    scene.world.advance(seconds)
    scene.settle()


def put_token(scene: Scene, text: str, name: str = "hq") -> None:
    """Put a token into a location's file, and let the bridge see it."""
    (scene.tmp_path / f"{name}.vpptoken").write_text(text)
    jump(scene, 6)


def token_text(expires_at: float, secret: str = "abc") -> str:
    moment = datetime.fromtimestamp(expires_at, UTC).strftime("%Y-%m-%dT%H:%M:%S+0000")
    content = {"token": secret, "expDate": moment, "orgName": "Example School"}
    return base64.b64encode(json.dumps(content).encode()).decode()


def add_location(scene: Scene, name: str, token: str) -> None:
    """Put a further location into the configuration, and start the bridge with it."""
    path = scene.tmp_path / f"{name}.vpptoken"
    path.write_text(token)
    known = {**scene.config.locations, name: LocationConfig(name, path)}
    scene.config = replace(scene.config, locations=known)
    scene.restart()


def branch(scene: Scene, seats: int = 10) -> Location:
    """A second location at Apple, which owns an app that the first does not."""
    location = scene.world.apple.add_location("branch")
    asset = Asset(BRANCH_APP, total=seats, platforms=("iOS", "macOS"))
    scene.world.add_app(location, BRANCH_APP, "com.example.branch", "Branch", asset)
    return location


def desired(scene: Scene, where: dict[str, str]) -> Desired:
    """These apps (adam id to location) for every device."""
    wishes = tuple(AppWish(adam_id, ("them",), location) for adam_id, location in where.items())
    return Desired(groups=(Group("them", all=True),), apps=wishes)


def writes(scene: Scene) -> int:
    """How often Apple was asked to change anything."""
    names = ("set_client_config", "associate", "disassociate")
    return sum(scene.world.ledger.requests[f"apple.{name}"] for name in names)


def warnings(caplog: pytest.LogCaptureFixture, text: str) -> int:
    return sum(text in record.getMessage() for record in caplog.records)


# Several tokens


def test_two_locations_side_by_side(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    other = branch(scene)
    add_location(scene, "branch", other.token)
    scene.apply(desired(scene, {scene.adam_ids[0]: "hq", BRANCH_APP: "branch"}))
    scene.run(scene.all_installed)
    assert scene.world.missing(scene.world.everything()) == []
    assert scene.world.ledger.violations() == []
    for location, name in ((scene.world.location, "hq"), (other, "branch")):
        assert len(location.library.assignments) == 2
        assert location.client.notification_url == f"{PUBLIC_URL}/hooks/apple/{name}"
        assert stored(scene, name).library_uid == location.uid
    tokens = {each.client.notification_token for each in (scene.world.location, other)}
    assert len(tokens) == 2
    assert part(scene).ok and part(scene, "branch").ok


def test_one_location_in_trouble_leaves_the_other_alone(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    other = branch(scene)
    add_location(scene, "branch", other.token)
    other.tokens[-1].revoked = True
    scene.apply(desired(scene, {scene.adam_ids[0]: "hq", BRANCH_APP: "branch"}))
    scene.run(lambda: scene.install()["state"] == "installed")
    assert scene.install(adam_id=BRANCH_APP)["reason"] == "TOKEN_REVOKED"
    assert part(scene).ok and not part(scene, "branch").ok


def test_each_location_has_a_pace_of_its_own_that_outlives_its_token(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.apple.settings.limits["maxRequestPerSecond"] = 4
    add_location(scene, "branch", branch(scene).token)
    scene.apply(desired(scene, {scene.adam_ids[0]: "hq"}))
    scene.run(scene.all_installed)
    scene.world.apple.settings.enforce_rate = False  # nobody really sleeps here
    slept: list[float] = []
    pool = scene.bridge.clients(
        Transports(apple=scene.apple_adapter, sleep=slept.append, clock=lambda: 0.0)
    )
    for _ in range(2):
        pool.apple("hq").client_config()
    assert slept == [0.25], "as Apple said before this start"
    pool.apple("branch").client_config()
    assert slept == [0.25], "another location's requests do not count"
    renewed = scene.world.apple.issue_token(scene.world.location)
    (scene.tmp_path / "hq.vpptoken").write_text(renewed.text)
    pool.apple("hq").client_config()
    assert slept == [0.25, 0.5], "a new token does not begin anew"
    pool.apple("hq").set_rate(2.0)
    pool.apple("hq").client_config()
    pool.apple("hq").client_config()
    assert slept == [0.25, 0.5, 0.75, 1.25]


# The token's end


@pytest.mark.parametrize(("file_days", "apple_days"), [(31, 300), (300, 31)])
def test_the_end_of_a_token_is_said_three_times(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, file_days: int, apple_days: int
) -> None:
    scene = settled(make_scene)
    now = scene.world.now
    text = token_text(now + file_days * DAY + HOUR)
    token = ContentToken(text, now + apple_days * DAY + HOUR)
    scene.world.location.tokens.append(token)
    put_token(scene, text)
    assert stored(scene).token_expires_at == pytest.approx(now + 31 * DAY + HOUR, abs=1)
    assert part(scene).ok
    said = []
    for days in (1, 1, 14, 1, 1, 9, 1, 1):  # 30, 29, 15, 14, 13, 4, 3 and 2 days are left
        jump(scene, days * DAY)
        scene.restart()
        jump(scene, 6)
        said.append(warnings(caplog, "the content token expires in"))
    assert said == [0, 1, 1, 1, 2, 2, 2, 3]
    found = part(scene)
    assert (found.ok, found.severity) == (False, "degraded")
    assert found.detail.startswith("the content token expires in 2 days, on 2027-02-")
    assert "download a new token for the same location" in found.detail
    counters = scene.counters()
    assert [counters[f"token.warned_{days}_days"] for days in (30, 14, 3)] == [1, 1, 1]
    put_token(scene, scene.world.apple.issue_token(scene.world.location).text)
    assert part(scene).ok
    jump(scene, DAY)
    assert warnings(caplog, "the content token expires in") == 3


def test_a_token_that_ends_while_apple_is_silent(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    token = scene.world.apple.issue_token(scene.world.location, scene.world.now + HOUR)
    put_token(scene, token.text)
    assert stored(scene).suspended is None
    scene.apple_adapter.fail("refused", times=1000)
    jump(scene, 2 * HOUR)
    assert stored(scene).suspended == "TOKEN_EXPIRED"
    assert "has expired on 2027-01-15" in part(scene).detail


def test_a_good_reply_shows_that_a_date_was_wrong(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    text = token_text(scene.world.now - DAY)
    scene.world.location.tokens.append(ContentToken(text, scene.world.now + 300 * DAY))
    put_token(scene, text)
    for _ in range(10):
        jump(scene, 10)
        assert stored(scene).suspended is None
    assert not part(scene).ok, "it is said all the same"


def expire(token: ContentToken) -> None:
    token.expires_at = 0.0


def revoke(token: ContentToken) -> None:
    token.revoked = True


def forget(token: ContentToken) -> None:
    token.text += "x"


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [(expire, "TOKEN_EXPIRED"), (revoke, "TOKEN_REVOKED"), (forget, "TOKEN_INVALID")],
)
def test_a_token_that_apple_does_not_take_any_more(
    make_scene: MakeScene,
    caplog: pytest.LogCaptureFixture,
    spoil: Callable[[ContentToken], None],
    reason: str,
) -> None:
    scene = make_scene(devices=1, apps=1)
    token = scene.world.location.tokens[-1]
    good = replace(token)
    scene.apply()
    scene.run(lambda: stored(scene).registered_at is not None)
    spoil(token)
    jump(scene, 10)
    before = writes(scene)
    jump(scene, 6 * MINUTE)
    jump(scene, 6 * MINUTE)
    assert stored(scene).suspended == reason
    assert writes(scene) == before
    assert scene.states() == {f"waiting {reason}": 1}
    assert part(scene).detail.startswith(f"{reason}: ")
    assert warnings(caplog, f"nothing is written at this location: {reason}") == 1
    scene.restart()
    jump(scene, MINUTE)
    assert warnings(caplog, f"nothing is written at this location: {reason}") == 1
    token.text, token.revoked, token.expires_at = good.text, good.revoked, good.expires_at
    jump(scene, 6 * MINUTE)
    assert stored(scene).suspended is None, "a good reply proves it"
    scene.run(scene.all_installed)


def test_a_token_file_that_cannot_be_read(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    put_token(scene, "garbage")
    assert stored(scene).suspended == "TOKEN_INVALID"
    assert "hq.vpptoken" in part(scene).detail and "garbage" not in part(scene).detail
    (scene.tmp_path / "hq.vpptoken").unlink()
    jump(scene, 6)
    assert "No such file" in part(scene).detail
    put_token(scene, scene.world.location.token)
    assert stored(scene).suspended is None


def read_only(make_scene: MakeScene) -> Scene:
    """A token that may only read, found out by registering."""
    scene = make_scene(devices=1, apps=1)
    location = scene.world.location
    token = scene.world.apple.issue_token(location, read_only=True)
    put_token(scene, token.text)
    scene.apply()
    scene.settle()
    assert stored(scene).suspended == "TOKEN_READ_ONLY"
    assert scene.world.ledger.requests["apple.set_client_config"] == 1
    return scene


def test_a_read_only_token_is_not_cured_by_reading(make_scene: MakeScene) -> None:
    scene = read_only(make_scene)
    for _ in range(3):
        jump(scene, HOUR)
    assert scene.world.ledger.requests["apple.client_config"] > 5
    assert stored(scene).suspended == "TOKEN_READ_ONLY"
    assert scene.states() == {"waiting TOKEN_READ_ONLY": 1}
    scene.restart()
    jump(scene, HOUR)
    assert scene.world.ledger.requests["apple.set_client_config"] == 1
    put_token(scene, scene.world.apple.issue_token(scene.world.location).text)
    assert stored(scene).suspended is None
    scene.run(scene.all_installed)


def test_a_read_only_token_is_tried_again_after_a_day(make_scene: MakeScene) -> None:
    scene = read_only(make_scene)
    jump(scene, DAY - HOUR)
    assert scene.world.ledger.requests["apple.set_client_config"] == 1
    jump(scene, HOUR)
    jump(scene, 5 * MINUTE)
    assert scene.world.ledger.requests["apple.set_client_config"] == 2
    assert stored(scene).suspended == "TOKEN_READ_ONLY"
    scene.world.location.tokens[-1].read_only = False
    jump(scene, DAY + HOUR)
    scene.run(scene.all_installed)


# A token is renewed


def test_a_renewed_token_is_used_within_seconds(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    old = scene.world.location.tokens[-1]
    renewed = scene.world.apple.issue_token(scene.world.location)
    old.revoked = True
    put_token(scene, renewed.text)
    assert stored(scene).token_digest is not None
    assert stored(scene).suspended is None
    assert stored(scene).config_read_at == scene.world.now


def test_a_token_of_another_library_is_refused(make_scene: MakeScene) -> None:
    scene = settled(make_scene, devices=2, seats=5)
    other = branch(scene)
    before = (stored(scene), dict(other.library.assignments), writes(scene))
    put_token(scene, other.token)
    assert stored(scene).suspended == "TOKEN_OTHER_LIBRARY"
    assert other.uid in part(scene).detail and "same location as before" in part(scene).detail
    scene.world.new_device("LATE1").enrol()
    jump(scene, 2 * DAY)
    assert scene.install("LATE1")["reason"] == "TOKEN_OTHER_LIBRARY"
    with scene.bridge.database.read() as db:
        owned = [row[0] for row in db.execute("SELECT adam_id FROM assets")]
    assert owned == scene.adam_ids[:1], "the other library's app is not among them"
    now = stored(scene)
    for name in ("library_uid", "location_name", "token_digest", "assets_read_at", "mdm_id"):
        assert getattr(now, name) == getattr(before[0], name), name
    assert (dict(other.library.assignments), writes(scene)) == before[1:]
    put_token(scene, scene.world.location.token)
    assert stored(scene).suspended is None
    scene.run(scene.all_installed)


def test_a_token_of_another_library_that_comes_just_before_a_write(
    make_scene: MakeScene,
) -> None:
    scene = make_scene(devices=1, apps=1)
    other = branch(scene)
    scene.apply(desired(scene, {scene.adam_ids[0]: "hq"}))
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    (scene.tmp_path / "hq.vpptoken").write_text(other.token)
    scene.world.advance(4)
    scene.settle()
    assert stored(scene).suspended == "TOKEN_OTHER_LIBRARY"
    assert scene.world.ledger.requests["apple.associate"] == 0
    put_token(scene, scene.world.location.token)
    scene.run(scene.all_installed)


def test_a_location_that_was_never_used_may_get_another_library(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    other = branch(scene)
    jump(scene, 1)
    assert stored(scene).library_uid == scene.world.location.uid
    put_token(scene, other.token)
    assert stored(scene).library_uid == other.uid
    assert stored(scene).suspended is None
    scene.apply(desired(scene, {BRANCH_APP: "hq"}))
    scene.run(scene.all_installed)
    assert len(other.library.assignments) == 1


# Two locations with one library


def test_the_second_location_with_a_library_does_not_write(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(devices=1, apps=2)
    location = scene.world.location
    add_location(scene, "twin", scene.world.apple.issue_token(location).text)
    first, second = scene.adam_ids
    scene.apply(desired(scene, {first: "hq", second: "twin"}))
    scene.run(lambda: scene.install(adam_id=first)["state"] == "installed")
    assert scene.install(adam_id=second)["reason"] == "SHARED_LIBRARY"
    assert part(scene).ok
    assert part(scene, "twin").detail.startswith("SHARED_LIBRARY: hq comes before it")
    assert warnings(caplog, "SHARED_LIBRARY") == 1
    assert location.client.notification_url == HOOK
    jump(scene, DAY)
    assert location.client.notification_url == HOOK
    assert scene.install(adam_id=second)["state"] == "waiting"
    only_twin = {"twin": scene.config.locations["twin"]}
    scene.config = replace(scene.config, locations=only_twin)
    scene.restart()
    scene.run(lambda: scene.install(adam_id=second)["state"] == "installed")


def test_a_shared_library_ends_when_the_token_is_another_one(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    other = branch(scene)
    twin = scene.world.apple.issue_token(scene.world.location).text
    add_location(scene, "branch", twin)
    scene.apply(desired(scene, {scene.adam_ids[0]: "hq", BRANCH_APP: "branch"}))
    jump(scene, 10)
    assert stored(scene, "branch").suspended == "SHARED_LIBRARY"
    put_token(scene, other.token, "branch")
    assert stored(scene, "branch").suspended is None
    scene.run(scene.all_installed)
    assert len(other.library.assignments) == 1


def test_one_token_in_two_files_is_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "database: b\n"
        "locations:\n"
        "  a: {content_token_file: a.vpptoken}\n"
        "  b:\n"
        "    content_token_file: b.vpptoken\n"
        "  c: {content_token_file: c.vpptoken}\n"
    )
    (tmp_path / "a.vpptoken").write_text("dG9r\nZW4=\n")
    (tmp_path / "b.vpptoken").write_text("dG9rZW4=")
    (tmp_path / "c.vpptoken").write_text("another")
    with pytest.raises(ConfigError) as caught:
        load_config(path, {})
    assert caught.value.mistakes == (
        f"{path}:5: locations.b.content_token_file: the same content token as locations.a; "
        "put each location's own in its file",
    )
    (tmp_path / "b.vpptoken").write_text("")
    (tmp_path / "c.vpptoken").write_text("")
    assert set(load_config(path, {}).locations) == {"a", "b", "c"}


# Another MDM


def take_over(scene: Scene, **changes: Any) -> None:
    """Another MDM makes the location its own."""
    client = scene.world.location.client
    scene.world.location.client = replace(client, mdm_info=dict(OTHER), **changes)


READS = {
    "assets": lambda scene: scene.world.advance(HOUR),
    "assignments": lambda scene: scene.world.advance(DAY),
    "client/config": lambda scene: scene.world.advance(HOUR),
}


@pytest.mark.parametrize("read", READS)
def test_another_mdm_in_any_reply_stops_all_writes(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture, read: str
) -> None:
    scene = settled(make_scene, devices=2)
    with scene.bridge.database.write() as db:
        kind = {"assets": "assets", "assignments": "assignments", "client/config": "config"}[read]
        db.execute("UPDATE schedule SET next_at = ?", (scene.world.now + 30 * DAY,))
        db.execute(
            "UPDATE schedule SET next_at = ? WHERE name = ?", (scene.world.now, f"{kind}:hq")
        )
    take_over(scene)
    scene.world.new_device("LATE1").enrol()
    before = writes(scene)
    jump(scene, 1)
    assert stored(scene).suspended == "FOREIGN_MDM"
    jump(scene, 10)
    assert writes(scene) == before
    assert scene.install("LATE1")["reason"] == "FOREIGN_MDM"
    found = part(scene)
    assert (found.ok, found.severity) == (False, "degraded")
    assert found.detail.startswith("FOREIGN_MDM: Apple names Other MDM; ")
    assert "vpp-bridge claim" in found.detail
    scene.restart()
    reads = scene.world.ledger.requests.copy()
    jump(scene, 2 * DAY)
    jump(scene, HOUR)
    assert scene.world.ledger.requests["apple.assets"] > reads["apple.assets"]
    assert scene.world.ledger.requests["apple.assignments"] > reads["apple.assignments"]
    assert writes(scene) == before
    assert warnings(caplog, "nothing is written at this location: FOREIGN_MDM") == 1


def test_another_mdm_is_seen_in_the_reply_to_an_associate(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apply()
    scene.run(lambda: "associating ASSOCIATE_COLLECTING" in scene.states())
    with scene.bridge.database.write() as db:
        db.execute("UPDATE schedule SET next_at = ?", (scene.world.now + 30 * DAY,))
    take_over(scene)
    scene.run(lambda: scene.world.ledger.requests["apple.associate"] == 1)
    scene.settle()
    assert stored(scene).suspended == "FOREIGN_MDM"


@pytest.mark.parametrize("client", [ClientConfig(), None])
def test_when_the_other_mdm_is_gone_everything_is_read_again(
    make_scene: MakeScene, client: ClientConfig | None
) -> None:
    scene = settled(make_scene)
    ours = scene.world.location.client
    take_over(scene)
    jump(scene, HOUR)
    assert stored(scene).suspended == "FOREIGN_MDM"
    reads = scene.world.ledger.requests.copy()
    scene.world.location.client = client or ours
    jump(scene, 6 * MINUTE)
    assert stored(scene).suspended is None
    scene.settle()
    assert scene.world.ledger.requests["apple.assets"] > reads["apple.assets"]
    assert scene.world.ledger.requests["apple.assignments"] > reads["apple.assignments"]
    info = scene.world.location.client.mdm_info
    assert info is not None and info["name"] == "micromdm-vpp-bridge"


def test_a_location_of_another_mdm_is_not_registered(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.location.client = ClientConfig(dict(OTHER))
    scene.apply()
    jump(scene, 2 * DAY)
    assert writes(scene) == 0
    assert scene.states() == {"waiting FOREIGN_MDM": 1}


def test_another_mdm_that_comes_between_reading_and_registering(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.apple_adapter.fail("refused", times=3, call="POST /mdm/v2/client/config")
    scene.apply()
    scene.settle()
    scene.world.location.client = ClientConfig(dict(OTHER))
    with scene.bridge.database.write() as db:
        db.execute("UPDATE schedule SET next_at = ?", (scene.world.now + 30 * DAY,))
    jump(scene, MINUTE)
    assert writes(scene) == 0
    assert stored(scene).suspended == "FOREIGN_MDM"


def test_a_notification_url_of_others_without_a_name(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.location.client = ClientConfig(None, "https://other.example.com/n", "t", ())
    scene.apply()
    jump(scene, HOUR)
    assert writes(scene) == 0
    assert "its notifications go to https://other.example.com/n" in part(scene).detail


# What Apple was told is kept


def change_url(client: ClientConfig) -> ClientConfig:
    return replace(client, notification_url="https://elsewhere.example.com/n")


def change_types(client: ClientConfig) -> ClientConfig:
    return replace(client, notification_types=("ASSET_COUNT",))


def change_token(client: ClientConfig) -> ClientConfig:
    return replace(client, notification_token="somebody's")


def leave_out_mdm(client: ClientConfig) -> ClientConfig:
    return replace(client, mdm_info=None)


@pytest.mark.parametrize("change", [change_url, change_types, change_token, leave_out_mdm])
def test_what_somebody_changed_is_set_again(
    make_scene: MakeScene, change: Callable[[ClientConfig], ClientConfig]
) -> None:
    scene = settled(make_scene)
    before = scene.world.location.client
    scene.world.location.client = change(before)
    jump(scene, HOUR)
    after = scene.world.location.client
    assert (after.mdm_info, after.notification_url) == (before.mdm_info, HOOK)
    assert after.notification_types == NOTIFICATION_TYPES
    assert scene.bridge.notification_token_ok("hq", after.notification_token)
    assert after.notification_token != "somebody's"
    assert scene.counters()["apple.config_changed"] == 1
    jump(scene, HOUR)
    assert scene.counters()["apple.config_changed"] == 1
    assert stored(scene).suspended is None


def test_what_is_as_we_told_it_is_left_alone(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    before = writes(scene)
    for _ in range(5):
        jump(scene, HOUR)
    assert writes(scene) == before
    assert "apple.config_changed" not in scene.counters()


def notified(scene: Scene, token: str) -> int:
    """What a notification with this token is answered."""
    body = {
        "notificationId": "6f8d1c0e",
        "notificationType": "TEST_NOTIFICATION",
        "uId": scene.world.location.uid,
        "notification": {},
    }
    headers = {"Authorization": f"Bearer {token}"}
    return scene.client.post("/hooks/apple/hq", json=body, headers=headers).status_code


def test_the_token_of_notifications_is_renewed(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    old = scene.world.location.client.notification_token
    jump(scene, 30 * DAY - HOUR)
    assert scene.world.location.client.notification_token == old
    jump(scene, 2 * HOUR)
    new = scene.world.location.client.notification_token
    assert new != old
    assert (notified(scene, new), notified(scene, old)) == (200, 200)
    jump(scene, 9 * MINUTE)
    assert (notified(scene, new), notified(scene, old)) == (200, 200), "a late repetition counts"
    jump(scene, 2 * MINUTE)
    assert (notified(scene, new), notified(scene, old)) == (200, 401)
    assert "apple.config_changed" not in scene.counters()
    with scene.bridge.database.read() as db:
        row = str(tuple(db.execute("SELECT * FROM locations").fetchone()))
    assert old not in row and new not in row


def renewing(make_scene: MakeScene) -> tuple[Scene, str]:
    """A scene in which a new token is due now, and the old token."""
    scene = settled(make_scene)
    scene.world.advance(30 * DAY + HOUR)
    return scene, scene.world.location.client.notification_token


@pytest.mark.parametrize("after", [False, True], ids=["unsent", "answered"])
def test_killed_while_apple_takes_a_new_token(make_scene: MakeScene, after: bool) -> None:
    scene, old = renewing(make_scene)
    reaper = Reaper(scene, 1000, after=after)
    strike = reaper._strike

    def only_at_registering(request: Any) -> None:
        if (request.method, request.path_url) == ("POST", "/mdm/v2/client/config"):
            reaper.left = 1
        strike(request)

    reaper._strike = only_at_registering  # type: ignore[method-assign]
    with pytest.raises(Killed):
        scene.settle()
    reaper._strike = lambda request: None  # type: ignore[method-assign]
    held = scene.world.location.client.notification_token
    assert (held != old) == after
    scene.restart()
    assert (notified(scene, held), notified(scene, old)) == (200, 200)
    posts = scene.world.ledger.requests["apple.set_client_config"]
    scene.settle()
    assert scene.world.ledger.requests["apple.set_client_config"] == posts + (not after)
    now = scene.world.location.client.notification_token
    assert now == held if after else now not in (held, old)
    assert (notified(scene, now), notified(scene, old)) == (200, 200)
    jump(scene, 11 * MINUTE)
    assert (notified(scene, now), notified(scene, old)) == (200, 401)
    assert "apple.config_changed" not in scene.counters()


def test_a_lost_reply_to_a_new_token_locks_nobody_out(make_scene: MakeScene) -> None:
    scene, _ = renewing(make_scene)
    send, seen = scene.apple_adapter.send, []

    def lose(request: Any, **arguments: Any) -> Any:
        reply = send(request, **arguments)
        if (request.method, request.path_url) == ("POST", "/mdm/v2/client/config"):
            seen.append(scene.world.location.client.notification_token)
            if len(seen) == 1:
                raise ConnectionResetError
        return reply

    scene.apple_adapter.send = lose  # type: ignore[method-assign]
    scene.settle()
    assert notified(scene, seen[0]) == 200
    jump(scene, MINUTE)
    assert scene.world.location.client.notification_token == seen[0], "it was not told twice"
    assert notified(scene, seen[0]) == 200


def test_a_lost_reply_to_the_first_registration(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.world.faults.add(Fault("apple.set_client_config", "reply_lost"))
    scene.apply()
    scene.run(scene.all_installed)
    assert scene.world.ledger.requests["apple.set_client_config"] == 1
    assert stored(scene).told_url == HOOK
    assert scene.bridge.notification_token_ok("hq", scene.world.location.client.notification_token)


def test_lost_replies_without_an_echo_of_the_token(make_scene: MakeScene) -> None:
    """Should Apple not show the token, every one that it may hold counts."""
    scene, old = renewing(make_scene)
    fault = Fault("apple.set_client_config", "reply_lost", times=2)
    scene.world.faults.add(fault)
    as_json = ClientConfig.as_json
    told: list[str] = [old]

    def hide(self: ClientConfig) -> dict[str, object]:
        return {k: v for k, v in as_json(self).items() if k != "notificationAuthToken"}

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientConfig, "as_json", hide)
        for _ in range(12):
            jump(scene, 10)
            told.append(scene.world.location.client.notification_token)
            assert {notified(scene, token) for token in told} == {200}
    assert len(set(told)) == 4, "the old one, two whose answers were lost, and the last"
    jump(scene, 11 * MINUTE)
    assert [notified(scene, token) for token in dict.fromkeys(told)] == [401, 401, 401, 200]


# A notification URL that Apple does not take


def test_a_url_that_apple_cannot_reach_is_said_and_tried_again(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.reachable = False
    scene.apply(scene.wanted_for(scene.serials))
    jump(scene, 20)
    said = (
        f"Apple cannot reach {HOOK}: check its certificate and that 17.0.0.0/8 gets through"
        " (error 9728)"
    )
    assert stored(scene).url_refused == said
    assert (part(scene).ok, part(scene).detail) == (False, said)
    client = scene.world.location.client
    assert client.mdm_info is not None and client.notification_url == ""
    assert stored(scene).suspended is None
    for _ in range(3):
        jump(scene, 5 * MINUTE)
    assert warnings(caplog, said) == 1
    assert scene.counters()["apple.url_refused"] >= 3
    scene.reachable = True
    jump(scene, 6 * MINUTE)
    assert scene.world.location.client.notification_url == HOOK
    assert stored(scene).url_refused is None
    assert part(scene).ok
    scene.run(scene.all_installed)


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (9720, f"Apple cannot reach {HOOK}: check its certificate"),
        (9710, f"Apple does not take {HOOK}: notification URL and token belong together"),
        (9711, f"Apple does not take {HOOK}: the notification URL or token is too long"),
        (9712, f"Apple does not take {HOOK}: the notification URL is not valid https"),
    ],
)
def test_other_words_for_a_url_that_apple_does_not_take(
    make_scene: MakeScene, number: int, said: str
) -> None:
    fault = Fault("apple.set_client_config", "error", number=number)
    scene = make_scene(devices=1, apps=1, faults=[fault])
    scene.apply()
    scene.settle()
    assert (stored(scene).url_refused or "").startswith(said)
    assert scene.world.location.client.mdm_info is not None
    scene.run(scene.all_installed)
    jump(scene, 6 * MINUTE)
    assert scene.world.location.client.notification_url == HOOK


def test_a_new_public_url_is_told(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    scene.config = replace(scene.config, public_url="https://new.example.org")
    scene.restart()
    scene.settle()
    client = scene.world.location.client
    assert client.notification_url == "https://new.example.org/hooks/apple/hq"
    assert "apple.config_changed" not in scene.counters()


def test_a_new_url_that_apple_cannot_reach_leaves_the_old_one(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    before = writes(scene)
    scene.config = replace(scene.config, public_url="https://new.example.org")
    scene.restart()
    scene.reachable = False
    scene.settle()
    assert scene.world.location.client.notification_url == HOOK
    assert "https://new.example.org" in part(scene).detail
    assert writes(scene) == before + 1, "who we are was known before"
    assert notified(scene, scene.world.location.client.notification_token) == 200


def test_a_renewal_at_a_bad_time_leaves_the_old_token(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    scene, old = renewing(make_scene)
    scene.reachable = False
    scene.settle()
    for _ in range(60):
        jump(scene, 5 * MINUTE)
        assert f"Apple cannot reach {HOOK}" in part(scene).detail
    assert warnings(caplog, f"Apple cannot reach {HOOK}") == 1
    assert scene.world.location.client.notification_token == old
    assert stored(scene).notification_tokens_new is None, "what Apple refused, it does not hold"
    scene.reachable = True
    assert notified(scene, old) == 200
    jump(scene, HOUR)
    assert scene.world.location.client.notification_token != old
    assert part(scene).ok


def test_without_a_public_url_results_are_asked_for(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, public_url=None)
    scene.apply()
    scene.run(scene.all_installed)
    client = scene.world.location.client
    assert client.mdm_info is not None and client.notification_url == ""
    before = writes(scene)
    jump(scene, 31 * DAY)
    assert writes(scene) == before
    assert part(scene).ok


def test_a_public_url_that_is_taken_away_is_left_at_apple(make_scene: MakeScene) -> None:
    scene = settled(make_scene)
    before = writes(scene)
    scene.config = replace(scene.config, public_url=None)
    scene.restart()
    for _ in range(3):
        jump(scene, HOUR)
    assert scene.world.location.client.notification_url == HOOK
    assert writes(scene) == before
    assert part(scene).ok
    assert notified(scene, scene.world.location.client.notification_token) == 200


def test_a_long_url_does_not_make_the_mdm_info_too_long(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1, public_url="https://bridge.example.org/" + "x" * 300)
    scene.apply()
    scene.run(scene.all_installed)
    info = scene.world.location.client.mdm_info
    assert info is not None and len(info["metadata"]) == 255


def test_a_stop_is_not_logged_again_by_the_reasons_behind_it(
    make_scene: MakeScene, caplog: pytest.LogCaptureFixture
) -> None:
    """Two stops at once: the token's is said first, the other when that is over."""
    scene = settled(make_scene)
    take_over(scene)
    jump(scene, HOUR)
    token = scene.world.location.tokens[-1]
    token.revoked = True
    jump(scene, 6 * MINUTE)
    assert stored(scene).suspended == "TOKEN_REVOKED"
    token.revoked = False
    jump(scene, 6 * MINUTE)
    assert stored(scene).suspended == "FOREIGN_MDM"
    levels = [r.levelno for r in caplog.records if "nothing is written" in r.getMessage()]
    assert levels == [logging.WARNING] * 3


# What doctor says of it


def doctor(shell: Shell, code: int) -> list[tuple[str, str, str]]:
    found = shell.json("doctor", code=code)["findings"]
    return [(each["part"], each["level"], each["text"]) for each in found]


def test_doctor_on_a_shared_library(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    scene = shell.scene
    twin = scene.world.apple.issue_token(scene.world.location)
    (scene.tmp_path / "twin.vpptoken").write_text(twin.text)
    text = shell.config.read_text().replace(
        "  hq: {content_token_file: hq.vpptoken}",
        "  hq: {content_token_file: hq.vpptoken}\n  twin: {content_token_file: twin.vpptoken}",
    )
    shell.write(text.replace('"groups": ["them"]', '"location": "hq", "groups": ["them"]'))
    said = "its library is that of hq, so nothing is written there"
    assert ("Apple twin", "fail", said) in doctor(shell, 1)


def test_doctor_on_a_url_that_apple_cannot_reach(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    shell.scene.reachable = False
    shell.run("apply", "--yes")
    shell.scene.settle()
    (found,) = (f for f in doctor(shell, 1) if f[0] == "Apple hq" and f[1] == "warn")
    assert found[2].startswith(f"Apple cannot reach {HOOK}: check its certificate")


def test_doctor_on_a_url_that_is_left_at_apple(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    shell.run("apply", "--yes")
    shell.scene.run(shell.scene.all_installed)
    shell.write(shell.config.read_text().replace(f"public_url: {PUBLIC_URL}\n", ""))
    said = [text for name, level, text in doctor(shell, 1) if (name, level) == ("Apple hq", "ok")]
    assert any(text.startswith(f"notifications still go to {HOOK}") for text in said)
