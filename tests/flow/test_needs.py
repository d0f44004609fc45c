"""What each command needs of the configuration: the rest may be wrong, unset or missing."""

from collections.abc import Callable, Mapping

import pytest

from bridge.cli.commands import COMMANDS, HIDDEN
from bridge.config import SETTINGS
from bridge.config.load import TOP_KEYS
from bridge.config.needs import KEYS_OF
from tests.flow.cli_kit import Shell
from tests.flow.scene import Scene

MakeScene = Callable[..., Scene]

APP = "361309726"
PARTS: Mapping[str, str] = {
    "desired": "groups: {sales: {serials_file: sales.txt}}\napps: [{adam: 1}]\n",
    "mdm": "servers: {main: {url: 'http://127.0.0.1:9', api_key: '${NOWHERE_SET}', "
    "webhook_key_file: gone.key, kee: 1}}\n",
    "web": "api: {key: '${NOWHERE_SET}'}\nlisten: nowhere\n",
    "apple": "locations: {hq: {content_token: hq.vpptoken}}\napple: {url: 'no address'}\n",
    "alerts": "alerts: [{url: '${NOWHERE_SET}', form: html, on: [tokn]}]\n",
    "policy": "policy: {command: {windw: 1}}\n",
}
"""A part of the file by what needs it, with mistakes of several kinds."""
GOOD = {
    "mdm": "servers: {main: {url: 'http://127.0.0.1:9', api_key: a, webhook_key: w}}\n",
    "apple": "locations: {hq: {content_token_file: hq.vpptoken}}\n"
    "apple: {url: 'http://127.0.0.1:9998/mdm/v2'}\n",
}
STORED = ("database", "policy")
EVERYTHING = (*STORED, "apple", "mdm", "web", "alerts", "desired")

CALLS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "plan": (("plan",), EVERYTHING),
    "apply": (("apply", "--yes"), EVERYTHING),
    "doctor": (("doctor",), (*STORED, "apple", "mdm", "web", "alerts")),
    "bundle": (("bundle", "b.json", "--force"), (*STORED, "apple", "mdm", "web", "alerts")),
    "serve": (("serve",), (*STORED, "apple", "mdm", "web", "alerts")),
    "serve-web": (("serve-web", "--fd", "99"), (*STORED, "apple", "mdm", "web", "alerts")),
    "serve-engine": (("serve-engine",), (*STORED, "apple", "mdm", "web", "alerts")),
    "sync": (("sync",), (*STORED, "apple", "mdm")),
    "sync assets": (("sync", "assets"), (*STORED, "apple")),
    "sync assignments": (("sync", "assignments"), (*STORED, "apple")),
    "sync devices": (("sync", "devices"), (*STORED, "mdm")),
    "claim": (("claim", "hq"), (*STORED, "apple")),
    "assign": (("assign", "S1", "--app", APP, "--location", "hq"), STORED),
    "unassign": (("unassign", "S1", "--app", APP), STORED),
    "status": (("status",), STORED),
    "why": (("why", "SIM0000001", APP), STORED),
    "retry": (("retry", "--yes"), STORED),
    "pause": (("pause", "--all"), STORED),
    "pause location": (("pause", "--location", "hq"), STORED),
    "resume": (("resume", "--all"), STORED),
    "installs": (("installs",), STORED),
    "assignments": (("assignments",), STORED),
    "drift": (("drift",), STORED),
    "import": (("import", "apple", "hq"), (*STORED, "apple")),
    "users": (("users",), STORED),
    "subscriptions": (("subscriptions",), STORED),
    "reclaim": (("reclaim", "--unwanted", "--dry-run"), STORED),
    "replace": (("replace", "NEVERSEEN1", "NEVERSEEN2"), STORED),
    "update": (("update", APP, "--yes"), STORED),
    "devices": (("devices",), STORED),
    "assets": (("assets",), STORED),
    "alerts": (("alerts",), STORED),
    "alerts test": (("alerts", "test"), (*STORED, "alerts")),
    "outbox": (("outbox",), STORED),
    "outbox retry": (("outbox", "retry", "999"), STORED),
    "events": (("events",), STORED),
    "events replay": (("events", "replay", "999"), STORED),
    "audit": (("audit",), STORED),
    "backup": (("backup", "copy.db"), ("database",)),
    "restore": (("restore", "nothing.db", "--yes"), STORED),
}
"""By name: the command line, and what it needs."""
NEED_NOTHING = {"init", "reasons", "completion", "demo", "simulate"}


def test_every_command_says_what_it_needs() -> None:
    said = {name: set(command.needs) for name, command in (COMMANDS | HIDDEN).items()}
    assert {name for name, needs in said.items() if not needs} == NEED_NOTHING
    tried = {name: set(needs) for name, (_, needs) in CALLS.items() if name in said}
    assert tried == {name: needs for name, needs in said.items() if needs}
    assert {name for name, command in COMMANDS.items() if command.looks} == {
        *("serve", "doctor", "bundle")
    }


def mistakes(shell: Shell, *arguments: str) -> list[str]:
    """The lines about the file, if the command ends with 2 for them."""
    result = shell.run(*arguments)
    lines = [line for line in result.stderr.splitlines() if line.startswith(f"{shell.config}:")]
    assert not lines or result.exit_code == 2
    return lines


@pytest.fixture
def shell(make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch) -> Shell:
    shell = Shell(make_scene(devices=1, apps=1))
    monkeypatch.chdir(shell.scene.tmp_path)
    return shell


@pytest.mark.parametrize("name", sorted(CALLS.keys() - HIDDEN.keys()))
def test_a_command_is_stopped_only_by_mistakes_in_what_it_needs(shell: Shell, name: str) -> None:
    arguments, needs = CALLS[name]
    unneeded = [text for part, text in PARTS.items() if part not in needs]
    good = [text for part, text in GOOD.items() if part in needs]
    shell.write("database: bridge.db\n" + "".join(unneeded + good))
    if name != "serve":  # that it and its children start, test_serve_process.py tells
        assert mistakes(shell, *arguments) == []
    for part, text in PARTS.items():
        if part in needs:
            shell.write("database: bridge.db\n" + text)
            assert mistakes(shell, *arguments), f"{name} does not tell what is wrong with {part}"


def test_without_a_database_everything_that_is_wrong_is_told(shell: Shell) -> None:
    shell.write("datbase: bridge.db\nlisten: nowhere\n")
    said = mistakes(shell, "status")
    assert any("database: missing" in line for line in said)
    assert any("datbase: unknown key; did you mean database?" in line for line in said)


def test_an_emergency_needs_neither_keys_nor_lists(shell: Shell) -> None:
    shell.write("database: bridge.db\n" + "".join(t for p, t in PARTS.items() if p != "policy"))
    assert shell.run("pause", "--all").exit_code == 0
    assert "Attention: pause all" in shell.run("status").stdout
    assert shell.run("backup", "copy.db").exit_code == 0
    assert shell.run("resume", "--all").exit_code == 0


def test_doctor_finds_what_is_wrong_with_groups_and_apps_and_goes_on(shell: Shell) -> None:
    shell.run("apply", "--yes")
    shell.write(desired=PARTS["desired"])
    told = shell.json("doctor", code=1)["findings"]
    failed = [each for each in told if each["level"] == "fail" and each["part"] != "engine"]
    assert {each["part"] for each in failed} == {"groups and apps"}
    texts = [each["text"] for each in failed]
    assert any(":10: groups.sales.serials_file: " in text for text in texts)
    assert any("apps.0.adam: unknown key" in text for text in texts)
    assert any(each["part"] == "MDM main" for each in told)
    assert not any("not what was applied" in each["text"] for each in told)


def test_a_listener_is_shown_though_its_password_is_not_set(shell: Shell) -> None:
    text = shell.config.read_text().replace(
        "webhook_key: ",
        'forward_to: ["https://u:${NOWHERE_SET}@other.example.org/x"], webhook_key: ',
    )
    shell.write(text)
    parts = {part["name"] for part in shell.json("status")["parts"]}
    assert "forward main other.example.org" in parts


def test_serving_needs_all_settings() -> None:
    assert set(COMMANDS["serve"].needs) == SETTINGS


def test_every_key_of_the_file_belongs_to_a_need() -> None:
    assert set(TOP_KEYS) == set().union(*KEYS_OF.values())
