"""Checks of what tells which devices a server has that cannot list them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bridge.domain.plan.unlisted import MENDS
from bridge.domain.wording import counted
from bridge.engine.desired.plan import known_devices
from bridge.engine.desired.plan.blind import is_told_of
from bridge.engine.enrolments import read_devices_file
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.errors import CallError, NotSent
from bridge.store.devices import filed
from bridge.wire.devices_file import DevicesFile

_SHOWN = 10
"""How many lines of one kind are told of."""


def devices(case: Case, server: str, stored: Stored | None) -> Iterator[Finding]:
    """What is known of a server's devices, and what is wrong with where it is from."""
    config = case.config.servers[server]
    part, path = f"MDM {server}", config.devices_file
    if stored is not None:
        with case.database.read() as db:
            known, is_told = (
                known_devices(db, server),
                is_told_of(db, server, case.config.policy, case.now),
            )
        text = f"it cannot list its devices: {known.known}"
        if is_told or config.has_enrollments_dsn:
            yield ok(part, f"{text}; its enrolments are read elsewhere")
        else:
            text += "; who else is enrolled is not known"
            yield ok(part, text) if path is not None else warn(part, text, MENDS)
    if path is not None:
        yield from _file(case, server, path, stored)
    if config.has_enrollments_dsn:
        yield _database(case, server)


def _database(case: Case, server: str) -> Finding:
    part, database = f"enrollments_dsn {server}", case.clients.enrolments(server).database
    try:
        found = () if database is None else database.enrolments()
    except CallError as error:
        return fail(part, str(error), "see that the address, the account and its rights are right")
    return ok(part, f"it has {counted(len(found), 'enrolment')} of devices")


def _file(case: Case, server: str, path: Path, stored: Stored | None) -> Iterator[Finding]:
    part = f"devices_file {server}"
    try:
        file = read_devices_file(path)
    except NotSent as error:
        yield fail(part, str(error), "until then it is read again every few minutes")
        return
    yield ok(part, f"{path} names {counted(len(file.lines), 'device')}")
    yield from _some(part, [f"{path}: {each}" for each in file.mistakes], "correct the line")
    if stored is not None:
        mend = "correct the line; what the device says of itself counts"
        yield from _some(part, list(_differing(case, server, path, file)), mend)


def _differing(case: Case, server: str, path: Path, file: DevicesFile) -> Iterator[str]:
    """The lines of which their devices say otherwise."""
    lines = {line.udid: line for line in file.lines}
    with case.database.read() as db:
        for each in filed.differing(db, server):
            line = lines.get(each.udid)
            if line is not None and line.serial_number != each.told:
                yield (
                    f"{path}: line {line.number}: the device with UDID {each.udid} says that its "
                    f"serial number is {each.told}, not {line.serial_number}"
                )


def _some(part: str, texts: list[str], mend: str) -> Iterator[Finding]:
    for text in texts[:_SHOWN]:
        yield warn(part, text, mend)
    if more := len(texts[_SHOWN:]):
        yield warn(part, f"and {counted(more, 'more line')} like these", mend)
