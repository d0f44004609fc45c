"""Makes those pages of docs/ that come from the code (see `pages`); `tools/docs` runs it."""

from collections.abc import Iterator
from pathlib import Path

import click

from bridge.cli import cli
from bridge.domain import metrics, reasons
from bridge.domain.alerts import page as alerts
from bridge.domain.catalogue import notifications
from bridge.domain.catalogue import page as answers
from bridge.domain.drift import page as drift
from bridge.domain.users import reasons as of_users
from bridge.web.v1 import reference
from bridge.web.v1.endpoints import ENDPOINTS

DOCS = Path(__file__).parents[1] / "docs"
WIDTH = 90


def commands() -> str:
    """The help of every command, as the command itself shows it."""
    lines = [
        "# Commands",
        "",
        "Every command has `--help`, and `--json` where it prints data. Exit codes: 0 ok, 1 bad",
        "news, 2 a mistake in the command or the configuration, one line for each.",
    ]
    for name, text in _helps(_context(cli, "vpp-bridge", None)):
        lines += ["", f"## {name}", "", "```", text, "```"]
    return "\n".join(lines) + "\n"


def _context(command: click.Command, name: str, parent: click.Context | None) -> click.Context:
    settings = {"terminal_width": WIDTH, "max_content_width": WIDTH}
    return click.Context(command, parent, info_name=name, **command.context_settings, **settings)


def _helps(context: click.Context) -> Iterator[tuple[str, str]]:
    """A command's full name and help, then those of the commands below it."""
    yield context.command_path, context.get_help()
    group = context.command
    if isinstance(group, click.Group):
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is not None and not command.hidden:
                yield from _helps(_context(command, name, context))


def pages() -> dict[str, str]:
    """The content of each page by its file's name."""
    return {
        "reasons.md": f"{reasons.as_markdown()}\n{of_users.as_markdown()}",
        "answers.md": answers.as_markdown(),
        "commands.md": commands(),
        "metrics.md": metrics.as_markdown(),
        "notifications.md": notifications.as_markdown(),
        "alerts.md": alerts.as_markdown(),
        "drift.md": drift.as_markdown(),
        "api.md": reference.as_markdown(ENDPOINTS),
    }


if __name__ == "__main__":
    for name, text in pages().items():
        (DOCS / name).write_text(text)
