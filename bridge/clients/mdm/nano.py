"""The HTTP API of NanoMDM, which NanoHUB serves below a prefix.

Sources: NanoMDM's http/api, api and storage packages (v0.9.0), NanoHUB's cmd/nanohub (v0.2.0), and
what tests/real saw of both. Enqueueing and pushing are one call there, so that a status tells of
the worst of the two: what became of a command is read from the body. Its texts may hold a push
token or a part of a command, so they are recognised here and never repeated.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, cast

from bridge.clients.mdm.calls import Calls, device_path, refusal_of_any, wants_tls
from bridge.clients.mdm.port import Abilities, MdmDevice, QueuedCommand, Words
from bridge.clients.mdm.pushing import why_no_push
from bridge.clients.reply import Reply
from bridge.clients.shape import (
    Fields,
    boolean,
    entries,
    json_object,
    lenient,
    text,
    text_or_none,
    time_or_none,
)
from bridge.errors import MdmRefused, ShapeError

_SPLITS_AT = ","
"""The server takes an id for several there, however it is quoted."""

_UUID = re.compile(rb"<key>\s*CommandUUID\s*</key>\s*<string>([^<]*)</string>")
_PLAIN_UUID = re.compile(rb"[0-9A-Za-z][0-9A-Za-z-]{0,63}")

_STORED_BEFORE = ("already exists", "duplicate key", "Error 1062")
_SURE = (
    ("decoding command", "it cannot read the command as a property list"),
    ("must enqueue or push", "it got no command"),
    ("_fkey", "the device is not enrolled there (yet): its TokenUpdate must come first"),
    ("Error 1452", "the device is not enrolled there (yet): its TokenUpdate must come first"),
    ("connection refused", "its database cannot be reached"),
    ("no such host", "its database cannot be reached"),
)
"""Texts of an error that say for sure that nothing was stored."""

_DEVICE = "Device"
_OF_DEVICES = (_DEVICE, "User Enrollment (Device)")
_QUERY = json.dumps({"filter": {"types": list(_OF_DEVICES)}}).encode()
_PAGE = 1000
_NO_ENDPOINT = (404, 405, 501)

_NO_PUSH = (
    ("push data missing", "it has no push details of this device, which must enrol (again)"),
    ("retrieving push cert", "it has no push certificate: upload one with PUT /v1/pushcert"),
)


class NanoMdm(Calls):
    """Calls to one NanoMDM; thread-safe.

    MdmRefused is a 4xx, a redirect, or an error in the body by which nothing was stored. Anything
    else that is no success is OutcomeUnknown, such as an error in words that are not known, and a
    CommandUUID that is stored already: whether that command still waits is not told. Every request
    that changes something is sent once, the GET that pushes, too.
    """

    user = "nanomdm"
    prefix = "/v1"
    guarded: ClassVar = "/v1/pushcert"
    key_flag = "-api"
    abilities: ClassVar = Abilities(
        queue_view=False,
        device_list=False,
        stores_before_reply=True,
        pushes_on_enqueue=True,
        repeats_are_refused=True,
        words=Words(
            "NanoMDM",
            "-webhook-url",
            "-webhook-hmac-key",
            "unexpected HTTP status",
            also_releases="device_configured in a plan of NanoCMD",
        ),
    )

    def enqueue(self, enrolment_id: str, plist: bytes) -> None:
        """Hand over a raw XML plist with its CommandUUID, byte for byte, for one device.

        Returns once it is stored, though the push that goes with it may have failed, and on file
        storage also for a device that the server does not know. Its id must not hold a comma, and
        the CommandUUID must be plain, since file storage makes a name of it.
        """
        path = device_path("PUT", f"{self.prefix}/enqueue", enrolment_id, _SPLITS_AT)
        command_uuid = _command_uuid(plist)
        if command_uuid is None:
            raise MdmRefused(
                "This command has no plain CommandUUID, so it was not sent.",
                service="mdm",
                call=f"PUT {self.prefix}/enqueue",
            )
        headers = {**self._authorization, "Content-Type": "application/xml"}
        reply = self._http.request("PUT", path, content=plist, headers=headers)
        fields = self._result(reply)
        for said in _errors(fields, "command_error"):
            if any(known in said for known in _STORED_BEFORE):
                raise self._unknown(reply, "it has had this CommandUUID before")
            if why := _in_our_words(said, _SURE):
                raise self._refused(reply, why)
            raise self._unknown(reply, "it could not store the command; see its log for the reason")
        if fields.get("command_uuid") != command_uuid:
            raise self._unknown(reply, "it does not name the command that was sent")

    def push(self, enrolment_id: str, expiration: int | None = None) -> str:
        """Wake a device now; returns Apple's id of the push. Apple tries once: NanoMDM tells it no
        `expiration`."""
        path = device_path("GET", f"{self.prefix}/push", enrolment_id, _SPLITS_AT)
        reply = self._http.request("GET", path, headers=self._authorization, is_read=False)
        fields = self._result(reply)
        for said in _errors(fields, "push_error"):
            why = _in_our_words(said, _NO_PUSH)
            raise self._refused(reply, why or why_no_push(said))
        return self._read(reply, lambda fields: _push_id(fields, enrolment_id))

    def queue(self, enrolment_id: str) -> tuple[QueuedCommand, ...]:
        """Not asked of such a server: no release shows what waits for a device."""
        raise self._cannot("show what waits for a device")

    def devices(self, serial_numbers: Sequence[str] | None = None) -> tuple[MdmDevice, ...]:
        """Not asked of such a server: no release lists its devices."""
        raise self._cannot("list its devices")

    def enrolments(self) -> tuple[MdmDevice, ...] | None:
        """The enrolments of devices, page by page, where the server has an endpoint for them (none
        has up to v0.9.0; NanoMDM's openapi.yaml, "Query MDM enrollments"); None where it has not,
        and where its storage cannot tell. Raises as the others."""
        found: list[MdmDevice] = []
        seen: set[str] = set()
        place: Mapping[str, str] = {}
        while True:
            reply = self._http.request(
                "POST",
                f"{self.prefix}/enrollments/query",
                query={"limit": str(_PAGE), **place},
                content=_QUERY,
                headers={**self._authorization, "Content-Type": "application/json"},
            )
            if reply.status in _NO_ENDPOINT:
                return None
            self._check(reply, 200)
            page = self._read(reply, _enrolments)
            found += page.records
            offset = int(place.get("offset", 0)) + page.rows
            if not page.cursor and page.rows < _PAGE:
                return tuple(found)
            if page.cursor in seen:
                raise self._unknown(reply, "it names a page that it has given before")
            seen.update({page.cursor} if page.cursor else ())
            place = {"cursor": page.cursor} if page.cursor else {"offset": str(offset)}

    def _cannot(self, what: str) -> MdmRefused:
        text = f"{self._http.host} cannot {what}, so nothing was asked."
        return MdmRefused(text, service="mdm", call=what)

    def _result(self, reply: Reply) -> Fields:
        """The result of a call in the body of a reply of whatever status; raises where the status
        alone tells, or there is no result."""
        if why := wants_tls(reply) or self._refusal(reply):
            raise self._refused(reply, why)
        try:
            return json_object(reply.content)
        except ShapeError as error:
            shape = str(error)
        raise self._unknown(reply, shape)

    def _refusal(self, reply: Reply) -> str | None:
        if reply.status == 401:
            return f"it does not accept the API key; compare it with its {self.key_flag}"
        return refusal_of_any(
            reply.status,
            f"it does not serve {self.prefix} at this URL; compare url and kind in the file",
        )


class NanoHub(NanoMdm):
    """Calls to one NanoHUB, as NanoMDM's below its prefix."""

    user = "nanohub"
    prefix = "/api/v1/nanomdm"
    guarded: ClassVar = "/api/v1/nanomdm/pushcert"
    key_flag = "-api-key"
    abilities: ClassVar = replace(
        NanoMdm.abilities, words=replace(NanoMdm.abilities.words, program="NanoHUB")
    )


@dataclass(frozen=True, slots=True)
class _Page:
    """One page of enrolments; how many rows it had, and the cursor of the next, where there are."""

    records: tuple[MdmDevice, ...]
    rows: int
    cursor: str


def _enrolments(fields: Fields) -> _Page:
    """One page. Users of a device have rows of their own, which are left out."""
    found, odd = entries(fields, "enrollments", _enrolment)
    unread = tuple(
        MdmDevice("", "", None, None, "", f"{each.what} (row {each.place + 1} of enrollments)")
        for each in odd
    )
    shown = tuple(each for each in found if each is not None)
    cursor = text_or_none(fields, "next_cursor") or ""
    return _Page(shown + unread, len(found) + len(odd), cursor)


def _enrolment(row: Fields) -> MdmDevice | None:
    kind = text_or_none(row, "type")
    if kind not in _OF_DEVICES:
        return None
    enrolment_id, is_user = text(row, "id"), kind != _DEVICE
    device = row.get("device")
    serial = lenient(text_or_none, device, "serial_number") if isinstance(device, Mapping) else None
    return MdmDevice(
        udid="" if is_user else enrolment_id,
        serial_number="" if is_user else serial or "",
        enrolled=boolean(row, "enabled", default=False),
        last_seen_at=time_or_none(row, "last_seen"),
        dep_profile_status="",
        enrollment_id=enrolment_id if is_user else "",
    )


def _command_uuid(plist: bytes) -> str | None:
    """The one CommandUUID of a command; None where it is not plain, or there are several."""
    found = _UUID.findall(plist)
    if len(found) != 1 or not _PLAIN_UUID.fullmatch(found[0]):
        return None
    return cast(bytes, found[0]).decode()


def _errors(fields: Fields, key: str) -> Iterator[str]:
    """The texts of the errors of a call, of the whole and of each device; empty for one that is no
    text."""
    status = fields.get("status")
    parts = status.values() if isinstance(status, Mapping) else ()
    for part in (fields, *parts):
        if isinstance(part, Mapping) and part.get(key):
            said = part[key]
            yield said if isinstance(said, str) else ""


def _push_id(fields: Fields, enrolment_id: str) -> str:
    status = fields.get("status")
    result = status.get(enrolment_id) if isinstance(status, Mapping) else None
    if not isinstance(result, Mapping):
        raise ShapeError("status is missing or does not name the device")
    return text(result, "push_result")


def _in_our_words(said: str, known: Sequence[tuple[str, str]]) -> str | None:
    return next((words for part, words in known if part in said), None)
