"""What probes ask, without credentials: does it live, does it take events in."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, jsonify

from bridge.domain.views import HealthPart
from bridge.errors import StoreError
from bridge.web.ports import Health
from bridge.web.problems import tell_unusable
from bridge.web.version import version


def create_blueprint(bridge: Health) -> Blueprint:
    """The routes /healthz, /readyz and /version."""

    def healthz() -> Response:
        """200 while what this `serve` runs lives; 503 asks for a restart."""
        alive = bridge.alive()
        return _answer(alive, {"alive": alive})

    def readyz() -> Response:
        """503 only for what stops taking events in, never for an outage of others."""
        parts = _parts(bridge)
        ready = all(part.ok or part.severity != "fatal" for part in parts)
        return _answer(ready, {"ready": ready, "parts": [_shown(part) for part in parts]})

    def shown_version() -> Response:
        return jsonify(version=version())

    blueprint = Blueprint("health", __name__)
    for rule, view in (("/healthz", healthz), ("/readyz", readyz), ("/version", shown_version)):
        blueprint.add_url_rule(rule, view_func=view)
    return blueprint


def _parts(bridge: Health) -> Sequence[HealthPart]:
    try:
        return bridge.health()
    except StoreError as error:
        tell_unusable(error)
        return [HealthPart("database", False, "fatal", "cannot be used; the log says why")]


def _shown(part: HealthPart) -> dict[str, object]:
    age = None if part.age_s is None else round(part.age_s, 3)
    return {
        "name": part.name,
        "ok": part.ok,
        "severity": part.severity,
        "detail": part.detail,
        "age_s": age,
    }


def _answer(good: bool, body: dict[str, object]) -> Response:
    response = jsonify(body)
    response.status_code = 200 if good else 503
    response.headers["Cache-Control"] = "no-store"
    return response
