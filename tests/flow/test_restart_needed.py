"""What the file says and the running engine does not know yet: a restart is needed, and named."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from bridge.config import load_config
from bridge.config.settings import digests
from tests.flow.cli_kit import Shell
from tests.flow.kit import dump
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]


@pytest.fixture
def shell(make_scene: MakeScene) -> Iterator[Shell]:
    """A bridge that runs with the file as it is."""
    shell = Shell(make_scene(devices=1, apps=1))
    runs_with(shell)
    lock = shell.scene.bridge.database.engine_lock()
    lock.acquire(0.0)
    yield shell
    lock.release()


def runs_with(shell: Shell) -> None:
    """The engine starts with the file as it is now."""
    scene = shell.scene
    scene.bridge.config = load_config(shell.config, {"API_KEY": "k", "MDM_KEY": "m"})
    scene.bridge.keep_settings()


def edit(shell: Shell, before: str, after: str) -> None:
    text = shell.config.read_text()
    assert before in text
    shell.config.write_text(text.replace(before, after))


EDITS = [
    ("locations", "hq.vpptoken}", "other.vpptoken}"),
    ("locations", "locations:\n", "locations:\n  branch: {content_token_file: b.vpptoken}\n"),
    ("servers", "127.0.0.1:9999", "127.0.0.1:9997"),
    ("servers", "webhook_key: ", "webhook_key: new-"),
    ("servers", "webhook_key: ", "forward_to: ['https://u:p@a.example'], webhook_key: "),
    ("api", "api: {key: ", "api: {key: new-"),
    ("listen", "9008", "9007"),
    ("public_url", "bridge.example.org", "other.example.org"),
    ("apple", "9998/mdm/v2", "9998/mdm/v3"),
    ("alerts", "apple: ", "alerts: [{url: 'https://chat.example.org/x'}]\napple: "),
    ("policy", "apple: ", "policy: {command: {window: 7}}\napple: "),
]


@pytest.mark.parametrize(("part", "before", "after"), EDITS)
def test_apply_status_and_doctor_name_the_part_that_differs(
    shell: Shell, part: str, before: str, after: str
) -> None:
    assert shell.json("status")["restart_needed"] == []
    edit(shell, before, after)
    assert shell.json("status")["restart_needed"] == [part]
    assert f"({part}): restart vpp-bridge serve" in shell.run("status").stdout
    findings = json.loads(shell.run("doctor", "--json").stdout)["findings"]
    assert any(
        each["level"] == "warn" and each["text"].endswith(f"than the file's: {part}")
        for each in findings
    )
    applied = shell.run("apply", "--yes", "--offline")
    if applied.exit_code == 0:
        assert f"Attention: the running bridge was started with other settings ({part})" in (
            applied.stdout
        )
        told = shell.json("apply", "--yes", "--offline")
        assert told["restart_needed"] == [part]
    else:
        assert "location" in applied.stderr, "with two locations an app must say which"


def test_what_means_the_same_is_no_difference(shell: Shell) -> None:
    edit(shell, "apple: ", "policy: {command: {in_doubt_after: 60s}}\napple: ")
    edit(shell, "127.0.0.1:9999", "127.0.0.1:9999/")
    shell.want([*shell.scene.serials, "MORE1"])
    assert shell.json("status")["restart_needed"] == []


def test_several_parts_are_named_in_order(shell: Shell) -> None:
    edit(shell, "apple: ", "policy: {command: {window: 7}}\napple: ")
    edit(shell, "hq.vpptoken}", "other.vpptoken}")
    assert shell.json("status")["restart_needed"] == ["locations", "policy"]


def test_while_no_engine_runs_nothing_needs_a_restart(make_scene: MakeScene) -> None:
    shell = Shell(make_scene(devices=1, apps=1))
    runs_with(shell)
    edit(shell, "9008", "9007")
    assert shell.json("status")["restart_needed"] == []
    assert shell.json("apply", "--yes")["restart_needed"] == []


def test_without_the_keys_the_rest_is_compared(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = shell.scene.config.api.key
    edit(shell, f"api: {{key: {key}}}", "api: {key: '${API_KEY}'}")
    runs_with(shell)
    monkeypatch.delenv("API_KEY", raising=False)
    assert shell.json("status")["restart_needed"] == []
    edit(shell, "127.0.0.1:9999", "127.0.0.1:9997")
    assert shell.json("status")["restart_needed"] == ["servers"]
    monkeypatch.setenv("API_KEY", "another")
    assert shell.json("status")["restart_needed"] == ["api", "servers"]


def test_receivers_of_alerts_are_not_compared_without_their_addresses(shell: Shell) -> None:
    edit(shell, "apple: ", "alerts: [{url: 'https://chat.example.org/x'}]\napple: ")
    runs_with(shell)
    assert shell.json("status")["restart_needed"] == []
    edit(shell, "https://chat.example.org/x", "${NOWHERE_SET}")
    assert shell.json("status")["restart_needed"] == []


def test_a_part_with_mistakes_is_left_out(shell: Shell) -> None:
    edit(shell, "listen: 127.0.0.1:9008", "listen: nowhere")
    assert shell.json("status")["restart_needed"] == []


def test_no_key_and_nothing_of_it_is_stored(shell: Shell) -> None:
    with shell.scene.bridge.database.read() as db:
        stored = "\n".join(dump(db))
    config = shell.scene.bridge.config
    server = config.servers["main"]
    for secret in (config.api.key, server.api_key, *server.webhook_keys):
        assert secret and secret not in stored
    one, other = digests(config), digests(config)
    assert one.salt != other.salt and one.keys != other.keys
    assert set(one.keys) == {"api", "servers"}


def test_the_digests_do_not_hang_on_where_the_file_is_mounted(shell: Shell) -> None:
    config = shell.scene.bridge.config
    moved = replace(
        config,
        path=config.path.parent / "x" / config.path.name,
        locations={
            name: replace(each, content_token_file=config.path.parent / "x" / "hq.vpptoken")
            for name, each in config.locations.items()
        },
    )
    assert digests(config, "00").open == digests(moved, "00").open


def test_a_new_location_waits_for_the_admin_until_the_restart(shell: Shell) -> None:
    scene = shell.scene
    scene.settle()
    edit(shell, "locations:\n", "locations:\n  branch: {content_token_file: hq2.vpptoken}\n")
    edit(shell, '"groups": ["them"]', '"location": "branch", "groups": ["them"]')
    assert shell.run("apply", "--yes", "--offline").exit_code == 0
    scene.pass_time(120)
    assert scene.states() == {"waiting RESTART_NEEDED": 1}
    why = shell.run("why", scene.serials[0], scene.adam_ids[0])
    assert why.exit_code == 1
    assert "The running bridge was started without branch." in why.stdout
    assert "Restart vpp-bridge serve" in why.stdout
    told = json.loads(shell.run("why", scene.serials[0], scene.adam_ids[0], "--json").stdout)
    assert told["explanation"]["who_must_act"] == "the admin"
    branch = replace(scene.config.locations["hq"], name="branch")
    scene.config = replace(scene.config, locations={**scene.config.locations, "branch": branch})
    scene.restart()
    scene.pass_time(60)
    assert "waiting RESTART_NEEDED" not in scene.states()


@pytest.mark.parametrize("what", ["assets", "devices"])
def test_what_the_engine_does_not_know_yet_cannot_be_read_and_says_why(
    shell: Shell, what: str
) -> None:
    edit(shell, "locations:\n", "locations:\n  new: {content_token_file: b.vpptoken}\n")
    edit(
        shell,
        "servers:\n",
        'servers:\n  new: {url: "http://127.0.0.1:9996", api_key: a, webhook_key: other}\n',
    )
    said = shell.run("sync", what)
    assert said.exit_code == 1
    assert f"{what} of new: the running bridge was started without new: restart" in said.stderr
