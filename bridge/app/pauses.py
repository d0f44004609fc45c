"""Pausing and resuming a bridge, each in one transaction of its own."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.app.opened import Opened
from bridge.domain.pauses import Pause, Scope, Way, by_command
from bridge.domain.views import desired as views
from bridge.engine.decide import pausing
from bridge.engine.insight import status
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.repeating import repeated


class Pauses(Opened):
    """What the API and the command line pause. All of it may raise StoreError."""

    @repeated
    def pause(self, scope: Scope, name: str = "") -> bool:
        """Let nothing leave any more that this is about; False where it is paused already."""
        with self.database.write() as db:
            context = self.context(db)
            pause = Pause(scope, _name(db, scope, name), since=context.now)
            return pausing.pause(context, pause, self.actor)

    @repeated
    def resume(self, scope: Scope, name: str = "") -> bool:
        """End a pause; False where there was none."""
        with self.database.write() as db:
            return pausing.resume(self.context(db), scope, _name(db, scope, name), self.actor)

    def paused(self, way: Way = by_command) -> Sequence[views.Pause]:
        """All that is paused, ready for JSON; `way` tells how to end a pause."""
        with self.database.read() as db:
            return status.paused(self.context(db), way)


def _name(db: Connection, scope: Scope, name: str) -> str:
    return devices.target_of(db, name) if scope == "serial" else name
