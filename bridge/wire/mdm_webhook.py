"""The webhook of MicroMDM, NanoMDM and NanoHUB: read without trust, stored without its secrets.

The body holds a device's message as base64; check-ins and other tools' answers carry unlock
tokens, push tokens and recovery keys, of which nothing may reach the database. `parse_webhook`
reads the bytes that came in, `storable` says what of them is kept, `load_stored` reads that again.
Sources: MicroMDM, workflow/webhook/{webhook,checkin_event,acknowledge_event}.go; NanoMDM,
service/webhook/{event.go,event.json}, which NanoHUB uses, too.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import NoneType
from typing import Any, Literal, get_args

from bridge.errors import MessageError, ShapeError
from bridge.wire import kept, plist, plist_json
from bridge.wire.clock_text import parse_rfc3339
from bridge.wire.device_report import Channel, parse_identity
from bridge.wire.json_text import Members, read_message, read_object, write_object

Kind = Literal["checkin", "acknowledge", "unknown"]

CONNECT = "mdm.Connect"
_KINDS: Mapping[str, Kind] = {kind: kind for kind in get_args(Kind)}
_CHANNELS: Mapping[str, Channel] = {channel: channel for channel in get_args(Channel)}
_TEXT = (str, NoneType)
MAX_STORED = 16 * 1024 * 1024

_OF_TYPE: Mapping[str, Channel] = {
    "Device": "device",
    "User": "user",
    "User Enrollment (Device)": "enrollment",
    "User Enrollment": "enrollment-user",
    "Shared iPad": "shared-ipad-user",
}
"""Who speaks, by `ids.type`. Source: NanoMDM, mdm/type.go."""


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook as it came in. `payload` is secret: only `storable` decides what is kept.

    `created_at` is the server's clock, in seconds since the epoch. `payload_length` and
    `payload_sha256` describe the payload, or the text that should have been one.
    `oddities` names members that are missing though always sent, or of a wrong type.
    `channel` is who speaks by the envelope, None where it does not tell; where it does, `udid` or
    `enrollment_id` is the id by which its server knows the device, byte for byte.
    `token_update_tally` counts an enrolment's TokenUpdates from 1, where the server does.
    `channel_id` is by what the server addresses a user, where the envelope tells it.
    """

    topic: str | None
    event_id: str | None
    created_at: float | None
    kind: Kind
    udid: str | None
    enrollment_id: str | None
    status: str | None
    command_uuid: str | None
    payload: bytes | None = field(repr=False)
    payload_error: str | None
    payload_length: int
    payload_sha256: str | None
    oddities: tuple[str, ...]
    channel: Channel | None = None
    token_update_tally: int | None = None
    channel_id: str | None = None


@dataclass(frozen=True, slots=True)
class StoredWebhook:
    """A webhook as kept. `message` holds the keys that may be kept of the device's message; None
    where nothing may be, or it could not be read (`payload_error`). `channel` is None only where
    the message did not say who speaks."""

    topic: str | None
    event_id: str | None
    created_at: float | None
    kind: Kind
    udid: str | None
    enrollment_id: str | None
    status: str | None
    command_uuid: str | None
    channel: Channel | None
    message: Mapping[str, object] | None = field(repr=False)
    payload_error: str | None
    payload_length: int
    payload_sha256: str | None
    oddities: tuple[str, ...]
    token_update_tally: int | None = None
    channel_id: str | None = None
    """By what the server addresses the user who speaks; None on the device's channel."""


def parse_webhook(body: bytes) -> Webhook:
    """Read a webhook. NanoMDM's say in `ids` who speaks, and NanoHUB's have no event_id.

    Raises ShapeError only when `body` is not a JSON object in UTF-8. Anything else that is wrong
    with it is said in `oddities` and `payload_error`.
    """
    oddities: list[str] = []
    members = read_message(body)
    document = Members(members, oddities)
    always = ("topic", "event_id", "created_at")
    topic, event_id, created = document.texts(
        *always, required=("topic", "created_at") if _names_speaker(members) else always
    )
    created_at = _created_at(document, created)
    kind, event = _event(document)
    ids = event.child("ids")
    payload, error, length, digest = _payload(event)
    udid, enrollment_id, status, command_uuid = event.texts(
        *("udid", "enrollment_id", "status", "command_uuid"),
        required=("status",) if kind == "acknowledge" else (),
    )
    channel = channel_id = None
    if ids is not None:
        channel, channel_id, udid, enrollment_id = _speaker(ids, udid, enrollment_id)
    if kind != "unknown" and udid is None and enrollment_id is None:
        event.call_odd("udid")
    return Webhook(
        topic=topic,
        event_id=event_id,
        created_at=created_at,
        kind=kind,
        udid=udid,
        enrollment_id=enrollment_id,
        status=status,
        command_uuid=command_uuid,
        payload=payload,
        payload_error=error,
        payload_length=length,
        payload_sha256=digest,
        channel=channel,
        token_update_tally=event.integer("token_update_tally"),
        channel_id=channel_id,
        oddities=tuple(dict.fromkeys(oddities)),
    )


def storable(webhook: Webhook, command_is_ours: bool) -> bytes:
    """What of `webhook` may be kept, as a JSON object that `load_stored` reads.

    Of check-ins a fixed list of keys; of the answer to a command of ours everything but keys that
    name secrets (`bridge.wire.kept`); of any other answer nothing, save on which channel it came.
    A message that cannot be read, or is beyond 16 MiB, is kept as length, SHA-256 and error.
    """
    content, error = _content(webhook)
    message = None
    if content is not None and webhook.topic == CONNECT:
        is_ours = command_is_ours and webhook.kind == "acknowledge"
        message = kept.of_answer(content) if is_ours else None
    elif content is not None and webhook.kind == "checkin":
        message = kept.of_checkin(webhook.topic, content)
    channel = webhook.channel or _channel(content)
    if channel == "user" and webhook.channel is None:
        # MicroMDM addresses a user by the UserID, which its envelope does not have.
        webhook = replace(webhook, channel_id=_user_id(content))
    stored = _stored_form(webhook, channel, message, error)
    if len(stored) > MAX_STORED:
        error = f"The message is larger than {MAX_STORED} bytes and was not kept."
        stored = _stored_form(webhook, channel, None, error)
    return stored


def load_stored(data: bytes) -> StoredWebhook:
    """Read what `storable` wrote; raises ShapeError for anything else."""

    def member(of: Mapping[str, object], name: str, *kinds: type) -> Any:
        value = of.get(name)
        if type(value) not in kinds:
            raise ShapeError(f"This is not a stored webhook: {name} is odd.", data)
        return value

    document = read_object(data)
    kind = _KINDS.get(member(document, "kind", str))
    if kind is None:
        raise ShapeError("This is not a stored webhook: nobody knows its kind.", data)
    payload = member(document, "payload", dict)
    created_at = member(document, "created_at", float, int, NoneType)
    message = plist_json.from_json(member(document, "message", dict, NoneType))
    if not isinstance(message, dict | None):
        raise ShapeError("This is not a stored webhook: message is odd.", data)
    return StoredWebhook(
        topic=member(document, "topic", *_TEXT),
        event_id=member(document, "event_id", *_TEXT),
        created_at=None if created_at is None else float(created_at),
        kind=kind,
        udid=member(document, "udid", *_TEXT),
        enrollment_id=member(document, "enrollment_id", *_TEXT),
        status=member(document, "status", *_TEXT),
        command_uuid=member(document, "command_uuid", *_TEXT),
        channel=_CHANNELS.get(member(document, "channel", *_TEXT) or ""),
        message=message,
        payload_error=member(payload, "error", *_TEXT),
        payload_length=member(payload, "length", int),
        payload_sha256=member(payload, "sha256", *_TEXT),
        token_update_tally=member(document, "token_update_tally", int, NoneType),
        channel_id=member(document, "channel_id", *_TEXT),
        oddities=tuple(member(document, "oddities", list)),
    )


def _created_at(document: Members, text: str | None) -> float | None:
    moment = None if text is None else parse_rfc3339(text)
    if text is not None and (moment is None or moment <= 0):
        document.call_odd("created_at")
        return None  # Go writes year 1 for a time that it was not told
    return moment


def _event(document: Members) -> tuple[Kind, Members]:
    """The one of the two kinds of event that is there."""
    checkin = document.child("checkin_event")
    acknowledge = document.child("acknowledge_event")
    if checkin is not None and acknowledge is None:
        return "checkin", checkin
    if acknowledge is not None and checkin is None:
        return "acknowledge", acknowledge
    document.call_odd("checkin_event")
    return "unknown", Members({}, [])


def _names_speaker(members: Mapping[str, object]) -> bool:
    """Whether it has the form of a server that may send no event_id."""
    events = (members.get("checkin_event"), members.get("acknowledge_event"))
    return any(isinstance(event, dict) and "ids" in event for event in events)


def _speaker(
    ids: Members, udid: str | None, enrollment_id: str | None
) -> tuple[Channel | None, str | None, str | None, str | None]:
    """The channel, the user's id, UDID and enrolment id, by `ids` where they tell: of a user they
    name the device as the parent."""
    own, of_type = ids.texts("id", "type", required=("id", "type"))
    channel = _OF_TYPE.get(of_type or "")
    if channel is None or own is None:
        return channel, None, udid, enrollment_id
    if channel == "device":
        return channel, None, own, None
    if channel == "enrollment":
        return channel, None, None, own
    return channel, own, udid, enrollment_id


def _payload(event: Members) -> tuple[bytes | None, str | None, int, str | None]:
    """The device's message, or why there is none; and the length and the SHA-256 of it, or of the
    text that should have been one."""
    text = event.raw("raw_payload")
    if text is None:
        return None, "raw_payload is missing.", 0, None
    if not isinstance(text, str):
        return None, "raw_payload is not text.", 0, None
    payload, error = None, None
    try:
        payload = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        error = "raw_payload is not base64."
    told = text.encode("utf-8", "surrogatepass") if payload is None else payload
    return payload, error, len(told), hashlib.sha256(told).hexdigest()


def _content(webhook: Webhook) -> tuple[dict[str, object] | None, str | None]:
    if webhook.payload is None:
        return None, webhook.payload_error
    try:
        return plist.loads_dict(webhook.payload), None
    except MessageError as error:
        return None, str(error)


def _channel(content: dict[str, object] | None) -> Channel | None:
    try:
        return None if content is None else parse_identity(content).channel
    except ShapeError:
        return None  # what `channel` says of such a message


def _user_id(content: dict[str, object] | None) -> str | None:
    user_id = (content or {}).get("UserID")
    return user_id if isinstance(user_id, str) else None


def _stored_form(
    webhook: Webhook,
    channel: Channel | None,
    message: dict[str, object] | None,
    error: str | None,
) -> bytes:
    payload = {"length": webhook.payload_length, "sha256": webhook.payload_sha256}
    return write_object(
        {
            "topic": webhook.topic,
            "event_id": webhook.event_id,
            "created_at": webhook.created_at,
            "kind": webhook.kind,
            "udid": webhook.udid,
            "enrollment_id": webhook.enrollment_id,
            "status": webhook.status,
            "command_uuid": webhook.command_uuid,
            "channel": channel,
            "message": plist_json.to_json(message),
            "payload": payload if error is None else {**payload, "error": error},
            "oddities": list(webhook.oddities),
            **_counted(webhook),
            **({} if webhook.channel_id is None else {"channel_id": webhook.channel_id}),
        }
    )


def _counted(webhook: Webhook) -> dict[str, object]:
    tally = webhook.token_update_tally
    return {} if tally is None else {"token_update_tally": tally}
