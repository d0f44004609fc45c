"""The calls as a page for people: docs/api.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from bridge.domain.roles import MAY, ROLES
from bridge.web.v1 import schema
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.request import Member
from bridge.web.v1.responses import PAGE
from bridge.web.v1.schema import Object, Schema

_HEAD = """\
# API

HTTP Basic: the user is `bridge`, the password a key. Each call names the role that the key needs;
those of `api.keys` have the role that is written there, `api.key` has `claim`, and with
`api.read_key` only GET works.

{roles}

Bodies are JSON objects, sent as `application/json`. The same in machine form is `/v1/openapi.json`;
a script for every call is in [tools/api](../tools/api/README.md), under the name in brackets. Every
change leaves one entry in the audit log (`GET /v1/audit`), with the key's name.

Lists answer like `{{"installs": […], "next_cursor": …}}`: at most `limit` (1 to 1000, else 100),
and the next page with `?cursor=` and `next_cursor`, which is null at the end. Times are RFC 3339
in UTC. An unknown parameter or key is refused, never ignored. Objects may get more members later.

Errors are `{{"error": "one sentence"}}`:

| status | means |
|---|---|
"""


def as_markdown(calls: Sequence[Endpoint[Any]]) -> str:
    """Every call, then every object that they answer with."""
    errors: dict[int, str] = {}
    for call in calls:
        errors = call.common_errors() | errors
    head = _HEAD.format(roles=_roles())
    lines = [head + "\n".join(f"| {code} | {says} |" for code, says in sorted(errors.items()))]
    lines += ["", "## Calls", "", "| call | role | does |", "|---|---|---|"]
    lines += [f"| [`{_title(call)}`](#{call.name}) | {call.role} | {call.says} |" for call in calls]
    for call in calls:
        lines += ["", *_call(call)]
    lines += ["", "## Objects"]
    answered = [each.holds for call in calls for each in call.answers if each.holds]
    for name, found in schema.components(answered).items():
        if not name.endswith(PAGE):
            lines += ["", *_object(name, found)]
    return "\n".join(lines) + "\n"


def _roles() -> str:
    lines = [f"| `{role}` | {MAY[role]} |" for role in ROLES]
    return "\n".join(["| role | may do |", "|---|---|", *lines])


def _title(call: Endpoint[Any]) -> str:
    return f"{call.method} {call.path}"


def _call(call: Endpoint[Any]) -> Iterable[str]:
    yield f'### <a id="{call.name}"></a>`{_title(call)}` [{call.name}]'
    yield ""
    yield f"{call.says} {call.more}".rstrip()
    yield from ("", f"Role: `{call.role}`.")
    if call.query:
        yield from ("", "| parameter | form | |", "|---|---|---|")
        yield from (_row(each) for each in call.query)
    if call.body:
        yield from ("", "| key | form | |", "|---|---|---|")
        yield from (_row(each) for each in call.body)
    if call.asks.exactly_one:
        yield from ("", "Exactly one of these.")
    if call.asks.some_of:
        names = ", ".join(f"`{name}`" for name in call.asks.some_of)
        yield from ("", f"At least one of {names} must say something.")
    if call.asks.example is not None:
        yield from ("", "```json", json.dumps(call.asks.example), "```")
    yield ""
    for answer in call.answers:
        what = f" {_answered(answer.holds)}." if answer.holds else ""
        yield f"- {answer.status}: {answer.says}{what}"
    for status, says in call.refusals.items():
        yield f"- {status}: {says}"


def _row(member: Member) -> str:
    must = " Required." if member.required else ""
    return f"| `{member.name}` | {_form(member.schema)} | {member.says}{must} |"


def _object(name: str, found: Schema) -> Iterable[str]:
    yield f"### {name}"
    yield from ("", "| member | form | |", "|---|---|---|")
    required = found.get("required", ())
    for member, form in found["properties"].items():
        missing = "" if member in required else " May be missing."
        says = f"{form.get('description', '')}{missing}".lstrip()
        yield f"| `{member}` | {_form(form)} | {says} |"


def _answered(holds: Object) -> str:
    """The object, or for a page of a list those on it."""
    return _link(holds.__name__.removesuffix(PAGE))


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def _form(form: Schema) -> str:
    if name := schema.name_of(form):
        return _link(name)
    if "anyOf" in form:
        return " or ".join(map(_form, form["anyOf"]))
    if form.get("type") == "array":
        return f"list of {_form(form['items'])}"
    if "enum" in form and len(form["enum"]) <= 20:
        return ", ".join(f"`{word}`" for word in form["enum"])
    if "examples" in form:
        return "text like " + ", ".join(f"`{each}`" for each in form["examples"])
    if "pattern" in form:
        return f"`{form['pattern'].strip('^$')}`".replace("|", r"\|")
    if "maximum" in form:
        return f"{form['minimum']} to {form['maximum']}"
    if "const" in form:
        return f"`{json.dumps(form['const'])}`"
    kinds = form.get("type", "anything")
    names = [kinds] if isinstance(kinds, str) else kinds
    if names == ["null"]:
        return "null"
    word = "time" if form.get("format") == "date-time" else _NAMES.get(names[0], names[0])
    return f"{word} or null" if "null" in names else str(word)


_NAMES = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list"}
