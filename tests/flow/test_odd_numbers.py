"""Every number and every time that comes from outside is an extreme, for a day: nothing breaks.

Of what was read no time lies ahead or before all time, every command and list goes on, and all is
installed once the numbers are the usual ones again.
"""

from __future__ import annotations

import json
from dataclasses import replace
from io import BytesIO
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from urllib3 import HTTPHeaderDict, HTTPResponse

from bridge.store import clock_steps
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, DAY, Scene
from tests.odd_numbers import odd_json, odd_plist
from tests.wsgi_adapter import WsgiAdapter

HOUR = 3600.0
YEAR = 365 * DAY
WAITS = (
    *("0", "-1", "1.5", "1e999", "nan", "9" * 400, "99999999999999999999"),
    *("Fri, 31 Dec 9999 23:59:59 GMT", "Mon, 01 Jan 0001 00:00:00 GMT", "+00:00"),
)
SOURCES = ("apple", "mdm", "devices", "webhooks", "notifications")


class Odd:
    """Chooses which messages of which sources are changed, and how; `off` ends it."""

    def __init__(self, seed: int, sources: frozenset[str]) -> None:
        self.random = Random(seed)
        self.sources = sources
        self.on = True
        self.changed = 0

    def strikes(self, source: str) -> bool:
        struck = self.on and source in self.sources and self.random.random() < 0.7
        self.changed += struck
        return struck

    def choose(self, of: tuple[str, ...]) -> str:
        return self.random.choice(of)


class OddAdapter(WsgiAdapter):
    """Answers with extremes, and sometimes asks for a pause of an extreme length."""

    def __init__(self, inner: WsgiAdapter, odd: Odd, source: str) -> None:
        super().__init__(inner._app, dropped=inner._dropped)
        self._odd, self._source = odd, source

    def _run(self, request: Any) -> Any:
        reply = super()._run(request)
        if not self._odd.strikes(self._source):
            return reply
        try:
            document = json.loads(reply.read())
        except ValueError:
            document = {}
        body = odd_json(document, self._odd.choose)
        status, headers = reply.status, HTTPHeaderDict({"Content-Type": "application/json"})
        if self._odd.random.random() < 0.2:
            status = self._odd.random.choice((429, 500, 503))
            headers["Retry-After"] = self._odd.choose(WAITS)
        return HTTPResponse(
            body=BytesIO(body), headers=headers, status=status, preload_content=False
        )


def make_odd(scene: Scene, odd: Odd) -> None:
    """From now on everything that comes into the bridge goes through `odd`."""
    scene.apple_adapter = OddAdapter(scene.apple_adapter, odd, "apple")
    scene.mdm_adapter = OddAdapter(scene.mdm_adapter, odd, "mdm")
    scene.transports = replace(scene.transports, apple=scene.apple_adapter, mdm=scene.mdm_adapter)
    scene.restart()

    def mangle(_of: str, answer: bytes) -> bytes:
        return odd_plist(answer, odd.choose) if odd.strikes("devices") else answer

    for device in scene.world.devices:
        device.mangle = mangle
    post = scene.client.post

    def posting(path: str, **options: Any) -> Any:
        source = "webhooks" if "/hooks/mdm/" in path else "notifications"
        if path.startswith("/hooks/") and odd.strikes(source):
            options["data"] = odd_json(json.loads(options["data"]), odd.choose)
        return post(path, **options)

    scene.client.post = posting  # type: ignore[method-assign]


def times(scene: Scene) -> None:
    """Whatever is stored lies within its bounds."""
    with scene.bridge.database.read() as db:
        for columns in (clock_steps.HAPPENED, clock_steps.DUE):
            for table, names in columns.items():
                for name in names:
                    low, high = db.execute(
                        f"SELECT min({name}), max({name}) FROM {table}"
                    ).fetchone()
                    if low is None:
                        continue
                    where = f"{table}.{name}"
                    assert isinstance(low, int | float) and isinstance(high, int | float), where
                    assert low >= 0, (where, low)
                    latest = scene.now() + (YEAR if columns is clock_steps.DUE else 300.0)
                    assert high <= latest, (where, high - scene.now())


def looks(scene: Scene) -> None:
    """Every command and every list of the API has an answer."""
    shell = Shell(scene)
    serial, app = scene.serials[0], scene.adam_ids[0]
    for arguments in (
        *(("status",), ("why", serial, app), ("devices",), ("assets",), ("events",), ("outbox",)),
        *(("plan", "--offline"), ("status", "--serial", serial), ("doctor",)),
    ):
        for form in ((), ("--json",)):
            result = shell.run(*arguments, *form)
            # Whom an odd time has not let enrol yet, `all` does not mean.
            unmeant = result.exit_code == 2 and f"app {app} is not wanted on" in result.stderr
            assert result.exit_code in (0, 1) or unmeant, (arguments, result.output)
            assert "Traceback" not in result.output, (arguments, result.output)
            if form and not unmeant:
                json.loads(result.stdout, parse_constant=pytest.fail)
    names = [rule.rule for rule in scene.client.application.url_map.iter_rules()]
    for path in (*names, "/readyz", "/healthz"):
        if not path.startswith(("/v1", "/readyz", "/healthz")) or "<" in path:
            continue
        answer = scene.client.get(path, auth=("bridge", API_KEY))
        assert answer.status_code in (200, 405) or path[1:] in ("readyz", "healthz"), path
        if answer.status_code == 200 and answer.is_json:
            json.loads(answer.data, parse_constant=pytest.fail)
    for path in (f"/v1/installs/{serial}/{app}", f"/v1/devices/{serial}"):
        answer = scene.client.get(path, auth=("bridge", API_KEY))
        assert answer.status_code in (200, 404), (path, answer.data)


@pytest.mark.slow
@settings(
    max_examples=4,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@example(seed=1, sources=frozenset({"webhooks"}))
@example(seed=2, sources=frozenset(SOURCES))
@example(seed=4_226_248_180, sources=frozenset(SOURCES))
@given(seed=st.integers(0, 2**32), sources=st.frozensets(st.sampled_from(SOURCES), min_size=1))
def test_no_number_breaks_anything(
    make_scene: Any, caplog: pytest.LogCaptureFixture, seed: int, sources: frozenset[str]
) -> None:
    caplog.clear()
    odd = Odd(seed, sources)
    scene = make_scene(devices=2, apps=2)
    make_odd(scene, odd)
    scene.apply()
    first, second = scene.world.devices
    for step in (lambda: first.reenrol(erased=False), second.check_out, second.enrol, first.wake):
        step()
        scene.pass_time(4 * HOUR)
        times(scene)
    looks(scene)
    assert odd.changed
    odd.on = False
    looks(scene)
    told = [each for each in caplog.records if each.exc_info]
    assert not told, told[0].getMessage() + str(told[0].exc_info)
    assert not [name for name in scene.counters() if name.endswith("set_aside")], scene.counters()
    scene.run(scene.all_installed, 3 * DAY)
    times(scene)
