"""The scripts in findings/: that each can be run, says what it is about, and is listed."""

import os
import re
import subprocess
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "findings"
SCRIPTS = sorted(FOLDER.glob("*.sh"))


def test_all_are_listed() -> None:
    listed = re.findall(r"^\| \[([^]]+)\]\(\1\)", (FOLDER / "README.md").read_text(), re.MULTILINE)
    assert listed == [script.name for script in SCRIPTS]
    assert len(SCRIPTS) >= 3


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_script_can_be_run_and_says_what_it_is_about(script: Path) -> None:
    text = script.read_text()
    assert os.access(script, os.X_OK)
    subprocess.run(["sh", "-n", script], check=True)
    header = text.partition("\nset -eu\n")[0]
    assert re.search(r"^# .*\d+\.\d+", header, re.MULTILINE), "the versions"
    assert re.search(r"^# Seen on \d{4}-\d\d-\d\d:\n#   ", header, re.MULTILINE)
    assert "# Exits 0 while this is so, 1 when it is not." in header
    assert "mktemp -d" in text and "rm -rf" in text
    assert not re.search(r"^\s*(from|import) bridge\b", text, re.MULTILINE), "none of our code"
