"""`completion`: what a shell needs to complete commands and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

SHELLS = ("bash", "zsh", "fish")
PROGRAM = "vpp-bridge"
VARIABLE = "_VPP_BRIDGE_COMPLETE"
"""What click, asked by the script, looks for in the environment."""


@click.command()
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def completion(ctx: click.Context, shell: str) -> int:
    """Print a script that has your shell complete commands and options.

    For bash: eval "$(vpp-bridge completion bash)" in ~/.bashrc; for zsh the same in ~/.zshrc; for
    fish: vpp-bridge completion fish > ~/.config/fish/completions/vpp-bridge.fish
    """
    made = get_completion_class(shell)
    assert made is not None, "click knows every shell that is offered"
    click.echo(made(ctx.find_root().command, {}, PROGRAM, VARIABLE).source())
    return 0
