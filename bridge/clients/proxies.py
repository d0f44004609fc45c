"""The proxies that the environment names, as requests reads it."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

from requests.utils import get_environ_proxies, select_proxy

from bridge.errors import ConfigError


def proxies_for(base_url: str) -> dict[str, str]:
    """The proxies that the environment names for this URL; raises ConfigError for one of SOCKS."""
    proxies = get_environ_proxies(base_url)
    proxy = select_proxy(base_url, proxies) or ""
    if proxy.lower().startswith("socks"):
        raise ConfigError(["SOCKS proxies are not supported; set HTTPS_PROXY to an HTTP proxy"])
    return proxies


def proxy_of(base_url: str, proxies: Mapping[str, str]) -> str | None:
    """The `host:port` of the proxy for a URL, without the name and password that may stand in it;
    None without one."""
    proxy = select_proxy(base_url, dict(proxies))
    if not proxy:
        return None
    return urlsplit(proxy if "://" in proxy else f"http://{proxy}").netloc.rpartition("@")[2]
