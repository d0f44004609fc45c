"""The web side: hooks that take events in, probes, the API, and pages for people.

It decides and sends nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from flask import Flask, Response, request
from werkzeug.middleware.proxy_fix import ProxyFix

from bridge.web import (
    api,
    failures,
    health,
    hooks,
    metrics,
    pages,
    patience,
    problems,
    refusals,
)
from bridge.web.pages.render import NOTHING
from bridge.web.ports import Bridge
from bridge.web.silence import Patient
from bridge.web.webhooks import PastFlask, Webhooks

__all__ = ["Bridge", "create_app", "create_outside_app"]


Stored = Callable[[], None]
"""Called when a request has stored something."""


def create_app(bridge: Bridge, stored: Stored | None = None) -> Flask:
    """The whole web side over one composed bridge; nothing is read from anywhere else.

    Never answers with a redirect: MicroMDM would follow one as a GET and lose the event.
    """
    app = _bare_app(bridge, stored)
    webhooks = Webhooks(bridge)
    app.register_blueprint(hooks.create_blueprint(bridge, webhooks))
    app.register_blueprint(health.create_blueprint(bridge))
    app.register_blueprint(metrics.create_blueprint(bridge))
    api.register(app, bridge)
    pages.register(app, bridge)
    # What goes past Flask is stored on a connection that knows itself how long a hook waits.
    past_flask = PastFlask(Patient(app.wsgi_app), webhooks, stored)
    app.wsgi_app = past_flask  # type: ignore[method-assign]
    return _behind_proxies(app, bridge)


def create_outside_app(bridge: Bridge, stored: Stored | None = None) -> Flask:
    """What `listen_outside` serves: Apple's hook, and nothing else."""
    app = _bare_app(bridge, stored)
    app.register_blueprint(hooks.create_blueprint(bridge, None))
    app.wsgi_app = Patient(app.wsgi_app)  # type: ignore[method-assign]
    return _behind_proxies(app, bridge)


def _bare_app(bridge: Bridge, stored: Stored | None) -> Flask:
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.url_map.strict_slashes = False
    app.url_map.merge_slashes = False
    problems.register(app)
    refusals.register(app, bridge)
    patience.register(app)
    failures.register(app, bridge)
    app.after_request(_harden)
    if stored is not None:
        app.after_request(partial(_tell, stored))
    return app


def _behind_proxies(app: Flask, bridge: Bridge) -> Flask:
    """Believe as many proxies of where a request comes from as the file says stand in front, and of
    nothing else; none is believed where it says nothing."""
    number = bridge.config.trusted_proxies
    if number:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=number, x_proto=0, x_host=0, x_port=0, x_prefix=0
        )
    return app


def _harden(response: Response) -> Response:
    """No browser takes an answer for what it does not say it is, or shows it inside a page of
    another site."""
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Content-Security-Policy", NOTHING)
    return response


def _tell(stored: Stored, response: Response) -> Response:
    if request.method not in ("GET", "HEAD") and response.status_code < 400:
        stored()
    return response
