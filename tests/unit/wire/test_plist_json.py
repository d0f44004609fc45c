import json
import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import ShapeError
from bridge.wire.plist_json import from_json, to_json

scalars = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.binary(max_size=9),
    st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(fold=0)),
)
keys = st.text(max_size=3) | st.sampled_from(["$data", "$date", "$real", "$dict", "$"])
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(values)
def test_nothing_is_lost(value):
    written = json.dumps(to_json(value), allow_nan=False)
    assert repr(from_json(json.loads(written))) == repr(value)


def test_the_forms():
    moment = datetime(2026, 11, 22, 5, 26, 16, tzinfo=UTC)
    assert to_json({"a": [b"\x00", moment, -math.inf], "b": {"$data": 1}}) == {
        "a": [{"$data": "AA=="}, {"$date": "2026-11-22T05:26:16.000000Z"}, {"$real": "-inf"}],
        "b": {"$dict": [["$data", 1]]},
    }
    assert math.isnan(from_json(to_json(math.nan)))


@pytest.mark.parametrize(
    "value",
    [
        {"$data": "%"},
        {"$data": 1},
        {"$date": "2026"},
        {"$real": "1e5"},
        {"$dict": {}},
        {"$dict": [["a"]]},
        {"$dict": [7]},
        {"$data": "AA==", "more": 1},
        {"$else": 1},
        [{"a": {"$": 1}}],
    ],
)
def test_what_was_never_written(value):
    with pytest.raises(ShapeError):
        from_json(value)
