"""The description of the calls as OpenAPI 3.1. Source: OpenAPI Initiative, specification 3.1.1."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.roles import ROLES
from bridge.web.v1 import schema
from bridge.web.v1.endpoint import Answer, Endpoint
from bridge.web.v1.request import Member, Request
from bridge.web.v1.responses import Error
from bridge.web.v1.schema import Object
from bridge.web.version import version

_REALM = {"WWW-Authenticate": {"schema": {"type": "string"}, "required": True}}


def document(calls: Sequence[Endpoint[Any]]) -> Mapping[str, Any]:
    """All of `calls`, by path and method."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    answered = [each.holds for call in calls for each in call.answers if each.holds]
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "micromdm-vpp-bridge",
            "version": version(),
            "summary": "App Store apps on devices that MicroMDM manages",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "User bridge, password a key. The role that a key "
                    f"needs stands at each call; from the smallest: {', '.join(ROLES)}. api.key "
                    "has claim; with api.read_key only GET works.",
                }
            },
            "schemas": schema.components([Error, *answered]),
        },
    }


def _operation(call: Endpoint[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": call.name,
        "summary": call.says,
        "security": [{"key": [call.role]}],
    }
    if call.more:
        found["description"] = call.more
    parameters = [
        *(_parameter(each, "path") for each in call.places.path),
        *(_parameter(each, "query") for each in call.query),
    ]
    if parameters:
        found["parameters"] = parameters
    if call.body:
        found["requestBody"] = _body(call.asks, call.body)
    found["responses"] = {str(answer.status): _answer(answer) for answer in call.answers} | {
        str(status): _error(status, says) for status, says in call.errors().items()
    }
    return found


def _parameter(member: Member, place: str) -> dict[str, Any]:
    return {
        "name": member.name,
        "in": place,
        "required": member.required,
        "description": member.says,
        "schema": member.schema,
    }


def _body(asks: type[Request], members: Sequence[Member]) -> dict[str, Any]:
    needed = [each.name for each in members if each.required]
    found: dict[str, Any] = {
        "type": "object",
        "properties": {each.name: {**each.schema, "description": each.says} for each in members},
        "additionalProperties": False,
    }
    if needed:
        found["required"] = needed
    if asks.exactly_one:
        found |= {"minProperties": 1, "maxProperties": 1}
    if asks.some_of:
        found["anyOf"] = [_said(each) for each in members if each.name in asks.some_of]
    content: dict[str, Any] = {"schema": found}
    if asks.example is not None:
        content["example"] = asks.example
    required = bool(needed or asks.some_of) or asks.exactly_one
    return {"required": required, "content": {"application/json": content}}


def _said(member: Member) -> dict[str, Any]:
    """That a member is there, and says something."""
    says = {"boolean": {"const": True}, "array": {"minItems": 1}}.get(member.schema["type"])
    found: dict[str, Any] = {"required": [member.name]}
    return found if says is None else found | {"properties": {member.name: says}}


def _answer(answer: Answer) -> dict[str, Any]:
    found: dict[str, Any] = {"description": answer.says}
    if answer.holds is not None:
        found["content"] = _json(answer.holds)
    return found


def _error(status: int, says: str) -> dict[str, Any]:
    found = {"description": says, "content": _json(Error)}
    return found | {"headers": _REALM} if status == 401 else found


def _json(holds: Object) -> dict[str, Any]:
    return {"application/json": {"schema": schema.reference(holds)}}
