"""Where a file, and the files that it names, write a device's serial number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

_SECRET = re.compile("key|token|secret|password|dsn|://|configuration", re.IGNORECASE)
_LONGEST = 160
_OTHER_FILES = re.compile(r"""\b(?:serials_file|users_file):\s*["']?([^"'#,}\s]+)""")


@dataclass(frozen=True, slots=True)
class NamingLine:
    """A line that names a device, with the text that it is to have, or where that is long or may
    hold a secret only what is to stand there instead; lines count from 1."""

    file: str
    line: int
    text: str


def lines_naming(path: Path, old: str, new: str) -> list[NamingLine]:
    """The lines that name `old` in a configuration, its `serials_file`s and its `users_file`, with
    `new` in its place. A file that cannot be read names nobody."""
    text = _text(path)
    others = [path.parent / name for name in dict.fromkeys(_OTHER_FILES.findall(text))]
    return [line for each in (path, *others) for line in _of(each, _text(each), old, new)]


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def _of(path: Path, text: str, old: str, new: str) -> list[NamingLine]:
    named = re.compile(rf"(?<![A-Za-z0-9-]){re.escape(old)}(?![A-Za-z0-9-])", re.IGNORECASE)
    return [
        NamingLine(str(path), number, _shown(line, named.sub(new, line).strip(), f"{old} -> {new}"))
        for number, line in enumerate(text.splitlines(), start=1)
        if named.search(line.partition("#")[0])
    ]


def _shown(line: str, text: str, short: str) -> str:
    return short if len(text) > _LONGEST or _SECRET.search(line) else text
