"""Apps and devices by what people call them.

An app is named by its adam id, its name or its bundle id, a device by its serial number or its
name, wherever that means one alone. What is written like an id and known as one is never looked
for as a name; without a database there are ids only.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from typing import Any

import click
from click.shell_completion import CompletionItem

from bridge.cli.commands import STORED
from bridge.cli.root import Settings
from bridge.config import values
from bridge.domain.wording import named, nearest
from bridge.errors import BridgeError, ConfigError, NoDatabase
from bridge.store.database import Connection
from bridge.store.views import names
from bridge.store.views.names import Named

MOST = 100
"""What a shell is offered at most."""
SEARCHED = 20_000
"""Names of devices among which a near one is looked for."""


class _ById(click.ParamType[str], ABC):
    """An id that the configuration can read, or a name that the database knows."""

    def __init__(self, name: str, read: Callable[[str], str]) -> None:
        self.name = name
        self._read = read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The id, or a sentence on what is wrong with it."""
        text = str(value)
        why = ""
        try:
            found = self._read(text)
        except ConfigError as error:
            found, why = "", str(error)
        if found and self.is_certain(found):
            return found
        settings = ctx.find_object(Settings) if ctx is not None else None
        try:
            with _database(settings) as db:
                return self.look(db, text, found)
        except NoDatabase:
            return found or self.fail(f"{text!r} {why}", param, ctx)
        except ConfigError:
            if not found and settings is not None and settings.config_path.exists():
                raise  # it may be a name, which a file without mistakes would lead to
            return found or self.fail(f"{text!r} {why}", param, ctx)
        except LookupError as error:
            self.fail(f"{text!r} {error}", param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What begins so, by id or by name; the other stands beside it where a shell shows that."""
        settings = Settings(config_path=ctx.find_root().params["config_path"], needs=STORED)
        try:
            with _database(settings) as db:
                found = self.begun(db, incomplete)
        except BridgeError:  # a shell that completes nothing is better than one that shows errors
            return []
        return [CompletionItem(each.id, help=each.name) for each in found]

    @abstractmethod
    def is_certain(self, found: str) -> bool:
        """Whether what was read as an id can be nothing else."""

    @abstractmethod
    def look(self, db: Connection, text: str, found: str) -> str:
        """The id of what is named so; `found` is what it is as an id. Raises LookupError."""

    @abstractmethod
    def begun(self, db: Connection, begin: str) -> Sequence[Named]:
        """What begins so."""


class App(_ById):
    """An adam id, or the name or the bundle id of an app."""

    def is_certain(self, found: str) -> bool:
        """An app may be called 1942; the number counts."""
        return True

    def look(self, db: Connection, text: str, found: str) -> str:
        """Names are compared in any case of letters."""
        known = names.apps(db)
        return _only(
            text, [each for each in known if each.name.casefold() == text.casefold()], known
        )

    def begun(self, db: Connection, begin: str) -> Sequence[Named]:
        """By adam id, or by name in any case of letters."""
        some = {
            each.id: each
            for each in reversed(names.apps(db))
            if each.id.startswith(begin) or each.name.casefold().startswith(begin.casefold())
        }
        return sorted(some.values(), key=lambda each: each.id)[:MOST]


class Device(_ById):
    """A serial number, or the name of a device."""

    def is_certain(self, found: str) -> bool:
        """A device may be called like a serial number."""
        return False

    def look(self, db: Connection, text: str, found: str) -> str:
        """What is known as an id is one, and so is what nobody is called and reads like one."""
        if found and names.knows_device(db, text):
            return found
        several = names.devices(db, text)
        if found and not several:
            return found
        known = [] if several else [Named("", name) for name in names.device_names(db, SEARCHED)]
        return _only(text, several, known)

    def begun(self, db: Connection, begin: str) -> Sequence[Named]:
        """By serial number or by name."""
        return names.devices_beginning(db, begin, MOST)


class Known(click.ParamType[str]):
    """The name of a location, an MDM server, either (scope) or a group: completed here, and looked
    up by the command, which knows which of them it can do with."""

    def __init__(self, name: str) -> None:
        self.name = name

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """The name as it was given."""
        return str(value)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Those that begin so: what is configured, or for groups what was applied."""
        settings = Settings(config_path=ctx.find_root().params["config_path"], needs=STORED)
        try:
            known = self._known(settings)
        except BridgeError:  # as above
            return []
        return [CompletionItem(each) for each in sorted(known) if each.startswith(incomplete)][
            :MOST
        ]

    def _known(self, settings: Settings) -> Iterable[str]:
        if self.name == "group":
            from bridge.store.desired import applied  # noqa: PLC0415 - completion alone needs it

            with _database(settings) as db:
                return [each.name for each in applied.load(db).groups]
        config = settings.config()
        if self.name == "scope":
            return chain(config.locations, config.servers)
        return config.locations if self.name == "location" else config.servers


def _only(text: str, several: Sequence[Named], known: Sequence[Named]) -> str:
    found = sorted({each.id for each in several})
    if len(found) == 1:
        return found[0]
    if found:
        raise LookupError(f"is the name of several: write one of {named(found)}")
    ids = {each.name: f" ({each.id})" if each.id else "" for each in known}
    near = nearest(text, list(ids)) if ids else ""
    *_, word = near.rpartition("did you mean ")
    raise LookupError(f"is not known by name{near}{ids.get(word, '')}")


@contextmanager
def _database(settings: Settings | None) -> Iterator[Connection]:
    """What is stored, for a look; raises NoDatabase where there is none."""
    if settings is None:
        raise NoDatabase("the place of one")
    with settings.open_stored() as stored, stored.database.read() as db:
        yield db


SERIAL = Device("serial", values.device)
"""Or the enrolment id of a user enrolment: which of both, the database tells."""
ADAM_ID = App("adam_id", values.adam_id)
LOCATION = Known("location")
SERVER = Known("server")
SCOPE = Known("scope")
GROUP = Known("group")
