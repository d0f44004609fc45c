"""Passing webhooks on: MicroMDM knows one webhook URL, so other listeners get its bytes from us.

As from MicroMDM itself: in order, one after the other, each at most once, and what a listener does
not take is lost to it. A slow or dead listener holds up neither the hooks nor the others, for each
has a queue and a thread of its own; the queue is in memory alone, since webhooks carry secrets that
never reach the database.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace

from bridge.clients.listener import ListenerClient, listener_host
from bridge.config import Config
from bridge.domain.views import HealthPart
from bridge.domain.wording import named
from bridge.engine.context import Context
from bridge.errors import CallError, ConfigError, Refused, StoreError
from bridge.store import meta
from bridge.store.database import Connection, Database

log = logging.getLogger(__name__)

MAX_EVENTS = 1000
MAX_BYTES = 64 * 1024 * 1024
"""What may wait for one listener; what comes on top of it is dropped."""

MAX_TOPICS = 32
"""Topics of which it is kept whether a listener takes them; MicroMDM has six."""

STORE_EVERY = 5.0
"""Seconds between two writes of how a listener does."""

GRACE = 0.5
"""Seconds that a webhook under way gets at the end; the web side has three for everything."""

RECENT = 3600.0
"""Seconds for which a full queue is worth telling."""

MakeClient = Callable[[str], ListenerClient]


@dataclass(frozen=True, slots=True)
class Webhook:
    """The bytes of one webhook as they came."""

    body: bytes = field(repr=False)
    content_type: str | None = None
    topic: str = ""
    signature: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a listener does, kept for `status` and the probes; `failures` are those in a row.

    A listener need not want every topic: nanocmd 0.7.1 answers those of bootstrap tokens with 500.
    So what it refuses of a topic that it never took, while it takes others, is no failure; `taken`
    are the topics that it took, `refuses` those that it does not take, each with its answer.
    """

    host: str
    tried_at: float | None = None
    failures: int = 0
    trouble: str = ""
    dropped_at: float | None = None
    taken: tuple[str, ...] = ()
    refuses: Mapping[str, str] = field(default_factory=dict)

    def took(self, topic: str, now: float) -> Standing:
        """It took one of this topic."""
        taken = self.taken if topic in self.taken else (*self.taken, topic)[-MAX_TOPICS:]
        refuses = {name: said for name, said in self.refuses.items() if name != topic}
        return replace(self, tried_at=now, failures=0, trouble="", taken=taken, refuses=refuses)

    def failed(self, topic: str, trouble: str, now: float, *, answered: bool) -> Standing:
        """It did not take one of this topic; `answered` if it said so itself."""
        if answered and self.taken and topic not in self.taken and not self.failures:
            refuses = dict([*self.refuses.items(), (topic, trouble)][-MAX_TOPICS:])
            return replace(self, tried_at=now, refuses=refuses)
        return replace(self, tried_at=now, failures=self.failures + 1, trouble=trouble)


class Forwarder:
    """Every listener of every MDM server; thread-safe. Threads are started when first needed."""

    def __init__(
        self,
        database: Database,
        config: Config,
        now: Callable[[], float],
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        self._stopping = threading.Event()
        timeout = (config.policy.call.connect_timeout, config.policy.call.read_timeout)

        def client(url: str) -> ListenerClient:
            return ListenerClient(url, timeout=timeout, sleep=sleep or self._stopping.wait)

        self._lines = {
            server.name: [
                _Line(database, _key(server.name, position), server.name, url, client, now)
                for position, url in enumerate(server.forward_to)
            ]
            for server in config.servers.values()
        }

    def has_listeners(self, server: str) -> bool:
        """Whether webhooks of this server are to be passed on."""
        return bool(self._lines.get(server))

    def offer(self, server: str, webhook: Webhook) -> None:
        """Have a stored webhook passed on to all listeners; returns at once and never raises."""
        for line in self._lines.get(server, ()):
            line.offer(webhook)

    def stop(self, within: float = GRACE) -> None:
        """End: what is under way gets `within` seconds, what waits is dropped, all is counted."""
        deadline = time.monotonic() + within
        self._stopping.set()
        lines = [line for several in self._lines.values() for line in several]
        for line in lines:
            line.begin_to_stop()
        for line in lines:
            line.stop(max(0.0, deadline - time.monotonic()))


class _Line:
    """One listener with its queue and its thread."""

    def __init__(
        self,
        database: Database,
        key: str,
        server: str,
        url: str,
        make_client: MakeClient,
        now: Callable[[], float],
    ) -> None:
        self._database = database
        self._key = key
        self._server = server
        self._url = url
        self._make_client = make_client
        self._now = now
        self._changed = threading.Condition()
        self._waiting: deque[Webhook] = deque()
        self._bytes = 0
        self._under_way = False
        self._stopping = False
        self._abandoned = False
        self._thread: threading.Thread | None = None
        self._standing = Standing(listener_host(url))
        self._counted: Counter[str] = Counter()
        self._stored_at = 0.0
        self._complained = False
        self._told: set[str] = set()

    def offer(self, webhook: Webhook) -> None:
        with self._changed:
            if self._stopping:
                self._counted["dropped"] += 1
            elif self._has_room(webhook) and self._has_thread():
                self._waiting.append(webhook)
                self._bytes += len(webhook.body)
                self._changed.notify()
            else:
                self._counted["dropped"] += 1
                self._standing = replace(self._standing, dropped_at=self._now())

    def begin_to_stop(self) -> None:
        with self._changed:
            self._stopping = True
            self._counted["dropped"] += len(self._waiting)
            self._waiting.clear()
            self._changed.notify()

    def stop(self, within: float) -> None:
        if self._thread is not None:
            self._thread.join(within)
        with self._changed:
            if self._under_way and not self._abandoned:
                self._abandoned = True
                self._counted["failed"] += 1
        self._store()

    def _has_room(self, webhook: Webhook) -> bool:
        return len(self._waiting) < MAX_EVENTS and self._bytes + len(webhook.body) <= MAX_BYTES

    def _has_thread(self) -> bool:
        if self._thread is None:
            thread = threading.Thread(target=self._work, name="forward", daemon=True)
            try:
                thread.start()
            except RuntimeError:  # the system gives no more threads; the hook must not feel it
                return False
            self._thread = thread
        return True

    def _work(self) -> None:
        client: ListenerClient | None = None
        self._recall_topics()
        while not self._stopping:
            webhook = self._next()
            if webhook is not None:
                try:
                    client = client or self._make_client(self._url)
                    client.post(webhook.body, webhook.content_type, webhook.signature)
                    self._note(webhook.topic, None)
                except Refused as error:
                    self._note(webhook.topic, str(error), answered=True)
                except (CallError, ConfigError) as error:
                    self._note(webhook.topic, str(error))
                except Exception as error:  # noqa: BLE001 - the next one must go on; no secret in a log
                    self._note(webhook.topic, f"{self._standing.host}: {type(error).__name__}")
            if self._time_to_store() == 0.0:
                self._store()
        if client is not None:
            client.close()

    def _next(self) -> Webhook | None:
        """The next webhook, waiting for it as long as nothing is to be stored."""
        with self._changed:
            if not self._waiting and not self._stopping:
                self._changed.wait(self._time_to_store())
            if not self._waiting or self._stopping:
                return None
            webhook = self._waiting.popleft()
            self._bytes -= len(webhook.body)
            self._under_way = True
            return webhook

    def _recall_topics(self) -> None:
        """What was known before a restart of the topics that the listener takes."""
        try:
            with self._database.read() as db:
                known = _recall(db, self._key, self._url)
        except StoreError:
            log.exception("it is not known what a listener takes", extra={"server": self._server})
            return
        with self._changed:
            self._standing = replace(self._standing, taken=known.taken, refuses=known.refuses)

    def _note(self, topic: str, trouble: str | None, *, answered: bool = False) -> None:
        """Count how an attempt ended, unless `stop` did not wait for that."""
        with self._changed:
            if self._abandoned:
                return
            self._under_way = False
            self._counted["sent" if trouble is None else "failed"] += 1
            before, now = self._standing, self._now()
            if trouble is None:
                self._standing = before.took(topic, now)
            else:
                self._standing = before.failed(topic, trouble, now, answered=answered)

    def _time_to_store(self) -> float | None:
        """Seconds until the counts are to be stored; None when there are none."""
        if not self._counted:
            return None
        return max(0.0, self._stored_at + STORE_EVERY - time.monotonic())

    def _store(self) -> None:
        with self._changed:
            counted, self._counted = +self._counted, Counter()  # without the noughts
            standing, self._stored_at = self._standing, time.monotonic()
        if not counted:
            return
        self._tell(standing, counted)
        try:
            with self._database.write() as db:
                now = self._now()
                for name, number in counted.items():
                    meta.count(db, f"forward.{self._server}.{name}", now, number)
                meta.keep(db, self._key, json.dumps(asdict(standing)))
        except StoreError:
            log.exception("forwarded webhooks could not be counted", extra={"server": self._server})

    def _tell(self, standing: Standing, counted: Counter[str]) -> None:
        """Log when trouble begins and when it is over."""
        trouble = standing.trouble
        if not trouble and counted["dropped"] and not self._stopping:
            trouble = f"too many wait for {standing.host}"
        if trouble and not self._complained:
            log.warning("webhooks are not passed on: %s", trouble, extra={"server": self._server})
        elif self._complained and not trouble:
            log.info("%s takes webhooks again", standing.host, extra={"server": self._server})
        self._complained = bool(trouble)
        for topic in standing.refuses.keys() - self._told:
            log.info(
                "%s does not take webhooks of %s; the others are passed on",
                standing.host,
                topic or "no topic",
                extra={"server": self._server},
            )
        self._told |= standing.refuses.keys()


def parts(context: Context, config: Config) -> Sequence[HealthPart]:
    """How each listener does; none of them keeps the bridge from its own work."""
    return [
        _part(server.name, _recall(context.db, _key(server.name, position), url), context.now)
        for server in config.servers.values()
        for position, url in enumerate(server.forward_to)
    ]


def _part(server: str, standing: Standing, now: float) -> HealthPart:
    tried_at, dropped_at = standing.tried_at, standing.dropped_at
    detail = ""
    if standing.failures:
        last = "webhook" if standing.failures == 1 else f"{standing.failures} webhooks"
        detail = f"it did not take the last {last}: {standing.trouble}"
    elif dropped_at is not None and now - dropped_at < RECENT:
        detail = "it is too slow: too many webhooks waited for it, and some were dropped"
    well = not detail
    if well and standing.refuses:
        topics = named(sorted(topic or "no topic" for topic in standing.refuses))
        detail = f"it takes webhooks, but none of {topics}"
    age = None if tried_at is None else max(now - tried_at, 0.0)
    return HealthPart(f"forward {server} {standing.host}", well, "degraded", detail, age)


def _recall(db: Connection, key: str, url: str) -> Standing:
    """What was stored of a listener; what was stored of another host in its place is not of it."""
    unknown = Standing(listener_host(url))
    text = meta.recall(db, key)
    if text is None:
        return unknown
    values = json.loads(text)
    stored = Standing(**(values | {"taken": tuple(values["taken"])}))
    return stored if stored.host == unknown.host else unknown


def _key(server: str, position: int) -> str:
    return f"forward:{server}:{position}"
