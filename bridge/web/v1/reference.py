"""The calls as a page for people: docs/api.md."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from bridge.web.v1 import openapi
from bridge.web.v1.endpoint import Endpoint, Parameter
from bridge.web.v1.thing import Schema, Thing
from bridge.web.v1.things import ERROR

_HEAD = """\
# API

HTTP Basic: the user is `bridge`, the password `api.key`; with `api.read_key` only GET works. Bodies
are JSON objects, sent as `application/json`. The same in machine form is `/v1/openapi.json`; a
script for every call is in [tools/api](../tools/api/README.md), under the name in brackets.

Lists answer `{"<things>": […], "next_cursor": …}`: at most `limit` (1 to 1000, else 100), and the
next page with `?cursor=` and `next_cursor`, which is null at the end. Times are RFC 3339 in UTC. An
unknown parameter or key is refused, never ignored. Objects may get more members later.

Errors are `{"error": "one sentence"}`:

| status | means |
|---|---|
"""


def as_markdown(calls: Sequence[Endpoint]) -> str:
    """Every call, then every object that they answer with."""
    errors: dict[int, str] = {}
    for call in calls:
        errors = call.common_errors() | errors
    lines = [_HEAD + "\n".join(f"| {code} | {says} |" for code, says in sorted(errors.items()))]
    lines += ["", "## Calls", "", "| call | does |", "|---|---|"]
    lines += [f"| [`{_title(call)}`](#{call.name}) | {call.says} |" for call in calls]
    for call in calls:
        lines += ["", *_call(call)]
    lines += ["", "## Objects"]
    answered = [answer.thing for call in calls for answer in call.answers if answer.thing]
    for thing in openapi.all_things(answered):
        if thing is not ERROR and not thing.name.endswith("Page"):
            lines += ["", *_thing(thing)]
    return "\n".join(lines) + "\n"


def _title(call: Endpoint) -> str:
    return f"{call.method} {call.path}"


def _call(call: Endpoint) -> Iterable[str]:
    yield f'### <a id="{call.name}"></a>`{_title(call)}` [{call.name}]'
    yield ""
    yield f"{call.says} {call.more}".rstrip()
    if call.query:
        yield from ("", "| parameter | form | |", "|---|---|---|")
        yield from (_row(each) for each in call.query)
    if call.body.members:
        yield from ("", "| key | form | |", "|---|---|---|")
        yield from (_row(each) for each in call.body.members)
    if call.body.exactly_one:
        yield from ("", "Exactly one of these.")
    if call.body.example is not None:
        yield from ("", "```json", json.dumps(call.body.example), "```")
    yield ""
    for answer in call.answers:
        what = f" {_link(answer.thing)}." if answer.thing else ""
        yield f"- {answer.status}: {answer.says}{what}"
    for status, says in call.refusals.items():
        yield f"- {status}: {says}"


def _row(parameter: Parameter) -> str:
    must = " Required." if parameter.required else ""
    return f"| `{parameter.name}` | {_form(parameter.kind.schema)} | {parameter.says}{must} |"


def _thing(thing: Thing) -> Iterable[str]:
    yield f"### {thing.name}"
    yield from ("", "| member | form | |", "|---|---|---|")
    for name, member in thing.members.items():
        yield f"| `{name}` | {_form(member.schema)} | {member.says} |"


def _link(thing: Thing) -> str:
    """The object, or for a page of a list those on it."""
    shown = thing.parts[0] if thing.name.endswith("Page") else thing
    return f"[{shown.name}](#{shown.name.lower()})"


def _form(schema: Schema) -> str:
    if "thing" in schema:
        return _link(schema["thing"])
    if schema.get("type") == "array":
        return f"list of {_form(schema['items'])}"
    if "enum" in schema and len(schema["enum"]) <= 20:
        return ", ".join(f"`{word}`" for word in schema["enum"])
    if "pattern" in schema:
        return f"`{schema['pattern'].strip('^$')}`".replace("|", r"\|")
    if "maximum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}"
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kinds = schema.get("type", "anything")
    names = [kinds] if isinstance(kinds, str) else kinds
    form = "time" if schema.get("format") == "date-time" else _NAMES.get(names[0], names[0])
    return f"{form} or null" if "null" in names else str(form)


_NAMES = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list"}
