"""A few flows once more, on a server without a queue view and a list of devices.

Each file takes the tests of another as they are; `tools/test --mdm=plain tests/flow` runs all.
"""

import pytest


@pytest.fixture(autouse=True)
def plain_server(plain: None) -> None:
    """Every scene has such a server."""
