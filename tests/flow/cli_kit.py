"""The command line on a scene: the same database, the same simulated outside, the same clock."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from click.testing import CliRunner, Result

from bridge.cli.root import Settings, cli
from bridge.engine.client_pool import Transports
from tests.flow.scene import API_KEY, PUBLIC_URL, WEBHOOK_KEY, Scene
from tests.wsgi_adapter import WsgiAdapter

CONFIG = """\
database: bridge.db
listen: 127.0.0.1:9008
public_url: {public_url}
api: {{key: {api_key}}}
servers:
  main: {{url: "http://127.0.0.1:9999", api_key: {mdm_key}, webhook_key: {webhook_key}}}
locations:
  hq: {{content_token_file: hq.vpptoken}}
apple: {{url: "http://127.0.0.1:9998/mdm/v2"}}
"""


class Shell:
    """Runs commands on a scene, whose engine and clock go on where a command waits.

    `serving` says whether the scene's web side can be reached, `engine_works` whether its engine
    does anything; `first_pause` is called once, when a command begins to wait.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.config = scene.tmp_path / "config.yaml"
        self.serving = True
        self.engine_works = True
        self.first_pause: Callable[[], object] = lambda: None
        self.public = WsgiAdapter(scene.client.application)
        """The way to our public URL; `fail` keeps it from being reached."""
        (scene.tmp_path / "hq.vpptoken").chmod(0o600)
        self.want(scene.serials)

    def write(self, text: str = "", *, desired: str = "") -> None:
        """Write the configuration, whole or with these groups and apps."""
        head = CONFIG.format(
            public_url=PUBLIC_URL,
            api_key=API_KEY,
            mdm_key=self.scene.world.mdm.settings.api_key,
            webhook_key=WEBHOOK_KEY,
        )
        kind = self.scene.config.servers["main"].kind
        if kind != "micromdm":
            head = head.replace("main: {", f"main: {{kind: {kind}, ")
        self.config.touch(0o600)
        self.config.write_text(text or head + desired)

    def want(self, serials: list[str], adam_ids: list[str] | None = None, **options: Any) -> None:
        """Let the file want these apps, or all of them, on these devices."""
        chosen = self.scene.adam_ids if adam_ids is None else adam_ids
        apps = [
            {"adam_id": a, "name": self.scene.world.catalogue[a][1], "groups": ["them"]} | options
            for a in chosen
        ]
        desired = {"groups": {"them": {"serials": serials}}, "apps": apps}
        self.write(desired="".join(f"{k}: {json.dumps(v)}\n" for k, v in desired.items()))

    def run(self, *arguments: str, answer: str | None = None) -> Result:
        """Run one command; nothing but SystemExit may come out of it."""
        transports = Transports(
            apple=self.scene.apple_adapter,
            mdm=self.scene.mdm_adapter,
            public=self.public,
            sleep=lambda _seconds: None,
            clock=lambda: self.scene.world.now,
            alerts=self.scene.transports.alerts,
        )
        settings = Settings(
            transports=transports,
            clock=lambda: self.scene.world.now,
            sleep=self.paused,
            ask=self.ask,
        )
        return CliRunner().invoke(
            cli,
            ["--config", str(self.config), *arguments],
            obj=settings,
            input=answer,
            catch_exceptions=False,
            prog_name="vpp-bridge",
        )

    def json(self, *arguments: str, code: int = 0) -> Any:
        """What a command prints with `--json`."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, result.output
        return json.loads(result.stdout)

    def paused(self, seconds: float) -> None:
        """A command waits: the engine beside it works, and time passes."""
        self.first_pause()
        self.first_pause = lambda: None
        if self.engine_works:
            self.scene.settle()
        self.scene.world.advance(seconds)

    def ask(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """POST to the scene's own web side."""
        if not self.serving:
            raise ConnectionRefusedError(111, "Connection refused")
        return self.scene.client.post(path, data=body, headers=dict(headers)).status_code
