"""Checks of the running bridge: whether its hooks take in what they should, and nothing else."""

from __future__ import annotations

import base64
import hmac
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException

from bridge.clients.mdm.port import Words
from bridge.config import ServerConfig, in_userinfo
from bridge.domain.times import to_the_second
from bridge.domain.webhooks import NOBODY, PROBE_HEADER, PROBE_TOPIC
from bridge.engine.context import Context
from bridge.engine.insight import health, webhook_health
from bridge.engine.insight.doctor.finding import (
    Ask,
    Case,
    Finding,
    Stored,
    fail,
    ok,
    warn,
)
from bridge.engine.insight.doctor.public import WRONG, public
from bridge.engine.insight.webhook_health import Trouble
from bridge.errors import NoDatabase, StoreError
from bridge.store.service import doctor_secret
from bridge.store.views import totals

_TIMEOUT = 5.0
_START = "start vpp-bridge serve"
_RESTART = "restart vpp-bridge serve, so that it reads this file"
_CANNOT_STORE = "see what /readyz says of the database, and mend that; no restart is needed"
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
    if case.trouble is None or isinstance(case.trouble, NoDatabase):
        engine = health.engine_part(case.lock)
        yield ok("engine", "running") if engine.ok else fail("engine", engine.detail)
    if case.restart_needed:
        parts = ", ".join(case.restart_needed)
        yield warn("engine", f"started with other settings than the file's: {parts}", _RESTART)
    with _marked(case) as mark:
        listening = True
        for check in (_mdm_hooks(case, mark), _apple_hooks(case, mark)):
            if listening:
                try:
                    yield from check
                except OSError as error:
                    listening = False
                    yield fail("hooks", _nobody(case.config.listen, error), _START)
        yield from _outside(case, mark)
        if listening:
            yield from public(case, mark)
    yield from _webhooks(case)
    if stored is not None:
        yield from _notifications(case, stored)


@contextmanager
def _marked(case: Case) -> Iterator[Mapping[str, str]]:
    """Headers by which the running bridge knows that a request is ours, and does not count it.

    Without a database that can be written there are none, and it is counted.
    """
    try:
        with case.database.write() as db:
            secret = doctor_secret.draw(db, case.now)
    except StoreError:
        yield {}
        return
    try:
        yield {PROBE_HEADER: secret}
    finally:
        with suppress(StoreError), case.database.write() as db:
            doctor_secret.forget(db)


def _mdm_hooks(case: Case, mark: Mapping[str, str]) -> Iterator[Finding]:
    for name, server in case.config.servers.items():
        part, message_id = f"webhook {name}", f"doctor-{uuid.uuid4()}"
        path, body = f"/hooks/mdm/{name}", _probe(message_id, case.now)
        headers = {"Content-Type": "application/json", **_credentials(server, body)}
        status = case.ask(path, {**headers, **mark}, body)
        if status == 401:
            named = ["webhook_key"] * bool(server.webhook_keys)
            named += ["webhook_hmac_key"] * bool(server.webhook_hmac_keys)
            yield fail(part, f"its hook does not accept {' and '.join(named)}", _RESTART)
        elif status == 503:
            yield fail(part, f"{path} takes nothing in now: it answered 503", _CANNOT_STORE)
        elif status != 200:
            yield fail(part, f"{path} answered {status} instead of 200", _RESTART)
        elif case.trouble is None and not _came_in(case, name, message_id):
            text = "its hook took a message in, but not into this database"
            yield fail(part, text, "see which configuration the running bridge was started with")
        else:
            yield ok(part, f"{path} takes messages in")


def _credentials(server: ServerConfig, body: bytes) -> dict[str, str]:
    """What the server itself would send along, by the first of its keys."""
    headers = {}
    if server.webhook_keys:
        credentials = base64.b64encode(f"bridge:{server.webhook_keys[0]}".encode()).decode()
        headers["Authorization"] = f"Basic {credentials}"
    if server.webhook_hmac_keys:
        digest = hmac.digest(server.webhook_hmac_keys[0].encode(), body, "sha256")
        headers["X-Hmac-Signature"] = base64.b64encode(digest).decode()
    return headers


def _probe(message_id: str, now: float) -> bytes:
    moment = datetime.fromtimestamp(now, UTC).isoformat()
    payload = base64.b64encode(_PAYLOAD).decode()
    event = {"udid": "bridge-doctor", "raw_payload": payload}
    return json.dumps(
        {
            "topic": PROBE_TOPIC,
            "event_id": message_id,
            "created_at": moment,
            "checkin_event": event,
        }
    ).encode()


def _came_in(case: Case, server: str, message_id: str) -> bool:
    with case.database.read_all() as (db, waiting):
        waits = waiting.about("message_id", [message_id])
        return bool(waits) or totals.has_message(db, "mdm", server, message_id)


def _apple_hooks(case: Case, mark: Mapping[str, str]) -> Iterator[Finding]:
    for name in case.config.locations:
        part, path = f"notifications {name}", f"/hooks/apple/{name}"
        status = case.ask(path, {"Authorization": f"Bearer {WRONG}", **mark}, b"{}")
        if status == 401:
            yield ok(part, f"{path} is there, and refuses a wrong token")
        else:
            yield fail(part, f"{path} answered {status} instead of 401", _RESTART)


def _outside(case: Case, mark: Mapping[str, str]) -> Iterator[Finding]:
    """Whether the second listener takes Apple's notifications in, and nothing else."""
    address, ask = case.config.listen_outside, case.ask_outside
    if address is None or ask is None:
        return
    part = "listen_outside"
    try:
        for name in case.config.locations:
            path = f"/hooks/apple/{name}"
            status = ask(path, {"Authorization": f"Bearer {WRONG}", **mark}, b"{}")
            if status == 401:
                yield ok(part, f"{path} is there, and refuses a wrong token")
            else:
                yield fail(part, f"{path} answered {status} instead of 401", _RESTART)
        for name in case.config.servers:
            path = f"/hooks/mdm/{name}"
            status = ask(path, mark, b"{}")
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


def _webhooks(case: Case) -> Iterator[Finding]:
    """What each server is to be told, and whether what it posts is taken in."""
    servers = tuple(case.config.servers)
    can = {name: case.clients.mdm(name).abilities for name in servers}
    for name, server in case.config.servers.items():
        words = can[name].words
        text = f"{webhook_health.flag(words)} is to be {case.config.webhook_url(name)}"
        if server.webhook_hmac_keys:
            text += f"; its {words.signature_flag} is to be webhook_hmac_key"
        if any(in_userinfo(key) != key for key in server.webhook_keys[:1]):
            text += (
                "; the key has characters that mean something else in a URL and must be "
                "percent-encoded there: vpp-bridge doctor --webhook-url prints it so"
            )
        yield ok(webhook_health.part_name(name), text)
    if case.trouble is not None:
        return
    with case.database.read_all() as (db, waiting):
        context = Context(db, case.config.policy, case.now, can, waiting=waiting)
        for name in servers:
            wrong = webhook_health.trouble(context, name, servers)
            last_at = webhook_health.last_at(context, name)
            yield _of_server(name, wrong, last_at, can[name].words)
        wrong = webhook_health.trouble(context, NOBODY, servers)
        if wrong is not None:
            yield fail(webhook_health.part_name(NOBODY), wrong.text, wrong.mend)


def _of_server(name: str, wrong: Trouble | None, last_at: float | None, words: Words) -> Finding:
    part = webhook_health.part_name(name)
    if wrong is not None and wrong.refused:
        last = "none was ever" if last_at is None else f"the last at {to_the_second(last_at)} was"
        return fail(part, f"{wrong.text}; {last} taken in", wrong.mend)
    if wrong is not None:
        return warn(part, wrong.text, wrong.mend)
    if last_at is None:
        mend = (
            f"let its {words.webhook_flag} end in /hooks/mdm/{name}, "
            "and carry webhook_key as the password, percent-encoded; what becomes of its posts "
            f'stands in {words.program}\'s log: "{words.lost_webhook}"'
        )
        return warn(part, "the MDM server has not sent any yet", mend)
    return ok(part, f"the MDM server's last one came at {to_the_second(last_at)}")


def _notifications(case: Case, stored: Stored) -> Iterator[Finding]:
    for name, location in stored.locations.items():
        part, url = f"notifications {name}", case.config.notification_url(name)
        if url is None:
            text = "public_url is not set, so Apple sends none and is asked for results instead"
            yield warn(part, text, "set public_url to an https address that Apple can reach")
        elif location.last_notification_at is None:
            yield warn(part, "Apple has not sent any yet", f"see that Apple can reach {url}")
        else:
            yield ok(
                part, f"Apple's last one came at {to_the_second(location.last_notification_at)}"
            )
