"""What waited too long to be begun is answered 503, Apple's and people's before webhooks."""

from __future__ import annotations

import base64
import json
import logging
from typing import Any

import pytest

from bridge.web import create_app, create_outside_app
from bridge.web.connections.answering import WAITED
from bridge.web.patience import OTHERS_WAIT, RETRY_AFTER, WEBHOOKS_WAIT
from tests.web_stand_in import KEY, NOTIFICATION_TOKEN, WEBHOOK_KEYS, StandIn, error_of

BASIC = "Basic " + base64.b64encode(b"x:" + WEBHOOK_KEYS[0].encode()).decode()
WEBHOOK: tuple[str, str, dict[str, str]] = ("POST", "/hooks/mdm/main", {"Authorization": BASIC})
APPLE = ("POST", "/hooks/apple/hq", {"Authorization": f"Bearer {NOTIFICATION_TOKEN}"})
OTHERS = (APPLE, ("GET", "/v1/installs", KEY), ("GET", "/", KEY), ("GET", "/metrics", {}))
PROBES = (("GET", "/healthz", {}), ("GET", "/readyz", {}), ("GET", "/version", {}))
BODY = json.dumps({"topic": "mdm.Connect", "notificationType": "TEST_NOTIFICATION"})


def asked(bridge: StandIn, what: tuple[str, str, dict[str, str]], waited: float) -> Any:
    method, path, headers = what
    client = create_app(bridge).test_client()
    body = BODY if method == "POST" else None
    return client.open(
        path, method=method, data=body, headers=headers, environ_overrides={WAITED: waited}
    )


@pytest.mark.parametrize("what", OTHERS, ids=lambda what: what[1])
def test_apple_and_people_are_refused_first_and_told_when_to_come_again(
    what: tuple[str, str, dict[str, str]],
) -> None:
    bridge = StandIn()
    assert asked(bridge, what, OTHERS_WAIT).status_code != 503
    came = len(bridge.notifications)
    answer = asked(bridge, what, OTHERS_WAIT + 0.1)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
    assert error_of(answer) == "The bridge has more to do than it can at the moment."
    assert len(bridge.notifications) == came, "nothing was done for it"


def test_a_webhook_is_taken_in_for_longer_and_looked_up_when_it_is_refused() -> None:
    bridge = StandIn()
    assert asked(bridge, WEBHOOK, WEBHOOKS_WAIT).status_code == 200
    assert bridge.refused == []
    answer = asked(bridge, WEBHOOK, WEBHOOKS_WAIT + 0.1)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, str(RETRY_AFTER))
    assert bridge.refused == [("main", 503)], "what it may have told is looked up"
    assert len(bridge.webhooks) == 1


def test_a_webhook_without_a_key_is_a_strangers_all_the_same() -> None:
    bridge = StandIn()
    stranger = ("POST", "/hooks/mdm/main", dict[str, str]())
    assert asked(bridge, stranger, WEBHOOKS_WAIT + 1).status_code == 401
    assert bridge.refused == []


@pytest.mark.parametrize("what", PROBES, ids=lambda what: what[1])
def test_who_would_start_it_anew_is_answered(what: tuple[str, str, dict[str, str]]) -> None:
    assert asked(StandIn(), what, 1000.0).get_json() is not None
    assert "Retry-After" not in asked(StandIn(), what, 1000.0).headers


def test_apple_is_refused_at_the_listener_of_its_own_too() -> None:
    client = create_outside_app(StandIn()).test_client()
    _, path, headers = APPLE
    found = client.post(path, data=BODY, headers=headers, environ_overrides={WAITED: 9.0})
    assert found.status_code == 503


def test_the_log_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(StandIn())
    with caplog.at_level(logging.WARNING, "bridge.web.patience"):
        for _ in range(3):
            app.test_client().get("/metrics", environ_overrides={WAITED: 7.0})
    assert caplog.messages == [
        "a request waited 7 s for a thread and is answered 503: "
        "there is more to do than this machine can"
    ]
