"""Files of other tools, which a person names: read whole, and never trusted."""

from __future__ import annotations

from errno import EINVAL
from pathlib import Path

import yaml

from bridge.errors import ImportRefused

LARGEST = 16 * 1024 * 1024
"""Bytes of a file that is read."""


def read_text(path: Path) -> str:
    """A file of text in UTF-8, with or without a mark, or in UTF-16 with one, as spreadsheets
    write it. Raises ImportRefused with a sentence that names the file."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a plain file")  # a pipe would be waited for
        if path.stat().st_size > LARGEST:
            raise ImportRefused(f"{path} is larger than {LARGEST} bytes")
        content = path.read_bytes()
        marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        return content.decode("utf-16" if marked else "utf-8-sig")
    except OSError as error:
        raise ImportRefused(f"{path} cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise ImportRefused(f"{path} is not UTF-8: save it as UTF-8 text") from error


def read_yaml(path: Path) -> object:
    """A file of YAML. Raises ImportRefused."""
    try:
        return yaml.safe_load(read_text(path))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise ImportRefused(f"{path} is no YAML{line}") from error
