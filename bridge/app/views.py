"""The lists of a bridge: a page each, read in one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from bridge.app.opened import Opened
from bridge.config import values
from bridge.domain.views import Page
from bridge.domain.views.alerts import Alert
from bridge.domain.views.audit import AuditEntry
from bridge.domain.views.devices import Device
from bridge.domain.views.drift import Drift
from bridge.domain.views.installs import Install
from bridge.domain.views.licences import Asset, Assignment, Location
from bridge.domain.views.subscriptions import Subscription
from bridge.domain.views.traffic import Command, Event, Outgoing
from bridge.domain.views.users import User
from bridge.engine.insight import drift, in_setup, installs
from bridge.store.views import alerts, audit, fleet, licences, outbox, subscriptions, users

T = TypeVar("T")


class Lists(Opened):
    """What the API and the command line page through.

    All take `limit`, `cursor` and the list's filters; they raise QueryError for a cursor that the
    list did not give out, UnknownName for a group that was not applied, and StoreError.
    """

    def list_installs(self, **filters: Any) -> Page[Install]:
        """A page of installs; `group` and `way` are as of `installs.page`."""
        with self.looking() as context:
            return installs.page(context, **filters)

    def list_devices(self, **filters: Any) -> Page[Device]:
        """A page of devices."""
        with self.looking() as context:
            page = fleet.devices(context.db, **filters)
            return Page(in_setup.told(context, page.items), page.next_cursor)

    def list_events(self, **filters: Any) -> Page[Event]:
        """A page of inbound messages."""
        with self.looking() as context:
            return fleet.events(context.db, waiting=context.waiting, **filters)

    def list_assets(self, **filters: Any) -> Page[Asset]:
        """A page of what the locations own."""
        return self._page(licences.assets, filters)

    def list_assignments(self, **filters: Any) -> Page[Assignment]:
        """A page of licences in use."""
        return self._page(licences.assignments, filters)

    def list_drift(self, **filters: Any) -> Page[Drift]:
        """A page of what disagrees; filters are those of `drift.page`."""
        with self.database.read() as db:
            return drift.page(self.context(db), self.config, **filters)

    def drift_blind(self) -> list[str]:
        """What was never read, so that nothing is judged by it."""
        with self.database.read() as db:
            return drift.blind(self.context(db), self.config)

    def list_subscriptions(self, **filters: Any) -> Page[Subscription]:
        """A page of subscriptions, each with who has it."""
        return self._page(subscriptions.subscriptions, filters)

    def list_users(self, **filters: Any) -> Page[User]:
        """A page of registered users, with the codes of those who have not accepted yet."""
        return self._page(users.users, filters)

    def list_alerts(self, **filters: Any) -> Page[Alert]:
        """A page of alerts, each with who was told of it."""
        return self._page(alerts.alerts, filters)

    def list_locations(self, **filters: Any) -> Page[Location]:
        """A page of content tokens' locations."""
        return self._page(licences.locations, filters)

    def list_outbox(self, **filters: Any) -> Page[Outgoing]:
        """A page of intended outside calls."""
        return self._page(outbox.outbox, filters)

    def list_commands(self, **filters: Any) -> Page[Command]:
        """A page of MDM commands."""
        return self._page(outbox.commands, filters)

    def list_audit(self, *, since: str | None = None, **filters: Any) -> Page[AuditEntry]:
        """A page of the audit log; `since` is as of `values.since`, for which it raises
        ConfigError."""
        at = None if since is None else values.since(since, self.now())
        return self._page(audit.entries, filters | {"since": at})

    def _page(self, read: Callable[..., Page[T]], filters: dict[str, Any]) -> Page[T]:
        with self.database.read() as db:
            return read(db, **filters)
