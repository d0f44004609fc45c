"""The kinds of MDM servers that there is an adapter for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from bridge.clients.mdm.micromdm import MicroMdm
from bridge.clients.mdm.nano import NanoHub, NanoMdm
from bridge.clients.mdm.port import Abilities, MdmServer
from bridge.errors import CallError

if TYPE_CHECKING:  # what a server can do is asked without loading what calls it
    from bridge.clients.http import HttpClient
    from bridge.config import ServerConfig

ADAPTERS: dict[str, type[MdmServer]] = {
    "micromdm": MicroMdm,
    "nanomdm": NanoMdm,
    "nanohub": NanoHub,
}
"""By `kind` in the configuration."""

_UNAUTHORIZED = 401


def abilities(servers: Mapping[str, ServerConfig]) -> Mapping[str, Abilities]:
    """What each of the configured servers can do, by their names."""
    return {
        name: replace(ADAPTERS[each.kind].abilities, releases_setup=each.release_setup)
        for name, each in servers.items()
    }


def connect(kind: str, http: HttpClient, api_key: str) -> MdmServer:
    """A server of this kind behind `http`; raises ConfigError for an empty API key."""
    return ADAPTERS[kind](http, api_key)


def kinds_at(http: HttpClient) -> tuple[str, ...]:
    """The kinds of server that answer behind `http`, without any key: each refuses a path that no
    other kind knows. Empty where none does, or nobody answers."""
    found = []
    for kind, adapter in ADAPTERS.items():
        try:
            reply = http.request("GET", adapter.guarded)
        except CallError:
            return ()
        if reply.status == _UNAUTHORIZED:
            found.append(kind)
    return tuple(found) if len(found) < len(ADAPTERS) else ()
