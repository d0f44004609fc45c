"""Groups and apps that come as JSON mean what they mean in the file, and name nothing of ours."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.config import load_config
from bridge.config.document import read_document
from bridge.errors import ConfigError

GROUPS: dict[str, Any] = {
    "kiosks": {"serials": ["C02XL0GYJGH5", "c02xl0gyjgh6"]},
    "new-ipads": {"match": {"product_name": "iPad*", "os_version": ">=17"}},
    "everyone": {"all": True},
}
APPS: list[Any] = [
    {"adam_id": "361309726", "name": "Pages 😀", "groups": ["everyone"], "exclude": ["kiosks"]},
    {
        "adam_id": 361310739,
        "groups": ["kiosks"],
        "location": "hq",
        "priority": -3,
        "configuration": {"server": "a\nb", "numbers": [1, 2.5, True], "texts": ["8443", "1e5"]},
        "prevent_backup": True,
    },
]


def mistakes(groups: Any, apps: Any = ()) -> list[str]:
    with pytest.raises(ConfigError) as raised:
        read_document(groups, list(apps) if apps == () else apps, ["hq"])
    return list(raised.value.mistakes)


def test_it_means_what_it_means_in_the_file(tmp_path: Path) -> None:
    document = {"groups": GROUPS, "apps": APPS}
    rest = {"database": "b", "locations": {"hq": {"content_token_file": "t"}}}
    (tmp_path / "config.yaml").write_text(json.dumps(rest | document))
    (tmp_path / "t").touch()
    desired = read_document(GROUPS, APPS, ["hq"])
    assert desired == load_config(tmp_path / "config.yaml", {}).desired
    assert [app.adam_id for app in desired.apps] == ["361309726", "361310739"]


def test_nothing_is_wanted_by_nothing() -> None:
    desired = read_document({}, [], [])
    assert (desired.groups, desired.apps) == ((), ())


def test_no_file_and_no_variable_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("C02XL0GYJGH5\n")
    assert mistakes({"a": {"serials_file": str(secret)}}) == [
        "groups.a.serials_file: names a file; write the serial numbers themselves"
    ]
    assert mistakes({"a": {"serials": ["${HOME}"]}}) == [
        "groups.a.serials.0: names a variable; write the value itself"
    ]


@pytest.mark.parametrize(
    ("groups", "apps", "said"),
    [
        ([], [], "groups: must have keys under it"),
        ({}, {}, "apps: must be a list"),
        ({"A": {"all": True}}, [], 'groups.A: "A" is not a name'),
        ({"a": {"serial": ["X"]}}, [], "groups.a.serial: unknown key; did you mean serials?"),
        ({"a": {"serials": ["no good"]}}, [], "groups.a.serials.0:"),
        ({"a": {"serials": [True, None]}}, [], "groups.a.serials.1: is empty"),
        ({"a": {"serials": [["X"]]}}, [], "groups.a.serials.0: must be one value"),
        ({"a": {"serials": ["\ud800"]}}, [], "groups.a.serials.0: is not text"),
        ({}, [{"groups": ["x"]}], "apps.0.groups.0:"),
        ({}, [1.5], "apps.0: must have keys"),
    ],
)
def test_each_mistake_is_named_by_its_place(groups: Any, apps: Any, said: str) -> None:
    assert any(line.startswith(said) for line in mistakes(groups, apps)), mistakes(groups, apps)


def test_what_is_nested_too_deeply_is_one_mistake() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert mistakes({}, deep) == ["groups and apps are nested too deeply"]
    while deep:  # or its end would be a recursion of its own
        deep = deep.pop()
