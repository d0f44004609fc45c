"""The bridge's own program, but what is old is looked for every few seconds and not once an hour.

So minutes show whether the disk holds more and more. `python -m tests.soak.forgetful …`
"""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from pathlib import Path

from bridge import cli
from bridge.serving import processes

PROGRAM = (sys.executable, "-m", "tests.soak.forgetful")
EVERY = 10.0


def main() -> int:
    """`serve` with this program for its children, or one of the children."""
    parser = ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("command")
    asked, _ = parser.parse_known_args()
    if asked.command == "serve":
        return processes.serve(asked.config, PROGRAM, asked.log_level)
    from bridge.engine.upkeep import pruning  # noqa: PLC0415 - of no use to the supervisor

    pruning.EVERY = EVERY
    cli.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
