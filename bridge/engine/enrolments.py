"""What can be learnt of the devices of an MDM server that has no list of them.

Three sources, each optional: a file that the admin writes, the server's own database, and an
endpoint that newer releases have. What one of them cannot tell costs nothing of the others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from errno import EINVAL
from pathlib import Path
from typing import Protocol

from bridge.clients.mdm.port import MdmDevice, MdmServer
from bridge.errors import CallError, NotSent, ShapeError
from bridge.store.nanomdm import Enrolment
from bridge.wire.devices_file import DevicesFile, parse_devices_file


class EnrolmentsDatabase(Protocol):
    """An MDM server's own database, which is only read."""

    def enrolments(self) -> tuple[Enrolment, ...]:
        """All enrolments of devices that it has; raises CallError."""


@dataclass(frozen=True, slots=True)
class Found:
    """What the sources said. `file` is None where none is configured or it could not be read;
    `records` is None where no source has the server's own enrolments, `no_endpoint` says that the
    server was asked for them and has no way to tell. `troubles` are sentences about what failed."""

    file: DevicesFile | None = None
    records: tuple[MdmDevice, ...] | None = None
    no_endpoint: bool = False
    troubles: tuple[str, ...] = ()

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to read, now or later."""
        return self.no_endpoint and self.file is None and not self.troubles


@dataclass(frozen=True, slots=True)
class Enrolments:
    """The sources that are configured for one server."""

    server: MdmServer
    devices_file: Path | None = None
    database: EnrolmentsDatabase | None = None

    def read(self, *, ask_server: bool) -> Found:
        """Read all sources; `ask_server` says whether the server may have an endpoint for it. What
        failed is in the result, so that it does not cost what the others tell."""
        troubles: list[str] = []
        file, records, no_endpoint = None, None, False
        if self.devices_file is not None:
            try:
                file = read_devices_file(self.devices_file)
            except NotSent as error:
                troubles.append(str(error))
        database = self.database
        if database is not None:
            records = _tried(lambda: tuple(map(_record, database.enrolments())), troubles)
        elif ask_server:
            before = len(troubles)
            records = _tried(self.server.enrolments, troubles)
            no_endpoint = records is None and len(troubles) == before
        return Found(file, records, no_endpoint, tuple(troubles))


def read_devices_file(path: Path) -> DevicesFile:
    """Read a `devices_file`; raises NotSent where it cannot be read or is none."""
    try:
        if path.exists() and not path.is_file():
            raise OSError(EINVAL, "not a plain file")  # a pipe would be waited for
        return parse_devices_file(path.read_bytes())
    except OSError as error:
        why = f"cannot be read ({error.strerror}); write a CSV file with the header serial,udid"
    except ShapeError as error:
        why = f"cannot be used: {error}"
    raise NotSent(f"{path} {why}", service="mdm", call="read devices_file")


def _record(enrolment: Enrolment) -> MdmDevice:
    """An enrolment as a list of devices would have it."""
    return MdmDevice(
        udid="" if enrolment.is_user else enrolment.enrolment_id,
        serial_number="" if enrolment.is_user else enrolment.serial_number,
        enrolled=enrolment.enabled,
        last_seen_at=enrolment.last_seen_at,
        dep_profile_status="",
        enrollment_id=enrolment.enrolment_id if enrolment.is_user else "",
    )


def _tried(
    read: Callable[[], tuple[MdmDevice, ...] | None], troubles: list[str]
) -> tuple[MdmDevice, ...] | None:
    try:
        return read()
    except CallError as error:
        troubles.append(str(error))
        return None
