"""The documentation says what the code says."""

import ast
import re
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import pytest
from click import Command

from bridge.cli import cli
from bridge.cli.commands import COMMANDS, HIDDEN
from bridge.domain.catalogue import (
    APPLE_ERRORS,
    MDM_ERRORS,
    REJECTIONS,
    STATUSES,
    STORE_ERRORS,
    TREATMENTS,
)
from bridge.domain.model import INSTALL_STATES
from bridge.domain.reasons import REASONS

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The pages as the code would have them."""
    spec = spec_from_file_location("write_docs", ROOT / "tools" / "write_docs.py")
    assert spec is not None and spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    made: dict[str, str] = module.pages()
    return made


@pytest.mark.parametrize("page", ["reasons.md", "answers.md", "commands.md", "api.md", "alerts.md"])
def test_a_page_is_as_the_code_has_it(pages: dict[str, str], page: str) -> None:
    written = (ROOT / "docs" / page).read_text()
    assert written == pages[page], "run tools/docs"


def test_every_reason_has_a_row_of_its_own(pages: dict[str, str]) -> None:
    rows = re.findall(r"^\| `(\w+)` \| ([\w, ]+) \| .+ \| .+ \| .+ \|$", pages["reasons.md"], re.M)
    assert [name for name, _ in rows] == sorted(REASONS)
    assert not re.search(r"[{}]", pages["reasons.md"])
    for name, states in rows:
        assert states.split(", ") == list(REASONS[name].states)


def test_every_word_of_a_device_has_a_row_of_its_own(pages: dict[str, str]) -> None:
    rows = re.findall(
        r"^\| ([A-Z][\w. ]*?)(?: \(said once\))? \|(?: [^|]+ \|){5}$", pages["answers.md"], re.M
    )
    errors = [f"MDMErrorDomain {code}" for code in MDM_ERRORS]
    errors += [f"{domain} {code}" for domain, code in STORE_ERRORS]
    assert rows == [*errors, *STATUSES, *REJECTIONS, "CommandFormatError"]


def test_every_command_has_its_help_there(pages: dict[str, str]) -> None:
    titles = re.findall(r"^## vpp-bridge (\w[\w-]*)$", pages["commands.md"], re.M)
    assert titles == list(COMMANDS)
    assert not any(name in pages["commands.md"] for name in HIDDEN)


def test_every_command_stands_in_the_readme_and_has_help() -> None:
    readme = (ROOT / "README.md").read_text()
    for name in COMMANDS:
        command = cli.get_command(None, name)  # type: ignore[arg-type]
        assert isinstance(command, Command)
        assert command.help
        assert f"| `{name}" in readme, name


def decided(source: str) -> Iterator[tuple[str, str]]:
    """The (state, reason) of every decision that a module writes out."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Decision":
            state, reason = node.args[:2]
            branches = [reason.body, reason.orelse] if isinstance(reason, ast.IfExp) else [reason]
            for each in branches:
                if isinstance(state, ast.Constant) and isinstance(each, ast.Constant):
                    yield str(state.value), str(each.value)


def test_reasons_name_the_states_that_are_decided() -> None:
    modules = (ROOT / "bridge" / "domain" / "decide").glob("*.py")
    found = {pair for path in modules for pair in decided(path.read_text())}
    assert len(found) > 40
    known = {(state, name) for name, reason in REASONS.items() for state in reason.states}
    assert found <= known
    # The others are decided by what a catalogue, or a location, says.
    told = {name for each in TREATMENTS.values() for name in (each.reason, each.at_last)}
    told.add("ANSWER_UNREADABLE")  # domain/asking.py puts it in place of another reason
    for state, name in known - found:
        assert name in told or state in ("waiting", "failed", "licensed", "installing"), name


def test_what_is_impossible_is_failed_and_what_stops_waits() -> None:
    for error in APPLE_ERRORS.values():
        states: Any = REASONS[error.reason].states
        if error.kind == "impossible":
            assert "failed" in states, error.reason
        if error.kind in ("stop", "back_off"):
            assert states == ("waiting",), error.reason


def test_every_state_has_a_reason() -> None:
    explained = {state for reason in REASONS.values() for state in reason.states}
    assert explained == set(INSTALL_STATES)


def glossary() -> list[tuple[str, str, str, str]]:
    """The rows of the glossary: word, meaning, public words, and where it is at home."""
    rows = re.findall(
        r"^\| ([^|]+) \| ([^|]+) \| ([^|]*) ?\| ([^|]+) \|$",
        (ROOT / "docs" / "glossary.md").read_text(),
        re.M,
    )
    return [row for row in rows if row[0] not in ("word", "---") and not row[0].startswith("--")]


def test_a_word_of_the_glossary_has_one_meaning_and_is_at_home_somewhere() -> None:
    rows = glossary()
    words = [row[0] for row in rows]
    assert len(words) > 30 and len(set(words)) == len(words)
    tables = re.findall(
        r"CREATE TABLE (\w+)",
        "".join(path.read_text() for path in ROOT.glob("bridge/store/migrations/*.sql")),
    )
    for word, _, _, home in rows:
        named = re.findall(r"(table )?`([^`]+)`", home)
        assert named, word
        for is_table, name in named:
            assert name in tables if is_table else (ROOT / "bridge" / name).is_file(), (word, name)


PRIVATE = ("lane", "nudge", "scout", "wave", "cutting", "stops", "holder", "unwished", "allot")


def test_no_module_and_no_table_has_a_name_of_our_own() -> None:
    names = [path.stem for path in (ROOT / "bridge").rglob("*.py")]
    schema = "".join(path.read_text() for path in ROOT.glob("bridge/store/migrations/*.sql"))
    names += re.findall(r"^(?:CREATE TABLE|    )(?: )?(\w+) ", schema, re.M)
    assert not [name for name in names if set(name.rstrip("s").split("_")) & set(PRIVATE)]


@pytest.mark.parametrize("page", ["README.md", "docs/design.md"])
def test_the_glossary_is_linked(page: str) -> None:
    assert "glossary.md" in (ROOT / page).read_text()


def test_every_step_of_the_tours_is_there() -> None:
    """Whoever follows a tour finds each file, and each function in it."""
    design = (ROOT / "docs" / "design.md").read_text()
    tours = design.partition("## Two tours\n")[2].partition("\n## ")[0]
    steps = re.findall(r"`(\w[\w/]*\.py)`((?:[\s,]+`\w+`)*)", tours)
    assert len(steps) > 15
    for file, functions in steps:
        tree = ast.parse((ROOT / "bridge" / file).read_text())
        there = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert set(re.findall(r"`(\w+)`", functions)) <= there, file
