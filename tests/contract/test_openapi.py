"""What /v1/openapi.json promises, held against a bridge that has worked."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from schemathesis import Case, GenerationMode
from schemathesis.openapi import from_wsgi

from bridge.web import create_app
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from bridge.web.v1.read import READING
from bridge.web.v1.schema import components, name_of
from tests.flow import with_all
from tests.flow.scene import API_KEY, Scene

EXAMPLES = 25
KEY = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}

WANTED = {
    "groups": {"them": {"all": True}},
    "apps": [{"adam_id": "361309726", "groups": ["them"]}],
    "users": [{"client_user_id": "client-100", "serials": ["USER-DEVICE-1"]}],
}


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A bridge that has two apps on three devices, of which one was erased and waits in Setup
    Assistant, and knows a user and a subscription."""
    scene = Scene(tmp_path_factory.mktemp("api"), devices=3, apps=2)
    with_all.work(scene)
    again = scene.world.devices[-1]
    again.awaits_configuration = True
    again.reenrol()
    scene.pass_time(60.0)
    yield scene
    scene.bridge.close()


@pytest.fixture(scope="module")
def described(scene: Scene) -> Any:
    """The description as a client gets it, and the bridge behind it."""
    return from_wsgi("/v1/openapi.json", create_app(scene.bridge), headers=KEY)


def make_possible(case: Case) -> None:
    """Replace what has the right form and still cannot be: made-up cursors, locations, groups."""
    case.query.pop("cursor", None)
    if "group" in case.query:
        case.query["group"] = "them"
    if isinstance(case.body, dict) and "location" in case.body:
        case.body["location"] = "hq"
    if isinstance(case.body, dict) and "groups" in case.body:
        case.body |= WANTED


@pytest.mark.sweep
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("call", ENDPOINTS, ids=lambda call: call.name)
def test_every_call_keeps_what_is_promised(
    described: Any, call: Endpoint[Any], mode: GenerationMode
) -> None:
    """Whatever is asked, in the promised form or not: the status and the body are promised ones."""
    if mode is GenerationMode.NEGATIVE and not any((*call.places.path, *call.query, *call.body)):
        return  # it takes nothing that could have the wrong form
    operation = described.find_operation_by_id(call.name)

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(mode, headers=KEY))
    def hold(case: Case) -> None:
        if mode is GenerationMode.POSITIVE:
            make_possible(case)
        case.call_and_validate()

    hold()


PAGES = [call for call in READING if call.query]


@pytest.mark.parametrize("call", PAGES, ids=lambda call: call.name)
def test_a_list_is_paged_through_with_its_cursors(scene: Scene, call: Endpoint[Any]) -> None:
    client = create_app(scene.bridge).test_client()
    name = call.path.rpartition("/")[2]
    whole = client.get(f"{call.path}?limit=1000", headers=KEY).get_json()
    found, cursor = [], ""
    while cursor is not None:
        page = client.get(f"{call.path}?limit=7{cursor}", headers=KEY).get_json()
        found += page[name]
        cursor = page["next_cursor"] and f"&cursor={page['next_cursor']}"
    assert found == whole[name]
    assert whole["next_cursor"] is None


@pytest.mark.parametrize("call", READING, ids=lambda call: call.name)
def test_objects_have_the_members_that_are_described(scene: Scene, call: Endpoint[Any]) -> None:
    """Those and no others, all the way down; schemathesis would bear more of them."""
    path = call.path.format(serial=scene.serials[0], adam_id=scene.adam_ids[0])
    shown = create_app(scene.bridge).test_client().get(path, headers=KEY).get_json()
    (answer,) = call.answers
    assert answer.holds is not None
    schemas = components([answer.holds])
    seen = set(hold(shown, schemas[answer.holds.__name__], schemas))
    assert seen >= set(schemas) - {answer.holds.__name__}, "the scene has some of each"


def hold(shown: Any, schema: Any, schemas: Any) -> Iterator[str]:
    """Hold what is shown against its schema; the names of the objects that were met."""
    if (name := name_of(schema)) is not None:
        yield name
        yield from hold(shown, schemas[name], schemas)
    elif "anyOf" in schema:
        if shown is not None:
            (given,) = (each for each in schema["anyOf"] if name_of(each) is not None)
            yield from hold(shown, given, schemas)
    elif isinstance(shown, list):
        for each in shown:
            yield from hold(each, schema["items"], schemas)
    elif "properties" in schema:
        assert set(schema["required"]) <= set(shown) <= set(schema["properties"])
        for member, value in shown.items():
            yield from hold(value, schema["properties"][member], schemas)
