"""What a request asks for: a frozen class for each endpoint, and how one is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, TypeVar, Union, get_args, get_origin

import flask
import msgspec
from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from bridge.domain.wording import nearest
from bridge.errors import ShapeError
from bridge.web.body import read_body
from bridge.web.v1 import schema
from bridge.web.v1.forms import Form
from bridge.web.v1.schema import Schema
from bridge.wire.json_text import read_message

_JSON = "application/json"


class Request(msgspec.Struct, frozen=True):
    """What an endpoint is asked with: parts of its path, of the query, or of the JSON body.

    Each member has a type with its form (`forms`) and a text that says what it is. One that may be
    left out has a default; JSON's null does not stand for it. `exactly_one` says that one member
    of the body must be there and no other, `some_of` that one of these must be there and say
    something: no false, no empty list.
    """

    example: ClassVar[Mapping[str, Any] | None] = None
    exactly_one: ClassVar[bool] = False
    some_of: ClassVar[tuple[str, ...]] = ()


R = TypeVar("R", bound=Request)


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a request, as its class declares it."""

    name: str
    type: Any
    says: str
    form: Form
    required: bool
    default: Any = None

    @property
    def schema(self) -> Schema:
        """Its JSON Schema, without what it says."""
        found = schema.of(self.type)
        return {**found, "default": self.default} if self.default is not None else found


def members(cls: type[Request]) -> tuple[Member, ...]:
    """All members of a request, in the order of their declaration."""
    return tuple(_member(each) for each in msgspec.structs.fields(cls))


def _member(field: msgspec.structs.FieldInfo) -> Member:
    notes = list(_notes(field.type))
    (says,) = (note for note in notes if isinstance(note, str))
    form = next(note for note in notes if isinstance(note, Form))
    default = None if field.required else field.default
    return Member(field.name, _given(field.type), says, form, field.required, default)


def _notes(hint: Any) -> Iterator[Any]:
    """What is noted beside a type, the outermost first."""
    yield from getattr(hint, "__metadata__", ())
    if get_origin(hint) in (Annotated, Union, UnionType):
        for part in get_args(hint):
            yield from _notes(part)


def _given(hint: Any) -> Any:
    """The type of a value that is given: without the None that stands for none."""
    base = get_args(hint)[0] if get_origin(hint) is Annotated else hint
    if get_origin(base) in (Union, UnionType):
        (base,) = (part for part in get_args(base) if part is not NoneType)
        return base
    return Annotated[base, *(n for n in hint.__metadata__ if not isinstance(n, str))]


@dataclass(frozen=True, slots=True)
class Places:
    """Where the members of an endpoint's request stand."""

    path: tuple[Member, ...]
    query: tuple[Member, ...]
    body: tuple[Member, ...]


def read(
    cls: type[R], places: Places, request: flask.Request, in_path: Mapping[str, str], limit: int
) -> R:
    """Everything that is asked for; a body is read up to `limit` bytes, where one is taken.

    Names must be declared, at most once; values must have the form of their type. Raises the HTTP
    error to answer.
    """
    found = {each.name: each.form.read(in_path[each.name], each.type) for each in places.path}
    found |= _query(places.query, request.args)
    if request.method != "GET":
        found |= _taken("key", places.body, _body(cls, places.body, request, limit))
    return cls(**found)


def read_query(cls: type[R], given: MultiDict[str, str]) -> R:
    """What a page is asked for: all members stand in the query, and what is empty is not given, as
    a form sends it. Raises the HTTP error to answer."""
    filled = MultiDict((name, text) for name, text in given.items(multi=True) if text)
    return cls(**_query(members(cls), filled))


def as_dict(asked: Request, *without: str) -> dict[str, Any]:
    """What is asked for by name, but for the members `without`."""
    return {n: v for n, v in msgspec.structs.asdict(asked).items() if n not in without}


def _query(declared: tuple[Member, ...], given: MultiDict[str, str]) -> dict[str, Any]:
    query = {}
    for name, values in given.lists():
        if len(values) > 1 and name in _names(declared):
            raise UnprocessableEntity(f"The parameter {name} is given more than once.")
        query[name] = values[0]
    return _taken("parameter", declared, query)


def _body(
    cls: type[Request], declared: tuple[Member, ...], request: flask.Request, limit: int
) -> Mapping[str, Any]:
    raw = read_body(request, limit)
    if raw and request.mimetype != _JSON:
        raise UnsupportedMediaType(f"Send the body with Content-Type: {_JSON}.")
    try:
        given = read_message(raw) if raw else {}
    except ShapeError as error:
        raise BadRequest("The body must be a JSON object in UTF-8.") from error
    if cls.exactly_one and len(given) != 1:
        names = ", ".join(_names(declared))
        raise UnprocessableEntity(f"The body must have exactly one of the keys {names}.")
    return given


def _taken(noun: str, declared: Iterable[Member], given: Mapping[str, Any]) -> dict[str, Any]:
    known = _names(declared)
    for name in given:
        if name not in known:
            near = nearest(name, known) if known else "; this call takes none"
            raise UnprocessableEntity(f"The {noun} {name[:64]!r} is unknown{near}.")
    for each in declared:
        if each.required and each.name not in given:
            raise UnprocessableEntity(f"The {noun} {each.name} is missing.")
    return {
        each.name: each.form.read(given[each.name], each.type)
        for each in declared
        if each.name in given
    }


def _names(declared: Iterable[Member]) -> list[str]:
    return [each.name for each in declared]
