"""Probes: what makes the bridge unready, and what does not."""

import pytest
from flask.testing import FlaskClient

from bridge.domain.views import HealthPart
from bridge.errors import StoreError
from bridge.web import create_app
from tests.web_stand_in import StandIn

GOOD = HealthPart("database", True, "fatal", "writable", 0.25)
NO_APPLE = HealthPart("apple", False, "degraded", "no answer", None)
NO_DISK = HealthPart("disk", False, "fatal", "full", 3.0)


@pytest.fixture
def bridge() -> StandIn:
    return StandIn()


@pytest.fixture
def client(bridge: StandIn) -> FlaskClient:
    return create_app(bridge).test_client()


@pytest.mark.parametrize(("living", "status"), [(True, 200), (False, 503)])
def test_healthz_says_whether_web_and_engine_live(
    client: FlaskClient, bridge: StandIn, living: bool, status: int
) -> None:
    bridge.living = living
    response = client.get("/healthz")
    assert (response.status_code, response.get_json()) == (status, {"alive": living})


@pytest.mark.parametrize(
    ("parts", "status"),
    [([], 200), ([GOOD], 200), ([GOOD, NO_APPLE], 200), ([NO_APPLE, NO_DISK], 503)],
)
def test_only_a_fatal_part_makes_unready(
    client: FlaskClient, bridge: StandIn, parts: list[HealthPart], status: int
) -> None:
    bridge.parts = parts
    response = client.get("/readyz")
    body = response.get_json()
    assert (response.status_code, body["ready"]) == (status, status == 200)
    assert [part["name"] for part in body["parts"]] == [part.name for part in parts]


def test_a_part_is_shown_whole(client: FlaskClient, bridge: StandIn) -> None:
    bridge.parts = [NO_DISK, NO_APPLE]
    assert client.get("/readyz").get_json()["parts"] == [
        {"name": "disk", "ok": False, "severity": "fatal", "detail": "full", "age_s": 3.0},
        {
            "name": "apple",
            "ok": False,
            "severity": "degraded",
            "detail": "no answer",
            "age_s": None,
        },
    ]


def test_a_database_that_cannot_be_read_makes_unready(client: FlaskClient, bridge: StandIn) -> None:
    bridge.fails = StoreError("/var/lib/secret: damaged")
    response = client.get("/readyz")
    (part,) = response.get_json()["parts"]
    assert response.status_code == 503
    assert (part["name"], part["ok"], part["severity"]) == ("database", False, "fatal")
    assert b"secret" not in response.data


def test_the_version_is_told_to_anybody(client: FlaskClient) -> None:
    response = client.get("/version")
    assert response.status_code == 200
    assert response.get_json()["version"]
