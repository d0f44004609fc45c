"""Status pages as a person finds them, from a fleet with all that may be wrong with one."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bridge.config import ApiConfig
from bridge.domain.policy import Policy
from bridge.simulator.mdm.mdm import MdmSettings
from bridge.store.views import over_time, totals
from bridge.web import create_app
from bridge.web.pages import PAGES
from bridge.web.pages.render import POLICY
from tests.flow.pages.kit import KEY, Found, every_page, open_page
from tests.flow.pages.troubled import HOSTILE, troubled
from tests.flow.scene import API_KEY, DAY, WEBHOOK_KEY, MakeScene, Scene, rarely
from tests.web_stand_in import basic

READ_KEY = "read-secret"
MDM_KEY = "planted-mdm-key"
READ = basic(READ_KEY)


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    found = troubled(tmp_path, devices=6, mdm=MdmSettings(api_key=MDM_KEY))
    api = ApiConfig(API_KEY, READ_KEY)
    found.bridge.config = replace(found.bridge.config, api=api)
    found.bridge.engine_lock.acquire(0.0)
    found.bridge.engine_lock.beat()
    found.client = create_app(found.bridge).test_client()
    yield found
    found.bridge.engine_lock.release()
    found.bridge.close()


def lines(client: FlaskClient, path: str, headers: dict[str, str] = KEY) -> list[dict[str, str]]:
    response = client.get(path, headers=headers)
    assert response.status_code == 200
    assert response.content_type == "text/csv; charset=utf-8"
    return list(csv.DictReader(io.StringIO(response.get_data(as_text=True))))


def post(client: FlaskClient, form: dict[str, Any], **headers: str) -> Any:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return client.post(form["action"], data=form["fields"], headers=KEY | named)


@pytest.mark.slow
def test_every_page_opens_and_leads_nowhere_else(scene: Scene) -> None:
    pages = every_page(scene.client)
    rules = {re.sub(r"<[a-z_]+>", "[^/]+", page.rule) for page in PAGES}
    opened = {path.partition("?")[0] for path in pages}
    unseen = {rule for rule in rules if not any(re.fullmatch(rule, path) for path in opened)}
    assert unseen == {"/search", "/users"}  # the form of every page; there are no users
    open_page(scene.client, "/search?q=ipad")


def test_the_overview_says_in_one_sentence_what_needs_a_person(scene: Scene) -> None:
    page = open_page(scene.client, "/")
    needing = scene.installs(needs_someone=True)
    wanted = len(scene.installs())
    assert f"{len(needing)} of {wanted} installs need somebody." in page.text
    for install in needing:
        assert install["sentence"] in page.text and install["who_must_act"] in page.text
    assert "Engine runs" in page.text and "Webhooks of main come in" in page.text
    assert "Apple’s notifications to hq come in" in page.text
    assert "Token of hq ends 2028-01-15" in page.text
    assert re.search(r"were confirmed within: \d+\.\d s by notification\.", page.text)


def test_the_overview_is_red_without_an_engine(scene: Scene) -> None:
    scene.bridge.engine_lock.release()
    assert "no engine runs: start vpp-bridge serve" in open_page(scene.client, "/").text
    scene.bridge.engine_lock.acquire(0.0)


def test_the_overview_of_a_fleet_that_has_all_is_green(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=2)
    with_engine(scene)
    assert "No app is wanted yet" in open_page(scene.client, "/").text
    scene.apply()
    scene.run(scene.all_installed)
    page = open_page(scene.client, "/")
    assert "All is well: 4 of 4 installs are done." in page.text
    assert "Nobody has to do anything." in page.text
    assert ("div", {"class": "verdict good", "id": "verdict", "data-live": None}) in page.tags
    scene.bridge.pause("all")
    assert "pause all needs a look" in open_page(scene.client, "/").text.lower()
    scene.bridge.engine_lock.release()


def with_engine(scene: Scene) -> None:
    scene.bridge.engine_lock.acquire(0.0)
    scene.bridge.engine_lock.beat()


def test_an_app_is_shown_by_state_and_reason_with_its_devices(scene: Scene) -> None:
    adam_id = scene.adam_ids[1]
    page = open_page(scene.client, f"/apps/{adam_id}")
    for install in scene.installs(adam_id=adam_id):
        assert install["sentence"] in page.text and install["reason"] in page.text
    (refused,) = [
        path for path in page.links if "reason=DEVICE_REFUSED" in path and "csv" not in path
    ]
    only = open_page(scene.client, refused)
    (stuck,) = scene.installs(adam_id=adam_id, reason="DEVICE_REFUSED")
    assert stuck["sentence"] in only.text
    assert scene.serials[3] not in only.text
    assert "Licences of Numbers, hq" in page.text


def test_a_device_shows_each_app_and_what_happened(scene: Scene) -> None:
    serial, adam_id = scene.serials[2], scene.adam_ids[1]
    page = open_page(scene.client, f"/devices/{serial.lower()}")
    known = scene.install(serial, adam_id)
    assert known["explanation"]["sentence"] in page.text
    assert known["explanation"]["next"] in page.text
    for step in known["trail"]:
        assert step["step"] in page.text
    told = [step["event"] for step in known["trail"] if "event" in step]
    assert told and {f"/events/{event}" for event in told} <= set(page.links)
    udid = scene.world.devices[2].udid
    assert open_page(scene.client, f"/devices/{udid}").text == page.text
    assert "no server has shown it yet" in open_page(scene.client, "/devices/NEVERSEEN1").text


def test_names_from_outside_are_only_text(scene: Scene) -> None:
    for path in ("/", "/devices", f"/devices/{scene.serials[0]}", "/search?q=alert"):
        response = scene.client.get(path, headers=KEY)
        assert b"<script>alert" not in response.data and b"<b onmouse" not in response.data
    page = open_page(scene.client, f"/devices/{scene.serials[0]}")
    assert HOSTILE in page.text
    searched = open_page(scene.client, "/search?q=%3Cscript%3E%22%27")
    assert "<script>\"'" in searched.text


def test_the_search_finds_by_serial_udid_and_names(scene: Scene) -> None:
    udid = scene.world.devices[1].udid[3:20].lower()
    for text in ("SIM0000002", "im000000", "ipad 4", udid, "Num", "361309726"):
        page = open_page(scene.client, f"/search?q={text}")
        assert any(link.startswith(("/devices/", "/apps/")) for link in page.links), text


def test_the_search_takes_signs_for_what_they_are(scene: Scene) -> None:
    for text in ("%25", "_", "!", "%00", "%5C"):
        page = open_page(scene.client, f"/search?q={text}")
        if text == "%00":
            assert "Write a part of" in page.text
            continue
        assert "No device is called so." in page.text
    assert "/devices/NEVERSEEN1" in open_page(scene.client, "/search?q=neverseen1").links


def test_a_message_is_shown_and_handled_again(scene: Scene) -> None:
    event = scene.bridge.list_events(topic="mdm.Connect", limit=1).items[0]
    page = open_page(scene.client, f"/events/{event['id']}")
    assert '"topic": "mdm.Connect"' in page.text
    (button,) = page.buttons
    assert button["action"] == f"/events/{event['id']}/replay"
    done = post(scene.client, button)
    assert done.status_code == 200
    assert "It was handled again" in Found(done.get_data(as_text=True)).text
    assert f"message {event['id']} is handled again" in str(_acts(scene))


def _acts(scene: Scene) -> list[Any]:
    with scene.bridge.database.read() as db:
        return [tuple(row) for row in db.execute("SELECT message FROM acts")]


def test_a_failed_call_has_a_button_and_no_other_has(scene: Scene) -> None:
    with scene.bridge.database.write() as db:
        db.execute("UPDATE outbox SET state = 'failed', error = 'broke' WHERE kind = 'read_assets'")
    failed = scene.bridge.list_outbox(kind="read_assets", limit=1).items[0]
    (button,) = open_page(scene.client, f"/outbox/{failed['id']}").buttons
    done = post(scene.client, button)
    assert done.status_code == 200 and b"It is made again" in done.data
    assert open_page(scene.client, f"/outbox/{failed['id']}").buttons == []
    again = post(scene.client, button)
    assert again.status_code == 409 and b"It is not made again" in again.data


def retry_button(scene: Scene) -> dict[str, Any]:
    """The one on the page of a device whose install failed."""
    buttons = open_page(scene.client, f"/devices/{scene.serials[2]}").buttons
    (button,) = (each for each in buttons if each["action"].endswith("/retry"))
    return button


def test_who_needs_somebody_is_given_another_round(scene: Scene) -> None:
    done = post(scene.client, retry_button(scene))
    assert "1 install got another round." in Found(done.get_data(as_text=True)).text
    assert scene.install(scene.serials[2], scene.adam_ids[1])["state"] != "failed"


@pytest.mark.parametrize("scope", ["app", "serial", "location"])
def test_what_a_page_is_about_is_paused_and_resumed_there(scene: Scene, scope: str) -> None:
    name = {"app": scene.adam_ids[0], "serial": scene.serials[0], "location": "hq"}[scope]
    path = {"app": "/apps/", "serial": "/devices/", "location": "/locations/"}[scope] + name
    (button,) = (b for b in open_page(scene.client, path).buttons if b["action"].endswith("/pause"))
    assert button["action"] == f"{path}/pause"
    done = post(scene.client, button)
    assert (done.status_code, b"It is paused. Nothing more is sent" in done.data) == (200, True)
    assert [(p["scope"], p["name"]) for p in scene.bridge.paused()] == [(scope, name)]
    assert b"It was paused already." in post(scene.client, button).data
    page = open_page(scene.client, path)
    assert "is paused since" in page.text
    actions = [each["action"] for each in page.buttons]
    assert f"{path}/pause" not in actions
    (button,) = (each for each in page.buttons if each["action"] == f"{path}/resume")
    assert b"It goes on" in post(scene.client, button).data
    assert scene.bridge.paused() == []
    assert b"It was not paused." in post(scene.client, button).data
    assert post(scene.client, button | {"fields": {}}).status_code == 403
    (entry, *_) = scene.bridge.list_audit(action="resume").items
    assert entry["via"].endswith("/resume")


def test_another_site_presses_no_button(scene: Scene) -> None:
    button = retry_button(scene)
    for headers in (
        {"Origin": "https://evil.example.org"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ):
        assert post(scene.client, button, **headers).status_code == 403
    assert scene.install(scene.serials[2], scene.adam_ids[1])["state"] == "failed"


def test_the_log_says_why_a_page_was_refused(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.client.get("/devices")
    assert "a request is refused: The API's user or key is missing or wrong" in caplog.text


def test_a_button_takes_its_own_token_alone(scene: Scene) -> None:
    button = retry_button(scene)
    (other,) = open_page(scene.client, "/events/3").buttons
    for fields in ({}, {"token": ""}, {"token": "é"}, other["fields"]):
        done = post(scene.client, button | {"fields": fields})
        assert done.status_code == 403
        assert "open the page and try again" in done.get_data(as_text=True)
    assert scene.install(scene.serials[2], scene.adam_ids[1])["state"] == "failed"


@pytest.mark.slow
def test_the_read_key_sees_all_pages_and_no_button(scene: Scene) -> None:
    pages = every_page(scene.client, READ)
    assert len(pages) > 20
    assert [page.buttons for page in pages.values() if page.buttons] == []
    button = retry_button(scene)
    assert (
        scene.client.post(button["action"], data=button["fields"], headers=READ).status_code == 403
    )


@pytest.mark.slow
def test_no_secret_stands_on_any_page(scene: Scene) -> None:
    secrets = [API_KEY, READ_KEY, WEBHOOK_KEY, scene.world.location.token]
    secrets += [MDM_KEY]
    for path in every_page(scene.client):
        shown = scene.client.get(path, headers=KEY).get_data(as_text=True)
        assert not [secret for secret in secrets if secret in shown], path


@pytest.mark.parametrize("path", ["/", "/apps", "/devices/NOPE", "/static/style.css", "/apps/x/y"])
@pytest.mark.parametrize("headers", [{}, basic("wrong"), basic(WEBHOOK_KEY, "mdm"), basic("")])
def test_nobody_comes_in_without_a_key(
    make_scene: MakeScene, path: str, headers: dict[str, str]
) -> None:
    scene = make_scene(devices=1, apps=1)
    response = scene.client.get(path, headers=headers)
    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith('Basic realm="bridge"')
    assert response.headers["Content-Security-Policy"] == POLICY
    assert "user or key is missing or wrong" in Found(response.get_data(as_text=True)).text


@pytest.mark.parametrize(
    ("method", "path", "status", "sentence"),
    [
        ("GET", "/apps/1", 404, "No app of this number is wanted"),
        ("GET", "/apps/x", 422, "An adam id is 1 to 19 digits"),
        ("GET", "/devices/NOPE", 404, "No device of this serial number"),
        ("GET", "/devices/a%20b", 422, "A serial number or an enrolment id is"),
        ("GET", "/locations/none", 404, "No location of this name is configured."),
        ("GET", "/events/999999", 404, "There is no message with this id"),
        ("GET", "/events/0", 422, "The id must be a number"),
        ("GET", "/outbox/999999", 404, "There is no call with this id"),
        ("GET", "/apps/1/2/3", 404, "There is nothing under this path."),
        ("GET", "/events?sorce=mdm", 422, "did you mean source"),
        ("GET", "/events?source=mmd", 422, "did you mean mdm"),
        ("GET", "/events?cursor=x!", 400, "The cursor is garbled"),
        ("GET", "/events?cursor=abc", 400, "begin without a cursor"),
        ("GET", "/?csv=nothing", 404, "its tables are needs-somebody, apps"),
        ("POST", "/apps", 405, "This path does not take this method."),
        ("DELETE", "/devices", 405, "This path does not take this method."),
        ("GET", "/events/1/replay", 405, "This path does not take this method."),
    ],
)
def test_what_is_no_page_says_why(
    make_scene: MakeScene, method: str, path: str, status: int, sentence: str
) -> None:
    scene = make_scene(devices=1, apps=1)
    scene.settle()
    response = scene.client.open(path, method=method, headers=KEY)
    assert response.status_code == status
    assert response.headers["Content-Security-Policy"] == POLICY
    assert sentence in Found(response.get_data(as_text=True)).text


def test_what_a_form_leaves_empty_is_not_asked_for(scene: Scene) -> None:
    whole = open_page(scene.client, "/events")
    assert open_page(scene.client, "/events?source=&status=&topic=").text == whole.text
    only = lines(scene.client, "/events?source=apple&status=&csv=events")
    assert {row["from"] for row in only} == {"apple hq"}


def test_head_is_the_page_without_its_body(scene: Scene) -> None:
    for path in ("/", "/devices", "/static/live.js"):
        response = scene.client.head(path, headers=KEY)
        assert (response.status_code, response.data) == (200, b"")
        assert response.headers["Content-Security-Policy"] == POLICY


def test_every_answer_says_what_a_browser_may_do(scene: Scene) -> None:
    for path in ("/", "/nothing/", "/static/style.css", "/apps/1", "/?csv=apps"):
        response = scene.client.get(path, headers=KEY)
        if path != "/nothing/":
            assert response.headers["Content-Security-Policy"] == POLICY
            assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert scene.client.get("/", headers=KEY).headers["Cache-Control"] == "no-store"


@pytest.mark.slow
def test_every_table_is_there_as_csv(scene: Scene) -> None:
    tables = {link for page in every_page(scene.client).values() for link in page.links}
    tables = {link for link in tables if "csv=" in link}
    assert len(tables) > 20
    for path in tables:
        assert lines(scene.client, path), path
    needing = lines(scene.client, "/?csv=needs-somebody")
    expected = [i["sentence"] for i in scene.installs(needs_someone=True)]
    assert sorted(row["what is so"] for row in needing) == sorted(expected)


def test_csv_has_all_rows_and_names_that_are_no_formulas(scene: Scene) -> None:
    with scene.bridge.database.write() as db:
        for number in range(60):
            db.execute(
                "INSERT INTO devices (server, udid, serial_number, name, created_at) "
                "VALUES ('main', ?, ?, '=1+1', 0)",
                (f"U-{number}", f"MORE{number}"),
            )
    page = open_page(scene.client, "/devices")
    (more,) = [link for link in page.links if "cursor=" in link]
    assert "MORE59" not in page.text and "MORE59" in open_page(scene.client, more).text
    rows = lines(scene.client, "/devices?csv=devices")
    assert len(rows) == 66 - 1
    assert {row["name"] for row in rows if row["device"].startswith("MORE")} == {"'=1+1"}


def test_csv_that_is_there_already_is_not_sent_again(scene: Scene) -> None:
    first = scene.client.get("/apps?csv=apps", headers=KEY)
    tag = first.headers["ETag"]
    again = scene.client.get("/apps?csv=apps", headers=KEY | {"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    scene.bridge.unassign([], scene.adam_ids[0])
    with scene.bridge.database.write() as db:
        db.execute("UPDATE installs SET state = 'waiting' WHERE state = 'failed'")
    changed = scene.client.get("/apps?csv=apps", headers=KEY | {"If-None-Match": tag})
    assert changed.status_code == 200 and changed.headers["ETag"] != tag


def test_times_are_in_the_zone_of_the_policy(scene: Scene) -> None:
    zone = "Asia/Kolkata"
    scene.bridge.config = replace(scene.bridge.config, policy=replace(Policy(), time_zone=zone))
    client = create_app(scene.bridge).test_client()
    page = open_page(client, f"/devices/{scene.serials[2]}")
    assert f"times are {zone}" in page.text and "2027-01-15 13:3" in page.text
    rows = lines(client, f"/devices/{scene.serials[2]}?csv=apps")
    assert all(row["since"].endswith("+05:30") for row in rows)


def test_without_a_database_a_page_says_so(scene: Scene) -> None:
    scene.bridge.close()
    page = open_page(scene.client, "/", status=503)
    assert "The database cannot be used at the moment." in page.text
    scene.bridge.open()


def test_how_installs_stood_is_kept_and_forgotten(make_scene: MakeScene) -> None:
    scene = make_scene(devices=2, apps=1, policy=rarely())
    scene.apply()
    scene.run(scene.all_installed)
    scene.pass_time(1300)
    assert "now 2 of 2 are installed." in open_page(scene.client, "/").text
    rows = lines(scene.client, "/?csv=states-over-time")
    assert len(rows) == 2 and rows[-1]["installed"] == "2"
    with scene.bridge.database.write() as db:
        for days in (2, 9, 61):
            over_time.keep(db, totals.installs(db), scene.now() - days * DAY)
    assert len(lines(scene.client, "/?csv=states-over-time")) == 4  # by days, and now
    scene.pass_time(2 * 3600)
    with scene.bridge.database.read() as db:
        found = db.execute("SELECT step, slot FROM install_counts").fetchall()
    ages = {(row[0], round((scene.now() / row[0] - row[1]) * row[0] / DAY)) for row in found}
    old = {(step, age) for step, age in ages if age > 0.5}
    assert old == {(3600, 2), (86400, 2), (86400, 3), (86400, 9), (86400, 10)} & old
    assert {age for step, age in old if step == 86400} and (600, 2) not in ages
    assert (3600, 9) not in ages and not any(age > 60 for _, age in ages)
