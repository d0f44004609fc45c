"""config.example.yaml and the program know the same keys and the same defaults."""

import re
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.config import Config, load_config
from bridge.config.alerts import ALERT_KEYS
from bridge.config.api import KEYS as API_KEYS
from bridge.config.api import NAMED_KEYS
from bridge.config.desired import APP_KEYS, GROUP_KEYS
from bridge.config.load import APPLE_KEYS, LOCATION_KEYS, SERVER_KEYS, TOP_KEYS
from bridge.config.model import APPLE_URL, LISTEN
from bridge.config.updates import UPDATE_KEYS
from bridge.config.users import USER_KEYS
from bridge.domain.desired.desired import AppWish
from bridge.domain.desired.match import MATCH_KEYS
from bridge.domain.policy import Policy

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
SECTIONS = {
    "": TOP_KEYS,
    "api": API_KEYS,
    "api.keys.0": ("name", "key", "role"),
    "api.keys.1": ("name", "key_file", "role"),
    "servers.main": SERVER_KEYS,
    "locations.hq": LOCATION_KEYS,
    "apple": APPLE_KEYS,
    "apps.0": APP_KEYS,
    "users.0": USER_KEYS,
    "alerts.0": ALERT_KEYS,
}
FREE = {
    "api.keys.0",
    "api.keys.1",
    "servers.main",
    "locations.hq",
    "apps.0",
    "users.0",
    "alerts.0",
} | {f"groups.{name}" for name in ("kiosks", "sales", "new-ipads", "everyone", "staff")}
"""Names that the admin chooses, and places in lists."""


def below(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def policy_keys(value: Any, prefix: str) -> Iterator[str]:
    for field in fields(value):
        key = below(prefix, field.name)
        yield key
        if is_dataclass(inner := getattr(value, field.name)):
            yield from policy_keys(inner, key)


def known_keys() -> set[str]:
    known = {below(section, name) for section, names in SECTIONS.items() for name in names}
    ways = (
        "kiosks.serials",
        "sales.serials_file",
        "new-ipads.match",
        "everyone.all",
        "staff.users",
    )
    groups = {f"groups.{name}" for name in ways}
    of_any = {"time_zone", "before_enrolment"}
    assert {key.rpartition(".")[2] for key in groups} | of_any == set(GROUP_KEYS)
    groups |= {f"groups.new-ipads.{key}" for key in of_any}
    groups |= {f"apps.0.update.{key}" for key in UPDATE_KEYS}
    groups |= {f"groups.new-ipads.match.{key}" for key in MATCH_KEYS}
    return known | groups | FREE | set(policy_keys(Policy(), "policy"))


def keys_in(value: Any, prefix: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        entries = value.items()
    elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
        entries = enumerate(value)
    else:
        return
    for name, inner in entries:
        key = below(prefix, str(name))
        yield key
        yield from keys_in(inner, key)


def uncommented() -> str:
    """The example with its optional keys switched on: `#key:` is one, `# text` is prose, and what
    is further in belongs to an optional key."""
    text = re.sub(r"^#(?=  )", "", EXAMPLE.read_text(), flags=re.MULTILINE)
    return re.sub(r"^( *)#(?=[a-z_]+:)", r"\1", text, flags=re.MULTILINE)


def test_the_example_has_every_key_and_no_other() -> None:
    read = yaml.load(uncommented(), yaml.BaseLoader)  # as it is written: `on` is a key
    assert set(keys_in(read)) == known_keys()


@pytest.fixture
def example(tmp_path: Path) -> Config:
    path = tmp_path / "config.yaml"
    path.write_text(EXAMPLE.read_text())
    (tmp_path / "hq.vpptoken").touch(0o600)
    (tmp_path / "sales.txt").write_text("C02XL0GYJGH5  # Ann\n")
    names = ("BRIDGE_API_KEY", "MICROMDM_API_KEY", "BRIDGE_WEBHOOK_KEY")
    return load_config(path, {name: f"value of {name}" for name in names})


def test_the_example_has_every_key_of_a_key() -> None:
    shown = set(SECTIONS["api.keys.0"]) | set(SECTIONS["api.keys.1"])
    assert shown == set(NAMED_KEYS)


def test_the_example_works_as_it_is(example: Config) -> None:
    example.require("servers", "locations", "api")
    assert example.warnings == ()


def test_the_example_shows_the_defaults(example: Config) -> None:
    assert example.policy == Policy()
    assert (example.listen, example.apple_url) == (LISTEN, APPLE_URL)
    assert example.allow_http is False
    server, app = example.servers["main"], example.desired.apps[0]
    assert (server.kind, server.forward_to) == ("micromdm", ())
    plain = AppWish(app.adam_id, app.groups, app.location)
    for key in ("pricing_param", "mode", "priority"):
        assert getattr(app, key) == getattr(plain, key)


def test_every_key_has_a_comment_before_it_or_before_its_siblings() -> None:
    lines = EXAMPLE.read_text().splitlines()
    bare = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if re.match(r" *(- +)?#?[a-z_]+:", line)
        and not re.match(r" *(- )?# |.*: *$| *#?[a-z_]+:", before)
    ]
    assert bare == []
