"""Webhooks go past Flask, unless something is wrong with them: then Flask words it, once."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import create_environ

from bridge.errors import StoreError
from bridge.web import create_app
from bridge.web.connections.received import RequestAwaited
from bridge.web.credentials import KNOWN
from tests.web_stand_in import WEBHOOK_KEYS, StandIn

PATH = "/hooks/mdm/main"
OBJECT = b'{"topic": "mdm.Connect"}'
RIGHT = {"Authorization": "Basic " + base64.b64encode(b"x:" + WEBHOOK_KEYS[0].encode()).decode()}


class Asked:
    """An app, what Flask was asked of it, and how often the engine was rung for."""

    def __init__(self, bridge: StandIn) -> None:
        self.bridge = bridge
        self.flask: list[str] = []
        self.rung = 0
        self.app: Flask = create_app(bridge, self._ring)
        inner = self.app.wsgi_app._app  # type: ignore[attr-defined]

        def noted(environ: Any, start_response: Any) -> Any:
            self.flask.append(environ["PATH_INFO"])
            return inner(environ, start_response)

        self.app.wsgi_app._app = noted  # type: ignore[attr-defined]
        self.client = self.app.test_client()

    def _ring(self) -> None:
        self.rung += 1


@pytest.fixture
def asked() -> Asked:
    return Asked(StandIn())


def test_one_that_is_right_is_none_of_flasks_work(asked: Asked) -> None:
    answer = asked.client.post(PATH, data=OBJECT, headers=RIGHT)
    assert (answer.status_code, answer.data, answer.headers["Content-Length"]) == (200, b"", "0")
    assert asked.flask == [] and asked.rung == 1
    assert len(asked.bridge.webhooks) == 1


@pytest.mark.parametrize(
    "path", [PATH + "/", "/hooks/mdm/other", "/hooks/mdm/", "/hooks/apple/hq", "/v1/status"]
)
def test_another_path_is_flasks_work(asked: Asked, path: str) -> None:
    asked.client.post(path, data=OBJECT, headers=RIGHT)
    assert asked.flask == [path]


def test_another_method_is_flasks_work(asked: Asked) -> None:
    assert asked.client.get(PATH, headers=RIGHT).status_code == 405
    assert asked.flask == [PATH] and asked.rung == 0


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [({}, OBJECT, 401), (RIGHT, b"x" * 3_000_000, 413)],
    ids=["no key", "too large"],
)
def test_what_is_wrong_is_worded_by_flask(
    asked: Asked, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = asked.client.post(PATH, data=body, headers=headers)
    assert answer.status_code == status and answer.get_json()["error"]
    assert asked.flask == [PATH] and asked.rung == 0
    assert asked.bridge.webhooks == []


def test_one_that_cannot_be_stored_is_tried_once(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[bytes] = []

    def full(server: str, body: bytes, *headers: str | None) -> None:
        tries.append(body)
        raise StoreError("the disk is full")

    monkeypatch.setattr(asked.bridge, "receive_webhook", full)
    answer = asked.client.post(PATH, data=OBJECT, headers=RIGHT)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert tries == [OBJECT]


def test_one_that_is_not_whole_is_begun_anew_and_told_to_nobody(asked: Asked) -> None:
    class Awaited:
        def read(self, size: int = -1) -> bytes:
            raise RequestAwaited

    environ = create_environ(PATH, method="POST", data=OBJECT, headers=RIGHT)
    environ["wsgi.input"] = Awaited()
    with pytest.raises(RequestAwaited):
        asked.app(environ, lambda *_told: lambda _data: None)
    assert environ[KNOWN], "its connection is one of somebody who showed a key"
    assert asked.flask == [] and asked.rung == 0
