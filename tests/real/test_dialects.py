"""How MicroMDM and the bridge read sixty dialects of an answer, held equal to docs/dialects.md.

`BRIDGE_WRITE_DIALECTS=1 tools/test tests/real/test_dialects.py` writes the page.
"""

import base64
import os
import re
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import ShapeError
from bridge.simulator import templates
from bridge.simulator.devices.device import Device
from bridge.simulator.mdm.real_mdm import RealMicroMdm
from bridge.wire.device_report import parse_managed_list
from bridge.wire.json_text import write_object
from bridge.wire.mdm_webhook import load_stored, parse_webhook, storable
from tests.real.binaries import SERVERS
from tests.real.dialects import APP, DIALECTS, Dialect
from tests.real.lab import Webhook, detail_of, post_and_wait

pytestmark = pytest.mark.real

PAGE = Path(__file__).parents[2] / "docs" / "dialects.md"

INTRO = """\
# Dialects of an answer

Sixty ways in which a device could write its answer to a ManagedApplicationList, what MicroMDM {}
does with each, and what the bridge does. `tests/real/test_dialects.py` sends all of them to a
real MicroMDM, as an enrolled device, and holds this page equal to what came of it;
`BRIDGE_WRITE_DIALECTS=1 tools/test tests/real/test_dialects.py` writes it.

*passed on* means that the device got 200 and the webhook was posted with the command's UUID and
its status in the envelope: the bridge then settles the command from there, whatever it can read of
the rest. What it cannot read is asked for again (`policy.verify.unreadable_retry`), and is the
reason ANSWER_UNREADABLE from the second time on. *refused* means that the webhook was not posted:
nobody hears of the answer, and MicroMDM offers the command again whenever the device comes
(reason NOT_ANSWERED for an install, NOT_TOLD for the question before one).

MicroMDM reads with a parser of its own (github.com/micromdm/plist on Go's encoding/xml), which
takes the members that it looks for and lets much else pass. The bridge reads what is plain; of
what leaves open what was meant, such as text where none may be, it believes nothing.

| what is odd | MicroMDM | the bridge | why they differ |
|---|---|---|---|
"""


@dataclass(frozen=True)
class Told:
    """What MicroMDM did with an answer: the HTTP status to the device, and its webhook."""

    status: int
    event: dict[str, Any] | None

    def in_words(self, command_uuid: str) -> str:
        """For the page."""
        if self.event is None:
            return f"refused ({self.status})"
        envelope = detail_of(self.event)
        odd = [
            f"{name} {envelope.get(name) or 'missing'}"
            for name, expected in (("command_uuid", command_uuid), ("status", "Acknowledged"))
            if envelope.get(name) != expected
        ]
        http = [] if self.status == 200 else [f"{self.status} to the device"]
        return f"passed on{''.join(f'; {each}' for each in (*http, *odd))}"


def send(mdm: RealMicroMdm, webhook: Webhook, device: Device, dialect: Dialect) -> tuple[str, Told]:
    """Answer a command in a dialect, and wait for the webhook of the Idle after it; and for that of
    an answer that was taken, since MicroMDM may post the two in either order."""
    command_uuid = str(uuid.uuid4())
    post_and_wait(mdm, device.udid, command_uuid)
    body = dialect.write(command_uuid, device.udid)
    status, _ = device.transport.connect(device, body)
    idle = templates.idle(device)
    assert device.transport.connect(device, idle)[0] == 200
    found, idled = None, False
    while not idled or (found is None and status == 200):
        event = webhook.events.get(timeout=20)
        raw = base64.b64decode(detail_of(event)["raw_payload"])
        if raw == body:
            found = event
        elif raw == idle and detail_of(event).get("udid") == device.udid:
            idled = True
    return command_uuid, Told(status, found)


def read(event: dict[str, Any], body: bytes) -> tuple[str, str]:
    """What the bridge makes of a webhook, and why if it cannot read it."""
    stored = load_stored(storable(parse_webhook(write_object(event)), command_is_ours=True))
    if stored.message is None:
        error = (stored.payload_error or "").removeprefix("The property list cannot be read: ")
        return "unread", error.rstrip(".")
    if stored.status != "Acknowledged":
        why = "MicroMDM keeps the command and offers it again; so it stays open"
        return "unread", why
    try:
        listed = parse_managed_list(stored.message)
    except ShapeError as error:
        return "unread", f"{error}, so it tells nothing"
    if any(app.status is None for app in listed):
        return "unread for that app", "the entry tells nothing; other apps go on"
    assert {app.bundle_id: app.status for app in listed} in ({APP: "Managed"}, {})
    if b"</plist>" in body and body.split(b"</plist>", 1)[1].strip():
        return "cut, and read", ""
    return ("read" if listed else "read as an empty list"), ""


def unheard(command_uuid: str, body: bytes) -> dict[str, Any]:
    """The webhook that MicroMDM did not post."""
    envelope = {"command_uuid": command_uuid, "status": "Acknowledged", "udid": "U"}
    payload = {"raw_payload": base64.b64encode(body).decode()}
    return {"topic": "mdm.Connect", "acknowledge_event": envelope | payload}


def version() -> str:
    """The MicroMDM that the tests build, which itself says `unknown`."""
    found = re.search(r"micromdm/micromdm v(\S+)", SERVERS.joinpath("go.mod").read_text())
    assert found is not None
    return found[1]


def row(dialect: Dialect, command_uuid: str, told: Told, body: bytes) -> str:
    """One line of the page."""
    micromdm = told.in_words(command_uuid).replace(command_uuid, "as sent")
    if told.event is None:
        does, why = read(unheard(command_uuid, body), body)
        alone = "unread" in does
        why = f"neither reads it: {why}" if alone else "MicroMDM alone cannot read it"
        cells = (dialect.name, micromdm, "does not hear of it", why)
    else:
        does, why = read(told.event, body)
        cells = (dialect.name, micromdm, does, why)
    return f"| {' | '.join(cells)} |"


def test_the_page_says_what_a_real_micromdm_and_the_bridge_do(
    mdm: RealMicroMdm, webhook: Webhook, device: Device
) -> None:
    assert len(DIALECTS) == len({each.name for each in DIALECTS}) == 60
    rows = []
    for dialect in DIALECTS:
        command_uuid, told = send(mdm, webhook, device, dialect)
        rows.append(row(dialect, command_uuid, told, dialect.write(command_uuid, device.udid)))
    page = INTRO.format(version()) + "\n".join(rows) + "\n"
    if os.environ.get("BRIDGE_WRITE_DIALECTS"):
        PAGE.write_text(page)
    assert PAGE.read_text() == page
