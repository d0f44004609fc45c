"""The world of the benchmarks speaks as MicroMDM and Apple do, in the bridge's own reading."""

import asyncio
import json

from bridge.wire.apple_notification import parse_notification
from bridge.wire.mdm_webhook import parse_webhook
from tests.bench.plists import install
from tests.bench.world.apple import Apple
from tests.bench.world.http import Answer, Request
from tests.bench.world.mdm import Mdm, fleet


class Kept:
    """A poster that keeps what it should post."""

    posted = 0

    def __init__(self) -> None:
        self.bodies: list[bytes] = []

    def post(self, body: bytes, then=None) -> None:
        self.bodies.append(body)
        if then is not None:
            then()


def ask(outside, method: str, path: str, body: bytes = b"", query: str = "") -> Answer:
    async def once() -> Answer:
        answer = outside.handle(Request(method, path, query, {}, body))
        await asyncio.sleep(0)
        return answer

    return asyncio.run(once())


def test_a_command_is_answered_at_once_by_an_idle_and_its_answer() -> None:
    kept = Kept()
    [device] = fleet(1)
    mdm = Mdm([device], kept, apps=1)

    assert ask(mdm, "POST", f"/v1/commands/{device.udid}", install(3).encode()).status == 201

    idle, answered = (parse_webhook(body) for body in kept.bodies)
    assert (idle.status, answered.status) == ("Idle", "Acknowledged")
    assert answered.command_uuid and answered.udid == device.udid
    assert device.apps == {"com.example.app300000003": ("Managed", 1)}


def test_an_enrolment_is_an_authenticate_and_a_token_update() -> None:
    kept = Kept()
    mdm = Mdm(fleet(2), kept, apps=1)

    mdm.authenticate()
    mdm.token_update()

    topics = [parse_webhook(body).topic for body in kept.bodies]
    assert topics == ["mdm.Authenticate"] * 2 + ["mdm.TokenUpdate"] * 2


def test_licences_are_confirmed_by_a_notification_of_at_most_a_hundred() -> None:
    kept = Kept()
    apple = Apple("http://127.0.0.1:1", ["300000000"], lambda url, token: kept)
    wish = {"notificationUrl": "http://127.0.0.1:1/hooks/apple/hq", "notificationAuthToken": "t"}
    ask(apple, "POST", "/mdm/v2/client/config", json.dumps(wish).encode())
    serials = [f"S{number}" for number in range(150)]
    asked = {"assets": [{"adamId": "300000000"}], "serialNumbers": serials}

    reply = json.loads(
        ask(apple, "POST", "/mdm/v2/assets/associate", json.dumps(asked).encode()).body
    )

    _test, *told = (parse_notification(body) for body in kept.bodies)
    assert [len(each.payload.assignments) for each in told] == [100, 50]
    assert {each.payload.apple_event_id for each in told} == {reply["eventId"]}
    page = json.loads(ask(apple, "GET", "/mdm/v2/assignments").body)
    assert len(page["assignments"]) == 150
    [asset] = json.loads(ask(apple, "GET", "/mdm/v2/assets").body)["assets"]
    assert asset["assignedCount"] == 150
