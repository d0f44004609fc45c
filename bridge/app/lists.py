"""The lists of a bridge: a page each, read in one transaction of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.app.opened import Opened
from bridge.domain.views import Page
from bridge.store import lists, lists_apple, lists_calls


class Lists(Opened):
    """What the API and the command line page through.

    All take `limit`, `cursor` and the list's filters; they raise QueryError for a cursor that the
    list did not give out, and StoreError.
    """

    def list_installs(self, **filters: Any) -> Page:
        """A page of installs."""
        return self._page(lists.installs, filters)

    def list_devices(self, **filters: Any) -> Page:
        """A page of devices."""
        return self._page(lists.devices, filters)

    def list_events(self, **filters: Any) -> Page:
        """A page of inbound messages."""
        return self._page(lists.events, filters)

    def list_assets(self, **filters: Any) -> Page:
        """A page of what the locations own."""
        return self._page(lists_apple.assets, filters)

    def list_assignments(self, **filters: Any) -> Page:
        """A page of licences in use."""
        return self._page(lists_apple.assignments, filters)

    def list_locations(self, **filters: Any) -> Page:
        """A page of content tokens' locations."""
        return self._page(lists_apple.locations, filters)

    def list_outbox(self, **filters: Any) -> Page:
        """A page of intended outside calls."""
        return self._page(lists_calls.outbox, filters)

    def list_commands(self, **filters: Any) -> Page:
        """A page of MDM commands."""
        return self._page(lists_calls.commands, filters)

    def _page(self, read: Callable[..., Page], filters: dict[str, Any]) -> Page:
        with self.database.read() as db:
            return read(db, **filters)
