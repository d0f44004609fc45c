"""What the web side needs of the bridge: one small protocol for each group of routes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Protocol, Self

from bridge.config import Config
from bridge.domain.audit import Actor
from bridge.domain.desired.anyway import Anyway
from bridge.domain.desired.change import Change
from bridge.domain.desired.desired import Desired
from bridge.domain.metrics import Family
from bridge.domain.pauses import Scope, Way
from bridge.domain.plan import Plan
from bridge.domain.plan.blind import Blind
from bridge.domain.plan.for_good import Mistake
from bridge.domain.reclaim.selection import Selection
from bridge.domain.roles import Role
from bridge.domain.views import HealthPart, Page
from bridge.domain.views.alerts import Alert
from bridge.domain.views.audit import AuditEntry
from bridge.domain.views.desired import Pause
from bridge.domain.views.devices import Device
from bridge.domain.views.drift import Drift
from bridge.domain.views.installs import ExplainedInstall, Install
from bridge.domain.views.licences import Asset, Assignment, Claimed, Location
from bridge.domain.views.subscriptions import Subscription
from bridge.domain.views.traffic import AskedRead, CallAgain, Command, Event, Outgoing, Replay
from bridge.domain.views.users import Invited, User
from bridge.engine.desired.reclaim import Found
from bridge.engine.desired.replace import Replaced
from bridge.engine.insight.charts import Confirmations, Moment
from bridge.engine.insight.message import Message
from bridge.engine.insight.one_app import OneApp
from bridge.engine.insight.versions import Held
from bridge.store.views.names import Named


class Counting(Protocol):
    """Refused requests are counted, never stored."""

    @property
    def config(self) -> Config:
        """The configuration that this process was started with."""

    def count_refused(self, kind: str, *, server: str | None = None) -> None:
        """Count one refused request; `kind` is `mdm.401`, `mdm.404`, `apple.401`, `apple.404`
        or `api.401`, or where a signature could not be looked at `mdm.413`, `mdm.408` or
        `mdm.400`. Never raises, and costs little: anybody can cause it.

        `server` says that it was a webhook of this MDM server, or of one nobody knows which (an
        empty name).
        """

    def count_denied(self, actor: Actor, needed: Role) -> None:
        """Count a request that was refused for want of the role `needed`; never raises."""

    def is_probe(self, offered: str) -> bool:
        """Whether `offered`, a header X-Bridge-Probe, is the secret of a running `doctor`. Never
        raises.
        """


class Hooks(Counting, Protocol):
    """What the two hooks do with a message whose sender is known."""

    def receive_webhook(
        self,
        server: str,
        body: bytes,
        content_type: str | None,
        forwarded_by: str | None,
        signature: str | None,
    ) -> None:
        """Store and commit one webhook. A duplicate is no error; a new one is passed on later.

        `content_type`, `forwarded_by` and `signature` are its headers Content-Type, X-Forwarded-By
        and X-Hmac-Signature.
        Raises ShapeError when `body` is not a JSON object in UTF-8, StoreError when it could not
        be stored.
        """

    def receive_notification(self, location: str, body: bytes) -> None:
        """Store and commit one notification of Apple's; raises what `receive_webhook` does."""

    def notification_token_ok(self, location: str, token: str) -> bool:
        """Whether `token` is one that Apple was given for `location`; in constant time.

        Raises StoreError when the tokens cannot be read.
        """

    def webhook_refused(self, server: str, status: int) -> None:
        """A webhook with right credentials was answered `status` (4xx or 5xx), and MicroMDM never
        sends it again: the engine shall look at what was missed. Never raises."""

    def end(self) -> None:
        """The process is about to end: finish what is under way, within half a second."""


class Health(Protocol):
    """How the bridge does."""

    def health(self) -> Sequence[HealthPart]:
        """Every part; may raise StoreError instead of naming the database as one."""

    def alive(self) -> bool:
        """Whether all that a restart of this service would start again lives."""

    def engine_up(self) -> bool:
        """Whether an engine lives, beside this web side or elsewhere."""


class Measured(Health, Protocol):
    """What a monitoring system is told."""

    def measured(self, *, engine_up: bool) -> Sequence[Family]:
        """Every metric with its values; raises StoreError."""


class Lists(Counting, Protocol):
    """What the API shows. Filters that are None do not filter; `limit` and `cursor` page.

    Every list raises QueryError for a cursor that it did not give out, StoreError when the
    database cannot be read.
    """

    def list_installs(self, **filters: Any) -> Page[Install]:
        """Installs by `serial`, `adam_id`, `state` and `reason`."""

    def list_devices(self, **filters: Any) -> Page[Device]:
        """Devices by `serial`, `server` and `enrolled`."""

    def list_assets(self, **filters: Any) -> Page[Asset]:
        """What the locations own, by `location` and `adam_id`."""

    def list_assignments(self, **filters: Any) -> Page[Assignment]:
        """Licences in use, by `location`, `adam_id` and `serial`."""

    def list_subscriptions(self, **filters: Any) -> Page[Subscription]:
        """Subscriptions, by `location`, `adam_id` and `client_user_id`."""

    def list_drift(self, **filters: Any) -> Page[Drift]:
        """What disagrees, by `kind`, `serial` and `adam_id`; `foreign` adds others' licences."""

    def drift_blind(self) -> list[str]:
        """What was never read, a sentence each: nothing is judged by it."""

    def list_users(self, **filters: Any) -> Page[User]:
        """Registered users, by `location`, `client_user_id`, `state`, `serial` and `wanted`."""

    def list_alerts(self, **filters: Any) -> Page[Alert]:
        """Alerts and who was told of them, by `state`."""

    def list_locations(self, **filters: Any) -> Page[Location]:
        """Content tokens' locations."""

    def list_events(self, **filters: Any) -> Page[Event]:
        """Inbound messages without their bodies, by `source`, `topic` and `status`."""

    def list_outbox(self, **filters: Any) -> Page[Outgoing]:
        """Intended outside calls, by `service`, `scope`, `kind` and `state`."""

    def list_commands(self, **filters: Any) -> Page[Command]:
        """MDM commands, by `serial`, `server`, `request_type` and `state`."""

    def list_audit(self, **filters: Any) -> Page[AuditEntry]:
        """Who changed what, by `who`, `action`, `since`, `serial` and `adam_id`."""

    def get_install(self, serial: str, adam_id: str, way: Way) -> ExplainedInstall | None:
        """One install with its explanation and timeline, ready for JSON; None if there is none.

        `way` tells how to end a pause.
        """


class Looks(Lists, Protocol):
    """What the pages show beside the lists. All of it raises StoreError."""

    def overview(self) -> Mapping[str, Any]:
        """How everything stands: what `status --json` prints."""

    def moments(self, counts: Mapping[str, int]) -> Sequence[Moment]:
        """How all desired installs stood over time; `counts` is how they stand now."""

    def confirmations(self) -> Confirmations:
        """How soon Apple's newest confirmations were known."""

    def one_app(self, adam_id: str) -> OneApp | None:
        """An app, whole; None where nobody wants or owns it."""

    def one_device(self, named: str) -> Sequence[Device]:
        """The records of a device by its serial number, enrolment id or UDID, the present first."""

    def versions_on(self, named: str) -> Mapping[str, Held]:
        """By adam id, which version of each app is on a device, and how that stands to the newest;
        the device by its serial number or enrolment id."""

    def one_message(self, event_id: int) -> Message | None:
        """A message that came in, with its redacted body; None where it is not kept."""

    def one_call(self, row_id: int) -> Outgoing | None:
        """An outside call; None where it is not kept."""

    def known_apps(self) -> Sequence[Named]:
        """Every app by each of its names."""

    def now(self) -> float:
        """The time, in seconds since the epoch."""


class Pausing(Counting, Protocol):
    """Keeping calls from leaving. All of it raises StoreError when the database is of no use."""

    def pause(self, scope: Scope, name: str) -> bool:
        """Let nothing leave any more that this is about; False where it is paused already."""

    def resume(self, scope: Scope, name: str) -> bool:
        """End a pause; False where there was none."""

    def paused(self, way: Way) -> Sequence[Pause]:
        """All that is paused, ready for JSON; `way` tells how to end a pause."""


class Changes(Protocol):
    """What the API lets people change. Everything raises StoreError."""

    def claim(self, location: str, mdm_name: str) -> Claimed | None:
        """Have a location taken over from the MDM of this name; None where it is not configured.

        Raises WishError where another MDM holds it.
        """

    def update(self, adam_id: str, serials: Sequence[str], group: str | None, *, now: bool) -> int:
        """Send the newest version of an app ahead, on devices, on those of a group or on all; to
        how many. Raises UnknownName for a group that was not applied."""

    def retry(self, serial: str | None, adam_id: str | None) -> int:
        """Give stopped installs another round; how many there were."""

    def assign(
        self,
        serials: Sequence[str],
        adam_id: str,
        *,
        location: str | None,
        pricing_param: str | None,
    ) -> Collection[str]:
        """Wish for an app on devices, beside the file; those serials whose wish is new.

        Raises WishError when the location is missing or unknown.
        """

    def invite(
        self, client_user_ids: Sequence[str], location: str | None, way: Way
    ) -> Sequence[Invited]:
        """Have devices of users show their invitations; what came of each user and location.

        `way` tells how to end a pause. Raises WishError for a user who is unknown.
        """

    def plan(self, desired: Desired, *, limit: int | None) -> Plan:
        """What `apply` would change and cost; nothing is stored."""

    def mistakes(self, desired: Desired) -> Sequence[Mistake]:
        """The entries of apps that cannot be, by what Apple is known to say of these apps."""

    def read_desired(self, groups: object, apps: object, users: object) -> Desired:
        """What these would be in the file; without `users` those that were applied stay. Raises
        ConfigError."""

    def blind(self, desired: Desired) -> Collection[Blind]:
        """The MDM servers whose devices are not known, though rules of `wanted` may mean them."""

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
        """Store what is desired; raises WishError where that would remove too much, or ask for too
        many licences that Apple never takes back.

        `anyway` tells how to ask for it all the same.

        What devices of the `unseen` servers get by a rule waits for another apply.
        """

    def targets(self, named: Sequence[str]) -> tuple[str, ...]:
        """What these devices are called by installs, each once."""

    def reclaimable(self, chosen: Selection) -> Found:
        """The licences that a selection means, and the devices whose licences stay."""

    def reclaim(self, chosen: Selection, allow_removals: int | None, anyway: str) -> Found:
        """Give back what a selection means; raises WishError where that is too much, and `anyway`
        tells how to allow `{}`."""

    def replace_refusal(self, old: str, new: str) -> str | None:
        """Why a device is most likely not to be replaced."""

    def replace(self, old: str, new: str) -> Replaced:
        """Have one device take another's place; raises WishError where that cannot be."""

    def unassign(self, serials: Sequence[str], adam_id: str) -> Collection[str]:
        """Withdraw one-off wishes; those serials that had one."""

    def replay_event(self, event_id: int, dry_run: bool) -> Replay | None:
        """Handle a stored message again, or say what that would change; None for an unknown one."""

    def call_again(self, row_id: int) -> CallAgain | None:
        """Make a failed call due again; `ok` is false where that might do harm, and `why_not` says
        why. None for an unknown one."""

    def sync(self, what: str) -> Sequence[AskedRead]:
        """Have the engine read what this means; each read as `what`, `of` and `asked`."""


class Bridge(Hooks, Measured, Looks, Changes, Pausing, Protocol):
    """Everything that the web side needs."""

    def acting(self, actor: Actor) -> Self:
        """The same bridge, on behalf of whoever asks: what they change is told with their name."""
