"""A program that becomes `vpp-bridge` for each command line that it is told: most of the time that
a short command takes goes into importing, which is done here once.

It reads a line of JSON for each: {"arguments": [...], "terminal": PATH, "errors": PATH}. It says
when the command is about to begin on that terminal, and then how it ended.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import sys
from collections.abc import Sequence
from pathlib import Path

from bridge.cli.commands import COMMANDS


def main() -> None:
    for command in COMMANDS.values():
        importlib.import_module(command.place.partition(":")[0])
    for line in sys.stdin:
        asked = json.loads(line)
        terminal = os.open(asked["terminal"], os.O_RDWR | os.O_NOCTTY)
        _say("begins")
        child = os.fork()
        if child == 0:
            _become(asked["arguments"], terminal, Path(asked["errors"]))
            return
        os.close(terminal)
        _, status = os.waitpid(child, 0)
        _say(str(os.waitstatus_to_exitcode(status)))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _become(arguments: Sequence[str], terminal: int, errors: Path) -> None:
    """Be the command, with these for its input, output and errors, to the end of the process."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    told = os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for new, standard in enumerate((nothing, terminal, told)):
        os.dup2(standard, new)
        os.close(standard)
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - to the end of the process
    sys.stderr = open(2, "w", buffering=1, closefd=False)  # noqa: SIM115
    sys.argv = ["vpp-bridge", *arguments]
    runpy.run_module("bridge", run_name="__main__")


if __name__ == "__main__":
    main()
