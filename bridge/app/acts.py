"""What a person does about one thing that went wrong: handle it, make it or give it once more."""

from __future__ import annotations

from bridge.app.opened import Opened
from bridge.domain.audit import Deed
from bridge.domain.devices.targets import shown
from bridge.domain.views.traffic import CallAgain, Replay
from bridge.domain.wording import counted
from bridge.engine.calls.again import call_again
from bridge.engine.intake import replay
from bridge.store.alerts import alerts
from bridge.store.devices import devices
from bridge.store.installs import retry
from bridge.store.repeating import repeated


class Acts(Opened):
    """Each in one transaction; all raise StoreError."""

    def replay_event(self, event_id: int, dry_run: bool = False) -> Replay | None:
        """Handle a stored message again, or say what that would change; None for an unknown one.

        Ready for JSON; `ok` is false, and `error` says why, when it could not be handled.
        """
        done = replay.replay(
            self.database, self.context, event_id, dry_run=dry_run, record=self.record
        )
        return None if done is None else done.as_json()

    @repeated
    def call_again(self, row_id: int) -> CallAgain | None:
        """Make a failed outside call due again where that does no harm; None for an unknown one.

        `ok` is false, and `why_not` says why, when it is not made again.
        """
        names = {"apple": tuple(self.config.locations), "mdm": tuple(self.config.servers)}
        with self.database.write() as db:
            names["alerts"] = alerts.receivers(db)
            done = call_again(db, row_id, names, self.now())
            if done is not None and done.why_not is None:
                about = {"outbox_id": row_id}
                self.record(db, Deed("retry_call", "a call is made again", about))
        return None if done is None else done.as_json()

    @repeated
    def retry(self, serial: str | None = None, adam_id: str | None = None) -> int:
        """Give the stopped installs of a device, of an app, of both, or all another round.

        Returns how many there were; only what is desired, and what a person must act on, counts.
        """
        with self.database.write() as db:
            stopped = retry.stopped(db, serial, adam_id)
            number = retry.retry(db, serial, adam_id, self.now())
            if number:
                text = f"{counted(number, 'install')} got another round"
                device = None if serial is None else shown(devices.target_of(db, serial))
                named = {"device_serial": device, "adam_id": adam_id}
                about = {key: name for key, name in named.items() if name is not None}
                before = {f"{state} {reason}": count for state, reason, count in stopped}
                after = {"retried": number}
                self.record(db, Deed("retry", text, about, before=before, after=after))
            return number
