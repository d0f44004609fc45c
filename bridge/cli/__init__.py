"""The command line: `vpp-bridge [--config FILE] COMMAND`.

Every command lives in a module of its own, which is imported when the command is used: serving
needs no simulator, and asking for a status no web server.
"""

from __future__ import annotations

import gc
import io
import sys

from bridge.cli.root import cli

__all__ = ["cli", "main"]


def main() -> None:
    """The program `vpp-bridge`; ends by SystemExit with 0, 1 or 2."""
    gc.disable()  # until the command is loaded: what is made for that stays
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # names may not fit a terminal's character set
    cli(prog_name="vpp-bridge")
