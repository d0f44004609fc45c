"""What the pages show beside the lists: the same views as `status`, `why` and the API have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.app.opened import Opened
from bridge.domain.views.devices import Device
from bridge.domain.views.traffic import Outgoing
from bridge.engine.insight import charts, in_setup, message, one_app, status, versions
from bridge.engine.insight.charts import Confirmations, Moment
from bridge.engine.insight.message import Message
from bridge.engine.insight.one_app import OneApp
from bridge.engine.insight.versions import Held
from bridge.store.database import EngineLock
from bridge.store.views import fleet, names, outbox
from bridge.store.views.names import Named


class Looks(Opened):
    """Looks at the whole and at one thing, each in one transaction. All raise StoreError."""

    engine_lock: EngineLock

    def overview(self) -> Mapping[str, Any]:
        """How everything stands: what `status --json` prints."""
        with self.looking() as context:
            return status.report(context, self.config, self.database, self.engine_lock)

    def moments(self, counts: Mapping[str, int]) -> Sequence[Moment]:
        """How all desired installs stood over time; `counts` is how they stand now."""
        with self.looking() as context:
            return charts.installs(context, counts, None)

    def confirmations(self) -> Confirmations:
        """How soon Apple's newest confirmations were known."""
        with self.looking() as context:
            return charts.confirmations(context)

    def one_app(self, adam_id: str) -> OneApp | None:
        """An app, whole; None where nobody wants or owns it."""
        with self.looking() as context:
            return one_app.look(context, adam_id)

    def one_device(self, named: str) -> Sequence[Device]:
        """The records of a device by its serial number, enrolment id or UDID, the present first."""
        with self.looking() as context:
            found = in_setup.told(
                context,
                fleet.devices(context.db, serial=named).items
                or fleet.devices(context.db, udid=named).items,
            )
        return sorted(found, key=lambda each: (each["moved_to"] is not None, not each["enrolled"]))

    def versions_on(self, named: str) -> Mapping[str, Held]:
        """By adam id, which version of each app is on a device, and how that stands to the newest;
        the device by its serial number or enrolment id."""
        with self.database.read() as db:
            return versions.of_device(db, named)

    def one_message(self, event_id: int) -> Message | None:
        """A message that came in, with its redacted body; None where it is not kept."""
        with self.looking() as context:
            return message.look(context, event_id)

    def one_call(self, row_id: int) -> Outgoing | None:
        """An outside call; None where it is not kept."""
        with self.database.read() as db:
            return next(iter(outbox.outbox(db, row_id=row_id, limit=1).items), None)

    def known_apps(self) -> Sequence[Named]:
        """Every app by each of its names."""
        with self.database.read() as db:
            return names.apps(db)
