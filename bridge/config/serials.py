"""Files with one serial number per line."""

from __future__ import annotations

import re
from errno import EINVAL

from bridge.config import values
from bridge.config.read import Reader, Spot, tidy
from bridge.errors import ConfigError

_LINE_END = re.compile(r"\r\n|\r|\n")


def read_serials(reader: Reader, spot: Spot) -> tuple[str, ...]:
    """The serial numbers in the file that `spot` names, relative to the configuration file.

    One on each line; blank lines and what follows a # are left out. Every bad line is a mistake
    with that file's name and line. A file without any serial number is warned about, no mistake:
    whether its devices really lose their apps is decided when it is applied.
    """
    path = reader.beside(spot)
    if path is None:
        return ()
    try:
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a plain file")  # a pipe would be waited for
        text = path.read_bytes().decode("utf-8-sig")
    except (OSError, ValueError) as error:
        reader.wrong(spot, _unreadable(spot, error))
        return ()
    found = []
    for number, line in enumerate(_LINE_END.split(text), start=1):
        word = line.partition("#")[0].strip()
        if not word:
            continue
        try:
            found.append(values.listed_serial_number(word))
        except ConfigError as error:
            reader.wrong_in(path, number, spot, f'"{tidy(word)}" {error}')
    if not found:
        reader.warn(spot, f"{spot.shown} names no serial number, so nobody is in the group by it")
    return tuple(found)


def _unreadable(spot: Spot, error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        line = error.object[: error.start].count(b"\n") + 1
        return f"{spot.shown} is not UTF-8 (line {line}); save it as UTF-8 text"
    why = error.strerror if isinstance(error, OSError) else "no such path"
    return f"{spot.shown} cannot be read ({why}); write the path of a file with serial numbers"
