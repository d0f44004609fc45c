"""The simulated Apple service: credentials, configuration, limits, rates, refusals."""

import base64
import json
from typing import Any

import pytest

from bridge.simulator.apple.config import ClientConfig
from tests.unit.simulator_kit import NOTIFY_URL, Outside, pairs

MDM_INFO = {"id": "5b0d", "name": "bridge", "metadata": "mdm.example.org"}
WISH = {"notificationUrl": NOTIFY_URL, "notificationAuthToken": "notify-secret"}


@pytest.fixture
def outside() -> Outside:
    return Outside(devices=4, apps=2)


def refusal(answer: Any) -> tuple[int, int]:
    """(HTTP status, errorNumber) of a reply, which must have a message too."""
    body = answer.get_json()
    assert body["errorMessage"]
    return answer.status_code, body["errorNumber"]


def test_service_config_needs_no_credentials(outside: Outside) -> None:
    answer = outside.apple("service/config", headers={"Authorization": ""})
    config = answer.get_json()
    assert answer.status_code == 200
    assert config["limits"]["maxSerialNumbers"] == 1000
    assert config["urls"]["associateAssets"].endswith("/mdm/v2/assets/associate")
    assert {"errorNumber", "errorMessage"} == set(config["errorCodes"][0])


def test_any_key_of_service_config_may_be_absent(outside: Outside) -> None:
    outside.world.apple.settings.hidden_keys = {"urls", "maxRequestPerSecond"}
    config = outside.apple("service/config").get_json()
    assert "urls" not in config
    assert "maxRequestPerSecond" not in config["limits"]
    assert config["limits"]["maxAssets"] == 25


def test_a_content_token_is_base64_of_json_with_a_foreign_time_zone(outside: Outside) -> None:
    content = json.loads(base64.b64decode(outside.world.location.token))
    assert set(content) == {"token", "expDate", "orgName"}
    assert content["expDate"].endswith("-0700")


@pytest.mark.parametrize(
    ("header", "status", "number"),
    [
        ("", 401, 9601),
        ("Basic abc", 401, 9722),
        ("Bearer", 401, 9722),
        ("Bearer two words", 401, 9722),
        ("Bearer nobody", 200, 9622),
    ],
)
def test_credentials(outside: Outside, header: str, status: int, number: int) -> None:
    answer = outside.apple("client/config", headers={"Authorization": header})
    assert refusal(answer) == (status, number)


def test_tokens_expire_are_revoked_and_may_be_read_only(outside: Outside) -> None:
    apple, location = outside.world.apple, outside.world.location
    first = location.tokens[0]
    apple.issue_token(location, read_only=True)
    assert outside.apple("client/config").status_code == 200
    assert refusal(outside.associate(outside.adam_ids[:1], ["A"])) == (403, 9637)
    apple.issue_token(location, expires_at=outside.world.now + 60)
    assert outside.apple("client/config").status_code == 200
    outside.world.advance(60)
    assert refusal(outside.apple("client/config")) == (401, 9621)
    first.revoked = True
    old = {"Authorization": f"Bearer {first.text}"}
    assert refusal(outside.apple("client/config", headers=old)) == (401, 9625)


def test_a_renewed_token_belongs_to_the_same_location(outside: Outside) -> None:
    before = outside.apple("client/config").get_json()
    outside.world.apple.issue_token(outside.world.location, outside.world.now + 1e6)
    after = outside.apple("client/config").get_json()
    assert after["uId"] == before["uId"]
    assert after["tokenExpirationDate"] != before["tokenExpirationDate"]
    assert after["tokenExpirationDate"].endswith("+0000")


def test_locations_are_apart() -> None:
    outside = Outside(devices=2, apps=1, locations=("hq", "lab"))
    hq, lab = outside.world.apple.locations
    outside.associate(outside.adam_ids, outside.serials)
    outside.world.advance(5)
    other = {"Authorization": f"Bearer {lab.token}"}
    assert hq.uid != lab.uid
    assert outside.apple("assignments", headers=other).get_json()["assignments"] == []
    assert len(outside.apple("assignments").get_json()["assignments"]) == 2


def test_methods_content_types_and_bodies(outside: Outside) -> None:
    assert refusal(outside.apple("assets", method="POST", json={})) == (405, 9726)
    assert refusal(outside.apple("assets/associate", method="GET")) == (405, 9726)
    odd = outside.apple("assets/associate", method="POST", data="{}", content_type="text/plain")
    assert refusal(odd) == (415, 9727)
    bad = outside.apple(
        "assets/associate", method="POST", data="{", content_type="application/json"
    )
    assert refusal(bad) == (400, 9602)
    assert outside.apple("nowhere").status_code == 404


def test_mdm_info_is_in_every_reply_once_it_is_set(outside: Outside) -> None:
    assert "mdmInfo" not in outside.apple("assets").get_json()
    answer = outside.apple("client/config", {"mdmInfo": MDM_INFO})
    assert answer.get_json()["mdmInfo"] == MDM_INFO
    assert outside.mail.letters == []
    for path in ("assets", "assignments", "client/config"):
        assert outside.apple(path).get_json()["mdmInfo"] == MDM_INFO


@pytest.mark.parametrize(
    ("wish", "number"),
    [
        ({"mdmInfo": {"id": "1", "name": "n"}}, 9723),
        ({"mdmInfo": {"id": "1", "name": "n", "metadata": ""}}, 9723),
        ({"mdmInfo": "bridge"}, 9723),
        ({"mdmInfo": MDM_INFO | {"id": "x" * 101}}, 9724),
        ({"mdmInfo": MDM_INFO | {"name": "x" * 101}}, 9725),
        ({"mdmInfo": MDM_INFO | {"metadata": "x" * 256}}, 9713),
        ({"notificationUrl": NOTIFY_URL}, 9710),
        ({"notificationAuthToken": "t"}, 9710),
        (WISH | {"notificationAuthToken": ""}, 9710),
        (WISH | {"notificationUrl": "https://b.example.org/" + "x" * 512}, 9711),
        (WISH | {"notificationAuthToken": "x" * 513}, 9711),
        (WISH | {"notificationUrl": "http://bridge.example.org/x"}, 9712),
        (WISH | {"notificationUrl": NOTIFY_URL + "?secret=1"}, 9712),
        (WISH | {"notificationUrl": "https://[/x"}, 9712),
        (WISH | {"notificationTypes": ["NO_SUCH_TYPE"]}, 9602),
    ],
)
def test_client_config_refuses_and_changes_nothing(
    outside: Outside, wish: dict[str, object], number: int
) -> None:
    before = outside.world.location.client
    assert refusal(outside.apple("client/config", wish)) == (400, number)
    assert outside.world.location.client == before
    assert outside.mail.letters == []


def test_setting_a_url_posts_a_test_notification_during_the_call(outside: Outside) -> None:
    seen: list[ClientConfig] = []
    deliver = outside.mail

    def post(*letter: Any) -> int | None:
        seen.append(outside.world.location.client)
        return deliver(*letter)

    outside.world.outgoing.post = post
    types = ["ASSET_MANAGEMENT", "ASSET_COUNT"]
    answer = outside.apple("client/config", WISH | {"notificationTypes": types})
    [(url, headers, _)] = outside.mail.letters
    [body] = outside.mail.bodies
    assert url == NOTIFY_URL
    assert headers["Authorization"] == "Bearer notify-secret"
    assert (body["notificationType"], body["notification"]) == ("TEST_NOTIFICATION", {})
    assert body["uId"] == outside.world.location.uid
    assert seen == [ClientConfig()]  # the configuration holds only once the test has succeeded
    echoed = answer.get_json()
    assert echoed["notificationUrl"] == NOTIFY_URL
    assert echoed["notificationAuthToken"] == "notify-secret"
    assert echoed["subscribedNotificationTypes"] == types
    assert "notificationTypes" not in echoed


@pytest.mark.parametrize("status", [None, 301, 401, 404, 500])
def test_a_failed_test_notification_rejects_the_whole_configuration(
    outside: Outside, status: int | None
) -> None:
    outside.mail.status = status
    answer = outside.apple("client/config", WISH | {"mdmInfo": MDM_INFO})
    assert refusal(answer) == (400, 9728)
    assert outside.world.location.client == ClientConfig()


@pytest.mark.parametrize("host", ["127.0.0.1:9008", "localhost:9008", "[::1]:9008"])
def test_plain_http_is_accepted_for_loopback(outside: Outside, host: str) -> None:
    url = f"http://{host}/hooks/apple/hq"
    assert outside.apple("client/config", WISH | {"notificationUrl": url}).status_code == 200


def test_what_is_not_given_stays_and_null_clears(outside: Outside) -> None:
    outside.apple("client/config", WISH | {"notificationTypes": ["ASSET_COUNT"]})
    kept = outside.apple("client/config", {"mdmInfo": MDM_INFO}).get_json()
    assert kept["notificationUrl"] == NOTIFY_URL
    assert len(outside.mail.letters) == 1  # no URL in the request, no test
    nothing = {"notificationUrl": None, "notificationAuthToken": None}
    assert "notificationUrl" not in outside.apple("client/config", nothing).get_json()


def test_more_than_fifteen_requests_a_second_are_too_many(outside: Outside) -> None:
    for _ in range(15):
        assert outside.apple("assets").status_code == 200
    answer = outside.apple("assets")
    assert refusal(answer) == (429, 9646)
    assert "Retry-After" not in answer.headers
    assert [violation.kind for violation in outside.world.ledger.violations()] == ["too_fast"]
    outside.world.advance(1)
    assert outside.apple("assets").status_code == 200
    outside.world.apple.settings.enforce_rate = False
    assert all(outside.apple("assets").status_code == 200 for _ in range(20))


A1 = {"adamId": "361309726", "pricingParam": "STDQ"}


@pytest.mark.parametrize(
    ("body", "number"),
    [
        ({}, 9718),
        ({"assets": [], "serialNumbers": ["A"]}, 9718),
        ({"assets": [A1]}, 9719),
        ({"assets": [A1], "serialNumbers": [], "clientUserIds": []}, 9719),
        (pairs([str(n) for n in range(26)], ["A"]), 9700),
        (pairs(["361309726"], [f"S{n}" for n in range(1001)]), 9702),
        ({"assets": [A1], "clientUserIds": [f"U{n}" for n in range(1001)]}, 9701),
        (pairs(["361309726", "361309726"], ["A"]), 9703),
        ({"assets": [A1], "clientUserIds": ["u", "u"]}, 9704),
        (pairs(["361309726"], ["A", "B", "A"]), 9705),
        ({"assets": [A1], "clientUserIds": ["nobody"]}, 9609),
        (pairs(["1"], ["A"]), 9602),
        ({"assets": [{"adamId": 361309726}], "serialNumbers": ["A"]}, 9602),
        (pairs(["361309726"], [""]), 9602),
        ({"assets": [A1], "serialNumbers": "A"}, 9602),
    ],
)
def test_a_refused_associate_does_nothing(
    outside: Outside, body: dict[str, object], number: int
) -> None:
    assert refusal(outside.apple("assets/associate", body)) == (400, number)
    outside.world.advance(60)
    assert not outside.world.location.library.assignments
    assert not outside.world.location.events


def test_assets_that_cannot_go_to_devices_or_come_back(outside: Outside) -> None:
    asset = outside.world.location.library.assets[outside.adam_ids[0], "STDQ"]
    asset.device_assignable = asset.revocable = False
    answer = outside.associate(outside.adam_ids, ["A"])
    assert refusal(answer) == (400, 9707)
    assert answer.get_json()["errorInfo"] == {"assets": [A1]}
    assert refusal(outside.associate(outside.adam_ids, ["A"], "disassociate")) == (400, 9706)


def test_an_unknown_event(outside: Outside) -> None:
    assert refusal(outside.apple("status?eventId=nothing")) == (400, 9708)
    assert refusal(outside.apple("status")) == (400, 9708)


def test_metadata_of_apps(outside: Outside) -> None:
    adam_id = outside.adam_ids[0]
    url = outside.apple("service/config").get_json()["urls"]["contentMetadataLookup"]
    path = url.removeprefix("http://localhost")
    found = outside.apple(f"{path}?id={adam_id},5&p=mdm-lockup").get_json()["results"]
    assert set(found) == {adam_id}
    assert (found[adam_id]["bundleId"], found[adam_id]["name"]) == outside.world.catalogue[adam_id]
