"""Apple's App and Book Management API v2, as a service in memory; http.py puts it on HTTP.

Source: Apple's "App and Book Management" pages; where Apple documents nothing, the docstring or a
comment says what is simulated.
"""

from __future__ import annotations

import base64
import json
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone

from bridge.simulator.apple import config, notifications
from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.errors import Refusal, message
from bridge.simulator.apple.library import (
    SERIAL,
    USER,
    AssetKey,
    Event,
    Failure,
    Library,
    Pair,
    Target,
)
from bridge.simulator.apple.notifications import NotificationSettings, Notifier
from bridge.simulator.apple.subscriptions import Subscriptions
from bridge.simulator.apple.users import UserEvent, Users
from bridge.simulator.faults import Faults
from bridge.simulator.kernel import Kernel
from bridge.simulator.ledger import Asked, Ledger
from bridge.simulator.outgoing import Outgoing

YEAR = 365 * 86400.0
_RATE_SECOND = 0.999  # so that calls spaced exactly 1/15 s apart pass whatever floats make of it
PENDING_LIMIT = 600.0
"""After this many seconds of PENDING Apple says to retry the request."""


@dataclass
class AppleSettings:
    """How the service behaves; may be changed while it runs. Times in seconds."""

    process_delay: float = 2.0
    clock_ahead: float = 0.0  # of the time that its answers say
    licence_lag: float = 0.0  # from an assignment until devices see it
    page_size: int = 500
    enforce_rate: bool = True
    limits: dict[str, int] = field(default_factory=lambda: dict(config.LIMITS))
    ios_apps: set[str] = field(default_factory=set)  # adam ids that metadata calls iosSoftware
    newest_versions: dict[str, str] = field(default_factory=dict)  # by adam id, else 1.0
    external_versions: dict[str, int] = field(default_factory=dict)  # by adam id, if it has one
    minimum_os: dict[str, str] = field(default_factory=dict)  # by adam id, if it has one
    hidden_keys: set[str] = field(default_factory=set)  # of service config and of its limits
    notifications: NotificationSettings = field(default_factory=NotificationSettings)


@dataclass
class ContentToken:
    """One sToken of a location. `text` is what goes after "Bearer"; it is a secret."""

    text: str
    expires_at: float
    revoked: bool = False
    read_only: bool = False


@dataclass
class Location:
    """One location of the organisation, with its library and whoever manages it."""

    name: str
    uid: str
    country: str
    library: Library
    notifier: Notifier
    subscriptions: Subscriptions
    users: Users
    tokens: list[ContentToken] = field(default_factory=list)
    events: dict[str, Event | UserEvent] = field(default_factory=dict)
    pending: dict[Pair, Event] = field(default_factory=dict)
    calls: deque[float] = field(default_factory=deque)
    free_at: float = 0.0

    @property
    def client(self) -> ClientConfig:
        """Who manages the location now, and where notifications go; may be set."""
        return self.notifier.config

    @client.setter
    def client(self, config: ClientConfig) -> None:
        self.notifier.config = config

    @property
    def token(self) -> str:
        """The newest content token."""
        return self.tokens[-1].text


class Apple:
    """The service with its locations. Call it while holding the kernel's lock."""

    def __init__(
        self,
        kernel: Kernel,
        outgoing: Outgoing,
        faults: Faults,
        ledger: Ledger,
        settings: AppleSettings | None = None,
    ) -> None:
        self.settings = settings or AppleSettings()
        self.locations: list[Location] = []
        self._kernel = kernel
        self._outgoing = outgoing
        self._faults = faults
        self._ledger = ledger

    def add_location(self, name: str, country: str = "US") -> Location:
        """A new location with one content token, valid for a year."""
        uid = str(2049025000431439 + len(self.locations))
        notifier = Notifier(
            self._kernel, self._outgoing, self._faults, self.settings.notifications, uid
        )
        library, subscriptions = Library(self._kernel.uuid), Subscriptions(self._kernel, notifier)
        users = Users(self._kernel, library, notifier)
        location = Location(name, uid, country, library, notifier, subscriptions, users)
        self.locations.append(location)
        self.issue_token(location)
        return location

    def issue_token(
        self, location: Location, expires_at: float | None = None, *, read_only: bool = False
    ) -> ContentToken:
        """A further token of the location, as a renewal makes it; the older ones stay valid.

        The text is that of a .vpptoken file: base64 of a JSON object, its expDate not in UTC.
        """
        expires = self._kernel.now + YEAR if expires_at is None else expires_at
        pacific = datetime.fromtimestamp(expires, timezone(timedelta(hours=-7)))
        content = {
            "token": base64.b64encode(self._kernel.random.randbytes(48)).decode(),
            "expDate": pacific.strftime("%Y-%m-%dT%H:%M:%S%z"),
            "orgName": "Example School",
        }
        text = base64.b64encode(json.dumps(content).encode()).decode()
        token = ContentToken(text, expires, read_only=read_only)
        location.tokens.append(token)
        return token

    def authenticate(self, header: str | None, *, write: bool) -> tuple[Location, ContentToken]:
        """Whose token an Authorization header carries; raises Refusal."""
        if not header:
            raise Refusal(9601)
        scheme, _, text = header.partition(" ")
        if scheme != "Bearer" or not text or " " in text:
            raise Refusal(9722)
        for location in self.locations:
            for token in location.tokens:
                if token.text == text:
                    self._check(token, write=write)
                    return location, token
        raise Refusal(9622)

    def _check(self, token: ContentToken, *, write: bool) -> None:
        if token.revoked:
            raise Refusal(9625)
        if token.expires_at <= self._kernel.now:
            raise Refusal(9621)
        if token.read_only and write:
            raise Refusal(9637)

    def count_call(self, location: Location, endpoint: str) -> None:
        """Apply maxRequestPerSecond; raises Refusal 9646. There is no Retry-After."""
        now, calls = self._kernel.now, location.calls
        while calls and calls[0] <= now - _RATE_SECOND:
            calls.popleft()
        if self.settings.enforce_rate and len(calls) >= self.settings.limits["maxRequestPerSecond"]:
            self._ledger.too_fast(endpoint)
            raise Refusal(9646)
        calls.append(now)

    def envelope(self, location: Location, token: ContentToken) -> dict[str, object]:
        """The members that every authenticated reply carries; mdmInfo only if it is set."""
        expires = datetime.fromtimestamp(token.expires_at, UTC)
        common: dict[str, object] = {
            "tokenExpirationDate": expires.strftime("%Y-%m-%dT%H:%M:%S+0000"),
            "uId": location.uid,
        }
        if location.client.mdm_info:
            common["mdmInfo"] = dict(location.client.mdm_info)
        return common

    # What people do in the portal, and devices ask

    def licensed(self, serial_number: str, adam_id: str) -> bool:
        """Whether a device finds its licence by now."""
        latest = self._kernel.now - self.settings.licence_lag
        held = self._held(serial_number, adam_id)
        return any(when <= latest for when in held)

    def licensed_to_user(self, client_user_id: str, adam_id: str) -> bool:
        """Whether a device on which this user's Apple Account is signed in finds its licence."""
        target = Target(USER, client_user_id)
        return any(
            location.library.holds(adam_id, target) and _is_tied(location, client_user_id)
            for location in self.locations
        )

    def assigned(self, serial_number: str, adam_id: str) -> bool:
        """Whether Apple holds the assignment, visible to the device or not."""
        return bool(self._held(serial_number, adam_id))

    def _held(self, serial_number: str, adam_id: str) -> list[float]:
        target = Target(SERIAL, serial_number)
        found = [location.library.holds(adam_id, target) for location in self.locations]
        return [held.at for held in found if held]

    def buy(
        self, location: Location, adam_id: str, count: int, pricing_param: str = "STDQ"
    ) -> None:
        """Somebody buys `count` more seats (negative: a refund or transfer); Apple notifies."""
        location.library.assets[adam_id, pricing_param].total += count
        location.library.touch()
        delta = {"adamId": adam_id, "pricingParam": pricing_param, "countDelta": count}
        location.notifier.notify("ASSET_COUNT", delta)

    def portal(
        self, location: Location, kind: str, adam_id: str, serial_numbers: Iterable[str]
    ) -> Event:
        """Somebody assigns or takes away (ASSOCIATE, DISASSOCIATE) in Apple's portal, at once.

        The notifications carry an eventId that no client knows.
        """
        targets = tuple(Target(SERIAL, serial) for serial in serial_numbers)
        event = self._event(location, kind, ((adam_id, "STDQ"),), targets)
        self._finish(location, event)
        return event

    # The asynchronous operations

    def submit(
        self,
        location: Location,
        kind: str,
        assets: tuple[AssetKey, ...],
        targets: tuple[Target, ...],
    ) -> Event:
        """Accept an operation: it is carried out after those before it, and `process_delay`."""
        event = self._event(location, kind, assets, targets)
        location.events[event.event_id] = event
        for pair in event.pairs:
            if kind == "ASSOCIATE":
                self._record(location, pair)
            location.pending[pair] = event
        fault = self._faults.strike("apple.event", f"{kind} {assets} {targets}")
        if fault and fault.what == "stuck":
            return event
        delay = self.settings.process_delay + (fault.delay if fault and not fault.number else 0.0)
        location.free_at = max(location.free_at, self._kernel.now + delay)
        number = fault.number if fault else 0
        self._kernel.at(location.free_at, lambda: self._finish(location, event, number))
        return event

    def submit_users(self, location: Location, event: UserEvent) -> UserEvent:
        """Accept an operation on users; as `submit`."""
        location.events[event.event_id] = event
        names = [each["clientUserId"] for each in event.asked]
        fault = self._faults.strike("apple.event", f"{event.kind} {names}")
        if fault and fault.what == "stuck":
            return event
        delay = self.settings.process_delay + (fault.delay if fault and not fault.number else 0.0)
        location.free_at = max(location.free_at, self._kernel.now + delay)
        number = fault.number if fault else 0
        self._kernel.at(location.free_at, lambda: location.users.carry_out(event, number))
        return event

    def _event(
        self,
        location: Location,
        kind: str,
        assets: tuple[AssetKey, ...],
        targets: tuple[Target, ...],
    ) -> Event:
        pairs = [Pair(*asset, target) for asset in assets for target in targets]
        return Event(self._kernel.uuid(), kind, assets, targets, self._kernel.now, pairs)

    def _record(self, location: Location, pair: Pair) -> None:
        before = location.pending.get(pair)
        recent = before and self._kernel.now - before.submitted_at < PENDING_LIMIT
        self._ledger.asked(
            Asked(
                self._kernel.now, location.uid, pair.adam_id, pair.pricing_param, pair.target.name
            ),
            held=before is None and pair in location.library.assignments,
            pending=bool(before and recent and before.kind == "ASSOCIATE"),
        )

    def _finish(self, location: Location, event: Event, number: int = 0) -> None:
        if number:
            event.status, event.failures = "FAILED", [Failure(number, event.pairs)]
        else:
            location.library.carry_out(event, self._kernel.now)
        for pair in event.pairs:
            if location.pending.get(pair) is event:
                del location.pending[pair]
        for content in notifications.of_event(event):
            location.notifier.notify("ASSET_MANAGEMENT", content)


def _is_tied(location: Location, client_user_id: str) -> bool:
    user = location.users.active(client_user_id)
    return user is not None and user.status == "Associated"


def status_of(event: Event | UserEvent) -> dict[str, object]:
    """A StatusResponse; failures name the pairs or users that were not done."""
    if isinstance(event, UserEvent):
        return event.as_status()
    body: dict[str, object] = {
        "eventStatus": event.status,
        "eventType": event.kind,
        "numRequested": len(event.pairs),
        "numCompleted": len(event.done),
    }
    if event.failures:
        body["failures"] = [_failure(failure) for failure in event.failures]
    return body


def _failure(failure: Failure) -> dict[str, object]:
    info: dict[str, list[object]] = {}
    assets = dict.fromkeys((pair.adam_id, pair.pricing_param) for pair in failure.pairs)
    info["assets"] = [{"adamId": adam_id, "pricingParam": price} for adam_id, price in assets]
    for target in dict.fromkeys(pair.target for pair in failure.pairs):
        info.setdefault(f"{target.kind}s", []).append(target.name)
    return {
        "errorNumber": failure.number,
        "errorMessage": message(failure.number),
        "errorInfo": info,
    }
