"""What is to be done about an address that cannot be reached, by what went wrong on the wire."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

from bridge.clients.hitches import HitchKind
from bridge.clients.http import HttpClient

Whose = Literal["apple", "mdm", "public", "alerts"]


@dataclass(frozen=True, slots=True)
class Address:
    """A URL of the configuration, the key that it stands under, and the proxy between."""

    url: str
    key: str
    whose: Whose
    proxy: str | None = None

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        parts = urlsplit(self.url)
        return parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def variable(self) -> str:
        """That of the environment which names the proxy."""
        return "HTTPS_PROXY" if self.url.startswith("https") else "HTTP_PROXY"


def address(url: str, key: str, whose: Whose, way: HttpClient | None) -> Address:
    """An address and the way there; without a client yet, as if there were no proxy."""
    return Address(url, key, whose, way.proxy if way is not None else None)


def mend(kind: str, there: Address) -> str:
    """The mend for a `HitchKind`; "" for what is none."""
    found = _MENDS.get(kind)  # type: ignore[call-overload]
    if found is None:
        return ""
    if there.proxy is not None and kind in _OF_PROXY:
        return (
            f"{found(there)}; the proxy {there.proxy} is named by {there.variable}: see that it "
            f"runs and lets this machine through to {there.host}:{there.port}, or name "
            f"{there.host} in NO_PROXY, for serve as well"
        )
    text: str = found(there)
    return text


def _name(there: Address) -> str:
    name = there.proxy.rpartition(":")[0] if there.proxy else there.host
    spelt = "" if there.proxy else f"see that {there.key} is spelt right, and "
    return f"{spelt}have the name server of this machine know {name} (try: getent hosts {name})"


def _refused(there: Address) -> str:
    if there.proxy:
        return "nobody listens at the proxy's address"
    if there.whose == "apple":
        return f"see that {there.key} is right and no firewall between refuses it"
    return f"start it, or let {there.key} name the host and port where it listens"


def _no_way(there: Address) -> str:
    return f"see that this machine has a route to {there.proxy or there.host} (try: ip route)"


def _slow(there: Address) -> str:
    return f"let this machine out to {there.host}, TCP port {there.port}, in every firewall between"


def _closed(there: Address) -> str:
    if not there.url.startswith("https"):
        return f"if it speaks TLS there, write https:// in {there.key}; else see its log"
    return f"see the log of {there.host}, and what stands between: it ended the connection"


def _proxy(there: Address) -> str:
    return "407 of a proxy asks for a name and password in its URL, 403 forbids this address"


def _no_tls(there: Address) -> str:
    return f"write http:// in {there.key}, or have it speak TLS at port {there.port}"


def _tls(there: Address) -> str:
    return f"see that {there.host} speaks TLS 1.2 or 1.3 at port {there.port}"


def _issuer(there: Address) -> str:
    if there.whose == "apple":
        return (
            "something between inspects TLS, or stands there in Apple's place: exempt "
            f"{there.host} from inspection; else name a file in REQUESTS_CA_BUNDLE that holds its "
            "CA's certificate beside the public ones"
        )
    if there.whose == "public":
        return "let it have a certificate of a public CA, for Apple trusts no other, and its chain"
    return (
        "name a file in REQUESTS_CA_BUNDLE, for serve as well, that holds the certificate of its "
        "CA (or its own, where it signed it itself) beside the public ones; and have it send its "
        "chain"
    )


def _expired(there: Address) -> str:
    return f"renew the certificate of {there.host}; and see that the time is right here (date -u)"


def _not_yet(there: Address) -> str:
    return "see that the time is right here (date -u); where it is, wait until it is valid"


def _other_host(there: Address) -> str:
    return f"let {there.key} name a host that the certificate is for, or have one for {there.host}"


def _no_http(there: Address) -> str:
    return f"see what listens at {there.host}:{there.port}: it does not answer as a web server"


def _other(there: Address) -> str:
    return f"check {there.key}, the network and the proxy between"


_MENDS: Mapping[HitchKind, Callable[[Address], str]] = {
    "name": _name,
    "refused": _refused,
    "no way": _no_way,
    "slow": _slow,
    "closed": _closed,
    "proxy": _proxy,
    "no tls": _no_tls,
    "tls": _tls,
    "unknown issuer": _issuer,
    "expired": _expired,
    "not yet valid": _not_yet,
    "other host": _other_host,
    "no http": _no_http,
    "other": _other,
}
_OF_PROXY = ("name", "refused", "slow", "closed", "proxy")
