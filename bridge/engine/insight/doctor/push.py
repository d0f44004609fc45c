"""Whether the MDM server can wake its devices: its certificate, and what became of its pushes."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.clients.mdm.port import MdmServer
from bridge.domain.times import to_the_second
from bridge.domain.wording import counted
from bridge.engine.insight.doctor.finding import Case, Finding, Stored, fail, ok, warn
from bridge.errors import CallError, MdmRefused, ShapeError
from bridge.store.outbox import pushes
from bridge.wire.certificate import not_after

WARN_DAYS = 30
LOOK_BACK = 86400.0
_DAY = 86400.0
_NONE = 500
_NO_CERTIFICATE = "the MDM server has no push certificate, so it wakes no device"
_RENEW = (
    "renew it at identity.apple.com with the Apple account that made it, never make a new one, "
    "which would have every device enrol again; then upload it to the MDM server"
)


def push(case: Case, server: str, client: MdmServer, stored: Stored | None) -> Iterator[Finding]:
    """The certificate where the server shows it, and the newest pushes that we asked for."""
    part = f"push {server}"
    certificate = _certificate(part, client, case.now)
    if certificate is not None:
        yield certificate
    if stored is None or (certificate is not None and certificate.text == _NO_CERTIFICATE):
        return
    with case.database.read() as db:
        newest = pushes.newest(db, server, since=case.now - LOOK_BACK)
    failed = [each for each in newest if each.error is not None]
    in_a_row = next((n for n, each in enumerate(newest) if each.error is None), len(newest))
    if in_a_row == 0:
        if newest:
            yield ok(part, f"the newest push was sent at {to_the_second(newest[0].at)}")
        return
    last = failed[0]
    number, when = counted(in_a_row, "push", "pushes"), to_the_second(last.at)
    text = f"{number} failed, the last at {when}: {last.error}"
    many = in_a_row >= pushes.MANY and "no push certificate" not in (last.error or "")
    yield (fail if many else warn)(part, text)


def _certificate(part: str, client: MdmServer, now: float) -> Finding | None:
    """What is to be said of it. That there is none yet is no failure: devices come by themselves,
    and a bridge may well be set up before."""
    try:
        der = client.push_certificate()
        ends = None if der is None else not_after(der)
    except MdmRefused as error:
        if error.status == _NONE:
            return warn(part, _NO_CERTIFICATE, "upload one: mdmctl mdmcert upload")
        return warn(part, f"its push certificate could not be looked at: {error}")
    except (CallError, ShapeError) as error:
        return warn(part, f"its push certificate could not be looked at: {error}")
    if ends is None:
        return None
    days = int((ends - now) // _DAY)
    if ends <= now:
        text = f"its push certificate expired at {to_the_second(ends)}: no device is woken"
        return fail(part, text, _RENEW)
    text = f"its push certificate expires in {counted(days, 'day')}"
    return warn(part, text, _RENEW) if days < WARN_DAYS else ok(part, text)
