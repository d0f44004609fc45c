"""`claim`: a location is taken over from another MDM, once, and only on its name."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from bridge.engine.calls import claim as claiming
from bridge.engine.licences.foreign_mdm import ForeignMdm
from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.library import SERIAL, Pair, Target
from bridge.simulator.faults import Fault
from bridge.store.database import EngineLock
from bridge.store.licences import locations
from bridge.store.outbox import full_reads
from tests.flow.cli_kit import Shell
from tests.flow.scene import PUBLIC_URL, Scene

HOOK = f"{PUBLIC_URL}/hooks/apple/hq"
THEIRS = "https://other.example.com/notify"
OTHER = {"id": "other-id", "name": "Other MDM", "metadata": "mdm.example.com"}
NAMED = ClientConfig(dict(OTHER), THEIRS, "their-token", ("ASSET_MANAGEMENT",))
NAMELESS = ClientConfig(None, THEIRS, "their-token", ("ASSET_MANAGEMENT",))
HOUR = 3600.0


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    """A bridge whose wishes wait for a location that another MDM holds; no engine runs."""
    shell = Shell(make_scene(devices=2, apps=1))
    shell.scene.world.location.client = NAMED
    shell.run("apply", "--yes")
    shell.scene.settle()
    return shell


@pytest.fixture
def engine_lock(shell: Shell) -> Iterator[EngineLock]:
    """Held, as by an engine in another process; `Shell.paused` lets that engine work."""
    lock = shell.scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    yield lock
    lock.release()


def posts(shell: Shell) -> int:
    return shell.scene.world.ledger.requests["apple.set_client_config"]


def holder(shell: Shell) -> str:
    info = shell.scene.world.location.client.mdm_info
    return info["name"] if info else ""


def suspended(shell: Shell) -> str | None:
    with shell.scene.bridge.database.read() as db:
        return locations.get(db, "hq").suspended


def test_it_shows_who_holds_it_and_takes_it_over_on_the_name(shell: Shell) -> None:
    scene = shell.scene
    assert suspended(shell) == "FOREIGN_MDM"
    result = shell.run("claim", "hq", answer="Other MDM\n")
    assert (result.exit_code, holder(shell)) == (0, "micromdm-vpp-bridge"), result.output
    for shown in ("other-id", "Other MDM", "mdm.example.com", THEIRS):
        assert shown in result.stdout
    assert "To take it over, type its name: Other MDM" in result.stderr
    assert "hq is managed by this bridge now" in result.stdout
    assert "their-token" not in result.output
    client = scene.world.location.client
    assert client.notification_url == HOOK
    assert scene.bridge.notification_token_ok("hq", client.notification_token)
    assert suspended(shell) is None
    scene.run(scene.all_installed)
    assert scene.counters()["location.claimed"] == 1


@pytest.mark.parametrize("typed", ["", "other mdm", "Other", "y", "other-id", "hq"])
@pytest.mark.parametrize("how", ["typed", "option"])
def test_a_wrong_name_changes_nothing(shell: Shell, typed: str, how: str) -> None:
    if how == "typed":
        result = shell.run("claim", "hq", answer=f"{typed}\n")
    else:
        result = shell.run("claim", "hq", "--name", typed)
    assert result.exit_code == 1
    assert "that is not its name; nothing was changed" in result.stderr
    assert (posts(shell), holder(shell), suspended(shell)) == (0, "Other MDM", "FOREIGN_MDM")
    shell.scene.pass_time(HOUR)
    assert posts(shell) == 0


@pytest.mark.parametrize("paused", [("--all",), ("--location", "hq")])
def test_what_is_paused_is_not_taken_over(shell: Shell, paused: tuple[str, ...]) -> None:
    shell.run("pause", *paused)
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert f"vpp-bridge resume {' '.join(paused)} ends it" in result.stderr
    assert (posts(shell), holder(shell)) == (0, "Other MDM")
    shell.run("resume", *paused)
    assert shell.run("claim", "hq", "--name", "Other MDM").exit_code == 0


@pytest.mark.parametrize("option", ["--name", "--yes-name"])
def test_scripts_give_the_name(shell: Shell, option: str) -> None:
    result = shell.run("claim", "hq", option, "Other MDM")
    assert (result.exit_code, result.stderr) == (0, "")
    assert holder(shell) == "micromdm-vpp-bridge"


def test_when_nobody_can_be_asked(shell: Shell) -> None:
    result = shell.run("claim", "hq")
    assert result.exit_code == 2
    assert "say --name NAME" in result.stderr
    assert posts(shell) == 0


def test_as_json(shell: Shell) -> None:
    shown = dict(OTHER) | {"notification_url": THEIRS}
    shown["mdm_id"] = shown.pop("id")
    refused = shell.json("claim", "hq", "--name", "x", code=1)
    error = "that is not its name; nothing was changed"
    assert refused == {"location": "hq", "holder": shown, "claimed": False, "error": error}
    taken = shell.json("claim", "hq", "--name", "Other MDM")
    assert taken == {"location": "hq", "holder": shown, "claimed": True, "error": None}
    again = shell.json("claim", "hq")
    assert again == {"location": "hq", "holder": None, "claimed": False, "error": None}


def test_without_a_holder_none_is_needed(shell: Shell) -> None:
    scene = shell.scene
    scene.world.location.client = ClientConfig()
    result = shell.run("claim", "hq")
    assert result.exit_code == 0
    assert result.stdout == "hq is managed by nobody: no claim is needed.\n"
    assert posts(shell) == 0
    scene.run(scene.all_installed, limit=60)
    assert "managed by this bridge: no claim" in shell.run("claim", "hq").stdout


def test_a_holder_without_a_name_is_called_by_its_url(shell: Shell) -> None:
    shell.scene.world.location.client = NAMELESS
    assert shell.run("claim", "hq", "--name", "Other MDM").exit_code == 1
    assert shell.run("claim", "hq", "--name", THEIRS).exit_code == 0
    assert shell.scene.world.location.client.notification_url == HOOK


def test_control_characters_of_a_name_do_not_reach_the_terminal(shell: Shell) -> None:
    info = OTHER | {"name": "Other\x1b[2JMDM\n"}
    shell.scene.world.location.client = replace(NAMED, mdm_info=info)
    result = shell.run("claim", "hq", answer="Other [2JMDM\n")
    assert result.exit_code == 0, result.output
    assert "\x1b" not in result.output


def test_a_location_that_is_not_there(shell: Shell) -> None:
    result = shell.run("claim", "nowhere")
    assert result.exit_code == 2
    assert "known there: hq" in result.stderr


def test_a_token_that_apple_refuses_is_told(shell: Shell) -> None:
    shell.scene.world.location.tokens[-1].revoked = True
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1 and "9625" in result.stderr


def test_a_token_of_another_library_claims_nothing(shell: Shell) -> None:
    scene = shell.scene
    with scene.bridge.database.write() as db:
        locations.update(db, "hq", registered_at=scene.world.now)
    other = scene.world.apple.add_location("elsewhere")
    other.client = NAMED
    (scene.tmp_path / "hq.vpptoken").write_text(other.token)
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert "and not of" in result.stderr
    assert posts(shell) == 0


def test_what_the_other_mdm_did_is_read_before_anything_is_decided(shell: Shell) -> None:
    scene = shell.scene
    adam_id, serial = scene.adam_ids[0], scene.serials[0]
    library = scene.world.location.library
    library.assign(Pair(adam_id, "STDQ", Target(SERIAL, serial)), scene.world.now)
    library.touch()
    assert shell.run("claim", "hq", "--name", "Other MDM").exit_code == 0
    with scene.bridge.database.read() as db:
        assert not locations.get(db, "hq").ready
    scene.run(scene.all_installed)
    assert len(library.assignments) == 2
    assert scene.world.ledger.violations() == []


def test_a_location_of_ours_that_was_taken_away_is_read_anew(
    make_scene: Callable[..., Scene],
) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    scene = shell.scene
    shell.run("apply", "--yes")
    scene.run(scene.all_installed)
    scene.world.location.client = NAMED
    scene.world.advance(HOUR)
    scene.settle()
    assert suspended(shell) == "FOREIGN_MDM"
    before = scene.world.ledger.requests.copy()
    assert shell.run("claim", "hq", "--name", "Other MDM").exit_code == 0
    scene.settle()
    after = scene.world.ledger.requests
    for name in ("apple.assets", "apple.assignments"):
        assert after[name] == before[name] + 1, name
    assert scene.all_installed()


def test_a_read_that_began_before_does_not_count(shell: Shell) -> None:
    scene = shell.scene
    assert shell.run("claim", "hq", "--name", "Other MDM").exit_code == 0
    scene.world.advance(10)
    call = scene.engine.calls["read_assignments"]
    with scene.bridge.database.write() as db:
        now = scene.world.now
        row_id = claiming.outbox.add(
            db,
            service="apple",
            scope="hq",
            kind="read_assignments",
            key="",
            subject="",
            due_at=now,
            now=now,
        )
        row = full_reads.claim(db, row_id, now - HOUR)
    result = call.perform(row)
    with scene.bridge.database.write() as db:
        call.settle(scene.bridge.context(db), row, result)
        assert locations.get(db, "hq").assignments_read_at is None
    scene.run(scene.all_installed)


# With an engine


def test_with_an_engine_the_engine_does_it(shell: Shell, engine_lock: EngineLock) -> None:
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert (result.exit_code, result.stderr) == (0, "")
    assert holder(shell) == "micromdm-vpp-bridge"
    assert posts(shell) == 1
    with shell.scene.bridge.database.read() as db:
        kinds = [row[0] for row in db.execute("SELECT kind FROM outbox WHERE state = 'done'")]
    assert "claim" in kinds
    shell.scene.run(shell.scene.all_installed)


@pytest.mark.parametrize("alone", [True, False])
def test_another_holder_than_the_one_that_was_shown(
    shell: Shell, alone: bool, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    if not alone:
        request.getfixturevalue("engine_lock")
    ask = claiming.ask

    def late(*arguments: Any) -> int:
        info = OTHER | {"id": "third-id"}  # by the same name
        shell.scene.world.location.client = replace(NAMED, mdm_info=info)
        return ask(*arguments)

    monkeypatch.setattr(claiming, "ask", late)
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert "the holder has changed meanwhile" in result.stderr
    assert posts(shell) == 0
    shell.scene.pass_time(HOUR)
    assert (posts(shell), suspended(shell)) == (0, "FOREIGN_MDM")


def test_an_engine_that_does_nothing_is_not_waited_for_for_ever(
    shell: Shell, engine_lock: EngineLock
) -> None:
    shell.engine_works = False
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert "the engine did not take it up; nothing was changed" in result.stderr
    shell.scene.pass_time(HOUR)
    assert (posts(shell), holder(shell)) == (0, "Other MDM")


def test_an_engine_that_goes_away(shell: Shell, engine_lock: EngineLock) -> None:
    shell.engine_works = False
    shell.first_pause = engine_lock.release
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert "the engine did not take it up; nothing was changed" in result.stderr
    shell.scene.restart()
    shell.scene.pass_time(HOUR)
    assert posts(shell) == 0


def test_a_claim_that_a_person_has_stopped_waiting_for_is_over(shell: Shell) -> None:
    scene = shell.scene
    shown = ForeignMdm("other-id", "Other MDM", "mdm.example.com", THEIRS)
    row_id = scene.bridge.intend_claim("hq", shown)
    scene.world.advance(2 * claiming.PATIENCE)
    scene.settle()
    with scene.bridge.database.read() as db:
        found = claiming.progress(db, row_id)
    assert (found.state, posts(shell)) == ("failed", 0)
    assert "nobody took it up in time" in (found.error or "")


@pytest.mark.parametrize("after", [False, True])
def test_a_claim_in_which_the_bridge_was_killed_is_not_made_again(
    shell: Shell, after: bool
) -> None:
    scene = shell.scene
    shown = ForeignMdm("other-id", "Other MDM", "mdm.example.com", THEIRS)
    row_id = scene.bridge.intend_claim("hq", shown)
    with scene.bridge.database.write() as db:
        row = full_reads.claim(db, row_id, scene.world.now)
    if after:
        scene.engine.calls["claim"].perform(row)
    scene.restart()
    scene.settle()
    with scene.bridge.database.read() as db:
        assert claiming.progress(db, row_id).state == "failed"
    assert posts(shell) == int(after)
    assert suspended(shell) == (None if after else "FOREIGN_MDM")
    if after:
        scene.run(scene.all_installed)


FAILURES = [
    (Fault("apple.set_client_config", "reply_lost"), "not known whether Apple did it", True),
    (Fault("apple.set_client_config", "gateway"), "not known whether Apple did it", False),
    (Fault("apple.set_client_config", "error", number=9724), "9724", False),
    (Fault("apple.set_client_config", "error", number=9646), "9646", False),
    (Fault("apple.set_client_config", "error", number=9637), "9637", False),
]


@pytest.mark.parametrize(("fault", "said", "done"), FAILURES)
def test_a_claim_that_fails_is_not_tried_again(
    shell: Shell, fault: Fault, said: str, done: bool
) -> None:
    shell.scene.world.faults.add(fault)
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 1
    assert said in result.stderr
    before = posts(shell)
    shell.scene.pass_time(HOUR)
    assert (posts(shell) == before) or done
    assert (holder(shell) == "micromdm-vpp-bridge") == done
    if done:
        shell.scene.run(shell.scene.all_installed)


def test_a_url_that_apple_cannot_reach_does_not_stop_it(shell: Shell) -> None:
    scene = shell.scene
    scene.reachable = False
    result = shell.run("claim", "hq", "--name", "Other MDM")
    assert result.exit_code == 0
    assert f"Apple cannot reach {HOOK}" in result.stderr
    assert holder(shell) == "micromdm-vpp-bridge"
    assert suspended(shell) is None
    scene.reachable = True
    scene.pass_time(HOUR)
    assert scene.world.location.client.notification_url == HOOK


def test_a_location_that_shares_its_library_is_not_claimed(shell: Shell) -> None:
    scene = shell.scene
    twin = scene.world.apple.issue_token(scene.world.location)
    (scene.tmp_path / "twin.vpptoken").write_text(twin.text)
    (scene.tmp_path / "twin.vpptoken").chmod(0o600)
    text = shell.config.read_text().replace(
        "  hq: {content_token_file: hq.vpptoken}",
        "  hq: {content_token_file: hq.vpptoken}\n  twin: {content_token_file: twin.vpptoken}",
    )
    shell.write(text.replace('"groups": ["them"]', '"location": "hq", "groups": ["them"]'))
    result = shell.run("claim", "twin", "--name", "Other MDM")
    assert result.exit_code == 1
    assert "its library is that of hq" in result.stderr
    assert posts(shell) == 0


def test_nothing_of_it_stays_in_the_configuration(shell: Shell) -> None:
    before = shell.config.read_bytes()
    shell.run("claim", "hq", "--name", "Other MDM")
    assert shell.config.read_bytes() == before
    shell.scene.world.location.client = NAMED
    shell.scene.pass_time(2 * HOUR)
    assert (posts(shell), suspended(shell)) == (1, "FOREIGN_MDM"), "a claim is good for one time"
    report = json.dumps(shell.json("status"))
    assert "FOREIGN_MDM: Apple names Other MDM" in report
