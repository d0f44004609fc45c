"""`init`: answers are asked for and tested, and what is written works."""

from __future__ import annotations

import json
import shutil
import stat
from pathlib import Path

import pytest

from bridge.cli import show
from bridge.config import load_config
from tests.flow.cli_kit import Shell
from tests.flow.scene import MakeScene

MDM, APPLE = "http://127.0.0.1:9999", "http://127.0.0.1:9998/mdm/v2"


@pytest.fixture
def shell(make_scene: MakeScene) -> Shell:
    """A command line in an empty folder with nothing but the content token."""
    scene = make_scene(devices=2, apps=2, seats=10)
    shell = Shell(scene)
    folder = scene.tmp_path / "new"
    folder.mkdir()
    shutil.copy(scene.tmp_path / "hq.vpptoken", folder / "hq.vpptoken")
    (folder / "hq.vpptoken").chmod(0o600)
    shell.config = folder / "config.yaml"
    return shell


def options(shell: Shell, **other: str | None) -> list[str]:
    """All that can be said; None leaves one out."""
    given: dict[str, str | None] = {
        "--server": MDM,
        "--key": shell.scene.world.mdm.settings.api_key,
        "--token-file": str(shell.config.parent / "hq.vpptoken"),
        "--public-url": "",
        "--apple-url": APPLE,
    }
    given |= {f"--{name.replace('_', '-')}": value for name, value in other.items()}
    return [word for name, value in given.items() if value is not None for word in (name, value)]


def variables(shell: Shell) -> dict[str, str]:
    """What a shell has of bridge.env."""
    lines = (shell.config.parent / "bridge.env").read_text().splitlines()
    return {key: value.strip("'") for key, _, value in (line.partition("=") for line in lines)}


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_from_nothing_to_the_first_app(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    result = shell.run("init", *options(shell))
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    folder = shell.config.parent
    assert (mode(shell.config), mode(folder / "bridge.env")) == (0o600, 0o600)
    keys = variables(shell)
    assert set(keys) == {"BRIDGE_API_KEY", "BRIDGE_WEBHOOK_KEY", "MICROMDM_API_KEY"}
    assert len(set(keys.values())) == 3
    flag = f"-command-webhook-url 'http://mdm:{keys['BRIDGE_WEBHOOK_KEY']}@127.0.0.1:9008"
    assert f"{flag}/hooks/mdm/main'\n" in result.stdout
    assert "set -a; . ./bridge.env; set +a; vpp-bridge" in result.stdout
    assert "Pages" in result.stdout, "what the location owns, with its name"
    text = shell.config.read_text()
    assert keys["BRIDGE_API_KEY"] not in text
    assert 'content_token_file: "hq.vpptoken"' in text, "beside the file, by its name"
    chosen = text.replace('  #- {adam_id: "361309726"', '  - {adam_id: "361309726"')
    shell.config.write_text(chosen)
    for name, value in keys.items():
        monkeypatch.setenv(name, value)
    assert load_config(shell.config, keys).servers["main"].url == MDM
    applied = shell.run("apply", "--yes")
    assert applied.exit_code == 0
    assert "2 to add" in applied.stdout


def test_what_is_not_said_is_asked_for(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(show, "can_ask", lambda: True)
    key = shell.scene.world.mdm.settings.api_key
    token = shell.config.parent / "hq.vpptoken"
    answers = f"{MDM}\nwrong\ny\n{MDM}\n{key}\n{token}\n\n"
    result = shell.run("init", "--apple-url", APPLE, answer=answers)
    assert result.exit_code == 0, result.output
    assert result.stdout.count("fail  MDM main:") == 1, "and asked again after that"
    assert key not in result.output
    assert "public_url" not in shell.config.read_text()


def test_where_nobody_can_be_asked_what_is_missing_is_named(shell: Shell) -> None:
    result = shell.run("init", *options(shell, key=None, token_file=None))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == (
        "nothing was written: nobody can be asked for $MICROMDM_API_KEY, --token-file\n"
    )


@pytest.mark.parametrize(
    ("other", "words"),
    [
        ({"key": "wrong"}, "MDM main"),
        ({"server": "http://mdm.example.org"}, "https"),
        ({"token_file": "/nowhere/hq.vpptoken"}, "No such file"),
        ({"public_url": "nonsense"}, "public_url"),
    ],
)
def test_what_does_not_work_is_said_and_nothing_written(
    shell: Shell, other: dict[str, str], words: str
) -> None:
    result = shell.run("init", *options(shell, **other))
    assert result.exit_code == 1
    assert words in result.output
    assert "nothing was written: mend that, or say --untested" in result.stderr
    assert [path.name for path in shell.config.parent.iterdir()] == ["hq.vpptoken"]


def test_untested_writes_all_the_same(shell: Shell) -> None:
    result = shell.run("init", *options(shell, key="wrong"), "--untested")
    assert result.exit_code == 0
    assert shell.config.exists()


def test_what_is_there_is_not_replaced_by_accident(shell: Shell) -> None:
    shell.config.write_text("precious")
    result = shell.run("init", *options(shell))
    assert (result.exit_code, shell.config.read_text()) == (2, "precious")
    assert "is there already; say --replace" in result.stderr
    assert shell.run("init", *options(shell), "--replace").exit_code == 0


def test_as_json(shell: Shell) -> None:
    told = json.loads(shell.run("init", *options(shell), "--json").stdout)
    assert told["webhook_flag"] == "-command-webhook-url"
    assert {each["adam_id"] for each in told["owned"]} == set(shell.scene.adam_ids)
    assert len(told["next"]) == 3
