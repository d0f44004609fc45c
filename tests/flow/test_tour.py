"""The first tour of docs/design.md, counted: from a device's answer to the next command.

A step is a call of a function of `bridge/`; it changes the module when its caller, as far as that
is a function of `bridge/`, too, stands in another one. Entering a block again does not count.
"""

from __future__ import annotations

import json
import sqlite3
import sys
from collections.abc import Mapping
from inspect import CO_GENERATOR
from types import CodeType, FrameType
from typing import Any

import pytest

from bridge.wire import plist
from tests.flow.scene import MakeScene, Scene
from tests.wsgi_adapter import WsgiAdapter

CHANGES = 190
STATEMENTS = 100
TRANSACTIONS = 3
"""The hook's, the pass that takes the answer, and the one that sends the next command, which is
sent a moment after the device connected."""


class Walk:
    """What happens while it is watched, in this thread."""

    def __init__(self) -> None:
        self.steps = 0
        self.changes = 0
        self.statements = 0
        self.transactions = 0
        self.modules: set[str] = set()
        self._callers: list[str] = []
        self._entered: set[FrameType] = set()

    def begin(self) -> None:
        sys.setprofile(self._look)

    def end(self) -> None:
        sys.setprofile(None)

    def _look(self, frame: FrameType, event: str, arg: Any) -> None:
        if event == "c_call" and isinstance(getattr(arg, "__self__", None), sqlite3.Connection):
            self.statements += arg.__name__ in ("execute", "executemany")
            return
        if event not in ("call", "return") or not _is_ours(frame):
            return
        if event == "return":
            if self._callers:
                self._callers.pop()
            return
        module = frame.f_globals["__name__"]
        if frame not in self._entered:
            self.steps += 1
            self.modules.add(module)
            self.changes += bool(self._callers) and self._callers[-1] != module
            self.transactions += _is_write(frame.f_code)
            if frame.f_code.co_flags & CO_GENERATOR:
                self._entered.add(frame)
        self._callers.append(module)


def _is_ours(frame: FrameType) -> bool:
    module = frame.f_globals.get("__name__", "")
    made = frame.f_code.co_filename.startswith("<")  # by a library, as a dataclass's methods
    return module.startswith("bridge.") and ".simulator" not in module and not made


def _is_write(code: CodeType) -> bool:
    return code.co_qualname in ("FileDatabase.write", "InboxFile.transaction")


def walk_of(scene: Scene, patch: pytest.MonkeyPatch) -> Walk:
    """From the device's first answer to an install until the bridge posts what comes next."""
    walk, sent = Walk(), dict[str, str]()
    adapter, post, ended = scene.mdm_adapter, scene._post, False

    def watched(url: str, headers: Mapping[str, str], body: bytes, timeout: float) -> int | None:
        answer = json.loads(body).get("acknowledge_event") or {}
        if sent.get(answer.get("command_uuid")) == "InstallApplication":
            walk.begin()
        return post(url, headers, body, timeout)

    def send(request: Any, **more: Any) -> Any:
        nonlocal ended
        if request.method == "POST" and "/v1/commands" in request.url:
            ended = ended or sys.getprofile() is not None
            walk.end()
            command = plist.loads_dict(request.body)
            asked = command["Command"]
            assert isinstance(asked, dict)
            sent[str(command["CommandUUID"])] = str(asked["RequestType"])
        return WsgiAdapter.send(adapter, request, **more)

    patch.setattr(scene.world.mdm.webhook._outgoing, "post", watched)
    patch.setattr(adapter, "send", send)
    scene.apply()
    try:
        scene.run(lambda: ended)
    finally:
        walk.end()
    return walk


def test_the_way_from_an_answer_to_the_next_command_is_short(
    make_scene: MakeScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = walk_of(make_scene(devices=1, apps=2), monkeypatch)
    assert walk.changes <= CHANGES
    assert walk.statements <= STATEMENTS
    assert walk.transactions <= TRANSACTIONS
