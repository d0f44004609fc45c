"""HTTP for the clients: one attempt, told apart by what it may have done, and short retries.

Three endings matter and nothing else: a reply (whatever its status; the client judges it), NotSent
(the request never left this machine) and OutcomeUnknown (it left, and no readable reply came back).

Retries here last seconds. They are for requests that never left, whatever the method, and for GETs.
A POST that may have left is sent once; what to do about it is decided by the caller, who keeps it.
A keep-alive connection that the server closed just before we wrote looks exactly like a reply that
was lost, so it counts as one.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from weakref import WeakSet

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from tenacity import RetryCallState, Retrying, stop_after_attempt, stop_after_delay
from urllib3 import PoolManager, ProxyManager, Timeout
from urllib3.exceptions import HTTPError

from bridge.clients.apple.verdict import error_number
from bridge.clients.endpoint import ca_bundle, host_of, user_agent
from bridge.clients.hitches import hitch, was_dropped
from bridge.clients.proxies import proxies_for, proxy_of
from bridge.clients.reply import Reply, retry_after_seconds
from bridge.clients.transport import POOL_CLASSES, attempt
from bridge.domain.vocabulary import Service
from bridge.errors import CallError, NotSent, OutcomeUnknown

log = logging.getLogger(__name__)

ATTEMPTS = 3
PATIENCE = 15.0
"""Seconds since the first attempt after which no further one is begun."""
LONGEST_PAUSE = 5.0
"""A Retry-After above this many seconds is the caller's to wait for."""
READ_FOR = 120.0
"""Seconds from a request's begin in which its reply must be complete, however it trickles."""
MAX_REPLY = 64 * 1024 * 1024
_CHUNK = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Attempt:
    """What is sent: `call` names it in errors and in the log, without its query."""

    call: str
    request: Mapping[str, Any] = field(repr=False)
    if_dropped: str


class HttpClient:
    """Talks to one base URL; thread-safe, with connections of its own in each thread.

    Make it in the process that uses it: connections must not be carried over a fork.

    Proxies (HTTP_PROXY, HTTPS_PROXY, NO_PROXY) and a CA bundle (REQUESTS_CA_BUNDLE, else
    SSL_CERT_FILE) are read from the environment once, here; a .netrc never is, cookies are dropped
    and redirects not followed. `timeout` is (connect, read) in seconds, `max_reply` is in bytes,
    `adapter` replaces the network (tests). `now` is the wall clock, `clock` a monotonic one, and
    `sleep` waits between attempts. Every attempt is logged with what it was `about` (keys of the
    log), unless that is None: Apple's at info, an MDM server's, of which a fleet makes hundreds
    of thousands, at debug.
    Raises ConfigError when the URL or that environment cannot be used.
    """

    def __init__(
        self,
        base_url: str,
        *,
        service: Service,
        timeout: tuple[float, float] = (5.0, 30.0),
        max_reply: int = MAX_REPLY,
        adapter: BaseAdapter | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
        about: Mapping[str, str] | None = None,
    ) -> None:
        self.service: Service = service
        self._about = about
        self.host = host_of(base_url, service)
        self._base_url = base_url.rstrip("/")
        self._timeout = timeout
        self._max_reply = max_reply
        self._adapter = adapter
        self._now = now
        self._clock = clock
        self._proxies = proxies_for(base_url)
        self.proxy = proxy_of(base_url, self._proxies)
        """The proxy between, as `host:port`; None without one."""
        self.last_date: tuple[str, float] | None = None
        """The `Date` of the newest reply as it came, and our time then."""
        self._verify = ca_bundle()
        self._local = threading.local()
        self._opened: WeakSet[BaseAdapter] = WeakSet()
        self._opened_lock = threading.Lock()
        self._retry_get = _retrying(_get_again, sleep)
        self._retry_other = _retrying(_never_left, sleep)

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        pace: Callable[[], None] | None = None,
        if_dropped: str = "",
        is_read: bool = True,
    ) -> Reply:
        """Send one request to `path` (below the base URL) and return the reply of any status.

        `pace` is called before every attempt; `if_dropped` is a sentence added to the error when
        the server closes the connection instead of answering. A GET that is no read (`is_read`)
        is sent once, as a POST is. Raises NotSent or OutcomeUnknown; their `call` is method and
        path without the query.
        """
        request = {
            "method": method,
            "url": self._base_url + path,
            "params": query,
            "data": content,
            "headers": {**_HEADERS, **(headers or {})},
        }
        once = partial(self._in_turn, pace, _Attempt(f"{method} {path}", request, if_dropped))
        may_repeat = method == "GET" and is_read
        reply: Reply = (self._retry_get if may_repeat else self._retry_other)(once)
        return reply

    def close(self) -> None:
        """Close the connections of all threads; a later request opens new ones."""
        with self._opened_lock:
            opened = list(self._opened)
        for adapter in opened:
            adapter.close()

    def _in_turn(self, pace: Callable[[], None] | None, tried: _Attempt) -> Reply:
        """One attempt when its turn has come; its line in the log does not count the wait."""
        if pace is not None:
            pace()
        if self._about is None:
            return self._once(tried)
        begun = self._clock()
        try:
            reply = self._once(tried)
        except CallError as error:
            self._tell(tried.call, begun, {"error": str(error)})
            raise
        ended = {"status": reply.status, "error_number": self._number(reply)}
        self._tell(tried.call, begun, ended)
        return reply

    def _tell(self, call: str, begun: float, ended: Mapping[str, object]) -> None:
        level = logging.INFO if self.service == "apple" else logging.DEBUG
        if not log.isEnabledFor(level):
            return
        method, _, path = call.partition(" ")
        duration = round((self._clock() - begun) * 1000)
        keys = {"method": method, "path": path, "duration_ms": duration, **ended}
        side = "Apple" if self.service == "apple" else "the MDM server"
        log.log(level, "a request to %s", side, extra={**(self._about or {}), **keys})

    def _number(self, reply: Reply) -> int | None:
        return error_number(reply.content) if self.service == "apple" else None

    def _once(self, tried: _Attempt) -> Reply:
        call = tried.call
        attempt.begin(READ_FOR, self._clock)
        try:
            raw = self._send(tried.request)
            try:
                if (date := raw.headers.get("Date")) is not None:
                    self.last_date = (date, self._now())
                return Reply(
                    call=call,
                    status=raw.status,
                    content=self._body(call, raw),
                    retry_after=retry_after_seconds(raw.headers.get("Retry-After"), self._now()),
                )
            finally:
                raw.close()
                raw.release_conn()
        except (requests.RequestException, HTTPError, OSError) as error:
            failure = self._failure(call, error, tried.if_dropped)
        # Outside of the except block: requests' errors hold the request with its credentials,
        # and must not travel along as a context.
        raise failure

    def _send(self, request: Mapping[str, Any]) -> Any:
        """urllib3's response, of which the head is read.

        Without a session, which would add .netrc, cookies and redirects, none of them wanted. What
        requests knows of proxies and certificates is asked once for each thread, for it takes as
        long as all the rest.
        """
        if self._adapter is not None:
            return self._adapter.send(
                _prepared(**request),
                stream=True,
                timeout=self._timeout,
                verify=self._verify,
                proxies=self._proxies,
            ).raw
        way: _Way | None = getattr(self._local, "way", None)
        if way is None:
            way = self._local.way = _Way(self._base_url, self._verify, self._proxies)
            with self._opened_lock:
                self._opened.add(way.adapter)
        return way.send(request, self._timeout)

    def _body(self, call: str, raw: Any) -> bytes:
        """The body, decompressed; requests' own reading knows no limit of its size."""
        chunks: list[bytes] = []
        size = 0
        while chunk := raw.read1(_CHUNK, decode_content=True):
            chunks.append(chunk)
            size += len(chunk)
            if size > self._max_reply:
                raise self._unknown(call, f"the reply is larger than {self._max_reply} bytes")
            attempt.remaining()
        return b"".join(chunks)

    def _failure(self, call: str, error: Exception, if_dropped: str) -> CallError:
        # A replaced adapter does not mark departures: there only a connect timeout is a sure no.
        may_have_left = attempt.left or self._adapter is not None
        found = hitch(error)
        way = "" if self.proxy is None else f" through the proxy {self.proxy}"
        if isinstance(error, requests.ConnectTimeout) or not may_have_left:
            return NotSent(
                f"{self.host} cannot be reached{way} ({found.text}); nothing was sent.",
                service=self.service,
                call=call,
                hitch=found.kind,
            )
        hint = if_dropped if was_dropped(error) else ""
        return self._unknown(call, found.text, hint, found.kind)

    def _unknown(self, call: str, why: str, hint: str = "", kind: str = "") -> OutcomeUnknown:
        message = f"{self.host} gave no readable answer to {call}: {why}. {hint}".rstrip()
        return OutcomeUnknown(message, service=self.service, call=call, hitch=kind)


class _Way:
    """A thread's own connections to one base URL; a shared pool opens and drops connections
    whenever threads overlap.
    """

    def __init__(self, base_url: str, verify: str | bool, proxies: Mapping[str, str]) -> None:
        self.adapter = _Adapter()
        self._base_url = base_url
        self._verify = verify
        self._proxies = dict(proxies)
        self._base = _prepared(method="GET", url=base_url)
        self._target = self.adapter.request_url(self._base, self._proxies).rstrip("/")

    def send(self, request: Mapping[str, Any], timeout: tuple[float, float]) -> Any:
        """Send a request whose `url` is below the base URL; redirects are not followed."""
        return self._pool().urlopen(
            method=request["method"],
            url=self._target_for(request["url"], request["params"]),
            body=request["data"],
            headers=request["headers"],
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
            retries=self.adapter.max_retries,
            timeout=Timeout(connect=timeout[0], read=timeout[1]),
        )

    def _target_for(self, url: str, query: Mapping[str, str] | None) -> str:
        """What the request line names: a path, or the whole URL for a proxy."""
        path = url.removeprefix(self._base_url)
        if not query and _NOTHING_TO_QUOTE.fullmatch(path):
            return self._target + path
        return self.adapter.request_url(
            _prepared(method="GET", url=url, params=query), self._proxies
        )

    def _pool(self) -> Any:
        """Closed connections are opened anew: the adapter makes another pool then."""
        if self.adapter.pool is None:
            pool: Any = self.adapter.get_connection_with_tls_context(
                self._base, self._verify, self._proxies
            )
            self.adapter.cert_verify(pool, self._base.url, self._verify, None)  # type: ignore[no-untyped-call]
            self.adapter.pool = pool
            return pool
        return self.adapter.pool


_NOTHING_TO_QUOTE = re.compile(r"(/[A-Za-z0-9_-]+)+")
"""Paths that requests would leave as they are."""


class _Adapter(HTTPAdapter):
    """The network, over connections that mark departures; urllib3 itself retries nothing."""

    def __init__(self) -> None:
        super().__init__(pool_connections=1, pool_maxsize=1, max_retries=0)
        self.pool: Any = None
        """That of the base URL, once it is known."""

    def close(self) -> None:
        # Itself, too: an error of urllib3's that was caught keeps its pool until garbage is looked
        # for, and the manager only lets go of it.
        if self.pool is not None:
            self.pool.close()
            self.pool = None
        super().close()

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        manager: PoolManager = self.poolmanager
        manager.pool_classes_by_scheme = POOL_CLASSES

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> ProxyManager:
        manager: ProxyManager = super().proxy_manager_for(proxy, **proxy_kwargs)
        manager.pool_classes_by_scheme = POOL_CLASSES
        return manager


def _prepared(**request: Any) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    prepared.prepare(**request)
    return prepared


def _retrying(
    again: Callable[[RetryCallState], bool], sleep: Callable[[float], object]
) -> Retrying:
    def rest(seconds: float) -> None:
        sleep(seconds)

    return Retrying(
        retry=again,
        wait=_pause,
        stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(PATIENCE),
        sleep=rest,
        retry_error_callback=_last_outcome,
    )


def _never_left(state: RetryCallState) -> bool:
    return state.outcome is not None and isinstance(state.outcome.exception(), NotSent)


def _get_again(state: RetryCallState) -> bool:
    if state.outcome is None:
        return False
    if state.outcome.failed:
        return isinstance(state.outcome.exception(), NotSent | OutcomeUnknown)
    reply: Reply = state.outcome.result()
    return reply.status >= 500 and (reply.retry_after or 0.0) <= LONGEST_PAUSE


def _pause(state: RetryCallState) -> float:
    backoff = 0.25 * 4.0 ** (state.attempt_number - 1)
    if state.outcome is None or state.outcome.failed:
        return backoff
    reply: Reply = state.outcome.result()
    return max(backoff, reply.retry_after or 0.0)


def _last_outcome(state: RetryCallState) -> Any:
    return state.outcome.result() if state.outcome is not None else None


_HEADERS = {
    "User-Agent": user_agent(),
    "Accept": "application/json",
    "Accept-Encoding": "gzip",
}
