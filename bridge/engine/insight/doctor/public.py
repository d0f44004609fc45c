"""Whether the address that Apple is given leads here, tried from here.

Apple comes from elsewhere: its own notifications alone prove that it gets through. What does not
even answer here is told with a mend, and never as a failure, since a name may well lead elsewhere
inside of a network.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from bridge.engine.insight.doctor.finding import Case, Finding, ok, warn
from bridge.engine.insight.doctor.mends import address, mend
from bridge.errors import CallError, ConfigError

WRONG = "a token that Apple was never given"
_APPLE = "17.0.0.0/8"
_UNAUTHORIZED, _FORBIDDEN, _NOT_FOUND = 401, 403, 404
_REDIRECTS = (301, 302, 303, 307, 308)
_PROXYS_OWN = (502, 503, 504)
_FOR_US = 407


def public(case: Case, mark: Mapping[str, str]) -> Iterator[Finding]:
    """Each location's notification URL, asked with a wrong token, which it must refuse."""
    for name in case.config.locations:
        url = case.config.notification_url(name)
        if url is not None:
            yield _asked(case, name, url, mark)


def _asked(case: Case, name: str, url: str, mark: Mapping[str, str]) -> Finding:
    part, parts = f"notifications {name}", urlsplit(url)
    headers = {"Authorization": f"Bearer {WRONG}", "Content-Type": "application/json", **mark}
    try:
        way = case.clients.way_to(f"{parts.scheme}://{parts.netloc}", "public")
    except ConfigError as error:
        return warn(part, f"{url} could not be tried: {error}")
    try:
        status = way.request("POST", parts.path, content=b"{}", headers=headers).status
    except CallError as error:
        there = address(url, "public_url", "public", way)
        return warn(part, f"{url} does not answer from here: {error}", mend(error.hitch, there))
    if status == _UNAUTHORIZED:
        return ok(part, f"{url} leads here, tried from here")
    if status == _FORBIDDEN:
        text = f"{url} answers 403 from here: it lets in whom it knows"
        return ok(part, f"{text}, which must be all of Apple ({_APPLE})")
    return warn(
        part, f"{url} answered {status} from here, not 401", _mend(case, status, parts.path)
    )


def _mend(case: Case, status: int, path: str) -> str:
    host, port = case.config.listen_outside or case.config.listen
    if status == _FOR_US:
        return "a proxy between asks for a name and password; name this address in NO_PROXY"
    if status in _REDIRECTS:
        return "let it answer without a redirect, which Apple does not follow"
    if status in _PROXYS_OWN:
        return f"have serve run, and the proxy pass {path} on to {host}:{port}"
    if status == _NOT_FOUND:
        return (
            f"let the proxy pass {path} on to {host}:{port} with its path unchanged, or write "
            "public_url with the path that the proxy takes off"
        )
    return f"something else answers there: let the proxy pass {path} on to {host}:{port}"
