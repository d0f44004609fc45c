"""Sixty ways to write one answer to a ManagedApplicationList: short names, and what is odd.

None of them does MicroMDM any harm. What makes another program fail is not written down here.
"""

from __future__ import annotations

import plistlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'
DOCTYPE = (
    '<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" '
    '"http://www.apple.com/DTDs/PropertyList-1.0.dtd">\n'
)
HEAD = DECLARATION + DOCTYPE
APP = "org.example.sketch"
ENTRY = "<dict><key>Status</key><string>Managed</string></dict>"
LIST = f"<key>ManagedApplicationList</key><dict><key>{APP}</key>{ENTRY}</dict>"

Write = Callable[[str, str], bytes]
"""Makes the answer of this CommandUUID and UDID."""


@dataclass(frozen=True)
class Dialect:
    """One way to write the answer; `name` says it, `write` does it."""

    name: str
    write: Write


def members(command_uuid: str, udid: str, told: str = LIST, status: str = "Acknowledged") -> str:
    """The keys and values of the answer's dictionary."""
    return (
        f"<key>CommandUUID</key><string>{command_uuid}</string>\n{told}\n"
        f"<key>Status</key><string>{status}</string>\n<key>UDID</key><string>{udid}</string>\n"
    )


def document(dictionary: str, head: str = HEAD) -> str:
    """A property list around the members of a dictionary."""
    return f'{head}<plist version="1.0">\n<dict>\n{dictionary}</dict>\n</plist>\n'


def told(text: str, *, status: str = "Acknowledged") -> Write:
    """The answer with this instead of its list."""
    return lambda command_uuid, udid: document(members(command_uuid, udid, text, status)).encode()


def also(text: str) -> Write:
    """The answer with this beside its list."""
    return told(f"{LIST}\n{text}")


def headed(head: str, encoding: str = "utf-8") -> Write:
    """The answer below another head."""
    return lambda command_uuid, udid: document(members(command_uuid, udid), head).encode(encoding)


def changed(change: Callable[[str], str]) -> Write:
    """The answer's text, changed."""
    return lambda command_uuid, udid: change(document(members(command_uuid, udid))).encode()


def followed(rest: bytes) -> Write:
    """The answer with something after its end."""
    return lambda command_uuid, udid: document(members(command_uuid, udid)).encode() + rest


def binary(change: Callable[[bytes], bytes] = bytes, **more: object) -> Write:
    """The answer as a binary list."""

    def write(command_uuid: str, udid: str) -> bytes:
        answer = {
            "CommandUUID": command_uuid,
            "ManagedApplicationList": {APP: {"Status": "Managed"}},
            "Status": "Acknowledged",
            "UDID": udid,
        } | more
        return change(plistlib.dumps(answer, fmt=plistlib.FMT_BINARY))

    return write


def plists(change: str) -> Write:
    """The answer with another start tag."""
    return changed(lambda text: text.replace('<plist version="1.0">', change))


def entry(value: str) -> Write:
    """The answer with another entry for its app."""
    return told(f"<key>ManagedApplicationList</key><dict><key>{APP}</key>{value}</dict>")


_LATIN = '<?xml version="1.0" encoding="ISO-8859-1"?>\n' + DOCTYPE

DIALECTS = [
    Dialect("as Apple writes it", headed(HEAD)),
    Dialect("no XML declaration", headed(DOCTYPE)),
    Dialect("no document type", headed(DECLARATION)),
    Dialect("neither of them", headed("")),
    Dialect("XML 1.1 declared", headed(HEAD.replace('"1.0"', '"1.1"', 1))),
    Dialect("the document type by SYSTEM", headed('<!DOCTYPE plist SYSTEM "PropertyList.dtd">\n')),
    Dialect("the document type of HTML", headed("<!DOCTYPE html>\n")),
    Dialect("blank lines first", headed("\n\n" + HEAD)),
    Dialect("UTF-8 with a mark", headed(HEAD, "utf-8-sig")),
    Dialect("UTF-16 with a mark", headed(DOCTYPE, "utf-16")),
    Dialect("ISO-8859-1 declared, ASCII inside", headed(_LATIN)),
    Dialect("lines ended as in DOS", changed(lambda text: text.replace("\n", "\r\n"))),
    Dialect(
        "a NUL before the end tag of plist",
        changed(lambda text: text.replace("\n</plist>", "\n\0</plist>")),
    ),
    Dialect("a NUL in a comment", also("<!-- a\0b -->")),
    Dialect("a comment in the dictionary", also("<!-- note -->")),
    Dialect("a processing instruction", also("<?note?>")),
    Dialect("text as CDATA", also("<key>x</key><string><![CDATA[a<b]]></string>")),
    Dialect("character references", also("<key>x</key><string>&#x1F600;&amp;</string>")),
    Dialect("an entity that nobody declared", also("<key>x</key><string>&nobody;</string>")),
    Dialect("plist without a version", plists("<plist>")),
    Dialect(
        "text before the end tag of plist",
        changed(lambda text: text.replace("\n</plist>", "\nwords</plist>")),
    ),
    Dialect("plist in a namespace", plists('<plist xmlns="urn:example">')),
    Dialect(
        "the dictionary without plist",
        lambda uuid, udid: f"{HEAD}<dict>{members(uuid, udid)}</dict>".encode(),
    ),
    Dialect(
        "the dictionary in an array",
        changed(
            lambda t: t.replace("\n<dict>", "<array><dict>", 1).replace(
                "</dict>\n</plist>", "</dict></array></plist>"
            )
        ),
    ),
    Dialect("no end tag of plist", changed(lambda text: text.replace("</plist>", ""))),
    Dialect("text after the end", followed(b"and more")),
    Dialect("a comment after the end", followed(b"<!-- note -->")),
    Dialect("a NUL after the end", followed(b"\0")),
    Dialect("many NULs after the end", followed(b"\0" * 512)),
    Dialect("a second list after the end", followed(document("").encode())),
    Dialect("text between elements", also("words")),
    Dialect("a NUL between elements", also("\0")),
    Dialect("a NUL in a text", also("<key>x</key><string>a\0b</string>")),
    Dialect("a control character in a text", also("<key>x</key><string>a\1b</string>")),
    Dialect(
        "a byte that is not UTF-8",
        lambda uuid, udid: also("<key>x</key><string>a?b</string>")(uuid, udid).replace(
            b"a?b", b"a\xffb"
        ),
    ),
    Dialect("true with an end tag", also("<key>x</key><true></true>")),
    Dialect("text inside true", also("<key>x</key><true>yes</true>")),
    Dialect("TRUE in capitals", also("<key>x</key><TRUE/>")),
    Dialect("a key without a value at the end", told(LIST + "<key>x</key>")),
    Dialect("a value without a key", also("<string>x</string>")),
    Dialect("one key twice", also("<key>x</key><true/><key>x</key><false/>")),
    Dialect("an empty key", also("<key></key><true/>")),
    Dialect("an empty real number", also("<key>x</key><real/>")),
    Dialect("a real number with a comma", also("<key>x</key><real>1,5</real>")),
    Dialect("an empty integer", also("<key>x</key><integer/>")),
    Dialect("an integer in hexadecimal", also("<key>x</key><integer>0x1F</integer>")),
    Dialect("an integer beyond 64 bits", also(f"<key>x</key><integer>{2**64}</integer>")),
    Dialect("a date with an offset", also("<key>x</key><date>2027-01-15T08:00:00+01:00</date>")),
    Dialect("a date without a time", also("<key>x</key><date>2027-01-15</date>")),
    Dialect("data that is not base64", also("<key>x</key><data>%%%</data>")),
    Dialect("an element that nobody knows", also("<key>x</key><set/>")),
    Dialect("an element inside a text", also("<key>x</key><string>a<true/></string>")),
    Dialect("a binary list", binary()),
    Dialect(
        "a binary list with a date",
        binary(when=datetime(2027, 1, 15, tzinfo=UTC).replace(tzinfo=None)),
    ),
    Dialect("a binary list with a UID", binary(x=plistlib.UID(1))),
    Dialect("an empty array as the list", told("<key>ManagedApplicationList</key><array/>")),
    Dialect("text as the list", told("<key>ManagedApplicationList</key><string>none</string>")),
    Dialect("no list", told("")),
    Dialect("text as an entry", entry("<string>Managed</string>")),
    Dialect("a status that nobody knows", told(LIST, status="Done")),
]
"""In the order of the page."""
