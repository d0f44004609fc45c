"""Giving the licences back that were found to be of no use, each with what showed it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from bridge.domain.installs.options import Options
from bridge.domain.model import Install
from bridge.domain.reclaim.mark import Mark
from bridge.domain.reclaim.verdict import Kind
from bridge.store.database import Connection
from bridge.store.installs import facts, kept, marks
from bridge.store.licences import reclaims, request_pairs
from bridge.store.licences.reclaims import GivenBack, Ours

By = Literal["policy", "person"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """A licence of ours that may go back: of a device that is gone (`kind`), or one that nobody
    wants (None), for the reason `why`; `install` is what it was got for, if that is known."""

    licence: Ours
    install: Install | None
    kind: Kind | None
    why: str

    @property
    def its_install(self) -> Install | None:
        """The install that is made with this very licence; one of another location is not."""
        install, ours = self.install, self.licence
        if install is None or install.location != ours.location:
            return None
        return install if facts.pair_of(install) == ours.pair else None

    @property
    def target(self) -> str:
        """The device, as installs name it, or else who holds the licence."""
        install = self.its_install
        return self.licence.target if install is None else install.target

    @property
    def is_under_way(self) -> bool:
        """Whether it goes back already: as nobody wants it, or marked before."""
        install = self.its_install
        if install is None:
            return False
        if not install.desired:
            return Options.from_text(install.options).on_unwanted != "keep"
        if install.reclaim is None:
            return False
        mark = Mark.from_text(install.reclaim)
        return mark.state == "due" and install.round_at <= mark.at


def give_back(db: Connection, found: Sequence[Candidate], by: By, now: float) -> None:
    """Have these licences given back, and keep why.

    What is still wanted is marked, so that it is got anew only once its device is back.
    """
    unwanted = list[Install]()
    for each in found:
        install, ours = each.its_install, each.licence
        if install is None:
            request_pairs.want(db, ours.location, "DISASSOCIATE", [ours.pair], now)
        elif not install.desired:
            unwanted.append(install)
        elif each.kind is not None:
            marks.mark(db, [install.id], Mark("due", each.kind, now, each.why), now)
    kept.release(db, unwanted, now)
    reclaims.note(
        db,
        [
            GivenBack(
                now,
                by,
                c.licence.location,
                c.licence.adam_id,
                c.licence.pricing_param,
                c.licence.target,
                c.kind or "unwanted",
                c.why,
            )
            for c in found
        ],
    )
