"""The bridge's own program, whose processes die where they are told to.

`python -m tests.soak.mortal --config FILE serve`. An order is the file `order` beside the
configuration (`Order`); whoever comes to its point takes it away, and is killed there by SIGKILL.
"""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from bridge import cli
from bridge.serving import processes

PROGRAM = (sys.executable, "-m", "tests.soak.mortal")

CALL_POINTS = ("claimed", "sending", "answered", "settling", "settled")
"""Of a call to the outside: it is claimed and nothing was sent; a moment after it began; its answer
is read and nothing of it is stored; what it said is written and not committed; it is committed."""
HOOK_POINTS = ("arrived", "stored")
"""Of a message: nothing of it is stored; it is, and nobody was told."""
COMMIT = "commit"
"""Any transaction of the database, just before it is committed."""


@dataclass(frozen=True)
class Order:
    """Where to die: at a point, of a call of this kind (any, where it is empty), after so many of
    those were passed over.

    Either `all` of the group die, or the one process that comes there. `delay` is the seconds from
    when a call begins to be sent. `number` tells orders apart.
    """

    point: str
    kind: str = ""
    skip: int = 0
    all: bool = True
    delay: float = 0.0
    number: int = 0

    def give(self, folder: Path) -> None:
        """Let the bridge in `folder` have it."""
        (folder / "struck").unlink(missing_ok=True)
        new = folder / "order.new"
        new.write_text(json.dumps(asdict(self)))
        new.rename(folder / "order")

    @staticmethod
    def struck(folder: Path) -> str:
        """The kind of call in which the last order was obeyed; empty where it was in none."""
        return (folder / "struck").read_text()

    @staticmethod
    def take_back(folder: Path) -> bool:
        """Whether nobody had taken it yet."""
        with suppress(FileNotFoundError):
            (folder / "order").unlink()
            return True
        return False


def main() -> int:
    """`serve` with this program for its children, or one of the children, armed."""
    parser = ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("command")
    asked, _ = parser.parse_known_args()
    if asked.command == "serve":
        return processes.serve(asked.config, PROGRAM, asked.log_level)
    from tests.soak.fate import Fate, arm  # noqa: PLC0415 - of no use to the supervisor

    arm(Fate(asked.config.parent))
    cli.main()
    return 0


if __name__ == "__main__":
    sys.exit(main())
