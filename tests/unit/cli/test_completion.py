"""Shells complete what there is."""

import pytest
from click.testing import CliRunner

from bridge.cli.commands import COMMANDS, HIDDEN
from bridge.cli.completion import SHELLS, VARIABLE
from bridge.cli.root import cli


@pytest.mark.parametrize("shell", SHELLS)
def test_the_script_asks_the_program(shell: str) -> None:
    result = CliRunner().invoke(cli, ["completion", shell], prog_name="vpp-bridge")
    assert result.exit_code == 0
    assert f"{VARIABLE}={shell}_complete" in result.stdout
    assert "vpp-bridge" in result.stdout


def completed(*words: str) -> list[str]:
    """What bash is offered for the last of the words."""
    environment = {
        VARIABLE: "bash_complete",
        "COMP_WORDS": " ".join(("vpp-bridge", *words)),
        "COMP_CWORD": str(len(words)),
    }
    result = CliRunner().invoke(cli, [], env=environment, prog_name="vpp-bridge")
    assert result.exit_code == 0, result.output
    return [line.partition(",")[2] for line in result.stdout.splitlines()]


def test_commands_options_and_choices() -> None:
    assert completed("sta") == ["status"]
    assert set(completed("")) == set(COMMANDS)
    assert not set(completed("serve-")) & set(HIDDEN)
    assert completed("sync", "ass") == ["assets", "assignments"]
    assert "--json" in completed("why", "--")
    assert "replay" in completed("events", "re")


def test_an_unknown_shell_is_refused() -> None:
    result = CliRunner().invoke(cli, ["completion", "dash"], prog_name="vpp-bridge")
    assert result.exit_code == 2
    assert "'dash' is not one of" in result.stderr
