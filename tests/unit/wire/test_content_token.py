import base64
import hashlib
import json
from pathlib import Path

import pytest

from bridge.errors import ShapeError
from bridge.wire.content_token import parse_content_token

SAMPLE = (Path(__file__).parents[2] / "samples" / "content-token.vpptoken").read_bytes()


def token(**members: object) -> bytes:
    return base64.b64encode(json.dumps(members).encode())


def test_the_sample_token():
    read = parse_content_token(SAMPLE)
    assert b"\n" in SAMPLE.strip()
    assert read.secret == "".join(SAMPLE.decode().split())
    assert read.organization == "Example School"
    assert read.expires_at == 1803918600.0  # 2027-03-01T16:30:00Z
    assert read.digest == hashlib.sha256(read.secret.encode()).hexdigest()
    assert read.secret not in repr(read)


def test_white_space_and_a_mark_do_not_matter():
    bare = token(token="t", expDate="2030-11-08T22:33:22+0000")
    for data in (
        bare,
        bare + b"\r\n",
        b"  " + bare,
        b"\xef\xbb\xbf" + bare,
        bare[:9] + b"\n" + bare[9:],
    ):
        assert parse_content_token(data) == parse_content_token(bare)


def test_padding_may_be_missing_and_is_not_made_up():
    padded = token(token="t" * 3)
    assert padded.endswith(b"=")
    bare = padded.rstrip(b"=")
    assert parse_content_token(bare).secret == bare.decode()


@pytest.mark.parametrize(
    ("members", "organization", "expires_at"),
    [
        ({}, None, None),
        ({"orgName": "", "expDate": ""}, None, None),
        ({"orgName": 7, "expDate": 7}, None, None),
        ({"orgName": "Büro", "expDate": "next year"}, "Büro", None),
        ({"expDate": "2030-11-08T15:33:22-0700"}, None, 1920407602.0),
        ({"expDate": "2030-11-08T22:33:22Z"}, None, 1920407602.0),
        ({"expDate": "0001-01-01T00:00:00Z"}, None, None),
        ({"expDate": "9999-12-31T23:59:59Z"}, None, 253402300799.0),
        ({"expDate": "10000-01-01T00:00:00Z"}, None, None),
        ({"expDate": "2030-11-08T22:33:22+9999"}, None, None),
    ],
)
def test_organization_and_expiry_are_optional(members, organization, expires_at):
    read = parse_content_token(token(token="t", **members))
    assert (read.organization, read.expires_at) == (organization, expires_at)


def test_a_long_token():
    assert parse_content_token(token(token="t" * 5000)).secret


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "base64 of a JSON object"),
        (b"\xff\xfe", "UTF-16"),
        (token(token="hunter2").decode().encode("utf-16"), "UTF-16"),
        (token(token="hunter2").decode().encode("utf-16-le"), "UTF-16"),
        (b'"' + token(token="hunter2") + b'"\n', "quotation marks"),
        (b"\xef\xbb\xbf'" + token(token="hunter2") + b"'", "quotation marks"),
        (b"a", "base64 of a JSON object"),
        (b"%%%%", "base64 of a JSON object"),
        (base64.b64encode(b"[1]"), "base64 of a JSON object"),
        (base64.b64encode(b"\xff\xff"), "base64 of a JSON object"),
        (token(), "no member token"),
        (token(token=""), "no member token"),
        (token(token=7), "no member token"),
        (b'{"token": "hunter2"}', "as Apple hands it out"),
    ],
)
def test_what_is_no_content_token(data, message):
    with pytest.raises(ShapeError, match=message) as caught:
        parse_content_token(data)
    assert caught.value.content == b"" and "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
