"""What a configuration file says, in the types that the rest of the program reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import quote

from bridge.domain.alerts.message import Form
from bridge.domain.database_url import DatabaseUrl
from bridge.domain.desired.desired import Desired
from bridge.domain.policy import Policy
from bridge.domain.roles import Role
from bridge.errors import ConfigError

APPLE_URL = "https://vpp.itunes.apple.com/mdm/v2"
"""Where Apple's Apps and Books API lives. Source: Apple, "Getting service configuration"."""

KIND = "micromdm"
LISTEN = ("127.0.0.1", 9008)

Part = Literal["servers", "locations", "api"]

_ABSENT: Mapping[Part, str] = {
    "servers": "servers: none is configured; write servers: and under it a name with url:, "
    "api_key: and webhook_key:",
    "locations": "locations: none is configured; write locations: and under it a name with "
    "content_token_file:",
    "api": "api.key: missing; write key: ${BRIDGE_API_KEY} under api: and set that variable",
}


@dataclass(frozen=True, slots=True)
class NamedKey:
    """One of `api.keys`; what it may do, its role says."""

    role: Role
    text: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ApiConfig:
    """The keys that open the API: `key` for everything, `read_key` for GET only, and `keys` by
    their names. `/metrics` and `/version` need one of them unless `open_metrics`."""

    key: str | None = field(default=None, repr=False)
    read_key: str | None = field(default=None, repr=False)
    open_metrics: bool = True
    keys: Mapping[str, NamedKey] = field(default_factory=dict)

    @property
    def is_open(self) -> bool:
        """Whether there is a key beside the read key: without one nobody comes in."""
        return self.key is not None or bool(self.keys)


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """One MDM server. `url` has no trailing slash.

    Any of `webhook_keys` opens its hook as a password, any of `webhook_hmac_keys` as the key of a
    signature; where there are both, a webhook needs both. `signs_only` says that no password is
    configured, also where no keys are read.

    `devices_file` names devices of a server that cannot list them. It is read while the bridge runs
    and need not exist yet.

    `enrollments_dsn` says where the server's own database is, if that is read;
    `has_enrollments_dsn` that one is configured, also where no keys are read.

    With `release_setup` the bridge lets its devices out of Setup Assistant (DeviceConfigured).

    `forward_to` are whole URLs that may carry credentials, so they are kept out of the repr.
    """

    name: str
    kind: str
    url: str
    api_key: str = field(repr=False)
    webhook_keys: tuple[str, ...] = field(repr=False)
    forward_to: tuple[str, ...] = field(default=(), repr=False)
    webhook_hmac_keys: tuple[str, ...] = field(default=(), repr=False)
    signs_only: bool = False
    devices_file: Path | None = None
    enrollments_dsn: str | None = field(default=None, repr=False)
    has_enrollments_dsn: bool = False
    release_setup: bool = False


@dataclass(frozen=True, slots=True)
class LocationConfig:
    """One location in Apple's portal, by the file that holds its content token.

    The file need not exist yet: tokens are renewed while the bridge runs, so it is read when the
    token is needed. `notification_url` replaces the address made from `public_url`; `email` is for
    users that have none.
    """

    name: str
    content_token_file: Path
    notification_url: str | None = None
    email: str | None = None


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """One receiver of alerts. `url` is a secret as a whole; `on` are the kinds that it is told."""

    url: str = field(repr=False)
    form: Form = "json"
    on: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Config:
    """A whole configuration. `warnings` are lines to show at start; none of them stops anything.

    `mistakes` are lines about parts that were looked at but not needed, and `mistaken` the keys at
    the top of the file under which anything is wrong, needed or not. A part that was not needed may
    lack its keys, and `wanted` is empty where it was not read or has mistakes.

    `trusted_proxies` is how many proxies stand in front, whose X-Forwarded-For is believed.

    `subscriptions` are the locations whose subscriptions are looked at.

    `alerts` are receivers by what names them where people see it: the host, and a number where
    several have the same.

    `path` is the file as it was named, `database` that of a file or the URL of a server's. `listen`
    and `listen_outside` are (host, port) with an IPv6 host unbracketed, `public_url` and
    `apple_url` have no trailing slash.
    """

    path: Path
    database: Path | DatabaseUrl
    listen: tuple[str, int] = LISTEN
    listen_outside: tuple[str, int] | None = None
    public_url: str | None = None
    trusted_proxies: int = 0
    allow_http: bool = False
    api: ApiConfig = field(default_factory=ApiConfig)
    servers: Mapping[str, ServerConfig] = field(default_factory=dict)
    locations: Mapping[str, LocationConfig] = field(default_factory=dict)
    subscriptions: tuple[str, ...] = ()
    apple_url: str = APPLE_URL
    alerts: Mapping[str, AlertConfig] = field(default_factory=dict)
    desired: Desired = field(default_factory=Desired)
    policy: Policy = field(default_factory=Policy)
    warnings: tuple[str, ...] = ()
    mistakes: tuple[str, ...] = ()
    mistaken: frozenset[str] = frozenset()

    def require(self, *parts: Part) -> None:
        """Raise `ConfigError` with one line for each of `parts` that the file leaves out.

        A file with nothing but `database` is enough to look at what is stored; commands that
        call out or listen ask here for what they need beyond it.
        """
        absent = self.absent(*parts)
        if absent:
            raise ConfigError(absent)

    def absent(self, *parts: Part) -> list[str]:
        """One line for each of `parts` that the file leaves out, saying what to write."""
        present: Mapping[Part, bool] = {
            "servers": bool(self.servers),
            "locations": bool(self.locations),
            "api": self.api.is_open,
        }
        return [f"{self.path}:1: {_ABSENT[part]}" for part in parts if not present[part]]

    def notification_url(self, location: str) -> str | None:
        """The address that Apple is told for `location`; None without `public_url` or its own.

        Raises KeyError for a location that is not configured.
        """
        own = self.locations[location].notification_url
        return own if own is not None else hook_url(self.public_url, location)

    def webhook_url(self, server: str, *, with_key: bool = False) -> str:
        """The address that the MDM server is to post to, with a placeholder for the key, or the
        first of the keys as it must stand there; without either where signatures alone count.
        Raises KeyError for a server that is not configured."""
        config = self.servers[server]
        keys = config.webhook_keys  # not read for commands that only look
        scheme, _, rest = (self.public_url or self._own_url()).partition("://")
        if config.signs_only:
            return f"{scheme}://{rest}/hooks/mdm/{server}"
        password = in_userinfo(keys[0]) if with_key else PLACEHOLDER
        return f"{scheme}://mdm:{password}@{rest}/hooks/mdm/{server}"

    def _own_url(self) -> str:
        host, port = self.listen
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
        return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


PLACEHOLDER = "<webhook_key>"
"""Stands for a webhook's key where the key itself is not shown."""


def in_userinfo(key: str) -> str:
    """A key as it must stand in a URL's user and password. Source: RFC 3986, 3.2.1."""
    return quote(key, safe="")


def hook_url(public_url: str | None, location: str) -> str | None:
    """The address of a location's notification hook below `public_url`, if there is one."""
    return None if public_url is None else f"{public_url}/hooks/apple/{location}"
