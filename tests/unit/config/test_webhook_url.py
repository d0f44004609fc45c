"""The address that an MDM server is given, with its key as it must stand in a URL."""

from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config import Config, ServerConfig, in_userinfo


def config(key: str, **changes: object) -> Config:
    server = ServerConfig("main", "micromdm", "https://mdm.example.org", "k", (key, "older"))
    path = Path("config.yaml")
    return Config(path, path.with_name("bridge.db"), servers={"main": server}, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changes", "shown"),
    [
        ({}, "http://mdm:<webhook_key>@127.0.0.1:9008/hooks/mdm/main"),
        ({"listen": ("0.0.0.0", 80)}, "http://mdm:<webhook_key>@127.0.0.1:80/hooks/mdm/main"),
        ({"listen": ("::", 80)}, "http://mdm:<webhook_key>@[::1]:80/hooks/mdm/main"),
        (
            {"public_url": "https://b.example.org/at"},
            "https://mdm:<webhook_key>@b.example.org/at/hooks/mdm/main",
        ),
    ],
)
def test_the_key_is_not_shown_unless_asked_for(changes: dict[str, object], shown: str) -> None:
    assert config("k#y", **changes).webhook_url("main") == shown
    with_key = config("k#y", **changes).webhook_url("main", with_key=True)
    assert with_key == shown.replace("<webhook_key>", "k%23y")


@given(st.text(st.characters(exclude_categories=("Cs",)), min_size=1))
def test_any_key_survives_in_an_address(key: str) -> None:
    parts = urlsplit(config(key).webhook_url("main", with_key=True))
    assert unquote(parts.password or "") == key
    assert (parts.hostname, parts.port, parts.path) == ("127.0.0.1", 9008, "/hooks/mdm/main")
    assert not (parts.query or parts.fragment)


@pytest.mark.parametrize("character", '#/?%@: "<>[]\\^`{|}+&=é')
def test_what_means_something_else_in_a_url_is_percent_encoded(character: str) -> None:
    assert in_userinfo(f"a{character}b") != f"a{character}b"


@pytest.mark.parametrize("key", ["abcXYZ019", "a-b.c_d~e"])
def test_what_means_nothing_stays(key: str) -> None:
    assert in_userinfo(key) == key
