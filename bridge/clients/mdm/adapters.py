"""The kinds of MDM servers that there is an adapter for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bridge.clients.mdm.micromdm import MicroMdm
from bridge.clients.mdm.nano import NanoHub, NanoMdm
from bridge.clients.mdm.port import Abilities, MdmServer

if TYPE_CHECKING:  # what a server can do is asked without loading what calls it
    from bridge.clients.http import HttpClient

ADAPTERS: dict[str, type[MdmServer]] = {
    "micromdm": MicroMdm,
    "nanomdm": NanoMdm,
    "nanohub": NanoHub,
}
"""By `kind` in the configuration."""


def abilities(kinds: Mapping[str, str]) -> Mapping[str, Abilities]:
    """What each server can do; `kinds` are the servers' kinds by their names."""
    return {name: ADAPTERS[kind].abilities for name, kind in kinds.items()}


def connect(kind: str, http: HttpClient, api_key: str) -> MdmServer:
    """A server of this kind behind `http`; raises ConfigError for an empty API key."""
    return ADAPTERS[kind](http, api_key)
