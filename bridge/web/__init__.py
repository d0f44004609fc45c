"""The web side: hooks that take events in, probes, and the API. It decides and sends nothing."""

from __future__ import annotations

from flask import Flask

from bridge.web import api, health, hooks, problems, refusals
from bridge.web.ports import Bridge

__all__ = ["Bridge", "create_app", "create_outside_app"]


def create_app(bridge: Bridge) -> Flask:
    """The whole web side over one composed bridge; nothing is read from anywhere else.

    Never answers with a redirect: MicroMDM would follow one as a GET and lose the event.
    """
    app = _bare_app(bridge)
    app.register_blueprint(hooks.create_blueprint(bridge))
    app.register_blueprint(health.create_blueprint(bridge))
    api.register(app, bridge)
    return app


def create_outside_app(bridge: Bridge) -> Flask:
    """What `listen_outside` serves: Apple's hook, and nothing else."""
    app = _bare_app(bridge)
    app.register_blueprint(hooks.create_blueprint(bridge, apple_alone=True))
    return app


def _bare_app(bridge: Bridge) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    problems.register(app)
    refusals.register(app, bridge)
    return app
