"""The lists of a bridge: a page each, read in one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.app.opened import Opened
from bridge.domain.views import Page
from bridge.store.views import fleet, licences, outbox


class Lists(Opened):
    """What the API and the command line page through.

    All take `limit`, `cursor` and the list's filters; they raise QueryError for a cursor that the
    list did not give out, and StoreError.
    """

    def list_installs(self, **filters: Any) -> Page:
        """A page of installs."""
        return self._page(fleet.installs, filters)

    def list_devices(self, **filters: Any) -> Page:
        """A page of devices."""
        return self._page(fleet.devices, filters)

    def list_events(self, **filters: Any) -> Page:
        """A page of inbound messages."""
        return self._page(fleet.events, filters)

    def list_assets(self, **filters: Any) -> Page:
        """A page of what the locations own."""
        return self._page(licences.assets, filters)

    def list_assignments(self, **filters: Any) -> Page:
        """A page of licences in use."""
        return self._page(licences.assignments, filters)

    def list_locations(self, **filters: Any) -> Page:
        """A page of content tokens' locations."""
        return self._page(licences.locations, filters)

    def list_outbox(self, **filters: Any) -> Page:
        """A page of intended outside calls."""
        return self._page(outbox.outbox, filters)

    def list_commands(self, **filters: Any) -> Page:
        """A page of MDM commands."""
        return self._page(outbox.commands, filters)

    def _page(self, read: Callable[..., Page], filters: dict[str, Any]) -> Page:
        with self.database.read() as db:
            return read(db, **filters)
