"""One world after the other: what each broke, how long it took, and the short script of it."""

from __future__ import annotations

import importlib
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest import mock

from bridge.store.file import connection
from tests.soak.world import script
from tests.soak.world.deeds import WEIGHTS
from tests.soak.world.life import Life, by_chance_of
from tests.soak.world.promises import Broken, broken
from tests.soak.world.script import Script
from tests.soak.world.shrink import shrunk

for _name in ("at_apple", "at_devices", "at_servers", "at_the_bridge"):
    importlib.import_module(f"tests.soak.world.deeds.{_name}")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a script came to: promises broken, what happened in words, seconds of processor time,
    starts of the bridge, and commands and requests that reached the outside."""

    script: Script
    broken: tuple[Broken, ...]
    said: tuple[str, ...]
    seconds: float
    starts: int
    asked: int


def made(seed: int) -> Script:
    """The script of a seed."""
    return script.made(seed, WEIGHTS)


def run(played: Script) -> Outcome:
    """Play a script from its begin to its end."""
    began = time.process_time()
    with quietly(), by_chance_of(played.seed), TemporaryDirectory() as folder:
        life = Life(Path(folder), played)
        try:
            life.live()
            found = broken(life)
        except Exception as error:  # noqa: BLE001  # whatever it was, it broke the world
            where = traceback.extract_tb(error.__traceback__)[-1]
            found = [Broken(type(error).__name__, f"{error} ({where.name}, line {where.lineno})")]
        finally:
            life.bridge.database.close()
        requests = life.world.ledger.requests
        return Outcome(
            played,
            tuple(found),
            tuple(life.said),
            time.process_time() - began,
            life.starts,
            requests["mdm.command"] + requests["apple.associate"] + requests["apple.disassociate"],
        )


def shortest(outcome: Outcome) -> Outcome:
    """The same promise broken by as few events as can be found."""
    kind = outcome.broken[0].kind

    def fails(fewer: Script) -> bool:
        return any(each.kind == kind for each in run(fewer).broken)

    return run(shrunk(outcome.script, fails))


@contextmanager
def quietly() -> Iterator[None]:
    """Nothing is logged, and no commit waits for the disk: nobody cuts the power here."""
    relaxed = (*connection._PRAGMAS, "PRAGMA synchronous = OFF")
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        with mock.patch.object(connection, "_PRAGMAS", relaxed):
            yield
    finally:
        logging.disable(before)
