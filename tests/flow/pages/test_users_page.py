"""The page of users: where there are any, and codes only for who may change something."""

from dataclasses import replace

from bridge.config import ApiConfig
from bridge.web import create_app
from tests.flow.pages.kit import open_page
from tests.flow.scene import API_KEY, MakeScene
from tests.flow.users_kit import active, file_of, people
from tests.web_stand_in import basic

READ_KEY = "read-secret"


def test_users_are_shown_and_their_codes_not_to_everybody(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1)
    api = ApiConfig(API_KEY, READ_KEY)
    scene.bridge.config = replace(scene.bridge.config, api=api)
    client = create_app(scene.bridge).test_client()
    assert "/users" not in open_page(client, "/").links
    scene.apply(file_of(scene, people(3)))
    scene.pass_time(120)
    assert "/users" in open_page(client, "/").links
    code = active(scene, "client-2").invite_code
    page = open_page(client, "/users")
    for user in scene.bridge.list_users().items:
        assert user["client_user_id"] in page.text and user["sentence"] in page.text
    assert code in page.text
    reader = basic(READ_KEY)
    assert "client-2" in open_page(client, "/users", reader).text
    for path in ("/users", "/users?csv=users", "/events"):
        assert code not in client.get(path, headers=reader).get_data(as_text=True)
    only = open_page(client, "/users?state=registered&location=&serial=")
    assert "client-2" in only.text
    assert "No user is so." in open_page(client, "/users?state=failed").text
