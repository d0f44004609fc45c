"""What devices that are still to come would need: seats by app, and serial numbers to look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import asdict, dataclass, fields

from bridge.domain.desired.desired import Desired
from bridge.domain.desired.roster import Roster
from bridge.domain.devices.serials import is_written_like_one
from bridge.domain.imports import serial_column, table
from bridge.domain.model import Device
from bridge.domain.plan.seats import Seats
from bridge.domain.wording import counted, named
from bridge.errors import ImportRefused


@dataclass(frozen=True, slots=True)
class ArrivingSeats:
    """One app of those that come: `needs` counts all, `planned` those that the file names, whose
    seats the plan has counted. `spare` is what the plan leaves; None for any number."""

    location: str
    adam_id: str
    name: str | None
    needs: int
    planned: int
    spare: int | None

    @property
    def short(self) -> int:
        """How many seats are missing for those whom the plan has not counted."""
        return 0 if self.spare is None else max(self.needs - self.planned - self.spare, 0)

    def sentence(self) -> str:
        """`hq, Pages (361309726): 40 arriving need 40, 31 spare, 9 short`."""
        what = f"{self.name} ({self.adam_id})" if self.name else f"app {self.adam_id}"
        parts = [f"{self.needs} of those that arrive need it"]
        parts += [f"{self.planned} of them are counted above"] if self.planned else []
        parts += ["any number is free" if self.spare is None else f"{self.spare} spare"]
        parts += [f"{self.short} short"] if self.short else []
        return f"{self.location}, {what}: {', '.join(parts)}"


@dataclass(frozen=True, slots=True)
class Arriving:
    """All of it: `there` are serial numbers that a server knows already, `mistyped` those that look
    like another, each with which."""

    number: int
    seats: Sequence[ArrivingSeats]
    there: Sequence[str]
    mistyped: Mapping[str, str]

    @property
    def short(self) -> bool:
        """Whether seats are missing for any app."""
        return any(each.short for each in self.seats)

    def lines(self) -> list[str]:
        """The same for a person."""
        found = [f"{counted(self.number, 'device')} to arrive."]
        found += [f"{each.sentence()}." for each in self.seats]
        found += [f"There already: {named(self.there)}."] if self.there else []
        looks = [f"{serial} (like {other})" for serial, other in self.mistyped.items()]
        return found + ([f"Mistyped, perhaps: {named(looks)}."] if looks else [])

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        seats = [asdict(each) | {"short": each.short} for each in self.seats]
        return {
            "devices": self.number,
            "seats": seats,
            "there": list(self.there),
            "mistyped": dict(self.mistyped),
        }


def serials_of(text: str) -> list[str]:
    """The serial numbers of a list: one in each line, or a table with a column Serial Number, as
    Apple's portal exports it. Raises ImportRefused with the first line that has none."""
    rows, columns = table(text)
    column = serial_column(columns)
    if column is None and len(columns) > 1:
        raise ImportRefused("no column is called Serial Number; its columns: " + ", ".join(columns))
    listed = [(1, columns[0])] if column is None and columns and columns[0] else []
    listed += [(line, row[column or 0]) for line, row in rows]
    found: dict[str, None] = {}
    for line, word in listed:
        serial = word.partition("#")[0].strip()
        if serial and not is_written_like_one(serial):
            raise ImportRefused(f'line {line}: "{serial[:64]}" is not a serial number')
        if serial:
            found[serial.upper()] = None
    return list(found)


def make(
    desired: Desired,
    serials: Sequence[str],
    seats: Sequence[Seats],
    known: AbstractSet[str],
    mistyped: Mapping[str, str],
) -> Arriving:
    """What these serial numbers would need once they have enrolled; `seats` are those of the plan,
    `known` those of them that a server knows. Of a `match` nobody can tell yet."""
    coming = {serial: _enrolled(serial) for serial in serials if serial not in known}
    roster = Roster(desired.meant, coming)
    by_asset = {(each.location, each.asset): each for each in seats}
    found = []
    for app in desired.apps:
        getting = roster.getting(app)
        needing = getting.sure | getting.undecided
        counts = by_asset.get((app.location, app.asset))
        if needing:
            spare = counts.spare if counts is not None else 0
            planned = len(getting.named & needing)
            found.append(
                ArrivingSeats(app.location, app.adam_id, app.name, len(needing), planned, spare)
            )
    there = [serial for serial in serials if serial in known]
    return Arriving(len(serials), found, there, mistyped)


def _enrolled(serial_number: str) -> Device:
    """A device of which nothing is known but that it has enrolled with this serial number."""
    nothing = {each.name: None for each in fields(Device) if each.init}
    told = {"id": 0, "server": "", "serial_number": serial_number, "enrolled": True, "enrolment": 1}
    return Device(**(nothing | told))  # type: ignore[arg-type]
