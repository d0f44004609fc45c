"""Keys and passwords: written in place, or as `NAME_file` in a file of their own."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bridge.config.read import Reader, Spot
from bridge.domain.database_url import holds_password

FILE = "_file"
_OPEN = "can be read by everyone on this machine; chmod 600"


@dataclass(frozen=True, slots=True)
class Key:
    """One key and where the configuration names it."""

    spot: Spot
    text: str = field(repr=False)


class KeyReader:
    """Reads keys; no sentence of its mistakes and warnings ever holds one."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._literal: Spot | None = None

    def read(
        self, found: Mapping[str, Spot], name: str, *, several: bool = False
    ) -> tuple[Key, ...]:
        """The keys under `name` or `name_file` of a section; more than one only if `several`."""
        plain, file = found.get(name), found.get(name + FILE)
        if plain is not None and file is not None:
            self._reader.wrong(file, f"given beside {name}; keep one of the two")
            return ()
        spot, read = (file, self._from_file) if plain is None else (plain, self._in_place)
        if spot is None:
            return ()
        spots = self._reader.items(spot) if several and spot.is_list else [spot]
        if not spots:
            self._reader.wrong(spot, "is empty; write at least one key")
        return tuple(Key(one, text) for one in spots if (text := read(one)) is not None)

    def warn_if_open(self) -> None:
        """Warn once if the configuration file holds keys in place and everyone can read it."""
        if self._literal is not None and is_world_readable(self._reader.path):
            self._reader.warn(
                self._literal, f"is written in a file that {_OPEN} {self._reader.path}"
            )

    def warn_if_file_open(self, spot: Spot, path: Path) -> None:
        """Warn if everyone can read the secret file at `path`; raises OSError without one."""
        if is_world_readable(path):
            self._reader.warn(spot, f"the file {_OPEN} {path}")

    def _in_place(self, spot: Spot) -> str | None:
        secret = spot.key != "database" or holds_password(spot.node.value)
        if self._literal is None and secret and not spot.variable and "${" not in spot.node.value:
            self._literal = spot
        return self._reader.text(spot)

    def _from_file(self, spot: Spot) -> str | None:
        name = self._reader.text(spot)
        if name is None:
            return None
        path = self._reader.path.parent / name
        try:
            text = path.read_bytes().decode()
            self.warn_if_file_open(spot, path)
        except OSError as error:
            self._reader.wrong(
                spot, f"{spot.shown} cannot be read ({error.strerror}); mend the path"
            )
            return None
        except UnicodeDecodeError:
            self._reader.wrong(spot, "the file is not text in UTF-8; write the key into it again")
            return None
        text = text.removesuffix("\n").removesuffix("\r")
        if not text.strip():
            self._reader.wrong(spot, "the file is empty; write the key into it")
        elif not text.isprintable():
            self._reader.wrong(spot, "the file must hold the key alone, on one line")
        else:
            return text
        return None


def is_world_readable(path: Path) -> bool:
    """Whether every user of this machine may read the file."""
    return bool(path.stat().st_mode & stat.S_IROTH)
