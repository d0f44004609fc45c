"""The demonstration with a real MDM server of each kind."""

import re
import subprocess
import sys

import pytest

pytestmark = [pytest.mark.real, pytest.mark.slow]


@pytest.mark.parametrize(
    ("mdm", "name"), [("micromdm", "MicroMDM"), ("nanomdm", "NanoMDM"), ("nanohub", "NanoHUB")]
)
def test_a_demonstration_with_a_real_server_ends_well(mdm: str, name: str) -> None:
    options = ["--mdm", mdm, "--devices", "3", "--apps", "2", "--faults", "--kills", "1"]
    run = subprocess.run(
        [sys.executable, "-m", "bridge", "demo", *options],
        check=False,
        capture_output=True,
        text=True,
    )
    told = run.stdout
    assert run.returncode == 0, told + run.stderr
    assert f"and {name}, a real one, http://127.0.0.1:" in told
    assert re.search(r"^Pages +361309726 +3 of 3 +\d", told, re.M)
    assert "1 device that said NotNow" in told
    assert "lost command" not in told, "a real server loses commands by itself only"
    assert told.rstrip().splitlines()[-1].startswith("Done: 2 apps really installed on all 3")
    assert not run.stderr
