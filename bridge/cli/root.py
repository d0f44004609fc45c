"""The group that all commands hang on: options of all of them, errors, exit codes.

Which commands there are is said in `bridge.cli.commands`. They return their exit code; None is 0.
"""

from __future__ import annotations

import gc
import os
import pwd
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from bridge.cli.commands import (
    COMMANDS,
    EXAMPLES,
    HIDDEN,
    NOTHING,
    ON_NO_DATABASE,
    SETTINGS,
    STORED,
    Command,
    Needs,
    OnNoDatabase,
)
from bridge.domain.audit import Actor
from bridge.errors import (
    BridgeError,
    ConfigError,
    NoDatabase,
    StoreAway,
    StoreDamaged,
    StoreGone,
    StorePutBack,
    StoreRefused,
    UnknownName,
    WishError,
)
from bridge.logs import LEVELS, Level, redact, setup_logging

if TYPE_CHECKING:
    from bridge.app import Bridge
    from bridge.cli.stored import Stored
    from bridge.config import Config
    from bridge.engine.client_pool import Transports
    from bridge.engine.insight.doctor.finding import Ask

BAD_NEWS = 1
USAGE = 2
INTERRUPTED = 130
"""How a shell reports a program that Ctrl-C ended: 128 and the number of SIGINT."""

_LONGEST_NAME = 64

_LEVEL = "BRIDGE_LOG_LEVEL"


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for every command; all but the path is replaced by tests."""

    config_path: Path = Path("config.yaml")
    log_level: Level = "info"
    transports: Transports | None = None
    clock: Callable[[], float] = field(default=time.time)
    sleep: Callable[[float], object] = field(default=time.sleep)
    ask: Ask | None = None
    needs: Needs = STORED
    looks: Needs = ()
    database: OnNoDatabase = "makes"
    _read: dict[tuple[Needs, Needs], Config] = field(
        default_factory=dict, repr=False, compare=False
    )

    def config(self) -> Config:
        """The configuration, as far as the command needs it, read once; raises ConfigError."""
        if (self.needs, self.looks) not in self._read:
            load_config = import_module("bridge.config").load_config
            config: Config = load_config(self.config_path, os.environ, self.needs, self.looks)
            self._read[self.needs, self.looks] = config
        return self._read[self.needs, self.looks]

    def stored(self) -> Config:
        """The configuration of a command that needs a database.

        Raises ConfigError, NoDatabase, and StoreGone where there was one.
        """
        config = self.config()
        database = import_module("bridge.store.database").database_at(config.database)
        with closing(database):
            if database.is_missing():
                raise NoDatabase(config.database)
        return config

    @contextmanager
    def open_stored(self) -> Iterator[Stored]:
        """What is stored, to be looked at; raises ConfigError or StoreError."""
        stored: Stored = import_module("bridge.cli.stored").Stored(self.config(), self.clock)
        try:
            if stored.database.is_missing():
                raise NoDatabase(stored.config.database)
            stored.database.open()
            yield stored
        finally:
            stored.database.close()

    def restart_needed(self, bridge: Bridge | Stored) -> list[str]:
        """The parts of the file that the running engine was not started with.

        A command that does not need the keys compares them only where they can be read.
        """
        if not bridge.engine_lock.held():
            return []
        config_package = import_module("bridge.config")
        try:
            config: Config = config_package.load_config(self.config_path, os.environ, SETTINGS)
        except ConfigError:
            return bridge.restart_needed(bridge.config, with_keys=False)
        return bridge.restart_needed(config)

    @contextmanager
    def open_bridge(self) -> Iterator[Bridge]:
        """A bridge on the configured database; raises ConfigError or StoreError.

        Where there is none, `database` says what becomes of that.
        """
        config = self.config()
        make: type[Bridge] = import_module("bridge.app").Bridge
        with ExitStack() as stack:
            bridge = make(config, self.clock, whoever())
            stack.callback(bridge.close)
            if self.database != "makes" and bridge.database.is_missing():
                if self.database == "needs":
                    raise NoDatabase(config.database)
                temporary = import_module("tempfile").TemporaryDirectory()
                scratch = Path(stack.enter_context(temporary))
                config = replace(config, database=scratch / "scratch.db")
                bridge = make(config, self.clock, whoever())
                stack.callback(bridge.close)
            yield bridge.open()


def whoever() -> Actor:
    """Who is at the command line, and what they call.

    The system says who it is, by a number where it has no name; the environment could say anything,
    and tells only who became root by sudo.
    """
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    told = os.environ.get("SUDO_USER", "") if os.getuid() == 0 else ""
    sudo_user = "".join(filter(str.isprintable, told))[:_LONGEST_NAME]
    context = click.get_current_context(silent=True)
    via = "vpp-bridge" if context is None else context.command_path
    return Actor("user", name, via, sudo_user=sudo_user or None)


class Root(click.Group):
    """Finds commands when they are used, and turns every foreseen error into a line."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names of the commands that are shown, in the order in which they are shown."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        known = COMMANDS.get(cmd_name) or HIDDEN.get(cmd_name)
        if known is None:
            return None
        module, _, attribute = known.place.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        if cmd_name in EXAMPLES:
            command.epilog = f"Example: vpp-bridge {EXAMPLES[cmd_name]}"
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """A command by its name; of an unknown one, which is near."""
        is_unknown = self.get_command(ctx, args[0]) is None and not args[0].startswith("-")
        if is_unknown and not ctx.resilient_parsing:
            near = import_module("bridge.domain.wording").nearest(args[0], list(COMMANDS))
            ctx.fail(f"No such command {args[0]!r}{near}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of commands, without importing any of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.summary) for name, command in COMMANDS.items()])

    def main(self, args: Sequence[str] | None = None, **options: Any) -> Any:  # type: ignore[override]
        """Run a command and exit: 0 ok, 1 bad news, 2 a mistake in the call or the file."""
        options["standalone_mode"] = False
        try:
            code = super().main(args, **options)
        except click.exceptions.NoArgsIsHelpError as error:
            error.show()
            raise SystemExit(USAGE) from None
        except click.ClickException as error:
            _say(_usage(error))
            raise SystemExit(error.exit_code) from None
        except click.Abort:
            raise SystemExit(INTERRUPTED) from None
        except ConfigError as error:
            for mistake in error.mistakes:
                _say(mistake)
            raise SystemExit(USAGE) from None
        except (StoreGone, StoreDamaged, StoreAway, StorePutBack, StoreRefused) as error:
            _say(f"vpp-bridge: {error}; {error.mend}")
            raise SystemExit(BAD_NEWS) from None
        except BridgeError as error:
            _say(f"vpp-bridge: {error}")
            is_usage = isinstance(error, WishError | UnknownName | NoDatabase)
            raise SystemExit(USAGE if is_usage else BAD_NEWS) from None
        raise SystemExit(code or 0)


def _usage(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    program = context.command_path if context else "vpp-bridge"
    hint = f"; see {program} --help" if context else ""
    return f"{program}: {error.format_message().rstrip('.')}{hint}"


def _say(text: str) -> None:
    click.echo(redact(" ".join(text.split())), err=True)


def _version(ctx: click.Context, _option: click.Parameter, asked: bool) -> None:
    if asked and not ctx.resilient_parsing:
        from importlib import metadata  # noqa: PLC0415 - 25 ms that no other command needs

        try:
            version = metadata.version("micromdm-vpp-bridge")
        except metadata.PackageNotFoundError:  # run from a checkout
            version = "unknown"
        click.echo(f"vpp-bridge {version}")
        ctx.exit()


class _LevelWord(click.Choice[Level]):
    """A level of the log, in any case of letters."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """What is wrong, and where if it is the environment: click names the option alone."""
        where = f" (in {_LEVEL})" if value == os.environ.get(_LEVEL) else ""
        return f"{value!r}{where} is unknown; write debug, info, warning or error"


@click.group(cls=Root, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    "config_path",
    metavar="FILE",
    type=click.Path(path_type=Path),
    envvar="BRIDGE_CONFIG",
    default="config.yaml",
    help="The configuration; otherwise $BRIDGE_CONFIG, otherwise ./config.yaml.",
)
@click.option(
    "--log-level",
    type=_LevelWord(LEVELS, case_sensitive=False),
    envvar=_LEVEL,
    default="info",
    metavar="LEVEL",
    help="How much serve logs: debug, info, warning or error; otherwise $BRIDGE_LOG_LEVEL, "
    "otherwise info. With this option every other command logs to standard error, too.",
)
@click.option(
    "--version",
    is_flag=True,
    expose_value=False,
    is_eager=True,
    callback=_version,
    help="Show the version and exit.",
)
@click.pass_context
def cli(ctx: click.Context, config_path: Path, log_level: Level) -> None:
    """Assigns App Store licences to managed Apple devices and installs the apps through MicroMDM.

    Exit codes: 0 ok, 1 bad news, 2 a mistake in the command or the configuration.
    """
    if not gc.isenabled():
        gc.freeze()  # modules are never garbage, and need not be looked through
        gc.enable()
    if ctx.get_parameter_source("log_level") is ParameterSource.COMMANDLINE:
        setup_logging(os.environ, log_level)
    name = ctx.invoked_subcommand or ""
    command = COMMANDS.get(name) or HIDDEN.get(name) or Command("", "", NOTHING)
    ctx.obj = replace(
        ctx.obj or Settings(),
        config_path=config_path,
        log_level=log_level,
        needs=command.needs,
        looks=command.looks,
        database=ON_NO_DATABASE.get(name, "needs"),
        _read={},
    )
