"""Where the database is: a file, or one on a server, whose password nobody is ever shown."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bridge.config import Config, load_config
from bridge.config.settings import changed
from bridge.domain.database_url import DatabaseUrl, without_password
from bridge.errors import ConfigError

URL = "postgresql://bridge:hunter2@db.example.org:5433/vpp?sslmode=verify-full"
SHOWN = "postgresql://db.example.org:5433/vpp"


def load(folder: Path, text: str, environ: Mapping[str, str] | None = None) -> Config:
    path = folder / "config.yaml"
    path.touch(0o600)
    path.write_text(text)
    return load_config(path, environ or {})


def url_of(config: Config) -> DatabaseUrl:
    assert isinstance(config.database, DatabaseUrl)
    return config.database


@pytest.mark.parametrize(
    ("text", "environ"),
    [
        (f"database: {URL}\n", {}),
        ("database: ${URL}\n", {"URL": URL}),
        (f"database: {URL.replace('hunter2', '${PASSWORD}')}\n", {"PASSWORD": "hunter2"}),
        (f"database: {URL.replace('postgresql:', 'postgres:')}\n", {}),
        ("database_file: where\n", {}),
        ("database: bridge.db\n", {"BRIDGE_DATABASE": URL}),
        ("database_file: not-there\n", {"BRIDGE_DATABASE": URL}),
    ],
)
def test_a_url_names_one_on_a_server(tmp_path: Path, text: str, environ: Mapping[str, str]) -> None:
    secret = tmp_path / "where"
    secret.touch(0o600)
    secret.write_text(URL + "\n")
    config = load(tmp_path, text, environ)
    assert url_of(config).text == URL
    assert str(config.database) == SHOWN
    assert "hunter2" not in f"{config} {config!r}"
    assert config.warnings == ()


def test_a_url_in_the_environment_gives_way_to_a_path(tmp_path: Path) -> None:
    config = load(tmp_path, f"database: {URL}\n", {"BRIDGE_DATABASE": "other.db"})
    assert config.database == tmp_path / "other.db"


def test_another_password_is_no_other_setting(tmp_path: Path) -> None:
    """Nothing that is kept of a configuration is made of it."""
    one = load(tmp_path, f"database: {URL}\n")
    assert changed(one, load(tmp_path, "database: bridge.db\n")) == []


def test_connections_are_kept_as_the_file_says(tmp_path: Path) -> None:
    rest = "pool_size: 3\nconn_max_lifetime: 30m\nconn_max_idle_time: 90s\nsocket_timeout: 20m\n"
    url = url_of(load(tmp_path, f"database: {URL}\n{rest}"))
    assert (url.pool_size, url.conn_max_lifetime, url.conn_max_idle_time) == (3, 1800.0, 90.0)
    assert url.socket_timeout == 1200.0
    usual = url_of(load(tmp_path, f"database: {URL}\n"))
    assert (usual.pool_size, usual.conn_max_lifetime, usual.conn_max_idle_time) == (
        *(10, 3600.0),
        600.0,
    )
    assert usual.socket_timeout == 330.0


@pytest.mark.parametrize(
    "key", ["pool_size", "conn_max_lifetime", "conn_max_idle_time", "socket_timeout"]
)
def test_a_file_has_no_connections_to_keep(tmp_path: Path, key: str) -> None:
    value = "3" if key == "pool_size" else "1h"
    with pytest.raises(ConfigError, match=rf"config\.yaml:2: {key}: is for a database of a server"):
        load(tmp_path, f"database: bridge.db\n{key}: {value}\n")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mysql://bridge:hunter2@db/vpp", "names no database that the bridge knows; write"),
        ("postgresql+psycopg://bridge:hunter2@db/vpp", "names no database that the bridge knows"),
        ("sqlite:///bridge.db", "names no database that the bridge knows"),
        ("host=db user=bridge password=hunter2", "is not a URL; write it like postgresql://"),
        ("postgresql://bridge:hun/ter2@db/vpp", "has a sign in its user or password that must be"),
        ("postgresql://bridge:hun@ter2@db/vpp", "has a sign in its user or password that must be"),
        ("postgresql://bridge:hun#ter2@db/vpp", "has a sign in its user or password that must be"),
        ("postgresql://bridge:hun?ter2@db/vpp", "has a ? in its user or password"),
        ("postgresql://bridge:hun%ter2@db/vpp", "has a % that is followed by no code; write %25"),
    ],
)
def test_what_is_wrong_is_told_without_the_password(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "where").touch(0o600)
    (tmp_path / "where").write_text(text)
    for written, key in ((f"database: '{text}'\n", "database"), ("database_file: where\n", "")):
        with pytest.raises(ConfigError) as raised:
            load(tmp_path, written)
        (mistake,) = raised.value.mistakes
        assert f"config.yaml:1: {key or 'database_file'}: {said}" in mistake
        assert not {"hunter2", "hun", "ter2"} & set(mistake.replace(":", " ").split())
        assert "hun" not in mistake


def test_both_a_url_and_a_file_are_one_too_many(tmp_path: Path) -> None:
    (tmp_path / "where").touch(0o600)
    (tmp_path / "where").write_text(URL)
    with pytest.raises(ConfigError, match="database_file: given beside database; keep one"):
        load(tmp_path, f"database: {URL}\ndatabase_file: where\n")


def test_without_psycopg_it_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bridge.config.database.find_spec", lambda _name: None)
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, f"database: {URL}\n")
    assert raised.value.mistakes == (
        f"{tmp_path}/config.yaml:1: database: needs psycopg, which is not installed; run "
        "pip install 'micromdm-vpp-bridge[postgresql]'",
    )
    assert load(tmp_path, "database: bridge.db\n").database == tmp_path / "bridge.db"


def test_a_password_that_everybody_can_read_is_warned_of(tmp_path: Path) -> None:
    load(tmp_path, f"database: {URL}\n")
    path = tmp_path / "config.yaml"
    path.chmod(0o644)
    (warning,) = load_config(path, {}).warnings
    assert "config.yaml:1: database: is written in a file that can be read by everyone" in warning
    for harmless in ("bridge.db", "postgresql://bridge@db/vpp", "postgresql:///vpp?user=bridge"):
        path.write_text(f"database: {harmless}\n")
        assert load_config(path, {}).warnings == ()


@pytest.mark.parametrize(
    ("url", "without"),
    [
        (URL, "postgresql://bridge@db.example.org:5433/vpp?sslmode=verify-full"),
        ("postgresql:///vpp?user=bridge&password=x&sslpassword=y&host=/run/pg", None),
        ("postgresql://db/vpp?password=x", "postgresql://db/vpp"),
    ],
)
def test_other_programs_are_given_it_without_the_password(
    tmp_path: Path, url: str, without: str | None
) -> None:
    found = without_password(url_of(load(tmp_path, f"database: '{url}'\n")))
    assert found == (without or "postgresql:///vpp?user=bridge&host=/run/pg")


@pytest.mark.parametrize("deep", [1, 200])
@pytest.mark.parametrize("key", ["database", "listen", "public_url", "allow_http", "users_file"])
def test_what_is_nested_is_one_mistake_however_deeply(tmp_path: Path, key: str, deep: int) -> None:
    text = f"{key}: {'{x: ' * deep}x{'}' * deep}\n" + ("" if key == "database" else "database: a\n")
    with pytest.raises(ConfigError) as told:
        load(tmp_path, text)
    (mistake,) = told.value.mistakes
    assert mistake.endswith(f"config.yaml:1: {key}: must be one value, not a list or keys")
