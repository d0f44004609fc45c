"""A devices_file: what of it is read, and what is said of the rest."""

import pytest

from bridge.errors import ShapeError
from bridge.wire.devices_file import Line, parse_devices_file

UDID = "00008030-000C2D8E0E08802E"


@pytest.mark.parametrize(
    "content",
    [
        f"serial,udid\nc02x,{UDID}\n",
        f"udid,serial\r\n{UDID},C02X\r\n",
        f'\ufeffSerial, UDID ,note\nC02X, {UDID} ,"a, b"\n\n',
        f"# of the office\nserial,udid\nC02X,{UDID}\nC02X,{UDID}\n",
    ],
)
def test_one_device_is_named(content: str) -> None:
    read = parse_devices_file(content.encode())
    assert [(line.serial_number, line.udid) for line in read.lines] == [("C02X", UDID)]
    assert read.mistakes == ()


def test_a_line_that_cannot_be_read_costs_no_other() -> None:
    lines = ["serial,udid", "C02X", ",U-1", "C 02,U-2", "C02Y,a/b", "C02Z,U-3", "C02A,U-3", "x,u-3"]
    read = parse_devices_file("\n".join(lines).encode())
    assert read.lines == (Line(6, "C02Z", "U-3"), Line(8, "X", "u-3")), "its own letters count"
    assert [each.partition(":")[0] for each in read.mistakes] == [
        f"line {n}" for n in (2, 3, 4, 5, 7)
    ]
    assert "stands in line 6 already" in read.mistakes[-1]


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "first line is not serial,udid"),
        (b"C02X,U-1\n", "first line is not serial,udid"),
        (b"serial,udid,udid\n", "first line is not serial,udid"),
        (b"serial,udid\n\xff,U-1\n", "line 2 is not UTF-8"),
    ],
)
def test_what_is_no_such_file_is_refused(content: bytes, why: str) -> None:
    with pytest.raises(ShapeError, match=why):
        parse_devices_file(content)
