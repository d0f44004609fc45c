"""From a file and the environment to a `Config`, with all mistakes at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bridge.config import values
from bridge.config.api import Opening, read_api
from bridge.config.database import POOL_KEYS, read_database
from bridge.config.keys import FILE, Key, KeyReader
from bridge.config.model import (
    APPLE_URL,
    KIND,
    LISTEN,
    AlertConfig,
    Config,
    LocationConfig,
    ServerConfig,
    hook_url,
)
from bridge.config.names import names
from bridge.config.needs import EVERYTHING, Need
from bridge.config.policy import read_policy
from bridge.config.read import Reader, Spot, nearest, scalar, tidy
from bridge.domain.desired.desired import Desired
from bridge.domain.dsn import parse_dsn
from bridge.errors import ConfigError

TOP_KEYS = (
    "database",
    "database_file",
    *POOL_KEYS,
    "listen",
    "listen_outside",
    "public_url",
    "trusted_proxies",
    "allow_http",
    "api",
    "servers",
    "locations",
    "subscriptions",
    "apple",
    "groups",
    "apps",
    "users",
    "users_file",
    "alerts",
    "policy",
)
SERVER_KEYS = (
    "kind",
    "url",
    "api_key",
    "api_key_file",
    "webhook_key",
    "webhook_key_file",
    "webhook_hmac_key",
    "webhook_hmac_key_file",
    "devices_file",
    "enrollments_dsn",
    "enrollments_dsn_file",
    "release_setup",
    "forward_to",
)
_DSN = ("enrollments_dsn", "enrollments_dsn_file")
LOCATION_KEYS = ("content_token_file", "notification_url", "email")
APPLE_KEYS = ("url",)

_OVERRIDES = {
    "database": "BRIDGE_DATABASE",
    "listen": "BRIDGE_LISTEN",
    "public_url": "BRIDGE_PUBLIC_URL",
}


def load_config(
    path: Path,
    environ: Mapping[str, str],
    needs: Collection[Need] = EVERYTHING,
    looks: Collection[Need] = (),
) -> Config:
    """Read the configuration file at `path`, with variables from `environ`.

    Only mistakes that concern `needs` are raised; those that concern `looks` are in the `mistakes`
    of the result. For the rest no key is read, no variable asked for, and no file opened. Without
    `database` nothing can be done, so that then all mistakes are told.

    Relative paths in the file, and in BRIDGE_DATABASE, start at the file's directory. Raises
    `ConfigError` whose `mistakes` are lines `FILE:LINE: dotted.key: what is wrong and what to
    write`, in the order of the file; none of them holds a key or the content of a variable that
    the file names.
    """
    return _Loader(Reader(path, environ), frozenset(needs), frozenset(looks)).load()


class _Loader:
    def __init__(self, reader: Reader, needs: frozenset[Need], looks: frozenset[Need]) -> None:
        self._reader = reader
        self._needs = needs
        self._looks = looks - needs
        self._keys = KeyReader(reader)
        self._allow_http = False
        self._tokens: dict[bytes, Spot] = {}

    def load(self) -> Config:
        """Read every section, whatever is wrong with the one before, then raise or return."""
        reader = self._reader
        top = reader.section(reader.root, TOP_KEYS)
        _override(top, reader.environ)
        if "allow_http" in top:
            self._allow_http = bool(reader.value(top["allow_http"], values.boolean))
        listen, outside = self._listeners(top)
        public_url = self._address(top.get("public_url"), values.base_url)
        with_keys = "web" in self._needs
        api, api_keys = read_api(reader, self._keys, top.get("api"), with_keys=with_keys)
        apple = reader.section(top.get("apple"), APPLE_KEYS)
        locations = names(reader, top.get("locations"))
        config = Config(
            path=reader.path,
            database=read_database(reader, self._keys, top),
            listen=listen,
            listen_outside=outside,
            public_url=public_url,
            trusted_proxies=self._proxies(top.get("trusted_proxies")),
            allow_http=self._allow_http,
            api=api,
            servers=self._servers(top.get("servers"), api_keys),
            locations=self._locations(locations, public_url),
            subscriptions=self._subscriptions(top.get("subscriptions"), locations),
            apple_url=self._address(apple.get("url"), values.base_url) or APPLE_URL,
            alerts=self._alerts(top.get("alerts")),
            desired=self._desired(top, locations),
            policy=read_policy(reader, top.get("policy")),
        )
        self._keys.warn_if_open()
        has_database = "database" in top or "database_file" in top
        reader.stop_at_mistakes(self._needs if has_database else EVERYTHING)
        mistakes = reader.mistakes(self._looks)
        return replace(
            config,
            desired=Desired() if mistakes else config.desired,
            warnings=reader.warnings(self._needs | self._looks),
            mistakes=mistakes,
            mistaken=reader.mistaken(),
        )

    def _alerts(self, spot: Spot | None) -> dict[str, AlertConfig]:
        """The receivers of alerts, for who tells them; no other reads an address."""
        if spot is None or "alerts" not in self._needs | self._looks:
            return {}
        from bridge.config.alerts import read_alerts  # noqa: PLC0415

        return read_alerts(self._reader, self._keys, spot, self._secret_address)

    def _desired(self, top: Mapping[str, Spot], locations: Mapping[str, Spot]) -> Desired:
        """Groups, apps and users, which may be long and name files, only for who asks."""
        if "desired" not in self._needs | self._looks:
            return Desired()
        from bridge.config.desired import read_desired  # noqa: PLC0415

        return read_desired(self._reader, top, locations)

    def _listeners(self, top: Mapping[str, Spot]) -> tuple[tuple[str, int], tuple[str, int] | None]:
        found = {
            name: self._reader.value(top[name], values.listen)
            for name in ("listen", "listen_outside")
            if name in top
        }
        listen, outside = found.get("listen") or LISTEN, found.get("listen_outside")
        if listen == outside:
            self._reader.wrong(top["listen_outside"], "is the same as listen; take another port")
        return listen, outside

    def _proxies(self, spot: Spot | None) -> int:
        """How many stand in front; a handful at most, or it is another number that was meant."""
        return 0 if spot is None else self._reader.value(spot, values.hops) or 0

    def _path(self, spot: Spot) -> Path:
        return self._reader.path.parent / (self._reader.text(spot) or "")

    def _key(
        self, need: Need, found: Mapping[str, Spot], name: str, *, several: bool = False
    ) -> tuple[Key, ...]:
        """A key, for who needs it; no variable and no file is asked for anybody else."""
        if need not in self._needs:
            return ()
        return self._keys.read(found, name, several=several)

    def _servers(self, spot: Spot | None, api: Opening) -> dict[str, ServerConfig]:
        return {
            name: self._server(name, child, api)
            for name, child in names(self._reader, spot).items()
        }

    def _server(self, name: str, spot: Spot, api: Opening) -> ServerConfig:
        found = self._reader.section(spot, SERVER_KEYS)
        kind = self._reader.value(found["kind"], values.kind) if "kind" in found else None
        api_key = self._key("mdm", found, "api_key")
        hook_keys = self._key("mdm", found, "webhook_key", several=True)
        hmac_keys = self._key("mdm", found, "webhook_hmac_key", several=True)
        self._require(spot, found, "url", "write url: https://mdm.example.org")
        self._require(spot, found, "api_key", "write the API key of the MDM server")
        signs = any(name in found for name in ("webhook_hmac_key", "webhook_hmac_key_file"))
        if not signs:
            or_sign = "" if (kind or KIND) == KIND else ", or webhook_hmac_key"
            sentence = f"write the password of the webhook's URL{or_sign}"
            self._require(spot, found, "webhook_key", sentence)
        for key in (*hook_keys, *hmac_keys):
            for other, opening in api.items():
                if key.text == opening.text:
                    self._reader.wrong(key.spot, f"is the same as api.{other}; draw another one")
        if signs and (kind or KIND) == KIND:
            hmac = next(found[n] for n in found if n.startswith("webhook_hmac_key"))
            self._reader.wrong(hmac, "MicroMDM signs no webhooks; write webhook_key instead")
        forward_to = self._reader.items(found["forward_to"]) if "forward_to" in found else []
        return ServerConfig(
            name=name,
            kind=kind or KIND,
            url=self._address(found.get("url"), values.base_url) or "",
            api_key=api_key[0].text if api_key else "",
            webhook_keys=tuple(key.text for key in hook_keys),
            forward_to=tuple(self._listener(item) for item in forward_to),
            webhook_hmac_keys=tuple(key.text for key in hmac_keys),
            signs_only=signs and not any(n in found for n in ("webhook_key", "webhook_key_file")),
            devices_file=self._devices_file(kind or KIND, found),
            release_setup=self._flag(found, "release_setup"),
            **self._enrolments(kind or KIND, found),
        )

    def _flag(self, found: Mapping[str, Spot], key: str) -> bool:
        return bool(self._reader.value(found[key], values.boolean)) if key in found else False

    def _devices_file(self, kind: str, found: Mapping[str, Spot]) -> Path | None:
        spot = found.get("devices_file")
        if spot is None:
            return None
        if kind == KIND:
            self._reader.warn(spot, "is not read: MicroMDM lists its devices itself; take it out")
            return None
        return self._path(spot)

    def _enrolments(self, kind: str, found: Mapping[str, Spot]) -> dict[str, Any]:
        """Where the server's own database is read."""
        spot = next((found[name] for name in _DSN if name in found), None)
        if spot is None:
            return {}
        if kind == KIND:
            self._reader.warn(spot, "is not read: MicroMDM lists its devices itself; take it out")
            return {}
        key = self._key("mdm", found, "enrollments_dsn")
        for each in key:
            try:
                parse_dsn(each.text)
            except ConfigError as error:
                self._reader.wrong(each.spot, error.mistakes[0])
        return {"enrollments_dsn": key[0].text if key else None, "has_enrollments_dsn": True}

    def _locations(
        self, found: Mapping[str, Spot], public_url: str | None
    ) -> dict[str, LocationConfig]:
        return {name: self._location(name, spot, public_url) for name, spot in found.items()}

    def _location(self, name: str, spot: Spot, public_url: str | None) -> LocationConfig:
        found = self._reader.section(spot, LOCATION_KEYS)
        self._require(
            spot, found, "content_token_file", f"write content_token_file: {name}.vpptoken"
        )
        notification_url = self._address(found.get("notification_url"), values.notification_url)
        made = hook_url(public_url, name)
        if made is not None and "notification_url" not in found:
            try:
                values.notification_url(made)
            except ConfigError as error:
                self._reader.wrong(spot, f"its notification URL {error}")
        token = found.get("content_token_file")
        email = self._reader.value(found["email"], values.email) if "email" in found else None
        path = self._token_file(token) if token else Path()
        return LocationConfig(name, path, notification_url, email)

    def _subscriptions(self, spot: Spot | None, locations: Mapping[str, Spot]) -> tuple[str, ...]:
        """The locations whose subscriptions are looked at."""
        found = dict[str, None]()
        for item in self._reader.items(spot) if spot is not None else ():
            name = self._reader.text(item)
            if name is None or name in locations:
                found[name or ""] = None
            else:
                sentence = f"no location is called {tidy(name)}; {nearest(name, locations)}"
                self._reader.wrong(item, sentence)
        return tuple(name for name in found if name)

    def _token_file(self, spot: Spot) -> Path:
        path = self._path(spot)
        if "apple" not in self._needs:
            return path
        try:
            self._keys.warn_if_file_open(spot, path)
            content = path.read_bytes() if path.is_file() else b""
        except OSError as error:
            self._reader.warn(spot, f"{spot.shown} cannot be read yet ({error.strerror})")
            return path
        token = b"".join(content.split())
        first = self._tokens.setdefault(token, spot) if token else spot
        if first is not spot:
            owner = first.key.removesuffix(".content_token_file")
            self._reader.wrong(
                spot, f"the same content token as {owner}; put each location's own in its file"
            )
        return path

    def _listener(self, spot: Spot) -> str:
        """Where webhooks are passed on to; as it is written where a variable of it is not set,
        since its host is shown also to who does not need its password."""
        return self._address(spot, values.url) or spot.written

    def _require(self, owner: Spot, found: Mapping[str, Spot], name: str, sentence: str) -> None:
        if name not in found and name + FILE not in found:
            self._reader.missing(owner, name, sentence)

    def _address(self, spot: Spot | None, read: Callable[[str], str]) -> str | None:
        """An address through `read`, never shown: it may hold a password."""
        if spot is None:
            return None
        return self._closed(spot, self._reader.value(spot, read, show=False))

    def _secret_address(self, key: Key) -> str | None:
        """A whole address that is a key, in place or in a file of its own."""
        try:
            return self._closed(key.spot, values.url(key.text))
        except ConfigError as error:
            self._reader.wrong(key.spot, str(error))
            return None

    def _closed(self, spot: Spot, address: str | None) -> str | None:
        """An address, unless what is sent there could be read on the way."""
        if address is not None and values.is_exposed(address):
            if self._allow_http:
                self._reader.warn(spot, "is plain http: keys travel readable; use https")
            else:
                self._reader.wrong(spot, "is plain http; write https://…, or set allow_http: true")
        return address


def _override(top: dict[str, Spot], environ: Mapping[str, str]) -> None:
    for key, variable in _OVERRIDES.items():
        if environ.get(variable):
            line = top[key].line if key in top else 1
            top[key] = scalar(key, line, environ[variable], variable)
            top.pop(key + FILE, None)
