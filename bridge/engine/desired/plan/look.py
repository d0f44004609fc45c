"""A look outside for a plan: read, and stored nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from bridge.clients.apple.replies import AssetCounts
from bridge.clients.mdm.port import MdmDevice
from bridge.domain.facts import AssetFacts
from bridge.domain.licences.odd_rows import OddRow
from bridge.domain.model import Asset
from bridge.domain.plan.blind import Blind
from bridge.domain.wording import counted
from bridge.engine.calls import Clients
from bridge.engine.desired.plan.seats import Look
from bridge.engine.sync import Read
from bridge.errors import CallError
from bridge.store import pauses
from bridge.store.database import Connection
from bridge.store.licences import locations


def is_unread(db: Connection, read: Read) -> bool:
    """Whether something of a location was never read."""
    location = locations.get(db, read.scope) if read.what != "devices" else None
    if location is None:
        return False
    at = location.assets_read_at if read.what == "assets" else location.assignments_read_at
    return at is None


def to_read(db: Connection, servers: Iterable[str], wished_at: Iterable[str]) -> list[Read]:
    """What a plan should read: the servers' devices, the locations' counts, and who holds their
    licences where that was never read.

    `servers` are those that can list their devices.
    """
    is_paused = pauses.load(db).over_all is not None  # MicroMDM's list is a POST
    reads = [] if is_paused else [Read("devices", server) for server in servers]
    for name in wished_at:
        location = locations.get(db, name)
        reads += [Read("assets", name)]
        reads += [Read("assignments", name)] if location.assignments_read_at is None else []
    return reads


@dataclass
class Looking:
    """Reads one thing after the other; `result` is what was seen by then."""

    clients: Clients
    now: Callable[[], float]
    devices: dict[str, Sequence[MdmDevice]] = field(default_factory=dict)
    counts: dict[str, dict[Asset, AssetFacts]] = field(default_factory=dict)
    odd_assets: dict[str, list[OddRow]] = field(default_factory=dict)
    owned: dict[str, dict[Asset, set[str]]] = field(default_factory=dict)
    unseen: list[Blind] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def read(self, read: Read) -> None:
        """Read one thing; what fails is told."""
        try:
            if read.what == "devices":
                self.devices[read.scope] = self.clients.mdm(read.scope).devices()
            elif read.what == "assets":
                self.counts[read.scope] = self._counts(read.scope)
            else:
                self.owned[read.scope] = self._owned(read.scope)
        except CallError as error:
            self.failed(read, str(error))

    def failed(self, read: Read, error: str) -> None:
        """It could not be read."""
        if read.what == "devices":
            self.unseen.append(Blind(read.scope, error))
        else:
            self.notes.append(f"The {read.what} of {read.scope} could not be read: {error}")

    def result(self) -> Look:
        """What was seen."""
        return Look(
            devices=self.devices,
            counts=self.counts,
            odd_assets=self.odd_assets,
            owned=self.owned,
            notes=tuple(self.notes),
            unseen=tuple(self.unseen),
        )

    def _counts(self, location: str) -> dict[Asset, AssetFacts]:
        at, odd = self.now(), self.odd_assets.setdefault(location, [])
        found: dict[Asset, AssetFacts] = {}
        for step in self.clients.apple(location).walk_assets():
            odd += (*step.page.odd, *step.missing)
            found.update((each.asset, _facts(each, at)) for each in step.page.assets)
        return found

    def _owned(self, location: str) -> dict[Asset, set[str]]:
        owned, odd = dict[Asset, set[str]](), list[OddRow]()
        for step in self.clients.apple(location).walk_assignments():
            odd += (*step.page.odd, *step.missing)
            for each in step.page.assignments:
                if each.target is not None:
                    owned.setdefault(each.asset, set()).add(each.target.holder)
        self.notes += notes_of(location, odd)
        return owned


def notes_of(location: str, odd: Sequence[OddRow]) -> list[str]:
    """What a plan says of assignments that cannot be read: there may be more than it counts."""
    if not odd:
        return []
    rows = counted(len(odd), "row")
    return [
        f"{rows} of Apple's assignments at {location} cannot be read, so that more devices may"
        f" hold a licence than are counted: {odd[0].shown}."
    ]


def _facts(each: AssetCounts, at: float) -> AssetFacts:
    return AssetFacts(
        total=each.total,
        available=each.available,
        retired=each.retired,
        unlimited=each.unlimited,
        device_assignable=each.device_assignable,
        product_type=each.product_type,
        revocable=each.revocable,
        read_at=at,
        counted_at=at,
        platforms=",".join(each.supported_platforms),
    )
