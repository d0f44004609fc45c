"""Every kind of mistake and the line that a person gets for it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.config import load_config
from bridge.config.load import TOP_KEYS
from bridge.errors import ConfigError

TABLE = (Path(__file__).parent / "test_mistakes.txt").read_text("utf-8")
LONG = "x" * 503
HINT = "look at this line and the one before; quote values with special signs"
TOO_LONG = "is longer than Apple's 512 characters; write a shorter one"
ODD = [
    (
        f"locations: {{hq: {{content_token_file: t, notification_url: 'https://a/{LONG}'}}}}",
        [f"2: locations.hq.notification_url: {TOO_LONG}"],
    ),
    (
        f"public_url: https://a/{LONG[15:]}\nlocations: {{hq: {{content_token_file: t}}}}",
        [f"3: locations.hq: its notification URL {TOO_LONG}"],
    ),
    (
        "\tlisten: x",
        [
            "2: not valid YAML: while scanning for the next token, found character '\\t' that "
            f"cannot start any token; {HINT}"
        ],
    ),
    ("listen: \0", ["2: not valid YAML: a control character; remove it"]),
    ("apps: " + "[" * 5000, ["1: not valid YAML: nested too deeply"]),
]
"""What cannot be shown in the table."""

ENVIRON = {"EMPTY": "", "HUSH": "a-very-hush-value"}


def mistakes(path: Path, environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(path, environ)
    assert str(caught.value) == "\n".join(caught.value.mistakes)
    return caught.value.mistakes


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "lines").write_text("hush\n\n")
    (tmp_path / "serials").write_text("X1\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\n")
    return tmp_path / "config.yaml"


def rows() -> Iterator[tuple[str, list[str]]]:
    for block in TABLE.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("# ")]
        expected = [line[3:] for line in lines if line.startswith("=> ")]
        if expected:
            yield "\n".join(line for line in lines if not line.startswith("=> ")), expected
    yield from ODD


@pytest.mark.parametrize(
    ("text", "expected"), [pytest.param(*row, id=row[1][0][:70]) for row in rows()]
)
def test_each_mistake_has_its_line(path: Path, text: str, expected: list[str]) -> None:
    path.write_text(f"database: b\n{text}\n")
    said = mistakes(path, ENVIRON)
    assert said == tuple(f"{path}:{line}" for line in expected)
    assert not any("hush" in line or "\n" in line for line in said)


def test_all_mistakes_at_once_in_the_order_of_the_file(path: Path) -> None:
    path.write_text(
        "policy: {verify: {first_after: 15}}\n"
        "apps:\n  - {adam_id: x, groups: [all]}\n"
        "groups: {everyone: {al: true}}\n"
        "locations: {hq: {content_token: t}}\n"
        "servers: {main: {url: 'http://mdm', api_key: '${NOWHERE}', webhook_key: k}}\n"
        "api: {key: k}\n"
        "listen: 80\n"
    )
    assert [line.removeprefix(f"{path}:").split(": ")[:2] for line in mistakes(path, {})] == [
        ["1", "database"],
        ["1", "policy.verify.first_after"],
        ["3", "apps.0.adam_id"],
        ["3", "apps.0.groups.0"],
        ["4", "groups.everyone.al"],
        ["5", "locations.hq.content_token"],
        ["5", "locations.hq.content_token_file"],
        ["6", "servers.main.api_key"],
        ["6", "servers.main.webhook_key"],
        ["6", "servers.main.url"],
        ["8", "listen"],
    ]


def test_a_bad_line_of_a_file_of_serials_has_the_name_and_line_of_that_file(path: Path) -> None:
    text = "X1\r\n\r\n# kiosks\r\nno good\r\nX2,Lobby\r\nUnknown\r\n"
    (path.parent / "sales.txt").write_text(text, newline="")
    path.write_text(
        "database: b\ngroups:\n  sales: {serials_file: sales.txt}\n  a: {al: true}\nlisten: 80\n"
    )
    wrong = "is not a serial number; write 1 to 64 of A-Z, 0-9 and -"
    assert mistakes(path, {})[:4] == (
        f'{path.parent}/sales.txt:4: groups.sales.serials_file: "no good" {wrong}',
        f'{path.parent}/sales.txt:5: groups.sales.serials_file: "X2,Lobby" {wrong}',
        f'{path.parent}/sales.txt:6: groups.sales.serials_file: "Unknown" is what devices tell '
        "that have no serial number; take it out",
        f"{path}:4: groups.a.al: unknown key; did you mean all?",
    )


@pytest.mark.parametrize("text", ["", "# nothing\n", "{}", "~"])
def test_an_empty_file_lacks_its_database(path: Path, text: str) -> None:
    path.write_text(text)
    assert mistakes(path, {}) == (f"{path}:1: database: missing; write database: bridge.db",)


def test_an_override_is_named_with_its_mistake(path: Path) -> None:
    path.write_text("database: b\nlisten: 127.0.0.1:1\n")
    environ = {"BRIDGE_LISTEN": "80", "BRIDGE_PUBLIC_URL": "http://hush@example.org"}
    assert mistakes(path, environ) == (
        f"{path}:1: public_url: must not hold a user or password; write the address without them "
        "(from the environment variable BRIDGE_PUBLIC_URL)",
        f'{path}:2: listen: "80" is not an address to listen on; write host:port, like '
        "127.0.0.1:9008 (from the environment variable BRIDGE_LISTEN)",
    )


def test_a_missing_file_is_one_line_with_the_name_as_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert mistakes(Path("no/config.yaml"), {}) == (
        "no/config.yaml: no such file; name one with --config FILE or BRIDGE_CONFIG",
    )


def test_a_directory_is_no_file(tmp_path: Path) -> None:
    assert mistakes(tmp_path, {}) == (
        f"{tmp_path}: cannot be read (Is a directory); name a file with --config FILE",
    )


def test_a_file_in_another_encoding(path: Path) -> None:
    path.write_bytes(b"database: b\nlisten: \xe4\n")
    assert mistakes(path, {}) == (f"{path}:2: not valid YAML: not UTF-8; save it as UTF-8",)


@pytest.mark.parametrize("key", ["key", "a\nb", "\x1b[31m", "x" * 100])
def test_a_strange_key_stays_on_one_short_line(path: Path, key: str) -> None:
    path.write_text("database: b\n? " + json.dumps(key) + "\n: x\n")
    (line,) = mistakes(path, {})
    assert line.isprintable()
    assert len(line) < len(str(path)) + len(", ".join(TOP_KEYS)) + 160
