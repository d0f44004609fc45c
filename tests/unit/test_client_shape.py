"""Reading JSON replies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.clients import shape
from bridge.errors import ShapeError


@pytest.mark.parametrize(
    "content",
    [
        b'{"a": ["\\ud800"]}',
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a":' + b"1" * 9999,
    ],
)
def test_only_objects_are_objects(content: bytes) -> None:
    with pytest.raises(ShapeError) as caught:
        shape.json_object(content)
    assert caught.value.content == b""


def test_escapes_are_understood() -> None:
    assert shape.json_object(b'{"a": "\\u00e9 \\ud83d\\ude00"}') == {"a": "é 😀"}


Reader = Callable[[shape.Fields, str], object]

READABLE: list[tuple[Reader, object, object]] = [
    (shape.text, "a", "a"),
    (shape.text, 361309726, "361309726"),
    (shape.text_or_none, "", None),
    (shape.text_or_none, None, None),
    (shape.integer_or_none, None, None),
    (shape.integer_or_none, 0, 0),
    (shape.integer_or_none, "9709", 9709),
    (shape.rows, None, ()),
    (shape.rows, [{"a": 1}], ({"a": 1},)),
    (shape.texts, None, ()),
    (shape.texts, ["a"], ("a",)),
    (shape.object_or_empty, None, {}),
    (shape.time_or_none, "2030-11-08T22:33:22+0000", 1920407602.0),
    (shape.time_or_none, "2030-11-08T22:33:22", 1920407602.0),
    (shape.time_or_none, "2030-11-08T15:33:22-0700", 1920407602.0),
    (shape.time_or_none, "2030-11-08T22:33:22.5Z", 1920407602.5),
    (shape.time_or_none, "2030-11-08T22:33:22.765801649Z", 1920407602.765801),
    (shape.time_or_none, "0001-01-01T00:00:00Z", None),
    (shape.time_or_none, "0001-01-01T00:00:00+05:00", None),
    (shape.time_or_none, "9999-12-31T23:59:59-0700", 253402325999.0),
    (shape.time_or_none, "soon", None),
    (shape.time_or_none, 5, None),
]

UNREADABLE: list[tuple[Reader, object]] = [
    (shape.text, None),
    (shape.text, ""),
    (shape.text, True),
    (shape.text, 1.5),
    (shape.text, ["a"]),
    (shape.text_or_none, {}),
    (shape.integer_or_none, True),
    (shape.integer_or_none, 1.5),
    (shape.integer_or_none, "hunter2"),
    (shape.integer_or_none, "٣"),
    (shape.integer_or_none, "1" * 5000),
    (shape.rows, {}),
    (shape.rows, [1]),
    (shape.texts, "hunter2"),
    (shape.texts, [1]),
    (shape.object_or_empty, []),
]


@pytest.mark.parametrize(("reader", "value", "expected"), READABLE)
def test_readable(reader: Reader, value: object, expected: object) -> None:
    assert reader({"key": value}, "key") == expected


@pytest.mark.parametrize(("reader", "value"), UNREADABLE)
def test_unreadable_values_are_named_and_not_repeated(reader: Reader, value: object) -> None:
    with pytest.raises(ShapeError) as caught:
        reader({"key": value}, "key")
    assert str(caught.value).startswith("key is ")
    assert "hunter2" not in str(caught.value)


def test_booleans() -> None:
    assert shape.boolean({}, "key", default=True) is True
    assert shape.boolean({"key": False}, "key", default=True) is False
    with pytest.raises(ShapeError):
        shape.boolean({"key": 1}, "key", default=True)
