"""`installs`: all troubles in one look, for people, spreadsheets and programs."""

from __future__ import annotations

import base64
import csv
import io
from collections.abc import Callable
from typing import Any

import pytest

from tests.flow.cli_kit import Shell
from tests.flow.scene import API_KEY, Scene

HEADER = (
    "serial_number,device_name,adam_id,app_name,state,reason,who_must_act,needs_someone,sentence,"
    "detail,enrollment_id,client_user_id,version,newest_version,bundle_id,pricing_param,location,"
    "server,udid,wanted_by,attempts,since,updated_at,next_check_at"
)
"""The columns as CSV, in one order for ever: what is new comes last."""
NEVER_SEEN = "NEVERSEEN1"
KEY = {"Authorization": "Basic " + base64.b64encode(f"bridge:{API_KEY}".encode()).decode()}


@pytest.fixture
def shell(make_scene: Callable[..., Scene]) -> Shell:
    """Two of three devices have both apps, one waits for seats, and one was never seen."""
    scene = make_scene(devices=3, apps=2, seats=2)
    shell = Shell(scene)
    groups = {
        "them": {"serials": scene.serials},
        "ghosts": {"serials": [NEVER_SEEN]},
        "pads": {"match": {"product_name": "iPad*"}},
        "everyone": {"all": True},
    }
    apps = [
        {"adam_id": a, "name": scene.world.catalogue[a][1], "groups": ["them", "ghosts"]}
        for a in scene.adam_ids
    ]
    shell.write(desired=f"groups: {groups}\napps: {apps}\n".replace("True", "true"))
    assert shell.run("apply", "--yes").exit_code == 0
    scene.run(lambda: scene.states().get("installed INSTALLED") == 4)
    scene.settle()
    return shell


def found(shell: Shell, *options: str) -> list[tuple[str, str]]:
    installs = shell.json("installs", *options, "--all")["installs"]
    return [(i["serial_number"], i["reason"]) for i in installs]


def test_an_install_names_all_that_a_person_asks_for(shell: Shell) -> None:
    scene = shell.scene
    options = ("--serial", NEVER_SEEN, "--app", scene.adam_ids[0])
    (install,) = shell.json("installs", *options)["installs"]
    assert (
        install
        | {
            "app_name": "Pages",
            "device_name": None,
            "who_must_act": "the admin",
            "needs_someone": True,
            "version": None,
            "newest_version": "1.0",
            "enrollment_id": None,
        }
        == install
    )
    assert install["sentence"].startswith(f"{NEVER_SEEN} is not enrolled")
    told = shell.json("why", NEVER_SEEN, scene.adam_ids[0], code=1)
    assert install["sentence"] == told["explanation"]["sentence"] == told["sentence"]


def test_filters_narrow_the_list(shell: Shell) -> None:
    serials, (pages, numbers) = shell.scene.serials, shell.scene.adam_ids
    everything = found(shell)
    assert len(everything) == 8
    ghosts = [(NEVER_SEEN, "NOT_ENROLLED")] * 2
    assert found(shell, "--reason", "not-enrolled") == ghosts
    assert found(shell, "--needs-someone") == [
        each for each in everything if each[1] != "INSTALLED"
    ]
    assert len(found(shell, "--needs-someone", "--app", pages)) == 2
    assert len(found(shell, "--state", "installed", "--app", numbers)) == 2
    assert [serial for serial, _ in found(shell, "--serial", serials[0])] == [serials[0]] * 2
    assert found(shell, "--group", "ghosts") == ghosts
    assert {serial for serial, _ in found(shell, "--group", "pads")} == {serials[1]}
    assert len(found(shell, "--group", "everyone")) == 6
    assert {serial for serial, _ in found(shell, "--group", "them")} == set(serials)
    assert shell.run("installs", "--state", "conflict").stdout == "No installs.\n"


def test_they_are_counted_by_reason(shell: Shell) -> None:
    counted = shell.json("installs", "--by", "reason")["reasons"]
    assert [(c["reason"], c["count"], c["who_must_act"]) for c in counted] == [
        ("INSTALLED", 4, "nobody"),
        ("NOT_ENROLLED", 2, "the admin"),
        ("NO_SEAT", 2, "the admin"),
    ]
    narrowed = ("installs", "--by", "reason", "--needs-someone", "--group", "them")
    assert [c["reason"] for c in shell.json(*narrowed)["reasons"]] == ["NO_SEAT"]
    assert shell.run(*narrowed).stdout.splitlines() == [
        "installs  state    reason   who must act",
        "       2  waiting  NO_SEAT  the admin",
    ]
    assert shell.run(*narrowed, "--csv").stdout.splitlines() == [
        "count,state,reason,who_must_act,needs_someone",
        "2,waiting,NO_SEAT,the admin,true",
    ]


def test_as_csv_all_come_in_one_order(shell: Shell) -> None:
    result = shell.run("installs", "--csv")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.splitlines()[0] == HEADER
    items = shell.json("installs", "--all")["installs"]
    rows = list(csv.DictReader(io.StringIO(result.stdout)))
    assert rows == [{name: as_csv(item[name]) for name in HEADER.split(",")} for item in items]
    assert set(items[0]) == set(HEADER.split(","))


def as_csv(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@pytest.mark.parametrize("name", ["devices", "assets", "assignments", "events", "outbox"])
def test_other_lists_as_csv_have_what_json_has(shell: Shell, name: str) -> None:
    items = shell.json(name, "--all")[name]
    header, *lines = shell.run(name, "--csv").stdout.splitlines()
    assert set(header.split(",")) == set(items[0])
    assert len(lines) == len(items)
    limited = shell.run(name, "--csv", "--limit", "1")
    assert len(limited.stdout.splitlines()) == 2
    assert "more than these 1:" in limited.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--group", "thm"], "no group thm was applied; did you mean them"),
        (["--reason", "NO_SEATS"], "'NO_SEATS' is unknown; did you mean NO_SEAT"),
        (["--json", "--csv"], "write --json or --csv, not both"),
    ],
)
def test_a_mistake_is_one_sentence(shell: Shell, options: list[str], said: str) -> None:
    result = shell.run("installs", *options)
    assert (result.exit_code, result.stdout) == (2, "")
    (line,) = result.stderr.splitlines()
    assert said in line


def test_status_takes_the_same_filters(shell: Shell) -> None:
    narrowed = ("--needs-someone", "--group", "them")
    assert shell.json("status", *narrowed) == shell.json("installs", *narrowed)
    assert shell.run("status", *narrowed).stdout == shell.run("installs", *narrowed).stdout


def test_the_api_takes_the_same_filters(shell: Shell) -> None:
    def get(query: str) -> Any:
        return shell.scene.client.get(f"/v1/installs?{query}", headers=KEY)

    asked = get("needs_someone=true&group=them").json
    narrowed = ("--needs-someone", "--group", "them")
    assert asked["installs"] == shell.json("installs", *narrowed)["installs"]
    assert len(get("needs_someone=false").json["installs"]) == 4
    first = get("group=them&limit=4").json
    rest = get(f"group=them&limit=4&cursor={first['next_cursor']}").json
    assert len(first["installs"] + rest["installs"]) == 6 and rest["next_cursor"] is None
    unknown = get("group=thm")
    assert unknown.status_code == 422
    assert unknown.json == {"error": "No group thm was applied; did you mean them."}
    assert get("needs_someone=maybe").status_code == 422


def test_a_pause_is_told_as_its_reader_ends_it(shell: Shell) -> None:
    serial, pages = shell.scene.serials[2], shell.scene.adam_ids[0]
    shell.run("pause", "--app", pages)
    shell.scene.settle()
    (listed,) = shell.json("installs", "--reason", "PAUSED", "--serial", serial)["installs"]
    assert f"vpp-bridge resume --app {pages} ends it" in listed["sentence"]
    told = shell.json("why", serial, pages, code=1)
    assert listed["sentence"] == told["sentence"]
    query = f"/v1/installs?serial={serial}&adam_id={pages}"
    (asked,) = shell.scene.client.get(query, headers=KEY).json["installs"]
    assert "POST /v1/resume" in asked["sentence"]
