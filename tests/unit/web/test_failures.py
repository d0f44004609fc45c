"""Whoever guesses is answered slowly, and a right key at once; behind proxies, too."""

from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from bridge.web import create_app, create_outside_app, failures
from bridge.web.connections.answering import HELD_BACK
from bridge.web.failures import APART, AT_ONCE, FORGOTTEN_AFTER, LONGEST, Failures
from tests.web_stand_in import KEY, NOTIFICATION_TOKEN, WEBHOOK_KEYS, StandIn, basic

MDM, APPLE = "/hooks/mdm/main", "/hooks/apple/hq"
OBJECT = b'{"topic": "mdm.Connect"}'


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def hold(failed: Failures, times: int, address: str = "192.0.2.1") -> list[float]:
    return [failed.hold(address, f"guess {n}", once=False) for n in range(times)]


def test_a_few_are_answered_at_once_and_the_others_one_after_the_other() -> None:
    failed = Failures(Clock())
    assert hold(failed, AT_ONCE + 3) == [0.0] * AT_ONCE + [APART, 2 * APART, 3 * APART]
    assert hold(failed, AT_ONCE, "192.0.2.2") == [0.0] * AT_ONCE, "it is nobody else's matter"
    assert max(hold(failed, 100)) == LONGEST, "a connection is not held for ever"


def test_it_is_forgotten_after_a_minute_of_peace() -> None:
    clock = Clock()
    failed = Failures(clock)
    hold(failed, AT_ONCE + 1)
    clock.now += FORGOTTEN_AFTER - 1
    assert hold(failed, 1) == [APART]
    clock.now += FORGOTTEN_AFTER + APART + 1
    assert hold(failed, AT_ONCE) == [0.0] * AT_ONCE


def test_what_is_said_again_counts_once_where_that_is_no_guess() -> None:
    failed = Failures(Clock())
    assert {failed.hold("192.0.2.1", "the same", once=True) for _ in range(500)} == {0.0}
    assert failed.hold("192.0.2.1", "the same", once=False) == 0.0
    hold(failed, AT_ONCE)
    assert failed.hold("192.0.2.1", "another", once=True) > 0


def test_so_many_addresses_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(failures, "MOST", 5)
    failed = Failures(Clock())
    for number in range(100):
        failed.hold(f"192.0.2.{number}", "x", once=False)
    assert len(failed._by_address) == 5


class Held:
    """A client of `app` that notes for how long each answer is held back."""

    def __init__(self, app: Flask) -> None:
        self.seconds: list[float] = []
        inner = app.wsgi_app

        def noted(environ: Any, start_response: Any) -> Any:
            answer = inner(environ, start_response)
            self.seconds.append(environ.get(HELD_BACK, 0.0))
            return answer

        app.wsgi_app = noted  # type: ignore[method-assign]
        self.client: FlaskClient = app.test_client()

    def ask(self, path: str, headers: dict[str, str], **more: Any) -> tuple[int, bool]:
        """The status, and whether it is held back."""
        method = "POST" if path.startswith("/hooks") else "GET"
        answer = self.client.open(path, method=method, data=OBJECT, headers=headers, **more)
        return answer.status_code, self.seconds[-1] > 0


@pytest.fixture
def held() -> Held:
    return Held(create_app(StandIn()))


@pytest.mark.parametrize("path", ["/v1/devices", "/", APPLE, MDM])
def test_guesses_are_slowed_and_a_right_key_from_there_never_is(held: Held, path: str) -> None:
    def wrong(number: int) -> dict[str, str]:
        if path == APPLE:
            return {"Authorization": f"Bearer wrong-{number}"}
        return basic(f"wrong-{number}", "mdm" if path == MDM else "bridge")

    right = {
        APPLE: {"Authorization": f"Bearer {NOTIFICATION_TOKEN}"},
        MDM: basic(WEBHOOK_KEYS[0], "mdm"),
    }.get(path, KEY)
    answered = [held.ask(path, wrong(number)) for number in range(AT_ONCE + 5)]
    assert answered == [(401, False)] * AT_ONCE + [(401, True)] * 5
    assert held.ask(path, right)[1] is False
    assert held.ask(path, wrong(99)) == (401, True), "what was right does not help who guesses"


def test_an_mdm_server_with_a_wrong_key_does_not_wait(held: Held) -> None:
    """It says the same with every webhook, and its whole fleet would wait with it."""
    assert {held.ask(MDM, basic("old-key", "mdm")) for _ in range(50)} == {(401, False)}


def test_the_listener_for_apple_slows_guesses_too() -> None:
    held = Held(create_outside_app(StandIn()))
    guesses = [held.ask(APPLE, {"Authorization": f"Bearer {n}"}) for n in range(AT_ONCE + 1)]
    assert guesses[-1] == (401, True)


def behind(number: int) -> Held:
    bridge = StandIn()
    bridge.config = replace(bridge.config, trusted_proxies=number)
    return Held(create_app(bridge))


def guess(held: Held, forwarded_for: str) -> bool:
    """Whether the last of many guesses that are said to come from there is held back."""
    for number in range(AT_ONCE + 1):
        headers = {**basic(f"{number}"), "X-Forwarded-For": forwarded_for.format(number)}
        held.ask("/v1/devices", headers)
    return held.seconds[-1] > 0


def test_nobody_is_believed_who_is_not_said_to_stand_in_front() -> None:
    assert guess(behind(0), "203.0.113.{}"), "each guess named another address"


def test_as_many_proxies_are_believed_as_are_configured() -> None:
    assert not guess(behind(1), "203.0.113.{}"), "the proxy tells them apart"
    assert guess(behind(1), "203.0.113.{}, 198.51.100.7"), "what was there before it counts nothing"
    assert not guess(behind(2), "203.0.113.{}, 198.51.100.7")
    assert guess(behind(1), "2001:db8::{}"), "one network"
    assert guess(behind(1), "not::an::address")


KINDS = [
    ("/healthz", "GET", {}),
    ("/metrics", "GET", {}),
    ("/version", "GET", {}),
    ("/v1/devices", "GET", {}),
    ("/v1/devices", "GET", KEY),
    ("/v1/openapi.json", "GET", KEY),
    ("/nowhere", "GET", {}),
    ("/", "GET", {}),
    ("/static/style.css", "GET", KEY),
    (MDM, "POST", {}),
    (MDM, "GET", {}),
    (APPLE, "POST", {}),
]


@pytest.mark.parametrize(("path", "method", "headers"), KINDS)
def test_every_answer_says_what_a_browser_may_do_with_it(
    path: str, method: str, headers: dict[str, str]
) -> None:
    answer = create_app(StandIn()).test_client().open(path, method=method, headers=headers)
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "*" not in policy


@pytest.mark.parametrize(
    "sent",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_site_changes_nothing_by_whatever_route(sent: dict[str, str]) -> None:
    """Every route that takes more than a look, as the application has it: none can be forgotten."""
    app = create_app(StandIn())
    client, tried = app.test_client(), 0
    for rule in app.url_map.iter_rules():
        for method in (rule.methods or set()) - {"GET", "HEAD", "OPTIONS"}:
            if rule.rule.startswith("/hooks/"):
                continue  # programs post there, with keys that no browser has
            path = rule.rule
            for name in rule.arguments:
                path = path.replace(f"<{name}>", "1")
            answer = client.open(path, method=method, headers={**KEY, **sent})
            assert answer.status_code == 403, (method, path)
            assert b"sent by another site" in answer.data
            tried += 1
    assert tried > 20
