"""New versions of apps that people ask for, or ask about."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.app.opened import Opened
from bridge.domain.audit import Deed, some
from bridge.domain.devices.targets import shown
from bridge.domain.views.updates import PlannedUpdate
from bridge.domain.wording import counted
from bridge.engine.insight import installs
from bridge.engine.updates import asking, planning
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.installs import updating
from bridge.store.repeating import repeated


class Updates(Opened):
    """What the API and the command line do with new versions. All of it may raise StoreError, and
    UnknownName for a group that was not applied."""

    def planned_updates(self, *, tonight: bool = False) -> Sequence[PlannedUpdate]:
        """What would go where and when; with `tonight` within a day."""
        with self.database.read() as db:
            return planning.plan(self.context(db), tonight=tonight)

    def behind(
        self, adam_id: str, serials: Sequence[str] = (), group: str | None = None
    ) -> list[int]:
        """The installs of an app, on these devices, those of a group or all, that are not known to
        be the newest version."""
        with self.database.read() as db:
            return asking.behind(db, adam_id, _targets(db, serials, group))

    @repeated
    def update(
        self,
        adam_id: str,
        serials: Sequence[str] = (),
        group: str | None = None,
        *,
        now: bool = False,
    ) -> int:
        """Send the newest version of an app ahead of its ring, in each device's window or `now`; to
        how many devices."""
        with self.database.write() as db:
            targets = _targets(db, serials, group)
            found = asking.behind(db, adam_id, targets)
            asking.ask(self.context(db), adam_id, found, at_once=now, whole=targets is None)
            if found:
                text = f"the newest version of an app is wanted on {counted(len(found), 'device')}"
                named = updating.targets(db, found)
                after = {"devices": len(found), "now": now, "named": some(list(map(shown, named)))}
                about = {"adam_id": adam_id}
                self.record(db, Deed("update", text, about, after=after, serials=named))
            return len(found)


def _targets(db: Connection, serials: Sequence[str], group: str | None) -> frozenset[str] | None:
    if not serials and group is None:
        return None
    named = {devices.target_of(db, each) for each in serials}
    return frozenset(named | set(installs.members(db, group) if group is not None else ()))
