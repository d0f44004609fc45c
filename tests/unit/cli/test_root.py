"""The group of commands: what it lists, how it ends, and what it does not import."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from bridge.cli import root
from bridge.cli.commands import COMMANDS, EXAMPLES, HIDDEN
from bridge.cli.root import Settings, cli
from bridge.errors import ConfigError, NotSent, StoreLocked


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, arguments, catch_exceptions=False, prog_name="vpp-bridge")


@pytest.mark.parametrize("name", [*COMMANDS, *HIDDEN])
def test_every_command_has_help(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: vpp-bridge {name}")


NO_DATA = {"serve", "demo", "simulate", "completion"}
"""Commands that run something, or print what is no data."""


@pytest.mark.parametrize("name", sorted({*COMMANDS} - NO_DATA))
def test_every_command_that_prints_data_has_json(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    below = command.commands.values() if isinstance(command, click.Group) else ()
    alone = not isinstance(command, click.Group) or command.invoke_without_command
    for each in (*((command,) if alone else ()), *below):
        assert any("--json" in parameter.opts for parameter in each.params), each.name


def test_the_list_of_commands_leaves_the_hidden_ones_out() -> None:
    shown = run("--help").stdout
    assert all(f"\n  {name} " in shown for name in COMMANDS)
    assert not any(name in shown for name in HIDDEN)


def test_the_version_is_told() -> None:
    result = run("--version")
    assert result.exit_code == 0
    assert result.stdout.startswith("vpp-bridge ")


def test_without_a_command_the_help_is_shown_as_a_mistake() -> None:
    result = run()
    assert result.exit_code == 2
    assert "Usage: vpp-bridge" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no-such"], "vpp-bridge: No such command 'no-such'; see vpp-bridge --help"),
        (
            ["statu"],
            "vpp-bridge: No such command 'statu'; did you mean status; see vpp-bridge --help",
        ),
        (["status", "--no-such"], "vpp-bridge status: No such option"),
        (["why", "A1"], "vpp-bridge why: Missing argument 'ADAM_ID'"),
        (["why", "A_1", "1"], "vpp-bridge why: Invalid value for 'SERIAL': 'A_1' is not a serial"),
        (["why", "A1", "x"], "vpp-bridge why: Invalid value for 'ADAM_ID': 'x' is not an adam id"),
        (["sync", "everything"], "vpp-bridge sync: Invalid value for"),
        (["--config", "no-such.yaml", "status"], "no-such.yaml: no such file"),
    ],
)
def test_a_mistake_in_the_call_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert line.startswith(said)
    assert not result.stdout


FAILURES = [
    (
        ConfigError(["a.yaml:1: x: bad", "a.yaml:2: y: bad"]),
        2,
        "a.yaml:1: x: bad\na.yaml:2: y: bad",
    ),
    (StoreLocked("locked"), 1, "vpp-bridge: locked"),
    (
        NotSent("no way\nto http://u:secret@h/", service="mdm", call="GET /x"),
        1,
        "vpp-bridge: no way to http://…@h/",
    ),
    (click.Abort(), 130, ""),
]


@pytest.mark.parametrize(("error", "code", "said"), FAILURES)
def test_what_is_foreseen_ends_in_lines_and_a_code(
    error: Exception, code: int, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    @click.command()
    def failing() -> None:
        raise error

    monkeypatch.setattr(root.Root, "get_command", lambda *_: failing)
    result = run("failing")
    assert (result.exit_code, result.stderr.strip()) == (code, said)


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (1, 1), (2, 2)])
def test_a_command_returns_its_exit_code(
    returned: int | None, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        root.Root, "get_command", lambda *_: click.Command("c", callback=lambda: returned)
    )
    assert run("c").exit_code == code


def test_the_file_is_the_option_then_the_variable_then_config_yaml(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[Path] = []

    @click.command()
    @click.pass_obj
    def look(settings: Settings) -> None:
        seen.append(settings.config_path)

    monkeypatch.setattr(root.Root, "get_command", lambda *_: look)
    monkeypatch.delenv("BRIDGE_CONFIG", raising=False)
    run("look")
    monkeypatch.setenv("BRIDGE_CONFIG", "")
    run("look")
    monkeypatch.setenv("BRIDGE_CONFIG", "b.yaml")
    run("look")
    run("--config", "c.yaml", "look")
    assert [path.name for path in seen] == ["config.yaml", "config.yaml", "b.yaml", "c.yaml"]


HEAVY = {"flask", "gunicorn", "requests", "yaml", "sqlite_utils", "rich", "bridge.app", "psycopg"}


@pytest.mark.parametrize(
    ("module", "never"),
    [
        ("bridge.cli", HEAVY | {"bridge.simulator"}),
        (
            "bridge.cli.insight.status",
            HEAVY - {"yaml"}
            | {"msgspec", "email", "bridge.simulator"}
            | {"bridge.domain.decide", "bridge.store.installs.facts"},
        ),
        ("bridge.cli.service.serve", HEAVY - {"yaml"} | {"werkzeug", "bridge.simulator"}),
        ("bridge.app.running", {"flask", "gunicorn", "werkzeug", "click", "rich"}),
        (
            "bridge.cli.insight.why",
            HEAVY - {"yaml"}
            | {"importlib.metadata", "msgspec", "bridge.simulator"}
            | {"bridge.config.desired", "bridge.clients.mdm.micromdm"},
        ),
        ("bridge.cli.service.simulate", {"gunicorn", "bridge.app"}),
    ],
)
def test_a_command_imports_no_more_than_it_needs(module: str, never: set[str]) -> None:
    program = f"import sys, {module}; print(sorted({never!r} & set(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", program], check=True, stdout=subprocess.PIPE, text=True
    )
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_shows_an_example_that_it_takes(name: str) -> None:
    example = EXAMPLES[name].split()
    shown = CliRunner().invoke(cli, [name, "--help"], prog_name="vpp-bridge").stdout
    assert f"Example: vpp-bridge {' '.join(example)}" in " ".join(shown.split())
    command = cli.get_command(None, name)  # type: ignore[arg-type]
    assert command is not None
    arguments = example[example.index(name) + 1 :]
    if isinstance(command, click.Group) and not command.invoke_without_command:
        command = command.commands[arguments.pop(0)]
    parsed = command.make_context(name, list(arguments), resilient_parsing=True)
    assert parsed.args == []
