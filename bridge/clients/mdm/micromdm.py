"""MicroMDM's HTTP API.

Sources: MicroMDM's platform/command, platform/apns, platform/device and pkg/httputil. MicroMDM
answers 500 with `{"error": text}` for nearly every refusal of its own; the text may hold a device's
push token or a part of a command, so it is recognised here and never repeated.
"""

from __future__ import annotations

import json
from binascii import a2b_base64
from collections.abc import Callable, Sequence
from typing import ClassVar, TypeVar

from bridge.clients.mdm.calls import Calls, device_path, refusal_of_any
from bridge.clients.mdm.port import Abilities, MdmDevice, QueuedCommand, Words
from bridge.clients.mdm.pushing import why_no_push
from bridge.clients.reply import Reply
from bridge.clients.shape import (
    Fields,
    boolean,
    entries,
    json_object,
    lenient,
    rows,
    text,
    text_or_none,
    time_or_none,
)
from bridge.errors import ShapeError

_T = TypeVar("_T")

_ABSENT = "it does not have this; MicroMDM 1.12 or newer with an API key is needed at this URL"
_NO_PUSH_CERTIFICATE = "It does that for a push when it has no push certificate: upload one."
NO_CERTIFICATE = "it has no push certificate, or no key for it"

_KNOWN_TEXTS = (
    ("PushInfo", "it has no push details of this device, which must enrol (again)"),
    ("invalid push token", "the device's push token is not valid, it must enrol (again)"),
    ("request is malformed", "it misses CommandUUID or RequestType in the command"),
    ("parse payload as plist", "it cannot read the command as a property list"),
)


class MicroMdm(Calls):
    """Calls to one MicroMDM; thread-safe.

    MdmRefused is a 4xx, a redirect, or a 500 with a JSON error; any other 5xx, a proxy's page for
    example, and a reply of another shape are OutcomeUnknown. A POST is sent once.
    """

    user = "micromdm"
    guarded: ClassVar = "/v1/commands/BRIDGE-DOCTOR"
    abilities: ClassVar = Abilities(
        queue_view=True,
        device_list=True,
        stores_before_reply=False,
        pushes_on_enqueue=True,
        repeats_are_refused=False,
        words=Words(
            "MicroMDM",
            "-command-webhook-url",
            lost_webhook="post webhook event",
            also_releases="a blueprint that is applied at enrolment",
            remove_device="mdmctl remove devices -udids {id}",
            clear_queue="curl -X DELETE -u micromdm {url}/v1/commands/{id}",
        ),
    )

    def enqueue(self, enrolment_id: str, plist: bytes) -> None:
        """Hand over a raw XML plist with its CommandUUID, byte for byte (MicroMDM >= 1.11).

        Returns on 201, which is a promise in the server's memory: the command is stored later, an
        unknown device is not noticed, and a repeated CommandUUID is queued twice.
        """
        path = device_path("POST", "/v1/commands", enrolment_id)
        headers = {**self._authorization, "Content-Type": "application/xml"}
        reply = self._http.request("POST", path, content=plist, headers=headers)
        self._check(reply, 201)

    def queue(self, enrolment_id: str) -> tuple[QueuedCommand, ...]:
        """What waits for a device, sent or not, in order (MicroMDM >= 1.12).

        Empty also for an unknown device. Commands that a NotNow parked are not shown.
        """
        path = device_path("GET", "/v1/commands", enrolment_id)
        reply = self._http.request("GET", path, headers=self._authorization)
        return self._answer(reply, lambda fields: tuple(map(_queued, rows(fields, "commands"))))

    def devices(self, serial_numbers: Sequence[str] | None = None) -> tuple[MdmDevice, ...]:
        """The device records, all of them or those with one of these serial numbers.

        Each call makes MicroMDM read its whole table. One serial number may have several records.
        """
        if serial_numbers is not None and not serial_numbers:
            return ()
        wanted = {} if serial_numbers is None else {"filter_serial": list(serial_numbers)}
        reply = self._http.request(
            "POST",
            "/v1/devices",
            content=json.dumps(wanted).encode(),
            headers={**self._authorization, "Content-Type": "application/json"},
        )
        return self._answer(reply, _devices)

    def push(self, enrolment_id: str, expiration: int | None = None) -> str:
        """Wake a device now; returns Apple's id of the push.

        Until `expiration` (seconds since the epoch) Apple keeps trying; without it, it tries once.
        Takes up to 20 s when Apple's push service is slow.
        """
        path = device_path("POST", "/v1/push", enrolment_id)
        reply = self._http.request(
            "POST",
            path,
            query=None if expiration is None else {"expiration": str(expiration)},
            headers=self._authorization,
            if_dropped=_NO_PUSH_CERTIFICATE,
        )
        return self._answer(reply, lambda fields: text(fields, "push_notification_id"))

    def push_certificate(self) -> bytes | None:
        """The certificate alone (platform/config/get_push_certificate.go); MicroMDM answers 500
        where it has none or no key for it, 404 where it is too old to tell."""
        path = "/v1/config/certificate"
        reply = self._http.request("GET", path, headers=self._authorization)
        if reply.status in (404, 405):
            return None
        if reply.status == 500 and _error_text(reply.content) is not None:
            raise self._refused(reply, NO_CERTIFICATE)
        self._check(reply, 200)
        return self._read(reply, _certificate)

    def _refusal(self, reply: Reply) -> str | None:
        if reply.status == 401:
            return "it does not accept the API key; compare it with its -api-key"
        if reply.status == 500 and (said := _error_text(reply.content)) is not None:
            return _in_our_words(reply.call, said)
        return refusal_of_any(reply.status, _ABSENT)

    def _answer(self, reply: Reply, read: Callable[[Fields], _T]) -> _T:
        self._check(reply, 200)
        return self._read(reply, read)


def _error_text(content: bytes) -> str | None:
    try:
        return text_or_none(json_object(content), "error")
    except ShapeError:
        return None


def _in_our_words(call: str, said: str) -> str:
    for known, words in _KNOWN_TEXTS:
        if known in said:
            return words
    return why_no_push(said) if "/v1/push" in call else "see its log for the reason"


def _certificate(fields: Fields) -> bytes:
    try:
        return a2b_base64(text(fields, "cert"), strict_mode=True)
    except ValueError:
        raise ShapeError("cert is not base64") from None


def _queued(row: Fields) -> QueuedCommand:
    try:
        payload = a2b_base64(text_or_none(row, "payload") or "", strict_mode=True)
    except ValueError:
        raise ShapeError("payload is not base64") from None
    return QueuedCommand(text(row, "uuid"), payload)


def _devices(fields: Fields) -> tuple[MdmDevice, ...]:
    found, odd = entries(fields, "devices", _device)
    return found + tuple(
        MdmDevice("", "", None, None, "", f"{each.what} (row {each.place + 1} of devices)")
        for each in odd
    )


def _device(row: Fields) -> MdmDevice:
    """One record; only without its UDID it is not known whose it is."""
    odd = [
        f"{key} cannot be read"
        for key, reads in (("serial_number", text_or_none), ("enrollment_status", _enrolled))
        if not _can(reads, row, key)
    ]
    return MdmDevice(
        udid=text_or_none(row, "udid") or "",
        serial_number=lenient(text_or_none, row, "serial_number") or "",
        enrolled=lenient(_enrolled, row, "enrollment_status"),
        last_seen_at=time_or_none(row, "last_seen"),
        dep_profile_status=lenient(text_or_none, row, "dep_profile_status") or "",
        odd=", ".join(odd),
    )


def _enrolled(row: Fields, key: str) -> bool:
    return boolean(row, key, default=False)


def _can(read: Callable[[Fields, str], object], row: Fields, key: str) -> bool:
    try:
        read(row, key)
    except ShapeError:
        return False
    return True
