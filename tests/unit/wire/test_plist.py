"""Our property lists against the standard library's, and against hostile bytes."""

import math
import plistlib
import struct
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.errors import PlistError, ShapeError
from bridge.wire import plist, plist_xml_reader

HEAD = (
    '<?xml version="1.0" encoding="UTF-8"?>\n'
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
)


def document(inner: str) -> bytes:
    return f'{HEAD}<plist version="1.0">{inner}</plist>'.encode()


# --- against the standard library ---

carriable = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r&<>\"']"),
    max_size=12,
)
integers = st.integers(-(2**63), 2**64 - 1) | st.sampled_from([-(2**63), 2**63, 2**64 - 1])
dates = st.datetimes(
    min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC)
).map(lambda moment: moment.replace(microsecond=0, fold=0))
scalars = st.one_of(
    st.booleans(), integers, st.floats(allow_nan=False), carriable, st.binary(max_size=40), dates
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(carriable, inner, max_size=4),
    max_leaves=12,
)


def naive(value):
    """`value` with dates as the standard library wants and gives them."""
    match value:
        case dict():
            return {key: naive(each) for key, each in value.items()}
        case list():
            return [naive(each) for each in value]
        case datetime():
            return value.replace(tzinfo=None)
    return value


def same(left: object, right: object) -> bool:
    """Equality that tells True from 1 and 1.0, and sees the order of keys."""
    return repr(naive(left)) == repr(naive(right))


@given(values)
def test_the_standard_library_reads_what_we_write(value):
    assert same(plistlib.loads(plist.dumps(value)), value)


@given(values)
def test_we_read_what_we_write(value):
    assert same(plist.loads(plist.dumps(value)), value)


@given(values)
def test_we_read_xml_as_the_standard_library_does(value):
    data = plistlib.dumps(naive(value), sort_keys=False)
    assert same(plist.loads(data), plistlib.loads(data))


@given(values)
def test_we_read_binary_lists_of_the_standard_library(value):
    data = plistlib.dumps(naive(value), fmt=plistlib.FMT_BINARY, sort_keys=False)
    # It writes what is equal once, 0.0 and -0.0 too, so that its own reading is the measure.
    assert same(plist.loads(data), plistlib.loads(data))


# --- reading XML ---


@pytest.mark.parametrize(
    ("inner", "value"),
    [
        ("<integer> 0x1F </integer>", 31),
        ("<integer>-0xff</integer>", -255),
        ("<integer>+7</integer>", 7),
        ("<integer>18446744073709551615</integer>", 2**64 - 1),
        ("<integer>-9223372036854775808</integer>", -(2**63)),
        ("<real>+infinity</real>", math.inf),
        ("<real>-1.5E-3</real>", -0.0015),
        ("<real>.5</real>", 0.5),
        ("<real>7</real>", 7.0),
        ("<date>2026-11-22T05:26:16Z</date>", datetime(2026, 11, 22, 5, 26, 16, tzinfo=UTC)),
        (
            "<date>2026-11-22T05:26:16.25Z</date>",
            datetime(2026, 11, 22, 5, 26, 16, 250_000, tzinfo=UTC),
        ),
        ("<date>0000-12-30T00:00:00Z</date>", datetime(1, 1, 1, tzinfo=UTC)),
        *(
            (f"<date>2026-11-22T05:26:16{offset}</date>", datetime(2026, *then, tzinfo=UTC))
            for offset, then in (
                ("+01:00", (11, 22, 4, 26, 16)),
                ("-0730", (11, 22, 12, 56, 16)),
                (".5+00:00", (11, 22, 5, 26, 16, 500_000)),
                ("+23:59", (11, 21, 5, 27, 16)),
            )
        ),
        ("<dict><key>a</key><real/><key>b</key><true/></dict>", {"b": True}),
        ("<dict><key>a</key><true/><key>a</key><real> </real></dict>", {}),
        ("<array><real/><true/></array>", [True]),
        ("<data>\n\tAAEC\n\t/w==\n</data>", b"\x00\x01\x02\xff"),
        ("<data></data>", b""),
        ("<string> a\n b </string>", " a\n b "),
        ("<string/>", ""),
        ("<string>&lt;&amp;&#x1F600;&#13;<![CDATA[<x>]]></string>", "<&\U0001f600\r<x>"),
        ("<true/>", True),
        ("<false></false>", False),
        ("<dict/>", {}),
        ("<array> <dict><key>a</key><array/></dict>\n</array>", [{"a": []}]),
        ("<dict><key>a</key><true/><key>a</key><string>last</string></dict>", {"a": "last"}),
        ("<!-- note --><dict><!-- note --><key>a</key><true/></dict>", {"a": True}),
    ],
)
def test_values_in_xml(inner, value):
    assert same(plist.loads(document(inner)), value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1"])
def test_encodings(encoding):
    declared = encoding.removesuffix("-sig")
    text = f'<?xml version="1.0" encoding="{declared}"?><plist><string>Büro</string></plist>'
    assert plist.loads(text.encode(encoding)) == "Büro"


def test_utf_8_is_the_rule_and_space_may_precede():
    assert plist.loads("<plist><string>Büro ☂</string></plist>".encode()) == "Büro ☂"
    assert plist.loads(b"\r\n\t " + document("<string>Büro</string>")) == "Büro"


@pytest.mark.parametrize(
    "rest",
    [b"\0", b"\0" * 99, b" and more", b"<plist/>", b"<true/>", b"&", b"\xff\xfe", b"<!DOCTYPE x"],
)
def test_what_follows_the_document_is_cut(rest):
    assert plist.loads(document("<dict><key>a</key><true/></dict>") + rest) == {"a": True}
    wide = "<plist><string>Büro</string></plist>".encode("utf-16")
    assert plist.loads(wide + rest) == "Büro"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"   ",
        b"\x00",
        b"{}",
        b"bplist",
        b"bplist00",
        b"\xff\xfe",
        "<plist><string>Büro</string></plist>".encode("latin-1"),
        b'<?xml version="1.0" encoding="no-such-thing"?><plist><true/></plist>',
        b'<?xml version="1.0" encoding="shift_jis"?><plist><true/></plist>',
        b"<dict></dict>",
        b'<plist xmlns="urn:other"><true/></plist>',
        document("<true/>")[:-3],
        document(""),
        document("<true/><true/>"),
        document("<plist><true/></plist>"),
        document("<set/>"),
        document("<dict><true/></dict>"),
        document("<dict><key>a</key></dict>"),
        document("<dict><key>a</key><key>b</key><true/></dict>"),
        document("<array><key>a</key></array>"),
        document("<key>a</key>"),
        document("<dict>words</dict>"),
        document("<string>a<true/></string>"),
        document("<integer/>"),
        document("<integer>1_000</integer>"),
        document("<integer>٣</integer>"),
        document("<integer>1.5</integer>"),
        document("<integer>18446744073709551616</integer>"),
        document("<integer>-9223372036854775809</integer>"),
        pytest.param(document(f"<integer>{'9' * 5000}</integer>"), id="long integer"),
        pytest.param(document(f"<real>{'9' * 500_000}x</real>"), id="long real"),
        document("<real>1,5</real>"),
        document("<real>1_0</real>"),
        document("<date>yesterday</date>"),
        document("<date>2026-13-01T00:00:00Z</date>"),
        document("<date>2026-11-22T05:26:16</date>"),
        document("<date>2026-11-22T05:26:16+1</date>"),
        document("<date>2026-11-22T05:26:16+24:00</date>"),
        document("<date>0001-01-01T00:30:00+01:00</date>"),
        document("<real/>"),
        document("<data>AAE</data>"),
        document("<data>ü===</data>"),
        document("<true>no</true>"),
        document("<string>\x01</string>"),
        document("<string>&#1;</string>"),
        document("<string>&undefined;</string>"),
    ],
)
def test_what_is_no_property_list(data):
    with pytest.raises(PlistError) as caught:
        plist.loads(data)
    assert caught.value.content == data
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_an_error_does_not_quote_the_content():
    with pytest.raises(PlistError) as caught:
        plist.loads(document("<dict><key>Password</key><string>&hunter2;</string></dict>"))
    assert "hunter2" not in str(caught.value)


BOMB = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "x"}">' for n in range(9))


@pytest.mark.parametrize(
    "doctype",
    [
        f"<!DOCTYPE plist [{BOMB}]>",
        '<!DOCTYPE plist [<!ENTITY e8 SYSTEM "file:///etc/hostname">]>',
        '<!DOCTYPE plist [<!ENTITY % p SYSTEM "http://127.0.0.1:1/x"> %p;]>',
        f'<!DOCTYPE plist [<!ATTLIST string a CDATA "{"x" * 1000}">]>',
        '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "x" []>',
        "<!DOCTYPE html>",
    ],
)
def test_a_document_type_that_declares_is_refused(doctype):
    for text in ("harmless", "&e8;"):
        with pytest.raises(PlistError):
            plist.loads(f"{doctype}<plist><string>{text}</string></plist>".encode())


def test_limits_of_xml(monkeypatch):
    nested = "<array>" * 100 + "</array>" * 100
    assert plist.loads(document(nested))
    with pytest.raises(PlistError, match="nested deeper"):
        plist.loads(document(f"<array>{nested}</array>"))
    with pytest.raises(PlistError, match="nested deeper"):
        plist.loads(document("<array>" * 100_000))
    monkeypatch.setattr(plist_xml_reader, "MAX_VALUES", 10)
    assert len(plist.loads(document("<array>" + "<true/>" * 9 + "</array>"))) == 9
    with pytest.raises(PlistError, match="more than 10 values"):
        plist.loads(document("<array>" + "<true/>" * 10 + "</array>"))
    monkeypatch.setattr(plist, "MAX_BYTES", 100)
    with pytest.raises(PlistError, match="larger than 100 bytes"):
        plist.loads(document("<true/>"))


def test_loads_dict():
    assert plist.loads_dict(document("<dict><key>a</key><true/></dict>")) == {"a": True}
    with pytest.raises(ShapeError):
        plist.loads_dict(document("<array/>"))


# --- reading binary lists ---


def binary(*objects: bytes, top: int = 0, count: int | None = None) -> bytes:
    """A binary list of these encoded objects, which refer to each other by one byte."""
    body, offsets = b"bplist00", []
    for each in objects:
        offsets.append(len(body))
        body += each
    table = b"".join(struct.pack(">H", offset) for offset in offsets)
    number = len(objects) if count is None else count
    return body + table + struct.pack(">6xBBQQQ", 2, 1, number, top, len(body))


def test_the_binary_helper_makes_valid_lists():
    assert plist.loads(binary(b"\xa2\x01\x01", b"\x51A")) == ["A", "A"]
    assert type(plist.loads(binary(b"\x41\x00"))) is bytes


@pytest.mark.parametrize(
    "data",
    [
        binary(b"\x00"),  # null
        binary(b"\x80\x01"),  # an archive's reference
        binary(b"\xc1\x01", b"\x09"),  # a set
        binary(b"\xd1\x01\x02", b"\x10\x07", b"\x09"),  # an integer as key
        binary(b"\xd1\x01\x02", b"\xa0", b"\x09"),  # an array as key
        binary(b"\xa1\x00"),  # itself
        binary(b"\xa1\x01", b"\xa1\x00"),
        binary(b"\xa1\x63", b"\x09"),  # no such object
        binary(b"\xaf\x13" + b"\x7f" * 8),  # a huge count
        binary(b"\xaf\x13" + b"\xff" * 8),  # a negative one
        binary(b"\x4f\x13" + b"\x7f" * 8),
        binary(b"\x6f\x13" + b"\x7f" * 8),
        binary(b"\x4f" * 300),  # a count of a count of a count
        binary(b"\x14" + b"\xff" * 16),  # an integer of 128 bits
        binary(b"\x33" + struct.pack(">d", math.nan)),
        binary(b"\x51\xff"),  # not ASCII
        binary(b"\x61\xd8\x00"),  # half a pair
        binary(b"\x09", top=1),
        binary(b"\x09", count=2**40),
        binary(b"\x09", count=2**64 - 1),
        binary(b"\x09")[:-1],
        b"bplist15" + bytes(40),
        b"bplist00" + b"\xff" * 32,
    ],
)
def test_damaged_binary_lists(data):
    with pytest.raises(PlistError) as caught:
        plist.loads(data)
    assert caught.value.content == data


def test_dates_beyond_the_calendar_are_clamped():
    assert plist.loads(binary(b"\x33" + struct.pack(">d", 1e300))) == datetime.max.replace(
        tzinfo=UTC
    )


def test_a_small_binary_list_cannot_unfold(monkeypatch):
    with pytest.raises(PlistError, match="more than 200000 objects"):
        plist.loads(binary(b"\x09", count=2**40))
    monkeypatch.setattr(plist, "MAX_BINARY_VALUES", 5000)
    laughs = [b"\xaa" + bytes([level + 1]) * 10 for level in range(20)]
    with pytest.raises(PlistError, match="more than 5000 values"):
        plist.loads(binary(*laughs, b"\x09"))
    wide = [b"\xaf\x11\x0f\xa0" + bytes([level]) * 4000 for level in (1, 2, 3)]
    with pytest.raises(PlistError, match="a count in it"):
        plist.loads(binary(*wide, b"\x09"))
    monkeypatch.setattr(plist, "MAX_BYTES", 20_000)
    long = b"\x4f\x11\x27\x10" + bytes(10_000)
    assert len(plist.loads(binary(b"\xa2\x01\x01", long))) == 2
    with pytest.raises(PlistError, match="too many bytes"):
        plist.loads(binary(b"\xa8" + b"\x01" * 8, long))


def test_a_deep_binary_list_is_refused():
    chain = [b"\xa1" + bytes([level + 1]) for level in range(120)]
    with pytest.raises(PlistError, match="nested deeper"):
        plist.loads(binary(*chain, b"\x09"))
    assert plist.loads(binary(*chain[:-30], b"\x09"))


@settings(max_examples=300)
@given(st.sampled_from([b"", b"bplist00", HEAD.encode() + b"<plist>"]), st.binary(max_size=200))
def test_noise_raises_nothing_else(start, noise):
    try:
        plist.loads(start + noise)
    except PlistError:
        pass


@settings(max_examples=300)
@given(values, st.booleans(), st.data())
def test_a_changed_byte_raises_nothing_else(value, as_xml, data):
    form = plistlib.FMT_XML if as_xml else plistlib.FMT_BINARY
    whole = bytearray(plistlib.dumps(naive(value), fmt=form))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    try:
        plist.loads(bytes(whole))
    except PlistError:
        pass


# --- writing ---


def test_the_written_form():
    written = plist.dumps({"b": True, "a": [1, "<&\r", b"\x00", 0.5]})
    assert (
        written
        == document(
            "\n<dict>\n<key>b</key>\n<true/>\n<key>a</key>\n<array>\n<integer>1</integer>\n"
            "<string>&lt;&amp;&#13;</string>\n<data>AA==</data>\n<real>0.5</real>\n</array>\n</dict>\n"
        )
        + b"\n"
    )


def test_dates_are_written_in_utc_to_the_second():
    berlin = timezone(timedelta(hours=1))
    moment = datetime(2026, 11, 22, 6, 26, 16, 999, tzinfo=berlin)
    assert b"<date>2026-11-22T05:26:16Z</date>" in plist.dumps(moment)
    assert b"<date>0009-01-02T00:00:00Z</date>" in plist.dumps(datetime(9, 1, 2))


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"Command": {"Configuration": {"password": None}}}, "Command.Configuration.password"),
        ({"Command": [{}, {"a": {"secret-value"}}]}, "Command.1.a"),
        ({"Command": {1: "secret-value"}}, "Command"),
        ({"a": 2**64}, "a"),
        ({"a": -(2**63) - 1}, "a"),
        ({"a": "secret-value\x00"}, "a"),
        ({"a": "secret-value\ud800"}, "a"),
        ({"a": "secret-value\uffff"}, "a"),
        ({"a": {"secret\x1b": 1}}, "a"),
        ({"a": datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))}, "a"),
        ({"a": object()}, "a"),
    ],
)
def test_what_cannot_be_written(value, place):
    with pytest.raises(PlistError, match=f" at {place}[ .]") as caught:
        plist.dumps(value)
    assert "secret" not in str(caught.value)


def test_endless_values_cannot_be_written():
    endless: list[object] = []
    endless.append(endless)
    with pytest.raises(PlistError, match="nested deeper"):
        plist.dumps(endless)
    with pytest.raises(PlistError, match="NoneType"):
        plist.dumps(None)


def test_a_binary_list_has_as_many_values_as_are_read_within_a_second():
    few, many = plistlib.dumps([0] * 50_000, fmt=plistlib.FMT_BINARY), [0] * 500_000
    assert plist.loads(few) == [0] * 50_000
    with pytest.raises(PlistError, match="impossible"):
        plist.loads(plistlib.dumps(many, fmt=plistlib.FMT_BINARY))
