"""What went wrong on the wire: its kind, and a few words of our own for it.

The libraries' texts are not repeated: they may hold addresses of proxies with credentials.
"""

from __future__ import annotations

import errno
import os
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException, IncompleteRead
from typing import Literal

from urllib3.exceptions import DecodeError

from bridge.clients.transport import InterimReply, TooSlow, Unreached, attempt

HitchKind = Literal[
    "name",
    "refused",
    "no way",
    "slow",
    "closed",
    "proxy",
    "no tls",
    "tls",
    "unknown issuer",
    "expired",
    "not yet valid",
    "other host",
    "no http",
    "other",
]


@dataclass(frozen=True, slots=True)
class Hitch:
    """`kind` tells what is to be mended; "other" where nothing can be said of that."""

    kind: HitchKind
    text: str


def hitch(error: BaseException) -> Hitch:
    """What went wrong, by `error` and everything that it wraps."""
    for look in (_of_tls, _of_connecting, _of_talking, _of_system):
        for item in _chain(error):
            if found := look(item):
                return found
    return Hitch("other", type(error).__name__)


def was_dropped(error: BaseException) -> bool:
    """Did the other side close the connection instead of answering?"""
    return any(isinstance(item, ConnectionResetError | BrokenPipeError) for item in _chain(error))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything it wraps: causes, contexts, reasons and exceptions among arguments."""
    waiting: list[BaseException] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        inner = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
        waiting.extend(item for item in inner if isinstance(item, BaseException))


_NOT_TLS = ("WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE")
"""What OpenSSL calls it, in one version or another, that the other side does not speak TLS."""

_CERTIFICATES: dict[int, HitchKind] = {
    9: "not yet valid",
    10: "expired",
    18: "unknown issuer",
    19: "unknown issuer",
    20: "unknown issuer",
    21: "unknown issuer",
    62: "other host",
    64: "other host",
}
"""OpenSSL's X509_V_ERR_… (x509_vfy.h): 18 and 19 are self-signed, 64 is of an IP address."""

_NO_WAY = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.ENETDOWN, errno.EHOSTDOWN)


def _of_tls(error: BaseException) -> Hitch | None:
    if isinstance(error, ssl.SSLCertVerificationError):
        kind = _CERTIFICATES.get(error.verify_code, "unknown issuer")
        return Hitch(kind, f"its certificate is not trusted: {error.verify_message}")
    if isinstance(error, ssl.SSLError) and error.reason in _NOT_TLS and not attempt.left:
        text = "what answers there does not speak TLS: write http:// if it is meant to be plain"
        return Hitch("no tls", f"{text} HTTP")
    if isinstance(error, ssl.SSLError):
        return Hitch("tls", f"TLS failed: {error.reason or type(error).__name__}")
    return None


def _of_connecting(error: BaseException) -> Hitch | None:
    if isinstance(error, socket.gaierror):
        return Hitch("name", "its name cannot be resolved")
    if isinstance(error, ConnectionRefusedError):
        return Hitch("refused", "connection refused")
    if refused := re.search(r"Tunnel connection failed: (\d{3})", str(error)):
        return Hitch("proxy", f"the proxy answered {refused[1]}")
    return None


def _of_talking(error: BaseException) -> Hitch | None:
    if isinstance(error, ConnectionResetError | BrokenPipeError):
        return Hitch("closed", "the connection was closed")
    if isinstance(error, TooSlow | Unreached):
        return Hitch("slow", str(error))
    if isinstance(error, TimeoutError):
        return Hitch("slow", "timed out")
    if isinstance(error, IncompleteRead):
        return Hitch("closed", "the reply broke off")
    if isinstance(error, InterimReply):
        text = f"{error.status} came instead of a reply; a proxy on the way must not send it"
        return Hitch("no http", text)
    if isinstance(error, HTTPException):
        return Hitch("no http", "the reply is not HTTP")
    if isinstance(error, DecodeError):
        return Hitch("no http", "the reply cannot be decompressed")
    return None


def _of_system(error: BaseException) -> Hitch | None:
    if isinstance(error, OSError) and error.errno:
        kind: HitchKind = "no way" if error.errno in _NO_WAY else "other"
        return Hitch(kind, os.strerror(error.errno).lower())
    return None
