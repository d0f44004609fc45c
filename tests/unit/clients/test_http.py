"""Retries, limits and settings of the HTTP client, against WSGI apps in the same process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import pytest

from bridge.clients import http
from bridge.clients.http import HttpClient
from bridge.clients.reply import retry_after_seconds
from bridge.errors import CallError, ConfigError, NotSent, OutcomeUnknown
from tests.loopback import bare_environment, client, failure, send
from tests.wsgi_adapter import WsgiAdapter


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    bare_environment(monkeypatch)


def app_of(*replies: tuple[str, dict[str, str], bytes]) -> Callable[..., list[bytes]]:
    """A WSGI app that gives these replies in turn and then the last one for ever."""
    waiting = list(replies)

    def app(environ: object, start: Callable[..., object]) -> list[bytes]:
        status, headers, body = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        start(status, list(headers.items()))
        return [body]

    return app


def through(app: Callable[..., list[bytes]], **options: object) -> tuple[HttpClient, WsgiAdapter]:
    adapter = WsgiAdapter(app)
    return client("http://mdm.example.org/base/", adapter=adapter, **options), adapter


def test_a_reply_above_the_limit_is_unknown() -> None:
    http, adapter = through(app_of(("200 OK", {}, b"x" * 1001)), max_reply=1000)
    error = failure(http)
    assert type(error) is OutcomeUnknown
    assert "larger than 1000 bytes" in str(error)
    assert adapter.calls == ["POST /base/v1/x"]
    http, _ = through(app_of(("200 OK", {}, b"x" * 1000)), max_reply=1000)
    assert len(send(http).content) == 1000


def test_a_reply_that_trickles_for_ever_is_unknown() -> None:
    ticks = iter([0.0, 121.0])
    http, _ = through(app_of(("200 OK", {}, b"{}")), clock=lambda: next(ticks))
    error = failure(http)
    assert type(error) is OutcomeUnknown
    assert "took longer" in str(error)


RawReply = tuple[str, dict[str, str], bytes]

BUSY: RawReply = ("503 Busy", {}, b"")
GOOD: RawReply = ("200 OK", {}, b"good")


@pytest.mark.parametrize(
    ("method", "replies", "status", "pauses"),
    [
        ("GET", [BUSY, GOOD], 200, [0.25]),
        ("GET", [BUSY, BUSY, GOOD], 200, [0.25, 1.0]),
        ("GET", [BUSY], 503, [0.25, 1.0]),
        ("GET", [("503 Busy", {"Retry-After": "3"}, b""), GOOD], 200, [3.0]),
        ("GET", [("503 Busy", {"Retry-After": "0"}, b""), GOOD], 200, [0.25]),
        ("GET", [("503 Busy", {"Retry-After": "6"}, b""), GOOD], 503, []),
        ("GET", [("429 Many", {"Retry-After": "1"}, b""), GOOD], 429, []),
        ("GET", [("404 No", {}, b""), GOOD], 404, []),
        ("POST", [BUSY, GOOD], 503, []),
    ],
)
def test_retries_on_replies(
    method: str,
    replies: list[RawReply],
    status: int,
    pauses: list[float],
) -> None:
    slept: list[float] = []
    http, adapter = through(app_of(*replies), sleep=slept.append)
    assert http.request(method, "/").status == status
    assert slept == pauses
    assert len(adapter.calls) == 1 + len(pauses)


@pytest.mark.parametrize(
    ("fault", "method", "error", "reached"),
    [
        ("refused", "POST", NotSent, 0),
        ("refused", "GET", NotSent, 0),
        ("dropped", "POST", OutcomeUnknown, 1),
        ("dropped", "GET", OutcomeUnknown, 3),
        ("timed out", "POST", OutcomeUnknown, 1),
    ],
)
def test_the_adapter_of_the_tests_fails_as_the_network_does(
    fault: str, method: str, error: type[CallError], reached: int
) -> None:
    http, adapter = through(app_of(GOOD))
    adapter.fail(fault, times=3)  # type: ignore[arg-type]
    assert type(failure(http, method)) is error
    assert len(adapter.calls) == reached


def test_an_app_may_drop_its_own_reply() -> None:
    def app(environ: object, start: object) -> list[bytes]:
        raise KeyError

    adapter = WsgiAdapter(app, dropped=(KeyError,))
    assert type(failure(client("http://a", adapter=adapter))) is OutcomeUnknown
    adapter = WsgiAdapter(app, timed_out=(KeyError,))
    assert "timed out" in str(failure(client("http://a", adapter=adapter)))
    with pytest.raises(KeyError):
        send(client("http://a", adapter=WsgiAdapter(app)))


def test_every_attempt_is_paced() -> None:
    paces: list[int] = []
    http, _ = through(app_of(BUSY))
    http.request("GET", "/", pace=lambda: paces.append(1))
    assert len(paces) == 3


def test_a_hint_is_given_only_when_the_connection_was_dropped() -> None:
    for fault, hinted in (("dropped", True), ("timed out", False)):
        http, adapter = through(app_of(GOOD))
        adapter.fail(fault)  # type: ignore[arg-type]
        with pytest.raises(OutcomeUnknown) as caught:
            http.request("POST", "/", if_dropped="Upload one.")
        assert str(caught.value).endswith("Upload one.") is hinted


@pytest.mark.parametrize(
    "url",
    [
        "ftp://host",
        "mdm.example.org",
        "https://",
        "https://u:p@host",
        "https://h/?a=1",
        "http://h:x",
    ],
)
def test_a_url_that_cannot_be_used_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        client(url)
    assert "u:p" not in str(caught.value)


def test_an_environment_that_cannot_be_used_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")
    with pytest.raises(ConfigError, match="SOCKS"):
        client("https://mdm.example.org")
    monkeypatch.delenv("ALL_PROXY")
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere/ca.pem")
    with pytest.raises(ConfigError, match="SSL_CERT_FILE"):
        client("https://mdm.example.org")


@pytest.fixture
def _far_from_utc() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", "JST-9")
        time.tzset()
        yield
    time.tzset()


NOW = 1_000_000_000.0  # 2001-09-09 01:46:40 UTC


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("-5", None),
        ("soon", None),
        ("1e9", None),
        ("1e999", None),
        ("nan", None),
        ("1.5", 1.5),
        ("0.0", 0.0),
        ("9" * 400 + ".9", 86400.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86400.0),
        ("Mon, 01 Jan 0001 00:00:00 GMT", 0.0),
        ("9" * 400, 86400.0),
        ("Sun, 09 Sep 2001 01:47:40 GMT", 60.0),
        ("Sun, 09 Sep 2001 01:47:40 -0000", 60.0),
        ("Sun, 09 Sep 2001 01:45:00 GMT", 0.0),
        ("Sun, 09 Sep 2091 01:45:00 GMT", 86400.0),
        ("Sun, 09 Sep 99999999999999999999 01:45:00 GMT", None),
    ],
)
@pytest.mark.usefixtures("_far_from_utc")
def test_retry_after(value: str | None, seconds: float | None) -> None:
    assert retry_after_seconds(value, NOW) == seconds


def test_retry_after_as_a_date_is_counted_from_the_given_clock() -> None:
    headers = {"Retry-After": "Sun, 09 Sep 2001 01:47:40 GMT"}
    http, _ = through(app_of(("429 Many", headers, b"")), now=lambda: NOW)
    assert http.request("POST", "/").retry_after == 60.0


@pytest.mark.parametrize(
    "base",
    [
        "http://127.0.0.1:8080",
        "https://mdm.example.org",
        "https://mdm.example.org/a b/ü",
        "https://mdm.example.org/prefix%20/x",
        "http://mdm.example.org/mdm/v2",
    ],
)
@pytest.mark.parametrize("proxies", [{}, {"http": "http://proxy.example.org:3128"}])
@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/v1/commands/5A1F-0B", None),
        ("/v1/commands/A%20B", None),
        ("/v1/commands/A%2DB", None),
        ("/v1//x", None),
        ("/v1/ü", None),
        ("/v1/.~x", None),
        ("/assets", {"pageIndex": "0", "a b": "c&d"}),
    ],
)
def test_what_is_asked_for_is_named_as_requests_names_it(
    base: str, proxies: dict[str, str], path: str, query: dict[str, str] | None
) -> None:
    way = http._Way(base, True, proxies)
    prepared = http._prepared(method="GET", url=base + path, params=query)
    assert way._target_for(base + path, query) == way.adapter.request_url(prepared, proxies)


def test_closed_connections_are_opened_anew() -> None:
    way = http._Way("http://127.0.0.1:9", True, {})
    before = way._pool()
    assert way._pool() is before
    way.adapter.close()
    assert way._pool() is not before
