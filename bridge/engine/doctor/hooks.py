"""Checks of the running bridge: whether its hooks take in what they should, and nothing else."""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException

from bridge.domain.times import rfc3339
from bridge.engine import health
from bridge.engine.doctor.finding import Ask, Case, Finding, Stored, fail, ok, warn
from bridge.store import reports

_TIMEOUT = 5.0
_WRONG = "a token that Apple was never given"
_START = "start vpp-bridge serve"
_RESTART = "restart vpp-bridge serve, so that it reads this file"
_PAYLOAD = (
    b'<plist version="1.0"><dict><key>UDID</key><string>bridge-doctor</string></dict></plist>'
)


def over_http(address: tuple[str, int]) -> Ask:
    """Asks the bridge that listens at `address` (host, port), without any proxy between."""
    host, port = address
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)

    def ask(path: str, headers: Mapping[str, str], body: bytes) -> int:
        connection = HTTPConnection(host, port, timeout=_TIMEOUT)
        try:
            connection.request("POST", path, body, dict(headers))
            return connection.getresponse().status
        except HTTPException as error:
            raise OSError(f"no HTTP answer ({type(error).__name__})") from error
        finally:
            connection.close()

    return ask


def serving(case: Case, stored: Stored | None) -> Iterator[Finding]:
    """The engine, both hooks, and when each was last used by its owner."""
    engine = health.engine_part(case.lock)
    if engine.ok:
        yield ok("engine", "running")
    else:
        yield fail("engine", engine.detail)
    if case.restart_needed:
        parts = ", ".join(case.restart_needed)
        yield warn("engine", f"started with other settings than the file's: {parts}", _RESTART)
    listening = True
    for check in (_mdm_hooks(case), _apple_hooks(case)):
        if listening:
            try:
                yield from check
            except OSError as error:
                listening = False
                yield fail("hooks", _nobody(case.config.listen, error), _START)
    yield from _outside(case)
    yield from _last_heard(case, stored)


def _mdm_hooks(case: Case) -> Iterator[Finding]:
    for name, server in case.config.servers.items():
        part, message_id = f"webhook {name}", f"doctor-{uuid.uuid4()}"
        credentials = base64.b64encode(f"bridge:{server.webhook_keys[0]}".encode()).decode()
        headers = {"Authorization": f"Basic {credentials}", "Content-Type": "application/json"}
        path = f"/hooks/mdm/{name}"
        status = case.ask(path, headers, _probe(message_id, case.now))
        if status == 401:
            yield fail(part, "its hook does not accept webhook_key", _RESTART)
        elif status != 200:
            yield fail(part, f"{path} answered {status} instead of 200", _RESTART)
        elif case.trouble is None and not _came_in(case, name, message_id):
            text = "its hook took a message in, but not into this database"
            yield fail(part, text, "see which configuration the running bridge was started with")
        else:
            yield ok(part, f"{path} takes messages in")


def _probe(message_id: str, now: float) -> bytes:
    moment = datetime.fromtimestamp(now, UTC).isoformat()
    payload = base64.b64encode(_PAYLOAD).decode()
    event = {"udid": "bridge-doctor", "raw_payload": payload}
    return json.dumps(
        {
            "topic": reports.PROBE_TOPIC,
            "event_id": message_id,
            "created_at": moment,
            "checkin_event": event,
        }
    ).encode()


def _came_in(case: Case, server: str, message_id: str) -> bool:
    with case.database.read() as db:
        return reports.has_message(db, "mdm", server, message_id)


def _apple_hooks(case: Case) -> Iterator[Finding]:
    for name in case.config.locations:
        part, path = f"notifications {name}", f"/hooks/apple/{name}"
        status = case.ask(path, {"Authorization": f"Bearer {_WRONG}"}, b"{}")
        if status == 401:
            yield ok(part, f"{path} is there, and refuses a wrong token")
        else:
            yield fail(part, f"{path} answered {status} instead of 401", _RESTART)


def _outside(case: Case) -> Iterator[Finding]:
    """Whether the second listener takes Apple's notifications in, and nothing else."""
    address, ask = case.config.listen_outside, case.ask_outside
    if address is None or ask is None:
        return
    part = "listen_outside"
    try:
        for name in case.config.locations:
            path = f"/hooks/apple/{name}"
            status = ask(path, {"Authorization": f"Bearer {_WRONG}"}, b"{}")
            if status == 401:
                yield ok(part, f"{path} is there, and refuses a wrong token")
            else:
                yield fail(part, f"{path} answered {status} instead of 401", _RESTART)
        for name in case.config.servers:
            path = f"/hooks/mdm/{name}"
            status = ask(path, {}, b"{}")
            if status == 404:
                yield ok(part, f"{path} is not served there")
            else:
                text = f"{path} answered {status} instead of 404: more than Apple's hook is served"
                yield fail(part, text, _RESTART)
    except OSError as error:
        yield fail(part, _nobody(address, error), _RESTART)


def _nobody(address: tuple[str, int], error: OSError) -> str:
    host, port = address
    return f"nobody answers on {host}:{port} ({error.strerror or error})"


def _last_heard(case: Case, stored: Stored | None) -> Iterator[Finding]:
    if stored is None:
        return
    for name, at in stored.last_webhook_at.items():
        part = f"webhook {name}"
        if at is not None:
            yield ok(part, f"the MDM server's last one came at {rfc3339(at)}")
        else:
            mend = (
                f"let its -command-webhook-url end in /hooks/mdm/{name}, "
                "and carry webhook_key as the password"
            )
            yield warn(part, "the MDM server has not sent any yet", mend)
    for name, location in stored.locations.items():
        part, url = f"notifications {name}", case.config.notification_url(name)
        if url is None:
            text = "public_url is not set, so Apple sends none and is asked for results instead"
            yield warn(part, text, "set public_url to an https address that Apple can reach")
        elif location.last_notification_at is None:
            yield warn(part, "Apple has not sent any yet", f"see that Apple can reach {url}")
        else:
            yield ok(part, f"Apple's last one came at {rfc3339(location.last_notification_at)}")
