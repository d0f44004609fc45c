"""The description of the calls as OpenAPI 3.1. Source: OpenAPI Initiative, specification 3.1.1."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bridge.web.v1 import things
from bridge.web.v1.endpoint import Answer, Body, Endpoint, Parameter
from bridge.web.v1.thing import Thing
from bridge.web.version import version

_REALM = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}


def document(calls: Sequence[Endpoint]) -> Mapping[str, Any]:
    """All of `calls`, by path and method."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    answered = [answer.thing for call in calls for answer in call.answers if answer.thing]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "micromdm-vpp-bridge",
            "version": version(),
            "summary": "App Store apps on devices that MicroMDM manages",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User bridge, password api.key; or api.read_key for GET.",
                }
            },
            "schemas": {
                thing.name: thing.schema for thing in all_things([things.ERROR, *answered])
            },
        },
    }


def _operation(call: Endpoint) -> dict[str, Any]:
    found: dict[str, Any] = {"operationId": call.name, "summary": call.says}
    if call.more:
        found["description"] = call.more
    parameters = [
        *(_parameter(each, "path") for each in call.in_path),
        *(_parameter(each, "query") for each in call.query),
    ]
    if parameters:
        found["parameters"] = parameters
    if call.body.members:
        found["requestBody"] = _body(call.body)
    found["responses"] = {str(answer.status): _answer(answer) for answer in call.answers} | {
        str(status): _error(status, says) for status, says in call.errors().items()
    }
    return found


def _parameter(parameter: Parameter, place: str) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": place,
        "required": parameter.required,
        "description": parameter.says,
        "schema": parameter.kind.schema,
    }


def _body(body: Body) -> dict[str, Any]:
    needed = [each.name for each in body.members if each.required]
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {
            each.name: {**each.kind.schema, "description": each.says} for each in body.members
        },
        "additionalProperties": False,
    }
    if needed:
        schema["required"] = needed
    if body.exactly_one:
        schema |= {"minProperties": 1, "maxProperties": 1}
    content: dict[str, Any] = {"schema": schema}
    if body.example is not None:
        content["example"] = body.example
    required = bool(needed) or body.exactly_one
    return {"required": required, "content": {"application/json": content}}


def _answer(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.says}
    if answer.thing is not None:
        found["content"] = _json(answer.thing)
    return found


def _error(status: int, says: str) -> dict[str, Any]:
    found = {"description": says, "content": _json(things.ERROR)}
    return found | {"headers": _REALM} if status == 401 else found


def _json(thing: Thing) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{thing.name}"}}}


def all_things(roots: Iterable[Thing]) -> list[Thing]:
    """Every thing that these consist of, each once."""
    found: dict[str, Thing] = {}
    pending = list(roots)
    while pending:
        thing = pending.pop(0)
        if thing.name not in found:
            found[thing.name] = thing
            pending.extend(thing.parts)
    return list(found.values())
