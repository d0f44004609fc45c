"""What a client must know before its first request: the other side's host, trust, our name."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from urllib.parse import urlsplit

from bridge.domain.vocabulary import Service
from bridge.errors import ConfigError

_OWNERS: Mapping[Service, str] = {
    "apple": "Apple's service",
    "mdm": "the MDM server",
    "alerts": "the receiver of alerts",
}


def host_of(base_url: str, service: Service) -> str:
    """`host` or `host:port` of a base URL, for messages. Raises ConfigError if it cannot be used.

    The URL itself is not repeated in the error: it might carry a password.
    """
    owner = _OWNERS[service]
    try:
        parts = urlsplit(base_url)
        port = parts.port
    except ValueError:
        raise ConfigError([f"the URL of {owner} cannot be read; check host and port"]) from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError([f"the URL of {owner} must look like https://host/path"])
    if parts.username is not None or parts.query or parts.fragment:
        raise ConfigError([f"the URL of {owner} must not carry a user, a query or a fragment"])
    return parts.hostname if port is None else f"{parts.hostname}:{port}"


def ca_bundle() -> str | bool:
    """REQUESTS_CA_BUNDLE, else SSL_CERT_FILE, else True for certifi's. ConfigError if not there."""
    for name in ("REQUESTS_CA_BUNDLE", "SSL_CERT_FILE"):
        if path := os.environ.get(name):
            if not os.path.exists(path):
                raise ConfigError([f"{name} names a file that does not exist: {path}"])
            return path
    return True


def user_agent() -> str:
    """How we name ourselves; `unknown` when the package runs without having been installed."""
    try:
        return f"micromdm-vpp-bridge/{version('micromdm-vpp-bridge')}"
    except PackageNotFoundError:
        return "micromdm-vpp-bridge/unknown"
