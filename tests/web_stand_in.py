"""A bridge in memory, for tests of the web side alone."""

import base64
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from bridge.config import ApiConfig, Config, LocationConfig, ServerConfig
from bridge.config.document import read_document
from bridge.domain.audit import Actor
from bridge.domain.desired.anyway import Anyway
from bridge.domain.desired.change import Change
from bridge.domain.desired.desired import Desired
from bridge.domain.metrics import NAMED, Family
from bridge.domain.pauses import Scope, Way
from bridge.domain.plan import Plan
from bridge.domain.plan.blind import Blind
from bridge.domain.plan.for_good import Mistake
from bridge.domain.policy import LimitsPolicy, Policy
from bridge.domain.reclaim.selection import Selection
from bridge.domain.roles import Role
from bridge.domain.views import HealthPart, Page
from bridge.engine.desired.reclaim import Found
from bridge.engine.desired.replace import Replaced
from bridge.errors import QueryError, UnknownName, WishError
from bridge.wire.json_text import read_object

WEBHOOK_KEYS = ("hook-key-old", "hook-key-new")
API_KEY = "api-key"
READ_KEY = "read-key"
NOTIFICATION_TOKEN = "notification-token"
LIMITS = LimitsPolicy(mdm_body=200, apple_body=100, api_body=50)


def config(path: Path = Path("config.yaml"), **changes: Any) -> Config:
    """A configuration with one MDM server `main`, one location `hq` and small limits."""
    server = ServerConfig("main", "micromdm", "https://mdm.example.org", "mdm-key", WEBHOOK_KEYS)
    values: dict[str, Any] = {
        "path": path,
        "database": path.with_name("bridge.db"),
        "public_url": "https://bridge.example.org",
        "api": ApiConfig(API_KEY, READ_KEY),
        "servers": {"main": server},
        "locations": {"hq": LocationConfig("hq", Path("hq.vpptoken"))},
        "policy": Policy(limits=LIMITS),
    }
    return Config(**(values | changes))


def basic(password: str, user: str = "bridge") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


KEY = basic(API_KEY)
ONE_MORE = Change(
    frozenset({("C02X", "1")}), frozenset(), frozenset(), 4, frozenset(), frozenset(), 4
)


def error_of(response: Any) -> str:
    (name, sentence), *others = response.get_json().items()
    assert name == "error" and not others and sentence.endswith(".")
    return str(sentence)


class StandIn:
    """Keeps what it is given; raises `fails` wherever something is stored or read."""

    def __init__(self, conf: Config | None = None) -> None:
        self.config = conf or config()
        self.webhooks: list[tuple[str, bytes]] = []
        self.notifications: list[tuple[str, bytes]] = []
        self.refused: list[tuple[str, int]] = []
        self.counted: list[str] = []
        self.denied: list[tuple[Actor, Role]] = []
        self.actors: list[Actor] = []
        self.lost: list[str | None] = []
        self.asked: list[tuple[str, Mapping[str, object]]] = []
        self.parts: Sequence[HealthPart] = ()
        self.pauses: list[tuple[Scope, str]] = []
        self.living = True
        self.is_blind: Sequence[Blind] = ()
        self.wished: frozenset[str] = frozenset()
        self.done: list[tuple[object, ...]] = []
        self.reads: Sequence[Mapping[str, Any]] = ({"what": "assets", "of": "hq", "asked": True},)
        self.page = Page(())
        self.install: Mapping[str, Any] | None = None
        self.fails: Exception | None = None

    def receive_webhook(
        self,
        server: str,
        body: bytes,
        content_type: str | None,
        forwarded_by: str | None,
        signature: str | None,
    ) -> None:
        self._take(self.webhooks, server, body)

    def receive_notification(self, location: str, body: bytes) -> None:
        self._take(self.notifications, location, body)

    def _take(self, kept: list[tuple[str, bytes]], origin: str, body: bytes) -> None:
        read_object(body)
        self._fail()
        kept.append((origin, body))

    def notification_token_ok(self, location: str, token: str) -> bool:
        return (location, token) == ("hq", NOTIFICATION_TOKEN)

    def webhook_refused(self, server: str, status: int) -> None:
        self.refused.append((server, status))

    def end(self) -> None:
        pass

    def count_refused(self, kind: str, *, server: str | None = None) -> None:
        self.counted.append(kind)
        self.lost.append(server)

    def count_denied(self, actor: Actor, needed: Role) -> None:
        self.denied.append((actor, needed))

    def acting(self, actor: Actor) -> Self:
        self.actors.append(actor)
        return self

    def now(self) -> float:
        return 0.0

    def is_probe(self, offered: str) -> bool:
        return False

    def health(self) -> Sequence[HealthPart]:
        self._fail()
        return self.parts

    def alive(self) -> bool:
        return self.living

    def engine_up(self) -> bool:
        return self.living

    def measured(self, *, engine_up: bool) -> Sequence[Family]:
        self._fail()
        return [Family(NAMED["bridge_engine_up"], {(): float(engine_up)})]

    def pause(self, scope: Scope, name: str) -> bool:
        self._fail()
        self.pauses.append((scope, name))
        return self.pauses.count((scope, name)) == 1

    def resume(self, scope: Scope, name: str) -> bool:
        self._fail()
        return (scope, name) in self.pauses

    def paused(self, way: Way) -> Sequence[Mapping[str, Any]]:
        return [{"scope": scope, "name": name} for scope, name in self.pauses]

    def list_installs(self, **asked: object) -> Page:
        return self._list("installs", asked)

    def list_devices(self, **asked: object) -> Page:
        return self._list("devices", asked)

    def list_assets(self, **asked: object) -> Page:
        return self._list("assets", asked)

    def list_assignments(self, **asked: object) -> Page:
        return self._list("assignments", asked)

    def list_drift(self, **asked: object) -> Page:
        return self._list("drift", asked)

    def drift_blind(self) -> list[str]:
        return []

    def list_users(self, **asked: object) -> Page:
        return self._list("users", asked)

    def list_subscriptions(self, **asked: object) -> Page:
        return self._list("subscriptions", asked)

    def list_alerts(self, **asked: object) -> Page:
        return self._list("alerts", asked)

    def list_locations(self, **asked: object) -> Page:
        return self._list("locations", asked)

    def list_events(self, **asked: object) -> Page:
        return self._list("events", asked)

    def list_outbox(self, **asked: object) -> Page:
        return self._list("outbox", asked)

    def list_commands(self, **asked: object) -> Page:
        return self._list("commands", asked)

    def list_audit(self, **asked: object) -> Page:
        return self._list("audit", asked)

    def claim(self, location: str, mdm_name: str) -> Mapping[str, Any] | None:
        self._done("claim", location, mdm_name)
        if mdm_name == "Nobody":
            raise WishError("nothing was changed: hq is held by Other MDM")
        if location != "hq":
            return None
        return {"location": "hq", "held_by": mdm_name, "asked": True, "outbox": 7}

    def get_install(self, serial: str, adam_id: str, way: Way) -> Mapping[str, Any] | None:
        self._fail()
        self.asked.append(("install", {"serial": serial, "adam_id": adam_id}))
        return self.install

    def update(self, adam_id: str, serials: Sequence[str], group: str | None, *, now: bool) -> int:
        if group == "nobody":
            raise UnknownName("no group nobody was applied")
        return self._done("update", adam_id, *serials, group, now) or 1

    def retry(self, serial: str | None, adam_id: str | None) -> int:
        return self._done("retry", serial, adam_id) or 1

    def assign(
        self,
        serials: Sequence[str],
        adam_id: str,
        *,
        location: str | None,
        pricing_param: str | None,
    ) -> frozenset[str]:
        self._done("assign", *serials, adam_id, location, pricing_param)
        if location == "unknown":
            raise WishError("the location unknown is not configured: name one of hq")
        new = frozenset(serials) - self.wished
        self.wished |= new
        return new

    def plan(self, desired: Desired, *, limit: int | None) -> Plan:
        self._done("plan", desired, limit)
        return Plan(ONE_MORE, is_new=True, names={"1": "Pages"})

    def mistakes(self, desired: Desired) -> Sequence[Mistake]:
        return ()

    def read_desired(self, groups: object, apps: object, users: object) -> Desired:
        return read_document(groups, apps, self.config.locations, users)

    def blind(self, desired: Desired) -> Collection[Blind]:
        return self.is_blind

    def apply(
        self,
        desired: Desired,
        *,
        limit: int | None,
        allow_removals: int | None,
        allow_irrevocable: int | None,
        unseen: Collection[Blind],
        anyway: Anyway,
    ) -> Change:
        self._done("apply", desired, limit, allow_removals, unseen)
        if allow_removals == 0:
            raise WishError("nothing was stored: it would remove 1 of 1 installs")
        return ONE_MORE

    def unassign(self, serials: Sequence[str], adam_id: str) -> frozenset[str]:
        self._done("unassign", *serials, adam_id)
        return frozenset(serials)

    def replay_event(self, event_id: int, dry_run: bool) -> Mapping[str, Any] | None:
        self._done("replay", event_id, dry_run)
        return {"event": event_id, "dry_run": dry_run} if event_id == 7 else None

    def call_again(self, row_id: int) -> Mapping[str, Any] | None:
        self._done("call_again", row_id)
        why_not = {7: None, 8: "it has not failed"}
        return {"ok": row_id == 7, "why_not": why_not[row_id]} if row_id in why_not else None

    def invite(
        self, client_user_ids: Sequence[str], location: str | None, way: Way
    ) -> Sequence[Mapping[str, Any]]:
        self._done("invite", *client_user_ids, location)
        return ()

    def sync(self, what: str) -> Sequence[Mapping[str, Any]]:
        self._done("sync", what)
        return self.reads

    def targets(self, named: Sequence[str]) -> tuple[str, ...]:
        return tuple(named)

    def reclaimable(self, chosen: Selection) -> Found:
        self._fail()
        return Found(())

    def reclaim(self, chosen: Selection, allow_removals: int | None, anyway: str) -> Found:
        self._done("reclaim", chosen, allow_removals)
        if allow_removals == 0:
            raise WishError("nothing was given back: it would be 1 licence")
        return Found(())

    def replace_refusal(self, old: str, new: str) -> str | None:
        self._fail()
        return f"{old} was heard of now" if old == "HEARD" else None

    def replace(self, old: str, new: str) -> Replaced:
        self._done("replace", old, new)
        if old == new:
            raise WishError(f"{old} cannot take its own place")
        return Replaced(old, new, ("1",))

    def _done(self, *deed: object) -> None:
        self._fail()
        self.done.append(deed)

    def _list(self, name: str, asked: Mapping[str, object]) -> Page:
        self._fail()
        if asked["cursor"] == "unknown":
            raise QueryError("this cursor is none of ours")
        self.asked.append((name, asked))
        return self.page

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails
