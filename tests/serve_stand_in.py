"""A program with the three commands that `serve` is made of, over a bridge that does nothing.

`python -m tests.serve_stand_in --config FILE serve|serve-web|serve-engine`. What the engine does
is told by STAND_IN_ENGINE: `work`, `lock` (as the real one does), `fail` or `deaf` to SIGTERM.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from bridge.config import Config
from bridge.errors import StoreError
from bridge.serving.processes import run_engine_child, run_web_child, serve
from bridge.store.file.engine_lock import EngineLock

if TYPE_CHECKING:
    from tests.web_stand_in import StandIn

PROGRAM = (sys.executable, "-m", "tests.serve_stand_in")

TOKEN = Path(__file__).parent / "samples" / "content-token.vpptoken"
CONFIG = """\
database: bridge.db
listen: {listen}
api: {{key: k}}
servers: {{main: {{url: "http://127.0.0.1:9", api_key: a, webhook_key: w}}}}
locations: {{hq: {{content_token_file: hq.vpptoken}}}}
apple: {{url: "http://127.0.0.1:9"}}
"""
"""All that `serve` asks for; nobody answers at the addresses."""


def write_config(path: Path, listen: str, more: str = "") -> None:
    """Write a configuration with which `serve` starts, and its content token beside it."""
    token = path.parent / "hq.vpptoken"
    for file, text in ((path, CONFIG.format(listen=listen) + more), (token, TOKEN.read_text())):
        file.touch(mode=0o600)
        file.write_text(text)


def open_bridge(config: Config) -> StandIn:
    if os.environ.get("STAND_IN_WEB") == "fail":
        raise StoreError("the stand-in's database cannot be opened")
    from tests.web_stand_in import StandIn  # noqa: PLC0415 - of no use to its other processes

    return StandIn(config)


def run_engine(config: Config, stop: threading.Event) -> None:
    conduct = os.environ.get("STAND_IN_ENGINE", "work")
    if conduct == "fail":
        raise ValueError("a mistake")
    lock = EngineLock(config.database)
    if conduct == "lock":
        lock.acquire(0.5)
    logging.getLogger("bridge.engine").info("the engine works")
    stop.wait()
    lock.release()
    if conduct == "deaf":
        time.sleep(60)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--config", type=Path, required=True)
    parser.add_argument("--log-level", default="info")
    parser.add_argument("command")
    parser.add_argument("--fd", type=int, action="append")
    parser.add_argument("--bell", type=int)
    arguments = parser.parse_args()
    if arguments.command == "serve-web":
        return run_web_child(arguments.config, arguments.fd, open_bridge, arguments.log_level)
    if arguments.command == "serve-engine":
        return run_engine_child(arguments.config, run_engine, arguments.log_level)
    return serve(arguments.config, PROGRAM, arguments.log_level)


if __name__ == "__main__":
    sys.exit(main())
