"""Reading JSON replies."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bridge.clients import shape
from bridge.errors import ShapeError


@pytest.mark.parametrize(
    "content",
    [
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
    (shape.integer_or_none, -1, -1),
    (shape.integer_or_none, "-1", -1),
    (shape.integer_or_none, 25.0, 25),
    (shape.integer_or_none, "25.0", 25),
    (shape.text, 361309726.0, "361309726"),
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
    (shape.integer_or_none, 2**63),
    (shape.integer_or_none, "25.5"),
    (shape.integer_or_none, "--1"),
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


@pytest.mark.parametrize("value", [True, 1, 1.0, "true", "True", "1"])
def test_what_is_true(value: object) -> None:
    assert shape.boolean({"key": value}, "key", default=False) is True


@pytest.mark.parametrize("value", [False, 0, 0.0, "false", "FALSE", "0"])
def test_what_is_false(value: object) -> None:
    assert shape.boolean({"key": value}, "key", default=True) is False


@pytest.mark.parametrize("value", ["yes", "", 2, 0.5, [], {}, [True]])
def test_what_is_neither(value: object) -> None:
    with pytest.raises(ShapeError, match="key is not true or false"):
        shape.boolean({"key": value}, "key", default=True)


@pytest.mark.parametrize("default", [True, False])
def test_what_is_not_said(default: bool) -> None:
    assert shape.boolean({}, "key", default=default) is default
    assert shape.boolean({"key": None}, "key", default=default) is default


@pytest.mark.parametrize("value", [b'"\\ud800"', b'"\\u0000"', b"1" * 9999, b"1e999", b"NaN"])
def test_one_value_that_cannot_be_kept_spoils_no_other(value: bytes) -> None:
    fields = shape.json_object(b'{"odd": %s, "good": 1}' % value)
    assert shape.integer_or_none(fields, "good") == 1
    for read in (shape.text, shape.integer_or_none):
        with pytest.raises(ShapeError, match="odd is"):
            read(fields, "odd")


def test_entries_are_read_one_by_one() -> None:
    good, odd = shape.entries(
        {"list": [{"a": "x"}, None, {"a": 1.5}, ["a"], {"a": "y"}]},
        "list",
        lambda row: shape.text(row, "a"),
    )
    assert good == ("x", "y")
    assert [(each.place, each.what) for each in odd] == [
        (1, "it is not an object"),
        (2, "a is missing or not text"),
        (3, "it is not an object"),
    ]
    assert shape.entries({"list": None}, "list", lambda row: row) == ((), ())
    with pytest.raises(ShapeError, match="list is not a list"):
        shape.entries({"list": {}}, "list", lambda row: row)
