"""A good configuration: what it is read to, what is warned about, what stays hidden."""

import codecs
import json
from pathlib import Path

import pytest

from bridge.config import ApiConfig, Config, Part, load_config
from bridge.domain.desired.desired import AppWish, Group
from bridge.domain.desired.match import Match
from bridge.domain.policy import DAY, HOUR, MIB, MINUTE, Policy
from bridge.errors import ConfigError

FULL = """\
database: data/bridge.db
listen: "[::1]:9100"
listen_outside: 0.0.0.0:9101
public_url: https://bridge.example.org/vpp/
api: {key: "${API_KEY}", read_key_file: read.key}
servers:
  main:
    kind: micromdm
    url: https://mdm.example.org:8443/
    api_key: mdm-hush-${SUFFIX}
    webhook_key: [hook-hush-new, hook-hush-old]
    forward_to: ["https://user:forward-hush@other.example.org/hook?x=1"]
  second:
    url: http://127.0.0.1:8080
    api_key_file: {directory}/second.key
    webhook_key_file: [new.key]
locations:
  hq: {content_token_file: hq.vpptoken}
  branch:
    content_token_file: /tokens/branch.vpptoken
    notification_url: https://proxy.example.org/apple
apple: {url: http://localhost:9100/mdm/v2/}
groups:
  kiosks: {serials: [c02xl0gyjgh5, 123456789012, 1e5, C02XL0GYJGH5]}
  everyone: {all: true}
apps:
  - {adam_id: 0361309726, groups: [everyone], location: hq}
  - adam_id: "42"
    name: No
    location: branch
    groups: [kiosks]
    exclude: [everyone, everyone]
    pricing_param: PLUS
    mode: license_only
    priority: -5
    bundle_id: com.example.app
policy:
  command: {in_doubt_after: 90s, window: 7}
  install: {max_per_minute: 60, license_retry: [0s, 1.5m, 100ms]}
  associate: {before_enrolment: true, retry: []}
  prompts: {quiet_hours: 22:00-07:00}
  limits: {mdm_body: 8 MiB, api_body: 2048, apple_body: 1KiB}
  retention: {events: 2h}
  sync:
  time_zone: Europe/Berlin
"""
ENVIRON = {"API_KEY": "api-hush", "SUFFIX": "tail"}


def write(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.fixture
def full(tmp_path: Path) -> Config:
    for name in ("read", "second", "new"):
        write(tmp_path / f"{name}.key", f"{name}-hush\n")
    write(tmp_path / "hq.vpptoken", "token")
    text = FULL.replace("{directory}", str(tmp_path))
    return load_config(write(tmp_path / "config.yaml", text), ENVIRON)


def minimal(tmp_path: Path, text: str = "database: b.db\n", **environ: str) -> Config:
    return load_config(write(tmp_path / "config.yaml", text), environ)


def test_where_things_are(full: Config, tmp_path: Path) -> None:
    assert full.path == tmp_path / "config.yaml"
    assert full.database == tmp_path / "data" / "bridge.db"
    assert full.listen == ("::1", 9100)
    assert full.listen_outside == ("0.0.0.0", 9101)
    assert full.public_url == "https://bridge.example.org/vpp"
    assert full.apple_url == "http://localhost:9100/mdm/v2"
    assert full.allow_http is False


def test_keys_come_from_the_file_a_variable_or_a_file_of_their_own(full: Config) -> None:
    assert full.api == ApiConfig(key="api-hush", read_key="read-hush")
    main, second = full.servers.values()
    assert (main.name, main.kind, main.url) == ("main", "micromdm", "https://mdm.example.org:8443")
    assert main.api_key == "mdm-hush-tail"
    assert main.webhook_keys == ("hook-hush-new", "hook-hush-old")
    assert main.forward_to == ("https://user:forward-hush@other.example.org/hook?x=1",)
    assert (second.kind, second.url) == ("micromdm", "http://127.0.0.1:8080")
    assert (second.api_key, second.webhook_keys) == ("second-hush", ("new-hush",))
    assert second.forward_to == ()


def test_no_secret_in_the_repr(full: Config) -> None:
    assert "hush" in FULL
    assert "hush" not in repr(full)


def test_locations_and_what_apple_is_told(full: Config, tmp_path: Path) -> None:
    hq, branch = full.locations.values()
    assert (hq.name, hq.content_token_file) == ("hq", tmp_path / "hq.vpptoken")
    assert branch.content_token_file == Path("/tokens/branch.vpptoken")
    assert full.notification_url("hq") == "https://bridge.example.org/vpp/hooks/apple/hq"
    assert full.notification_url("branch") == "https://proxy.example.org/apple"


def test_wishes_keep_the_text_of_their_numbers(full: Config) -> None:
    assert full.desired.groups == (
        Group("kiosks", ("C02XL0GYJGH5", "123456789012", "1E5")),
        Group("everyone", all=True),
    )
    assert full.desired.apps == (
        AppWish("0361309726", ("everyone",), "hq"),
        AppWish(
            adam_id="42",
            groups=("kiosks",),
            location="branch",
            name="No",
            exclude=("everyone",),
            pricing_param="PLUS",
            mode="license_only",
            priority=-5,
            bundle_id="com.example.app",
        ),
    )


def test_policy_is_the_default_but_for_what_is_written(full: Config) -> None:
    policy, default = full.policy, Policy()
    assert (policy.command.in_doubt_after, policy.command.window) == (90.0, 7)
    assert policy.call.retry == default.call.retry
    assert policy.install.max_per_minute == 60
    assert policy.install.license_retry == (0.0, 1.5 * MINUTE, 0.1)
    assert policy.associate.before_enrolment is True
    assert policy.associate.retry == ()
    assert policy.prompts.quiet_hours == "22:00-07:00"
    assert policy.limits.mdm_body == 8 * MIB
    assert (policy.limits.api_body, policy.limits.apple_body) == (2048, 1024)
    assert policy.retention.events == 2 * HOUR
    assert policy.sync == default.sync
    assert policy.device.silent_after == 14 * DAY
    assert policy.time_zone == "Europe/Berlin"


def test_null_unsets_a_policy_that_may_be_unset(tmp_path: Path) -> None:
    text = "database: b\npolicy: {install: {max_per_minute: null}, prompts: {quiet_hours: ~}}\n"
    assert minimal(tmp_path, text).policy == Policy()


def test_only_a_database_is_enough_to_look_but_not_to_serve(tmp_path: Path) -> None:
    config = minimal(tmp_path)
    assert (config.servers, config.locations, config.api) == ({}, {}, ApiConfig())
    assert (config.listen, config.public_url) == (("127.0.0.1", 9008), None)
    assert config.listen_outside is None
    assert config.apple_url == "https://vpp.itunes.apple.com/mdm/v2"
    assert config.warnings == ()
    config.require()
    with pytest.raises(ConfigError) as caught:
        config.require("servers", "locations", "api")
    at = f"{config.path}:1: "
    assert caught.value.mistakes == (
        f"{at}servers: none is configured; write servers: and under it a name with url:, "
        "api_key: and webhook_key:",
        f"{at}locations: none is configured; write locations: and under it a name with "
        "content_token_file:",
        f"{at}api.key: missing; write key: ${{BRIDGE_API_KEY}} under api: and set that variable",
    )


def test_nothing_required_is_missing_in_a_full_file(full: Config) -> None:
    full.require("servers", "locations", "api")


@pytest.mark.parametrize("part", ["servers", "locations", "api"])
def test_each_part_is_required_by_itself(tmp_path: Path, part: Part) -> None:
    with pytest.raises(ConfigError, match=part) as caught:
        minimal(tmp_path).require(part)
    assert len(caught.value.mistakes) == 1


def test_no_notification_url_without_a_public_one(tmp_path: Path) -> None:
    write(tmp_path / "t", "token")
    text = "database: b\nlocations: {hq: {content_token_file: t}}\n"
    assert minimal(tmp_path, text).notification_url("hq") is None


def test_the_environment_overrides_the_file(tmp_path: Path) -> None:
    text = "database: ${UNSET}\nlisten: nonsense\npublic_url: ftp://x\n"
    config = minimal(
        tmp_path,
        text,
        BRIDGE_DATABASE="other.db",
        BRIDGE_LISTEN="0.0.0.0:80",
        BRIDGE_PUBLIC_URL="https://from.example.org",
    )
    assert config.database == tmp_path / "other.db"
    assert config.listen == ("0.0.0.0", 80)
    assert config.public_url == "https://from.example.org"


def test_the_environment_gives_what_the_file_leaves_out(tmp_path: Path) -> None:
    config = minimal(tmp_path, "", BRIDGE_DATABASE="/var/lib/bridge/$x.db")
    assert config.database == Path("/var/lib/bridge/$x.db")


def test_an_empty_override_overrides_nothing(tmp_path: Path) -> None:
    assert minimal(tmp_path, BRIDGE_DATABASE="").database == tmp_path / "b.db"


@pytest.mark.parametrize("indent", [None, 2, "\t"])
def test_json_is_a_configuration(tmp_path: Path, indent: int | str | None) -> None:
    name = "Pagés \N{SHAMROCK}\N{GRINNING FACE}"
    said = {
        "database": "b.db",
        "locations": {"hq": {"content_token_file": "t"}},
        "groups": {"everyone": {"all": True}},
        "apps": [{"adam_id": 5, "name": name, "groups": ["everyone"]}],
    }
    config = minimal(tmp_path, json.dumps(said, indent=indent))
    assert config.desired.apps[0].name == name
    assert config.desired.apps[0].adam_id == "5"


def test_a_byte_order_mark_and_crlf_are_no_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_bytes(codecs.BOM_UTF8 + b'{\r\n\t"database": "b.db"\r\n}\r\n')
    assert load_config(path, {}).database == tmp_path / "b.db"


def test_an_alias_stands_for_what_it_names(tmp_path: Path) -> None:
    text = "database: b\ngroups: {a: &some {serials: [X1]}, b: *some}\n"
    assert minimal(tmp_path, text).desired.groups == (Group("a", ("X1",)), Group("b", ("X1",)))


@pytest.mark.parametrize(
    ("address", "exposed"),
    [
        ("https://mdm.example.org", False),
        ("http://localhost:1", False),
        ("http://127.9.9.9", False),
        ("http://[::1]:80", False),
        ("http://mdm", True),
        ("http://10.0.0.1", True),
        ("http://127.0.0.1.example.org", True),
    ],
)
def test_plain_http_to_other_machines_only_with_a_warning(
    tmp_path: Path, address: str, exposed: bool
) -> None:
    path = write(tmp_path / "config.yaml", f"database: b\napple:\n  url: {address}\n")
    if exposed:
        with pytest.raises(ConfigError) as caught:
            load_config(path, {})
        assert caught.value.mistakes == (
            f"{path}:3: apple.url: is plain http; write https://…, or set allow_http: true",
        )
    path.write_text(path.read_text() + "allow_http: true\n")
    config = load_config(path, {})
    assert config.apple_url == address
    warning = f"{path}:3: apple.url: is plain http: keys travel readable; use https"
    assert config.warnings == ((warning,) if exposed else ())


SECRETS = """\
database: b
api: {key_file: api.key}
servers:
  main: {url: "https://m", api_key: in-place, webhook_key: also-in-place}
locations: {hq: {content_token_file: hq.vpptoken}}
"""


def test_secret_files_that_everyone_can_read_are_warned_about(tmp_path: Path) -> None:
    path = write(tmp_path / "config.yaml", SECRETS, 0o644)
    key = write(tmp_path / "api.key", "k", 0o444)
    token = write(tmp_path / "hq.vpptoken", "t", 0o604)
    everyone = "can be read by everyone on this machine; chmod 600"
    assert load_config(path, {}).warnings == (
        f"{path}:2: api.key_file: the file {everyone} {key}",
        f"{path}:4: servers.main.api_key: is written in a file that {everyone} {path}",
        f"{path}:5: locations.hq.content_token_file: the file {everyone} {token}",
    )
    for file in (path, key, token):
        file.chmod(0o640)
    assert load_config(path, {}).warnings == ()


def test_a_readable_file_without_keys_in_it_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path / "config.yaml", "database: b\napi: {key: '${K}'}\n", 0o644)
    assert load_config(path, {"K": "k"}).warnings == ()


def test_a_token_may_come_later(tmp_path: Path) -> None:
    path = write(tmp_path / "config.yaml", SECRETS.replace("key_file: api.key", ""))
    assert load_config(path, {}).warnings == (
        f'{path}:5: locations.hq.content_token_file: "hq.vpptoken" cannot be read yet '
        "(No such file or directory)",
    )


@pytest.mark.parametrize(("content", "key"), [("k\n", "k"), ("k", "k"), ("a b\r\n", "a b")])
def test_one_newline_ends_a_key_file(tmp_path: Path, content: str, key: str) -> None:
    (tmp_path / "k").write_bytes(content.encode())
    assert minimal(tmp_path, "database: b\napi: {key_file: k}\n").api.key == key


def test_a_file_of_serials_may_have_comments_doubles_and_foreign_line_ends(tmp_path: Path) -> None:
    text = "\ufeff# sales\r\nc02xl0gyjgh5  # Ann\r\n\r\nX2\rX3\nX2\n   \n"
    (tmp_path / "sales.txt").write_text(text, encoding="utf-8", newline="")
    said = "database: b\ngroups: {sales: {serials_file: sales.txt, serials: [X1, X3]}}\n"
    (group,) = minimal(tmp_path, said).desired.groups
    assert group == Group("sales", ("X1", "X3", "C02XL0GYJGH5", "X2"))


def test_an_empty_file_of_serials_is_warned_about(tmp_path: Path) -> None:
    (tmp_path / "sales.txt").write_text("# moved out\n")
    config = minimal(tmp_path, "database: b\ngroups: {sales: {serials_file: sales.txt}}\n")
    assert config.desired.groups == (Group("sales"),)
    assert config.warnings == (
        f'{tmp_path}/config.yaml:2: groups.sales.serials_file: "sales.txt" names no serial number, '
        "so nobody is in the group by it",
    )


def test_conditions_keep_the_text_of_their_versions(tmp_path: Path) -> None:
    match = "{product_name: iPad*, os_version: 17.10, model: ' M* ', name: Lab-*}"
    (group,) = minimal(tmp_path, f"database: b\ngroups: {{a: {{match: {match}}}}}\n").desired.groups
    assert group.match == Match("iPad*", "M*", "17.10", "Lab-*")


def test_an_app_may_have_several_locations_in_order(tmp_path: Path) -> None:
    for name in ("hq", "branch"):
        (tmp_path / name).write_text(f"token of {name}")
        (tmp_path / name).chmod(0o600)
    said = (
        "database: b\n"
        "locations: {hq: {content_token_file: hq}, branch: {content_token_file: branch}}\n"
        "groups: {a: {all: true}}\n"
        "apps: [{adam_id: 1, groups: [a], location: [branch, hq, branch]}, "
        "{adam_id: 2, groups: [a], location: [hq]}]\n"
    )
    first, second = minimal(tmp_path, said).desired.apps
    assert (first.location, first.fallbacks) == ("branch", ("hq",))
    assert (second.location, second.fallbacks) == ("hq", ())


def test_a_configuration_keeps_the_types_that_the_file_gives(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(
        "database: b\n"
        "locations: {hq: {content_token_file: t}}\n"
        "groups: {all: {all: true}}\n"
        "apps:\n"
        "  - adam_id: 1\n"
        "    groups: [all]\n"
        "    take_over: true\n"
        "    attributes: {Removable: false, AssociatedDomains: [a.example.org], VPNUUID: 12}\n"
        "    configuration:\n"
        "      text: plain words\n"
        "      secret: 'x${SECRET}'\n"
        "      empty: ''\n"
        "      quoted: '0123'\n"
        "      lines: |\n"
        "        one\n"
        "        two\n"
        "      port: 8443\n"
        "      below: -5\n"
        "      ratio: 1.50\n"
        "      tiny: 1e-3\n"
        "      on: true\n"
        "      deep: {list: [1, two, {three: 3}], nothing: {}}\n"
    )
    (app,) = load_config(path, {"SECRET": "${NOT_READ_AGAIN}"}).desired.apps
    assert app.take_over is True
    assert app.attributes == {
        "Removable": False,
        "AssociatedDomains": ["a.example.org"],
        "VPNUUID": "12",
    }
    assert json.dumps(app.configuration) == json.dumps(
        {
            "text": "plain words",
            "secret": "x${NOT_READ_AGAIN}",
            "empty": "",
            "quoted": "0123",
            "lines": "one\ntwo\n",
            "port": 8443,
            "below": -5,
            "ratio": 1.5,
            "tiny": 0.001,
            "on": True,
            "deep": {"list": [1, "two", {"three": 3}], "nothing": {}},
        }
    )


SERVER = "database: b.db\nservers:\n  main:\n    url: https://n\n    api_key: a-hush\n"


@pytest.mark.parametrize("kind", ["nanomdm", "nanohub"])
def test_three_lines_are_enough_beside_the_kind(tmp_path: Path, kind: str) -> None:
    main = minimal(tmp_path, f"{SERVER}    kind: {kind}\n    webhook_key: w-hush\n").servers["main"]
    assert (main.kind, main.webhook_keys, main.webhook_hmac_keys) == (kind, ("w-hush",), ())
    assert not main.signs_only


def test_signatures_instead_of_a_password_or_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "sign.key", "file-hush\n")
    nano = f"{SERVER}    kind: nanomdm\n"
    alone = minimal(tmp_path, f"{nano}    webhook_hmac_key: [new-hush, old-hush]\n")
    main = alone.servers["main"]
    assert (main.webhook_keys, main.webhook_hmac_keys) == ((), ("new-hush", "old-hush"))
    assert "hush" not in repr(alone)
    for with_key in (False, True):
        url = alone.webhook_url("main", with_key=with_key)
        assert url == "http://127.0.0.1:9008/hooks/mdm/main", "there is no password to show"
    text = f"{nano}    webhook_key: w-hush\n    webhook_hmac_key_file: sign.key\n"
    main = minimal(tmp_path, text).servers["main"]
    assert (main.webhook_keys, main.webhook_hmac_keys) == (("w-hush",), ("file-hush",))
    assert not main.signs_only


def test_who_only_looks_needs_no_key_to_show_the_address(tmp_path: Path) -> None:
    text = f"{SERVER}    kind: nanomdm\n    webhook_hmac_key: ${{UNSET}}\n"
    looked = load_config(write(tmp_path / "config.yaml", text), {}, needs=())
    assert looked.servers["main"].webhook_hmac_keys == ()
    assert looked.webhook_url("main") == "http://127.0.0.1:9008/hooks/mdm/main"
