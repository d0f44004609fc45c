"""The audit log: each call, button and command that changes something leaves exactly one entry."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.app import Bridge
from bridge.cli.commands import AUDITED
from bridge.cli.root import whoever
from bridge.config import ApiConfig, load_config
from bridge.config.model import NamedKey
from bridge.domain.audit import Deed
from bridge.domain.desired.desired import Desired
from bridge.domain.pauses import Scope
from bridge.domain.policy import DAY, Policy, RetentionPolicy
from bridge.domain.roles import ROLES, allows
from bridge.errors import WishError
from bridge.simulator.devices import script
from bridge.store import pruning
from bridge.store.service import audit as stored_audit
from bridge.web import create_app
from bridge.web.pages import BUTTONS, PAGES, Button
from bridge.web.v1.endpoint import Endpoint
from bridge.web.v1.endpoints import ENDPOINTS
from tests.flow.cli_kit import Shell
from tests.flow.pages.kit import open_page
from tests.flow.scene import API_KEY, WEBHOOK_KEY, MakeScene, Scene
from tests.flow.test_cli_claim import NAMED as HELD_BY_OTHERS
from tests.flow.test_cli_updates import waiting as outdated
from tests.flow.test_invitations import ANN, registered
from tests.web_stand_in import basic, error_of

READ_KEY = "planted-get-key"
KEYS = {role: f"planted-{role}-key" for role in ROLES}
API = ApiConfig(
    API_KEY, READ_KEY, keys={f"the-{role}": NamedKey(role, text) for role, text in KEYS.items()}
)

Entries = list[dict[str, Any]]


def keyed(scene: Scene) -> FlaskClient:
    """The scene's web side with a key of each role."""
    scene.bridge.config = replace(scene.bridge.config, api=API)
    return create_app(scene.bridge).test_client()


def entries(scene: Scene, **filters: Any) -> Entries:
    found = scene.bridge.list_audit(**filters).items
    return [dict(each) for each in found]


def pair(scene: Scene) -> str:
    return f"{scene.serials[0]}/{scene.adam_ids[0]}"


# What makes each call change something: a scene, then its path and its body.


@dataclass(frozen=True)
class Change:
    """A scene in which a call or a command changes something, and what it is called with."""

    scene: Callable[[MakeScene], Scene]
    path: Callable[[Scene], str]
    body: Mapping[str, Any] | None = None
    asked: Callable[[Scene], Mapping[str, Any]] | None = None


def plain(make_scene: MakeScene) -> Scene:
    return make_scene(devices=2, apps=1)


def applied(make_scene: MakeScene) -> Scene:
    scene = plain(make_scene)
    scene.apply()
    scene.settle()
    return scene


def installed(make_scene: MakeScene) -> Scene:
    scene = applied(make_scene)
    scene.run(scene.all_installed)
    return scene


def failed(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=1, apps=1, macs=0)
    scene.world.devices[0].script.add(script.error("MCMDMErrorDomain", 12023))
    scene.apply()
    scene.run(lambda: bool(scene.installs(needs_someone=True)), limit=86400)
    return scene


def with_failed_call(make_scene: MakeScene) -> Scene:
    scene = applied(make_scene)
    with scene.bridge.database.write() as db:
        db.execute(
            "UPDATE outbox SET state = 'failed', error = 'x' WHERE id = "
            "(SELECT max(id) FROM outbox WHERE kind = 'read_assets')"
        )
    return scene


def failed_call(scene: Scene) -> int:
    (found,) = scene.bridge.list_outbox(state="failed").items
    return int(found["id"])


def wished(make_scene: MakeScene) -> Scene:
    scene = plain(make_scene)
    scene.bridge.assign(scene.serials[:1], scene.adam_ids[0])
    return scene


def paused(make_scene: MakeScene) -> Scene:
    scene = plain(make_scene)
    scene.bridge.pause("all")
    return scene


def held_by_others(make_scene: MakeScene) -> Scene:
    scene = plain(make_scene)
    scene.world.location.client = replace(HELD_BY_OTHERS)
    scene.apply()
    scene.settle()
    return scene


def kept_app(make_scene: MakeScene) -> Scene:
    scene = make_scene(devices=2, apps=2, macs=0)
    shell = Shell(scene)
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(scene.all_installed)
    shell.want(scene.serials, scene.adam_ids[1:])
    assert shell.run("apply", "--yes").exit_code == 0
    scene.settle()
    return scene


def one_of_two(make_scene: MakeScene) -> Scene:
    """An app on the first of two devices alone."""
    scene = make_scene(devices=2, apps=1, macs=0)
    scene.apply(scene.wanted_for(scene.serials[:1]))
    scene.run(scene.all_installed)
    return scene


def exchanged(scene: Scene) -> Mapping[str, Any]:
    old, new = scene.serials
    return {"old": old, "new": new, "force": True}


def desired(scene: Scene) -> Mapping[str, Any]:
    app = {"adam_id": scene.adam_ids[0], "groups": ["them"]}
    return {"groups": {"them": {"serials": scene.serials}}, "apps": [app]}


def event(scene: Scene) -> int:
    return int(scene.bridge.list_events(source="mdm").items[0]["id"])


CALLS: Mapping[str, Change] = {
    "put_install": Change(plain, lambda s: f"/v1/installs/{pair(s)}", {}),
    "delete_install": Change(wished, lambda s: f"/v1/installs/{pair(s)}"),
    "retry_install": Change(failed, lambda s: f"/v1/installs/{pair(s)}/retry"),
    "replay_event": Change(installed, lambda s: f"/v1/events/{event(s)}/replay"),
    "retry_call": Change(with_failed_call, lambda s: f"/v1/outbox/{failed_call(s)}/retry"),
    "invite_user": Change(registered, lambda _: f"/v1/users/{ANN}/invite"),
    "claim_location": Change(
        held_by_others, lambda _: "/v1/locations/hq/claim", {"mdm_name": "Other MDM"}
    ),
    "sync": Change(plain, lambda _: "/v1/sync"),
    "reclaim": Change(kept_app, lambda _: "/v1/reclaim", {"unwanted": True}),
    "replace": Change(one_of_two, lambda _: "/v1/replace", asked=exchanged),
    "update_app": Change(outdated, lambda s: f"/v1/apps/{s.adam_ids[0]}/update", {"now": True}),
    "apply": Change(plain, lambda _: "/v1/apply", asked=desired),
    "pause": Change(plain, lambda _: "/v1/pause", {"all": True}),
    "resume": Change(paused, lambda _: "/v1/resume", {"all": True}),
}
CHANGING = [call for call in ENDPOINTS if call.action is not None]


def test_every_call_that_changes_something_is_tried_here() -> None:
    assert set(CALLS) == {call.name for call in CHANGING}, "say what makes a new one change"


@pytest.mark.parametrize("call", CHANGING, ids=lambda call: call.name)
def test_each_call_leaves_one_entry(make_scene: MakeScene, call: Endpoint[Any]) -> None:
    change = CALLS[call.name]
    scene = change.scene(make_scene)
    client, before = keyed(scene), {each["id"] for each in entries(scene)}
    path = change.path(scene)
    body = change.asked(scene) if change.asked is not None else change.body
    smaller = [role for role in ROLES if not allows(role, call.role)]
    for key in [*(KEYS[role] for role in smaller), READ_KEY]:
        refused = client.open(path, method=call.method, json=body, headers=basic(key))
        assert refused.status_code == 403
        assert f"role {call.role}" in error_of(refused)
    key = basic(KEYS[call.role])
    done = client.open(path, method=call.method, json=body, headers=key)
    assert done.status_code < 300, done.get_data(as_text=True)
    new = [each for each in entries(scene) if each["id"] not in before]
    (entry,) = [each for each in new if each["action"] != "refused"]
    assert (entry["action"], entry["actor"], entry["who"], entry["role"]) == (
        *(call.action, "key", f"the-{call.role}", call.role),
    )
    assert entry["via"] == f"{call.method} {call.path}"
    assert entry["before"] or entry["after"] or entry["subject"]
    assert entry["sentence"].endswith(".")


def pausing(scope: Scope, *, ends: bool) -> Callable[[MakeScene], Scene]:
    """A scene in which something is paused already where the pause shall end."""

    def arranged(make_scene: MakeScene) -> Scene:
        scene = applied(make_scene)
        if ends:
            names = {"app": scene.adam_ids[0], "serial": scene.serials[0], "location": "hq"}
            scene.bridge.pause(scope, names[scope])
        return scene

    return arranged


def of_app(scene: Scene) -> str:
    return f"/apps/{scene.adam_ids[0]}"


def of_device(scene: Scene) -> str:
    return f"/devices/{scene.serials[0]}"


PRESSED: Mapping[str, tuple[Callable[[MakeScene], Scene], Callable[[Scene], str]]] = {
    "/events/<id>/replay": (installed, lambda s: f"/events/{event(s)}"),
    "/outbox/<id>/retry": (with_failed_call, lambda s: f"/outbox/{failed_call(s)}"),
    "/devices/<serial>/<adam_id>/retry": (failed, of_device),
    "/apps/<adam_id>/pause": (pausing("app", ends=False), of_app),
    "/apps/<adam_id>/resume": (pausing("app", ends=True), of_app),
    "/devices/<serial>/pause": (pausing("serial", ends=False), of_device),
    "/devices/<serial>/resume": (pausing("serial", ends=True), of_device),
    "/locations/<name>/pause": (pausing("location", ends=False), lambda _: "/locations/hq"),
    "/locations/<name>/resume": (pausing("location", ends=True), lambda _: "/locations/hq"),
}
"""By each button's rule, a scene in which it changes something, and the page that has it."""


@pytest.mark.parametrize("button", BUTTONS, ids=lambda button: button.rule)
def test_each_button_leaves_one_entry(make_scene: MakeScene, button: Button) -> None:
    assert button.rule in PRESSED, "say what makes a new one change something"
    arrange, shown_on = PRESSED[button.rule]
    scene = arrange(make_scene)
    client, before, page = keyed(scene), len(entries(scene)), shown_on(scene)
    pattern = re.sub("<[a-z_]+>", "[^/]+", button.rule)

    def seen_with(key: str) -> list[dict[str, Any]]:
        forms = open_page(client, page, basic(key)).buttons
        return [form for form in forms if re.fullmatch(pattern, form["action"])]

    for role in ROLES:
        assert bool(seen_with(KEYS[role])) == allows(role, button.role)
    assert not seen_with(READ_KEY)
    key = KEYS[button.role]
    (form,) = seen_with(key)
    pressed = client.post(form["action"], data=form["fields"], headers=basic(key))
    assert pressed.status_code == 200
    entry, *_ = new = entries(scene)
    assert len(new) == before + 1
    assert (entry["action"], entry["who"]) == (button.action, f"the-{button.role}")
    assert entry["via"] == "POST " + button.rule.replace("<", "{").replace(">", "}")


# The commands.


def one(scene: Scene) -> tuple[str, ...]:
    return (scene.serials[0], "--app", scene.adam_ids[0])


COMMANDS: Mapping[str, tuple[Callable[[MakeScene], Scene], Callable[[Scene], tuple[str, ...]]]] = {
    "apply": (plain, lambda _: ("--yes",)),
    "assign": (plain, one),
    "assign --not": (applied, lambda s: (*one(s), "--not")),
    "unassign": (wished, one),
    "reclaim": (kept_app, lambda _: ("--unwanted", "--yes")),
    "replace": (one_of_two, lambda s: (*s.serials, "--force")),
    "retry": (failed, lambda s: ("--serial", s.serials[0].lower())),
    "update": (outdated, lambda s: (s.adam_ids[0], "--yes")),
    "pause": (plain, lambda s: ("--serial", s.serials[0])),
    "resume": (paused, lambda _: ("--all",)),
    "claim": (held_by_others, lambda _: ("hq", "--name", "Other MDM")),
    "sync": (plain, lambda _: ()),
    "users invite": (registered, lambda _: (ANN,)),
    "outbox retry": (with_failed_call, lambda s: (str(failed_call(s)),)),
    "events replay": (installed, lambda s: (str(event(s)),)),
}
ELSEWHERE = {"restore", "serve"}


def test_every_command_that_changes_something_is_tried_here() -> None:
    tried = {name.removesuffix(" --not") for name in COMMANDS}
    assert tried | ELSEWHERE == set(AUDITED), "say what makes a new one change"


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_leaves_one_entry(make_scene: MakeScene, name: str) -> None:
    arrange, options = COMMANDS[name]
    scene = arrange(make_scene)
    shell, words = Shell(scene), name.removesuffix(" --not").split()
    before = len(entries(scene))
    result = shell.run(*words, *options(scene))
    assert result.exit_code == 0, result.output
    entry, *_ = new = entries(scene)
    assert len(new) == before + 1
    actions = AUDITED[" ".join(words)]
    assert entry["action"] == actions[-1 if "--not" in name else 0]
    me = whoever()
    assert (entry["actor"], entry["who"], entry["role"]) == ("user", me.name, None)
    assert entry["via"] == f"vpp-bridge {' '.join(words)}"
    if name in ("retry", "pause"):
        assert entry["subject"]["device_serial"] == scene.serials[0]


def test_a_restore_is_told_by_the_restored_database(make_scene: MakeScene) -> None:
    scene = applied(make_scene)
    shell, copied = Shell(scene), scene.tmp_path / "copy.db"
    assert shell.run("backup", str(copied)).exit_code == 0
    before = len(entries(scene))
    scene.bridge.close()
    assert shell.run("restore", str(copied), "--yes").exit_code == 0
    scene.start()
    entry, *_ = new = entries(scene)
    assert len(new) == before + 1
    assert (entry["action"], entry["via"]) == ("restore", "vpp-bridge restore")
    assert entry["before"]["instance_id"] != entry["after"]["instance_id"]


def test_other_settings_at_a_start_are_told_by_their_keys(make_scene: MakeScene) -> None:
    scene = plain(make_scene)
    scene.bridge.keep_settings()
    scene.bridge.keep_settings()
    assert entries(scene) == []
    config, keep = scene.bridge.config, Policy().retention
    other = replace(
        config,
        api=ApiConfig("planted-other-key"),
        policy=replace(config.policy, retention=replace(keep, audit=5 * DAY)),
    )
    scene.bridge.config = other
    scene.bridge.keep_settings()
    (entry,) = entries(scene, action="settings")
    assert (entry["actor"], entry["who"]) == ("bridge", "bridge")
    assert entry["after"] == {"differ": ["api (a secret)", "policy.retention.audit"]}
    assert "planted" not in json.dumps(entry)


# What it holds, and what it does not.


def test_an_apply_tells_which_groups_and_apps_differ(make_scene: MakeScene) -> None:
    scene = make_scene(devices=3, apps=2)
    shell = Shell(scene)
    shell.want(scene.serials, configuration={"licence": "planted-setting"})
    assert shell.run("apply", "--yes").exit_code == 0
    shell.want(scene.serials[:2], scene.adam_ids[:1], configuration={"licence": "planted-other"})
    assert shell.run("apply", "--yes").exit_code == 0
    second, first = entries(scene, action="apply")
    assert first["before"] == {"groups": 0, "apps": 0, "users": 0}
    assert first["after"]["apps_added"] == {"count": 2, "names": sorted(scene.adam_ids)}
    assert (second["after"]["groups"], second["after"]["apps"]) == (1, 1)
    assert second["after"]["groups_changed"] == {"count": 1, "names": ["them"]}
    assert second["after"]["apps_removed"] == {"count": 1, "names": scene.adam_ids[1:]}
    assert second["after"]["apps_changed"] == {"count": 1, "names": scene.adam_ids[:1]}
    assert second["after"]["removed"] == 4
    assert [each["id"] for each in entries(scene, adam_id=scene.adam_ids[1])] == [
        *(second["id"], first["id"]),
    ]
    assert "planted" not in json.dumps([first, second])


def test_an_entry_stays_small_in_a_large_fleet(make_scene: MakeScene) -> None:
    scene = make_scene(devices=1, apps=1)
    serials = [f"S{number:06}" for number in range(400)]
    scene.bridge.assign(serials, scene.adam_ids[0])
    (entry,) = entries(scene)
    assert entry["after"]["devices"] == 400 and len(entry["after"]["named"]) == 50
    assert len(json.dumps(entry)) < 2000
    assert entries(scene, serial="s000399") == [entry]
    assert entries(scene, serial="S000400") == []


def test_what_is_undone_leaves_no_entry(make_scene: MakeScene) -> None:
    scene = plain(make_scene)
    bridge: Bridge = scene.bridge

    class Undone(Exception):
        pass

    def undo() -> None:
        with bridge.database.write() as db:
            bridge.record(db, Deed("pause", "everything is paused", {"device_serial": "C02X"}))
            raise Undone

    with pytest.raises(Undone):
        undo()
    assert entries(scene) == []
    scene.apply()
    scene.run(scene.all_installed)
    before = entries(scene)
    with pytest.raises(WishError):
        bridge.apply(Desired(), allow_removals=0)
    assert bridge.replay_event(event(scene), dry_run=True) is not None
    assert bridge.retry() == 0
    assert not bridge.resume("all")
    assert bridge.unassign(scene.serials, scene.adam_ids[0]) == frozenset()
    client = keyed(scene)
    key = basic(KEYS["claim"])
    assert client.post("/v1/installs/NOPE/1/retry", headers=key).status_code == 404
    assert client.post("/v1/pause", json={"location": "x"}, headers=key).status_code == 422
    wrong = client.post("/v1/locations/hq/claim", json={"mdm_name": "x"}, headers=key)
    assert wrong.get_json()["asked"] is False
    assert entries(scene) == before


def test_a_claim_needs_the_name_of_who_holds_it(make_scene: MakeScene) -> None:
    scene = held_by_others(make_scene)
    client, key = keyed(scene), basic(KEYS["claim"])
    refused = client.post("/v1/locations/hq/claim", json={"mdm_name": "Another"}, headers=key)
    assert refused.status_code == 409
    assert "hq is held by Other MDM" in error_of(refused)
    unknown = client.post("/v1/locations/nowhere/claim", json={"mdm_name": "x"}, headers=key)
    assert unknown.status_code == 404
    assert entries(scene, action="claim") == []
    done = client.post("/v1/locations/hq/claim", json={"mdm_name": "Other MDM"}, headers=key)
    assert done.status_code == 202
    assert done.get_json()["held_by"] == "Other MDM"
    scene.settle()
    info = scene.world.location.client.mdm_info
    assert info is not None and info["name"] == "micromdm-vpp-bridge"
    (entry,) = entries(scene, action="claim")
    assert entry["before"] == {"held_by": "Other MDM", "id": "other-id"}
    scene.run(scene.all_installed)


def test_refusals_are_told_together(make_scene: MakeScene) -> None:
    scene = plain(make_scene)
    client = keyed(scene)
    for _ in range(50):
        key = basic(KEYS["read"])
        assert client.post("/v1/pause", json={"all": True}, headers=key).status_code == 403
    assert client.post("/v1/sync", headers=basic(READ_KEY)).status_code == 403
    for number, method in enumerate(("POST", "DELETE", "BREW")):
        path = f"/v1/nothing/{number}"
        assert client.open(path, method=method, headers=basic(READ_KEY)).status_code == 403
    scene.bridge.refusals.flush()
    found = {each["via"]: each for each in entries(scene, action="refused")}
    assert found["POST /v1/pause"]["times"] == 50
    assert found["POST /v1/pause"]["who"] == "the-read"
    assert found["POST /v1/pause"]["sentence"] == "Refused: this needs the role operate."
    assert (found["POST /v1/sync"]["who"], len(found)) == ("api.read_key", 3)
    assert found["an unknown call"]["times"] == 3
    scene.world.advance(stored_audit.TOGETHER + 1)
    client.post("/v1/pause", json={"all": True}, headers=basic(KEYS["read"]))
    scene.bridge.refusals.flush()
    assert [each["times"] for each in entries(scene, who="the-read")] == [1, 50]


def test_wrong_keys_are_told_apart_from_small_roles(make_scene: MakeScene) -> None:
    scene = plain(make_scene)
    response = keyed(scene).post("/v1/sync", headers=basic("planted-wrong-key"))
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Basic")
    scene.bridge.refusals.flush()
    assert entries(scene) == []


def busy(make_scene: MakeScene) -> tuple[Scene, FlaskClient]:
    """A scene with entries of several keys, users, devices and apps, some with hostile names."""
    scene = make_scene(devices=2, apps=2)
    client = keyed(scene)
    first, second = scene.serials
    operate, apply = basic(KEYS["operate"]), basic(KEYS["apply"])
    for serial in (first, second):
        path = f"/v1/installs/{serial}/{scene.adam_ids[0]}"
        assert client.put(path, json={}, headers=apply).status_code == 201
    scene.world.advance(3 * DAY)
    assert client.post("/v1/pause", json={"serial": first}, headers=operate).status_code == 200
    assert Shell(scene).run("resume", "--serial", first).exit_code == 0
    return scene, client


def test_the_list_is_filtered_and_paged(make_scene: MakeScene) -> None:
    scene, client = busy(make_scene)
    key = basic(READ_KEY)

    def asked(query: str = "") -> list[str]:
        response = client.get(f"/v1/audit{query}", headers=key)
        assert response.status_code == 200, response.get_data(as_text=True)
        return [each["action"] for each in response.get_json()["audit"]]

    assert asked() == ["resume", "pause", "assign", "assign"]
    assert asked("?who=the-apply") == ["assign", "assign"]
    assert asked(f"?serial={scene.serials[0].lower()}") == ["resume", "pause", "assign"]
    assert asked(f"?adam_id={scene.adam_ids[0]}&serial={scene.serials[1]}") == ["assign"]
    assert asked(f"?adam_id={scene.adam_ids[1]}") == []
    assert asked("?action=pause") == ["pause"]
    assert asked("?since=1d") == ["resume", "pause"]
    assert asked("?since=2001-01-01") == ["resume", "pause", "assign", "assign"]
    assert asked("?since=2999-01-01T00:00:00Z") == []
    page = client.get("/v1/audit?limit=3", headers=key).get_json()
    rest = client.get(f"/v1/audit?cursor={page['next_cursor']}", headers=key).get_json()
    assert [each["action"] for each in page["audit"] + rest["audit"]] == asked()
    for query, said in (
        ("since=yesterday", "Write how long ago"),
        ("action=pausing", "did you mean pause"),
        ("who=", "Write the name of a key"),
        ("whom=x", "did you mean who"),
    ):
        refused = client.get(f"/v1/audit?{query}", headers=key)
        assert refused.status_code == 422 and said in error_of(refused)


def test_the_page_shows_who_did_what_and_whose_key_asks(make_scene: MakeScene) -> None:
    scene, client = busy(make_scene)
    assert "/audit" in {page.rule for page in PAGES}
    page = open_page(client, "/audit?since=1d", basic(KEYS["read"]))
    assert "key the-operate" in page.text and f"user {whoever().name}" in page.text
    assert "POST /v1/pause" in page.text and "vpp-bridge resume" in page.text
    assert "key the-read (read)" in page.text
    assert f"/devices/{scene.serials[0]}" in page.links
    whole = client.get("/audit?csv=audit", headers=basic(READ_KEY)).get_data(as_text=True)
    rows = list(csv.DictReader(io.StringIO(whole)))
    assert [row["action"] for row in rows] == ["resume", "pause", "assign", "assign"]
    assert rows[1]["after"].startswith("paused: device ")


def test_the_command_lists_them(make_scene: MakeScene) -> None:
    scene, _ = busy(make_scene)
    shell = Shell(scene)
    told = shell.run("audit", "--since", "1d")
    assert (told.exit_code, told.stderr) == (0, "")
    header, resumed, paused_, *rest = told.stdout.splitlines()
    assert header.split()[:4] == ["id", "when", "who", "action"] and not rest
    assert f"user {whoever().name}" in resumed and "key the-operate" in paused_
    rows = list(csv.DictReader(io.StringIO(shell.run("audit", "--csv").stdout)))
    assert [row["action"] for row in rows] == ["resume", "pause", "assign", "assign"]
    assert json.loads(rows[-1]["after"])["named"] == [scene.serials[0]]
    found = shell.json("audit", "--serial", scene.serials[1])["audit"]
    assert [each["via"] for each in found] == ["PUT /v1/installs/{serial}/{adam_id}"]
    assert shell.run("audit", "--who", "nobody").stdout == "Nobody changed anything of that kind.\n"
    wrong = shell.run("audit", "--since", "lately")
    assert wrong.exit_code == 2 and "neither how long ago" in wrong.stderr


def test_no_secret_is_ever_in_it(make_scene: MakeScene) -> None:
    scene = failed(make_scene)
    shell = Shell(scene)
    shell.want(scene.serials, configuration={"licence": "planted-setting"}, take_over=True)
    assert shell.run("apply", "--yes").exit_code == 0
    scene.settle()
    client = keyed(scene)
    for path, body in (
        (
            "/v1/apply",
            {
                **desired(scene),
                "apps": [
                    {**desired(scene)["apps"][0], "configuration": {"a": "planted-in-a-call"}}
                ],
            },
        ),
        ("/v1/pause", {"all": True}),
        (f"/v1/installs/{pair(scene)}/retry", {}),
        (f"/v1/events/{event(scene)}/replay", {}),
    ):
        for key in (*KEYS.values(), READ_KEY):
            client.post(path, json=body, headers=basic(key))
    scene.bridge.config = replace(scene.bridge.config, api=ApiConfig("planted-new-key"))
    scene.bridge.keep_settings()
    scene.bridge.refusals.flush()
    secrets = (
        *("planted-setting", "planted-in-a-call", "planted-new-key", API_KEY, READ_KEY),
        *(WEBHOOK_KEY, scene.world.location.token, scene.world.mdm.settings.api_key),
        *KEYS.values(),
    )
    with scene.bridge.database.read() as db:
        rows = [tuple(row) for row in db.execute("SELECT * FROM audit").fetchall()]
    assert len(rows) > 8
    assert not [secret for secret in secrets if secret in repr(rows)]


def test_what_is_old_goes_in_small_steps(make_scene: MakeScene) -> None:
    scene = make_scene(
        devices=1, apps=1, policy=replace(Policy(), retention=RetentionPolicy(audit=10 * DAY))
    )
    for number in range(pruning.ROWS + 100):
        scene.bridge.assign([f"S{number}"], scene.adam_ids[0])
    scene.world.advance(11 * DAY)
    scene.bridge.pause("serial", "S1")
    with scene.bridge.database.write() as db:
        before = pruning.bounds(scene.config.policy.retention, scene.world.now)
        for rule in pruning.RULES:
            if rule.table.startswith("audit"):
                found = pruning.find(db, rule, before)
                assert len(found.rows) == pruning.ROWS
                while found.rows:
                    pruning.remove(db, rule, found.rows, before)
                    found = pruning.find(db, rule, before)
        assert db.execute("SELECT count(*) FROM audit_subjects").fetchone()[0] == 1
    assert [each["action"] for each in entries(scene)] == ["pause"]


def test_keys_stand_in_the_file(make_scene: MakeScene) -> None:
    scene = plain(make_scene)
    (scene.tmp_path / "it.key").write_text("planted-it-key\n")
    path = scene.tmp_path / "config.yaml"
    path.write_text(
        "database: bridge.db\napi:\n  keys:\n"
        '    - {name: ops, key: "${OPS}", role: operate}\n'
        "    - {name: it, key_file: it.key, role: apply}\n"
    )
    path.chmod(0o600)
    (scene.tmp_path / "it.key").chmod(0o600)
    config = load_config(path, {"OPS": "planted-ops-key"}, ("database", "policy", "web"))
    assert config.absent("api") == [] and config.warnings == ()
    scene.bridge.config = replace(scene.bridge.config, api=config.api)
    assert "planted" not in repr(config.api)
    client = create_app(scene.bridge).test_client()
    path_of_pair = f"/v1/installs/{pair(scene)}"
    for key, status in (("planted-ops-key", 403), ("planted-it-key", 201), (API_KEY, 401)):
        assert client.put(path_of_pair, json={}, headers=basic(key)).status_code == status
