"""Reads the XML property lists that MDM servers and devices exchange.

A reader of its own on purpose: the simulator must not share a codec, and so a mistake, with the
program that it tests.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import TYPE_CHECKING

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from bridge.errors import PlistError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element  # the type only; nothing is parsed with it

Value = str | int | float | bool | bytes | list["Value"] | dict[str, "Value"]


def read_plist(body: bytes) -> dict[str, Value]:
    """The dictionary in an XML plist; dates stay text.

    Raises PlistError for anything else, binary plists included (MicroMDM's command endpoint and
    Apple's devices use XML only).
    """
    try:
        root = fromstring(body)
        value = _value(root[0]) if root.tag == "plist" and len(root) == 1 else None
    except (ParseError, DefusedXmlException, ValueError, KeyError, binascii.Error) as error:
        raise PlistError(f"not an XML property list: {error}", body) from error
    if not isinstance(value, dict):
        raise PlistError("not an XML property list that holds a dictionary", body)
    return value


def _value(element: Element) -> Value:
    if element.tag == "dict":
        return _dictionary(element)
    if element.tag == "array":
        return [_value(child) for child in element]
    return _SCALARS[element.tag](element.text or "")


def _dictionary(element: Element) -> dict[str, Value]:
    children = list(element)
    keys, values = children[::2], children[1::2]
    if any(key.tag != "key" for key in keys):
        raise ValueError("a <dict> must alternate <key> and value")
    return {key.text or "": _value(value) for key, value in zip(keys, values, strict=True)}


_SCALARS: dict[str, Callable[[str], Value]] = {
    "string": str,
    "date": str,
    "integer": int,
    "real": float,
    "true": lambda _: True,
    "false": lambda _: False,
    "data": lambda text: base64.b64decode("".join(text.split()), validate=True),
}


def text(values: dict[str, Value], key: str) -> str:
    """The text at `key`, or "" if it is absent or of another type."""
    value = values.get(key)
    return value if isinstance(value, str) else ""


def texts(values: dict[str, Value], key: str) -> list[str] | None:
    """The list of texts at `key`, or None if there is none."""
    value = values.get(key)
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else None
