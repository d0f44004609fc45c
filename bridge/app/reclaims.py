"""Giving licences back because a person says so, and replacing a device by another."""

from __future__ import annotations

from collections.abc import Sequence

from bridge.app.opened import Opened
from bridge.domain.audit import Deed, some
from bridge.domain.desired.change import FEW_REMOVALS
from bridge.domain.devices.targets import shown
from bridge.domain.reclaim.selection import Selection
from bridge.domain.wording import counted
from bridge.engine.desired import reclaim
from bridge.engine.desired import replace as replacing
from bridge.engine.desired.reclaim import Found
from bridge.engine.desired.replace import Replaced
from bridge.engine.licences.giving_back import Candidate, give_back
from bridge.errors import WishError
from bridge.store.database import Connection
from bridge.store.devices import devices
from bridge.store.repeating import repeated


class Reclaiming(Opened):
    """What goes back, each change in one transaction; all raise StoreError."""

    def reclaimable(self, chosen: Selection) -> Found:
        """The licences that a selection means, and the devices that may be gone whose licences
        stay, with the reason; nothing is changed."""
        with self.database.read() as db:
            return reclaim.find(db, chosen, self.now())

    @repeated
    def reclaim(
        self, chosen: Selection, allow_removals: int | None = None, anyway: str = "{}"
    ) -> Found:
        """Give back what a selection means by now.

        Raises WishError when that is more than `allow_removals`, which is a few unless it is
        given; `anyway` tells how to allow `{}` of them.
        """
        with self.database.write() as db:
            now = self.now()
            found = reclaim.find(db, chosen, now)
            allowed = FEW_REMOVALS if allow_removals is None else allow_removals
            if len(found.candidates) > allowed:
                raise WishError(too_many(len(found.candidates), allowed, anyway))
            if found.candidates:
                give_back(db, found.candidates, "person", now)
                reclaim.let_go(db, found.candidates, now)
                self.record(db, _deed(found.candidates))
            return found

    def replace_refusal(self, old: str, new: str) -> str | None:
        """Why a device is most likely not to be replaced; None where nothing speaks against it."""
        with self.database.read() as db:
            return replacing.refusal(db, *self._pair(db, old, new), self.now())

    @repeated
    def replace(self, old: str, new: str) -> Replaced:
        """Have one device take another's place; raises WishError where that cannot be told."""
        with self.database.write() as db:
            names = tuple(self.config.locations)
            done = replacing.replace(self.context(db), *self._pair(db, old, new), names)
            number = len(done.adam_ids)
            text = f"{shown(done.new)} takes the place of {shown(done.old)}"
            about = {"device_serial": shown(done.old)}
            after = {"device": shown(done.new), "apps": number}
            before = {"device": shown(done.old), "apps": number}
            both = [done.old, done.new]
            deed = Deed("replace", text, about, before, after, both, done.adam_ids)
            self.record(db, deed)
            return done

    @staticmethod
    def _pair(db: Connection, old: str, new: str) -> tuple[str, str]:
        return devices.target_of(db, old), devices.target_of(db, new)


def too_many(number: int, allowed: int, anyway: str) -> str:
    """That more licences would go back than a person allowed; `anyway` is how to allow `{}`."""
    return (
        f"nothing was given back: it would be {counted(number, 'licence')}, but no more than "
        f"{allowed} without {anyway.format(number)}"
    )


def _deed(given: Sequence[Candidate]) -> Deed:
    adam_ids = sorted({each.licence.adam_id for each in given})
    serials = sorted({each.target for each in given})
    kinds = sorted({each.kind or "unwanted" for each in given})
    text = f"{counted(len(given), 'licence')} will be given back ({', '.join(kinds)})"
    before = {"licences": len(given), "apps": some(adam_ids)}
    after = {"licences": 0}
    return Deed("reclaim", text, {}, before, after, serials=serials, adam_ids=adam_ids)
