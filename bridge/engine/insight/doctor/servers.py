"""Checks of the MDM servers, by calls that only read: reached, of the right kind, open to us."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from bridge.clients.mdm.adapters import ADAPTERS, kinds_at
from bridge.clients.mdm.port import MdmServer
from bridge.engine.insight.doctor import unlisted
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.engine.insight.doctor.mends import address, mend
from bridge.engine.insight.doctor.push import push
from bridge.errors import CallError, ConfigError, MdmRefused

_NOBODY = "BRIDGE-DOCTOR"
"""A serial number and UDID of no device: the questions are answered with nothing."""
_NOT_FOUND = (404, 405)
_REDIRECTS = (301, 302, 307, 308)
_UNAUTHORIZED = (401, 403)
_PROXY, _GATEWAY = 407, 502


def mdm(case: Case, stored: Stored | None) -> Iterator[Finding]:
    """Each MDM server: whether it can be reached, lets us in, is new enough, and can push."""
    for name, config in case.config.servers.items():
        part, client = f"MDM {name}", case.clients.mdm(name)
        can, is_paused = client.abilities, stored is not None and stored.pauses.over_all is not None
        try:
            version = client.version()
            if can.device_list and not is_paused:
                client.devices([_NOBODY])  # a POST, which a pause of everything forbids
            elif not can.queue_view:
                client.try_key()
        except CallError as error:
            yield _failed(case, name, error)
            continue
        way = case.clients.way("mdm", name)
        through = f" through the proxy {way.proxy}" if way is not None and way.proxy else ""
        yield ok(part, f"{config.url} answers{through}, version {version}; key accepted")
        if through and urlsplit(config.url).hostname in ("127.0.0.1", "localhost", "::1"):
            text = "this machine itself is asked through a proxy"
            yield warn(part, text, "add 127.0.0.1,localhost to NO_PROXY, for serve as well")
        if can.queue_view:
            yield from _queue(case, name, client)
        if not is_paused:
            yield from push(case, name, client, stored)
        if not can.device_list:
            yield from unlisted.devices(case, name, stored)


def _queue(case: Case, name: str, client: MdmServer) -> Iterator[Finding]:
    try:
        client.queue(_NOBODY)
    except MdmRefused as error:
        if error.status not in _NOT_FOUND:
            yield _failed(case, name, error)
            return
        text = "it does not show a device's queue, so nothing is sent through it"
        yield fail(f"MDM {name}", text, "update it to MicroMDM 1.12 or newer")
    except CallError as error:
        yield _failed(case, name, error)


def _failed(case: Case, name: str, error: CallError) -> Finding:
    """What went wrong, and the mend: a server of another kind, or at another path, is named."""
    part, config, key = f"MDM {name}", case.config.servers[name], f"servers.{name}"
    way = case.clients.way("mdm", name)
    there = address(config.url, f"{key}.url", "mdm", way)
    if error.hitch or error.status == _PROXY:
        return fail(part, str(error), mend(error.hitch or "proxy", there))
    if error.status in _UNAUTHORIZED and isinstance(error, MdmRefused):
        text = f"write the key that it was started with into {key}.api_key, and restart serve"
        return fail(part, str(error), text)
    if there.proxy is not None and (error.status or 0) >= _GATEWAY:
        return fail(part, str(error), mend("proxy", there))
    if error.status in _REDIRECTS:
        return fail(part, str(error), f"write into {key}.url where it redirects to")
    if error.status == 400 and "TLS" in str(error):
        url = config.url.replace("http://", "https://", 1)
        return fail(part, str(error), f"write {key}.url: {url}")
    kinds = () if way is None else kinds_at(way)
    if kinds and config.kind not in kinds:
        program = ADAPTERS[kinds[0]].abilities.words.program
        text = f"what answers at {config.url} is {program}, not {_program(config.kind)}"
        return fail(part, text, f"write {key}.kind: {kinds[0]}, or the URL of the other server")
    if error.status in _NOT_FOUND or not kinds:
        return fail(part, str(error), _elsewhere(case, name))
    return fail(part, str(error))


def _program(kind: str) -> str:
    return ADAPTERS[kind].abilities.words.program


def _elsewhere(case: Case, name: str) -> str:
    """Where the server is, if it is at the same host without the path."""
    config, key = case.config.servers[name], f"servers.{name}.url"
    parts = urlsplit(config.url)
    root = f"{parts.scheme}://{parts.netloc}"
    if parts.path.strip("/"):
        try:
            kinds = kinds_at(case.clients.way_to(root, "mdm"))
        except ConfigError:
            kinds = ()
        if config.kind in kinds:
            return f"write {key}: {root}, without a path"
    return (
        f"let {key} name {_program(config.kind)} itself: scheme, host and port, and a path only "
        "where a proxy puts one before all of its paths"
    )
