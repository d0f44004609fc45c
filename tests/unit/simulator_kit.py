"""What the tests of the simulator share: in-process clients and a recorder of outgoing HTTP."""

import base64
import json
import plistlib
from collections.abc import Iterable, Mapping
from typing import Any

from werkzeug.test import Client, TestResponse

from bridge.simulator.apple.config import ClientConfig
from bridge.simulator.apple.http import apple_app
from bridge.simulator.mdm.http import mdm_app
from bridge.simulator.world import World, build_world

NOTIFY_URL = "https://bridge.example.org/hooks/apple/hq"
WEBHOOK_URL = "http://mdm:hook-secret@bridge.example.org/hooks/mdm/main"


class Mailbox:
    """A `Post` that keeps what it gets; `statuses` are answered first, then `status`."""

    def __init__(self) -> None:
        self.letters: list[tuple[str, dict[str, str], bytes]] = []
        self.statuses: list[int | None] = []
        self.status: int | None = 200

    def __call__(
        self, url: str, headers: Mapping[str, str], body: bytes, timeout: float
    ) -> int | None:
        self.letters.append((url, dict(headers), body))
        return self.statuses.pop(0) if self.statuses else self.status

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.letters]

    @property
    def topics(self) -> list[str]:
        return [body["topic"] for body in self.bodies if "topic" in body]

    @property
    def notifications(self) -> list[dict[str, Any]]:
        return [body for body in self.bodies if "notificationId" in body]


class Outside:
    """A world with clients for both services and the mailbox of its outgoing posts."""

    def __init__(self, **arguments: Any) -> None:
        self.mail = Mailbox()
        self.world: World = build_world(post=self.mail, **arguments)
        self._apple = Client(apple_app(self.world))
        self._mdm = Client(mdm_app(self.world))

    @property
    def adam_ids(self) -> list[str]:
        return list(self.world.catalogue)

    @property
    def serials(self) -> list[str]:
        return [device.serial_number for device in self.world.devices]

    def subscribe(self, *types: str) -> None:
        """Have notifications sent, without the call that Apple wants for it."""
        desired = types or ("ASSET_MANAGEMENT", "ASSET_COUNT")
        self.world.location.client = ClientConfig(None, NOTIFY_URL, "notify-secret", desired)

    def apple(
        self, path: str, body: object = None, *, method: str = "", **more: Any
    ) -> TestResponse:
        """Call Apple with the first location's token; a body makes it a POST.

        `path` is below /mdm/v2 unless it begins with a slash.
        """
        headers = {"Authorization": f"Bearer {self.world.location.token}"} | more.pop("headers", {})
        if body is not None:
            more["json"] = body
        method = method or ("GET" if body is None else "POST")
        path = path if path.startswith("/") else f"/mdm/v2/{path}"
        return self._apple.open(path, method=method, headers=headers, **more)

    def mdm(self, method: str, path: str, body: object = None, **more: Any) -> TestResponse:
        """Call the MDM server with the right credentials; bytes are sent as they are."""
        more.setdefault("auth", ("micromdm", "secret"))
        content = body if isinstance(body, bytes) or body is None else json.dumps(body)
        return self._mdm.open(path, method=method, data=content, **more)

    def associate(
        self, adam_ids: Iterable[str], serials: Iterable[str], verb: str = "associate"
    ) -> TestResponse:
        return self.apple(f"assets/{verb}", pairs(adam_ids, serials))

    def status(self, event_id: str) -> dict[str, Any]:
        answer = self.apple(f"status?eventId={event_id}").get_json()
        assert isinstance(answer, dict)
        return answer

    def queue(self, udid: str) -> list[str]:
        """The uuids that the queue view shows."""
        commands = (self.mdm("GET", f"/v1/commands/{udid}").get_json() or {}).get("commands", [])
        return [command["uuid"] for command in commands]

    def post(self, udid: str, payload: bytes) -> None:
        assert self.mdm("POST", f"/v1/commands/{udid}", payload).status_code == 201


def pairs(adam_ids: Iterable[str], serials: Iterable[str]) -> dict[str, object]:
    """The body of associate and disassociate."""
    return {
        "assets": [{"adamId": adam_id, "pricingParam": "STDQ"} for adam_id in adam_ids],
        "serialNumbers": list(serials),
    }


def command(uuid: str, request_type: str, **members: object) -> bytes:
    """A raw command, written by the standard library."""
    content = {"CommandUUID": uuid, "Command": {"RequestType": request_type} | members}
    return plistlib.dumps(content)


def install(uuid: str, adam_id: str, **members: object) -> bytes:
    """InstallApplication as the bridge should send it."""
    desired = {
        "iTunesStoreID": int(adam_id),
        "Options": {"PurchaseMethod": 1},
        "InstallAsManaged": True,
        "ManagementFlags": 1,
    }
    return command(uuid, "InstallApplication", **(desired | members))


def payload_of(webhook: Mapping[str, Any]) -> dict[str, Any]:
    """The plist inside a webhook."""
    event = webhook.get("acknowledge_event") or webhook["checkin_event"]
    content = plistlib.loads(base64.b64decode(event["raw_payload"]))
    assert isinstance(content, dict)
    return content
