"""Where it is read which devices a server has that cannot list them."""

from pathlib import Path

import pytest

from bridge.config import Config, load_config
from bridge.errors import ConfigError

FILE = """\
database: bridge.db
servers:
  main: {{kind: {kind}, url: "https://mdm.example.org", api_key: k, webhook_key: w, {rest}}}
"""


def load(folder: Path, rest: str, kind: str = "nanomdm") -> Config:
    path = folder / "config.yaml"
    path.write_text(FILE.format(kind=kind, rest=rest))
    path.chmod(0o600)
    return load_config(path, {"DSN": "nano:hunter2@tcp(db:3306)/mdm"})


def test_a_file_and_a_database_are_named(tmp_path: Path) -> None:
    main = load(tmp_path, "devices_file: some/devices.csv, enrollments_dsn: '${DSN}'")
    server = main.servers["main"]
    assert server.devices_file == tmp_path / "some" / "devices.csv", "it need not be there yet"
    assert server.enrollments_dsn == "nano:hunter2@tcp(db:3306)/mdm"
    assert server.has_enrollments_dsn and "hunter2" not in repr(main)


def test_the_database_may_be_in_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "dsn"
    secret.write_text("postgres://reader:hunter2@db/mdm\n")
    secret.chmod(0o600)
    server = load(tmp_path, "enrollments_dsn_file: dsn").servers["main"]
    assert server.enrollments_dsn == "postgres://reader:hunter2@db/mdm"


def test_an_address_that_is_none_is_not_repeated(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as raised:
        load(tmp_path, "enrollments_dsn: 'ftp://nano:hunter2@db/mdm'")
    (said,) = raised.value.mistakes
    assert "servers.main.enrollments_dsn" in said and "is no address of a database" in said
    assert "hunter2" not in said


@pytest.mark.parametrize("key", ["devices_file", "enrollments_dsn"])
def test_a_server_that_lists_its_devices_needs_neither(tmp_path: Path, key: str) -> None:
    config = load(tmp_path, f"{key}: postgres://db/mdm", kind="micromdm")
    assert any(key in line and "MicroMDM lists its devices" in line for line in config.warnings)
    server = config.servers["main"]
    assert (server.devices_file, server.has_enrollments_dsn) == (None, False)


@pytest.mark.parametrize(("text", "limit"), [("0", 0), ("7", 7), ("-1", None), ("many", None)])
def test_the_limit_of_those_that_show_up_may_be_none(
    tmp_path: Path, text: str, limit: int | None
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"database: bridge.db\npolicy: {{apply: {{unseen_limit: {text}}}}}\n")
    if limit is None:
        with pytest.raises(ConfigError, match="unseen_limit"):
            load_config(path, {})
    else:
        assert load_config(path, {}).policy.apply.unseen_limit == limit
