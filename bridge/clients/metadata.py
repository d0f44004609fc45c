"""Apple's content metadata service: what an app is called, its bundle id, icon, platforms and
newest version.

Nothing depends on it: whoever asks treats every failure as "not known". The content token goes
along as a cookie, since without it custom apps and apps that are no longer sold are not found; so
only two hosts are ever asked, whatever the service configuration names.
Source: Apple, "Getting App and Book Information" (its address is `contentMetadataLookup` in the
service configuration).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from bridge.clients.http import HttpClient
from bridge.clients.rate import RateLimiter
from bridge.clients.reply import Reply
from bridge.clients.shape import Fields, json_object
from bridge.errors import OutcomeUnknown, Refused, ShapeError

APPLE_ORIGIN = "https://uclient-api.itunes.apple.com"

ICON_SIZE = 128
"""Width and height in pixels of the icon that is asked for."""

_LONGEST_NAME = 255
_LONGEST_URL = 2000
_PORTS = {"http": 80, "https": 443}
_PLATFORMS = {
    "iphone": "iOS",
    "ipad": "iOS",
    "ipod": "iOS",
    "mac": "macOS",
    "tvos": "tvOS",
    "watch": "watchOS",
}
_FAMILIES = {"iosSoftware": ("iphone", "ipad", "ipod"), "desktopApp": ("mac",)}
_VERSION = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9}){0,5}")
_LONGEST_NUMBER = 19
_KINDS = {"iosSoftware": "iOS", "desktopApp": "macOS"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where the metadata service is: scheme and host, and the path there."""

    origin: str
    path: str


@dataclass(frozen=True, slots=True)
class AppMetadata:
    """What Apple says of one app; each part is None, or empty, when it is missing or unreadable.

    `platforms` are named as in `supportedPlatforms` of an asset; a device family that is not known
    here stands for itself. `kind` is iosSoftware for an app that runs on a Mac as it is on an iPad.
    `newest_version` is what the store that was asked offers, as people read it.
    """

    name: str | None
    bundle_id: str | None
    icon_url: str | None
    platforms: tuple[str, ...]
    kind: str | None = None
    newest_version: str | None = None
    external_version: int | None = None
    """Apple's number of that version, in the store that was asked."""
    minimum_os: str | None = None
    families: tuple[str, ...] = ()
    """The families of devices of which these are the version and its system: those of the kind of
    software that was told of."""


class MetadataClient:
    """Looks apps up for one location; thread-safe.

    `http` is made for a `Place.origin`, `content_token` is what the file holds, without spaces.
    """

    def __init__(
        self, http: HttpClient, path: str, content_token: str, limiter: RateLimiter
    ) -> None:
        self._http = http
        self._path = path
        self._token = content_token
        self._limiter = limiter

    def lookup(self, adam_id: str, *, platform: str, country: str) -> AppMetadata | None:
        """What is known of an app, None when it is not found.

        `platform` is the client configuration's `defaultPlatform`, or `macappstore` for an app
        that only Macs run; `country` the storefront, two letters. Not found means no access, no
        such app or a token that is not accepted: the service tells none from the other.
        Raises NotSent, OutcomeUnknown or Refused.
        """
        reply = self._http.request(
            "GET",
            self._path,
            query={
                "version": "2",
                "id": adam_id,
                "p": "mdm-lockup",
                "caller": "MDM",
                "platform": platform,
                "cc": country.lower(),
                "l": "en",
            },
            headers={"Cookie": f"itvt={self._token}"},
            pace=self._limiter.acquire,
        )
        return read_lookup(_fields(reply), adam_id)


def place_of(url: str, apple_url: str) -> Place | None:
    """Where the metadata service that `url` names may be asked; None if it must not be.

    Allowed are Apple's own host for it, by https, and the host of `apple_url` (the configured
    address of the management API), which has the token anyway.
    """
    asked = _split(url)
    if asked is None:
        return None
    for origin in (APPLE_ORIGIN, apple_url):
        known = _split(origin)
        if known is not None and _address(asked) == _address(known):
            return Place(f"{known.scheme}://{known.netloc}", asked.path or "/")
    return None


def _split(url: str) -> SplitResult | None:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in _PORTS and parts.hostname and parts.port != 0
    except ValueError:
        return None
    return parts if usable and parts.username is None else None


def _address(parts: SplitResult) -> tuple[str, str | None, int]:
    return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]


def _fields(reply: Reply) -> Fields:
    status = reply.status
    if 400 <= status < 500:
        raise Refused(
            f"Apple's metadata service answered with {status}.",
            service="apple",
            call=reply.call,
            status=status,
            retry_after=reply.retry_after,
        )
    if 200 <= status < 300:
        try:
            return json_object(reply.content)
        except ShapeError:
            pass
    raise OutcomeUnknown(
        f"Apple's metadata service gave no usable answer (status {status}).",
        service="apple",
        call=reply.call,
        status=status,
        retry_after=reply.retry_after,
    )


def read_lookup(reply: Fields, adam_id: str) -> AppMetadata | None:
    """The entry of one app in a reply, or None; a part that is not as it should be is left out."""
    results = _mapping(reply.get("results"))
    found = results.get(adam_id)
    if not isinstance(found, dict) or str(found.get("id", adam_id)) != adam_id:
        return None
    return AppMetadata(
        name=_text(found.get("name")),
        bundle_id=_text(found.get("bundleId")),
        icon_url=_icon(found.get("artwork")),
        platforms=_platforms(found),
        kind=_text(found.get("kind")),
        newest_version=_newest_version(found.get("offers")),
        external_version=_external_version(found.get("offers")),
        minimum_os=_version(found.get("minimumOSVersion")),
        families=_families(found),
    )


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str | None:
    """One line that is not empty and not absurdly long."""
    text = value.strip() if isinstance(value, str) else ""
    return text if text.isprintable() and 0 < len(text) <= _LONGEST_NAME else None


def _platforms(found: Fields) -> tuple[str, ...]:
    families = found.get("deviceFamilies")
    names = [f for f in families if isinstance(f, str)] if isinstance(families, list) else []
    platforms = [_PLATFORMS.get(name.lower(), name) for name in names]
    kind = found.get("kind")
    if not platforms and isinstance(kind, str) and kind in _KINDS:
        platforms = [_KINDS[kind]]
    return tuple(dict.fromkeys(platforms))


def _newest_version(offers: object) -> str | None:
    """What the first offer is a version of: `offers[0].version.display`."""
    first = offers[0] if isinstance(offers, list) and offers else None
    return _text(_mapping(_mapping(first).get("version")).get("display"))


def _external_version(offers: object) -> int | None:
    """`offers[0].version.externalId`, which is a number or its text."""
    first = offers[0] if isinstance(offers, list) and offers else None
    told = _mapping(_mapping(first).get("version")).get("externalId")
    text = str(told) if isinstance(told, int | str) and not isinstance(told, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) < _LONGEST_NUMBER else None


def _version(value: object) -> str | None:
    text = _text(value)
    return text if text is not None and _VERSION.fullmatch(text) else None


def _families(found: Fields) -> tuple[str, ...]:
    """An app for iOS may be another one on a Mac or an Apple TV, with versions of its own."""
    of_kind = _FAMILIES.get(str(found.get("kind")), ())
    families = found.get("deviceFamilies")
    names = (
        {f.lower() for f in families if isinstance(f, str)} if isinstance(families, list) else ()
    )
    return tuple(family for family in of_kind if not names or family in names)


def _icon(artwork: object) -> str | None:
    """The address of an icon: artwork is one object, or a list of them in several sizes."""
    offered = artwork if isinstance(artwork, list) else [artwork]
    sized = [(_width(each), url) for each in offered if (url := _icon_url(_mapping(each)))]
    large = [each for each in sized if each[0] >= ICON_SIZE]
    if large:
        return min(large)[1]
    return max(sized, default=(0, None))[1]


def _width(artwork: object) -> float:
    width = _mapping(artwork).get("width")
    return width if isinstance(width, int | float) else 0.0


def _icon_url(artwork: Mapping[str, object]) -> str | None:
    """The address in an artwork, which may be a template like `…/{w}x{h}{c}.{f}`."""
    url = artwork.get("url")
    if not isinstance(url, str):
        return None
    size = str(ICON_SIZE)
    for name, value in (("{w}", size), ("{h}", size), ("{c}", "bb"), ("{f}", "png")):
        url = url.replace(name, value)
    parts = _split(url)
    safe = parts is not None and parts.scheme == "https" and url.isascii() and url.isprintable()
    return url if safe and " " not in url and len(url) <= _LONGEST_URL else None
