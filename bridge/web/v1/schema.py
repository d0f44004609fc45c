"""Types as JSON Schema, made by msgspec: those of requests as those of answers.

The objects of answers are typed dictionaries of the domain (domain/views), which knows nothing of
msgspec: here their texts become descriptions.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache, reduce
from operator import or_
from types import UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    TypeAlias,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

import msgspec
from msgspec import UNSET, Meta

from bridge.domain.views.members import Format

Schema: TypeAlias = Mapping[str, Any]
Object: TypeAlias = type[Any]
"""A typed dictionary, or a frozen class of msgspec's."""

_PLACE = "#/components/schemas/"


def of(hint: Any) -> Schema:
    """The schema of a type that consists of no objects."""
    found: Schema = _plain(msgspec.json.schema(_known(hint)))
    return found


def components(objects: Iterable[Object]) -> dict[str, Schema]:
    """The schemas of these and of all that they consist of, by name, in the order of their use."""
    roots = [_known(each) for each in objects]
    _, found = msgspec.json.schema_components(roots, ref_template=_PLACE + "{name}")
    ordered: dict[str, Schema] = {}
    pending = [each.__name__ for each in roots]
    while pending:
        name = pending.pop(0)
        if name not in ordered:
            ordered[name] = _plain(found[name])
            pending.extend(_used(ordered[name]))
    return ordered


def reference(to: Object) -> Schema:
    """What stands for an object wherever it is used."""
    return {"$ref": _PLACE + to.__name__}


def name_of(schema: Schema) -> str | None:
    """The name of the object that a schema stands for, if it is one."""
    return schema["$ref"].removeprefix(_PLACE) if "$ref" in schema else None


def _used(schema: Any) -> Iterable[str]:
    if isinstance(schema, list):
        for each in schema:
            yield from _used(each)
    elif isinstance(schema, dict):
        if name := name_of(schema):
            yield name
        yield from _used(list(schema.values()))


@cache
def _object(cls: Object) -> Object:
    hints = get_type_hints(cls, include_extras=True)
    return msgspec.defstruct(cls.__name__, [_member(*each) for each in hints.items()], kw_only=True)


def _member(name: str, hint: Any) -> tuple[str, Any] | tuple[str, Any, Any]:
    if get_origin(hint) is NotRequired:
        return name, Union[_known(get_args(hint)[0]), msgspec.UnsetType], UNSET  # noqa: UP007
    return name, _known(hint)


def _known(hint: Any) -> Any:
    """A type as msgspec is to see it."""
    if is_typeddict(hint):
        return _object(hint)
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        base, *notes = parts
        return reduce(lambda so_far, note: Annotated[so_far, note], map(_meta, notes), _known(base))
    if origin is Literal and all(isinstance(word, str) for word in parts):
        # msgspec would sort the words; their order is one in which people think of them.
        return Annotated[str, Meta(extra_json_schema={"enum": list(parts)})]
    if origin is Literal and len(parts) == 1:
        return Annotated[Any, Meta(extra_json_schema={"const": parts[0]})]
    if origin in (Union, UnionType):
        return reduce(or_, map(_known, parts))
    if origin in (list, Sequence):
        return list[_known(parts[0])]  # type: ignore[misc]
    return hint


def _meta(note: Any) -> Any:
    if isinstance(note, str):
        return Meta(description=note)
    return Meta(extra_json_schema={"format": note.name}) if isinstance(note, Format) else note


def _plain(schema: Any) -> Any:
    """The same in fewer words: no title beside the name, and one list of types for any of some,
    unless an object is among them."""
    if isinstance(schema, list):
        return [_plain(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    rest = {key: _plain(value) for key, value in schema.items() if key not in ("title", "anyOf")}
    if "properties" in rest:
        rest["properties"] = {name: _plain(each) for name, each in schema["properties"].items()}
    some = [_plain(each) for each in schema.get("anyOf", ())]
    if any("$ref" in each for each in some):
        return {"anyOf": some} | rest
    return reduce(or_, some) | {"type": [each["type"] for each in some]} | rest if some else rest
