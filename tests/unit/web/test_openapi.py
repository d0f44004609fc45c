"""The description of the API is made of what routes and checks."""

from typing import Any

import pytest
from flask import Flask

from bridge.web import create_app
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.openapi import document
from tests.web_stand_in import KEY, StandIn

PROMISED = {
    "GET /v1/installs",
    "GET /v1/installs/{serial}/{adam_id}",
    "POST /v1/installs/{serial}/{adam_id}/retry",
    "GET /v1/devices",
    "GET /v1/assets",
    "GET /v1/assignments",
    "GET /v1/subscriptions",
    "GET /v1/drift",
    "GET /v1/users",
    "GET /v1/alerts",
    "GET /v1/locations",
    "GET /v1/events",
    "GET /v1/outbox",
    "GET /v1/commands",
    "PUT /v1/installs/{serial}/{adam_id}",
    "DELETE /v1/installs/{serial}/{adam_id}",
    "POST /v1/apps/{adam_id}/update",
    "POST /v1/events/{id}/replay",
    "POST /v1/outbox/{id}/retry",
    "POST /v1/users/{client_user_id}/invite",
    "POST /v1/locations/{name}/claim",
    "GET /v1/audit",
    "POST /v1/sync",
    "POST /v1/plan",
    "POST /v1/apply",
    "POST /v1/pause",
    "POST /v1/reclaim",
    "POST /v1/replace",
    "POST /v1/resume",
    "GET /v1/openapi.json",
}


@pytest.fixture
def app() -> Flask:
    return create_app(StandIn())


@pytest.fixture
def described() -> Any:
    return document(ENDPOINTS)


def test_everything_that_is_promised_is_described(described: Any) -> None:
    found = {f"{m.upper()} {path}" for path, ways in described["paths"].items() for m in ways}
    assert found == PROMISED


def test_what_is_described_is_what_is_routed(app: Flask, described: Any) -> None:
    routed = {
        (rule.rule.replace("<", "{").replace(">", "}"), method.lower())
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith("/v1")
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    assert routed == {
        (path, method) for path, ways in described["paths"].items() for method in ways
    }


def references(part: Any) -> set[str]:
    """Every $ref below a part of the description."""
    if isinstance(part, dict):
        own = {part["$ref"]} if "$ref" in part else set()
        return own.union(*(references(value) for value in part.values()))
    return set().union(*(references(value) for value in part)) if isinstance(part, list) else set()


def test_every_schema_is_used_and_there(described: Any) -> None:
    schemas = described["components"]["schemas"]
    assert references(described) == {f"#/components/schemas/{name}" for name in schemas}


def test_names_of_calls_are_unique() -> None:
    assert len({call.name for call in ENDPOINTS}) == len(ENDPOINTS)


@pytest.mark.parametrize("call", ENDPOINTS, ids=lambda call: call.name)
def test_errors_are_described(described: Any, call: Any) -> None:
    answers = described["paths"][call.path][call.method.lower()]["responses"]
    assert {"401", "503"} <= set(answers)
    assert ("403" in answers) == (call.method != "GET")
    for status, answer in answers.items():
        if int(status) >= 400:
            assert answer["content"]["application/json"]["schema"]["$ref"].endswith("/Error")
            assert answer["description"].endswith(".")


def test_it_is_served(app: Flask) -> None:
    shown = app.test_client().get("/v1/openapi.json", headers=KEY).get_json()
    assert shown["openapi"] == "3.1.0"
    assert set(shown["paths"]) == {call.path for call in ENDPOINTS}
