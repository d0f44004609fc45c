"""Who is registered, as an admin sees it: plan, apply, users, status, and the API."""

from __future__ import annotations

import base64
import csv
import logging
from collections.abc import Callable
from dataclasses import replace

import pytest

from bridge.config import ApiConfig
from bridge.simulator.apple.http import apple_app
from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene
from tests.flow.users_kit import active, known, states

MakeScene = Callable[..., Scene]
USERS = """
groups:
  staff: {users: all}
apps:
  - {adam_id: "%s", groups: [staff], mode: license_only}
users_file: users.csv
policy: {users: {on_unwanted: %s}}
"""
HEAD = "client_user_id,email,managed_apple_id,location,serials,enrollment_ids\n"
READ_KEY = "a-read-key-0123456789"


def shell_of(scene: Scene, lines: str, on_unwanted: str = "keep") -> Shell:
    shell = Shell(scene)
    write(shell, lines, on_unwanted)
    return shell


def write(shell: Shell, lines: str, on_unwanted: str = "keep") -> None:
    (shell.scene.tmp_path / "users.csv").write_text(HEAD + lines)
    shell.write(desired=USERS % (shell.scene.adam_ids[0], on_unwanted))


def headers(key: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"bridge:{key}".encode()).decode()}


@pytest.fixture
def scene(make_scene: MakeScene) -> Scene:
    return make_scene(devices=2, apps=1)


def test_a_plan_says_who_is_registered_with_which_address(scene: Scene) -> None:
    lines = (
        f"ann,ann@example.org,,hq,{scene.serials[0]},\n"
        "ben,,ben@mid.example.org,hq,,ben-phone\n"
        "cleo,,,hq,,\n"
        f"dan,dan@example.org,,,{scene.serials[1]},\n"
    )
    shell = shell_of(scene, lines)
    said = shell.run("plan").stdout
    assert "3 users are to be registered at hq." in said
    assert (
        "1 user at hq has no e-mail address in the file and has their Managed Apple Account: ben."
    ) in said
    assert (
        "1 user at hq has no e-mail address in the file and has one made of public_url's host: cleo"
    ) in said
    assert "1 user of the file (dan) is registered nowhere" in said
    assert "3 to add" in said, "all devices of all users, ben's phone among them"
    planned = shell.json("plan")["users"]
    assert [each["client_user_id"] for each in planned["created"]] == ["ann", "ben", "cleo"]
    assert planned["registered_nowhere"] == ["dan"]


def test_users_are_listed_with_their_links(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shell = shell_of(
        scene, f"ann,ann@example.org,,hq,{scene.serials[0]},\nben,b@example.org,,hq,,\n"
    )
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: states(scene) == {"registered INVITED": 2}, 300)
    code = active(scene, "ann").invite_code
    link = (
        "http://127.0.0.1:9998/WebObjects/MZFinance.woa/wa/associateVPPUserWithITSAccount"
        f"?inviteCode={code}&mt=8"
    )
    rows = list(csv.DictReader(shell.run("users", "--csv").stdout.splitlines()))
    assert [row["client_user_id"] for row in rows] == ["ann", "ben"]
    assert (rows[0]["invitation_url"], rows[0]["devices"]) == (link, scene.serials[0])
    (ann,) = shell.json("users", "--user", "ann")["users"]
    assert (ann["state"], ann["invite_code"], ann["by_us"]) == ("registered", code, True)
    assert "has not accepted" in ann["sentence"]
    assert "hq: 2 registered" in shell.run("status").stdout
    assert apple_app(scene.world).test_client().get(link).status_code == 200
    scene.run(lambda: known(scene)["ann"].is_associated, 60)
    (ann,) = shell.json("users", "--state", "associated")["users"]
    assert (ann["client_user_id"], ann["invitation_url"]) == ("ann", None)
    assert code not in caplog.text


def test_a_key_that_may_only_read_sees_no_codes(scene: Scene) -> None:
    scene.config = replace(scene.config, api=ApiConfig(API_KEY, READ_KEY))
    scene.restart()
    shell = shell_of(scene, "ann,ann@example.org,,hq,,\n")
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: states(scene) == {"registered INVITED": 1}, 300)
    seen = {}
    for key in (API_KEY, READ_KEY):
        answer = scene.client.get("/v1/users?state=registered", headers=headers(key))
        (seen[key],) = answer.json["users"]
    assert seen[API_KEY]["invite_code"] == active(scene, "ann").invite_code
    assert seen[API_KEY]["invitation_url"]
    hidden = {"invite_code": None, "invitation_url": None}
    assert seen[READ_KEY] == seen[API_KEY] | hidden


def test_a_retirement_is_shown_with_others_licences(scene: Scene) -> None:
    shell = shell_of(scene, "ann,ann@example.org,,hq,,\nben,b@example.org,,hq,,\n", "retire")
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: states(scene) == {"registered INVITED": 2}, 300)
    with scene.bridge.database.write() as db:
        db.executemany(
            "INSERT INTO assignments (location, adam_id, pricing_param, target, confirmed_at, "
            "confirmed_by, read_at, ours) VALUES ('hq', ?, 'STDQ', 'user:ben', 0, 'read', 0, ?)",
            [(str(number), int(number < 2)) for number in range(12)],
        )
    write(shell, "ann,ann@example.org,,hq,,\n", "retire")
    said = shell.run("plan").stdout
    assert (
        "ben is to be retired at hq: 2 licences of the bridge's and 10 licences that others "
        "assigned go back."
    ) in said
    refused = shell.run("apply", "--yes")
    assert refused.exit_code == 2
    assert "--allow-removals 12" in refused.stderr
    assert shell.run("apply", "--yes", "--allow-removals", "12").exit_code == 0
    scene.run(lambda: known(scene)["ben"].state == "retired", 300)


def test_the_api_registers_users_and_keeps_those_of_whom_it_says_nothing(scene: Scene) -> None:
    app = {"adam_id": scene.adam_ids[0], "groups": ["staff"], "mode": "license_only"}
    body = {
        "groups": {"staff": {"users": ["ann"]}},
        "apps": [app],
        "users": [{"client_user_id": "ann", "email": "ann@example.org", "location": "hq"}],
    }
    assert scene.client.post("/v1/apply", json=body, headers=headers(API_KEY)).status_code == 200
    scene.run(lambda: states(scene) == {"registered INVITED": 1}, 300)
    del body["users"]
    assert scene.client.post("/v1/apply", json=body, headers=headers(API_KEY)).status_code == 200
    scene.settle()
    assert known(scene)["ann"].wanted
