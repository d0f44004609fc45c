"""YAML with line numbers: finds keys and texts, and collects everything that is wrong.

Only this module and `tree` know the YAML library. It never constructs objects from the file: it
walks the parsed nodes and keeps the literal text of every value, so that `0123`, `1_000` or `no`
stay what the person wrote.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

import yaml

from bridge.config.needs import EVERYTHING, Need, concerns
from bridge.errors import ConfigError

T = TypeVar("T")

TAG = "tag:yaml.org,2002:"
"""What the YAML library puts before the names of the standard types."""
_TEXT_TAGS = frozenset(TAG + t for t in ("str", "int", "float", "bool", "null", "timestamp"))
_VARIABLE = re.compile(r"\$\{([^}]*)(\}?)")
_VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_HARMLESS = re.compile(r"'(<.*>|.{1,2})'")
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Spot:
    """A value in the file: its dotted key, its line, its node.

    `variable` names the environment variable that the value came from instead of the file.
    """

    key: str
    line: int
    node: yaml.Node
    variable: str | None = None

    @property
    def is_null(self) -> bool:
        """Whether nothing (or an explicit null) stands here."""
        return self.node.tag == TAG + "null"

    @property
    def is_list(self) -> bool:
        """Whether a list stands here."""
        return isinstance(self.node, yaml.SequenceNode)

    @property
    def is_section(self) -> bool:
        """Whether keys stand under it."""
        return isinstance(self.node, yaml.MappingNode)

    @property
    def is_empty(self) -> bool:
        """Whether nothing, an empty list or an empty mapping stands here."""
        return self.is_null or (isinstance(self.node, yaml.CollectionNode) and not self.node.value)

    @property
    def entries(self) -> int:
        """How many keys or values stand under it, known ones or not."""
        return len(self.node.value) if isinstance(self.node, yaml.CollectionNode) else 0

    @property
    def written(self) -> str:
        """One value as the file has it, with its variables by name; nothing for a list or keys,
        which are never written out: they may be nested deeper than Python can follow."""
        return self.node.value if isinstance(self.node, yaml.ScalarNode) else ""

    @property
    def shown(self) -> str:
        """One value as the file has it, with its variables by name, fit for a message."""
        return f'"{tidy(self.node.value)}"'


@dataclass(frozen=True, slots=True)
class _Note:
    """A mistake or a warning: where, and the line for a person."""

    spot: Spot
    text: str


class Reader:
    """One pass over a configuration file. Mistakes are noted, and reading goes on."""

    def __init__(
        self, path: Path, environ: Mapping[str, str], root: yaml.Node | None = None
    ) -> None:
        """Parse the file, unless the parsed `root` is given; raises `ConfigError` with one line
        where that is impossible."""
        self.path = path
        self.environ = environ
        self.root = Spot("", 1, parse(path) if root is None else root)
        self._mistakes: list[_Note] = []
        self._warnings: list[_Note] = []

    def wrong(self, spot: Spot, sentence: str) -> None:
        """Note a mistake: what is wrong with the value at `spot`, and what to write."""
        source = f" (from the environment variable {spot.variable})" if spot.variable else ""
        self._mistakes.append(_Note(spot, self._line(spot, sentence + source)))

    def wrong_in(self, path: Path, line: int, spot: Spot, sentence: str) -> None:
        """Note a mistake in another file, which the value at `spot` names."""
        self._mistakes.append(_Note(spot, f"{path}:{line}: {spot.key}: {sentence}"))

    def both(self, first: Spot, second: Spot) -> str:
        """Where two values stand that do not go together."""
        return f"on lines {first.line} and {second.line}"

    def missing(self, owner: Spot, name: str, sentence: str) -> None:
        """Note that the mapping at `owner` lacks the key `name`.

        What is no mapping at all has been noted as such, and lacks nothing more.
        """
        if isinstance(owner.node, yaml.MappingNode) or owner.is_null:
            self.wrong(Spot(below(owner, name), owner.line, owner.node), f"missing; {sentence}")

    def warn(self, spot: Spot, sentence: str) -> None:
        """Note something that works and should still be mended."""
        self._warnings.append(_Note(spot, self._line(spot, sentence)))

    def _line(self, spot: Spot, sentence: str) -> str:
        return f"{self.path}:{spot.line}: {spot.key or 'the whole file'}: {sentence}"

    def stop_at_mistakes(self, needs: Collection[Need] = EVERYTHING) -> None:
        """Raise `ConfigError` with all mistakes that concern `needs`, if there are any."""
        if mistakes := self.mistakes(needs):
            raise ConfigError(mistakes)

    def warnings(self, needs: Collection[Need]) -> tuple[str, ...]:
        """A line for each warning that concerns `needs`, in the order of the file."""
        return _in_order(self._warnings, needs)

    def mistakes(self, needs: Collection[Need]) -> tuple[str, ...]:
        """A line for each mistake that concerns `needs`, in the order of the file."""
        return _in_order(self._mistakes, needs)

    def mistaken(self) -> frozenset[str]:
        """The keys at the top of the file under which there are mistakes."""
        return frozenset(note.spot.key.partition(".")[0] for note in self._mistakes)

    def mapping(self, spot: Spot | None) -> dict[str, Spot]:
        """The entries of a mapping; none where the key is absent or has nothing under it."""
        if spot is None or spot.is_null:
            return {}
        if not isinstance(spot.node, yaml.MappingNode):
            self.wrong(spot, "must have keys under it; write them as name: value")
            return {}
        found: dict[str, Spot] = {}
        for key_node, node in spot.node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, yaml.ScalarNode):
                self.wrong(Spot(spot.key, line, node), "has a key that is not a plain word")
                continue
            child = Spot(below(spot, key_node.value), line, node)
            first = found.setdefault(key_node.value, child)
            if first is not child:
                self.wrong(child, f"written twice, first on line {first.line}; keep one")
        return found

    def section(
        self, spot: Spot | None, known: Iterable[str], elsewhere: Mapping[str, str] | None = None
    ) -> dict[str, Spot]:
        """The entries of a mapping whose keys are fixed; of those that are written in another place
        `elsewhere` says where."""
        known = tuple(known)
        entries = self.mapping(spot)
        for name in [name for name in entries if name not in known]:
            child = entries.pop(name)
            told = (elsewhere or {}).get(name)
            self.wrong(child, told or f"unknown key; {nearest(name, known)}")
        return entries

    def items(self, spot: Spot) -> list[Spot]:
        """The entries of a list."""
        if spot.is_null:
            return []
        if not isinstance(spot.node, yaml.SequenceNode):
            self.wrong(spot, "must be a list; write it as [one, another]")
            return []
        return [
            Spot(below(spot, str(i)), node.start_mark.line + 1, node)
            for i, node in enumerate(spot.node.value)
        ]

    def text(self, spot: Spot) -> str | None:
        """The literal text of one value with its variables filled in; None after a mistake."""
        if not isinstance(spot.node, yaml.ScalarNode):
            self.wrong(spot, "must be one value, not a list or keys")
        elif spot.node.tag not in _TEXT_TAGS:
            self.wrong(spot, "has a YAML tag or a special sign; write the value in quotes")
        elif spot.is_null or not spot.node.value.strip():
            self.wrong(spot, "is empty; write a value or leave the key out")
        else:
            return self._checked(spot, spot.node.value)
        return None

    def _checked(self, spot: Spot, raw: str) -> str | None:
        filled = self.filled(spot, raw)
        if filled is not None and _CONTROL.search(filled):
            self.wrong(spot, "holds a line break or control character; write it on one line")
            return None
        return filled

    def filled(self, spot: Spot, raw: str) -> str | None:
        """`raw` of one value with its variables filled in; None after a mistake."""
        filled = raw if spot.variable else self._fill(spot, raw)
        if filled is None:
            return None
        try:
            # JSON writes a character beyond U+FFFF as two halves, which YAML does not join.
            return filled.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
        except UnicodeDecodeError:
            self.wrong(spot, "is not text in UTF-8; write it again")
            return None

    def _fill(self, spot: Spot, raw: str) -> str | None:
        names = _VARIABLE.findall(raw)
        if any(not (closed and _VARIABLE_NAME.fullmatch(name)) for name, closed in names):
            self.wrong(spot, "has a ${ that names no variable; write ${NAME}")
            return None
        unset = [name for name, _ in names if not self.environ.get(name)]
        for name in dict.fromkeys(unset):
            self.wrong(spot, f"the environment variable {name} is unset or empty; set it")
        return None if unset else _VARIABLE.sub(lambda m: self.environ[m[1]], raw)

    def beside(self, spot: Spot) -> Path | None:
        """The path that a value names, relative to the file; None after a mistake."""
        name = self.text(spot)
        return None if name is None else self.path.parent / name

    def value(self, spot: Spot, read: Callable[[str], T], *, show: bool = True) -> T | None:
        """One value through `read`, which raises `ConfigError` with the end of a sentence.

        With `show` the sentence begins with what the file says there (a variable by its name,
        never by its content). Returns None after a mistake.
        """
        text = self.text(spot)
        if text is None:
            return None
        try:
            return read(text)
        except ConfigError as error:
            self.wrong(spot, f"{spot.shown} {error}" if show else str(error))
            return None

    def values(self, spot: Spot, read: Callable[[str], T]) -> tuple[T, ...]:
        """A list of values through `read`; those with mistakes are left out."""
        found = (self.value(item, read) for item in self.items(spot))
        return tuple(value for value in found if value is not None)


def parse(path: Path) -> yaml.Node:
    """The file's root node, an empty mapping for an empty file."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise ConfigError(
            [f"{path}: no such file; name one with --config FILE or BRIDGE_CONFIG"]
        ) from None
    except OSError as error:
        raise ConfigError(
            [f"{path}: cannot be read ({error.strerror}); name a file with --config FILE"]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise ConfigError([f"{path}:{line}: not valid YAML: not UTF-8; save it as UTF-8"]) from None
    if text.lstrip().startswith("{"):
        # JSON may be indented with tabs, YAML may not.
        text = re.sub(r"^[ \t]+", lambda m: m[0].expandtabs(), text, flags=re.MULTILINE)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise ConfigError([_syntax(path, text, mark.line if mark else 0, error)]) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise ConfigError(
            [f"{path}:{line}: not valid YAML: a control character; remove it"]
        ) from None
    except RecursionError:
        raise ConfigError([f"{path}:1: not valid YAML: nested too deeply"]) from None
    return node if node is not None else yaml.MappingNode(TAG + "map", [])


def _syntax(path: Path, text: str, line: int, error: yaml.MarkedYAMLError) -> str:
    said = ", ".join(part for part in (error.context, error.problem) if part)
    # A word in quotes may be part of a password that was written without them.
    said = re.sub(r"'[^']*'", lambda m: m[0] if _HARMLESS.fullmatch(m[0]) else "(a word)", said)
    lines = text.splitlines()
    if "${" in (lines[line] if line < len(lines) else ""):
        hint = "inside { } or [ ] write ${…} in quotes"
    else:
        hint = "look at this line and the one before; quote values with special signs"
    return f"{path}:{line + 1}: not valid YAML: {said}; {hint}"


def scalar(key: str, line: int, text: str, variable: str) -> Spot:
    """A value that an environment variable gives in place of the file."""
    return Spot(key, line, yaml.ScalarNode(TAG + "str", text), variable)


def below(spot: Spot, name: str) -> str:
    """The dotted key of `name` below `spot`."""
    return f"{spot.key}.{tidy(name)}" if spot.key else tidy(name)


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence about an unknown name: the one probably meant, or all there are."""
    known = tuple(known)
    close = get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else _listed(known)


def tidy(text: str) -> str:
    """What the file says, short and on one line, to be shown in a message."""
    text = _CONTROL.sub("?", text.encode("utf-8", "replace").decode())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _listed(known: tuple[str, ...]) -> str:
    return f"known here: {', '.join(known)}" if known else "none is written in this file"


def _in_order(notes: list[_Note], needs: Collection[Need]) -> tuple[str, ...]:
    found = [note for note in notes if concerns(note.spot.key, needs)]
    return tuple(note.text for note in sorted(found, key=lambda note: note.spot.line))
