"""From rows to the objects that people and programs read: their members name the columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from types import MappingProxyType
from typing import Any, Generic, TypeVar, cast, get_args, get_type_hints

from bridge.domain.devices.targets import ENROLMENT, USER
from bridge.domain.times import rfc3339
from bridge.domain.views.members import Time
from bridge.store.database import Row

T = TypeVar("T")


def carrier(target: str) -> str:
    """The id of the device that carries a serial number now, or is the user enrolment that is
    meant, as SQL; `target` is the column of either."""
    newest = "ORDER BY coalesce(c.enrolled, 0) DESC, coalesce(c.enrolled_at, 0) DESC, c.id DESC"
    return (
        f"CASE WHEN {is_enrolment(target)} THEN (SELECT c.id FROM devices c "
        f"WHERE c.enrollment_id = {enrolment_id_of(target)} {newest} LIMIT 1) "
        f"ELSE (SELECT c.id FROM devices c WHERE c.serial_number = {target} {newest} LIMIT 1) END"
    )


def is_enrolment(target: str) -> str:
    """Whether a target is a user enrolment, as SQL."""
    return f"substr({target}, 1, {len(ENROLMENT)}) = '{ENROLMENT}'"


def enrolment_id_of(target: str) -> str:
    """The enrolment id of a target that is a user enrolment, as SQL."""
    return f"substr({target}, {len(ENROLMENT) + 1})"


def is_user(target: str) -> str:
    """Whether a target is a registered user, as SQL."""
    return f"substr({target}, 1, {len(USER)}) = '{USER}'"


def user_of(target: str) -> str:
    """The clientUserId of a target that is a user, as SQL."""
    return f"substr({target}, {len(USER) + 1})"


class View(Generic[T]):
    """One kind of object, `cls`, a typed dictionary: where its rows are, and how they are read.

    `source` is what follows FROM. Each member is the column of its name, `prefix` in front, save
    those that `columns` gives as SQL. Times become text, and 0 and 1 what the member's type says.
    """

    def __init__(
        self,
        cls: type[T],
        source: str,
        prefix: str = "",
        columns: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.cls = cls
        self.source = source
        self.prefix = prefix
        self.columns = columns

    @cached_property
    def selected(self) -> str:
        """What a SELECT names, in the order of the members."""
        return ", ".join(
            f"{self.columns.get(name, self.prefix + name)} AS {name}" for name in self._names
        )

    @property
    def query(self) -> str:
        """All of it, to be narrowed by WHERE."""
        return f"SELECT {self.selected} FROM {self.source}"

    def read(self, row: Row) -> T:
        """One row of `query`, ready for JSON; what else was selected comes after, and is left."""
        item: dict[str, Any] = dict(zip(self._names, row, strict=False))
        for name, convert in self._converted:
            item[name] = convert(item[name])
        return cast(T, item)

    @cached_property
    def _names(self) -> tuple[str, ...]:
        return tuple(get_type_hints(self.cls))

    @cached_property
    def _converted(self) -> tuple[tuple[str, Callable[[Any], Any]], ...]:
        hints = get_type_hints(self.cls, include_extras=True)
        found = ((name, _conversion(hint)) for name, hint in hints.items())
        return tuple((name, convert) for name, convert in found if convert is not None)


def _conversion(hint: Any) -> Callable[[Any], Any] | None:
    parts = _parts(hint)
    if bool in parts:
        return _bool
    return rfc3339 if _TIME in parts else None


def _parts(hint: Any) -> list[Any]:
    """All that a type consists of, and what is noted beside it."""
    found = [hint, *getattr(hint, "__metadata__", ())]
    for part in get_args(hint):
        found += _parts(part)
    return found


(_TIME,) = Time.__metadata__  # type: ignore[attr-defined]


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)
