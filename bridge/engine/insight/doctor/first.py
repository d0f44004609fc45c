"""What `init` tests before there is anything stored: each answer on its own, by calls that only
read; and what the location owns."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.clients.http import HttpClient
from bridge.config import Config
from bridge.config.draft import LOCATION, OwnedApp
from bridge.engine.calls import Clients
from bridge.engine.calls.metadata import DEFAULT_COUNTRY, DEFAULT_PLATFORM
from bridge.engine.client_pool import Transports
from bridge.engine.insight.doctor.finding import Case, Finding, ok, warn
from bridge.engine.insight.doctor.inside import tokens
from bridge.engine.insight.doctor.mends import address, mend
from bridge.engine.insight.doctor.outside import apple
from bridge.engine.insight.doctor.servers import mdm
from bridge.errors import CallError, ConfigError

_AGAIN = "doctor tries it again once serve runs"
SHOWN = 20
"""Apps of the location that are looked up."""


def server(case: Case) -> Iterator[Finding]:
    """The MDM server and its key."""
    yield from mdm(case, None)


def location(case: Case) -> Iterator[Finding]:
    """The content token and, with it, Apple."""
    for finding in tokens(case):
        yield finding
        if finding.level == "fail":
            return
    yield from apple(case, None)


def public_url(config: Config, transports: Transports) -> Iterator[Finding]:
    """Whether something answers there; the bridge itself does not run yet."""
    url = config.public_url or ""
    try:
        http = HttpClient(url, service="mdm", adapter=transports.public, about=None)
    except ConfigError as error:
        yield warn("public URL", str(error), _AGAIN)
        return
    try:
        status = http.request("GET", "/healthz").status
    except CallError as error:
        there = address(url, "public_url", "public", http)
        mends = [each for each in (mend(error.hitch, there), _AGAIN) if each]
        yield warn("public URL", f"{url}: {error}", "; ".join(mends))
    else:
        yield ok("public URL", f"{url} answers ({status}); doctor tests it whole once serve runs")


def owned(clients: Clients) -> list[OwnedApp]:
    """The first apps that the location owns, with their names where Apple tells; what cannot be
    read is left out."""
    found: list[OwnedApp] = []
    try:
        client = clients.apple(LOCATION)
        config, urls = client.client_config(), client.service_config().urls
        for step in client.walk_assets():
            for each in step.page.assets:
                if len(found) == SHOWN:
                    return found
                free = "unlimited" if each.unlimited else f"{each.available} of {each.total} free"
                platform = config.default_platform or DEFAULT_PLATFORM
                country = config.country or DEFAULT_COUNTRY
                name = _name(clients, urls, each.asset.adam_id, platform, country)
                found.append(OwnedApp(each.asset.adam_id, name, free))
    except CallError:
        return found
    return found


def _name(clients: Clients, urls: object, adam_id: str, platform: str, country: str) -> str | None:
    url = urls.get("contentMetadataLookup") if isinstance(urls, dict) else None
    if not url:
        return None
    try:
        told = clients.metadata(LOCATION, url).lookup(adam_id, platform=platform, country=country)
    except CallError:
        return None
    return told.name if told is not None else None
