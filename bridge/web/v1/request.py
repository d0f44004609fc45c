"""What a request asks for, held against the declaration of its call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Request
from werkzeug.exceptions import BadRequest, UnprocessableEntity, UnsupportedMediaType

from bridge.errors import ShapeError
from bridge.web.body import read_body
from bridge.web.v1.endpoint import Asked, Body, Endpoint, Parameter
from bridge.web.v1.values import hint
from bridge.wire.json_text import read_message

_JSON = "application/json"


def read(call: Endpoint, request: Request, in_path: Mapping[str, str], limit: int) -> Asked:
    """Everything that the call is asked with, by name.

    Names must be declared, at most once; values must have the form of their kind. Raises the HTTP
    error to answer.
    """
    found = {each.name: each.kind.read(in_path[each.name]) for each in call.in_path}
    query = {}
    for name, values in request.args.lists():
        if len(values) > 1 and name in _names(call.query):
            raise UnprocessableEntity(f"The parameter {name} is given more than once.")
        query[name] = values[0]
    found |= _taken("parameter", call.query, query)
    if call.changes:
        found |= _taken("key", call.body.members, _body(call.body, request, limit))
    return found


def _body(body: Body, request: Request, limit: int) -> Mapping[str, Any]:
    raw = read_body(request, limit)
    if raw and request.mimetype != _JSON:
        raise UnsupportedMediaType(f"Send the body with Content-Type: {_JSON}.")
    try:
        given = read_message(raw) if raw else {}
    except ShapeError as error:
        raise BadRequest("The body must be a JSON object in UTF-8.") from error
    if body.exactly_one and len(given) != 1:
        names = ", ".join(_names(body.members))
        raise UnprocessableEntity(f"The body must have exactly one of the keys {names}.")
    return given


def _taken(noun: str, declared: Iterable[Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    known = _names(declared)
    for name in given:
        if name not in known:
            near = hint(name, known) if known else "; this call takes none"
            raise UnprocessableEntity(f"The {noun} {name[:64]!r} is unknown{near}.")
    for each in declared:
        if each.required and each.name not in given:
            raise UnprocessableEntity(f"The {noun} {each.name} is missing.")
    return {
        each.name: each.kind.read(given[each.name]) if each.name in given else None
        for each in declared
    }


def _names(declared: Iterable[Parameter]) -> list[str]:
    return [each.name for each in declared]
