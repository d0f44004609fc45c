"""Every block of commands and of configuration in the documentation is what it claims to be.

What commands print is held where they are run: docs/how-to.md by tests/flow/test_how_to.py, the
steps of the README by tests/real/test_init.py, proxies by tests/flow/test_proxies.py. Here each
command is parsed by the command line itself, each configuration loaded, and each link followed.
"""

from __future__ import annotations

import configparser
import json
import os
import re
import shlex
import subprocess
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml

from bridge.cli import cli
from bridge.config import load_config
from bridge.errors import NoDatabase

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "tools/api/README.md")
)
OF_SCRIPTS = "tools/api/README.md"
ELSEWHERE = {"docs/commands.md", "docs/api.md", OF_SCRIPTS}
"""Made from the code, as tests/unit/test_docs.py holds; the scripts are run by
tests/flow/test_api_scripts.py."""

FENCE = re.compile(r"^([ ]*)```(\w*)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)
OF_THE_SYSTEM = set(
    "alias cat cd chmod chown cp curl docker echo export jq kubectl mkdir openssl python3 set "
    "systemctl useradd micromdm".split()
)
KINDS = {"", "caddy", "console", "ini", "json", "nginx", "sh", "sql", "yaml"}


class Block(NamedTuple):
    """A fenced block, with the line at which it begins."""

    page: str
    line: int
    kind: str
    text: str


def blocks(page: str) -> Iterator[Block]:
    """The blocks of a page, as far out as their fences are."""
    text = (ROOT / page).read_text()
    for found in FENCE.finditer(text):
        line = text.count("\n", 0, found.start()) + 1
        yield Block(page, line, found[2], textwrap.dedent(found[3]))


ALL = [block for page in PAGES if page not in ELSEWHERE for block in blocks(page)]


def named(*kinds: str) -> Any:
    """The blocks of these kinds, one test for each."""
    chosen = [block for block in ALL if block.kind in kinds]
    return pytest.mark.parametrize(
        "block", chosen, ids=[f"{each.page}:{each.line}" for each in chosen]
    )


def test_every_block_has_a_kind_that_is_tried() -> None:
    assert len(ALL) > 60
    assert not [(each.page, each.line, each.kind) for each in ALL if each.kind not in KINDS]


# --- commands


def command_lines(block: Block) -> list[str]:
    """The commands: all of a block of sh; elsewhere what follows `$ `, or begins with a program of
    ours. A line that ends with a backslash goes on in the next."""
    lines = re.sub(r"\\\n\s*", " ", block.text).splitlines()
    if block.kind == "sh":
        return [line for line in lines if line.strip() and not line.startswith("#")]
    ours = [line[2:] for line in lines if line.startswith("$ ")]
    return ours or [line for line in lines if re.match(r"(tools/|vpp-bridge |curl )", line)]


def simple_commands(line: str) -> Iterator[list[str]]:
    """The words of each command of a line, without what is piped or chained together."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|<>")
    lexer.whitespace_split = True
    words: list[str] = []
    for word in lexer:
        if set(word) <= set(";&|"):
            yield words
            words = []
        elif word != "then":
            words.append(word)
    yield words


def parse(words: list[str]) -> None:
    """Have the command line parse what follows `vpp-bridge`, and do nothing; raises UsageError. The
    name of an app cannot be looked up without a database, and is believed."""
    if words == ["--version"]:
        return
    try:
        parse_all(words)
    except click.BadParameter as error:
        if not isinstance(error.__context__, NoDatabase):
            raise


def parse_all(words: list[str]) -> None:
    context = cli.make_context("vpp-bridge", list(words))
    command: click.Command = cli
    rest = [*context._protected_args, *context.args]
    while isinstance(command, click.Group) and rest:
        name, found, rest = command.resolve_command(context, rest)
        assert found is not None
        command = found
        if isinstance(command, click.Group):
            context = command.make_context(name, rest, parent=context)
            rest = [*context._protected_args, *context.args]
        else:
            command.make_context(name, rest, parent=context)


def try_command(words: list[str]) -> None:
    """Fails on a command that does not exist, or does not take what it is given."""
    while words and re.fullmatch(r"\w+=.*", words[0]):
        words = words[1:]
    if words and words[0] == "sudo":
        words = words[1:]
    if words and words[0] == "systemd-run":
        words = words[
            next(i for i, word in enumerate(words) if re.search(r"(^|/)vpp-bridge$", word)) :
        ]
    if words[:2] == ["docker", "compose"]:
        return try_compose(words[2:])
    if words[:1] == ["kubectl"] and "--" in words:
        words = words[words.index("--") + 1 :]
    if not words or words[0] == "." or words[0].endswith("/pip"):
        return None
    program = words[0].rpartition("/")[2] if words[0].endswith("/vpp-bridge") else words[0]
    if program in ("vpp-bridge", "bridge"):
        return parse(words[1:])
    if program.startswith("tools/"):
        assert os.access(ROOT / program, os.X_OK), program
        if program == "tools/demo":
            parse(["demo", *words[1:]])
        return None
    assert program in OF_THE_SYSTEM, f"nobody knows how to try {program}"
    return None


def try_compose(words: list[str]) -> None:
    """`docker compose` names a file that there is, and services that stand in it."""
    path = ROOT / "compose.yaml"
    if words[0] == "-f":
        path, words = ROOT / "docs" / "deploy" / words[1], words[2:]
    services = yaml.safe_load(path.read_text())["services"]
    if words[0] == "exec":
        assert words[1] in services
        parse(words[3:])
    else:
        assert words[0] in ("up", "down"), words


@pytest.mark.parametrize("page", sorted(set(PAGES) - ELSEWHERE))
def test_every_command_on_a_line_of_its_own_is_one_that_there_is(page: str) -> None:
    """The other form of a block: four spaces, and no fence."""
    text = FENCE.sub("", (ROOT / page).read_text())
    for line in re.findall(r"^ {4}(vpp-bridge .+|tools/.+)$", text, re.MULTILINE):
        for words in simple_commands(line.partition(" # ")[0].strip()):
            try_command(words)


@named("sh", "console", "")
def test_every_command_is_one_that_there_is(block: Block) -> None:
    for line in command_lines(block):
        line = line.partition(" # ")[0].strip().replace("<(", "(")
        for words in simple_commands(line):
            if words and words[0] not in ("#", "..."):
                try_command([word for word in words if word not in ("…",)])


def test_every_script_for_the_api_that_is_named_is_there() -> None:
    page = ROOT / OF_SCRIPTS
    scripts = set(re.findall(r"(?<!\.)\./(\w+)", "".join(each.text for each in blocks(OF_SCRIPTS))))
    assert len(scripts) > 15
    assert not [name for name in scripts if not os.access(page.parent / name, os.X_OK)]


@named("sh")
def test_every_script_is_one(block: Block) -> None:
    checked = subprocess.run(
        ["bash", "-n"], input=block.text, text=True, capture_output=True, check=False
    )
    assert checked.returncode == 0, checked.stderr


# --- configuration

BASE: Mapping[str, Any] = {
    "database": "bridge.db",
    "api": {"key": "an-api-key"},
    "servers": {
        "main": {"url": "https://mdm.example.org", "api_key": "a-key", "webhook_key": "another-key"}
    },
    "locations": {"hq": {"content_token_file": "hq.vpptoken"}},
}
"""What a block may leave out."""

FILES = {
    "hq.vpptoken": (ROOT / "tests/samples/content-token.vpptoken").read_text(),
    "sales.txt": "C02XL0GYJGH5\n",
    "on-call.url": "https://chat.example.org/hook\n",
}
VARIABLE = re.compile(r"\$\{(\w+)\}")


def load(text: str, folder: Path) -> None:
    """Load what a block says, with what it leaves out; raises ConfigError, or fails on a mistake in
    its groups and apps."""
    for name, content in FILES.items():
        (folder / name).touch(0o600)
        (folder / name).write_text(content)
    said = yaml.safe_load(text)
    named = {group for app in said.get("apps", []) for group in app["groups"]}
    left_out = dict(BASE) | {"groups": {group: {"all": True} for group in named}}
    if "http://" in text:
        left_out["allow_http"] = True
    head = [f"{key}: {json.dumps(value)}" for key, value in left_out.items() if key not in said]
    path = folder / "config.yaml"
    path.touch(0o600)
    path.write_text("\n".join([*head, text]))
    environment = {name: f"value-of-{name.lower()}" for name in VARIABLE.findall(text)}
    if "BRIDGE_CHAT_URL" in environment:
        environment["BRIDGE_CHAT_URL"] = "https://chat.example.org/hook"
    if "BRIDGE_DATABASE" in environment:
        environment["BRIDGE_DATABASE"] = "postgresql://bridge@db.example.org/bridge"
    loaded = load_config(path, environment)
    assert not loaded.mistakes, loaded.mistakes


@named("yaml")
def test_every_configuration_is_one_that_the_bridge_takes(block: Block, tmp_path: Path) -> None:
    load(block.text, tmp_path)


@named("json")
def test_every_answer_is_one(block: Block) -> None:
    json.loads(block.text)


@named("ini")
def test_every_setting_of_a_unit_or_of_an_environment_has_a_value(block: Block) -> None:
    parser = configparser.ConfigParser(strict=False)
    parser.read_string(block.text if block.text.startswith("[") else f"[it]\n{block.text}")
    values = [value for section in parser.sections() for value in parser[section].values()]
    assert values and all(values)


# --- links

LINK = re.compile(r"(?<!\\)\]\(([^)#\s]*)(?:#([^)\s]+))?\)")


def anchors(path: Path) -> set[str]:
    """What can be linked to within a page, as GitHub names it."""
    text = FENCE.sub("", path.read_text())
    found = set(re.findall(r'<a id="([^"]+)">', text))
    for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE):
        plain = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).replace("`", "").lower()
        found.add(re.sub(r"[^\w\- ]", "", plain).strip().replace(" ", "-"))
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    source = ROOT / page
    for target, anchor in LINK.findall(FENCE.sub("", source.read_text())):
        if target.startswith(("http://", "https://")):
            continue
        path = (source.parent / target).resolve() if target else source
        assert path.exists(), target
        if anchor:
            assert anchor in anchors(path), f"{target}#{anchor}"


def test_every_page_is_linked_from_the_readme() -> None:
    readme = (ROOT / "README.md").read_text()
    for page in PAGES:
        assert page == "README.md" or f"]({page})" in readme, page


def test_every_page_has_a_place_in_the_site() -> None:
    site = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    there = {
        page
        for part in site["nav"]
        for rows in part.values()
        for row in rows
        for page in row.values()
    }
    assert {page.removeprefix("docs/") for page in PAGES if page.startswith("docs/")} <= there
