"""All doors, and how many of the inputs each gets."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.logs import LogfmtFormatter
from bridge.simulator.mdm.mdm import MdmSettings
from tests.flow.scene import Scene
from tests.soak.fuzz import readers, replies, served
from tests.soak.fuzz.run import Door, Tried, run, shares

WEIGHTS = {
    "property lists": 8,
    "content tokens": 6,
    "lists of enrolments": 4,
    "Apple's pages": 4,
    "replies of nanomdm": 3,
    "replies of micromdm": 3,
}
"""Of a million inputs, a share of 1 is more than 30,000."""


def doors(folder: Path) -> list[Door]:
    """All of them, with what they need below `folder`."""
    scenes = {}
    for kind in ("micromdm", "nanomdm"):
        (folder / kind).mkdir()
        settings = MdmSettings(kind=kind)  # type: ignore[arg-type]
        scenes[kind] = Scene(folder / kind, mdm=settings, devices=2, apps=2)
        scenes[kind].bridge.close()
    config = folder / "config"
    config.mkdir()
    return [
        readers.Plists(),
        readers.Tokens(),
        readers.Configurations(config),
        readers.Enrolments(),
        replies.apple(scenes["micromdm"]),
        *(replies.mdm(kind, scene) for kind, scene in scenes.items()),
        served.webhooks(folder / "webhooks"),
        served.notifications(folder / "notifications"),
        served.Api(folder / "api"),
    ]


def fuzz(inputs: int, seed: int, only: str = "", first: int = 0) -> Iterator[Tried]:
    """Give so many inputs to all doors whose names contain `only`, each its share."""
    with tempfile.TemporaryDirectory() as folder, _logs_to_nowhere():
        there = [door for door in doors(Path(folder)) if only in door.name]
        share = dict(shares([door.name for door in there], WEIGHTS, inputs))
        for door in there:
            try:
                yield run(door, share[door.name], seed, first)
            finally:
                door.close()


@contextmanager
def _logs_to_nowhere() -> Iterator[None]:
    """Every line of the log is made, and let go."""

    class Nowhere(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            self.format(record)

    handler = Nowhere()
    handler.setFormatter(LogfmtFormatter())
    root = logging.getLogger()
    before = root.level, list(root.handlers)
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.level, root.handlers = before
