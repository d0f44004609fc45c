"""What the description of an object consists of, as JSON Schema and for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Member:
    """One member of an object, which is always there."""

    schema: Schema
    says: str = ""


@dataclass(frozen=True, slots=True)
class Thing:
    """An object; its name is its schema's name."""

    name: str
    members: Mapping[str, Member]

    @property
    def schema(self) -> Schema:
        """The JSON Schema of the object."""
        return {
            "type": "object",
            "required": list(self.members),
            "properties": {name: _described(m) for name, m in self.members.items()},
        }

    @property
    def parts(self) -> list[Thing]:
        """The things that its members consist of."""
        schemas = (member.schema for member in self.members.values())
        return [schema["thing"] for schema in map(_inner, schemas) if "thing" in schema]


def _inner(schema: Schema) -> Schema:
    return schema["items"] if schema.get("type") == "array" else schema


def _described(member: Member) -> Schema:
    schema = member.schema
    if "thing" in schema:
        schema = _reference(schema["thing"])
    elif "thing" in schema.get("items", {}):
        schema = {"type": "array", "items": _reference(schema["items"]["thing"])}
    return {**schema, "description": member.says} if member.says else schema


def _reference(thing: Thing) -> Schema:
    return {"$ref": f"#/components/schemas/{thing.name}"}


def text(says: str = "", *, words: Sequence[str] = ()) -> Member:
    """A member that is text, of a fixed vocabulary where there are words."""
    return Member({"type": "string", "enum": list(words)} if words else {"type": "string"}, says)


def maybe(says: str = "") -> Member:
    """A member that is text, or null where that is not known."""
    return Member({"type": ["string", "null"]}, says)


def time(says: str = "", *, null: bool = True) -> Member:
    """A member that is a time, or null where that never was."""
    kind = ["string", "null"] if null else "string"
    return Member({"type": kind, "format": "date-time"}, says)


def number(says: str = "", *, null: bool = False) -> Member:
    """A member that is a whole number."""
    return Member({"type": ["integer", "null"] if null else "integer"}, says)


def flag(says: str = "", *, null: bool = False) -> Member:
    """A member that is true or false."""
    return Member({"type": ["boolean", "null"] if null else "boolean"}, says)


def texts(says: str = "") -> Member:
    """A member that is a list of texts."""
    return Member({"type": "array", "items": {"type": "string"}}, says)


def a(thing: Thing, says: str = "") -> Member:
    """A member that is a thing of its own."""
    return Member({"thing": thing}, says)


def many(thing: Thing, says: str = "") -> Member:
    """A member that is a list of things."""
    return Member({"type": "array", "items": {"thing": thing}}, says)


def page_of(name: str, thing: Thing) -> Thing:
    """What a list answers."""
    cursor = maybe("Ask for the next page with it; null at the end.")
    return Thing(f"{thing.name}Page", {name: many(thing), "next_cursor": cursor})
