"""What calls to MDM servers of every kind have in common: credentials, and what replies mean."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from base64 import b64encode
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar, TypeVar
from urllib.parse import quote

from bridge.clients.mdm.port import MdmDevice
from bridge.clients.reply import Reply
from bridge.clients.shape import Fields, json_object, text
from bridge.errors import ConfigError, MdmRefused, OutcomeUnknown, ShapeError, UnreadableReply

if TYPE_CHECKING:  # what a server can do is asked without loading what calls it
    from bridge.clients.http import HttpClient

_T = TypeVar("_T")


class Calls(ABC):
    """An HTTP API that Basic credentials of a fixed user open; thread-safe."""

    user = ""
    guarded: ClassVar[str]

    def __init__(self, http: HttpClient, api_key: str) -> None:
        if not api_key:
            raise ConfigError(["the API key of the MDM server is empty"])
        credentials = b64encode(f"{self.user}:{api_key}".encode()).decode()
        self._http = http
        self._authorization = {"Authorization": f"Basic {credentials}"}

    def version(self) -> str:
        """The server's version, `unknown` from some builds; asked for without credentials."""
        reply = self._http.request("GET", "/version")
        self._check(reply, 200)
        return self._read(reply, lambda fields: text(fields, "version"))

    def try_key(self) -> None:
        """Have the server look at the key, by a GET that changes nothing."""
        reply = self._http.request("GET", self.guarded, headers=self._authorization)
        if reply.status in (401, 403, 404, 405) or wants_tls(reply):
            self._check(reply, 200)

    def push_certificate(self) -> bytes | None:
        """Nothing: this kind of server has no way to ask."""
        return None

    def enrolments(self) -> tuple[MdmDevice, ...] | None:
        """Nobody: this kind of server has no way to ask."""
        return None

    @abstractmethod
    def _refusal(self, reply: Reply) -> str | None:
        """Why a reply is a definite no, or None when it is not one; never in the server's own
        words, which may hold a secret."""

    def _check(self, reply: Reply, expected: int) -> None:
        if reply.status == expected:
            return
        if why := wants_tls(reply) or self._refusal(reply):
            raise self._refused(reply, why)
        raise self._unknown(reply, f"{expected} was expected")

    def _read(self, reply: Reply, read: Callable[[Fields], _T]) -> _T:
        try:
            return read(json_object(reply.content))
        except ShapeError as error:
            shape = str(error)
        raise self._unknown(reply, shape, UnreadableReply)

    def _refused(self, reply: Reply, why: str) -> MdmRefused:
        return MdmRefused(
            f"{self._http.host} refused {reply.call} ({reply.status}): {why}.",
            service="mdm",
            call=reply.call,
            status=reply.status,
            retry_after=reply.retry_after,
        )

    def _unknown(
        self, reply: Reply, what: str, kind: type[OutcomeUnknown] = OutcomeUnknown
    ) -> OutcomeUnknown:
        return kind(
            f"{self._http.host}'s answer to {reply.call} (status {reply.status})"
            f" cannot be used: {what}.",
            service="mdm",
            call=reply.call,
            status=reply.status,
            retry_after=reply.retry_after,
        )


_PLAIN_TO_TLS = re.compile(
    rb"HTTP request to an HTTPS server|plain HTTP request was sent to HTTPS port"
    rb"|speaking plain HTTP to an SSL-enabled server"
)
"""What Go's net/http, nginx and Apache answer, with 400, to plain HTTP at a port of TLS."""


def wants_tls(reply: Reply) -> str | None:
    """What is to be said where the server wants https and got http; else None."""
    if reply.status == 400 and _PLAIN_TO_TLS.search(reply.content):
        return "it speaks TLS there: write https:// in the URL"
    return None


def device_path(method: str, base: str, enrolment_id: str, splits_at: str = "") -> str:
    """The path of one device below `base`; raises MdmRefused for an id that would be another's.

    A UDID is whatever a device said. An empty one, dots and a slash would reach another resource,
    and the server's 404 to it would be taken for its age; `splits_at` are characters at which the
    server takes one id for several.
    """
    if enrolment_id in ("", ".", "..") or any(each in enrolment_id for each in "/" + splits_at):
        raise MdmRefused(
            "This UDID cannot be put into a URL, so nothing was asked.",
            service="mdm",
            call=f"{method} {base}",
        )
    return f"{base}/{quote(enrolment_id, safe='')}"


def refusal_of_any(status: int, absent: str) -> str | None:
    """Why a status below 500 is a definite no from a server of any kind; `absent` is said of one
    that does not have what was asked for."""
    if status in (404, 405):
        return absent
    if status in (301, 302, 307, 308):
        return "it redirects elsewhere; use the final URL, with https if that is what it wants"
    return "nothing was done" if 400 <= status < 500 else None
