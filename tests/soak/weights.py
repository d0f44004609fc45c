"""Bodies at the limit that weigh most in memory, of an MDM server with the right key."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping

from bridge.wire.json_text import MAX_VALUES

APPS = 10_000
_DEEP = 100


def bodies(limit: int) -> Mapping[str, bytes]:
    """By what it is, each of at most `limit` bytes."""
    return {
        f"a list of {APPS} apps": list_of_apps(limit),
        "as many values as are let in": many_values(limit),
        "objects within objects": objects(limit),
        "text beyond the first 65536 characters of Unicode": wide_text(limit),
    }


def list_of_apps(limit: int) -> bytes:
    """A device's answer to InstalledApplicationList, as long as the limit lets it be."""
    room = limit * 3 // 4 // APPS - 40
    apps = "".join(_app(number, room) for number in range(APPS))
    answer = (
        '<?xml version="1.0"?><plist version="1.0"><dict><key>Status</key>'
        "<string>Acknowledged</string><key>UDID</key><string>u</string><key>CommandUUID</key>"
        f"<string>c</string><key>InstalledApplicationList</key><array>{apps}</array></dict></plist>"
    )
    event = {
        "udid": "u",
        "command_uuid": "c",
        "status": "Acknowledged",
        "raw_payload": base64.b64encode(answer.encode()).decode(),
    }
    return json.dumps({"topic": "mdm.Connect", "acknowledge_event": event}).encode()


def _app(number: int, room: int) -> str:
    text = (
        f"<dict><key>Identifier</key><string>com.example.{number}</string>"
        "<key>ShortVersion</key><string>1.2.3</string><key>BundleSize</key>"
        "<integer>1000000</integer><key>Installing</key><false/><key>Name</key>"
    )
    return f"{text}<string>{'n' * max(room - len(text) - 40, 1)}</string></dict>"


def many_values(limit: int) -> bytes:
    """Members with a name and a number each; the names fill the rest."""
    count = MAX_VALUES - 10
    size = limit // count - 8
    members = ",".join(f'"{number:0{size}}":1.5' for number in range(count))
    return b'{"topic":"t","x":{' + members.encode() + b"}}"


def objects(limit: int) -> bytes:
    """Objects with one member each, some of them within others."""
    each = b'{"a":[' * _DEEP + b"]}" * _DEEP
    count = MAX_VALUES // (2 * _DEEP + 1) - 1
    body = b'{"x":[' + b",".join([each] * count) + b'],"y":"'
    return body + b"y" * (limit - len(body) - 2) + b'"}'


def wide_text(limit: int) -> bytes:
    """One letter that takes four bytes makes all of a text take four for each."""
    start, end = '{"x":"\U0001f4e6'.encode(), b'"}'
    return start + b"y" * (limit - len(start) - len(end)) + end
