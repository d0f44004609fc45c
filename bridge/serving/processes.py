"""`serve`: a supervisor with two children, the web side and the engine, in one process group; or,
where they run on machines of their own, with one of them.

The supervisor holds the listening sockets, so connections wait, and are not refused, while a web
side that died is started again. Each child's standard input is a pipe from the supervisor: when
that ends, the child ends.
"""

from __future__ import annotations

import errno
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bridge.config import SETTINGS, WANTED, Config, load_config
from bridge.config.settings import changed
from bridge.domain.wording import counted
from bridge.engine.wake import ring
from bridge.errors import BridgeError, ConfigError, EngineRuns, StoreError, StoreLost
from bridge.logs import Level, setup_logging
from bridge.serving import lifeline
from bridge.serving.supervisor import (
    EXIT_AGAIN,
    EXIT_FOR_GOOD,
    EXIT_LOCKED,
    Child,
    Supervisor,
    listen,
    supervisor_signals,
)
from bridge.store.database import Where, database_at

if TYPE_CHECKING:  # the supervisor and the engine do without Flask and gunicorn
    from bridge.web import Bridge

log = logging.getLogger(__name__)

ServeRole = Literal["web", "engine"]
"""What a `serve` does that does not do all."""

_ONE_MACHINE = (
    "serve --role {role} is for a bridge of several processes on PostgreSQL, and database: is the "
    "file {path}, which serves one machine: run vpp-bridge serve without --role, or set database: "
    "to a postgresql:// URL"
)

PROGRAM = (sys.executable, "-m", "bridge")
_STDIN = 0


def serve(
    config_path: Path,
    program: Sequence[str] = PROGRAM,
    level: Level = "info",
    role: ServeRole | None = None,
) -> int:
    """Run the web side and the engine until SIGTERM or SIGINT, or one of both alone, as its `role`
    says; the exit code.

    0 after a signal; 1 when a port or the database stays taken, when there was a database and is
    none, or when a child cannot start, with one line on standard error. `program` is the command
    line before `--config`, `level` that of the log of all processes. Raises ConfigError, also for a
    file without servers, locations or an API key, and for a `role` where the database is a file.
    Mistakes in groups and apps are warned of and no more: what is wanted comes from the database.
    """
    setup_logging(os.environ, level)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # until there is a supervisor to say so
    config = load_config(config_path, os.environ, SETTINGS, WANTED)
    if not (config.servers or config.locations):
        config.require("servers", "locations")  # there would be nothing to do
    if role is not None and isinstance(config.database, Path):
        raise ConfigError([_ONE_MACHINE.format(role=role, path=config.database)])
    for warning in (*config.warnings, *config.absent("servers", "locations", "api")):
        log.warning("%s", warning)
    if config.mistakes:
        log.warning("%s", _mistaken(config.mistakes))
    with supervisor_signals() as signals, ExitStack() as stack:
        listeners = []
        for key, address in _addresses(config) if role != "engine" else ():
            try:
                listener = listen(address, signals)
            except OSError as error:
                log.error("%s", _why_not_listening(key, address, error))
                return 1
            if listener is None:
                return 0
            listeners.append(stack.enter_context(listener))
        command = (*program, "--log-level", level, "--config", str(config_path))
        try:
            _keep_in_use(config.database, stack)
        except StoreLost as error:
            log.error("%s; %s", error, error.mend)
            return 1
        fds = tuple(listener.fileno() for listener in listeners)
        web = ("serve-web", *(word for fd in fds for word in ("--fd", str(fd))))
        children: tuple[Child, ...]
        if role == "engine":
            children = (Child("engine", (*command, "serve-engine", "--shares")),)
        elif role == "web":
            children = (Child("web", (*command, *web, "--engine-elsewhere"), fds),)
        else:
            heard, rung = _bell(stack)
            children = (
                Child("engine", (*command, "serve-engine", "--bell", str(heard)), (heard,)),
                Child("web", (*command, *web, "--bell", str(rung)), (*fds, rung)),
            )
        hang_up = partial(_hang_up, config)
        return Supervisor(children, listeners, signals, hang_up=hang_up).run()


def _bell(stack: ExitStack) -> tuple[int, int]:
    """The two ends of the pipe by which the web side tells the engine that it has stored something;
    ours stay open, so that a child that is started again has the same."""
    ends = os.pipe()
    for end in ends:
        os.set_blocking(end, False)
        stack.callback(os.close, end)
    return ends


def _keep_in_use(database: Where, stack: ExitStack) -> None:
    """Neither child, started again, takes another file for the database that we began with.

    Where it cannot be used, the children say so. Raises StoreLost where there was one.
    """
    try:
        stack.enter_context(database_at(database).in_use())
    except StoreLost:
        raise
    except (OSError, StoreError) as error:
        log.debug("the database cannot be used yet: %s", error)


def _addresses(config: Config) -> Iterator[tuple[str, tuple[str, int]]]:
    """Where to listen, by the key that says so; the one that serves all comes first."""
    yield "listen", config.listen
    if config.listen_outside is not None:
        yield "listen_outside", config.listen_outside


def run_web_child(
    config_path: Path,
    listen_fds: Sequence[int],
    open_bridge: Callable[[Config], Bridge],
    level: Level = "info",
    bell: int | None = None,
) -> int:
    """The hidden command `serve-web`: gunicorn on the sockets that the supervisor opened.

    The engine listens to the other end of the pipe `bell`. Also ends with SystemExit, as `run_web`:
    with EXIT_FOR_GOOD where no start anew mends what keeps the bridge from being opened.
    """
    setup_logging(os.environ, level)
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    lifeline.watch(_STDIN)
    config = load_config(config_path, os.environ, SETTINGS)
    parent = lifeline.Lifeline()
    from bridge.web.server import run_web  # noqa: PLC0415 - as above

    run_web(
        lambda: open_bridge(config),
        [socket.socket(fileno=fd) for fd in listen_fds],
        after_fork=lambda: lifeline.watch(_STDIN, parent.child_end()),
        stored=(lambda: ring(bell)) if bell is not None else None,
    )
    return 0


def run_engine_child(
    config_path: Path,
    run_engine: Callable[[Config, threading.Event], None],
    level: Level = "info",
) -> int:
    """The hidden command `serve-engine`: `run_engine(config, stop)` until SIGTERM sets `stop`.

    0 when it returns, EXIT_LOCKED when another engine has the database, EXIT_AGAIN when the
    database cannot be used now (full, locked) and may be later, EXIT_FOR_GOOD for what no start
    anew mends, each logged in one line; 1 for a mistake of ours.
    """
    setup_logging(os.environ, level)
    stop = _event_at_sigterm()  # first: only threads started after it leave SIGTERM to it
    lifeline.watch(_STDIN)
    try:
        run_engine(load_config(config_path, os.environ, SETTINGS), stop)
    except EngineRuns as error:
        log.error("%s", error)
        return EXIT_LOCKED
    except StoreError as error:
        log.error("the engine cannot go on: %s; %s", error, error.mend)
        return EXIT_AGAIN if error.may_retry else EXIT_FOR_GOOD
    except BridgeError as error:
        log.error("the engine cannot go on: %s", error)
        return EXIT_FOR_GOOD
    except Exception:
        log.exception("the engine failed")
        return 1
    return 0


def _hang_up(config: Config) -> None:
    """Say what a restart would change; the file is read at a start only."""
    try:
        parts = changed(config, load_config(config.path, os.environ, SETTINGS))
    except ConfigError as error:
        log.warning("SIGHUP is ignored, and the file could not be read: %s", error.mistakes[0])
        return
    if parts:
        text = "SIGHUP is ignored; since the start these changed: %s; restart vpp-bridge serve"
        log.warning(text, ", ".join(parts))
    else:
        log.warning("SIGHUP is ignored; the settings are as they were at the start")


def _mistaken(mistakes: Sequence[str]) -> str:
    more = f", and {counted(len(mistakes) - 1, 'more mistake')}" if len(mistakes) > 1 else ""
    return (
        f"{mistakes[0]}{more}; the bridge goes on with the groups and apps that were applied last"
    )


def _why_not_listening(key: str, address: tuple[str, int], error: OSError) -> str:
    host, port = address
    where = f"{f'[{host}]' if ':' in host else host}:{port}"
    if error.errno == errno.EADDRINUSE:
        return f"{where} is in use: stop what listens there, or set {key}: to another port"
    return f"cannot listen on {where}: {error.strerror or error}; mend {key}:"


def _event_at_sigterm() -> threading.Event:
    """An event that SIGTERM sets, from a thread: in a handler `set` can meet the event's own lock.

    SIGINT from a terminal goes to the whole group; the supervisor alone acts on it.
    """
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})

    def wait() -> None:
        signal.sigwait({signal.SIGTERM})
        stop.set()

    threading.Thread(target=wait, name="sigterm", daemon=True).start()
    return stop
